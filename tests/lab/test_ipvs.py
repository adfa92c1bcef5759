"""What lbhad does with the kernel's IPVS table, seen with ipvsadm. Traffic through it is tested where the networks are."""
import json
import os
import random
import signal
import socket
import time

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.director import program

VIP = "192.168.8.200"

SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"]

HEAD = """
directors:
  lb1: {address: 192.168.8.10}
defaults:
  check: {interval: 500ms, timeout: 400ms, rise: 1, fall: 1}
global:
  ipvs: {read_back: 1s}
"""

WEB = HEAD + """
services:
  - name: web
    listen: 192.168.8.200:80
    scheduler: wlc
    check: {type: tcp}
    real_servers:
      - 192.168.8.20
      - {address: 192.168.8.30, weight: 3}
"""

ALL_UP = {"192.168.8.20:80": 1, "192.168.8.30:80": 3}


def without_checks(servers, more=""):
    """One service whose servers count as up from the start."""
    lines = "\n".join(f"      - {server}" for server in servers)
    return f"""{HEAD}
services:
  - name: web
    listen: 192.168.8.200:80
    scheduler: wlc
{more}    real_servers:
{lines}
"""


class Network:
    """One director, two servers, a client; built once for all tests of this file, made fresh for each."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.a = lab.real_server("a", lan, "192.168.8.20", vip=VIP)
        self.b = lab.real_server("b", lan, "192.168.8.30", vip=VIP)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=WEB)
        self.lb1.host.ip(f"addr add {VIP}/32 dev eth0")

    def make_fresh(self):
        if self.lb1.is_running:
            self.lb1.crash()
        for server in self.a, self.b:
            server.web.stop()
            server.web.start()
        for left in self.lb1.run_dir, self.lb1.state_dir, self.lb1.log_file:
            self.lb1.host.run("rm", "-rf", left)
        self.lb1.host.run("ipvsadm", "-C")
        self.lb1.host.sysctl("net.ipv4.ip_forward", 0)
        self.lb1.configure(WEB)

    @property
    def web(self):
        return self.lb1.ipvs()[f"tcp {VIP}:80"]

    def weights(self):
        return self.web.weights

    def wait_weights(self, wanted, within=4):
        wait_for(self.weights, wanted, within, "the weights of the service web")

    def wait_weights_of_all(self, wanted, within=4):
        """Of a table that may be without the service for now."""
        wait_for(lambda: {name: service.weights for name, service in self.lb1.ipvs().items()},
                 {f"tcp {VIP}:80": wanted}, within, "the table")

    def operations(self):
        return self.lb1.status()["ipvs"]["operations"]


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_ipvs") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def saved(director):
    """The table as ipvsadm saves it, without an order."""
    return sorted(line.rstrip() for line in director.host.run("ipvsadm-save", "-n").splitlines())


# --- what is programmed -----------------------------------------------------------------------------------------------

def test_every_scheduler_is_programmed_and_read_back_equal(network):
    """Word by word as ipvsadm saves it, tcp and udp, dr and nat; the second reload finds nothing to do."""
    config, expected = HEAD + "services:\n", []
    for number, scheduler in enumerate(SCHEDULERS):
        port, way = 1000 + number, "nat" if number % 2 else "dr"
        config += (f"  - {{name: {scheduler}, listen: '{VIP}:{port}', protocol: [tcp, udp], scheduler: {scheduler}, "
                   f"forwarding: {way}, real_servers: [192.168.8.20, {{address: 192.168.8.30, weight: 5}}]}}\n")
        flags = " -b sh-fallback" if scheduler == "sh" else ""
        for protocol in "-t", "-u":
            expected.append(f"-A {protocol} {VIP}:{port} -s {scheduler}{flags}")
            for server, weight in ("192.168.8.20", 1), ("192.168.8.30", 5):
                letter = "-m" if way == "nat" else "-g"
                expected.append(f"-a {protocol} {VIP}:{port} -r {server}:{port} {letter} -w {weight}")
    network.lb1.configure(config)
    network.lb1.start()
    wait_for(lambda: saved(network.lb1), sorted(expected), 5, "ipvsadm-save")
    assert network.lb1.ctl("plan") == ""
    done = len(expected)
    wait_for(network.operations, done, 5, "operations, which are told a moment later")
    assert network.lb1.reload()[0] == 0
    assert network.operations() == done


def test_ipv6_services_are_programmed(network):
    network.lb1.configure(HEAD + """
