"""What one reload may do while everything goes on: addresses, numbers, names, interfaces and groups move, and nothing that
stays is taken away for it. The kernel is watched by `ip monitor`, the wire by a capture."""
import signal

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, longest_silence
from vrrp_pair import address_changes, own_addresses

HEAD = """
directors:
  lb1: {address: 192.168.8.10, interfaces: {lan: eth0, dmz: eth1}}
defaults:
  vrrp: {interface: lan, advert_interval: 100ms, carrier_settle: 0s}
"""


def text(instances, more="", head=HEAD):
    """A file with {name: "virtual_router_id: 51, virtual_addresses: [...]"}."""
    lines = [f"  - {{name: {name}, {keys}}}" for name, keys in instances.items()]
    return head + ("vrrp:\n" + "\n".join(lines) + "\n" if lines else "") + more


def router(number, *vips, more=""):
    return f"virtual_router_id: {number}, virtual_addresses: [{', '.join(vips)}]" + (", " + more if more else "")


SLOW = HEAD.replace("100ms", "1s")  # a vrrp worker that comes back within two intervals goes on
A, B, C = "192.168.8.201/24", "192.168.8.202/24", "192.168.8.203/24"
TWO = {"a": router(51, A, C), "b": router(52, B)}


class Alone:
    """One director on two segments, whose adverts are recorded."""

    def __init__(self, lab, instances, **settings):
        self.lan, self.dmz = lab.segment("lan", "192.168.8.0/24"), lab.segment("dmz", "10.0.0.0/24")
        self.director = lab.director("lb1", (self.lan, "192.168.8.10"), (self.dmz, "10.0.0.10"), config=text(instances, **settings))
        self.host = self.director.host
        self.watcher = lab.host("watcher", (self.lan, "192.168.8.99"), (self.dmz, "10.0.0.99"))
        self.adverts = self.watcher.capture("ip proto 112", on="eth0")
        self.director.start()
        self.wait_masters()

    def instances(self):
        return {one["name"]: one for one in self.director.status()["vrrp"]}

    def wait_masters(self):
        wait_for(lambda: {one["state"] for one in self.instances().values()}, {"MASTER"}, what="all MASTER")

    def reload(self, instances, **settings):
        """Reload; no operation is left, neither for the same file again nor for a plan."""
        code, said = self.director.reload(text(instances, **settings))
        assert code == 0, said
        self.wait_masters()
        assert self.director.ctl("plan") == ""

    def heard(self, number):
        return [one for one in adverts(self.adverts) if one.router == number]

    def last(self, number):
        """The addresses of the next advert of a virtual router."""
        seen = len(self.heard(number))
        wait_until(lambda: len(self.heard(number)) > seen + 1, what=f"adverts of {number}")
        return sorted(self.heard(number)[-1].addresses)


def plain(*vips):
    return sorted(vip.split("/")[0] for vip in vips)


# ---- addresses ----

def test_addresses_move_between_masters_in_any_direction_at_once(lab):
    alone = Alone(lab, TWO)
    with address_changes(alone.host) as changes:
        for a, b in ((A,), (B, C)), ((B, C), (A,)), ((A, B), (C,)), ((A, C), (B,)):
            alone.reload({"b": router(52, *b), "a": router(51, *a)})
            assert (alone.last(51), alone.last(52)) == (plain(*a), plain(*b))
    assert changes == []
    assert {one["transitions"] for one in alone.instances().values()} == {2}
    assert longest_silence(alone.heard(51)) < 0.3 and not [one for one in adverts(alone.adverts) if not one.priority]


def test_an_address_moves_to_a_member_of_a_sync_group_and_back(lab):
    alone = Alone(lab, TWO)
    group = "sync_groups: [{name: both, instances: [b, c]}]\n"
    moved = {"a": router(51, A), "b": router(52, B, C), "c": router(53, "10.0.0.200/24", more="interface: dmz")}
    with address_changes(alone.host) as changes:
        alone.reload(moved, more=group)
        alone.reload({"a": router(51, A, C), "b": router(52, B)})
        alone.reload(moved, more=group.replace("both", "all"))
        alone.reload(moved, more=group.replace("[b, c]", "[c, b, a]"))
        wait_for(lambda: {one["name"]: one["state"] for one in alone.director.status()["sync_groups"]}, {"both": "MASTER"},
                 what="the group's state")
    assert {one for one in changes if "192.168.8" in one} == set()
    assert (alone.instances()["a"]["transitions"], alone.instances()["b"]["transitions"]) == (2, 2)


def test_an_address_moves_to_another_interface_and_back(lab):
    alone = Alone(lab, TWO)
    there = C.replace("/24", "/32")
    for instances, interface in ({"a": router(51, A), "b": router(52, B, f"{{address: {there}, interface: dmz}}")}, "eth1"), (TWO, "eth0"):
        with address_changes(alone.host) as changes:
            alone.reload(instances)
            wait_until(lambda: {C, there} & alone.host.addresses(interface), what=f"it is on {interface}")
            wait_until(lambda: sum(len({C, there} & alone.host.addresses(one)) for one in ("eth0", "eth1")) == 1, what="and only there")
        assert sorted(changes) == sorted([f"+{there}", f"-{C}"] if interface == "eth1" else [f"-{there}", f"+{C}"])


def test_another_prefix_length_is_there_before_the_former_goes(lab):
    alone = Alone(lab, {"a": router(51, A, C)})
    wide, narrow = "192.168.8.203/24", "192.168.8.203/32"
    for before, after in (wide, narrow), (narrow, wide):
        with address_changes(alone.host) as changes:
            alone.reload({"a": router(51, A, after)})
            wait_until(lambda: before not in own_addresses(alone.host), what="the former length has gone")
        assert changes == [f"+{after}", f"-{before}"]


