"""ports-together from etc/examples, and what else goes by firewall marks: services whose packets somebody else marks, groups
of listeners over protocols and in IPv6, and the nftables table that lbhad writes, watches and takes away again."""
import os
import re
import socket
import threading

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.examples import OneFile, example, example_file
from lbhatest.state import Untouched
from lbhatest.traffic import Client, WebServer
from lbhatest.waiting import patience

VIP, VIP6 = "192.168.8.200", "2001:db8:8::200"
CLIENTS = [f"192.168.8.{100 + n}" for n in range(4)]
TOGETHER = example("ports-together", **{"interval: 1s, timeout: 1s, rise: 2": "interval: 500ms, timeout: 400ms, rise: 1",
                                        "virtual_router_id: 51": "virtual_router_id: 51\n    carrier_settle: 0s"})
APART = TOGETHER.replace("group: true", "group: false")

HEAD = """
directors: {lb1: {address: 192.168.8.10}}
global:
  ipvs: {read_back: 1s}
defaults:
  check: {interval: 500ms, timeout: 400ms, rise: 1, fall: 1}
"""


class UdpNames:
    """Answers every datagram with the host's name and how much came, from the address that it was sent to."""

    def __init__(self, host, port, address):
        self.host, self.socket = host, None
        host.servers.append(self)
        with host.inside():
            self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                data, client = self.socket.recvfrom(65536)
                self.socket.sendto(f"{self.host.name} {len(data)}".encode(), client)
            except OSError:
                return

    def close(self):
        self.socket.close()

    def summary(self):
        return "answers datagrams"


def ask(host, address, port, size=10, source=None):
    """What a UDP server answers."""
    with host.inside():
        asking = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        if source:
            asking.bind((source, 0))
    with asking:
        asking.settimeout(2 * patience())
        asking.sendto(b"x" * size, (address, port))
        return asking.recv(4096).decode()


class Network:
    """Two directors, two servers with web servers on two ports and one for UDP, and clients with addresses to choose from."""

    def __init__(self, lab):
        self.lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (self.lan, "192.168.8.10", "2001:db8:8::10/64"), config=TOGETHER)
        self.lb2 = lab.director("lb2", (self.lan, "192.168.8.11"), config=TOGETHER)
        self.servers = []
        for name, number in ("a", 20), ("b", 30):
            server = lab.real_server(name, self.lan, f"192.168.8.{number}")
            self.servers.append(server)
        self.file = OneFile(example_file("ports-together"), [], self.servers)
        self.file.look()
        self.file.set_up()
        for server, number in zip(self.servers, (20, 30)):
            server.host.ip(f"addr add 2001:db8:8::{number}/64 dev eth0 nodad", f"addr add {VIP6}/128 dev lo nodad")
            WebServer(server.host, 443)
            UdpNames(server.host, 53, VIP)
            UdpNames(server.host, 53, VIP6)
        self.client = lab.client("client", self.lan, CLIENTS[0])
        self.client.host.ip("addr add 2001:db8:8::100/64 dev eth0 nodad",
                            *(f"addr add {address}/24 dev eth0" for address in CLIENTS[1:]))

    def make_fresh(self):
        for director in self.lb1, self.lb2:
            director.forget()
            director.host.run("ip", "addr", "del", f"{VIP}/24", "dev", "eth0", check=False)
        self.lb1.configure(TOGETHER)

    def answers(self, source, ports=(80, 443)):
        """Which server each port has for a client."""
        return [self.client.get(VIP, port=port, source=source).body for port in ports]

    def all_answer(self):
        return all(body in "ab" for body in self.answers(CLIENTS[0]))