services:
  - {name: six, listen: "[2001:db8::200]:80", scheduler: rr, real_servers: ["2001:db8::20", {address: "[2001:db8::30]:80", weight: 2}]}
""")
    network.lb1.start()
    wait_for(lambda: saved(network.lb1), ["-A -t [2001:db8::200]:80 -s rr",
                                          "-a -t [2001:db8::200]:80 -r [2001:db8::20]:80 -g -w 1",
                                          "-a -t [2001:db8::200]:80 -r [2001:db8::30]:80 -g -w 2"])


def test_a_scheduler_that_the_kernel_lacks_is_named_with_its_module(network):
    """The other services of the file work all the same."""
    network.lb1.configure(WEB + f"""
  - {{name: two, listen: "{VIP}:81", scheduler: twos, real_servers: [192.168.8.20]}}
""")
    network.lb1.start()
    network.wait_weights(ALL_UP)
    words = "no scheduler twos (module ip_vs_twos, CONFIG_IP_VS_TWOS)"
    wait_until(lambda: words in network.lb1.log)
    wait_until(lambda: words in (network.lb1.status()["ipvs"]["error"] or ""))
    two = network.lb1.service("two")
    assert two["state"] == "down" and words in two["reason"], two
    assert network.lb1.service()["state"] == "up"


def test_a_scheduler_that_nobody_knows_is_passed_on_and_its_refusal_told(network):
    network.lb1.configure(WEB.replace("scheduler: wlc", "scheduler: wllc"))
    network.lb1.start()
    wait_until(lambda: "no scheduler wllc (no module ip_vs_wllc)" in network.lb1.service()["reason"])
    network.lb1.configure(WEB)
    assert network.lb1.reload()[0] == 0
    network.wait_weights(ALL_UP)
    wait_for(lambda: network.lb1.service()["state"], "up")
    assert network.lb1.status()["ipvs"]["error"] is None


def test_nat_sets_ip_forward_and_a_stop_puts_it_back(network):
    network.lb1.configure(without_checks(["192.168.8.20:8080"], "    forwarding: nat\n"))
    assert network.lb1.host.sysctl("net.ipv4.ip_forward") == "0"
    network.lb1.start()
    wait_for(lambda: network.web, {"192.168.8.20:8080": ("nat", 1)})
    assert network.lb1.host.sysctl("net.ipv4.ip_forward") == "1"
    assert network.lb1.stop() == 0
    assert network.lb1.host.sysctl("net.ipv4.ip_forward") == "0"


def test_every_refusal_of_a_batch_is_told_and_stops_nothing(network):
    """Below the daemon: thousands of refused operations around one that is fine, none of the answers lost."""
    lines = [f"service tcp 10.2.{n}.1:80 twos\n" + "".join(f"server 10.3.{n}.{i} dr 1\n" for i in range(1, 201))
             for n in range(20)]
    lines.insert(10, f"service tcp {VIP}:80 rr\nserver 192.168.8.20 dr 4\n")
    lines = [line.replace(" dr", ":80 dr") for line in lines]
    said = network.lb1.host.run(program("test-ipvs-tool"), input="".join(lines), timeout=60)
    assert "operations 4022 refused 4020" in said
    assert said.count("no scheduler twos") == 20
    assert network.weights() == {"192.168.8.20:80": 4}


# --- what a service can be ----------------------------------------------------------------------------------------------

EVERYTHING = [  # the protocol, what stands in the file, what ipvsadm saves of it
    ("tcp", "scheduler: sh, flags: []", "-s sh"),
    ("tcp", "scheduler: sh, flags: [sh-port, sh-fallback]", "-s sh -b sh-fallback,sh-port"),
    ("tcp", "scheduler: mh, flags: mh-port", "-s mh -b mh-port"),
    ("tcp", "persistence: 6m", "-s wlc -p 360"),
    ("udp", "persistence: {timeout: 90s, prefix: 24}", "-s wlc -p 90 -M 255.255.255.0"),
    ("udp", "persistence: {engine: sip}", "-s wlc -p 360 --pe sip"),
    ("udp", "one_packet: true", "-s wlc -o"),
    ("sctp", "scheduler: rr", "-s rr"),
]
OPTIONS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}


def test_all_that_a_service_can_be_is_programmed_and_read_back_equal(network):
    """Modules come when they are needed; the second reload finds nothing to do."""
    config, expected = HEAD + "services:\n", []
    for number, (protocol, keys, saved_as) in enumerate(EVERYTHING):
        listen, option = f"{VIP}:{1000 + number}", OPTIONS[protocol]
        config += (f"  - {{name: s{number}, listen: '{listen}', protocol: {protocol}, {keys}, "
                   f"real_servers: [192.168.8.20]}}\n")
        expected += [f"-A {option} {listen} {saved_as}", f"-a {option} {listen} -r 192.168.8.20:{1000 + number} -g -w 1"]
    config += (f"  - {{name: all, listen: {VIP}, persistence: 60s, real_servers: [192.168.8.20, "
               "{address: 192.168.8.30, weight: 4, upper_threshold: 100, lower_threshold: 80}, "
               "{address: 192.168.8.40, state: drained}, {address: 192.168.8.50, state: disabled}]}\n")
    expected += [f"-A -t {VIP}:0 -s wlc -p 60", f"-a -t {VIP}:0 -r 192.168.8.20:0 -g -w 1",
                 f"-a -t {VIP}:0 -r 192.168.8.30:0 -g -w 4", f"-a -t {VIP}:0 -r 192.168.8.40:0 -g -w 0"]
    network.lb1.configure(config)
    network.lb1.start()
    wait_for(lambda: saved(network.lb1), sorted(expected), 8, "ipvsadm-save")
    thresholds = network.lb1.host.run("ipvsadm", "-Ln", "--thresholds")
    assert ["->", "192.168.8.30:0", "100", "80"] in [line.split()[:4] for line in thresholds.splitlines()], thresholds
    assert [server["admin"] for server in network.lb1.service("all")["real_servers"]] == [
        "enabled", "enabled", "drained", "disabled"]
    assert network.lb1.ctl("plan") == ""
    done = network.operations()
    assert network.lb1.reload()[0] == 0
    assert network.operations() == done
    before = saved(network.lb1)
    network.lb1.crash()
    network.lb1.start()
    wait_until(lambda: network.lb1.status()["ipvs"]["ready"])
    assert network.lb1.ctl("plan") == ""
    assert (network.operations(), saved(network.lb1)) == (0, before), "what is right is adopted as it is"


class Halfway:
    """A client in the middle of its request: the connection is there, the answer is still to come."""

    def __init__(self, network):
        with network.client.host.inside():
            self.socket = socket.create_connection((VIP, 80), timeout=5)
        self.socket.send(b"GET / HTTP/1.1\r\n")

    def finish(self):
        """The body of the answer: the server's name."""
        self.socket.send(b"\r\n")
        answer = b""
        while more := self.socket.recv(4096):
            answer += more
        self.socket.close()
        return answer.rpartition(b"\r\n\r\n")[2].decode()


