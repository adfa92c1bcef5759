"""A hostile neighbour: what is wrong on the wire is counted by its reason and its sender, and moves nothing.

One pair of directors serves most tests: lb1 is MASTER and lb2 BACKUP of an instance of every kind.
"""
import collections
import time

import pytest

from hostile import GROUP, HOSTILE, HOSTILE_V6, Hostile, ah, fragments, v2, v3, v6
from lbhatest import Lab, wait_for, wait_until
from lbhatest.vrrp import ANY_ADVERT, adverts, longest_silence, masters, message_of
from vrrp_pair import LB1, LB2, Pair

LB1_V6, LB2_V6 = "2001:db8:8::10", "2001:db8:8::11"

CONFIG = """cluster: shop
directors:
  lb1: {address: 192.168.8.10, priority: 150, vrrp: {unicast6: {source: "2001:db8:8::10"}}}
  lb2: {address: 192.168.8.11, priority: 100, vrrp: {unicast6: {source: "2001:db8:8::11"}}}
defaults:
  vrrp: {interface: eth0, advert_interval: 100ms, carrier_settle: 0s}
vrrp:
  - {name: v3, virtual_router_id: 51, virtual_addresses: [192.168.8.200/24]}
  - {name: v2, virtual_router_id: 52, virtual_addresses: [192.168.8.201/24], version: 2, advert_interval: 1s}
  - {name: pass, virtual_router_id: 53, virtual_addresses: [192.168.8.202/24], version: 2, advert_interval: 1s,
     authentication: {type: pass, key: secret}}
  - {name: ah, virtual_router_id: 54, virtual_addresses: [192.168.8.203/24], version: 2, advert_interval: 1s,
     authentication: {type: ah, key: secret}}
  - {name: v6, virtual_router_id: 55, virtual_addresses: ["fe80::200/64", "2001:db8:8::200/64"]}
  - {name: unicast, virtual_router_id: 56, virtual_addresses: [192.168.8.204/24], transport: unicast}
  - {name: unicast6, virtual_router_id: 57, virtual_addresses: ["2001:db8:8::201/64"], transport: unicast,
     unicast: {peers: ["2001:db8:8::10", "2001:db8:8::11"]}}
  - {name: both, virtual_router_id: 58, virtual_addresses: [192.168.8.205/24], transport: both}
  - {name: plain, virtual_router_id: 59, virtual_addresses: [192.168.8.206/24], checksum: rfc9568}
"""
INSTANCES = ["v3", "v2", "pass", "ah", "v6", "unicast", "unicast6", "both", "plain"]


def unicast(**more):
    return v3(**dict(dict(router=56, source=LB2, to=LB1, addresses=["192.168.8.204"]), **more))


def unicast6(**more):
    return v3(**dict(dict(router=57, source=LB2_V6, to=LB1_V6, addresses=["2001:db8:8::201"]), **more))


def password(word=b"secret", **more):
    return v2(**dict(dict(router=53, auth=1, password=word, addresses=["192.168.8.202"]), **more))


