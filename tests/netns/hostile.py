"""A hostile router: adverts of every kind, right but for what a test makes wrong, and a host that puts them onto the wire."""
import hashlib
import hmac
import socket
import threading
import time

from scapy.layers.inet import IP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.packet import Raw
from scapy.utils import checksum

HOSTILE, HOSTILE_V6 = "192.168.8.66", "2001:db8:8::66"
GROUP, GROUP_V6 = "224.0.0.18", "ff02::12"
CS6 = 0xc0


def header(source, to, ttl, length=None, proto=112):
    if ":" in to:
        return IPv6(src=source, dst=to, hlim=ttl, nh=proto, tc=CS6, plen=length)
    return IP(src=source, dst=to, ttl=ttl, proto=proto, tos=CS6, id=1, len=length)


def damaged(packet, wrong_checksum):
    """The bytes of a packet, with its checksum (of VRRP) off by one if it is to be wrong."""
    data = bytearray(bytes(packet))
    if wrong_checksum:
        data[(40 if data[0] >> 4 == 6 else 20) + 7] ^= 1
    return bytes(data)


def v3(router=51, source=HOSTILE, to=GROUP, ttl=255, priority=200, interval=10, addresses=("192.168.8.200",), count=None,
       version=3, kind=1, plain_checksum=False, wrong_checksum=False, padding=b"", tail=0):
    """Version 3, IPv4 or IPv6 by its addresses. interval is in centiseconds; padding is behind the IP packet, a tail within."""
    message = VRRPv3(version=version, type=kind, vrid=router, priority=priority, adv=interval, ipcount=count,
                     addrlist=list(addresses))
    if plain_checksum:
        message.chksum = checksum(bytes(header(source, to, ttl) / VRRPv3(
            version=version, type=kind, vrid=router, priority=priority, adv=interval, ipcount=count, chksum=0,
            addrlist=list(addresses)))[20:])
    packet = damaged(header(source, to, ttl) / message, wrong_checksum)
    if tail:
        packet = bytes(header(source, to, ttl) / Raw(packet[40 if ":" in to else 20:] + bytes(tail)))
    return packet + padding


def v6(router=55, source="fe80::66", to=GROUP_V6, addresses=("fe80::200", "2001:db8:8::200"), **more):
    return v3(router=router, source=source, to=to, addresses=addresses, **more)


def v2_message(router, priority=200, interval=1, addresses=("192.168.8.201",), count=None, version=2, kind=1, auth=0,
               password=b""):
    words = password.ljust(8, b"\0")
    return VRRP(version=version, type=kind, vrid=router, priority=priority, adv=interval, ipcount=count, authtype=auth,
                addrlist=list(addresses), auth1=int.from_bytes(words[:4], "big"), auth2=int.from_bytes(words[4:], "big"))


def v2(router=52, source=HOSTILE, to=GROUP, ttl=255, wrong_checksum=False, cut=0, **more):
    """Version 2. interval is in seconds; cut bytes are missing at its end."""
    message = bytes(v2_message(router, **more))
    return damaged(header(source, to, ttl) / Raw(message[:len(message) - cut]), wrong_checksum)


def ah(counter, key=b"", router=54, source=HOSTILE, to=GROUP, ttl=255, next_header=112, addresses=("192.168.8.203",),
       **more):
    """Version 2 within AH, as keepalived does it: the TTL counts in the check value of multicast alone."""
    message = bytes(v2_message(router, auth=2, addresses=addresses, **more))
    spi = socket.inet_aton(source)
    front = bytes([next_header, 4, 0, 0]) + spi + counter.to_bytes(4, "big")
    packet = bytes(header(source, to, ttl, proto=51) / Raw(front + bytes(12) + message))
    covered = bytearray(packet)
    covered[1] = 0
    covered[6:8] = covered[10:12] = bytes(2)
    if not is_multicast(to):
        covered[8] = 0
    value = hmac.new(key, bytes(covered), hashlib.md5).digest()[:12]
    return packet[:32] + value + packet[44:]


def fragments(packet):
    """An IP packet in pieces that fit onto the wire."""
    if packet[0] >> 4 == 6:
        whole = IPv6(packet)
        front = IPv6(src=whole.src, dst=whole.dst, hlim=whole.hlim, tc=CS6) / IPv6ExtHdrFragment(id=7, nh=whole.nh)
        return [bytes(one) for one in fragment6(front / Raw(packet[40:]), 1400)]
    whole = IP(packet[:20])
    del whole.len, whole.chksum
    return [bytes(one) for one in fragment(whole / Raw(packet[20:]), 1400)]


def is_multicast(address):
    return address.startswith("ff") if ":" in address else 224 <= int(address.split(".")[0]) < 240


def group_mac(packet):
    """The multicast MAC address that a packet goes to; None for a unicast packet."""
    if packet[0] >> 4 == 6:
        return b"\x33\x33" + packet[36:40] if packet[24] == 0xff else None
    return bytes([1, 0, 0x5e, packet[17] & 0x7f]) + packet[18:20] if 224 <= packet[16] < 240 else None


class Hostile:
    """Puts packets onto the segment of a host; unicast ones to the MAC address of `victim`."""

    def __init__(self, host, victim):
        self.host = host
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind(("eth0", 0))
        self.mac = bytes.fromhex(host.mac().replace(":", ""))
        self.victim = bytes.fromhex(victim.mac().replace(":", ""))

    def frame(self, packet):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
        return (group_mac(packet) or self.victim) + self.mac + kind + packet

    def send(self, packet):
        self.socket.send(self.frame(packet))

    def flood(self, packets, rate, seconds):
        """Sends packets, one after the other and again, at a rate; returns how many. It keeps to the rate on the average."""
        frames = [self.frame(packet) for packet in packets]
        started, sent = time.monotonic(), 0
        while True:
            elapsed = time.monotonic() - started
            if elapsed >= seconds:
                return sent
            while sent < elapsed * rate:
                self.socket.send(frames[sent % len(frames)])
                sent += 1
            time.sleep(0.001)

    def flooding(self, packets, rate, seconds):
        """The same in a thread; its result has `sent` when it was joined."""
        class Flood(threading.Thread):
            def run(flood):
                flood.sent = self.flood(packets, rate, seconds)
        flood = Flood()
        flood.start()
        return flood