def test_whatever_changes_of_a_service_its_connections_stay(network):
    """Every change is a SET: nothing is deleted and added."""
    both = ["192.168.8.20", "192.168.8.30"]
    network.lb1.configure(without_checks(both))
    network.lb1.start()
    wait_for(lambda: len(network.web), 2)
    clients = [Halfway(network) for _ in range(4)]
    for more in ("    scheduler: sh\n", "    scheduler: sh\n    flags: sh-port\n", "    scheduler: mh\n    flags: mh-fallback\n",
                 "    persistence: 60s\n", "    persistence: {timeout: 30s, prefix: 24}\n", "    scheduler: wrr\n"):
        text = without_checks(both, more)
        if "scheduler" in more:
            text = text.replace("    scheduler: wlc\n", "")
        network.lb1.configure(text)
        plan = network.lb1.ctl("plan").splitlines()
        assert len(plan) == 1 and plan[0].startswith("ipvsadm -E "), (more, plan)
        assert network.lb1.reload()[0] == 0
    network.lb1.configure(without_checks([f"{{address: {server}, weight: 7, upper_threshold: 9}}" for server in both]))
    assert [line.split()[1] for line in network.lb1.ctl("plan").splitlines()] == ["-E", "-e", "-e"]
    assert network.lb1.reload()[0] == 0
    wait_for(network.weights, {"192.168.8.20:80": 7, "192.168.8.30:80": 7})
    assert {client.finish() for client in clients} == {"a", "b"}


