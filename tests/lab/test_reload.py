"""Reloads of services: what is renamed goes on, random plans do what they say, and reloads end where a fresh start does.

LBHA_SEED repeats a run, LBHA_ROUNDS says how many reloads (8; 40 with --long).
"""
import os
import random

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.anything import Anything, lasting

ROUNDS = int(os.environ.get("LBHA_ROUNDS", 40 if os.environ.get("LBHA_LONG") else 8))
VIP = "192.168.8.200"

WEB = """
directors: {{lb1: {{address: 192.168.8.10}}}}
global: {{ipvs: {{read_back: 1s}}}}
defaults: {{check: {{interval: 500ms, timeout: 400ms, rise: 1, fall: 1}}}}
checks:
  {check}: {{type: tcp}}
pools:
  {pool}: [192.168.8.20, 192.168.8.30]
services:
  - {{name: {name}, listen: "192.168.8.200:80", scheduler: wrr, check: {check}, real_servers: {pool}}}
{more}
"""
OTHER = '  - {name: other, listen: "192.168.8.200:81", scheduler: wrr, check: again, real_servers: [%s]}'


class Network:
    """A director whose services are tried by hand on `other`, two servers, a client."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.servers = [lab.real_server(name, lan, address, vip=VIP) for name, address in (("a", "192.168.8.20"), ("b", "192.168.8.30"))]
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config="")
        self.lb1.host.ip(f"addr add {VIP}/32 dev eth0")
        self.other = lab.host("other", (lan, "192.168.8.12"))
        self.folder = lab.host("files").folder

    def start(self, text):
        self.lb1.forget()
        self.lb1.configure(text)
        self.lb1.start()
        return self


@pytest.fixture(scope="module")
def network(request):
    with Lab("test_reload") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


def saved(host):
    return sorted(line.rstrip() for line in host.run("ipvsadm-save", "-n").splitlines())


def web(**settings):
    return WEB.format(**{"name": "web", "check": "alive", "pool": "webs", "more": "", **settings})


def plan_and_reload(director, text):
    """The plan's lines; the reload does them, and then there is nothing left to do."""
    director.configure(text)
    plan = director.ctl("plan").splitlines()
    code, said = director.reload()
    assert code == 0, said
    assert director.ctl("plan") == ""
    return plan


def test_a_service_its_pool_and_its_check_get_other_names_and_nothing_else_happens(network):
    lb1 = network.start(web()).lb1
    wait_for(lambda: lb1.service()["state"], "up", what="both servers")
    with network.client.fetching(VIP) as fetching:
        wait_until(lambda: fetching.ok > 10, what="answers")
        wait_until(lambda: lb1.service()["real_servers"][0]["stats"]["connections"] > 2, within=10, what="counters")
        before, operations = lb1.service(), lb1.status()["ipvs"]["operations"]
        plan = plan_and_reload(lb1, web(name="shop", check="other", pool="servers"))
        after = lb1.service("shop")
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 10, what="more answers")
    assert plan == [], plan
    assert lb1.status()["ipvs"]["operations"] == operations
    assert [(one["health"], one["since"]) for one in after["real_servers"]] == [
        (one["health"], one["since"]) for one in before["real_servers"]]
    assert all(one["stats"]["connections"] >= was["stats"]["connections"] > 0
               for one, was in zip(after["real_servers"], before["real_servers"]))
    assert fetching.failed == 0, fetching


def test_a_server_that_moves_to_another_service_keeps_its_verdict(network):
    """Its check is the same, if by another name: it gets clients at once."""
    more = 'checks: {alive: {type: tcp, port: 80}, again: {type: tcp, port: 80}}\n'
    first = web(more=OTHER % "192.168.8.20").replace("checks:\n  alive: {type: tcp}\n", more)
    second = web(more=OTHER % "192.168.8.20, 192.168.8.30").replace("checks:\n  alive: {type: tcp}\n", more).replace(
        "webs: [192.168.8.20, 192.168.8.30]", "webs: [192.168.8.20]")
    lb1 = network.start(first).lb1
    wait_for(lambda: {one["state"] for one in lb1.status()["services"]}, {"up"}, what="both services")
    plan_and_reload(lb1, second)
    assert lb1.ipvs()[f"tcp {VIP}:81"].weights == {"192.168.8.20:81": 1, "192.168.8.30:81": 1}
    assert lb1.ipvs()[f"tcp {VIP}:80"].weights == {"192.168.8.20:80": 1}


def tried(host, table, lines):
    """What ipvsadm makes of a table with these lines."""
    script = "ipvsadm -C\nipvsadm-restore <<END\n" + "\n".join(table) + "\nEND\n" + "\n".join(lines) + "\nipvsadm-save -n"
    return sorted(line.rstrip() for line in host.run("sh", "-e", "-c", script).splitlines())


def state(director):
    return lasting(director.status()), saved(director.host)


@pytest.mark.limit(60 + 5 * ROUNDS)
def test_random_plans_do_what_they_say_and_end_as_a_fresh_start(network):
    """Each line is also given to ipvsadm on another host, which then has the same table."""
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    source = Anything(random.Random(seed), network.folder, vrrp=False, services=True)
    text = source.text()
    lb1 = network.start(text).lb1
    before = saved(lb1.host)
    for number in range(ROUNDS):
        text = source.next()
        plan = plan_and_reload(lb1, text)
        after = saved(lb1.host)
        assert tried(network.other, before, [line for line in plan if line.startswith("ipvsadm ")]) == after, (number, plan)
        before = after
    last = state(lb1)
    assert lb1.stop() == 0
    assert lb1.ipvs() == {}
    lb1.start()
    wait_for(lambda: state(lb1), last, within=10, what="what a fresh start with the last file has")