def test_a_label_changes_that_address_alone(lab):
    alone = Alone(lab, {"a": router(51, A, C)})
    with address_changes(alone.host) as changes:
        alone.reload({"a": router(51, A, f'{{address: {C}, label: "eth0:1"}}')})
        wait_until(lambda: "eth0:1" in alone.host.run("ip", "addr", "show", "dev", "eth0"), what="the label")
    assert changes == [f"-{C}", f"+{C}"], "the kernel changes a label in no other way"
    assert longest_silence(alone.heard(51)) < 0.3


# ---- virtual routers ----

def test_two_instances_swap_their_numbers(lab):
    alone = Alone(lab, TWO)
    with address_changes(alone.host) as changes:
        for _ in range(2):
            alone.reload({"a": router(52, A, C), "b": router(51, B)})
            assert (alone.last(51), alone.last(52)) == (plain(B), plain(A, C))
            alone.reload(TWO)
    assert changes == []
    assert longest_silence(alone.heard(51)) < 0.3 and longest_silence(alone.heard(52)) < 0.3
    assert not [one for one in adverts(alone.adverts) if not one.priority], "nobody gave up"


def test_an_instance_gets_another_name_and_its_worker_dies(lab):
    alone = Alone(lab, TWO, head=SLOW)
    before = alone.instances()["a"]
    with address_changes(alone.host) as changes:
        alone.reload({"c": router(51, A, C), "b": router(52, B)}, head=SLOW)
        after = alone.instances()["c"]
        assert (after["since"], after["transitions"]) == (before["since"], before["transitions"])
        alone.reload({"b": router(51, A, C), "c": router(52, B)}, head=SLOW)  # they change places
        old = alone.director.kill_worker("vrrp")
        wait_until(lambda: alone.director.worker("vrrp")["pid"] not in (0, old), what="a new worker")
        alone.wait_masters()
        wait_for(lambda: {one["reason_code"] for one in alone.instances().values()}, {"resumed"}, what="both go on")
    assert changes == []
    assert not [one for one in adverts(alone.adverts) if not one.priority]


def test_another_number_takes_the_addresses_over_without_a_gap(lab):
    alone = Alone(lab, {"a": router(51, A, C)})
    with address_changes(alone.host) as changes:
        for number in 61, 51:
            alone.reload({"a": router(number, A, C)})
            assert alone.instances()["a"]["reason_code"] == "handed_over"
            assert alone.last(number) == plain(A, C)
        alone.reload({"new": router(71, A, C)})  # another name, too
        wait_until(lambda: [one.priority for one in alone.heard(51)].count(0) >= 4, what="51 was released, and asked twice")
    assert changes == []


def test_what_a_deleted_instance_had_goes_on_with_another(lab):
    alone = Alone(lab, TWO)
    with address_changes(alone.host) as changes:
        alone.reload({"a": router(51, A, B, C)})
        wait_until(lambda: [one.priority for one in alone.heard(52)].count(0) >= 4, what="52 was released")
        assert alone.last(51) == plain(A, B, C)
    assert changes == []


def test_an_instance_changes_its_interface(lab):
    """The former one is released before it goes; the other listens before it claims."""
    alone = Alone(lab, {"a": router(51, A), "b": router(52, B)})
    inside = alone.watcher.capture("ip proto 112", on="eth1")
    with address_changes(alone.host) as changes:
        alone.reload({"a": router(51, A, more="interface: dmz"), "b": router(52, B)})
        wait_for(lambda: A in alone.host.addresses("eth1") and A not in alone.host.addresses("eth0"), True, what="it has moved")
    assert [one for one in changes if B in one] == []
    assert adverts(inside)[0].priority == 100 and alone.heard(51)[-1].priority == 0
    assert longest_silence(alone.heard(52)) < 0.3


def test_another_logical_name_of_an_interface_changes_nothing(lab):
    alone = Alone(lab, TWO)
    before = alone.instances()
    with address_changes(alone.host) as changes:
        alone.reload(TWO, head=HEAD.replace("lan: eth0", "outside: eth0").replace("interface: lan", "interface: outside"))
    assert changes == []
    assert [(one["since"], one["transitions"]) for one in alone.instances().values()] == [
        (one["since"], one["transitions"]) for one in before.values()]


# ---- all or nothing ----

def has_compiler(host):
    return "--worker compiler" in host.run("ps", "-eo", "args")


@pytest.mark.parametrize("name", ["control", "check", "vrrp"])
def test_a_worker_that_dies_before_it_has_agreed_leaves_everything_as_it_was(lab, name):
    alone = Alone(lab, TWO, head=SLOW)
    pid = alone.director.worker(name)["pid"]
    alone.director.configure(text({"a": router(61, A), "c": router(51, B)}, head=SLOW))
    with address_changes(alone.host) as changes:
        alone.host.run("kill", f"-{int(signal.SIGSTOP)}", pid)
        alone.director.process.send_signal(signal.SIGHUP)
        wait_until(lambda: alone.director.log.count("begins") == 1, what="the reload begins")
        wait_until(lambda: not has_compiler(alone.host), what="the others have been asked")
        alone.host.run("kill", f"-{int(signal.SIGKILL)}", pid)
        wait_until(lambda: "reload refused, generation 1 stays in force" in alone.director.log, what="it is refused")
        wait_for(lambda: sorted(alone.instances()), ["a", "b"], what="the instances of before")
        alone.wait_masters()
    assert changes == []
    assert alone.director.status()["generation"] == 1
