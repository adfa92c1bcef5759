"""The address on the interface: put back, adopted, never taking others along; and interfaces that come and go."""
import os

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts
from vrrp_pair import LB1, VIP, Pair, address_changes, config, own_addresses

VIP24 = f"{VIP}/24"


def lone(lab, **settings):
    pair = Pair(lab, **settings)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    return pair


def owned(director):
    with open(os.path.join(director.run_dir, "owned")) as file:
        return file.read().splitlines()


def test_what_is_put_in_is_written_down_and_tagged_and_struck_out_when_it_goes(lab):
    pair = lone(lab)
    lines = owned(pair.lb1)
    assert lines[-1].startswith("+ address ") and lines[-1].endswith(f" eth0 {VIP24}")
    shown = pair.lb1.host.run("ip", "-d", "-o", "addr", "show", "dev", "eth0")
    vip = next(line for line in shown.splitlines() if VIP in line)
    assert "secondary" in vip and "forever" in vip
    pair.lb1.stop()
    assert owned(pair.lb1)[-1] == lines[-1].replace("+", "-", 1)


def test_an_address_that_somebody_removes_is_put_back_and_announced(lab):
    pair = lone(lab, more="announce: {count: 1, again_after: 0s}")
    arp = pair.watcher.capture("arp")
    pair.lb1.host.ip(f"addr del {VIP24} dev eth0")
    wait_for(lambda: pair.lb1.holds(VIP), True, within=1, what="the VIP is back")
    arp.wait(lambda frame: frame.is_arp_request and frame.arp_sender == (pair.lb1.host.mac(), VIP))
    wait_until(lambda: f"eth0: {VIP24} was removed by somebody else, put back" in pair.lb1.log, what="the log says so")
    assert pair.lb1.vrrp()["transitions"] == 2
    # the second time in a row it takes ten seconds: no fight
    pair.lb1.host.ip(f"addr del {VIP24} dev eth0")
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 10, what="a second passes")
    assert not pair.lb1.holds(VIP)


def test_an_address_that_is_there_already_is_adopted(lab):
    pair = Pair(lab)
    pair.lb1.host.ip(f"addr add {VIP24} dev eth0")
    with address_changes(pair.lb1.host) as changes:
        pair.lb1.start()
        pair.lb1.wait_role("MASTER")
        wait_until(lambda: adverts(pair.adverts), what="an advert")
    assert changes == []
    assert owned(pair.lb1)[-1].endswith(VIP24)
    pair.lb1.stop()
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24"}


def test_only_what_is_ours_is_taken_away_though_it_was_the_primary_address(lab):
    """Without promote_secondaries the kernel removes the secondaries of a primary address with it."""
    pair = Pair(lab, addresses="10.9.9.200/24")
    for interface in "all", "eth0":
        pair.lb1.host.sysctl(f"net.ipv4.conf.{interface}.promote_secondaries", 0)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    pair.lb1.host.ip("addr add 10.9.9.5/24 dev eth0")
    assert "secondary" in pair.lb1.host.run("ip", "-o", "addr", "show", "to", "10.9.9.5")
    pair.lb1.stop()
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24", "10.9.9.5/24"}


def test_what_a_crash_left_behind_is_taken_away_before_anything_else(lab):
    pair = lone(lab)
    pair.lb1.crash()
    assert pair.lb1.holds(VIP)
    pair.lb1.configure(config(addresses="192.168.8.201/24", settle="1s"))
    pair.lb1.start()
    wait_for(lambda: pair.lb1.holds(VIP), False, within=0.9, what="the old VIP has gone")