def test_a_drained_server_keeps_its_connections_and_a_disabled_one_is_gone(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    clients = [Halfway(network) for _ in range(8)]
    drained = WEB.replace("      - 192.168.8.20\n", "      - {address: 192.168.8.20, state: drained}\n")
    assert network.lb1.reload(drained)[0] == 0
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3})
    assert {answer.body for answer in network.client.get_many(4, VIP)} == {"b"}
    assert set(client.finish() for client in clients) == {"a", "b"}
    server = network.lb1.server("192.168.8.20")
    assert (server["admin"], server["health"], server["effective_weight"]) == ("drained", "up", 0)
    assert network.lb1.service()["state"] == "up"
    assert network.lb1.reload(drained.replace("drained", "disabled"))[0] == 0
    network.wait_weights({"192.168.8.30:80": 3})
    server = network.lb1.server("192.168.8.20")
    assert (server["admin"], server["health"], server["checks"]) == ("disabled", "unknown", [])


def test_a_persistent_client_leaves_a_server_that_dies(network):
    """on_failure: auto removes it; with weight 0 the client would go on being sent there."""
    network.lb1.configure(WEB.replace("    scheduler: wlc\n", "    scheduler: rr\n    persistence: 300s\n"))
    network.lb1.start()
    network.wait_weights(ALL_UP)
    first = {answer.body for answer in network.client.get_many(4, VIP)}
    assert len(first) == 1, "persistence keeps a client at one server"
    server, other = (network.a, network.b) if first == {"a"} else (network.b, network.a)
    server.web.stop()
    wait_for(lambda: len(network.web), 1)
    assert {answer.body for answer in network.client.get_many(4, VIP)} == {other.host.name}


# --- what verdicts do ------------------------------------------------------------------------------------------------

def test_a_server_gets_no_traffic_before_its_first_passed_check(network):
    network.b.web.stop()
    network.lb1.start()
    wait_for(lambda: network.lb1.server("192.168.8.30")["health"], "down")
    network.wait_weights({"192.168.8.20:80": 1, "192.168.8.30:80": 0})
    network.b.web.start()
    network.wait_weights(ALL_UP)
    assert network.lb1.service()["state"] == "up"


def test_a_dead_server_loses_its_weight_and_gets_it_back(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.a.web.stop()
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3})
    server = network.lb1.server("192.168.8.20")
    assert (server["health"], server["effective_weight"]) == ("down", 0)
    assert "192.168.8.20:80" in server["reason"]
    assert network.lb1.service()["state"] == "degraded"
    network.a.web.start()
    network.wait_weights(ALL_UP)


def test_on_failure_remove_takes_a_dead_server_out(network):
    network.lb1.configure(WEB.replace("scheduler: wlc", "scheduler: wlc\n    on_failure: remove"))
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.a.web.stop()
    network.wait_weights({"192.168.8.30:80": 3})
    network.a.web.start()
    network.wait_weights(ALL_UP)


