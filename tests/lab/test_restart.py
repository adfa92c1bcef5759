"""A restart with real IPVS: no connection is cut and nothing is programmed; and what lbhad --withdraw takes away, or not.

The guest is slow: adverts come every 3 s, so that the next daemon is there in time."""
import json
import os

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.state import Untouched
from lbhatest.stream import PORT, Download, Stream

VIP = "192.168.8.200"

CONFIG = f"""
directors:
  lb1: {{address: 192.168.8.10}}
  lb2: {{address: 192.168.8.11}}
defaults:
  check: {{interval: 1s, timeout: 900ms, rise: 1, fall: 1}}
global:
  ipvs: {{read_back: 60s, timeouts: {{tcp_fin: 61s}}, sysctls: {{expire_nodest_conn: 1}}}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, priority: 255, advert_interval: 3s, carrier_settle: 0s,
      virtual_addresses: 192.168.8.200/24}}
pools:
  both: [192.168.8.20, 192.168.8.30]
services:
  - {{name: web, listen: '192.168.8.200:80', scheduler: rr, check: {{type: tcp}}, real_servers: both}}
  - {{name: stream, listen: '192.168.8.200:{PORT}', scheduler: rr, check: {{type: tcp}}, real_servers: both}}
  - {{name: marked, listen: ['192.168.8.200:8080', '192.168.8.200:8443'], group: true, scheduler: rr, real_servers: both,
      check: {{type: tcp, port: 80}}}}
"""


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        for name, address in ("a", "192.168.8.20"), ("b", "192.168.8.30"):
            Stream(lab.real_server(name, lan, address, vip=VIP).host)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        self.lb1.host.run("ipvsadm", "-L")  # what comes with the module is there
        self.before = Untouched(self.lb1.host)

    def start(self):
        self.lb1.start(within=20)
        self.lb1.wait_role("MASTER", within=20)
        wait_for(lambda: self.lb1.status()["ipvs"]["ready"], True, 20)
        return self


@pytest.fixture(scope="module")
def network(request):
    with Lab("test_restart") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


def known(director):
    return {(service["name"], server["name"]): server["health"]
            for service in director.status()["services"] for server in service["real_servers"]}


def carried(director):
    """What the next daemon knows although the kernel does not say it."""
    status = director.status()
    return {"operations": status["ipvs"]["operations"], "repairs": status["ipvs"]["repairs"],
            **{service["name"]: (service["state"], service["since"]) for service in status["services"]},
            **{(service["name"], server["name"]): (server["health"], server["since"], server["reason"])
               for service in status["services"] for server in service["real_servers"]}}


def traffic(director):
    return {(service["name"], server["name"]): server["stats"]["connections"]
            for service in director.status()["services"] for server in service["real_servers"]}


def test_a_restart_cuts_no_connection_and_programs_nothing(network):
    lb1 = network.start().lb1
    wait_for(lambda: set(known(lb1).values()), {"up"}, 10)
    before = lb1.ipvs()
    rules = lb1.rules()
    download = Download(network.client)
    lb1.host.run("ipvsadm", "-Z")  # the kernel forgets, lbhad does not
    lb1.ctl("zero", "marked")
    seq, knew = json.loads(lb1.ctl("events", "--json").splitlines()[-1])["seq"], carried(lb1)
    with network.client.fetching(VIP) as fetching:
        download.goes_on()
        lb1.ctl("connections")  # the counters are read
        fetched = traffic(lb1)
        assert lb1.detach(within=20) == 0
        code, said = lb1.withdraw()
        assert code == 0 and "left to the next lbhad" in said
        assert lb1.ipvs() == before and lb1.rules() == rules
        download.goes_on()
        lb1.start(within=20)
        download.goes_on()
        assert carried(lb1) == knew
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 20, what="good answers")
    assert fetching.failed == 0, fetching
    assert lb1.role() == "MASTER" and "listening" not in lb1.log.split("goes on where lbhad")[1]
    counted = traffic(lb1)
    assert all(counted[key] >= before for key, before in fetched.items()), (counted, fetched)
    told = [json.loads(line) for line in lb1.ctl("events", "--json", "--since", str(seq)).splitlines()]
    assert [one for one in told if one["event"] not in ("worker_restart", "reload")] == []
    assert lb1.ipvs() == before and lb1.rules() == rules
    download.socket.close()


def test_withdrawing_takes_everything_away_but_what_shall_be_kept(network):
    """Without a configuration: after a crash of everything, and after a stop with on_stop: keep."""
    lb1 = network.lb1 if network.lb1.is_running else network.start().lb1
    lb1.crash()
    assert lb1.ipvs() and lb1.rules() and lb1.holds(VIP)
    lb1.configure("nonsense: [")
    code, said = lb1.withdraw()
    assert code == 0, said
    network.before.check()
    lb1.configure(CONFIG.replace("read_back: 60s", "read_back: 60s, on_stop: keep"))
    network.start()
    table = lb1.ipvs()
    assert lb1.stop(within=20) == 0
    os.unlink(lb1.config_file)
    code, said = lb1.withdraw()
    assert code == 0 and lb1.ipvs() == table and not lb1.holds(VIP), said
    lb1.configure(CONFIG)
    network.start()
    assert lb1.stop(within=20) == 0
    network.before.check()
