"""Anybody dies or hangs at any moment. A pair of directors with VRRP, a sync group and checks as trackers; what happens is
picked by chance (LBHA_SEED replays it) for LBHA_SECONDS: 12, and 300 in scripts/test --long. After each step one of them is
MASTER of each router and holds just what its file says, all workers of both run, and every request was answered."""
import os
import random
import signal
import subprocess
import time

import pytest

from lbhatest import wait_until
from lbhatest.director import program

SECONDS = float(os.environ.get("LBHA_SECONDS", 12))
WORKERS = ["control", "check", "ipvs", "vrrp"]
DEATHS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10, priority: 150}}
  lb2: {{address: 192.168.8.11, priority: 100}}
defaults: {{check: {{interval: 200ms, timeout: 100ms, rise: 1, fall: 2}}}}
checks:
  here: {{type: file, path: /}}
  runs: {{type: script, command: [/usr/bin/sleep, "0.05"]}}
vrrp:
  - {{name: outside, interface: eth0, virtual_router_id: 51, advert_interval: {interval}, carrier_settle: 0s,
      virtual_addresses: [{outside}]{alone}}}
  - {{name: inside, interface: eth0, virtual_router_id: 52, advert_interval: {interval}, carrier_settle: 0s,
      virtual_mac: {virtual_mac}, virtual_addresses: [{inside}]}}
{group}
"""

TRACK = "track: [{check: here, weight: -60}, {check: runs, weight: -1}]"
GROUP = "sync_groups: [{name: both, instances: [outside, inside], %s}]"
OUTSIDE = [f"192.168.8.{number}" for number in range(200, 204)]
INSIDE = [f"192.168.8.{number}" for number in range(210, 213)]


class File:
    """One lbha.conf, and what its MASTER holds."""

    def __init__(self, chance):
        outside = chance.sample(OUTSIDE, chance.randint(1, 4))
        inside = chance.sample(INSIDE, chance.randint(1, 3))
        self.held = {"outside": set(outside), "inside": set(inside)}
        self.text = CONFIG.format(
                outside=", ".join(f"{one}/24" for one in outside), inside=", ".join(f"{one}/24" for one in inside),
                interval=chance.choice(["100ms", "200ms"]), virtual_mac=chance.choice(["true", "false"]),
                **chance.choice([{"group": "", "alone": ", " + TRACK},
                                 {"group": GROUP % TRACK, "alone": ""}]))


def send(pid, how):
    """To whoever has that number, if there is one: it may have died meanwhile."""
    try:
        if pid:
            os.kill(pid, how)
    except ProcessLookupError:
        pass


class Side:
    """One director, the file it was given, and the one that is in force."""

    def __init__(self, lab, lan, name, address, chance):
        self.chance, self.file = chance, File(chance)
        self.director = lab.director(name, (lan, address), config=self.file.text)

    def start(self):
        self.director.configure(self.file.text)
        self.director.start(within=15)
        self.generation = 1

    def pid(self, name):
        pids = self.director.worker_pids().get(name, [])
        return self.chance.choice(pids) if pids else None

    def hurt(self, name, how):
        pid = self.pid(name)
        send(pid, how)
        return pid

    def held(self):
        return {one.split("/")[0] for one in self.director.addresses()} & set(OUTSIDE + INSIDE)


class World:
    def __init__(self, lab, seed):
        self.chance = random.Random(seed)
        lan = lab.segment("lan", "192.168.8.0/24")
        self.sides = [Side(lab, lan, "lb1", "192.168.8.10", self.chance),
                      Side(lab, lan, "lb2", "192.168.8.11", self.chance)]
        for side in self.sides:
            side.file = self.sides[0].file
            side.start()
        self.settle("the start")

    # --- what happens ---

    def moment(self, most=0.05):
        time.sleep(self.chance.choice([0, self.chance.uniform(0, most)]))

    def dies(self, side):
        """One worker or two, at the same time."""
        for name in self.chance.sample(WORKERS, self.chance.choice([1, 1, 2])):
            side.hurt(name, self.chance.choice(DEATHS))

    def stands_still(self, side):
        """For a moment; others may die meanwhile."""
        pid = side.hurt(name := self.chance.choice(WORKERS), signal.SIGSTOP)
        self.moment(0.6)
        if self.chance.random() < 0.4:
            side.hurt(self.chance.choice([one for one in WORKERS if one != name]), signal.SIGKILL)
            self.moment(0.2)
        send(pid, signal.SIGCONT)

    def hangs(self, side):
        """Until it is killed for that; whoever it is, the other director may have to take over."""
        side.hurt(self.chance.choice(WORKERS + ["vrrp"] * 4), signal.SIGSTOP)

    def reloads(self, side):
        """With somebody dying or standing still during it: the old generation stays, or the new one is in force."""
        new = File(self.chance)
        refused = self.chance.random() < 0.2
        side.director.configure("vrrp: 7\n" if refused else new.text)
        asked = side.director.ctl_in_background("reload")
        self.moment()
        stopped = []
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            name = self.chance.choice(WORKERS + ["vrrp", "compiler"])
            if self.chance.random() < 0.7:
                side.hurt(name, self.chance.choice(DEATHS))
            else:
                stopped.append(side.hurt(name, signal.SIGSTOP))
            self.moment()
        self.moment(0.3)
        for pid in stopped:
            send(pid, signal.SIGCONT)
        said, _ = asked.communicate(timeout=30)
        assert asked.returncode in (0, 1, 3), said
        generation = wait_until(lambda: self.generation_of(side), 15, "status answers")
        print(f"  reload: {asked.returncode}, generation {side.generation} → {generation}")
        assert generation - side.generation in (0, 1)
        assert asked.returncode or generation > side.generation, said
        assert not (refused and generation > side.generation)
        if generation > side.generation:
            side.file = new
        side.generation = generation
        side.director.configure(side.file.text)

    @staticmethod
    def generation_of(side):
        code, _ = side.director.ctl_status("ping")
        return side.director.status()["generation"] if code == 0 else None

    def upgrades(self, side):
        """With somebody dying during it: the new program goes on, or the old one."""
        asked = side.director.ctl_in_background("upgrade")
        self.moment(0.3)
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            side.hurt(self.chance.choice(WORKERS + ["vrrp"]), self.chance.choice(DEATHS))
            self.moment(0.2)
        said, _ = asked.communicate(timeout=40)
        assert asked.returncode in (0, 1, 3), said
        assert side.director.is_running
        side.generation = wait_until(lambda: self.generation_of(side), 15, "status answers")

    def supervisor_dies(self, side):
        """Nobody is left behind; the next daemon may come at once."""
        before = [pid for pids in side.director.worker_pids().values() for pid in pids]
        side.director.process.send_signal(self.chance.choice(DEATHS))
        side.director.process.wait(10)
        if self.chance.random() < 0.5:
            wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in before), 10, "all workers have ended")
            assert side.held() == set()
        side.start()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in before), 5, "none of the workers is left")

    def all_die(self, side):
        """And the next daemon has another file."""
        side.director.crash()
        if self.chance.random() < 0.5:
            with open(os.path.join(side.director.run_dir, "owned"), "ab") as file:
                file.write(b"+ address 3 eth0 192.168.8.2"[:self.chance.randint(1, 28)])  # cut short by the crash
        if self.chance.random() < 0.5:
            side.file = File(self.chance)
        side.start()

    def stops(self, side):
        """Somebody dies or stands still during the stop, which ends all the same."""
        side.director.process.send_signal(signal.SIGTERM)
        self.moment(0.1)
        if self.chance.random() < 0.7:
            side.hurt(self.chance.choice(WORKERS + ["vrrp", "vrrp"]), self.chance.choice(DEATHS))
        wait_until(lambda: not side.director.is_running, 15, "it has stopped")
        assert side.held() == set() and side.director.worker_pids() == {}
        side.start()

    def gives_way(self, side):
        """A takeover, in the middle of which somebody dies."""
        asked = side.director.host.start(program("lbhactl"), "--socket", side.director.socket, "release", "--all",
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         env=side.director.environment())
        self.moment(0.2)
        victim = self.chance.choice(self.sides)
        victim.hurt("vrrp", self.chance.choice(DEATHS))
        assert asked.wait(30) in (0, 1)
        wait_until(lambda: side.director.ctl_status("claim", "--all")[0] in (0, 1), 10, "it claims again")

    # --- what must be so afterwards ---

    def is_settled(self):
        masters = []
        for side in self.sides:
            code, _ = side.director.ctl_status("ping")
            if code:
                return False
            status = side.director.status()
            if any(worker["state"] != "running" for worker in status["workers"]) or not status["ready"]:
                return False
            roles = {one["name"]: one["state"] for one in status["vrrp"]}
            mine = {name for name, state in roles.items() if state == "MASTER"}
            if set(roles.values()) - {"MASTER", "BACKUP"}:
                return False
            if side.held() != set().union(*(side.file.held[name] for name in mine)):
                return False
            masters.extend(mine)
        return sorted(masters) == ["inside", "outside"]

    def settle(self, after):
        """A worker that died often waits up to 8 s for its next start."""
        wait_until(self.is_settled, 25, f"one MASTER with all its addresses after {after}")
        for side in self.sides:
            assert {name: len(pids) for name, pids in side.director.worker_pids().items()} == dict.fromkeys(WORKERS, 1)

    def step(self):
        side = self.chance.choice(self.sides)
        what = self.chance.choice([self.dies, self.dies, self.stands_still, self.reloads, self.reloads, self.reloads,
                                   self.supervisor_dies, self.all_die, self.stops, self.gives_way, self.upgrades] +
                                  [self.hangs] * (SECONDS > 30))
        print(f"{what.__name__} {side.director.host.name}")
        what(side)
        self.settle(what.__name__)


@pytest.mark.limit(SECONDS + 60)
def test_whoever_dies_or_hangs_whenever_one_director_is_master_and_nobody_waits(lab):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    world = World(lab, seed)
    ends, steps = time.monotonic() + SECONDS, 0
    while time.monotonic() < ends:
        world.step()
        steps += 1
    print(f"{steps} steps")
    for side in world.sides:
        assert side.director.stop(15) == 0
        assert side.held() == set() and side.director.worker_pids() == {}
        assert [line for line in side.director.host.run("ip", "-o", "link").splitlines() if "-v4-" in line] == []