def test_servers_in_the_kernel_at_the_start_keep_their_traffic_until_a_verdict(network):
    """Entries of somebody before us: kept, not deleted and added; the counters of the kernel tell."""
    network.a.web.pause()
    network.lb1.configure(WEB.replace("type: tcp", "type: http, timeout: 4s, interval: 4s"))
    run = network.lb1.host.run
    run("ipvsadm", "-A", "-t", f"{VIP}:80", "-s", "rr")
    run("ipvsadm", "-a", "-t", f"{VIP}:80", "-r", "192.168.8.20:80", "-g", "-w", "7")
    run("ipvsadm", "-a", "-t", f"{VIP}:80", "-r", "192.168.8.99:80", "-g")
    network.lb1.start()
    wait_until(lambda: "192.168.8.99:80" not in network.web)
    assert network.web.scheduler == "wlc"
    assert network.web.weights["192.168.8.20:80"] == 7
    assert network.lb1.server("192.168.8.20")["health"] == "unknown"
    wait_for(lambda: network.web.weights["192.168.8.20:80"], 0, 5)


def test_connections_and_bytes_are_counted_per_server(network):
    """From the kernel's counters, at every read-back; wlc gives server b three of four connections."""
    network.lb1.start()
    network.wait_weights(ALL_UP)
    answers = [answer.body for answer in network.client.get_many(12, VIP)]

    def counted():
        return {server["name"]: server["stats"]["connections"] for server in network.lb1.service()["real_servers"]}

    wait_for(counted, {"192.168.8.20": answers.count("a"), "192.168.8.30": answers.count("b")})
    stats = network.lb1.server("192.168.8.30")["stats"]
    assert stats["packets_in"] >= 4 * answers.count("b")
    assert stats["bytes_in"] > 40 * stats["packets_in"]
    assert stats["packets_out"] == stats["bytes_out"] == 0, "direct routing: answers do not pass here"


# --- reload ------------------------------------------------------------------------------------------------------------

def test_one_server_added_to_a_thousand_is_one_operation(network):
    servers = [f"10.1.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    network.lb1.configure(without_checks(servers))
    network.lb1.start(within=20)
    wait_for(lambda: len(network.web), 1000)
    before = network.operations()
    assert before == 1001
    text = without_checks(servers + ["10.1.9.9"])
    network.lb1.configure(text)
    assert network.lb1.ctl("plan").splitlines() == [f"ipvsadm -a -t {VIP}:80 -r 10.1.9.9:80 -g -w 1"]
    assert network.lb1.reload()[0] == 0
    assert len(network.web) == 1001
    assert network.operations() - before == 1
    assert network.lb1.reload(without_checks(servers))[0] == 0
    wait_for(lambda: len(network.web), 1000)
    assert network.operations() - before == 2


def test_a_reload_changes_in_place_and_removes_last(network):
    network.lb1.configure(without_checks(["192.168.8.20", "192.168.8.30"]))
    network.lb1.start()
    wait_for(lambda: len(network.web), 2)
    changed = without_checks(["{address: 192.168.8.30, weight: 9}", "192.168.8.40"]).replace("wlc", "rr")
    network.lb1.configure(changed)
    assert network.lb1.ctl("plan").splitlines() == [
        f"ipvsadm -E -t {VIP}:80 -s rr",
        f"ipvsadm -a -t {VIP}:80 -r 192.168.8.40:80 -g -w 1",
        f"ipvsadm -e -t {VIP}:80 -r 192.168.8.30:80 -g -w 9",
        f"ipvsadm -d -t {VIP}:80 -r 192.168.8.20:80"]
    assert network.weights() == {"192.168.8.20:80": 1, "192.168.8.30:80": 1}, "a plan changes nothing"
    assert network.lb1.reload()[0] == 0
    network.wait_weights({"192.168.8.30:80": 9, "192.168.8.40:80": 1})
    assert network.web.scheduler == "rr"


def test_verdicts_survive_a_reload(network):
    """A server that was down stays down while the configuration around it changes."""
    network.lb1.start()
    network.a.web.stop()
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3})
    assert network.lb1.reload(WEB.replace("weight: 3", "weight: 4").replace("wlc", "lc"))[0] == 0
    assert network.weights() == {"192.168.8.20:80": 0, "192.168.8.30:80": 4}


def timeouts(network):
    return network.lb1.host.run("ipvsadm", "-L", "--timeout").split()[-3:]


