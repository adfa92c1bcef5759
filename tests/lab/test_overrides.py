"""What operators say of servers, and servers that leave the file, where IPVS is real: what becomes of connections.

The servers answer directly (dr), so the director sees the clients' packets alone: a client that resets its connection is
forgotten 10 s later, one that closes it after two minutes.
"""
import json
import socket
import struct
import subprocess
import tempfile

import pytest

from lbhatest import Lab, rogue, wait_for, wait_until
from lbhatest.stream import Download, Stream

VIP = "192.168.8.200"
A, B = "192.168.8.20", "192.168.8.30"
DONE, FAILED, USAGE = range(3)

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
  lb2: {address: 192.168.8.11}
defaults:
  check: {interval: 500ms, timeout: 400ms, rise: 1, fall: 1}
global:
  ipvs: {read_back: 60s}
pools:
  both:
    - {name: a, address: 192.168.8.20}
    - {name: b, address: 192.168.8.30, weight: 3}
services:
  - {name: web, listen: '192.168.8.200:80', scheduler: wrr, check: {type: tcp}, real_servers: both}
  - {name: stream, listen: '192.168.8.200:81', scheduler: rr, real_servers: both}
"""

WITHOUT_A = CONFIG.replace("    - {name: a, address: 192.168.8.20}\n", "")


def draining(text, timeout):
    return text.replace("scheduler: rr,", f"scheduler: rr, drain_timeout: {timeout},")


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.a = lab.real_server("a", lan, A, vip=VIP)
        self.b = lab.real_server("b", lan, B, vip=VIP)
        for server in self.a, self.b:
            Stream(server.host)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        self.lb1.host.ip(f"addr add {VIP}/32 dev eth0")

    def make_fresh(self):
        """As configured, by its own means: a start would take longer."""
        if not self.lb1.is_running:
            self.lb1.start()
        for one in self.lb1.status()["overrides"]:
            service, server = one["object"].split("/")
            self.said("enable", service, server) if one["kind"] == "state" else self.said("weight", service, server, "auto")
        assert self.lb1.reload(CONFIG)[0] == DONE
        self.wait_weights("web", {A: 1, B: 3})
        self.wait_weights("stream", {A: 1, B: 3})

    def weights(self, service):
        port = {"web": 80, "stream": 81}[service]
        return {server.rsplit(":", 1)[0]: weight
                for server, weight in self.lb1.ipvs()[f"tcp {VIP}:{port}"].weights.items()}

    def wait_weights(self, service, wanted, within=5):
        wait_for(lambda: self.weights(service), wanted, within, f"the weights of {service}")

    def download(self):
        """(one that goes on, the address of its server is A)"""
        for _ in range(4):
            download = Download(self.client)
            download.goes_on(3)
            if f":{download.port} " in self.connections_of(A):
                return download
            download.socket.close()
        raise AssertionError("nobody was sent to a")

    def connections_of(self, server):
        lines = self.lb1.host.run("ipvsadm", "-Lnc").splitlines()
        return "\n".join(line + " " for line in lines if f" {server}:" in line + " ")

    def new_clients(self, count=4):
        return {answer.body for answer in self.client.get_many(count, VIP)}

    def said(self, *words):
        code, text = self.lb1.ctl_status(*words)
        assert code == DONE, (code, text)
        return text

    def refused(self, *words):
        code, text = self.lb1.ctl_status(*words)
        assert code == FAILED, (code, text)
        return text

    def server(self, name="a", service="stream"):
        return self.lb1.server(name, service)

    def renew_ipvs(self):
        old = self.lb1.kill_worker("ipvs")
        wait_until(lambda: self.lb1.worker("ipvs")["pid"] not in (0, old), 10, "a new ipvs worker")
        wait_until(lambda: self.lb1.status()["ready"], 10, "it is at work")


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_overrides") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def reset(download):
    """The client goes without a goodbye, and the director hears it."""
    download.file.close()
    download.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    download.socket.close()


# --- drained without an end -------------------------------------------------------------------------------------------

def test_a_drained_server_keeps_its_download_and_gets_no_client_whatever_happens_to_lbhad(network):
    download = network.download()
    text = network.said("drain", "--all", A, "--comment", "new disk")
    assert "web/a: drained\nstream/a: drained\n" in text and "not told: lb2" in text
    for what in network.lb1.reload, network.renew_ipvs, network.lb1.crash, None:
        network.wait_weights("stream", {A: 0, B: 3})
        network.wait_weights("web", {A: 0, B: 3})
        assert network.new_clients() == {"b"}
        download.goes_on(5)
        if what:
            what()
        if what == network.lb1.crash:
            network.lb1.start()
    server = network.server()
    assert (server["admin"], server["configured_admin"], server["effective_weight"]) == ("drained", "enabled", 0)
    said, = server["overrides"]
    assert (said["object"], said["value"], said["by"], said["comment"]) == ("stream/a", "drained", "root", "new disk")
    network.said("enable", "--all", "a")
    network.wait_weights("stream", {A: 1, B: 3})
    assert network.lb1.status()["overrides"] == []
    download.goes_on(5)


def test_weights_and_disabling_take_effect_at_once_and_outlive_a_restart(network):
    network.said("weight", "web", "a", "9")
    network.wait_weights("web", {A: 9, B: 3})
    before = network.lb1.status()["ipvs"]["operations"]
    network.said("weight", "web", "a", "10")
    network.wait_weights("web", {A: 10, B: 3})
    wait_for(lambda: network.lb1.status()["ipvs"]["operations"], before + 1, what="one message")
    network.said("disable", "web", B)
    network.wait_weights("web", {A: 10})
    assert network.lb1.stop() == 0
    network.lb1.start()
    network.wait_weights("web", {A: 10})
    assert [one["object"] for one in network.lb1.status()["overrides"]] == ["web/a", "web/b"]
    network.said("weight", "web", "a", "auto")
    network.said("enable", "web", "b")
    network.wait_weights("web", {A: 1, B: 3})


def test_what_is_said_until_a_time_ends_then(network):
    network.said("weight", "stream", "a", "9", "--timeout", "2s")
    network.wait_weights("stream", {A: 9, B: 3})
    network.wait_weights("stream", {A: 1, B: 3}, within=10)
    assert network.lb1.status()["overrides"] == []


def test_a_disabled_server_goes_on_being_probed(network):
    network.said("disable", "web", "a")
    network.wait_weights("web", {B: 3})
    assert network.server(service="web")["health"] == "up"
    network.a.web.stop()
    try:
        wait_for(lambda: network.server(service="web")["health"], "down", what="the verdict of a disabled server")
        network.said("enable", "web", "a")
        network.wait_weights("web", {A: 0, B: 3})
    finally:
        network.a.web.start()
    network.wait_weights("web", {A: 1, B: 3})


def test_wrong_names_get_better_ones_and_nothing_is_done(network):
    assert 'did you mean "web"?' in network.refused("drain", "wbe", "a")
    assert "no server of web is called" in network.refused("weight", "web", "192.168.8.99", "1")
    assert network.lb1.ctl_status("drain", "web")[0] == USAGE
    assert network.lb1.ctl_status("weight", "web", "a", "65536")[0] == USAGE
    assert network.lb1.status()["overrides"] == []


# --- drained with an end ----------------------------------------------------------------------------------------------

class Draining:
    """lbhactl drain --timeout, on its way."""

    def __init__(self, network, timeout):
        command = network.lb1.ctl_command("drain", "stream", "a", "--timeout", timeout)
        self.output = tempfile.NamedTemporaryFile("wb")
        self.process = network.lb1.host.start(*command, stdout=self.output, stderr=subprocess.STDOUT,
                                              env=network.lb1.environment())

    def said(self):
        with open(self.output.name) as output:
            return output.read()

    def end(self):
        self.process.wait(timeout=200)
        return self.process.returncode, self.said()


def test_a_drain_ends_with_the_last_connection(network):
    """A death of the ipvs worker does not end it early, nor does a reload."""
    download = network.download()
    drain = Draining(network, "300s")
    network.wait_weights("stream", {A: 0, B: 3})
    wait_for(lambda: network.server()["connections"]["active"], 1, 10, "the connection is counted")
    network.renew_ipvs()
    network.lb1.reload()
    wait_until(lambda: "stream/a: 1 active, 0 inactive, 0 persistent; " in drain.said(), 10, "the connection is shown")
    download.goes_on(20)
    assert network.weights("stream") == {A: 0, B: 3}
    assert network.server()["deadline"]
    reset(download)
    network.wait_weights("stream", {B: 3}, within=20)
    code, text = drain.end()
    assert code == DONE, text
    assert text.endswith("stream/a: out of the table, no connection is left\n")
    wait_for(lambda: network.server()["admin"], "disabled", what="it is out")
    network.said("enable", "stream", "a")
    network.wait_weights("stream", {A: 1, B: 3})


def test_the_deadline_of_a_drain_cuts_what_is_left(network):
    download = network.download()
    code, text = Draining(network, "4s").end()
    assert code == DONE
    assert "stream/a: out of the table, its time is over; 1 connection was left\n" in text, text
    assert network.weights("stream") == {B: 3}
    assert network.lb1.stop() == 0
    network.lb1.start()
    assert network.weights("stream") == {B: 3}, "it is not put in again to be drained"
    reset(download)


# --- a server leaves the file -----------------------------------------------------------------------------------------

def test_a_deleted_server_leaves_with_its_last_connection(network):
    download = network.download()
    text = draining(WITHOUT_A, "300s")
    network.lb1.configure(text)
    assert "ipvsadm -e -t 192.168.8.200:81 -r 192.168.8.20:81 -g -w 0" in network.lb1.ctl("plan")
    assert network.lb1.reload()[0] == DONE
    assert network.weights("web") == {B: 3}, "no drain_timeout there"
    network.wait_weights("stream", {A: 0, B: 3})
    download.goes_on(20)
    leaver, = network.lb1.service("stream")["leaving"]
    assert (leaver["name"], leaver["address"]) == ("a", f"{A}:81") and leaver["deadline"]
    wait_for(lambda: network.lb1.service("stream")["leaving"][0]["connections"]["active"], 1, what="the connection")
    assert "leaving" in network.lb1.ctl("services", "stream")
    network.renew_ipvs()
    download.goes_on(20)
    network.lb1.crash()
    network.lb1.start()
    download.goes_on(20)
    wait_for(lambda: [one["name"] for one in network.lb1.service("stream")["leaving"]], [f"{A}:81"], what="it leaves")
    reset(download)
    network.wait_weights("stream", {B: 3}, within=20)
    wait_for(lambda: network.lb1.service("stream")["leaving"], [], what="it has left")


def test_drain_timeout_bounds_that_and_a_server_that_returns_stays(network):
    download = network.download()
    assert network.lb1.reload(draining(WITHOUT_A, "forever"))[0] == DONE
    network.wait_weights("stream", {A: 0, B: 3})
    assert network.lb1.service("stream")["leaving"][0]["deadline"] is None
    assert network.lb1.reload(draining(CONFIG, "3s"))[0] == DONE
    network.wait_weights("stream", {A: 1, B: 3})
    download.goes_on(5)
    assert network.lb1.reload(draining(WITHOUT_A, "3s"))[0] == DONE
    network.wait_weights("stream", {B: 3}, within=10)
    assert "its time is over, with 1 connection left" in network.lb1.log
    reset(download)


# --- another director's words -----------------------------------------------------------------------------------------

def test_a_file_of_overrides_is_taken_over_as_a_whole_or_not_at_all(network):
    network.said("drain", "web", "a", "--comment", "disk")
    network.said("weight", "stream", "b", "7")
    listed = json.loads(network.lb1.ctl("overrides", "--json"))
    good, bad = network.lb1.host.log_file("good.json"), network.lb1.host.log_file("bad.json")
    with open(good, "w") as file:
        json.dump(listed, file)
    with open(bad, "w") as file:
        json.dump([dict(listed[0], object="stream/a"), dict(listed[1], object="stream/c")], file)
    network.said("enable", "web", "a")
    network.said("weight", "stream", "b", "auto")
    assert 'override 2: no server of stream is called "c"' in network.refused("overrides", "load", bad)
    assert network.lb1.status()["overrides"] == []
    assert "web/a: drained\nstream/b: weight 7\n" in network.said("overrides", "load", good)
    network.wait_weights("web", {A: 0, B: 3})
    network.wait_weights("stream", {A: 1, B: 7})
    assert network.server(service="web")["overrides"][0]["comment"] == "disk"


# --- what checks tell of their servers ----------------------------------------------------------------------------------

class Agent:
    """Says its line to whoever connects."""

    def __init__(self, line):
        self.line = line

    def __call__(self, connection):
        connection.send(self.line.encode() + b"\n")


AGENT = """
  - name: agent
    listen: '192.168.8.200:82'
    check: {type: agent, port: 9707}
    real_servers: [{name: a, address: 192.168.8.20, weight: 2, upper_threshold: 100}]
