"""Routes that exist while a director is MASTER: put in, put back, left alone, taken out."""
import json
import os
import time

from lbhatest import wait_for, wait_until
from vrrp_pair import VIP, Pair, config

TO = "203.0.113.0/24"
ONE = f"routes: [{{to: {TO}, via: 192.168.8.1}}]"
OURS = "76"


def routes(host, to=TO, table="main", family="-4"):
    """The kernel's routes to a network, as a list of (next hop, interface, protocol, metric)."""
    found = json.loads(host.run("ip", "-j", "-d", family, "route", "show", to, "table", table, check=False) or "[]")
    return [(one.get("gateway"), one.get("dev"), one.get("protocol"), one.get("metric", 0)) for one in found]


def owned(director, kind="route"):
    with open(os.path.join(director.run_dir, "owned")) as file:
        return [line for line in file.read().splitlines() if f" {kind} " in line]


def lone(lab, more=ONE, **settings):
    pair = Pair(lab, more=more, **settings)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    return pair


def wait_routes(host, expected, what="the routes", **where):
    return wait_for(lambda: routes(host, **where), expected, what=what)


def test_routes_follow_the_master(lab):
    pair = Pair(lab, more=ONE).start()
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    assert routes(pair.lb2.host) == []
    assert owned(pair.lb1)[-1].endswith(f"eth0 {TO} 192.168.8.1 0 254")
    pair.lb1.stop()
    pair.lb2.wait_role("MASTER")
    wait_routes(pair.lb2.host, [("192.168.8.1", "eth0", OURS, 0)])
    assert routes(pair.lb1.host) == []
    assert owned(pair.lb1)[-1].startswith("- route ")


def test_addresses_come_before_their_routes_and_go_after_them(lab):
    """The gateway is reached through the virtual address alone."""
    pair = Pair(lab, addresses=f"{VIP}/24, 10.7.7.1/24", more=f"routes: [{{to: {TO}, via: 10.7.7.9}}]")
    log = pair.lb1.host.log_file("monitor")
    with open(log, "wb") as file:
        monitor = pair.lb1.host.start("ip", "-o", "monitor", "address", "route", stdout=file)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_routes(pair.lb1.host, [("10.7.7.9", "eth0", OURS, 0)])
    pair.lb1.stop()
    monitor.kill()
    monitor.wait()
    with open(log) as file:
        lines = [line for line in file if "inet 10.7.7.1/24" in line or line.startswith((TO, f"Deleted {TO}"))]
    kinds = [("-" if line.startswith("Deleted") else "+") + ("address" if "inet" in line else "route") for line in lines]
    assert kinds == ["+address", "+route", "-route", "-address"]


def test_ipv6_metric_table_and_other_devices(lab):
    other = lab.segment("other", "10.1.1.0/24")
    pair = Pair(lab, more=f"""routes:
  - {{to: default, via: 192.168.8.1, metric: 50}}
  - {{to: {TO}, dev: eth1, table: 100}}
  - {{to: "2001:db8:7::/48", via: "2001:db8:8::1"}}
  - {{to: 198.51.100.0/24, via: 192.168.8.1, metric: 7}}
  - {{to: 198.51.100.0/24, via: 192.168.8.2, metric: 8}}""",
                addresses=f'{VIP}/24, {{address: "2001:db8:8::200/64", advertise: false}}')
    pair.lb1.host.attach(other, "10.1.1.1")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    host = pair.lb1.host
    wait_routes(host, [("192.168.8.1", "eth0", OURS, 50)], to="default")
    wait_routes(host, [(None, "eth1", OURS, 0)], table="100")
    wait_routes(host, [("2001:db8:8::1", "eth0", OURS, 1024)], to="2001:db8:7::/48", family="-6")
    wait_routes(host, [("192.168.8.1", "eth0", OURS, 7), ("192.168.8.2", "eth0", OURS, 8)], to="198.51.100.0/24")
    pair.lb1.stop()
    for where in {"to": "default"}, {"table": "100"}, {"to": "2001:db8:7::/48", "family": "-6"}, {"to": "198.51.100.0/24"}:
        assert routes(host, **where) == []