def test_timeouts_are_set_repaired_and_put_back(network):
    """tcp_fin is left to whoever set it; what was there before us comes back with the stop, or with the keys."""
    set_by_hand = ["800", "100", "200"]
    network.lb1.host.run("ipvsadm", "--set", *set_by_hand)
    text = WEB.replace("{read_back: 1s}", "{read_back: 1s, timeouts: {tcp: 60s, udp: 200s}}")
    network.lb1.configure(text)
    network.lb1.start()
    wait_for(lambda: timeouts(network), ["60", "100", "200"])
    network.lb1.host.run("ipvsadm", "--set", "70", "101", "0")
    wait_for(lambda: timeouts(network), ["60", "101", "200"])
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], 1)
    changed = text.replace("tcp: 60s", "tcp: 50s")
    network.lb1.configure(changed)
    assert network.lb1.ctl("plan").splitlines() == ["ipvsadm --set 50 0 0"]
    assert network.lb1.reload()[0] == 0
    assert timeouts(network) == ["50", "101", "200"]
    assert network.lb1.ctl("plan") == ""
    network.lb1.crash()
    network.lb1.start()
    assert network.lb1.reload(WEB)[0] == 0
    wait_for(lambda: timeouts(network), ["800", "101", "200"])
    assert network.lb1.reload(changed)[0] == 0
    assert network.lb1.stop() == 0
    assert timeouts(network) == ["800", "101", "200"]


# --- others at the table -------------------------------------------------------------------------------------------------

def test_a_flushed_table_is_repaired_and_counted(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.lb1.host.run("ipvsadm", "-C")
    network.wait_weights(ALL_UP)
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], 3)
    assert "somebody else changed the kernel's table" in network.lb1.log


def test_deleted_changed_and_added_entries_are_repaired(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    run = network.lb1.host.run
    run("ipvsadm", "-d", "-t", f"{VIP}:80", "-r", "192.168.8.20:80")
    run("ipvsadm", "-e", "-t", f"{VIP}:80", "-r", "192.168.8.30:80", "-g", "-w", "50")
    run("ipvsadm", "-a", "-t", f"{VIP}:80", "-r", "192.168.8.66:80", "-g")
    run("ipvsadm", "-E", "-t", f"{VIP}:80", "-s", "rr")
    network.wait_weights(ALL_UP)
    wait_for(lambda: network.web.scheduler, "wlc")  # a read-back may come between two of these
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], 4)


def test_a_verdict_meets_a_table_that_somebody_changed(network):
    """The refusal of the kernel leads to a look at it, at once, and not to an error that stays."""
    network.lb1.configure(WEB.replace("read_back: 1s", "read_back: 1h"))
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.lb1.host.run("ipvsadm", "-C")
    network.a.web.stop()
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3})


