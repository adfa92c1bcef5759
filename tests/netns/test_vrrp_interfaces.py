"""Interfaces that come, go, move and flap, and events about them that are lost: the director ends in the state that the
interface is in, and the other director knows."""
import os
import random
import signal
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, LB2, VIP, Pair, config

VIP24 = f"{VIP}/24"


@pytest.fixture
def pair(lab):
    return Pair(lab).start()


def vrrp_pid(director):
    [pid] = director.worker_pids()["vrrp"]
    return pid


def heals(pair, within=6):
    """lb1 is the only master again, with the VIP, and lb2 hears it."""
    pair.wait_roles("MASTER", "BACKUP", within)
    wait_for(lambda: (pair.lb1.holds(VIP), pair.lb2.holds(VIP)), (True, False), 3, "who has the VIP")
    wait_for(lambda: pair.lb2.vrrp()["master_address"], LB1, 3, "lb2 follows lb1")
    pair.adverts.clear()
    wait_until(lambda: len(adverts(pair.adverts)) > 5, what="adverts")
    assert masters(adverts(pair.adverts)) == [LB1]


# ---- one event ----

def test_an_interface_that_visits_another_namespace_comes_back_as_itself(pair, lab):
    """The kernel lets it keep its index, but what was joined and configured on it is gone."""
    away = lab.host("away")
    for director, other in ((pair.lb1, pair.lb2), (pair.lb2, pair.lb1)):
        director.host.ip(f"link set eth0 netns {away.pid}")
        director.wait_role("FAULT", within=2)
        wait_for(lambda: director.vrrp()["reason"], "interface eth0 does not exist", what="the reason")
        wait_for(other.role, "MASTER", 2, "the other one is MASTER")
        away.ip(f"link set eth0 netns {director.host.pid}")
        director.host.ip("link set eth0 up", f"addr add {LB1 if director is pair.lb1 else LB2}/24 dev eth0")
        heals(pair)


def test_a_backup_hears_the_master_again_after_its_interface_was_renamed_away_and_back(pair):
    host = pair.lb2.host
    host.ip("link set eth0 down", "link set eth0 name other", "link set other up")
    pair.lb2.wait_role("FAULT", within=2)
    host.ip("link set other down", "link set other name eth0", "link set eth0 up")
    heals(pair)


def test_another_interface_under_the_old_name_is_used(pair):
    """A new cable takes the name while the old one is still there under another name."""
    host = pair.lb1.host
    host.ip("link set eth0 down", "link set eth0 name old")
    pair.lb1.wait_role("FAULT", within=2)
    host.ip("addr flush dev old")
    pair.lab.switch.ip("link set lb1-eth0 name gone")
    host._plug_cable(host.port())
    heals(pair)
    assert {one for one in host.addresses("old") if ":" not in one} == set()


def test_carrier_that_flaps_ends_in_one_master(pair):
    chance = random.Random(seed := int(os.environ.get("LBHA_SEED", random.randrange(1 << 32))))
    print("seed", seed)
    for _ in range(15):
        pair.lb1.host.unplug()
        time.sleep(chance.uniform(0, 0.15))
        pair.lb1.host.plug()
        time.sleep(chance.uniform(0, 0.15))
    heals(pair)


def test_without_its_own_address_a_director_is_in_fault_until_it_has_one(pair):
    pair.lb1.host.ip(f"addr del {LB1}/24 dev eth0")
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth0 has no IPv4 address to send from"], 2, "the fault")
    pair.lb2.wait_role("MASTER", within=2)
    wait_for(lambda: pair.lb1.holds(VIP), False, 2, "the VIP has gone")
    pair.lb1.host.ip(f"addr add {LB1}/24 dev eth0")
    heals(pair)


def test_a_source_that_was_given_is_waited_for_and_the_directors_address_is_replaced(lab):
    pair = Pair(lab, more="source: 192.168.8.12")
    pair.lb1.start()
    status = pair.lb1.vrrp()
    assert (status["state"], status["reason"]) == ("FAULT", "eth0 does not have 192.168.8.12, the source of its adverts")
    pair.lb1.host.ip("addr add 192.168.8.12/24 dev eth0")
    pair.lb1.wait_role("MASTER")
    pair.lb1.host.ip("addr del 192.168.8.12/24 dev eth0")
    pair.lb1.wait_role("FAULT", within=2)
    assert {one.source for one in adverts(pair.adverts)} == {"192.168.8.12"}
    assert pair.lb1.reload(config().replace(f"address: {LB1}", "address: 192.168.8.13"))[0] == 0
    pair.lb1.wait_role("MASTER")
    assert adverts(pair.adverts)[-1].source == LB1


# ---- events that are lost ----

def lost_events(director):
    """How many the worker's netlink sockets have lost."""
    with director.host.inside(), open("/proc/thread-self/net/netlink") as file:
        head, *lines = [line.split() for line in file]
    return sum(int(line[head.index("Drops")]) for line in lines)


def flood(director):
    before = lost_events(director)
    director.host.ip(*(f"addr {what} 10.9.{n >> 8 & 255}.{n & 255}/32 dev lo" for n in range(10000)
                       for what in ("add", "del")))
    assert lost_events(director) > before, "the flood was too small"


