"""Frames on an interface, recorded by the kernel's packet socket.

A packet socket with the filter that tcpdump compiles from its expression is opened on the host. It records from the
moment the constructor returns, so no test waits for a capture to begin; nothing runs while nobody looks, the kernel keeps
the frames with their time stamps until they are asked for. Frames that were sent have direction "out".
"""
import ctypes
import ipaddress
import socket
import struct
import subprocess
import time

from .waiting import wait_until

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
SOL_PACKET, PACKET_STATISTICS, PACKET_AUXDATA = 263, 6, 8
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86dd

_programs = {}


def mac_text(data):
    return ":".join(f"{byte:02x}" for byte in data)


class Frame:
    """One Ethernet frame: when (seconds, wall clock), direction, dst, src, ethertype, and payload after that header."""

    def __init__(self, data, when, direction):
        self.data, self.when, self.direction = data, when, direction
        self.dst, self.src = mac_text(data[0:6]), mac_text(data[6:12])
        self.ethertype = struct.unpack("!H", data[12:14])[0]
        self.payload = data[14:]

    @property
    def ip_addresses(self):
        """(source, destination) of an IP packet, else (None, None)."""
        if self.ethertype == IPV4:
            return str(ipaddress.ip_address(self.payload[12:16])), str(ipaddress.ip_address(self.payload[16:20]))
        if self.ethertype == IPV6:
            return str(ipaddress.ip_address(self.payload[8:24])), str(ipaddress.ip_address(self.payload[24:40]))
        return None, None

    @property
    def protocol(self):
        return {IPV4: lambda: self.payload[9], IPV6: lambda: self.payload[6]}.get(self.ethertype, lambda: None)()

    @property
    def hops(self):
        """The TTL or hop limit of an IP packet."""
        return {IPV4: lambda: self.payload[8], IPV6: lambda: self.payload[7]}.get(self.ethertype, lambda: None)()

    @property
    def packet_but_hops(self):
        """The payload with the fields blanked that forwarding must change: the hop count and IPv4's header checksum."""
        packet = bytearray(self.payload)
        if self.ethertype == IPV4:
            packet[8] = packet[10] = packet[11] = 0
        elif self.ethertype == IPV6:
            packet[7] = 0
        return bytes(packet)

    @property
    def is_arp_request(self):
        return self.ethertype == ARP and self.payload[6:8] == b"\0\1"

    @property
    def is_arp_reply(self):
        return self.ethertype == ARP and self.payload[6:8] == b"\0\2"

    @property
    def arp_sender(self):
        """(MAC, IP) that an ARP packet says belong together."""
        return mac_text(self.payload[8:14]), str(ipaddress.ip_address(self.payload[14:18]))

    @property
    def arp_target(self):
        return str(ipaddress.ip_address(self.payload[24:28]))

    def scapy(self):
        """The frame for scapy, which takes seconds to load under emulation: only for those who need it."""
        from scapy.layers.l2 import Ether
        return Ether(self.data)

    def __str__(self):
        if self.ethertype == ARP:
            kind = "reply" if self.is_arp_reply else "request"
            text = f"arp {kind}: {self.arp_sender[1]} is at {self.arp_sender[0]}, for {self.arp_target}"
        elif self.ethertype in (IPV4, IPV6):
            source, target = self.ip_addresses
            text = f"ip {source} > {target} protocol {self.protocol}, {len(self.payload)} bytes"
        else:
            text = f"type {self.ethertype:#06x}, {len(self.payload)} bytes"
        return f"{self.when % 1000:10.6f} {self.direction:3} {self.src} > {self.dst} {text}"


def compiled(expression):
    """The filter program of a tcpdump expression."""
    if expression not in _programs:
        lines = subprocess.run(["tcpdump", "-ddd", "-s", "65535", "-y", "EN10MB", *expression.split()],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert lines.returncode == 0, f"capture: {lines.stderr}"
        _programs[expression] = b"".join(struct.pack("HBBI", *map(int, line.split()))
                                         for line in lines.stdout.splitlines()[1:])
    return _programs[expression]


class Capture:
    def __init__(self, host, interface, expression):
        self.host, self.interface, self.expression = host, interface, expression
        self._frames = []
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            if expression:
                program = ctypes.create_string_buffer(compiled(expression))
                self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack(
                        "HL", len(program) // 8, ctypes.addressof(program)))
            self.socket.bind((interface, ETH_P_ALL))

    def __str__(self):
        return f"capture on {self.host.name}:{self.interface} of {self.expression or 'everything'}"

    def _read(self):
        if self.socket.fileno() < 0:
            return
        while True:
            try:
                data, extra, _, address = self.socket.recvmsg(65535, 256)
            except BlockingIOError:
                return
            except OSError:  # the interface went away; what came before stays
                return
            when = time.time()
            for level, kind, value in extra:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack("qq", value[:16])
                    when = seconds + nanoseconds / 1e9
            self._frames.append(Frame(data, when, "out" if address[2] == PACKET_OUTGOING else "in"))

    @property
    def frames(self):
        """All frames so far."""
        self._read()
        if self.socket.fileno() >= 0:
            seen, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            assert not dropped, f"{self}: the kernel dropped {dropped} of {seen} frames"
        return list(self._frames)

    def where(self, wanted):
        return [frame for frame in self.frames if wanted(frame)]

    def wait(self, wanted, within=5, what=None):
        """Wait for a frame that satisfies wanted(frame); returns the first of them."""
        return wait_until(lambda: self.where(wanted), within, what or f"{self}: no such frame")[0]

    def clear(self):
        self._read()
        self._frames.clear()

    def close(self):
        self._read()
        self.socket.close()

    def summary(self, last=30):
        frames = self.frames
        head = f"{len(frames)} frames" + (f", the last {last}:" if len(frames) > last else "")
        return "\n".join([head, *map(str, frames[-last:])])

    def write(self, path):
        """As a pcap file, for wireshark."""
        with open(path, "wb") as file:
            file.write(struct.pack("IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
            for frame in self.frames:
                seconds = int(frame.when)
                file.write(struct.pack("IIII", seconds, int((frame.when - seconds) * 1e9),
                                       len(frame.data), len(frame.data)))
                file.write(frame.data)