# (instance, reason, packet, sender)
WRONG = [
    ("v3", "ttl", v3(ttl=254), HOSTILE),
    ("v3", "version", v3(version=2), HOSTILE),
    ("v3", "version", v3(version=4), HOSTILE),
    ("v3", "type", v3(kind=2), HOSTILE),
    ("v3", "length", v3(count=2), HOSTILE),
    ("v3", "length", v3(addresses=[]), HOSTILE),
    ("v3", "checksum", v3(wrong_checksum=True), HOSTILE),
    ("v3", "virtual_router_id", v3(router=152), HOSTILE),
    ("v3", "interval", v3(interval=0), HOSTILE),
    ("v3", "own", v3(source=LB1), LB1),
    ("v3", "transport", v3(to=LB1), HOSTILE),
    ("v2", "ttl", v2(ttl=1), HOSTILE),
    ("v2", "version", v2(version=3), HOSTILE),
    ("v2", "type", v2(kind=7), HOSTILE),
    ("v2", "length", v2(cut=1), HOSTILE),
    ("v2", "length", v2(count=255), HOSTILE),
    ("v2", "checksum", v2(wrong_checksum=True), HOSTILE),
    ("v2", "interval", v2(interval=2), HOSTILE),
    ("v2", "own", v2(source=LB1), LB1),
    ("v2", "auth_type", v2(auth=1, password=b"secret"), HOSTILE),
    ("v2", "auth_type", v2(auth=9), HOSTILE),
    ("v2", "auth_type", ah(1, router=52), HOSTILE),
    ("v2", "transport", v2(to=LB1), HOSTILE),
    ("pass", "auth_type", password(auth=0), HOSTILE),
    ("pass", "auth", password(b"secres"), HOSTILE),
    ("pass", "auth", password(b"secret1"), HOSTILE),
    ("pass", "auth", password(b""), HOSTILE),
    ("pass", "interval", password(interval=3), HOSTILE),
    ("ah", "auth_type", v2(router=54, auth=2, addresses=["192.168.8.203"]), HOSTILE),
    ("ah", "auth_type", v2(router=54, auth=1, password=b"secret", addresses=["192.168.8.203"]), HOSTILE),
    ("ah", "auth", ah(7, b"wrong"), HOSTILE),
    ("ah", "auth", ah(7, b"secret")[:31] + b"\x08" + ah(7, b"secret")[32:], HOSTILE),
    ("ah", "checksum", ah(7, b"secret")[:50] + b"\0\0" + ah(7, b"secret")[52:], HOSTILE),
    ("ah", "interval", ah(7, b"secret", interval=4), HOSTILE),
    ("ah", "header", ah(7, b"secret", next_header=112)[:21] + b"\7" + ah(7, b"secret")[22:], HOSTILE),
    ("v6", "ttl", v6(ttl=64), "fe80::66"),
    ("v6", "version", v6(version=2), "fe80::66"),
    ("v6", "type", v6(kind=3), "fe80::66"),
    ("v6", "length", v6(count=3), "fe80::66"),
    ("v6", "length", v6(addresses=[]), "fe80::66"),
    ("v6", "checksum", v6(wrong_checksum=True), "fe80::66"),
    ("v6", "virtual_router_id", v6(router=51), "fe80::66"),  # that one is of IPv4
    ("v6", "interval", v6(interval=0), "fe80::66"),
    ("v6", "transport", v6(source=HOSTILE_V6, to=LB1_V6), HOSTILE_V6),
    ("unicast", "source", unicast(source=HOSTILE), HOSTILE),
    ("unicast", "ttl", unicast(ttl=254), LB2),
    ("unicast", "checksum", unicast(wrong_checksum=True), LB2),
    ("unicast", "transport", unicast(to=GROUP), LB2),
    ("unicast6", "source", unicast6(source=HOSTILE_V6), HOSTILE_V6),
    ("unicast6", "ttl", unicast6(ttl=64), LB2_V6),
    ("unicast6", "transport", unicast6(to="ff02::12"), LB2_V6),
    ("both", "source", unicast(router=58, source=HOSTILE, addresses=["192.168.8.205"]), HOSTILE),
    ("both", "ttl", v3(router=58, ttl=9, addresses=["192.168.8.205"]), HOSTILE),
]


class Segment:
    """lb1 and lb2 with all instances, and a hostile host."""

    def __init__(self, lab):
        self.lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (self.lan, LB1), config=CONFIG)
        self.lb2 = lab.director("lb2", (self.lan, LB2), config=CONFIG)
        host = lab.host("hostile", (self.lan, HOSTILE))
        for one, address in (self.lb1.host, LB1_V6), (self.lb2.host, LB2_V6), (host, HOSTILE_V6):
            one.ip(f"addr add {address}/64 dev eth0 nodad")
        for interface in "all", "eth0":  # the kernel keeps our own addresses from us unless it is told not to
            self.lb1.host.sysctl(f"net.ipv4.conf.{interface}.accept_local", 1)
            self.lb1.host.sysctl(f"net.ipv4.conf.{interface}.rp_filter", 0)
        self.hostile = Hostile(host, self.lb1.host)
        # what lb1 says, as lb2 hears it: unicast comes to nobody else
        self.wire = self.lb2.host.capture(f"ether src {self.lb1.host.mac()} and ({ANY_ADVERT})")
        self.lb1.start()
        wait_for(lambda: self.roles(self.lb1), {name: "MASTER" for name in INSTANCES}, 10, "lb1 is master of all")
        self.lb2.start()
        wait_for(lambda: self.roles(self.lb2), {name: "BACKUP" for name in INSTANCES}, 10, "lb2 follows in all")

    @staticmethod
    def roles(director):
        return {one["name"]: one["state"] for one in director.status()["vrrp"]}

    def transitions(self):
        return [{one["name"]: one["transitions"] for one in director.status()["vrrp"]} for director in (self.lb1, self.lb2)]

    def adverts_of(self, router):
        return [one for one in adverts(self.wire) if one.router == router]