"""


def test_what_an_agent_tells_is_in_force_until_an_operator_says_otherwise(network):
    def destination(weight, limit):
        service = "-t", f"{VIP}:82"

        def programmed():
            lines = [network.lb1.host.run("ipvsadm", "-Ln", *service, *more).splitlines()[-1].split()
                     for more in ((), ("--thresholds",))]
            return int(lines[0][3]), int(lines[1][2])
        wait_for(programmed, (weight, limit), 5, "weight and limit")

    agent = Agent("up 50% maxconn:30")
    with rogue.Server(agent, A, 9707, network.a.host):
        assert network.lb1.reload(CONFIG + AGENT)[0] == DONE
        destination(100, 30)
        assert "told by agent: weight 50% of 2, at most 30 connections" in network.lb1.ctl("services", "agent")
        agent.line = "drain"
        destination(0, 30)
        assert network.server("a", "agent")["reason"] == "drained by agent; all checks pass"
        assert network.lb1.service("agent")["state"] == "down", "who is drained is no part of the quorum"
        agent.line = "ready 75% maxconn:40"
        destination(150, 40)
        network.said("weight", "agent", "a", "5")
        destination(500, 40)
        agent.line = "20% maxconn:50"
        destination(500, 50)
        network.renew_ipvs()
        destination(500, 50)
        agent.line = "nonsense"
        wait_for(lambda: network.server("a", "agent")["health"], "down", 5)
        network.said("weight", "agent", "a", "auto")
        old = network.lb1.kill_worker("check")
        wait_until(lambda: network.lb1.worker("check")["pid"] not in (0, old), 10, "a new check worker")
        agent.line = "up"
        destination(40, 50)
