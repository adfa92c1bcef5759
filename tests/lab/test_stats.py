"""Counters with a real kernel: totals only grow, whatever happens to those of the kernel."""
import json
import socket
import subprocess

import pytest

from lbhatest import Lab, wait_for, wait_until

VIP = "192.168.8.200"
ENTRY = "-t", f"{VIP}:80", "-r", "192.168.8.20:80"

CONFIG = f"""
directors:
  lb1: {{address: 192.168.8.10}}
global:
  ipvs: {{read_back: 1s}}
services:
  - name: web
    listen: {VIP}:80
    scheduler: wlc
    real_servers: [192.168.8.20]
"""


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        lab.real_server("a", lan, "192.168.8.20", vip=VIP)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        self.lb1.host.ip(f"addr add {VIP}/32 dev eth0")
        self.expected = 0

    def visit(self, times):
        """Connections that are over before this returns, and counted."""
        self.client.get_many(times, VIP)
        self.expected += times
        wait_for(lambda: self.totals(), (self.expected, self.expected), 10, "service and server, connections")

    def totals(self):
        service = self.lb1.service()
        return service["stats"]["connections"], service["real_servers"][0]["stats"]["connections"]

    def since_zero(self):
        service = self.lb1.service()
        return [of["stats_since_zero"] and of["stats_since_zero"]["connections"]
                for of in (service, service["real_servers"][0])]


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_stats") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def network(shared):
    if not shared.lb1.is_running:
        shared.lb1.start()
    return shared


def in_the_kernel(network):
    """The destination's own counter of connections."""
    said = network.lb1.host.run("ipvsadm", "-Ln", "--stats", "--exact")
    return int(next(line for line in said.splitlines() if "-> 192.168.8.20:80" in line).split()[2])


def test_totals_go_on_when_somebody_zeroes_the_kernel(network):
    network.visit(5)
    network.lb1.host.run("ipvsadm", "-Z")
    assert in_the_kernel(network) == 0
    wait_until(lambda: network.lb1.status()["ipvs"]["last_read_back"])
    network.visit(2)
    assert in_the_kernel(network) == 2


def test_totals_go_on_when_a_server_is_added_again(network):
    network.visit(3)
    repairs = network.lb1.status()["ipvs"]["repairs"]
    network.lb1.host.run("ipvsadm", "-d", *ENTRY)
    wait_until(lambda: network.lb1.status()["ipvs"]["repairs"] > repairs)
    network.visit(2)


def test_totals_go_on_when_the_table_is_flushed(network):
    network.visit(3)
    repairs = network.lb1.status()["ipvs"]["repairs"]
    network.lb1.host.run("ipvsadm", "-C")
    wait_until(lambda: network.lb1.status()["ipvs"]["repairs"] > repairs)
    network.visit(2)
    assert in_the_kernel(network) < network.expected


def test_totals_go_on_over_a_reload(network):
    network.visit(1)
    network.lb1.configure(CONFIG.replace("scheduler: wlc", "scheduler: rr"))
    assert network.lb1.reload()[0] == 0
    assert network.totals() == (network.expected, network.expected)
    network.visit(2)


def test_totals_go_on_when_the_worker_is_started_again(network):
    network.visit(1)
    network.lb1.kill_worker("ipvs")
    wait_until(lambda: network.lb1.worker("ipvs")["state"] == "running" and network.lb1.worker("ipvs")["restarts"])
    network.visit(2)


def test_top_reads_each_second_whatever_read_back_says(network):
    """Two readings within the command; rates and the active connections of the servers."""
    network.lb1.configure(CONFIG.replace("read_back: 1s", "read_back: 1h"))
    assert network.lb1.reload()[0] == 0
    said = network.lb1.ctl("top", "--once")
    (service, server) = [line.split() for line in said.splitlines()[2:]]
    assert service[:2] == ["web", "up"] and server[:3] == ["192.168.8.20", "up", "1"]
    assert service[-3:] == server[-3:] == ["0", "0", "0"], said
    network.visit(3)
    assert network.lb1.reload(CONFIG)[0] == 0


def connect(network):
    with network.client.host.inside():
        return socket.create_connection((VIP, 80), timeout=5)


def test_connections_are_counted_and_shown_from_any_namespace(network):
    """lbhactl is run outside the director's network namespace, where there is no IPVS to read."""
    with connect(network) as first, connect(network) as second:
        command = network.lb1.ctl_command("--json", "connections")
        groups = wait_until(lambda: [group for group in json.loads(subprocess.check_output(command))
                                     if group["established"] == 2], 5, "two connections")
        assert groups[0]["service"] == "web" and groups[0]["server"] == "192.168.8.20:80"
        said = subprocess.check_output(network.lb1.ctl_command("connections"), text=True).splitlines()
        assert said[0].split() == ["SERVICE", "SERVER", "ESTAB", "OPENING", "CLOSING", "OTHER", "PERSIST"]
        assert said[1].split()[:3] == ["web", "192.168.8.20:80", "2"]
        ports = {one.getsockname()[1] for one in (first, second)}
        shown = json.loads(network.lb1.ctl("connections", "web", "--json"))
        assert {one["client"] for one in shown if one["state"] == "established"} == {
            f"192.168.8.100:{port}" for port in ports}
        assert network.lb1.ctl("connections", "web").count(f"to {VIP}:80 at 192.168.8.20:80, established") == 2
        network.expected += 2


def test_zero_begins_the_view_anew_and_leaves_totals_and_kernel(network):
    network.visit(4)
    before = in_the_kernel(network)
    assert network.since_zero() == [None, None]
    assert "the traffic of 1 service is counted from now on" in network.lb1.ctl("zero", "web")
    assert network.since_zero() == [0, 0]
    network.visit(2)
    assert network.since_zero() == [2, 2]
    assert in_the_kernel(network) == before + 2
    assert "2 connections" in network.lb1.ctl("services", "web")
    assert "since zeroed" in network.lb1.ctl("services", "web")
