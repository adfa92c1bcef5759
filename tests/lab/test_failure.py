"""What clients see when servers fail: none is sent to a dead server, connections stay where they may, and somebody answers.

Health is a port of its own, so that a server can be called down while it still serves.
"""
import socket
import threading
import time

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.traffic import WebServer
from lbhatest.waiting import patience

VIP = "192.168.8.200"
A, B, SORRY = "192.168.8.20", "192.168.8.30", "192.168.8.40"
HEALTH = 8000
TCP, SH, DH, PERSISTENT, UDP, QUORUM, PANIC = 80, 81, 82, 83, 84, 85, 86
SOURCES = [f"192.168.8.{number}" for number in range(100, 108)]

CONFIG = f"""
directors: {{lb1: {{address: 192.168.8.10}}}}
checks: {{health: {{type: tcp, port: {HEALTH}, interval: 500ms, timeout: 400ms, rise: 1, fall: 1}}}}
defaults: {{service: {{check: health, real_servers: [{A}, {B}]}}}}
services:
  - {{name: tcp, listen: "{VIP}:{TCP}", scheduler: rr}}
  - {{name: sh, listen: "{VIP}:{SH}", scheduler: sh}}
  - {{name: dh, listen: "{VIP}:{DH}", scheduler: dh}}
  - {{name: persistent, listen: "{VIP}:{PERSISTENT}", persistence: 60s, scheduler: rr}}
  - {{name: udp, listen: "{VIP}:{UDP}", protocol: udp, scheduler: rr}}
  - {{name: quorum, listen: "{VIP}:{QUORUM}", scheduler: rr, quorum: 2, sorry_server: {{address: {SORRY}, check: health}}}}
  - {{name: panic, listen: "{VIP}:{PANIC}", scheduler: rr, panic_threshold: 60%}}
"""


class UdpEcho:
    """Answers every packet to the VIP with the name of its host."""

    def __init__(self, host):
        with host.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((VIP, UDP))
        self.name = host.name.encode()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                _, client = self.socket.recvfrom(100)
                self.socket.sendto(self.name, client)
            except OSError:
                return


class Server:
    def __init__(self, lab, lan, name, address):
        self.real = lab.real_server(name, lan, address, vip=VIP)
        self.host = self.real.host
        self.health = WebServer(self.host, HEALTH)
        self.webs = [self.real.web] + [WebServer(self.host, port) for port in (SH, DH, PERSISTENT, QUORUM, PANIC)]
        self.echo = UdpEcho(self.host)

    def live(self):
        self.host.ip("link set eth0 up")
        if not self.health.thread:
            self.health.start()

    def die(self):
        """No packet comes out of it any more."""
        self.host.ip("link set eth0 down")

    def ail(self):
        """It serves, but its check fails."""
        self.health.stop()


class Network:
    def __init__(self, lab):
        self.lan = lan = lab.segment("lan", "192.168.8.0/24")
        self.a, self.b = Server(lab, lan, "a", A), Server(lab, lan, "b", B)
        self.sorry = Server(lab, lan, "sorry", SORRY)
        self.client = lab.client("client", lan, SOURCES[0])
        for source in SOURCES[1:]:
            self.client.host.ip(f"addr add {source}/24 dev eth0")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        self.lb1.host.ip(f"addr add {VIP}/32 dev eth0")

    def make_fresh(self):
        for server in self.a, self.b, self.sorry:
            server.live()
        if not self.lb1.is_running:
            self.lb1.start()
        self.wait_health(a="up", b="up")
        wait_for(lambda: self.state("quorum"), "up", 10, "the service quorum")

    def state(self, service):
        return self.lb1.service(service)["state"]

    def health(self, name):
        return self.lb1.server({"a": A, "b": B}[name], "tcp")["health"]

    def wait_health(self, **wanted):
        wait_for(lambda: {name: self.health(name) for name in wanted}, wanted, 10, "the health of the servers")

    def weights(self, port):
        return {address.rsplit(":", 1)[0]: weight
                for address, weight in self.lb1.ipvs()[f"tcp {VIP}:{port}"].weights.items()}

    def served_by(self, port, times=2):
        """Who answers each of the clients; an error is told as it is."""
        answers = [self.client.get(VIP, port=port, source=source) for source in SOURCES for _ in range(times)]
        return {answer.body if answer.ok else answer.error for answer in answers}

    def udp_served_by(self, sockets):
        return {ask(one) for one in sockets for _ in range(2)}


