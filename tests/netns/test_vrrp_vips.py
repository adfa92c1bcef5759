"""Virtual addresses of every kind: IPv6 ones, attributes, other interfaces."""
import json
import os
import random
import threading
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.capture import IPV6
from lbhatest.vrrp import adverts
from vrrp_pair import LB1, VIP, Pair, address_changes, config, own_addresses

SIX = "2001:db8:8::200"
ELSEWHERE = "10.1.1.200"


def kernel(host, address):
    """What the kernel says of an address: interface and attributes; None: it has it not."""
    for link in json.loads(host.run("ip", "-j", "addr")):
        for one in link.get("addr_info", []):
            if one.get("local") == address:
                return dict(one, interface=link["ifname"])
    return None


def lone(lab, **settings):
    pair = Pair(lab, **settings)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    return pair


def with_addresses(*more):
    return ", ".join([f"{VIP}/24", *more])


def advertisements(capture, target):
    """The neighbour advertisements for an address."""
    from scapy.layers.inet6 import ICMPv6ND_NA
    found = []
    for frame in capture.frames:
        if frame.ethertype == IPV6 and frame.protocol == 58 and frame.payload[40] == 136:
            packet = frame.scapy()
            if ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == target:
                found.append((frame, packet))
    return found


# ---- IPv6 ----

