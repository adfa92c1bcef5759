"""A hostile neighbour: what is wrong on the wire is counted by its reason and moves nothing."""
import ipaddress
import socket
import struct
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, longest_silence, masters
from vrrp_pair import LB1, LB2, VIP, Pair

GROUP_MAC = bytes.fromhex("01005e000012")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff & ~total


def packed(address):
    return ipaddress.ip_address(address).packed


def advert(source="192.168.8.66", group="224.0.0.18", router=51, priority=200, interval=10, version=3, kind=1, ttl=255,
           count=None, addresses=(VIP,), plain_checksum=False, wrong_checksum=False, protocol=112, padding=b""):
    """An IPv4 packet with one advert. interval is in centiseconds."""
    body = struct.pack("!BBBBHH", version << 4 | kind, router, priority, len(addresses) if count is None else count,
                       interval, 0) + b"".join(map(packed, addresses))
    pseudo = b"" if plain_checksum else packed(source) + packed(group) + struct.pack("!BBH", 0, 112, len(body))
    total = checksum(pseudo + body) ^ (1 if wrong_checksum else 0)
    body = body[:6] + struct.pack("!H", total) + body[8:]
    header = struct.pack("!BBHHHBBH", 0x45, 0xc0, 20 + len(body), 1, 0, ttl, protocol, 0) + packed(source) + packed(group)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return header + body + padding


class Sender:
    """Puts packets onto the segment of a host."""

    def __init__(self, host):
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind(("eth0", 0))
        self.mac = bytes.fromhex(host.mac().replace(":", ""))

    def send(self, packet, to=GROUP_MAC):
        self.socket.send(to + self.mac + b"\x08\0" + packet)


@pytest.fixture
def pair(lab):
    one = Pair(lab).start()
    host = lab.host("hostile", (one.lan, "192.168.8.66"))
    wait_until(lambda: host.status_of("ping", "-c1", "-W1", LB1)[0] == 0, what="the hostile host is on the wire")
    one.hostile = Sender(host)
    return one


WRONG = {
    "ttl": advert(ttl=254),
    "version": advert(version=2),
    "type": advert(kind=2),
    "length": advert(count=2),
    "checksum": advert(wrong_checksum=True),
    "virtual_router_id": advert(router=52),
    "interval": advert(interval=0),
    "own": advert(source=LB1),
}


@pytest.mark.parametrize("reason", WRONG)
def test_each_wrong_advert_is_counted_by_its_reason_and_changes_nothing(pair, reason):
    if reason == "own":  # the kernel keeps such packets from us unless it is told not to
        for interface in "all", "eth0":
            pair.lb1.host.sysctl(f"net.ipv4.conf.{interface}.accept_local", 1)
            pair.lb1.host.sysctl(f"net.ipv4.conf.{interface}.rp_filter", 0)
    before = pair.lb1.vrrp()
    for _ in range(3):
        pair.hostile.send(WRONG[reason])
    wait_for(lambda: pair.lb1.vrrp()["dropped"][reason], 3, what=f"drops counted as {reason}")
    after = pair.lb1.vrrp()
    assert after["dropped"] == dict(before["dropped"], **{reason: 3})
    assert (after["state"], after["transitions"], after["received"]) == ("MASTER", before["transitions"], 0)
    if reason == "virtual_router_id":  # nothing unusual on a segment: told once
        assert pair.lb1.log.count("192.168.8.66 advertises virtual router 52") == 1
    else:
        source = LB1 if reason == "own" else "192.168.8.66"
        assert f"public: dropped an advert from {source} ({reason})" in pair.lb1.log


def test_an_advert_to_us_alone_is_not_one_to_the_group(pair):
    mac = bytes.fromhex(pair.lb1.host.mac().replace(":", ""))
    pair.hostile.send(advert(group=LB1), to=mac)
    wait_for(lambda: pair.lb1.vrrp()["dropped"]["transport"], 1, what="drops counted as transport")
    assert pair.lb1.role() == "MASTER"


def test_the_checksum_of_rfc_9568_without_pseudo_header_is_accepted(pair):
    pair.hostile.send(advert(priority=149, plain_checksum=True))
    wait_for(lambda: pair.lb1.vrrp()["received"], 1, what="received")
    assert not any(pair.lb1.vrrp()["dropped"].values())


def test_padding_behind_a_short_packet_does_no_harm(pair):
    pair.hostile.send(advert(priority=149, padding=b"\xaa" * 14))
    wait_for(lambda: pair.lb1.vrrp()["received"], 1, what="received")


def test_junk_neither_silences_the_master_nor_keeps_the_backup_quiet(pair):
    """keepalived starts its timer anew for any packet of its router, however wrong: three a second silence it."""
    junk = [packet for reason, packet in WRONG.items() if reason != "own"]  # to lb2 that one is the master
    pair.adverts.clear()
    until = time.monotonic() + 2
    sent = 0
    while time.monotonic() < until:
        pair.hostile.send(junk[sent % len(junk)])
        sent += 1
        time.sleep(0.001)
    assert sent > 500
    ours = [one for one in adverts(pair.adverts) if one.source == LB1 and one.priority == 150]
    assert len(ours) >= 19
    assert longest_silence(ours) < 0.15
    assert pair.lb1.vrrp()["transitions"] == 2 and pair.lb2.vrrp()["transitions"] == 1
    # the same while the master dies: the backup's timer runs on
    pair.lb1.host.cut_off()
    died = time.monotonic()
    while pair.lb2.role() != "MASTER":
        pair.hostile.send(junk[sent % len(junk)])
        sent += 1
        assert time.monotonic() < died + 2, "junk keeps the backup quiet"


def test_a_flood_of_valid_lesser_adverts_is_answered_but_not_amplified(pair):
    pair.adverts.clear()
    until = time.monotonic() + 1
    sent = 0
    while time.monotonic() < until:
        pair.hostile.send(advert(priority=1))
        sent += 1
        time.sleep(0.0005)
    ours = [one for one in adverts(pair.adverts) if one.source == LB1]
    assert sent > 500 and 9 <= len(ours) < 0.3 * sent
    assert len(ours) <= 110
    assert pair.lb1.role() == "MASTER"
    assert pair.lb1.vrrp()["competing_master"]
    wait_for(lambda: pair.lb1.vrrp()["competing_master"], False, what="the flood has ended")


def test_a_stranger_with_a_higher_priority_is_obeyed_and_outlived(pair):
    pair.hostile.send(advert(priority=254))
    pair.lb1.wait_role("BACKUP", within=2)
    assert pair.lb1.vrrp()["master_address"] == "192.168.8.66"
    pair.wait_roles("MASTER", "BACKUP", within=2)
    wait_until(lambda: masters(adverts(pair.adverts))[-1] == LB1, what="lb1 speaks again")
    assert LB2 not in masters(adverts(pair.adverts))
