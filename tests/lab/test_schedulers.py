"""Every scheduler of the kernel: programmed word by word, read back equal, exchanged under open connections, and serving
what it should. UDP, one packet, SIP and SCTP are here too."""
import collections
import contextlib
import socket
import threading
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.examples import OneFile, example, example_file

VIPS = {"ipv4": "192.168.8.200", "ipv6": "fd00:8::200"}
SERVERS = {"ipv4": {"a": "192.168.8.20", "b": "192.168.8.30"}, "ipv6": {"a": "fd00:8::20", "b": "fd00:8::30"}}
EVERY = example("every-scheduler", **{"protocol: [tcp, udp]": "protocol: [tcp, udp, sctp]",
                                      "cluster: lesson": "cluster: lesson\nglobal: {ipvs: {read_back: 1s}}"})
VIP, (A, B) = VIPS["ipv4"], SERVERS["ipv4"].values()
SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"]
BY_ORDER = ["dh", "sh", "mh"]
PROTOCOLS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
SCTP = 132

HEAD = """
directors: {lb1: {address: 192.168.8.10}}
defaults: {check: {type: tcp, interval: 500ms, timeout: 400ms, rise: 1, fall: 1}}
global: {ipvs: {read_back: 1s}}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51,
     virtual_addresses: [192.168.8.200/24, {address: "fd00:8::200/64", advertise: false}]}
services:
"""


def service(name, vip, port, servers, keys="", protocol="tcp"):
    """Servers without checks; each is an address, or what else stands for one."""
    listen = f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}"
    rows = ", ".join(server if "{" in server else f'"{server}"' for server in servers)
    return f"  - {{name: {name}, listen: '{listen}', protocol: [{protocol}], {keys}real_servers: [{rows}]}}\n"


class Network:
    """One director and two servers for direct routing, over IPv4 and IPv6."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.servers = [lab.real_server(name, lan, SERVERS["ipv4"][name]) for name in ("a", "b")]
        for server in self.servers:
            server.host.ip(f"addr add {SERVERS['ipv6'][server.name]}/64 dev eth0 nodad")
        self.client = lab.client("client", lan, "192.168.8.100")
        self.client.host.ip("addr add fd00:8::100/64 dev eth0 nodad")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10", "fd00:8::10/64"), config="")
        self.file = OneFile(example_file("every-scheduler"), [self.lb1], self.servers)
        self.file.look()
        self.file.set_up()

    def run_with(self, *services):
        self.run(HEAD + "".join(services))

    def run(self, text):
        if self.lb1.is_running:
            code, said = self.lb1.reload(text)
            assert code == 0, said
        else:
            self.lb1.configure(text)
            self.lb1.start(20)
            self.lb1.wait_role("MASTER", within=15)

    def table(self):
        return self.lb1.status()["ipvs"]

    def served_by(self, count=6):
        """Names of the servers of so many fetches, one after another."""
        return [answer.body for answer in self.client.get_many(count, VIP)]


@pytest.fixture(scope="module")
def network(module_lab):
    return Network(module_lab)


# --- the table --------------------------------------------------------------------------------------------------------

def test_every_scheduler_is_programmed_and_read_back_equal(network):
    """tcp, udp and sctp, IPv4 and IPv6, with ipvsadm's own words; afterwards nothing is left to do, also for those who look
    at the kernel's table."""
    expected = []
    for number, scheduler in enumerate(SCHEDULERS):
        for family, servers in SERVERS.items():
            flags = " -b sh-fallback" if scheduler == "sh" else ""
            form = "[{}]:{}" if family == "ipv6" else "{}:{}"
            for option in PROTOCOLS.values():
                listen = f"{option} {form.format(VIPS[family], 1000 + number)}"
                expected.append(f"-A {listen} -s {scheduler}{flags}")
                expected += [f"-a {listen} -r {form.format(server, 1000 + number)} -g -w {weight}"
                             for server, weight in zip(servers.values(), (1, 5))]
    network.run(EVERY)
    wait_for(lambda: sorted(map(str.rstrip, network.lb1.host.run("ipvsadm-save", "-n").splitlines())), sorted(expected), 8,
             "ipvsadm-save")
    # where b passes first, the services that go by the order of their servers take it out and in again behind a
    moves = 2 * len(BY_ORDER) * len(PROTOCOLS)
    possible = [len(expected) + families * moves for families in range(len(SERVERS) + 1)]
    wait_until(lambda: network.table()["operations"] in possible, 8, "operations, which are told a moment later")
    done = network.table()["operations"]
    looked = network.table()["last_read_back"]
    wait_until(lambda: network.table()["last_read_back"] != looked, what="a look at the kernel's table")
    assert (network.table()["operations"], network.table()["repairs"]) == (done, 0)
    assert network.lb1.ctl("plan") == ""