def ask(one):
    one.send(b"who?")
    try:
        return one.recv(100).decode()
    except OSError as problem:
        return str(problem)


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_failure") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def connections_taken(host):
    """By servers on that host, as its kernel counts them (PassiveOpens)."""
    with host.inside(), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


def test_a_server_of_many_services_is_probed_once_and_all_of_them_know(network):
    before, began = connections_taken(network.a.host), time.monotonic()
    wait_until(lambda: connections_taken(network.a.host) >= before + 8, 10, "eight probes")
    assert time.monotonic() - began > 7 * 0.5 * 15 / 16, "no more than one each 500 ms, less the jitter"
    network.a.ail()
    services = ("tcp", "sh", "dh", "persistent", "udp")
    wait_for(lambda: {network.lb1.server(A, name)["health"] for name in services}, {"down"}, 10, "the verdict in all services")


@pytest.fixture
def udp_clients(network):
    """Each sends from one port for ever, as resolvers do."""
    sockets = []
    with network.client.host.inside():
        for source in SOURCES:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((source, 0))
            one.connect((VIP, UDP))
            one.settimeout(2 * patience())
            sockets.append(one)
    yield sockets
    for one in sockets:
        one.close()


def test_no_client_is_sent_to_a_server_whose_verdict_is_down(network, udp_clients):
    """tcp, sh, dh, persistent clients and udp clients that were with the dead server before."""
    for port in TCP, SH, PERSISTENT:
        assert network.served_by(port) == {"a", "b"}, port
    assert len(network.served_by(DH)) == 1    # one virtual address, one server
    assert network.udp_served_by(udp_clients) == {"a", "b"}
    dead, left = (network.a, "b") if network.served_by(DH) == {"a"} else (network.b, "a")
    dead.die()
    network.wait_health(**{dead.host.name: "down"})
    for port in TCP, SH, DH, PERSISTENT:
        assert network.served_by(port) == {left}, port
    assert network.udp_served_by(udp_clients) == {left}
    dead.live()
    network.wait_health(a="up", b="up")
    assert network.served_by(TCP) == {"a", "b"}


def test_with_quiesce_connections_stay_with_a_server_that_is_down(network):
    """They are opened before, and ask after."""
    with network.client.host.inside():
        open_ones = [socket.create_connection((VIP, TCP), 2 * patience()) for _ in range(4)]
    network.a.ail()
    network.wait_health(a="down")
    assert network.weights(TCP) == {A: 0, B: 1}
    assert network.served_by(TCP) == {"b"}
    answers = []
    for one in open_ones:
        one.settimeout(2 * patience())
        one.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answers.append(one.makefile().read()[-1])
        one.close()
    assert sorted(answers) == ["a", "a", "b", "b"]


def test_a_sorry_server_comes_and_goes_without_a_moment_of_nobody(network):
    lb1 = network.lb1
    assert SORRY not in network.weights(QUORUM) or network.weights(QUORUM)[SORRY] == 0
    with network.client.fetching(VIP, port=QUORUM) as fetching:
        for _ in range(2):
            network.a.ail()
            wait_for(lambda: network.state("quorum"), "sorry", 10, "the service quorum")
            fetching.forget()
            wait_until(lambda: fetching.served_by["sorry"] > 10, what="answers of the sorry server")
            assert network.weights(QUORUM) == {A: 0, B: 0, SORRY: 1}
            assert lb1.service("quorum")["sorry_server"]["effective_weight"] == 1
            assert fetching.failed == 0, fetching
            network.a.live()
            wait_for(lambda: network.state("quorum"), "up", 10, "the service quorum")
            wait_until(lambda: fetching.served_by["a"] > 5 and fetching.served_by["b"] > 5, what="the others' answers")
            assert network.weights(QUORUM) == {A: 1, B: 1, SORRY: 0}
    assert fetching.failed == 0, fetching


def test_a_sorry_server_that_is_down_leaves_the_rest_to_those_that_are_left(network):
    network.sorry.ail()
    wait_for(lambda: network.lb1.service("quorum")["sorry_server"]["health"], "down", 10, "the sorry server")
    network.a.ail()
    wait_for(lambda: network.state("quorum"), "down", 10, "the service quorum")
    assert network.served_by(QUORUM) == {"b"}


def test_in_panic_all_are_used_whatever_their_checks_say(network):
    with network.client.fetching(VIP, port=PANIC) as fetching:
        network.a.ail()
        wait_for(lambda: network.state("panic"), "panic", 10, "the service panic")
        fetching.forget()
        wait_until(lambda: fetching.served_by["a"] > 5 and fetching.served_by["b"] > 5, what="answers of both")
        assert network.weights(PANIC) == {A: 1, B: 1}
        assert network.weights(TCP) == {A: 0, B: 1}
        network.a.live()
        wait_for(lambda: network.state("panic"), "up", 10, "the service panic")
    assert fetching.failed == 0, fetching


