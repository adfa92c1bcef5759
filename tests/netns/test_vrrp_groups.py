"""Sync groups: two directors on two segments, and the addresses on both, which move together or not at all."""
import os
import random
import time

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters

OUTSIDE, INSIDE = "192.168.8.200", "10.0.0.200"
VIPS = [OUTSIDE, INSIDE]
BOTH = "sync_groups:\n  - {name: gateway, instances: [outside, inside]}\n"

CONFIG = """cluster: shop
directors:
  lb1: {{priority: {first}, interfaces: {{lan: eth0, dmz: eth1}}}}
  lb2: {{priority: {second}, interfaces: {{lan: eth0, dmz: eth1}}}}
vrrp:
  - {{name: outside, interface: lan, virtual_router_id: 51, virtual_addresses: [192.168.8.200/24]{more}}}
  - {{name: inside, interface: dmz, virtual_router_id: 52, virtual_addresses: [10.0.0.200/24]{more}}}
{groups}
"""


def config(first=150, second=100, interval="100ms", settle="0", more="", groups=BOTH):
    more = f", advert_interval: {interval}, carrier_settle: {settle}" + (", " + more if more else "")
    return CONFIG.format(first=first, second=second, more=more, groups=groups)


class Pair:
    """lb1 and lb2 on lan and dmz; lb1 is preferred. Adverts of both wires are recorded."""

    def __init__(self, lab, **settings):
        self.lan, self.dmz = lab.segment("lan", "192.168.8.0/24"), lab.segment("dmz", "10.0.0.0/24")
        text = config(**settings)
        self.lb1 = lab.director("lb1", (self.lan, "192.168.8.10"), (self.dmz, "10.0.0.10"), config=text)
        self.lb2 = lab.director("lb2", (self.lan, "192.168.8.11"), (self.dmz, "10.0.0.11"), config=text)
        watcher = lab.host("watcher", (self.lan, "192.168.8.99"), (self.dmz, "10.0.0.99"))
        self.outside, self.inside = watcher.capture("ip proto 112", on="eth0"), watcher.capture("ip proto 112", on="eth1")
        self.watcher = watcher

    def start(self):
        self.lb1.start()
        wait_for(lambda: roles(self.lb1), ["MASTER", "MASTER"], what="lb1 is MASTER")
        self.lb2.start()
        wait_for(lambda: masters_of(self.lb2), ["192.168.8.10", "10.0.0.10"], what="lb2 follows lb1")
        return self

    def wait(self, first, second, within=6):
        """Both members of each director are in that state, and the addresses are where they belong."""
        wait_for(lambda: (roles(self.lb1), roles(self.lb2)), ([first] * 2, [second] * 2), within, "roles of lb1 and lb2")
        for director, state in (self.lb1, first), (self.lb2, second):
            wait_for(lambda: held(director), VIPS if state == "MASTER" else [], what=f"addresses of {director}")


def roles(director):
    return [one["state"] for one in director.status()["vrrp"]]


def masters_of(director):
    return [one["master_address"] for one in director.status()["vrrp"]]


def reasons(director):
    return {one["name"]: one["reason"] for one in director.status()["vrrp"]}


def group(director):
    return director.status()["sync_groups"][0]


def held(director):
    return [vip for vip in VIPS if director.holds(vip)]


# ---- faults and takeover ----

def test_a_dead_link_on_one_wire_moves_both_addresses_and_they_come_back_together(lab):
    pair = Pair(lab).start()
    pair.lb1.host.unplug("eth1")
    pair.wait("FAULT", "MASTER")
    assert reasons(pair.lb1) == {"outside": "with inside: eth1 has no carrier", "inside": "eth1 has no carrier"}
    assert (group(pair.lb1)["state"], group(pair.lb1)["reason"]) == ("FAULT", "inside: eth1 has no carrier")
    assert (group(pair.lb2)["state"], group(pair.lb2)["instances"]) == ("MASTER", ["outside", "inside"])
    # the wire that still worked was told: nobody had to wait there for the down interval
    spoke = [one for one in adverts(pair.outside) if one.source == "192.168.8.10"]
    assert spoke[-1].priority == 0
    pair.lb1.host.plug("eth1")
    pair.wait("MASTER", "BACKUP")