shared_lab = None  # what the report of a failed test shows


@pytest.fixture(scope="module")
def segment():
    global shared_lab
    with Lab("hostile") as shared_lab:
        yield Segment(shared_lab)


def accepted(segment, name, *packets):
    """Sends packets; they are received and not dropped."""
    before = segment.lb1.vrrp(name)
    for packet in packets:
        segment.hostile.send(packet)
    wait_for(lambda: segment.lb1.vrrp(name)["received"], before["received"] + len(packets), what=f"{name}: received")
    assert segment.lb1.vrrp(name)["dropped"] == before["dropped"]


# These two stand first: lines about neighbours are limited, and the others use them up.

def test_other_addresses_are_told_but_no_reason_to_drop(segment):
    accepted(segment, "plain", v3(router=59, source="192.168.8.67", priority=1, addresses=["192.168.8.7", "192.168.8.206"]))
    wait_until(lambda: "192.168.8.67 advertises other virtual addresses (2, 1 of them our 1)" in segment.lb1.log,
               what="the log says so")
    status = segment.lb1.vrrp("plain")
    assert (status["other_addresses"], status["other_addresses_from"]) == (1, "192.168.8.67")


def test_a_foreign_virtual_router_is_told_once(segment):
    for _ in range(5):
        segment.hostile.send(v3(router=77))
    wait_until(lambda: f"eth0: {HOSTILE} advertises virtual router 77, which no instance here has" in segment.lb1.log,
               what="the log says so")
    wait_for(lambda: segment.lb1.vrrp("v3")["dropped"]["virtual_router_id"], 5, what="all of them counted")
    assert segment.lb1.log.count("virtual router 77") == 1


def counted(before, sent):
    """The counters of an instance after each of these reasons was there so many times more."""
    return {reason: before["dropped"][reason] + sent.get(reason, 0) for reason in before["dropped"]}


@pytest.mark.parametrize("name", sorted({name for name, *_ in WRONG}))
def test_each_wrong_advert_is_counted_by_its_reason_and_changes_nothing(segment, name):
    before, transitions = segment.lb1.vrrp(name), segment.transitions()
    sent, senders = collections.Counter(), {}
    for _, reason, packet, sender in (one for one in WRONG if one[0] == name):
        for _ in range(3):
            segment.hostile.send(packet)
        sent[reason] += 3
        senders[reason] = sender
    wait_for(lambda: segment.lb1.vrrp(name)["dropped"], counted(before, sent), what=f"{name}: drops counted")
    after = segment.lb1.vrrp(name)
    assert {reason: after["dropped_from"][reason] for reason in senders} == senders
    assert (after["state"], after["received"]) == ("MASTER", before["received"])
    assert segment.transitions() == transitions


RIGHT = [
    ("v3", v3(priority=1)),
    ("v3", v3(priority=1, plain_checksum=True)),  # RFC 9568 in the letter
    ("v3", v3(priority=1, padding=b"\xaa" * 14)),
    ("v3", v3(priority=1, interval=500)),
    ("v3", v3(priority=1, addresses=["192.168.8.7", "192.168.8.8"])),
    ("v2", v2(priority=1)),
    ("pass", password(priority=1)),
    ("ah", ah(7, b"secret", priority=1)),
    ("v6", v6(priority=1)),
    ("unicast", unicast(priority=1)),
    ("unicast6", unicast6(priority=1)),
    ("both", v3(router=58, priority=1, addresses=["192.168.8.205"])),
    ("both", unicast(router=58, priority=1, addresses=["192.168.8.205"])),
    ("plain", v3(router=59, priority=1, addresses=["192.168.8.206"])),
    ("plain", v3(router=59, priority=1, addresses=["192.168.8.206"], plain_checksum=True)),
]


