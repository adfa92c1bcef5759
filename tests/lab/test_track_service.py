"""Services that VRRP tracks: servers that die for all directors move nothing, whoever learns it first; servers that one MASTER
alone cannot reach do."""
import os
import re

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.vrrp import adverts, masters

LB1, LB2 = "192.168.8.10", "192.168.8.11"
HOLD = 4

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10, priority: 150}}
  lb2: {{address: 192.168.8.11, priority: 100}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 500ms
    carrier_settle: 0s
    virtual_addresses: [192.168.8.200/24]
    track: [{{service: web, weight: -60, hold: {hold}s}}]
checks:
  everybody: {{type: file, path: {all}, interval: {interval}ms, timeout: 100ms, fall: 2, rise: 2}}
  own: {{type: file, path: {own}, interval: 200ms, timeout: 100ms, fall: 2, rise: 2}}
services:
  - name: web
    listen: 192.168.8.200:80
    check: [everybody, own]
    real_servers: [192.168.8.20, 192.168.8.30]
"""


class Pair:
    """lb1 asks five times a second, lb2 once: it learns later what happens to all servers."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.all = os.path.join(lab.folder, "all")
        self.directors, self.own = [], []
        for name, address, interval in ("lb1", LB1, 200), ("lb2", LB2, 1000):
            own = os.path.join(lab.folder, name + "-own")
            self.directors.append(lab.director(name, (lan, address), config=CONFIG.format(
                    hold=HOLD, all=self.all, own=own, interval=interval)))
            self.own.append(own)
        self.watcher = lab.host("watcher", (lan, "192.168.8.99"))
        self.heard = self.watcher.capture("ip proto 112")
        for path in self.all, *self.own:
            self.heal(path)
        for director in self.directors:
            director.start()

    def heal(self, path):
        with open(path, "w"):
            pass

    def fail(self, path):
        os.unlink(path)

    def at_peace(self):
        """The same beginning for each test."""
        self.wait_roles("MASTER", "BACKUP")
        self.wait_priorities(150, 100)
        self.heard.clear()
        self.before = len(self.turns())
        return self

    def wait_roles(self, *roles):
        wait_for(lambda: tuple(director.role() for director in self.directors), roles, 15, "roles of lb1 and lb2")

    def wait_priorities(self, *priorities):
        wait_for(lambda: tuple(director.vrrp()["priority"] for director in self.directors), priorities, 15, "priorities")

    def turns(self):
        """"150 → 90" and so on, of both, in their order."""
        found = [turn for director in self.directors for turn in re.findall(r"(\S+Z) vrrp: public: priority (\d+ → \d+): web", director.log)]
        return [what for _, what in sorted(found)]

    def led(self):
        return masters(adverts(self.heard))


@pytest.fixture(scope="module")
def pair_of_module(request):
    with Lab(request.module.__name__) as lab:
        request.module.shared_lab = lab
        yield Pair(lab)


@pytest.fixture
def pair(pair_of_module):
    return pair_of_module.at_peace()


def test_servers_that_die_for_all_directors_and_come_back_move_nothing(pair):
    pair.fail(pair.all)
    lb1 = pair.directors[0]
    wait_until(lambda: lb1.vrrp()["trackers"][0]["reason"].endswith(f", but not for {HOLD}s yet"), what="lb1 knows")
    pair.wait_priorities(90, 40)
    tracker = lb1.vrrp()["trackers"][0]
    assert (tracker["name"], tracker["kind"], tracker["weight"], tracker["state"]) == ("web", "service", -60, "down")
    pair.heal(pair.all)
    pair.wait_priorities(150, 100)
    assert pair.turns()[pair.before:] == ["100 → 40", "150 → 90", "90 → 150", "40 → 100"]
    assert pair.led() == [LB1]


def test_a_master_that_alone_cannot_reach_the_servers_gives_way_until_it_can(pair):
    lb1 = pair.directors[0]
    pair.fail(pair.own[0])
    pair.wait_roles("BACKUP", "MASTER")
    assert lb1.vrrp()["reason"].endswith("advertises 100 > 90")
    for worker in "ipvs", "vrrp":  # what comes back has the priority that it had
        old = lb1.kill_worker(worker)
        wait_until(lambda: lb1.worker(worker)["pid"] not in (0, old), what=f"a new {worker} worker")
        wait_for(lambda: lb1.vrrp()["trackers"][0]["state"], "down", what="it knows")
    pair.wait_priorities(90, 100)
    pair.heal(pair.own[0])
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.led() == [LB1, LB2, LB1]