# --- in the kernel while MASTER ---------------------------------------------------------------------------------------

PAIR = f"""
directors:
  lb2: {{address: 192.168.8.11, priority: 150}}
  lb3: {{address: 192.168.8.12, priority: 100}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, advert_interval: 500ms, virtual_addresses: 192.168.8.201/24}}
services:
  - {{name: web, listen: "192.168.8.201:80", scheduler: rr, program_when: master, real_servers: [{A}, {B}]}}
  - {{name: always, listen: "192.168.8.201:81", scheduler: rr, real_servers: [{A}, {B}]}}
"""
WEB, ALWAYS = "tcp 192.168.8.201:80", "tcp 192.168.8.201:81"


def test_a_service_is_in_the_kernel_of_the_master_alone(shared):
    """It goes with its MASTER, comes with the next, and outlives a worker that begins anew."""
    lab = shared.lb1.host.lab
    for server in shared.a, shared.b:
        server.live()
        server.real.hold("192.168.8.201")
    lb2, lb3 = (lab.director(name, (shared.lan, address), config=PAIR)
                for name, address in (("lb2", "192.168.8.11"), ("lb3", "192.168.8.12")))
    lb2.start()
    lb2.wait_role("MASTER")
    lb3.start()
    lb3.wait_role("BACKUP")
    wait_for(lambda: set(lb2.ipvs()), {WEB, ALWAYS}, 5, "the MASTER's table")
    assert set(lb3.ipvs()) == {ALWAYS}
    assert not lb3.service("web")["programmed"] and lb2.service("web")["programmed"]
    with shared.client.fetching("192.168.8.201") as fetching:
        old = lb2.kill_worker("ipvs")
        wait_until(lambda: lb2.worker("ipvs")["pid"] not in (0, old), within=10, what="a new ipvs worker")
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 20, what="good answers")
        assert fetching.failed == 0, fetching
        assert set(lb2.ipvs()) == {WEB, ALWAYS}
        lb2.ctl("release", "public")
        lb3.wait_role("MASTER")
        wait_for(lambda: (set(lb2.ipvs()), set(lb3.ipvs())), ({ALWAYS}, {WEB, ALWAYS}), 5, "both tables")
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 20, what="good answers")


# --- checked while MASTER ---------------------------------------------------------------------------------------------

ASKED = """
directors: {lb4: {address: 192.168.8.13}}
vrrp:
  - {name: asked, interface: eth0, virtual_router_id: 52, virtual_addresses: 192.168.8.202/24}
checks: {page: {type: http, interval: 200ms, timeout: 190ms, rise: 1, fall: 1}}
services:
  - {name: mine, listen: "192.168.8.202:80", check: page, check_when: master, real_servers: [192.168.8.50]}
  - {name: always, listen: "192.168.8.202:81", check: page, real_servers: [192.168.8.50]}
"""


def more_requests(web, count):
    before = web.requests
    wait_until(lambda: web.requests >= before + count, what=f"probes of {web}")


def test_probes_run_while_master_and_what_was_known_stays(shared):
    lab = shared.lb1.host.lab
    host = lab.host("w", (shared.lan, "192.168.8.50"))
    mine, always = WebServer(host, 80), WebServer(host, 81)
    lb4 = lab.director("lb4", (shared.lan, "192.168.8.13"), config=ASKED)
    peer = lab.keepalived("peer", (shared.lan, "192.168.8.14"), vips=["192.168.8.202/24"], vrid=52, priority=200)
    lb4.start()
    lb4.wait_role("MASTER", within=10)
    more_requests(mine, 5)
    peer.start()
    lb4.wait_role("BACKUP", within=10)
    more_requests(always, 3)    # what was under way is over
    before = mine.requests
    more_requests(always, 10)
    assert mine.requests == before
    assert lb4.service("mine")["real_servers"][0]["health"] == "up"
    code, said = lb4.reload(ASKED.replace("fall: 1", "fall: 2"))
    assert code == 0, said
    more_requests(always, 10)
    assert mine.requests == before    # new probes wait, too
    code, said = lb4.ctl_status("check", "mine", "192.168.8.50")
    assert code == 0 and "not on the schedule now" in said and "passed: status 200" in said, said
    assert mine.requests == before + 1
    peer.stop()
    lb4.wait_role("MASTER", within=10)
    more_requests(mine, 5)
