"""accept: false: the address is answered for, but nothing that is sent to it comes in."""
import json
import re

from lbhatest import wait_for, wait_until
from vrrp_pair import VIP, Pair, config

SIX = "2001:db8:8::200"
BOTH = f'{VIP}/24, {{address: "{SIX}/64", advertise: false}}'


def tables(host):
    found = json.loads(host.run("nft", "-j", "list", "tables"))["nftables"]
    return [one["table"]["name"] for one in found if "table" in one]


def pings(host, address):
    return host.run("ping", "-c1", "-W1", address, check=False).count("1 received") == 1


def lone(lab, more="accept: false", **settings):
    pair = Pair(lab, addresses=BOTH, more=more, **settings)
    pair.watcher.ip("addr add 2001:db8:8::99/64 dev eth0 nodad")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: pair.lb1.holds(SIX), what="both addresses")
    return pair


def test_nothing_comes_in_but_the_address_is_answered_for(lab):
    pair = lone(lab)
    wait_until(lambda: tables(pair.lb1.host), what="a table")
    for address in VIP, SIX:
        assert not pings(pair.watcher, address)
        neighbour = pair.watcher.run("ip", "neigh", "show", address)
        assert pair.lb1.host.mac() in neighbour, "ARP and neighbour discovery are answered"
    assert pings(pair.watcher, "192.168.8.10"), "its own address works"


def test_without_it_everything_comes_in_and_nothing_is_in_the_firewall(lab):
    pair = lone(lab, more="")
    assert pings(pair.watcher, VIP) and pings(pair.watcher, SIX)
    assert tables(pair.lb1.host) == []


def test_the_owner_of_the_addresses_takes_what_is_sent_to_them(lab):
    pair = lone(lab, first=255)
    assert pings(pair.watcher, VIP) and tables(pair.lb1.host) == []


def test_a_neighbour_stays_reachable_when_it_is_probed(lab):
    """Neighbour unreachability detection asks the address itself, not the group."""
    pair = lone(lab)
    pings(pair.watcher, SIX)
    pair.watcher.ip(f"neigh change {SIX} dev eth0 nud probe")
    wait_until(lambda: "REACHABLE" in pair.watcher.run("ip", "neigh", "show", SIX), what="an answer to the probe")


def test_a_reload_turns_it_on_and_off(lab):
    pair = lone(lab, more="")
    assert pair.lb1.reload(config(addresses=BOTH, more="accept: false"))[0] == 0
    wait_for(lambda: pings(pair.watcher, VIP), False, what="nothing comes in")
    assert pair.lb1.reload(config(addresses=BOTH))[0] == 0
    wait_for(lambda: pings(pair.watcher, VIP), True, what="it comes in again")
    assert tables(pair.lb1.host) == []
    assert pair.lb1.vrrp()["transitions"] == 2


def test_a_stop_or_a_crash_leaves_no_table(lab):
    pair = lone(lab)
    wait_until(lambda: tables(pair.lb1.host), what="a table")
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: "went on" in pair.lb1.log or pair.lb1.vrrp()["transitions"] == 1, what="a new worker")
    wait_for(lambda: len(tables(pair.lb1.host)), 1, what="one table")
    wait_for(lambda: pings(pair.watcher, VIP), False, what="nothing comes in")
    pair.lb1.crash()
    wait_for(lambda: tables(pair.lb1.host), [], what="no table")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: tables(pair.lb1.host), what="a table")
    pair.lb1.stop()
    assert tables(pair.lb1.host) == []


def test_a_reload_of_the_firewall_does_not_touch_it(lab):
    pair = lone(lab)
    wait_until(lambda: tables(pair.lb1.host), what="a table")
    pair.lb1.host.run("nft", "flush", "ruleset")
    assert len(tables(pair.lb1.host)) == 1 and not pings(pair.watcher, VIP)


def test_people_can_read_the_table(lab):
    pair = lone(lab)
    [name] = wait_until(lambda: tables(pair.lb1.host), what="a table")
    pings(pair.watcher, VIP)
    shown = pair.lb1.host.run("nft", "list", "table", "inet", name)
    assert re.search(r"type filter hook input priority (srcnat \+ 1|101); policy accept", shown)
    assert re.search(r"ip daddr @ipv4 counter packets [1-9]\d* bytes \d+ drop", shown)
    assert VIP in shown and SIX in shown