def test_an_ipv6_address_works_at_once_and_is_no_source(lab):
    pair = Pair(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    pair.lb1.host.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    pair.lb1.host.ip("addr add 2001:db8:8::10/64 dev eth0 nodad")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    vip = wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    assert vip["deprecated"] and vip["nodad"] and not vip.get("tentative")
    assert (vip["preferred_life_time"], vip["prefixlen"]) == (0, 64)
    route = pair.lb1.host.run("ip", "-6", "route", "get", "2001:db8:8::99")
    assert "src 2001:db8:8::10" in route


def test_takeover_moves_the_neighbour_entry_of_an_ipv6_address(lab):
    pair = Pair(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}')).start()
    pair.watcher.ip("addr add 2001:db8:8::99/64 dev eth0 nodad")
    pair.watcher.run("ping", "-c1", "-W2", SIX)

    def neighbour():
        return pair.watcher.run("ip", "neigh", "show", SIX, "dev", "eth0").split()[2]

    assert neighbour() == pair.lb1.host.mac()
    pair.lb1.host.power_off()
    pair.lb2.wait_role("MASTER")
    # nobody asked: the advertisement alone overrode the entry
    wait_for(neighbour, pair.lb2.host.mac(), within=1, what="the new master's MAC")


def test_the_advertisement_is_as_rfc_4861_wants_it(lab):
    from scapy.layers.inet6 import ICMPv6NDOptDstLLAddr, ICMPv6ND_NA, IPv6
    pair = Pair(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    pair.lb1.host.sysctl("net.ipv6.conf.eth0.forwarding", 1)
    seen = pair.watcher.capture("icmp6")
    pair.lb1.start()
    frame, packet = wait_until(lambda: advertisements(seen, SIX), what="an advertisement")[0]
    na = packet[ICMPv6ND_NA]
    assert (packet.src, packet.dst) == (pair.lb1.host.mac(), "33:33:00:00:00:01")
    assert (packet[IPv6].src, packet[IPv6].dst, packet[IPv6].hlim) == (SIX, "ff02::1", 255)
    assert (na.R, na.S, na.O, na.code) == (1, 0, 1, 0)
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == pair.lb1.host.mac()
    rebuilt = packet.copy()
    del rebuilt[ICMPv6ND_NA].cksum
    assert bytes(rebuilt) == frame.data, "the checksum is right"


def test_an_ipv6_address_that_somebody_removes_is_put_back(lab):
    pair = lone(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    pair.lb1.host.ip(f"addr del {SIX}/64 dev eth0")
    wait_for(lambda: pair.lb1.holds(SIX), True, within=1, what="the address is back")
    status = pair.lb1.vrrp()
    assert status["repairs"] == 1 and not status["contested"]
    assert status["repair"] == f"eth0: {SIX}/64 was removed by somebody else, put back"


def test_an_interface_set_down_and_up_is_nobodys_doing(lab):
    """The kernel takes the IPv6 addresses of an interface that is set down; that is no repair."""
    pair = lone(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'),
                more="track_own_interface: false")
    wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    pair.lb1.host.ip("link set eth0 down", "link set eth0 up")
    wait_for(lambda: pair.lb1.holds(SIX), True, what="the address is back")
    assert pair.lb1.vrrp()["repairs"] == 0 and "somebody" not in pair.lb1.log


def test_an_address_that_failed_duplicate_detection_is_put_in_anew(lab):
    pair = Pair(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    pair.watcher.ip(f"addr add {SIX}/64 dev eth0 nodad")
    pair.lb1.host.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    pair.lb1.host.ip(f"addr add {SIX}/64 dev eth0")
    wait_until(lambda: kernel(pair.lb1.host, SIX).get("dadfailed"), what="duplicate address detection fails")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: kernel(pair.lb1.host, SIX) and not kernel(pair.lb1.host, SIX).get("dadfailed"),
               what="an address that works")
    assert kernel(pair.lb1.host, SIX)["nodad"]
    assert "duplicate address detection" in wait_until(lambda: pair.lb1.vrrp()["repair"], what="it is told")
    pair.lb1.stop()
    assert not pair.lb1.holds(SIX)


def test_another_prefix_length_of_an_ipv6_address_is_the_same_address(lab):
    pair = lone(lab, addresses=with_addresses('{address: "2001:db8:8::200/128", advertise: false}'))
    wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    pair.lb1.reload(config(addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}')))
    wait_for(lambda: kernel(pair.lb1.host, SIX)["prefixlen"], 64, what="the new length")
    assert pair.lb1.vrrp()["repairs"] == 0
    pair.lb1.stop()
    assert not pair.lb1.holds(SIX)


# ---- attributes ----

def test_attributes_stand_in_the_kernel(lab):
    pair = lone(lab, addresses=with_addresses(
        '{address: 192.168.9.1/32, label: "eth0:7", scope: link}', "{address: 192.168.10.1/24, noprefixroute: true}"))
    labelled = kernel(pair.lb1.host, "192.168.9.1")
    assert (labelled["label"], labelled["scope"]) == ("eth0:7", "link")
    assert kernel(pair.lb1.host, "192.168.10.1")["noprefixroute"]
    assert "192.168.10.0/24" not in pair.lb1.host.run("ip", "route")
    assert kernel(pair.lb1.host, VIP)["label"] == "eth0"


def test_a_scope_that_the_network_does_not_allow_is_a_fault_that_says_so(lab):
    pair = Pair(lab, addresses=f"{{address: {VIP}/24, scope: site}}")
    pair.lb1.start()
    pair.lb1.wait_role("FAULT")
    assert pair.lb1.vrrp()["reason"] == (
        f"the kernel refuses {VIP}/24 on eth0: Invalid argument "
        "(its scope must be that of the other addresses of its network there)")


def test_a_changed_attribute_changes_that_address_alone(lab):
    pair = lone(lab, addresses=with_addresses("192.168.8.201/24", "192.168.9.1/32"))
    with address_changes(pair.lb1.host) as changes:
        code, said = pair.lb1.reload(config(addresses=with_addresses(
            '{address: 192.168.8.201/24, label: "eth0:7"}', "192.168.9.1/32")))
        assert code == 0, said
        wait_for(lambda: kernel(pair.lb1.host, "192.168.8.201")["label"], "eth0:7", what="the new label")
    assert changes == ["-192.168.8.201/24", "+192.168.8.201/24"]
    with address_changes(pair.lb1.host) as changes:
        pair.lb1.reload(config(addresses=with_addresses("192.168.8.201/24", "192.168.9.1/32")))
        wait_for(lambda: kernel(pair.lb1.host, "192.168.8.201")["label"], "eth0", what="no label of its own")
    assert changes == ["-192.168.8.201/24", "+192.168.8.201/24"]
    assert pair.lb1.vrrp()["repairs"] == 0
    assert pair.lb1.vrrp()["transitions"] == 2


def test_noprefixroute_of_an_ipv6_address_changes_in_place(lab):
    pair = lone(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    changes = pair.lb1.host.log_file("monitor")
    with open(changes, "wb") as file:
        monitor = pair.lb1.host.start("ip", "-6", "-o", "monitor", "address", stdout=file)
    pair.lb1.reload(config(addresses=with_addresses(
        '{address: "2001:db8:8::200/64", advertise: false, noprefixroute: true}')))
    wait_until(lambda: kernel(pair.lb1.host, SIX).get("noprefixroute"), what="the flag")
    monitor.kill()
    monitor.wait()
    with open(changes) as file:
        assert "Deleted" not in file.read()


def test_an_attribute_that_somebody_changes_is_put_right(lab):
    pair = lone(lab, addresses=with_addresses('{address: "2001:db8:8::200/64", advertise: false}'))
    wait_until(lambda: kernel(pair.lb1.host, SIX), what="the address")
    pair.lb1.host.ip(f"addr change {SIX}/64 dev eth0 preferred_lft forever")
    wait_for(lambda: pair.lb1.vrrp()["repairs"], 1, what="a repair")
    assert kernel(pair.lb1.host, SIX)["deprecated"]
    assert pair.lb1.vrrp()["repair"].endswith("was changed by somebody else, put right")


def test_what_others_put_there_is_adopted_as_it_is(lab):
    pair = Pair(lab, addresses=with_addresses('{address: 192.168.9.1/32, label: "eth0:7"}'))
    pair.lb1.host.ip("addr add 192.168.9.1/32 dev eth0")
    with address_changes(pair.lb1.host) as changes:
        pair.lb1.start()
        pair.lb1.wait_role("MASTER")
        wait_until(lambda: pair.lb1.holds(VIP), what="the other address")
    assert changes == [f"+{VIP}/24"]
    assert kernel(pair.lb1.host, "192.168.9.1")["label"] == "eth0"


# ---- reload ----

TWO = """
directors:
  lb1: {{address: 192.168.8.10, interfaces: {{lan: eth0}}}}
  lb2: {{address: 192.168.8.11, interfaces: {{lan: eth0}}}}
defaults:
  vrrp: {{advert_interval: 100ms, carrier_settle: 0s, interface: lan}}
vrrp:
  - {{name: first, virtual_router_id: 51, virtual_addresses: [{first}]}}
  - {{name: second, virtual_router_id: 52, virtual_addresses: [{second}]}}
"""


def test_an_address_moves_from_one_instance_to_another_without_a_gap(lab):
    """keepalived removed it with the one after the other had added it, or needed two reloads (pain 24)."""
    pair = Pair(lab)
    one, two, moved = "192.168.8.201/24", "192.168.8.202/24", f"{VIP}/24"
    pair.lb1.configure(TWO.format(first=f"{one}, {moved}", second=two))
    pair.lb1.start()
    for name in "first", "second":
        pair.lb1.wait_role("MASTER", name=name)
    with address_changes(pair.lb1.host) as changes:
        for first, second in ((one, f"{two}, {moved}"), (f"{one}, {moved}", two), (f"{two}, {moved}", one)):
            code, said = pair.lb1.reload(TWO.format(first=first, second=second))
            assert code == 0, said
    assert changes == []
    assert [pair.lb1.vrrp(name)["transitions"] for name in ("first", "second")] == [2, 2]
    pair.lb1.stop()
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24"}


def test_an_address_may_leave_the_adverts_and_stay(lab):
    pair = lone(lab, addresses=with_addresses("192.168.8.201/24"))
    with address_changes(pair.lb1.host) as changes:
        pair.lb1.reload(config(addresses=with_addresses("{address: 192.168.8.201/24, advertise: false}")))
        seen = len(adverts(pair.adverts))
        wait_until(lambda: len(adverts(pair.adverts)) > seen + 1, what="an advert of the new configuration")
    assert changes == []
    assert adverts(pair.adverts)[-1].addresses == [VIP]


# ---- other interfaces ----

def elsewhere(lab, **settings):
    pair = Pair(lab, addresses=with_addresses(f"{{address: {ELSEWHERE}/24, interface: eth1}}"), **settings)
    other = lab.segment("other", "10.1.1.0/24")
    for number, director in enumerate((pair.lb1, pair.lb2)):
        director.host.attach(other, f"10.1.1.{number + 1}")
    pair.beside = lab.host("beside", (other, "10.1.1.99"))
    return pair


def test_an_address_on_another_interface_moves_and_is_announced_there(lab):
    pair = elsewhere(lab)
    arp = pair.beside.capture("arp")
    pair.start()
    assert kernel(pair.lb1.host, ELSEWHERE)["interface"] == "eth1"
    wait_until(lambda: [frame for frame in arp.frames
                        if frame.is_arp_request and frame.arp_sender == (pair.lb1.host.mac("eth1"), ELSEWHERE)],
               what="an announcement on the other interface")
    pair.lb1.stop()
    pair.lb2.wait_role("MASTER")
    assert kernel(pair.lb2.host, ELSEWHERE)["interface"] == "eth1" and not pair.lb1.holds(ELSEWHERE)
    wait_until(lambda: [frame for frame in arp.frames
                        if frame.is_arp_request and frame.arp_sender == (pair.lb2.host.mac("eth1"), ELSEWHERE)],
               what="an announcement of the new master")


def test_another_interface_that_is_missing_holds_nothing_up_and_is_told(lab):
    pair = Pair(lab, addresses=with_addresses(f"{{address: {ELSEWHERE}/24, interface: eth1}}"))
    arp = pair.watcher.capture("arp")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: [frame for frame in arp.frames if frame.is_arp_request and frame.arp_target == VIP],
               what="the rest is announced")
    wait_for(lambda: pair.lb1.vrrp()["missing"], f"{ELSEWHERE}/24 on eth1: the interface does not exist", what="it is told")
    assert "not in place: 10.1.1.200/24 on eth1" in pair.lb1.log
    pair.lb1.host.ip("link add eth1 type veth peer name far1", "link set far1 up", "link set eth1 up")
    wait_for(lambda: pair.lb1.holds(ELSEWHERE), True, what="the address on the new interface")
    wait_for(lambda: pair.lb1.vrrp()["missing"], None, what="nothing is missing any more")
    pair.lb1.host.ip("link del eth1")
    wait_until(lambda: pair.lb1.vrrp()["missing"], what="it is told again")
    assert pair.lb1.vrrp()["transitions"] == 2
    assert pair.lb1.stop() == 0
    assert not pair.lb1.holds(VIP)


def test_an_address_that_another_interface_refuses_is_told_and_no_fault(lab):
    pair = elsewhere(lab)
    pair.lb1.configure(config(addresses=with_addresses('{address: "2001:db8:1::200/64", advertise: false, interface: eth1}')))
    pair.lb1.host.sysctl("net.ipv6.conf.eth1.disable_ipv6", 1)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: "the kernel refuses it" in (pair.lb1.vrrp()["missing"] or ""), what="the refusal is told")
    assert pair.lb1.role() == "MASTER" and pair.lb1.holds(VIP)


@pytest.mark.limit(90)
def test_ipv6_addresses_are_there_though_their_interface_went_down_when_they_were_put_in(lab):
    """The kernel answers that an IPv6 address is in; it says that it works a moment later, and nothing if the link took it."""
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    dice = random.Random(seed)
    many = [f'{{address: "2001:db8:8::{200 + n}/64", interface: eth1, advertise: false}}' for n in range(8)]
    pair = elsewhere(lab)
    host = pair.lb1.host
    pair.lb1.configure(config())
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")

    def flap():
        time.sleep(dice.random() * 0.03)  # a reload takes about as long
        host.ip("link set eth1 down", "link set eth1 up")

    for wanted in (many[:7], []) * 20:
        pair.lb1.configure(config(addresses=with_addresses(*wanted)))
        flapping = threading.Thread(target=flap)
        flapping.start()
        pair.lb1.ctl("reload")
        flapping.join()
        wait_for(lambda: sum(one.startswith("2001:") for one in host.addresses("eth1")), len(wanted), what="IPv6 addresses")


def test_an_address_moves_to_another_interface_on_reload(lab):
    pair = elsewhere(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    assert kernel(pair.lb1.host, ELSEWHERE)["interface"] == "eth1"
    pair.lb1.reload(config(addresses=with_addresses(f"{ELSEWHERE}/24")))
    wait_for(lambda: kernel(pair.lb1.host, ELSEWHERE)["interface"], "eth0", what="the interface of the router")
    pair.lb1.reload(config(addresses=with_addresses(f"{{address: {ELSEWHERE}/24, interface: eth1}}")))
    wait_for(lambda: kernel(pair.lb1.host, ELSEWHERE)["interface"], "eth1", what="the other one")
    pair.lb1.stop()
    assert pair.lb1.host.addresses("eth1") >= {"10.1.1.1/24"} and not pair.lb1.holds(ELSEWHERE)


def test_what_keeps_being_removed_is_contested(lab):
    pair = lone(lab)
    for _ in range(2):
        pair.lb1.host.ip(f"addr del {VIP}/24 dev eth0")
        wait_for(lambda: pair.lb1.holds(VIP), True, within=15, what="put back")
        time.sleep(0.3)  # until what is told of it is taken as somebody else's doing
    status = pair.lb1.vrrp()
    assert (status["repairs"], status["contested"]) == (2, True)
    assert status["repair"].endswith("that keeps coming undone")


# ---- a pair of IPv6 alone ----

IPV6_PAIR = """
directors:
  lb1: {priority: 150}
  lb2: {priority: 100}
vrrp:
  - name: six
    interface: eth0
    virtual_router_id: 61
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: ["fe80::200/64", "2001:db8:8::200/64"]
"""


def test_a_pair_of_ipv6_alone_moves_both_kinds_of_addresses(lab):
    """RFC 9568 section 6.4: the link-local address is the hosts' router, and moves with the others."""
    lan = lab.segment("lan", "2001:db8:8::/64")
    lb1, lb2 = (lab.director(name, (lan, address), config=IPV6_PAIR)
                for name, address in (("lb1", "2001:db8:8::10"), ("lb2", "2001:db8:8::11")))
    host = lab.host("host", (lan, "2001:db8:8::99"))
    lb1.start()
    lb1.wait_role("MASTER")
    lb2.start()
    lb2.wait_role("BACKUP")
    for address in "fe80::200%eth0", SIX:
        host.run("ping", "-c1", "-W2", address)

    def neighbours():
        return {host.run("ip", "neigh", "show", address, "dev", "eth0").split()[2] for address in ("fe80::200", SIX)}

    assert neighbours() == {lb1.host.mac()}
    lb1.host.power_off()
    lb2.wait_role("MASTER")
    wait_for(neighbours, {lb2.host.mac()}, within=1, what="the new master's MAC for both")
    for address in "fe80::200%eth0", SIX:
        host.run("ping", "-c1", "-W2", address)