def test_in_maintenance_the_table_is_left_alone_and_repaired_after_it(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    assert network.lb1.ctl_status("maintenance", "on")[0] == 0
    network.lb1.host.run("ipvsadm", "-d", "-t", f"{VIP}:80", "-r", "192.168.8.20:80")
    for _ in range(2):
        seen = network.lb1.status()["ipvs"]["last_read_back"]
        wait_until(lambda: network.lb1.status()["ipvs"]["last_read_back"] != seen, what="a read-back")
    assert network.weights() == {"192.168.8.30:80": 3}
    network.b.web.stop()  # verdicts still count
    network.wait_weights({"192.168.8.30:80": 0})
    assert network.lb1.ctl_status("maintenance", "off")[0] == 0
    network.wait_weights({"192.168.8.20:80": 1, "192.168.8.30:80": 0})


def test_a_foreign_service_is_left_alone(network):
    foreign = ["-A -t 9.9.9.9:99 -s rr", "-a -t 9.9.9.9:99 -r 9.9.9.8:99 -g -w 5"]
    network.lb1.host.run("ipvsadm", "-R", input="\n".join(foreign) + "\n")
    network.lb1.start()
    network.wait_weights(ALL_UP)
    assert network.lb1.reload(WEB.replace("weight: 3", "weight: 4"))[0] == 0
    network.lb1.host.run("ipvsadm", "-D", "-t", f"{VIP}:80")
    network.wait_weights({"192.168.8.20:80": 1, "192.168.8.30:80": 4})
    assert network.lb1.stop() == 0
    assert saved(network.lb1) == sorted(foreign)


def test_the_doctor_tells_what_is_still_in_force_from_what_is_foreign(network):
    network.lb1.host.run("ipvsadm", "-A", "-t", "9.9.9.9:99", "-s", "rr")
    network.lb1.start()
    wait_until(lambda: f"tcp {VIP}:80" in network.lb1.ipvs(), what="the service web")
    network.lb1.configure(WEB.replace(f"{VIP}:80", f"{VIP}:81"))
    findings = json.loads(network.lb1.ctl_status("doctor", "--json")[1])["findings"]
    file = network.lb1.config_file
    assert {one["text"]: one["command"] for one in findings if one["subject"] == "ipvs"} == {
        f"lbhad balances {VIP}:80, which is not in {file}: what is there is not in force, until `lbhactl reload`": f"lbhactl plan {file}",
        f"the kernel balances 9.9.9.9:99, which is not in {file}: somebody else programs IPVS here":
            "ipvsadm -L -n -t 9.9.9.9:99    # whose is it? ipvsadm -D -t 9.9.9.9:99 removes it"}
    assert network.lb1.ctl_status("reload")[0] == 0
    texts = [one["text"] for one in json.loads(network.lb1.ctl_status("doctor", "--json")[1])["findings"]]
    assert not [text for text in texts if text.startswith("lbhad balances")]


# --- deaths ------------------------------------------------------------------------------------------------------------------

def restarted(network, name):
    before = network.lb1.worker(name)["restarts"]
    network.lb1.kill_worker(name)
    wait_for(lambda: (network.lb1.worker(name)["restarts"], network.lb1.worker(name)["state"]), (before + 1, "running"), 8)


def test_a_killed_ipvs_worker_adopts_the_table_without_an_operation(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.a.web.stop()
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3})
    before = saved(network.lb1)
    restarted(network, "ipvs")
    assert network.client.get(VIP).body == "b"
    wait_for(lambda: network.lb1.server("192.168.8.20")["health"], "down")
    wait_for(lambda: network.lb1.server("192.168.8.30")["health"], "up")
    assert network.operations() == 0
    assert saved(network.lb1) == before
    network.a.web.start()
    network.wait_weights(ALL_UP)


