"""Reloads at random: in the end there is what a fresh start with the last file has, nothing grows, and the plan has said what
was done. LBHA_SEED repeats a run, LBHA_ROUNDS says how many reloads (100; a thousand and more with --long).
"""
import contextlib
import json
import os
import random
import re
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.anything import Anything, lasting
from lbhatest.director import program
from lbhatest.state import state_of
from lbhatest.vrrp import ANY_ADVERT, adverts

ROUNDS = int(os.environ.get("LBHA_ROUNDS", 2000 if os.environ.get("LBHA_LONG") else 100))
WARM = 50           # reloads after which all that is kept for later use is there
PAIRS = max(10, ROUNDS // 10)
SETTLED = ("MASTER", "FAULT")
SLACK = 128 << 10   # bytes of private memory that a process may gain, which its allocator keeps
RINGS = {"control": 1 << 20, "vrrp": 640 << 10}  # and what has room from the start and is filled with time: events, orders


def dice():
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    return random.Random(seed)


class Site:
    """A director alone on two segments, whose adverts are heard."""

    def __init__(self, lab, source):
        self.lan, self.dmz = lab.segment("lan", "192.168.8.0/24"), lab.segment("dmz", "10.0.0.0/24")
        self.director = lab.director("lb1", (self.lan, "192.168.8.10"), (self.dmz, "10.0.0.10"), config="")
        self.host = self.director.host
        watcher = lab.host("watcher", (self.lan, "192.168.8.99"), (self.dmz, "10.0.0.99"))
        self.wires = [watcher.capture(ANY_ADVERT, on=link) for link in ("eth0", "eth1")]
        self.source = source
        self.director.configure(source.text())
        self.director.start()

    def reload(self, text):
        """How long that took."""
        began = time.monotonic()
        code, said = self.director.reload(text)
        assert code == 0, said
        return time.monotonic() - began

    def heard(self):
        """What is said on each wire now, by virtual router; an instance of another time may still say goodbye."""
        found = []
        for wire in self.wires:
            wire.clear()
        time.sleep(0.35)
        for link, wire in enumerate(self.wires):
            found += sorted({(link, one.source, one.router, one.priority, one.interval, tuple(sorted(one.addresses)))
                             for one in adverts(wire)})
        return found

    def state(self):
        """All of it, without times, counters and the order in which it came about."""
        lines = sorted({re.sub(r"^\d+: |\bsecondary |\bdynamic |(?<=@)if\d+|numtxqueues.*?(?=alias|$)|promiscuity \d+|allmulti \d+|(?<=lbha_vrrp_)[0-9a-f]+",
                               "", line) for line in state_of(self.host)})
        return {"status": lasting(self.director.status()), "kernel": lines, "heard": self.heard()}

    def settled(self):
        """The state, when it is the same twice and all are what they can be alone."""
        states = []

        def is_settled():
            states.append(self.state())
            return (len(states) > 1 and states[-1] == states[-2]
                    and all(one["state"] in SETTLED for one in states[-1]["status"]["vrrp"]))
        wait_until(is_settled, 15, "a state that lasts", every=0.1)
        return states[-1]

    def use(self, text):
        """{process: (private bytes, descriptors)} with that configuration."""
        self.reload(text)
        self.settled()
        pids = {name: pid for name, pids in self.director.worker_pids().items() for pid in pids}
        pids["supervisor"] = self.director.process.pid
        return {name: (private(pid), len(os.listdir(f"/proc/{pid}/fd"))) for name, pid in sorted(pids.items())}


def is_sanitized():
    """Then what was freed is kept for a while, to catch whoever uses it."""
    return "libasan" in subprocess.run(["ldd", program("lbhad")], stdout=subprocess.PIPE, text=True, check=True).stdout


def private(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(1024 * int(line.split()[1]) for line in file if line.startswith("Private_"))


def differences(before, after):
    """What is not the same, in lines."""
    found = []
    for key in before:
        one, other = (json.dumps(state[key], indent=0).splitlines() for state in (before, after))
        found += [f"{key}: - {line}" for line in one if line not in other]
        found += [f"{key}: + {line}" for line in other if line not in one]
    return found


@pytest.mark.limit(60 + ROUNDS)
def test_random_reloads_end_as_a_fresh_start_and_leave_nothing_behind(lab):
    rng = dice()
    folder = lab.host("files").folder
    site = Site(lab, Anything(rng, folder))
    owned, base, times = os.path.join(site.director.run_dir, "owned"), site.source.text(), []
    for number in range(1, ROUNDS + 1):
        text = site.source.next()
        times.append(site.reload(text))
        if rng.random() < 0.1:
            time.sleep(rng.random() / 2)
        if number == WARM:
            used = site.use(base)
    after = site.settled()
    last = site.use(base)
    workers = {worker["name"]: worker["restarts"] for worker in site.director.status()["workers"]}
    print(f"{ROUNDS} reloads, each {1000 * sum(times) / len(times):.0f} ms, the longest {1000 * max(times):.0f} ms;",
          "kB and descriptors after", WARM, "and in the end:",
          ", ".join(f"{name} {used[name][0] >> 10}/{used[name][1]} {last[name][0] >> 10}/{last[name][1]}" for name in used),
          f"owned file {os.path.getsize(owned)} bytes")
    assert set(workers.values()) == {0}, workers
    assert {name: descriptors for name, (_, descriptors) in last.items()} == {name: one for name, (_, one) in used.items()}
    assert is_sanitized() or not [name for name in used if last[name][0] > used[name][0] + SLACK + RINGS.get(name, 0)], "memory grows"
    assert site.director.ctl("plan") == ""
    assert site.director.stop() == 0
    site.director.configure(text)
    site.director.start()
    assert os.path.getsize(owned) < 4096, "a start makes the owned file compact"
    fresh = site.settled()
    assert differences(after, fresh) == [], text


# ---- plans ----

def addresses(host):
    """{(link, prefix, label, noprefixroute)} of those that are not the host's own."""
    own = {"192.168.8.10", "10.0.0.10", "127.0.0.1", "::1"}
    return {(link["ifname"], f"{one['local']}/{one['prefixlen']}", one.get("label"), one.get("noprefixroute", False))
            for link in json.loads(host.run("ip", "-j", "addr")) for one in link.get("addr_info", [])
            if one.get("local") and one["local"] not in own and not one["local"].startswith("fe80")}


@contextlib.contextmanager
def events(host):
    """A set of (link, prefix) that gets each address of which the kernel tells anything meanwhile."""
    log = host.log_file("monitor")
    with open(log, "wb") as file:
        monitor = host.start("ip", "-o", "monitor", "address", stdout=file)

    def noticed():
        host.ip("addr replace 127.7.7.7/32 dev lo", "addr del 127.7.7.7/32 dev lo")
        with open(log) as lines:
            return "127.7.7.7" in lines.read()

    wait_until(noticed, what="ip monitor listens")
    found = set()
    try:
        yield found
    finally:
        monitor.kill()
        monitor.wait()
        with open(log) as lines:
            for match in re.finditer(r"^(?:Deleted )?\d+: +(\S+) +inet6? (\S+)", lines.read(), re.M):
                if not match[2].startswith(("127.7.7.7", "fe80")):
                    found.add(match.groups())


class Routers:
    """What virtual routers have, as a plan tells it: begins with a configuration, goes on with the lines of plans."""

    def __init__(self, instances):
        self.routers = {one["name"]: {
            "link": one["interface"], "number": one["virtual_router_id"], "own": one["virtual_mac"],
            "vips": {address: {"interface": vip["interface"] if vip["interface"] != one["interface"] else None,
                               "label": vip["label"], "noprefixroute": vip["noprefixroute"], "advertise": vip["advertise"]}
                     for vip in one["vips"]
                     for address in [vip["address"].replace("/24", "/32") if one["virtual_mac"] else vip["address"]]}}
            for one in instances}
        self.started = set()

    def follow(self, lines):
        """Names first: routers may change places. Those that end come last, and another may have their name."""
        lines = [line.split(": ", 1) for line in lines]
        renamed = {name: match[1] for name, said in lines for match in [re.match("goes on with .* which was (.*)", said)] if match}
        kept = {name: router for name, router in self.routers.items() if name not in renamed.values()}
        self.routers = {**kept, **{name: self.routers[old] for name, old in renamed.items()}}
        starting = [name for name, said in lines if said.startswith("start ")]
        ended = None
        for name, said in lines:
            if said.startswith("release ") and name not in starting:
                ended = name
                if name not in renamed and name not in self.started:
                    del self.routers[name]
            elif name != ended:
                self.line(name, said.split(), said)
            if said.startswith("start "):
                starting.remove(name)
                self.started.add(name)
        return self

    def line(self, name, words, said):
        if words[0] == "start":
            match = re.match(r"start virtual router (\d+) on (\S+?)( with a MAC address of its own)?, priority", said)
            vips = self.routers.get(name, {"vips": {}})["vips"]
            self.routers[name] = {"link": match[2], "number": int(match[1]), "own": bool(match[3]), "vips": vips}
        elif words[:3] == ["add", "virtual", "address"]:
            keys = dict(zip(words[4::2], words[5::2]))
            self.routers[name]["vips"][words[3]] = {
                "interface": keys.get("interface"), "label": keys.get("label"), "noprefixroute": keys.get("noprefixroute") == "true",
                "advertise": keys.get("advertise") != "false"}
        elif words[:3] == ["remove", "virtual", "address"]:
            del self.routers[name]["vips"][words[3]]
        elif words[:2] == ["virtual", "address"]:
            value = {"none": None, "true": True, "false": False}.get(words[6], words[6])
            self.routers[name]["vips"][words[2]][words[3]] = value

    def kernel(self):
        """As addresses() tells it. On a link of its own the kernel is to put in no route but for link-local addresses."""
        found = set()
        for one in self.routers.values():
            for prefix, vip in one["vips"].items():
                family = "4" if "." in prefix else "6"
                of_router = "4" if any("." in other and its["advertise"] for other, its in one["vips"].items()) else "6"
                link = vip["interface"] or (f"{one['link']}-v{of_router}-{one['number']}" if one["own"] else one["link"])
                label = (vip["label"] or link) if family == "4" else None
                found.add((link, prefix, label, vip["noprefixroute"] or (one["own"] and not vip["interface"])))
        return found


def is_master(director):
    return {one["state"] for one in director.status()["vrrp"]} <= {"MASTER"}


@pytest.mark.limit(60 + 4 * PAIRS)
def test_a_plan_says_all_that_a_reload_then_does_with_addresses(lab):
    rng = dice()
    site = Site(lab, Anything(rng, lab.host("files").folder))
    director, host = site.director, site.host
    for number in range(PAIRS):
        wait_until(lambda: is_master(director), what="all MASTER")
        routers = Routers(site.source.parts["instances"])
        wait_for(lambda: addresses(host), routers.kernel(), what="the addresses of the file")
        before = addresses(host)
        director.configure(site.source.next())
        plan = [line for line in director.ctl("plan").splitlines() if not line.startswith(("check: ", "sync group "))]
        after = routers.follow(plan).kernel()
        with events(host) as told:
            assert director.reload()[0] == 0
            wait_until(lambda: is_master(director), what="all MASTER")
            wait_for(lambda: addresses(host), after, what="the addresses of the plan:\n" + "\n".join(plan))
        assert told == {one[:2] for one in before ^ after}, f"pair {number}:\n" + "\n".join(plan)
        assert Routers(site.source.parts["instances"]).kernel() == after, "the plan leads to the file"
