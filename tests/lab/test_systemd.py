"""lbha.service under a real systemd, with services: what systemctl does to a client that fetches all the time.

systemd is the first process of a pid namespace (lbhatest.systemd). What needs no IPVS is in tests/netns/test_systemd.py."""
import pytest

from lbhatest import wait_for, wait_until
from lbhatest.systemd import Systemd

VIP = "192.168.8.200"
CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51, carrier_settle: 0s, virtual_addresses: 192.168.8.200/24}
services:
  - name: web
    listen: 192.168.8.200:80
    scheduler: rr
    check: {type: tcp, interval: 1s, timeout: 1s}
    real_servers: [192.168.8.20, 192.168.8.30]
"""


class Pair:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        for name, address in ("a", "192.168.8.20"), ("b", "192.168.8.30"):
            lab.real_server(name, lan, address, VIP)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = Systemd(lab.host("lb1", (lan, "192.168.8.10")))
        self.lb2 = lab.director("lb2", (lan, "192.168.8.11"), config=CONFIG)
        lab.reporters.append(("lb1", self.lb1.report))
        self.lb2.start(within=20)

    def table(self):
        return self.lb1.host.run("ipvsadm", "-Sn")

    def is_at_peace(self):
        return (self.lb1.role(), self.lb2.role()) == ("MASTER", "BACKUP") and self.table().count("-a -t") == 2


@pytest.fixture(scope="module")
def pair_under_systemd(module_lab):
    pair = Pair(module_lab)
    yield pair
    pair.lb1.close()


@pytest.fixture
def pair(pair_under_systemd):
    one = pair_under_systemd
    one.lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    one.lb1.run("systemctl", "reload-or-restart", "lbha")
    wait_until(one.is_at_peace, 15, "lb1 is MASTER with both servers")
    return one


def goes_on(fetching, count=10):
    good = fetching.ok
    wait_until(lambda: fetching.ok > good + count, 10, "good answers")


def test_start_and_reload_return_when_it_is_done_and_say_how_it_went(pair):
    lb1 = pair.lb1
    assert lb1.status()["ready"] and lb1.host.has_address(VIP)
    with pair.client.fetching(VIP) as fetching:
        lb1.write(Systemd.CONFIG, CONFIG.replace("scheduler: rr", "scheduler: wrr"), 0o600)
        lb1.run("systemctl", "reload", "lbha")
        assert "-s wrr" in pair.table()
        lb1.write(Systemd.CONFIG, CONFIG.replace("scheduler: rr", "schedular: rr"), 0o600)
        assert lb1.ask("systemctl", "reload", "lbha")[0] == 1
        assert 'did you mean "scheduler"?' in lb1.journal() and "stays in force" in lb1.shows("StatusText")
        assert "-s wrr" in pair.table() and pair.is_at_peace()
        goes_on(fetching)
    assert fetching.failed == 0, fetching


def test_a_restart_takes_no_address_no_service_and_no_request(pair):
    """Under emulation a restart takes seconds, so adverts are that much rarer. (How long it takes: tests/netns.)"""
    lb1, transitions = pair.lb1, pair.lb2.vrrp()["transitions"]
    lb1.write(Systemd.CONFIG, CONFIG.replace("carrier_settle", "advert_interval: 5s, carrier_settle"), 0o600)
    lb1.run("systemctl", "reload", "lbha")
    sent = lb1.status()["vrrp"][0]["sent"]
    wait_until(lambda: lb1.status()["vrrp"][0]["sent"] > sent, 10, "an advert that says how rare they are")
    table, pid = pair.table(), lb1.main_pid
    monitor = lb1.host.start("ip", "monitor", "address", stdout=open(lb1.host.log_file("monitor"), "wb"))
    with pair.client.fetching(VIP) as fetching:
        goes_on(fetching)
        lb1.run("systemctl", "restart", "lbha")
        assert lb1.main_pid != pid and lb1.host.has_address(VIP) and pair.table() == table
        wait_until(pair.is_at_peace, 10, "it goes on")
        goes_on(fetching)
    monitor.terminate()
    monitor.wait()
    assert "Deleted" not in open(lb1.host.log_file("monitor")).read()
    assert fetching.failed == 0, fetching
    assert pair.lb2.vrrp()["transitions"] == transitions, "the other director never led"


def test_after_a_kill_of_the_main_process_the_other_director_leads_until_it_is_back(pair):
    lb1, pid = pair.lb1, pair.lb1.main_pid
    with pair.client.fetching(VIP) as fetching:
        goes_on(fetching)
        lb1.run("kill", "-KILL", str(pid))
        wait_until(lambda: lb1.main_pid not in (0, pid) and lb1.shows("ActiveState") == "active", 20, "it is started again")
        wait_until(pair.is_at_peace, 20, "it leads again")
        goes_on(fetching)
    assert fetching.failed <= 2, f"one that is open for each time the address moves: {fetching}"
    assert "192.168.8.10 gave up" in pair.lb2.log


def test_a_stop_refuses_nobody_and_leaves_nothing_in_the_kernel(pair):
    lb1 = pair.lb1
    with pair.client.fetching(VIP) as fetching:
        goes_on(fetching)
        lb1.run("systemctl", "stop", "lbha")
        assert pair.table().strip() == "" and not lb1.host.has_address(VIP)
        wait_for(pair.lb2.role, "MASTER", 5)
        goes_on(fetching)
    assert fetching.failed == fetching.cut <= 1, fetching
    assert lb1.shows("Result") == "success" and not lb1.processes()