def overrun(director, meanwhile=lambda: None):
    """The worker sleeps while more happens than its queue holds, and then something of importance."""
    pid = vrrp_pid(director)
    os.kill(pid, signal.SIGSTOP)
    try:
        flood(director)
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_after_lost_events_a_removed_address_is_put_back(pair):
    overrun(pair.lb1, lambda: pair.lb1.host.ip(f"addr del {VIP24} dev eth0"))
    heals(pair)


def test_after_lost_events_a_dead_link_is_seen(pair):
    overrun(pair.lb1, pair.lb1.host.unplug)
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth0 has no carrier"], 3, "the fault")
    pair.lb1.host.plug()
    heals(pair)


def test_after_lost_events_an_interface_that_was_replaced_is_used(pair):
    """The new one even has the old one's index: only what was joined and configured on the old one is gone."""
    for director in pair.lb1, pair.lb2:
        host = director.host
        with host.inside():
            index = __import__("socket").if_nametoindex("eth0")

        def replace():
            host.ip("link del eth0")
            port = host.port()
            host.ip(f"link add eth0 index {index} address {port.mac} type veth peer name {port.name}",
                    f"link set {port.name} netns {pair.lab.switch.pid}", "link set eth0 up",
                    *(f"addr add {address} dev eth0" for address in port.address))
            pair.lab.switch.ip(f"link set {port.name} master {port.segment.name} up")

        overrun(director, replace)
        heals(pair)


# ---- anything, in any order ----

VIP_V6 = "2001:db8:8::200"

# kind of instance: its address, its keys
KINDS = {
    "ipv4": (VIP24, ""),
    "ipv6": (f"{VIP_V6}/64", ""),
    "unicast": (VIP24, "transport: unicast\nunicast: {peers: [lb1, lb2]}"),
    "virtual mac": (VIP24, "virtual_mac: true"),
}


def storm(pair, chance, vip, length):
    """Events at random about lb1's interface; at the end it is as it was, but for what the worker has to repair."""
    host, away = pair.lb1.host, pair.lab.hosts.get("away") or pair.lab.host("away")
    place, name, worker = host, "eth0", vrrp_pid(pair.lb1)

    def here(*lines):
        place.ip(*(line.format(name=name) for line in lines))

    for _ in range(length):
        event = chance.choice(("down", "up", "flush", "address", "vip", "rename", "move", "unplug", "plug", "pause",
                               "sleep", "wake"))
        print(event, end=" ")
        if event in ("down", "up"):
            here(f"link set {{name}} {event}")
        elif event == "flush":
            here("addr flush dev {name}")
        elif event == "address":
            here(f"addr replace {LB1}/24 dev {{name}}")
        elif event == "vip" and vip:
            here(f"addr replace {vip} dev {{name}}")
        elif event == "rename":
            other = "eth0" if name == "spare" else "spare"
            here("link set {name} down", f"link set {{name}} name {other}")
            name = other
        elif event == "move":
            other = away if place is host else host
            here(f"link set {{name}} netns {other.pid}")
            place = other
        elif event in ("unplug", "plug"):
            getattr(host, event)()
        elif event in ("sleep", "wake"):  # the worker; what it misses may be more than its queue holds
            os.kill(worker, signal.SIGSTOP if event == "sleep" else signal.SIGCONT)
            if event == "sleep" and not chance.randrange(4):
                flood(pair.lb1)
        elif event == "pause":
            time.sleep(chance.uniform(0, 0.5))
    print()
    here("link set {name} down", "link set {name} name eth0" if name != "eth0" else "link set {name} down")
    if place is away:
        away.ip(f"link set eth0 netns {host.pid}")
    host.plug()
    host.ip("link set eth0 up", f"addr replace {LB1}/24 dev eth0")
    os.kill(worker, signal.SIGCONT)


@pytest.mark.limit(180)
@pytest.mark.parametrize("kind", KINDS)
def test_any_storm_of_events_ends_in_the_state_of_the_interface(lab, kind):
    chance = random.Random(seed := int(os.environ.get("LBHA_SEED", random.randrange(1 << 32))))
    print("seed", seed)
    prefix, more = KINDS[kind]
    vip = prefix.split("/")[0]
    pair = Pair(lab, addresses=f'"{prefix}"', more=more)
    pair.lb1.start()
    pair.lb2.start()

    def is_well():
        roles = (pair.lb1.role(), pair.lb2.role(), pair.lb1.holds(vip), pair.lb2.holds(vip))
        return roles if roles != ("MASTER", "BACKUP", True, False) else True

    wait_for(is_well, True, 8, "lb1 is MASTER")
    for _ in range(3):
        # with a virtual MAC the address has no business on the interface itself
        storm(pair, chance, None if kind == "virtual mac" else prefix, 12)
        # a VIP that was taken away often may be ten seconds from being put back: that is no fight
        wait_for(is_well, True, 25, "lb1 is MASTER, with the VIP")
        transitions = pair.lb1.vrrp()["transitions"]
        time.sleep(0.3)
        assert is_well() is True and pair.lb1.vrrp()["transitions"] == transitions
    assert [worker["restarts"] for worker in pair.lb1.status()["workers"]] == [0, 0, 0, 0]
    assert pair.lb1.stop() == 0
    assert {one for one in pair.lb1.host.addresses() if not one.startswith(("fe80", "127.", "::1"))} == {f"{LB1}/24"}