@pytest.fixture(scope="module")
def shared(module_lab):
    return Network(module_lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def owned(director):
    """What is in the owned file after its last lines; of a table its name alone."""
    things = set()
    with open(os.path.join(director.run_dir, "owned")) as file:
        for line in file.read().splitlines():
            thing = re.sub("^(table inet lbha) .*", r"\1", line[2:])
            (things.add if line[0] == "+" else things.discard)(thing)
    return things


def carry(director):
    """The VIPs by hand, for tests without VRRP."""
    director.host.run("ip", "addr", "add", f"{VIP}/24", "dev", "eth0")


def start_pair(network):
    network.lb1.start()
    network.lb1.wait_role("MASTER", within=15)
    wait_until(lambda: network.lb1.service()["state"] == "up", what="both servers are up")


def test_a_client_has_one_server_on_all_ports_of_a_group(network):
    """Two directors give the group the same mark. The other choice, a service for each port, is a reload away, and back."""
    before = Untouched(network.lb1.host, network.lb2.host)
    start_pair(network)
    network.lb2.start()
    answers = [network.answers(client) for client in CLIENTS]
    assert all(http == https for http, https in answers), answers
    assert {http for http, _ in answers} == {"a", "b"}, answers
    mark = network.lb1.service()["fwmark"]
    assert mark & 0xffff0000 == 0x4c420000 and network.lb2.service()["fwmark"] == mark
    for director in network.lb1, network.lb2:
        assert list(director.ipvs()) == [f"fwmark {mark}"]
        assert director.ipvs()[f"fwmark {mark}"].weights == {"192.168.8.20:0": 1, "192.168.8.30:0": 1}
        assert f"tcp . {VIP} . 443 : 0x{mark:08x}" in director.rules()
    own = Client(network.lb2.host)  # the backup's kernel balances what starts there
    assert own.get(VIP, port=80).body == own.get(VIP, port=443).body
    assert network.lb2.host.run("ipvsadm", "-Lcn").count("192.168.8.11:") >= 2
    assert network.lb2.stop() == 0

    network.lb1.configure(APART)
    plan = network.lb1.ctl("plan").splitlines()
    assert f"nft - map marks_ip: tcp . {VIP} . 443 : 0x{mark:08x}," in plan, plan
    assert f"ipvsadm -D -f {mark}" in plan and not any(line.startswith("nft +") for line in plan), plan
    assert network.lb1.reload()[0] == 0
    assert network.lb1.rules() is None
    assert set(network.lb1.ipvs()) == {f"tcp {VIP}:80", f"tcp {VIP}:443"}
    network.client.get(VIP, port=80, source=CLIENTS[1])  # both services take turns, each by itself
    assert network.answers(CLIENTS[2]) in (["a", "b"], ["b", "a"])

    assert network.lb1.reload(TOGETHER)[0] == 0
    assert set(network.lb1.ipvs()) == {f"fwmark {mark}"}
    assert network.lb1.ctl("plan") == ""
    http, https = network.answers(CLIENTS[2])
    assert http == https
    assert network.lb1.stop() == 0
    before.check()


def test_rules_that_somebody_else_flushed_or_changed_are_repaired(network):
    """At once, counted and told; a change of other tables is none. A table that is there at the start and that no run wrote
    down is replaced, and on_stop: keep leaves it."""
    run = network.lb1.host.run
    run("nft", "add table inet lbha; add chain inet lbha stranger")
    network.lb1.configure(TOGETHER.replace("\nservices:", "\nglobal: {ipvs: {on_stop: keep}}\nservices:"))
    start_pair(network)
    assert "no run of lbhad wrote down" in network.lb1.log and "stranger" not in network.lb1.rules()
    before, repairs = network.lb1.rules(), network.lb1.status()["ipvs"]["repairs"]
    run("nft", "add table inet mine; add chain inet mine input { type filter hook input priority 0; }")
    run("nft", "flush", "ruleset")
    wait_for(network.lb1.rules, before, 8, "the table after a flush")
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], repairs + 1)
    assert network.lb1.reload()[0] == 0  # the next repair is a first one again, and need not wait
    run("nft", "add", "rule", "inet", "lbha", "prerouting", "drop")
    wait_for(network.lb1.rules, before, 8, "the table after a rule of somebody else's")
    wait_for(lambda: network.lb1.status()["ipvs"]["repairs"], repairs + 2)
    assert network.lb1.log.count("somebody else changed the nftables table lbha; repaired") == 2
    assert network.all_answer()
    assert network.lb1.stop() == 0
    assert network.lb1.rules() == before


def test_a_crash_leaves_the_rules_and_a_start_finds_them_again(network):
    """Handles tell a table that is the same from one that was made again."""
    start_pair(network)
    before = network.lb1.rules("-a")
    assert "table inet lbha" in owned(network.lb1)
    network.lb1.crash()
    network.lb1.start()
    network.lb1.wait_role("MASTER", within=15)
    assert network.lb1.rules("-a") == before
    assert network.lb1.status()["ipvs"]["operations"] == 0
    assert "no run of lbhad wrote down" not in network.lb1.log
    network.lb1.crash()
    network.lb1.configure(APART)
    network.lb1.start()
    assert network.lb1.rules() is None, "left by a crash, and wanted no more"
    assert network.lb1.stop() == 0
    assert owned(network.lb1) == set()