@pytest.mark.parametrize("name", INSTANCES)
def test_what_is_right_is_received(segment, name):
    accepted(segment, name, *(packet for one, packet in RIGHT if one == name))


def test_the_checksum_is_sent_as_configured(segment):
    wait_until(lambda: segment.adverts_of(51) and segment.adverts_of(59), what="adverts of both kinds")
    frames = {message_of(frame)[1]: frame for frame in segment.wire.frames }
    assert frames[51].payload == with_fields_of_kernel(v3(source=LB1, priority=150), frames[51].payload)
    ours = v3(router=59, source=LB1, priority=150, addresses=["192.168.8.206"], plain_checksum=True)
    assert frames[59].payload == with_fields_of_kernel(ours, frames[59].payload)


def with_fields_of_kernel(packet, seen):
    """A packet with the identification and header checksum of another."""
    return packet[:4] + seen[4:6] + packet[6:10] + seen[10:12] + packet[12:]


def test_an_advert_longer_than_any_can_be_is_dropped_by_its_length(segment):
    """It comes in fragments, which the kernel puts together."""
    for name, packet in ("v3", v3(addresses=["192.168.8.7"] * 255, tail=9000)), ("v6", v6(count=255, tail=9000)):
        before, transitions = segment.lb1.vrrp(name)["dropped"], segment.transitions()
        for piece in fragments(packet):
            segment.hostile.send(piece)
        wait_for(lambda: segment.lb1.vrrp(name)["dropped"], counted({"dropped": before}, {"length": 1}), what=f"{name}: counted")
        assert segment.transitions() == transitions


# ---- AH ----

def test_a_replayed_advert_is_told_from_a_new_one(segment):
    """lb2 follows lb1; its old adverts sent again by somebody else do not keep it quiet, nor wake it."""
    wait_until(lambda: len(segment.adverts_of(54)) >= 2, what="adverts with AH")
    frames = [frame for frame in segment.wire.frames if frame.protocol == 51]
    before, transitions = segment.lb2.vrrp("ah"), segment.transitions()
    own = segment.lb1.vrrp("ah")["dropped"]["own"]
    for frame in frames[-2:] * 2:
        segment.hostile.send(frame.payload)
    wait_for(lambda: segment.lb2.vrrp("ah")["dropped"]["replay"], before["dropped"]["replay"] + 4, what="replays counted")
    assert segment.lb2.vrrp("ah")["dropped_from"]["replay"] == LB1
    wait_for(lambda: segment.lb1.vrrp("ah")["dropped"]["own"], own + 4, what="lb1 knows its own")
    assert segment.transitions() == transitions


def test_a_restarted_counter_is_accepted_once_the_down_timer_has_expired(segment):
    def heard():
        return segment.lb1.vrrp("ah")["received"]

    def replays():
        return segment.lb1.vrrp("ah")["dropped"]["replay"]

    last = time.monotonic()
    accepted(segment, "ah", ah(1000, b"secret", source="192.168.8.68", priority=1))
    received, refused = heard(), replays()
    # 3 s and the skew of priority 150, 0.41 s; what is refused does not prolong it
    while heard() == received:
        segment.hostile.send(ah(5, b"secret", source="192.168.8.68", priority=1))
        time.sleep(0.1)
        assert time.monotonic() < last + 6, "a restarted counter is never accepted"
    assert time.monotonic() - last > 3.4
    assert replays() > refused
    accepted(segment, "ah", ah(6, b"secret", source="192.168.8.68", priority=1))


# ---- floods ----

RATE = 10000


def junk_packets():
    return [packet for name, reason, packet, _ in WRONG if reason != "own"] + [
        ah(1, b"wrong", source=f"192.168.8.{last}") for last in range(70, 80)]