def test_a_route_that_somebody_removes_is_put_back(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    pair.lb1.host.ip(f"route del {TO}")
    wait_for(lambda: pair.lb1.vrrp()["repairs"], 1, what="a repair")
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    assert pair.lb1.vrrp()["repair"] == f"route {TO} via 192.168.8.1 was removed by somebody else, put back"


def test_a_route_of_somebody_else_is_left_alone_and_told(lab):
    pair = Pair(lab, more=ONE)
    pair.lb1.host.ip(f"route add {TO} via 192.168.8.7 proto static")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_for(lambda: pair.lb1.vrrp()["missing"], f"route {TO} via 192.168.8.1: another route with this metric is there",
             what="it is told")
    assert routes(pair.lb1.host) == [("192.168.8.7", "eth0", "static", 0)]
    # nothing waits for it: the address was announced and the advert sent
    assert pair.lb1.holds(VIP) and pair.lb1.role() == "MASTER"
    pair.lb1.stop()
    assert routes(pair.lb1.host) == [("192.168.8.7", "eth0", "static", 0)]


def test_an_interface_set_down_and_up_brings_its_routes_back(lab):
    """The kernel takes them without a word; that is nobody's doing."""
    pair = lone(lab, more=ONE + "\ntrack_own_interface: false")
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    pair.lb1.host.ip("link set eth0 down")
    wait_for(lambda: pair.lb1.vrrp()["missing"], f"route {TO} via 192.168.8.1: eth0 is down", what="it is told")
    pair.lb1.host.ip("link set eth0 up")
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    wait_for(lambda: pair.lb1.vrrp()["missing"], None, what="nothing is missing")
    assert pair.lb1.vrrp()["repairs"] == 0


def test_a_master_whose_interface_fails_and_returns_has_its_routes(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    pair.lb1.host.ip("link set eth0 down")
    pair.lb1.wait_role("FAULT")
    pair.lb1.host.ip("link set eth0 up")
    pair.lb1.wait_role("MASTER")
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])


def test_a_device_that_is_missing_is_told_and_used_when_it_comes(lab):
    pair = lone(lab, more=f"routes: [{{to: {TO}, dev: eth1}}]")
    wait_for(lambda: pair.lb1.vrrp()["missing"], f"route {TO}: interface eth1 does not exist", what="it is told")
    pair.lb1.host.ip("link add eth1 type veth peer name far1", "link set far1 up", "link set eth1 up")
    wait_routes(pair.lb1.host, [(None, "eth1", OURS, 0)])
    wait_for(lambda: pair.lb1.vrrp()["missing"], None, what="nothing is missing")
    time.sleep(0.5)  # until the worker has looked twice at what it put in, and looks no more
    pair.lb1.host.ip("link del eth1")
    wait_until(lambda: pair.lb1.vrrp()["missing"], what="it is told again")
    assert pair.lb1.stop() == 0


def test_a_gateway_that_cannot_be_reached_yet_is_tried_again(lab):
    pair = lone(lab, more=f"routes: [{{to: {TO}, via: 10.5.5.1}}]")
    wait_until(lambda: "the kernel refuses it" in (pair.lb1.vrrp()["missing"] or ""), what="the refusal is told")
    pair.lb1.host.ip("addr add 10.5.5.2/24 dev eth0")
    wait_for(lambda: routes(pair.lb1.host), [("10.5.5.1", "eth0", OURS, 0)], within=3, what="the route, at once")


def test_a_reload_changes_routes_in_place(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    log = pair.lb1.host.log_file("monitor")
    with open(log, "wb") as file:
        monitor = pair.lb1.host.start("ip", "-o", "monitor", "route", stdout=file)
    code, said = pair.lb1.reload(config(more=f"routes: [{{to: {TO}, via: 192.168.8.2}}, {{to: 198.51.100.0/24}}]"))
    assert code == 0, said
    assert routes(pair.lb1.host) == [("192.168.8.2", "eth0", OURS, 0)]
    assert routes(pair.lb1.host, to="198.51.100.0/24") == [(None, "eth0", OURS, 0)]
    monitor.kill()
    monitor.wait()
    with open(log) as file:
        assert f"Deleted {TO}" not in file.read()
    pair.lb1.reload(config())
    assert routes(pair.lb1.host) == routes(pair.lb1.host, to="198.51.100.0/24") == []
    assert pair.lb1.vrrp()["transitions"] == 2


def test_a_crash_of_the_worker_loses_no_route(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    log = pair.lb1.host.log_file("monitor")
    with open(log, "wb") as file:
        monitor = pair.lb1.host.start("ip", "-o", "monitor", "route", stdout=file)
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: "goes on" in pair.lb1.log or pair.lb1.vrrp()["transitions"] == 1, what="the new worker goes on")
    wait_for(lambda: pair.lb1.role(), "MASTER", what="still MASTER")
    monitor.kill()
    monitor.wait()
    with open(log) as file:
        assert TO not in file.read()
    pair.lb1.stop()
    assert routes(pair.lb1.host) == []


def test_routes_that_a_crash_left_behind_are_taken_away(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])
    pair.lb1.crash()
    assert routes(pair.lb1.host)
    pair.lb1.configure(config(settle="1s"))
    pair.lb1.start()
    wait_for(lambda: routes(pair.lb1.host), [], within=0.9, what="the old route has gone")


def test_thousands_of_routes_of_others_cost_nothing(lab):
    pair = lone(lab)
    wait_routes(pair.lb1.host, [("192.168.8.1", "eth0", OURS, 0)])

    def used():
        with open(f"/proc/{pair.lb1.worker_pids()['vrrp'][0]}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    for change in "add", "del":
        before = used()
        with open(pair.lb1.host.log_file("batch"), "w") as file:
            file.writelines(f"route {change} 10.{n >> 8}.{n & 255}.0/24 via 192.168.8.9 proto bird\n" for n in range(20000))
        pair.lb1.host.run("ip", "-batch", pair.lb1.host.log_file("batch"))
        assert used() - before < 0.1, change
    assert pair.lb1.vrrp()["transitions"] == 2