def test_a_module_that_is_not_loaded_comes_when_it_is_needed(network):
    def loaded():
        with open("/proc/modules") as file:
            return {line.split()[0] for line in file} & {"ip_vs_sed", "ip_vs_nq", "ip_vs_pe_sip"}

    network.run_with(service("web", VIP, 80, [A, B]))
    wait_until(lambda: len(network.lb1.ipvs()) == 1)
    wait_until(lambda: not network.lb1.host.status_of("modprobe", "-r", "ip_vs_sed", "ip_vs_nq", "ip_vs_pe_sip")[0])
    assert loaded() == set()
    network.run_with(service("web", VIP, 80, [A, B], "scheduler: sed, "),
                     service("voice", VIP, 5060, [A, B], "scheduler: nq, persistence: {engine: sip}, ", "udp"))
    assert loaded() == {"ip_vs_sed", "ip_vs_nq", "ip_vs_pe_sip"}
    assert network.table()["error"] is None


# --- open connections --------------------------------------------------------------------------------------------------

class Trickle:
    """A download that never ends: a line with the server's name as often as it is asked for."""

    def __init__(self, network):
        self.listeners = [self.listen(server.host) for server in network.servers]
        with network.client.host.inside():
            self.socket = socket.create_connection((VIP, 8000), timeout=10)
        self.server = self.ask()

    def listen(self, host):
        with host.inside():
            listener = socket.create_server(("", 8000))
        threading.Thread(target=self.serve, args=(listener, host.name.encode()), daemon=True).start()
        return listener

    @staticmethod
    def serve(listener, name):
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            while connection.recv(1):
                connection.sendall(name)

    def ask(self):
        self.socket.sendall(b"?")
        return self.socket.recv(1)

    def close(self):
        for one in [self.socket, *self.listeners]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def test_schedulers_weights_and_thresholds_change_under_an_open_download(network):
    """One SET for each change; new connections go as the new scheduler says, the old one goes on."""
    network.run_with(service("long", VIP, 8000, [A, B], "scheduler: rr, "))
    wait_until(lambda: f"tcp {VIP}:8000" in network.lb1.ipvs())
    trickle = Trickle(network)
    try:
        for scheduler in SCHEDULERS[1:]:
            network.lb1.configure(HEAD + service("long", VIP, 8000, [A, B], f"scheduler: {scheduler}, "))
            [planned] = [line for line in network.lb1.ctl("plan").splitlines() if not line.startswith("sysctl")]
            assert planned.startswith(f"ipvsadm -E -t {VIP}:8000 -s {scheduler}"), planned
            assert network.lb1.reload()[0] == 0
            assert network.lb1.ipvs()[f"tcp {VIP}:8000"].scheduler == scheduler
            assert trickle.ask() == trickle.server, scheduler
        for change in "weight: 9", "weight: 0", "weight: 3, upper_threshold: 1", "upper_threshold: 8, lower_threshold: 4":
            network.lb1.configure(HEAD + service("long", VIP, 8000, [f"{{address: {A}, {change}}}", f"{{address: {B}, {change}}}"],
                                                 f"scheduler: {SCHEDULERS[-1]}, "))
            planned = [line for line in network.lb1.ctl("plan").splitlines() if not line.startswith("sysctl")]
            assert [line.split()[1] for line in planned] == ["-e", "-e"], planned
            assert network.lb1.reload()[0] == 0
            assert trickle.ask() == trickle.server, change
    finally:
        trickle.close()


# --- who serves --------------------------------------------------------------------------------------------------------