def test_a_killed_check_worker_takes_nothing_from_the_table(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    before = network.operations()
    restarted(network, "check")
    network.a.web.stop()
    network.wait_weights({"192.168.8.20:80": 0, "192.168.8.30:80": 3}, 8)
    assert network.operations() - before == 1


def test_a_director_that_was_killed_finds_its_services_again(network):
    """All processes at once: the table stays; the next daemon takes it over and removes what the file no longer has."""
    network.lb1.configure(WEB + f"""
  - {{name: other, listen: "{VIP}:81", scheduler: rr, real_servers: [192.168.8.20]}}
""")
    network.lb1.start()
    network.wait_weights(ALL_UP)
    network.lb1.crash()
    assert f"tcp {VIP}:81" in network.lb1.ipvs()
    network.lb1.configure(WEB)
    network.lb1.start()
    wait_until(lambda: f"tcp {VIP}:81" not in network.lb1.ipvs())
    network.wait_weights(ALL_UP)
    assert network.operations() == 1


def test_an_ipvs_worker_killed_at_any_moment_of_a_reload_ends_with_the_table_that_is_in_force(network):
    """Before the first COMMIT everything is as before, after it as the new file says; clients see neither."""
    chance = random.Random(seed := int(os.environ.get("LBHA_SEED", random.randrange(1 << 32))))
    print(f"LBHA_SEED={seed}")
    more = WEB + f"""
  - {{name: other, listen: "{VIP}:81", scheduler: rr, real_servers: [192.168.8.20]}}
"""
    network.lb1.start()
    network.wait_weights(ALL_UP)
    for number in range(4):
        pid = network.lb1.worker("ipvs")["pid"]
        status = network.lb1.status()
        network.lb1.configure(WEB if number % 2 else more)
        network.lb1.process.send_signal(signal.SIGHUP)
        time.sleep(chance.uniform(0, 0.25))
        network.lb1.host.run("kill", "-9", pid)
        assert network.client.get(VIP).status == 200
        wait_for(lambda: network.lb1.status()["reload"]["time"], lambda time: time != status["reload"]["time"], 8)
        wait_for(lambda: [worker["state"] for worker in network.lb1.status()["workers"]], ["running"] * 4, 8)
        applied = network.lb1.status()["generation"] - status["generation"]
        assert applied in (0, 1)
        has_more = bool(number % 2) != bool(applied)
        wait_for(lambda: f"tcp {VIP}:81" in network.lb1.ipvs(), has_more, 5, "the table of the file that is in force")
        assert network.lb1.reload()[0] == 0
        wait_for(lambda: f"tcp {VIP}:81" in network.lb1.ipvs(), not number % 2, 5)
    network.wait_weights(ALL_UP)


def test_whoever_flushes_the_table_in_a_loop_does_not_make_lbha_loop(network):
    """Repaired at once, then after 10 s; told meanwhile. A reload does it at once."""
    network.lb1.start()
    network.wait_weights(ALL_UP)
    started = time.monotonic()
    network.lb1.host.run("ipvsadm", "-C")
    network.wait_weights_of_all(ALL_UP)
    repairs = network.lb1.status()["ipvs"]["repairs"]
    assert repairs == 3
    network.lb1.host.run("ipvsadm", "-C")
    wait_until(lambda: network.lb1.status()["ipvs"]["contested"], 3)
    assert "somebody else keeps undoing a repair: ipvsadm -A -t" in network.lb1.ctl("status")
    assert network.lb1.ipvs() == {} or time.monotonic() - started > 10
    network.wait_weights_of_all(ALL_UP, 15)
    assert time.monotonic() - started > 9.5
    assert '"event":"contested","object":"ipvs"' in network.lb1.ctl("events", "--json").replace(" ", "")
    network.lb1.host.run("ipvsadm", "-C")
    wait_for(lambda: network.lb1.ipvs(), {}, 3)
    assert network.lb1.reload()[0] == 0
    network.wait_weights_of_all(ALL_UP, 4)


def test_what_is_not_ours_is_left_alone_or_removed(network):
    """At the start, at a reload and when the table is read; told by plan before, and by name."""
    foreign = ("ipvsadm", "-A", "-t", "10.9.9.9:80", "-s", "rr")
    network.lb1.host.run(*foreign)
    network.lb1.start()
    network.wait_weights(ALL_UP)
    assert "tcp 10.9.9.9:80" in network.lb1.ipvs()
    network.lb1.configure(WEB.replace("read_back: 1s", "read_back: 1s, foreign: remove"))
    assert network.lb1.ctl("plan") == "ipvsadm -D -t 10.9.9.9:80\n"
    assert network.lb1.reload()[0] == 0
    wait_for(lambda: list(network.lb1.ipvs()), [f"tcp {VIP}:80"])
    assert "tcp 10.9.9.9:80 is not ours: removed" in network.lb1.log
    repairs = network.lb1.status()["ipvs"]["repairs"]
    network.lb1.host.run(*foreign)
    wait_for(lambda: list(network.lb1.ipvs()), [f"tcp {VIP}:80"])
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], repairs + 1)
    network.lb1.crash()
    network.lb1.host.run(*foreign)
    network.lb1.start()
    wait_for(lambda: list(network.lb1.ipvs()), [f"tcp {VIP}:80"])
    assert network.operations() == 1


def test_a_stop_removes_what_is_ours_or_keeps_it(network):
    network.lb1.start()
    network.wait_weights(ALL_UP)
    assert network.lb1.stop() == 0
    assert saved(network.lb1) == []
    network.lb1.configure(WEB.replace("read_back: 1s", "on_stop: keep"))
    network.lb1.start()
    network.wait_weights(ALL_UP)
    before = saved(network.lb1)
    assert network.lb1.stop() == 0
    assert saved(network.lb1) == before