@pytest.mark.limit(120)
def test_a_flood_of_junk_neither_silences_nor_delays_nor_moves_anything(segment):
    transitions = segment.transitions()
    before = {one["name"]: sum(one["dropped"].values()) for one in segment.lb1.status()["vrrp"]}
    segment.wire.clear()
    started = time.monotonic()
    flood = segment.hostile.flooding(junk_packets(), RATE, 3)
    flood.join()
    elapsed = time.monotonic() - started
    assert flood.sent > 0.8 * RATE * elapsed
    assert segment.transitions() == transitions
    for router, interval in (51, 0.1), (55, 0.1), (56, 0.1), (57, 0.1), (58, 0.1), (52, 1), (53, 1), (54, 1):
        ours = segment.adverts_of(router)
        assert len(ours) >= 0.9 * elapsed / interval
        assert longest_silence(ours) < interval + 0.05
    log = [line for line in segment.lb1.log.splitlines() if "dropped an advert" in line]
    assert len(log) < 60, "a flood of packets makes no flood of lines"
    wait_for(lambda: sum(sum(one["dropped"].values()) - before[one["name"]] for one in segment.lb1.status()["vrrp"]),
             lambda counted: counted >= flood.sent, what="every packet of the flood is counted")


@pytest.fixture
def pair(lab):
    one = Pair(lab).start()
    host = lab.host("hostile", (one.lan, HOSTILE))
    one.hostile = Hostile(host, one.lb1.host)
    wait_until(lambda: host.status_of("ping", "-c1", "-W1", LB1)[0] == 0, what="the hostile host is on the wire")
    return one


def test_junk_does_not_keep_the_backup_quiet_when_the_master_dies(pair):
    """keepalived starts its timer anew for any packet of its router, however wrong: three a second silence it."""
    junk = [packet for name, reason, packet, _ in WRONG if name == "v3" and reason != "own"]
    flood = pair.hostile.flooding(junk, RATE, 3)
    wait_until(lambda: pair.lb2.vrrp()["dropped"]["checksum"] > 100, what="the flood has begun")
    pair.adverts.clear()
    pair.lb1.host.cut_off()
    pair.lb2.wait_role("MASTER", within=2)
    flood.join()
    ours = [one for one in adverts(pair.adverts) if one.source == LB2]
    last = [one for one in adverts(pair.adverts) if one.source == LB1][-1:]
    if last:
        assert ours[0].when - last[0].when < 0.5  # 3 intervals, skew 61 ms, and what a busy machine costs
    assert longest_silence(ours) < 0.15


def test_a_flood_of_valid_lesser_adverts_is_answered_but_not_amplified(pair):
    pair.adverts.clear()
    flood = pair.hostile.flooding([v3(priority=1)], 2000, 1.5)
    wait_for(lambda: pair.lb1.vrrp()["competing_master"], True, what="another one speaks")
    flood.join()
    ours = [one for one in adverts(pair.adverts) if one.source == LB1]
    assert flood.sent > 700 and 14 <= len(ours) < 0.3 * flood.sent
    assert len(ours) <= 160
    assert pair.lb1.role() == "MASTER"
    wait_for(lambda: pair.lb1.vrrp()["competing_master"], False, what="the flood has ended")


def test_a_stranger_with_a_higher_priority_is_obeyed_and_outlived(pair):
    pair.hostile.send(v3(priority=254))
    pair.lb1.wait_role("BACKUP", within=2)
    assert pair.lb1.vrrp()["master_address"] == HOSTILE
    pair.wait_roles("MASTER", "BACKUP", within=2)
    wait_until(lambda: masters(adverts(pair.adverts))[-1] == LB1, what="lb1 speaks again")
    assert LB2 not in masters(adverts(pair.adverts))


def test_an_advert_that_does_not_fit_into_the_mtu_is_a_fault_that_says_so(lab):
    addresses = ", ".join(f"10.7.{number // 200}.{number % 200 + 1}/32" for number in range(200))
    pair = Pair(lab, addresses=addresses)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    pair.lb1.host.ip("link set eth0 mtu 800")
    pair.lb1.wait_role("FAULT")
    assert pair.lb1.vrrp()["faults"] == ["an advert with 200 addresses has 828 bytes, the MTU of eth0 is 800"]
    pair.lb1.host.ip("link set eth0 mtu 1500")
    pair.lb1.wait_role("MASTER")