def test_an_interface_that_is_not_there_is_a_fault_that_ends_when_it_comes(lab):
    pair = Pair(lab)
    pair.lb1.host.ip("link del eth0")
    pair.lb1.start()
    status = pair.lb1.vrrp()
    assert (status["state"], status["reason"]) == ("FAULT", "interface eth0 does not exist")
    pair.lb1.host.ip("link add eth0 type veth peer name far0", "link set far0 up", "link set eth0 up")
    wait_for(lambda: pair.lb1.vrrp()["reason"], "eth0 has no IPv4 address to send from", what="the next cause")
    pair.lb1.host.ip("addr add 192.168.8.10/24 dev eth0")
    pair.lb1.wait_role("MASTER")
    assert pair.lb1.holds(VIP)


def test_a_master_follows_its_interface_through_removal_and_return(lab):
    pair = lone(lab)
    for _ in range(2):
        pair.lb1.host.ip("link del eth0")
        pair.lb1.wait_role("FAULT", within=2)
        pair.lb1.host.ip("link add eth0 type veth peer name far0", "link set far0 up", "link set eth0 up",
                         "addr add 192.168.8.10/24 dev eth0")
        pair.lb1.wait_role("MASTER")
        wait_for(lambda: pair.lb1.holds(VIP), True, what="the VIP on the new interface")
    assert pair.lb1.stop() == 0
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24"}


def test_an_interface_that_is_renamed_is_another_one(lab):
    pair = lone(lab)
    pair.lb1.host.ip("link set eth0 down", "link set eth0 name lan7", "link set lan7 up")
    pair.lb1.wait_role("FAULT", within=2)
    assert pair.lb1.vrrp()["reason"] == "interface eth0 does not exist"
    pair.lb1.host.ip("link set lan7 down", "link set lan7 name eth0", "link set eth0 up")
    pair.lb1.wait_role("MASTER")


def test_an_interface_set_down_is_told_from_a_lost_carrier(lab):
    pair = lone(lab)
    pair.lb1.host.ip("link set eth0 down")
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth0 is down"], what="the fault")
    wait_for(lambda: pair.lb1.holds(VIP), False, what="no VIP on an interface that is down")
    pair.lb1.host.ip("link set eth0 up")
    pair.lb1.wait_role("MASTER")


def test_without_track_own_interface_a_lost_carrier_is_no_fault(lab):
    pair = lone(lab, more="track_own_interface: false")
    pair.lb1.host.unplug()
    wait_until(lambda: "NO-CARRIER" in pair.lb1.host.run("ip", "link", "show", "eth0"), what="no carrier")
    seen = pair.lb1.vrrp()["transitions"]
    pair.lb1.host.plug()
    wait_until(lambda: "NO-CARRIER" not in pair.lb1.host.run("ip", "link", "show", "eth0"), what="carrier")
    assert (pair.lb1.role(), pair.lb1.vrrp()["transitions"]) == ("MASTER", seen)


def test_a_new_source_address_is_used_at_once(lab):
    pair = lone(lab)
    pair.lb1.host.ip("addr add 192.168.8.12/24 dev eth0", "addr del 192.168.8.10/24 dev eth0")
    # .12 was secondary: it went with its primary unless it was promoted; put it there in any case
    pair.lb1.host.ip("addr replace 192.168.8.12/24 dev eth0")
    wait_until(lambda: adverts(pair.adverts)[-1].source == "192.168.8.12", what="adverts from the new address")
    assert pair.lb1.role() == "MASTER"
    wait_for(lambda: pair.lb1.holds(VIP), True, within=12, what="the VIP")


def test_two_hundred_addresses_move_as_one(lab):
    many = [f"192.168.9.{n}/32" for n in range(1, 201)]
    pair = Pair(lab, addresses=", ".join(many))
    arp = pair.watcher.capture("arp")
    pair.start()
    assert len(adverts(pair.adverts)[0].addresses) == 200
    assert own_addresses(pair.lb1.host) == set(many) | {f"{LB1}/24"}
    assert {frame.arp_target for frame in arp.frames if frame.is_arp_request} >= {one[:-3] for one in many}
    pair.lb1.stop()
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24"}
    assert own_addresses(pair.lb2.host) >= set(many)