def test_a_crash_moves_both_within_the_down_interval(lab):
    pair = Pair(lab).start()
    pair.lb1.crash()
    wait_for(lambda: roles(pair.lb2), ["MASTER", "MASTER"], 2, "lb2 is MASTER")
    for capture in pair.outside, pair.inside:
        spoken = adverts(capture)
        last = max(one.when for one in spoken if one.source.endswith(".10"))
        first = min(one.when for one in spoken if one.source.endswith(".11"))
        assert first - last < 4.5 * 0.1
    pair.lb1.start()
    pair.wait("MASTER", "BACKUP")


def test_a_planned_stop_leaves_no_gap_on_either_wire(lab):
    pair = Pair(lab, interval="1s")
    for director in pair.lb1, pair.lb2:
        lab.serve(director.host)
    pair.start()
    outer = lab.client("outer", pair.lan, "192.168.8.100")
    inner = lab.client("inner", pair.dmz, "10.0.0.100")
    with outer.fetching(OUTSIDE, every=0.01) as out, inner.fetching(INSIDE, every=0.01) as into:
        wait_until(lambda: out.ok > 50 and into.ok > 50, what="answers from lb1")
        assert pair.lb1.stop() == 0
        assert held(pair.lb1) == []
        good = out.ok, into.ok
        wait_until(lambda: out.ok > good[0] + 50 and into.ok > good[1] + 50, what="answers from lb2")
    for fetching in out, into:
        assert set(fetching.served_by) == {"lb1", "lb2"}
        assert fetching.longest_gap_ms < 250
    assert roles(pair.lb2) == ["MASTER", "MASTER"]


def test_a_killed_worker_goes_on_with_both_addresses_and_nobody_notices(lab):
    pair = Pair(lab, interval="1s").start()
    before = [one["transitions"] for one in pair.lb2.status()["vrrp"]]
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: "going on after a restart" in reasons(pair.lb1)["inside"], what="the new worker")
    assert roles(pair.lb1) == ["MASTER", "MASTER"] and held(pair.lb1) == VIPS
    assert [one["transitions"] for one in pair.lb2.status()["vrrp"]] == before


# ---- partitions ----

def test_while_one_wire_is_parted_nothing_moves_and_the_reason_says_why(lab):
    pair = Pair(lab).start()
    pair.lb2.host.cut_off("eth0")
    wait_until(lambda: reasons(pair.lb2)["outside"].startswith("waiting for inside"), what="lb2 would claim outside")
    assert reasons(pair.lb2)["outside"] == "waiting for inside: 10.0.0.10 advertises 150 > 100"
    assert group(pair.lb2)["reason"] == "inside: 10.0.0.10 advertises 150 > 100"
    pair.wait("MASTER", "BACKUP")
    pair.lb2.host.join_again("eth0")
    wait_until(lambda: reasons(pair.lb2)["outside"] == "192.168.8.10 advertises 150 > 100", what="lb2 hears lb1 again")
    assert masters(adverts(pair.outside)) == ["192.168.8.10"]


def test_of_two_masters_after_a_parted_network_one_remains_within_an_interval_and_announces_again(lab):
    pair = Pair(lab, interval="500ms").start()
    for interface in "eth0", "eth1":
        pair.lb2.host.cut_off(interface)
    pair.wait("MASTER", "MASTER")
    arp = [pair.watcher.capture("arp", on=name) for name in ("eth0", "eth1")]
    healed = time.monotonic()
    for interface in "eth0", "eth1":
        pair.lb2.host.join_again(interface)
    wait_for(lambda: roles(pair.lb2), ["BACKUP", "BACKUP"], 2, "lb2 gives way")
    assert time.monotonic() - healed < 1
    for capture, vip, interface in zip(arp, VIPS, ("eth0", "eth1")):
        mine = (pair.lb1.host.mac(interface), vip)
        wait_until(lambda: any(frame.arp_sender == mine for frame in capture.frames), what=f"lb1 announces {vip} again")
    pair.wait("MASTER", "BACKUP")
    assert pair.lb1.status()["vrrp"][0]["transitions"] == 2  # to BACKUP and to MASTER at its start


