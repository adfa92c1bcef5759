"""Addresses and routes after anything that may happen, in any order: the kernel has what the file says, and nothing else.

LBHA_SEED=N repeats a run, LBHA_ROUNDS=N makes it as long as you like.
"""
import json
import os
import random
import time

import pytest

from lbhatest import wait_for, wait_until
from vrrp_pair import LB1, Pair

ROUNDS = int(os.environ.get("LBHA_ROUNDS", 12))
HEAD = """
directors:
  lb1: {address: 192.168.8.10}
  lb2: {address: 192.168.8.11}
defaults:
  vrrp: {advert_interval: 100ms, carrier_settle: 0s, interface: eth0, track_own_interface: false}
vrrp:
"""
OWN = {"eth0": f"{LB1}/24", "eth1": "10.1.1.1/24"}
IPV4 = ([f"192.168.8.{last}/{length}" for last in range(200, 206) for length in (24, 32)]
        + [f"10.7.7.{last}/24" for last in range(1, 5)])
IPV6 = [f"2001:db8:8::{last}" for last in range(200, 204)]


class Wanted:
    """A configuration at random, and what the kernel is to have then."""

    def __init__(self, dice):
        self.dice = dice
        self.text, self.addresses, self.routes = HEAD, {}, {}
        for number, name in enumerate(("first", "second"), 1):
            vips = [self.vip("eth0", f"192.168.9.{number}", 32)]
            vips += [self.random_ipv4(one) for one in dice.sample(IPV4, dice.randint(0, 4))]
            vips += [self.random_ipv6(one) for one in dice.sample(IPV6, dice.randint(0, 3))]
            routes = [self.random_route(number, one) for one in range(dice.randint(0, 2))]
            self.text += (f"  - name: {name}\n    virtual_router_id: {50 + number}\n"
                          f"    virtual_addresses: [{', '.join(filter(None, vips))}]\n"
                          f"    routes: [{', '.join(routes)}]\n" if routes else
                          f"  - name: {name}\n    virtual_router_id: {50 + number}\n"
                          f"    virtual_addresses: [{', '.join(filter(None, vips))}]\n")

    def vip(self, interface, address, length, label=None, noprefixroute=False, advertise=True):
        """One entry of the list; None if the address is there already."""
        if any(address == other for _, other in self.addresses):
            return None
        shown = (label or interface) if ":" not in address else None
        self.addresses[interface, address] = (length, shown, noprefixroute)
        words = [f'address: "{address}/{length}"', f"interface: {interface}", f"noprefixroute: {str(noprefixroute).lower()}",
                 f"advertise: {str(advertise).lower()}"]
        return "{" + ", ".join(words + ([f'label: "{label}"'] if label else [])) + "}"

    def random_ipv4(self, prefix):
        address, length = prefix.split("/")
        interface = self.dice.choice(["eth0", "eth0", "eth1"])
        label = self.dice.choice([None, f"{interface}:{self.dice.randint(0, 2)}"])
        return self.vip(interface, address, int(length), label, self.dice.random() < 0.3, self.dice.random() < 0.7)

    def random_ipv6(self, address):
        return self.vip("eth0", address, self.dice.choice([64, 128]), None, self.dice.random() < 0.3, False)

    def random_route(self, number, which):
        to, via = f"203.0.{100 + 10 * number + which}.0/24", self.dice.choice(["192.168.8.1", "192.168.8.2", None])
        metric = self.dice.choice([0, 5])
        self.routes[to, metric] = via
        return "{" + f"to: {to}, metric: {metric}" + (f", via: {via}" if via else "") + "}"


def addresses(host):
    """{(interface, address): (length, label, noprefixroute)} of all that are not the host's own."""
    own = {one.split("/")[0] for one in OWN.values()} | {"127.0.0.1", "::1"}
    return {(link["ifname"], one["local"]): (one["prefixlen"], one.get("label"), one.get("noprefixroute", False))
            for link in json.loads(host.run("ip", "-j", "addr")) for one in link.get("addr_info", [])
            if one.get("local") and one["local"] not in own and not one["local"].startswith("fe80")}


def routes(host):
    return {(one["dst"], one.get("metric", 0)): one.get("gateway")
            for one in json.loads(host.run("ip", "-j", "-d", "route")) if one["protocol"] == "76"}


def difference(there, wanted):
    """What is wanted and not so, and what is there and not wanted."""
    return (sorted((key, wanted[key], there.get(key)) for key in wanted if there.get(key) != wanted[key]),
            sorted(set(there) - set(wanted)))


class Story:
    """What happens to a director."""

    def __init__(self, director, dice):
        self.director, self.dice = director, dice
        self.wanted = Wanted(dice)
        self.kills = 0

    def reload(self):
        self.wanted = Wanted(self.dice)
        code, said = self.director.reload(self.wanted.text)
        assert code == 0, said

    def down_and_up(self):
        interface = self.dice.choice(sorted(OWN))
        self.director.host.ip(f"link set {interface} down", f"link set {interface} up",
                              f"addr replace {OWN[interface]} dev {interface}")

    def promote(self):
        for interface in "all", "eth0", "eth1":
            self.director.host.sysctl(f"net.ipv4.conf.{interface}.promote_secondaries", self.dice.randint(0, 1))

    def kill(self):
        """The worker; not more often than the supervisor starts another at once."""
        if self.kills < 3:
            old = self.director.kill_worker("vrrp")
            wait_until(lambda: self.director.worker("vrrp")["pid"] not in (0, old), what="a new worker")
        self.kills += 1

    def crash(self):
        self.director.crash()
        self.director.start()
        self.kills = 0

    def pause(self):
        time.sleep(self.dice.random() / 3)

    def happens(self):
        what = self.dice.choice([self.reload, self.reload, self.reload, self.down_and_up, self.promote, self.kill, self.pause]
                                + ([self.crash] if self.dice.random() < 0.2 else []))
        what()
        return what.__name__


@pytest.mark.limit(60 + 3 * ROUNDS)
def test_the_kernel_has_what_the_file_says_after_anything(lab):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    dice = random.Random(seed)
    pair = Pair(lab)
    director, host = pair.lb1, pair.lb1.host
    host.attach(lab.segment("other", "10.1.1.0/24"), "10.1.1.1")
    story = Story(director, dice)
    director.configure(story.wanted.text)
    director.start()
    for number in range(ROUNDS):
        happened = [story.happens() for _ in range(dice.randint(1, 6))]
        about = f"round {number} of {seed}: {', '.join(happened)}"
        wait_for(lambda: difference(addresses(host), story.wanted.addresses), ([], []), within=12,
                 what=f"the addresses after {about}")
        wait_for(lambda: difference(routes(host), story.wanted.routes), ([], []), within=12, what=f"the routes after {about}")
    assert director.stop() == 0
    assert (addresses(host), routes(host)) == ({}, {})