def alternates(names):
    return all(one != other for one, other in zip(names, names[1:]))


def always(name):
    return lambda names: set(names) == {name}


SERVED = {  # weights 1 and 2, no connection open but one at a time
    "rr": alternates,
    "wrr": lambda names: collections.Counter(names) == {"a": 2, "b": 4},
    "lc": lambda names: set(names) <= {"a", "b"},
    "wlc": lambda names: set(names) <= {"a", "b"},
    "lblc": lambda names: len(set(names)) == 1,
    "lblcr": lambda names: len(set(names)) == 1,
    "dh": lambda names: len(set(names)) == 1,
    "sh": lambda names: len(set(names)) == 1,
    "mh": lambda names: len(set(names)) == 1,
    "sed": lambda names: "b" in names,
    "nq": lambda names: set(names) <= {"a", "b"},
    "fo": always("b"),
    "ovf": always("b"),
}


def test_every_scheduler_serves(network):
    for scheduler, fits in SERVED.items():
        network.run_with(service("web", VIP, 80, [A, f"{{address: {B}, weight: 2}}"], f"scheduler: {scheduler}, "))
        names = network.served_by()
        assert fits(names), (scheduler, names)


class Echo:
    """A UDP server that answers everything with its name, from the VIP."""

    def __init__(self, server, port):
        with server.host.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((VIP, port))
        threading.Thread(target=self.serve, args=(server.name.encode(),), daemon=True).start()

    def serve(self, name):
        with contextlib.suppress(OSError):
            while True:
                self.socket.sendto(name, self.socket.recvfrom(2048)[1])


def datagrams(network, port, texts, one_port=False):
    """Who answers each of these, sent from ports of their own or all from the same."""
    def open_socket():
        with network.client.host.inside():
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.settimeout(10)
        one.connect((VIP, port))
        return one

    names, shared = [], open_socket()
    for text in texts:
        with contextlib.ExitStack() as stack:
            one = shared if one_port else stack.enter_context(open_socket())
            one.send(text)
            names.append(one.recv(100).decode())
    shared.close()
    return names


def test_udp_one_packet_and_sip(network):
    for server in network.servers:
        for port in 5300, 5301, 5060:
            Echo(server, port)
    network.run_with(service("udp", VIP, 5300, [A, B], "scheduler: rr, ", "udp"),
                     service("single", VIP, 5301, [A, B], "scheduler: rr, one_packet: true, ", "udp"),
                     service("voice", VIP, 5060, [A, B], "scheduler: rr, persistence: {engine: sip}, ", "udp"))
    assert alternates(datagrams(network, 5300, [b"?"] * 4)), "each client's port is a connection"
    assert len(set(datagrams(network, 5300, [b"?"] * 4, one_port=True))) == 1, "one port is one connection"
    assert alternates(datagrams(network, 5301, [b"?"] * 4, one_port=True)), "each packet is scheduled"

    def call(number):
        return f"INVITE sip:you@{VIP} SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.8.100\r\nCall-ID: call-{number}@client\r\n\r\n".encode()

    first, second = datagrams(network, 5060, [call(1)] * 3), datagrams(network, 5060, [call(2)] * 3)
    assert len(set(first)) == len(set(second)) == 1 and first != second, "a call stays where it began, another one goes elsewhere"


def sctp_server(server):
    with server.host.inside():
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
        listener.bind((VIP, 9000))
    listener.listen(8)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.sendall(server.name.encode())
                time.sleep(0.2)
                connection.close()

    threading.Thread(target=serve, daemon=True).start()


def test_sctp_is_balanced(network):
    network.run_with(service("sctp", VIP, 9000, [A, B], "scheduler: rr, ", "sctp"))
    try:
        for server in network.servers:
            sctp_server(server)
    except OSError as problem:
        pytest.skip(f"no sctp sockets here: {problem}")
    names = []
    for _ in range(4):
        with network.client.host.inside():
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
        with one:
            one.settimeout(10)
            one.connect((VIP, 9000))
            names.append(one.recv(100).decode())
    assert collections.Counter(names) == {"a": 2, "b": 2}, names


def test_afterwards_every_host_is_as_before(network):
    network.file.undo()