def test_equal_priorities_and_crossed_addresses_find_one_master(lab):
    """lb1 has the higher address on one wire and lb2 on the other: each would depose the other."""
    pair = Pair(lab, first=100, second=100)
    pair.lb1.host.ip("addr del 192.168.8.10/24 dev eth0", "addr add 192.168.8.20/24 dev eth0")
    pair.lb1.launch()
    pair.lb2.launch()
    wait_until(lambda: sorted([roles(pair.lb1), roles(pair.lb2)]) == [["BACKUP"] * 2, ["MASTER"] * 2], 10, "one master")
    before = [one["transitions"] for each in (pair.lb1, pair.lb2) for one in each.status()["vrrp"]]
    seen = len(adverts(pair.inside))
    wait_until(lambda: len(adverts(pair.inside)) > seen + 20, what="more adverts")
    assert [one["transitions"] for each in (pair.lb1, pair.lb2) for one in each.status()["vrrp"]] == before


# ---- reload ----

def test_members_join_and_leave_a_group_without_a_move(lab):
    pair = Pair(lab, groups="").start()
    transitions = [one["transitions"] for each in (pair.lb1, pair.lb2) for one in each.status()["vrrp"]]
    for director in pair.lb1, pair.lb2:
        director.configure(config())
    code, said = pair.lb1.ctl_status("plan")
    assert (code, "sync group gateway" in said) == (0, True), said
    for text, groups in (config(), 1), (config(groups=""), 0), (config(), 1):
        for director in pair.lb2, pair.lb1:
            code, said = director.reload(text)
            assert code == 0, said
            assert len(director.status()["sync_groups"]) == groups
        pair.wait("MASTER", "BACKUP")
    assert [one["transitions"] for each in (pair.lb1, pair.lb2) for one in each.status()["vrrp"]] == transitions
    assert group(pair.lb1)["state"] == "MASTER"
    code, said = pair.lb1.ctl_status("plan")
    assert said.strip() == "", said


def test_a_router_that_follows_another_master_brings_its_group_along(lab):
    """Before they were grouped each address had its own master."""
    pair = Pair(lab, groups="")
    pair.lb1.configure(config(groups="").replace("virtual_router_id: 52", "virtual_router_id: 52, priority: 50"))
    pair.lb1.start()
    pair.lb2.start()
    wait_for(lambda: (roles(pair.lb1), roles(pair.lb2)), (["MASTER", "BACKUP"], ["BACKUP", "MASTER"]), what="one each")
    pair.lb2.reload(config())
    assert roles(pair.lb2) == ["BACKUP", "BACKUP"]
    pair.lb1.reload(config())
    pair.wait("MASTER", "BACKUP")


def test_members_that_a_reload_takes_away_are_released_together(lab):
    pair = Pair(lab, interval="1s").start()
    only = config(groups="").split("  - {name: outside")[0].replace("vrrp:\n", "")
    code, said = pair.lb1.reload(only)
    assert code == 0, said
    wait_for(lambda: roles(pair.lb2), ["MASTER", "MASTER"], what="lb2 takes over")
    wait_for(lambda: held(pair.lb1), [], what="lb1 lets go")
    for capture in pair.outside, pair.inside:
        assert [one.priority for one in adverts(capture) if one.source.endswith(".10")][-3:] == [0, 0, 0]


def test_reloads_in_any_order_leave_no_group_stuck_or_half_moved(lab):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 30)))
    print(f"LBHA_SEED={seed}")
    chance = random.Random(seed)
    pair = Pair(lab).start()
    outside, inside = config(groups="").split("vrrp:\n")[1].splitlines()[:2]
    head = config(groups="").split("vrrp:\n")[0] + "vrrp:\n"
    texts = [config(), config(groups=""), config(groups=BOTH.replace("gateway", "another")),
             config(groups=BOTH.replace("outside, inside", "inside, outside")),
             config(groups="sync_groups: [{name: gateway, instances: [outside]}]"),
             head + inside + "\n" + outside + "\n" + BOTH, head + outside + "\n", head + inside + "\n",
             config().replace("virtual_router_id: 52", "virtual_router_id: 62"), config(first=90)]
    for _ in range(12):
        director = chance.choice((pair.lb1, pair.lb2))
        code, said = director.reload(chance.choice(texts))
        assert code == 0, said
        time.sleep(chance.choice((0, 0, 0.05, 0.3)))
    for director in pair.lb1, pair.lb2:
        code, said = director.reload(config())
        assert code == 0, said
    pair.wait("MASTER", "BACKUP")
    assert group(pair.lb1)["state"] == "MASTER" and group(pair.lb2)["state"] == "BACKUP"
    assert pair.lb1.ctl("plan").strip() == ""
    assert [one.worker("vrrp")["restarts"] for one in (pair.lb1, pair.lb2)] == [0, 0]