def test_packets_that_somebody_else_marks_are_a_service(network):
    """No rule of lbhad's is needed, and libnftables not even opened."""
    network.lb1.configure(HEAD + f"""
services:
  - name: marked
    fwmark: 0x50
    addresses: {VIP}
    scheduler: rr
    persistence: 360s
    check: {{type: tcp, port: 80}}
    real_servers: [192.168.8.20, 192.168.8.30]
""")
    carry(network.lb1)
    run = network.lb1.host.run
    run("nft", "add table ip mine; add chain ip mine prerouting { type filter hook prerouting priority -150; }; "
               f"add rule ip mine prerouting ip daddr {VIP} tcp dport {{ 80, 443 }} meta mark set 0x50")
    network.lb1.start()
    wait_for(lambda: network.lb1.ipvs().get("fwmark 80", {}), {"192.168.8.20:0": ("dr", 1), "192.168.8.30:0": ("dr", 1)})
    for client in CLIENTS:
        http, https = network.answers(client)
        assert http == https and http in "ab"
    assert network.lb1.service()["fwmark"] == 0x50
    assert "mark 0x50" in network.lb1.ctl("services")
    with open(f"/proc/{network.lb1.worker_pids()['ipvs'][0]}/maps") as maps:
        assert "nftables" not in maps.read()
    assert network.lb1.rules() is None
    network.lb1.crash()
    assert "service mark 80 ipv4" in owned(network.lb1)
    network.lb1.configure(HEAD)
    network.lb1.start()
    wait_for(network.lb1.ipvs, {}, 5, "a service with a mark is found again after a crash")
    assert network.lb1.stop() == 0


def test_a_group_holds_over_protocols_and_families_have_groups_of_their_own(network):
    """TCP and UDP together, fragments of long datagrams too; IPv6."""
    servers = "check: {type: tcp, port: 80}, scheduler: rr, persistence: 360s, group: true, protocol: [tcp, udp]"
    network.lb1.configure(HEAD + f"""
services:
  - {{name: four, listen: ["{VIP}:80", "{VIP}:53"], {servers}, real_servers: [192.168.8.20, 192.168.8.30]}}
  - {{name: six, listen: ["[{VIP6}]:80", "[{VIP6}]:53"], {servers}, real_servers: ["2001:db8:8::20", "2001:db8:8::30"]}}
""")
    carry(network.lb1)
    network.lb1.host.ip(f"addr add {VIP6}/128 dev eth0 nodad preferred_lft 0")  # no source address of probes
    network.lb1.start()
    for name in "four", "six":
        wait_until(lambda name=name: network.lb1.service(name)["state"] == "up", what=f"{name} is up")
    seen = set()
    for client in CLIENTS:
        web = network.client.get(VIP, source=client).body
        assert ask(network.client.host, VIP, 53, source=client) == f"{web} 10"
        assert ask(network.client.host, VIP, 53, 4000, source=client) == f"{web} 4000"
        seen.add(web)
    assert seen == {"a", "b"}
    web = network.client.get(VIP6).body
    assert ask(network.client.host, VIP6, 53, 4000) == f"{web} 4000"
    mark = network.lb1.service("six")["fwmark"]
    saved = network.lb1.host.run("ipvsadm-save", "-n")
    assert f"-A -f {mark} -6 -s rr -p 360" in saved and mark != network.lb1.service("four")["fwmark"]
    network.lb1.host.ip(f"addr del {VIP}/24 dev eth0")
    assert network.lb1.stop() == 0
    network.lb1.host.ip(f"addr del {VIP6}/128 dev eth0")
    assert network.lb1.rules() is None


def test_afterwards_servers_are_as_before(network):
    """What tests did by hand aside."""
    for server, number in zip(network.servers, (20, 30)):
        server.host.ip(f"addr del 2001:db8:8::{number}/64 dev eth0", f"addr del {VIP6}/128 dev lo")
    network.file.undo()
