"""Ways to a server beside those of the networks of test_networks.py, with real traffic: redirects, all tunnels, IPv6, families
mixed in a tunnel, servers of one service that are reached in different ways.

One network for all of them:

    client .100 ──┬── 172.30.0.0/24, fd00:172::/64
                  ├── lb1 .10 ───────────┬── 10.0.0.0/24, fd00:10::/64, 192.168.0.0/24 ── a .7, b .14
                  └── router .1 ─────────┴── .1 of each
                        └── 10.9.0.0/24, fd00:9::/64 ── far1 .20, far2 .30
"""
import collections
import socket

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.examples import example
from lbhatest.lab import RealServer, load_tunnels
from lbhatest.traffic import Client
from lbhatest.waiting import patience

VIP, VIP6 = "172.30.0.200", "fd00:172::200"
CLIENT = "172.30.0.100"
FAR1, FAR2, FAR6 = "10.9.0.20", "10.9.0.30", "fd00:9::20"


class Network:
    def __init__(self, lab):
        self.lab = lab
        self.outside, self.inside, self.far = (lab.segment(name, network) for name, network in
                                               (("outside", "172.30.0.0/24"), ("inside", "10.0.0.0/24"),
                                                ("far", "10.9.0.0/24")))
        self.router = lab.router("router", (self.outside, "172.30.0.1", "fd00:172::1/64"),
                                 (self.inside, "10.0.0.1", "192.168.0.1/24", "fd00:10::1/64"),
                                 (self.far, "10.9.0.1", "fd00:9::1/64"))
        self.lb1 = self.director("lb1", 10)
        self.client = Client(self.host("client", self.outside, CLIENT, "fd00:172::100/64", "172.30.0.1", "fd00:172::1"))
        self.a, self.b = (RealServer(self.host(name, self.inside, f"10.0.0.{number}", f"fd00:10::{number}/64",
                                               "10.0.0.1", "fd00:10::1"))
                          for name, number in (("a", 7), ("b", 14)))
        self.far1, self.far2 = (RealServer(self.host(name, self.far, f"10.9.0.{number}", f"fd00:9::{number}/64",
                                                     "10.9.0.1", "fd00:9::1"))
                                for name, number in (("far1", 20), ("far2", 30)))
        for server in self.a, self.b:
            lab.serve(server.host, 8080)
        for server in self.far1, self.far2:
            for port in range(81, 91):
                lab.serve(server.host, port)
        self.unwrap()

    def director(self, name, number):
        director = self.lab.director(name, (self.outside, f"172.30.0.{number}", f"fd00:172::{number}/64"),
                                     (self.inside, f"10.0.0.{number}", f"fd00:10::{number}/64"), config="")
        director.host.route("10.9.0.0/24 via 172.30.0.1", "fd00:9::/64 via fd00:172::1")
        return director

    def host(self, name, segment, address, address6, gateway, gateway6):
        host = self.lab.host(name, (segment, address, address6))
        host.route(f"default via {gateway}", f"default via {gateway6}")
        return host

    def unwrap(self):
        """The tunnels' ends. A gre device takes either packets with a checksum or those without."""
        for server, address in (self.far1, FAR1), (self.far2, FAR2):
            csum = " icsum" if server is self.far2 else ""
            server.host.ip(f"link add four type ipip local {address}", f"link add six type sit local {address}",
                           f"link add wrapped type gre local {address}{csum}",
                           f"link add any type ip6tnl mode any local {server.host.port().address[1].split('/')[0]} remote ::",
                           *(f"link set {link} up" for link in ("four", "six", "wrapped", "any")))
            server.host.run("ip", "fou", "add", "port", "6080", "gue")
            server.host.run("ip", "fou", "add", "port", "6080", "gue", "-6")
            hold(server, VIP, VIP6)

    def run(self, text):
        """The director has this configuration; all its services are up."""
        director = self.lb1
        if director.is_running:
            code, said = director.reload(text)
            assert code == 0, said
        else:
            director.configure(text)
            director.start()
        wait_until(lambda: all(one["state"] == "MASTER" for one in director.status()["vrrp"]), 15, f"{director} leads")
        wait_until(lambda: all(service["state"] == "up" for service in director.status()["services"]), 15, "services are up")
        return director

    def get(self, address, port=80, **options):
        answer = self.client.get(address, port=port, **options)
        assert answer.ok, f"{address} port {port}: {answer}"
        return answer.body

    def bodies(self, count, address, port=80):
        return collections.Counter(self.get(address, port) for _ in range(count))

    def quiet(self):
        for host in self.lab.hosts.values():
            for capture in host.captures:
                capture.close()
            host.captures.clear()


def hold(server, *vips):
    """Virtual addresses on a loopback, silently."""
    for interface in "all", "lo":
        server.host.sysctl(f"net.ipv4.conf.{interface}.arp_ignore", 1)
        server.host.sysctl(f"net.ipv4.conf.{interface}.arp_announce", 2)
    server.host.ip(*(f"addr replace {vip}/{128 if ':' in vip else 32} dev lo" for vip in vips))


def let_go(server, *vips):
    server.host.ip(*(f"addr del {vip}/{128 if ':' in vip else 32} dev lo" for vip in vips))


def default_route(server, *gateways):
    server.host.ip(*(f"route replace default via {gateway}" for gateway in gateways))


@pytest.fixture(scope="module")
def shared(request):
    load_tunnels()
    with Lab("test_forwarding") as lab:
        network = Network(lab)
        request.module.shared_lab = lab
        yield network


@pytest.fixture
def net(shared):
    yield shared
    shared.quiet()


def test_servers_and_clients_of_one_wire_are_not_told_to_talk_past_the_director(net):
    """The client's network and the servers' share a segment, so the kernel of a router would redirect the servers."""
    neighbour = Client(net.lab.host("neighbour", (net.inside, "192.168.0.100")))
    text = example("dr-multi-net", **{"lan: eth0": "lan: eth1", "forwarding: dr": "forwarding: nat",
                                      "10.0.0.7}": '"10.0.0.7:8080"}', "10.0.0.14}": '"10.0.0.14:8080"}'})
    for server in net.a, net.b:
        default_route(server, "10.0.0.10")
    redirects = "icmp and icmp[0] == 5"
    with_lbha = net.a.host.capture(redirects)
    net.run(text)
    assert net.lb1.host.sysctl("net.ipv4.conf.eth1.send_redirects") == "0"
    assert neighbour.get("192.168.0.200").ok and neighbour.get("192.168.0.200").ok
    assert with_lbha.frames == []
    net.lb1.host.sysctl("net.ipv4.conf.eth1.send_redirects", 1)    # until it is repaired
    without = net.a.host.capture(redirects)
    neighbour.get_many(2, "192.168.0.200")
    assert without.frames, "this network does not show what it is for"
    for server in net.a, net.b:
        default_route(server, "10.0.0.1")
        server.host.ip("route flush cache")


def services(rows):
    """More services for the example tunnel, whose virtual address gets a companion of IPv6."""
    text = example("tunnel", **{"[172.30.0.200/24]": f'[172.30.0.200/24, {{address: "{VIP6}/64", advertise: false}}]'})
    text += "defaults: {service: {scheduler: rr, check: {type: tcp, port: 80, interval: 1s, rise: 1}}}\n"
    lines = []
    for name, vip, port, more, servers in rows:
        listen = f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}"
        lines.append(f'  - {{name: {name}, listen: "{listen}", {more}, real_servers: [{servers}]}}\n')
    head, tail = text.split("defaults:")
    return head + "".join(lines) + "defaults:" + tail


LONG = "x" * 4000    # a request of full packets, which do not fit into tunnels: the director tells the client
TUNNEL = "forwarding: tunnel, tunnel: "
# name, virtual address, port, how, servers; who answers, and what tcpdump calls the packets that come to it
WAYS = [
    ("gue", VIP, 81, TUNNEL + "{type: gue, port: 6080}", FAR1, "far1", "udp port 6080"),
    ("gue-csum", VIP, 82, TUNNEL + "{type: gue, port: 6080, checksum: csum}", FAR1, "far1", "udp port 6080"),
    ("gue-remcsum", VIP, 83, TUNNEL + "{type: gue, port: 6080, checksum: remcsum}", FAR2, "far2", "udp port 6080"),
    ("gre", VIP, 84, TUNNEL + "{type: gre}", FAR1, "far1", "ip proto 47"),
    ("gre-csum", VIP, 85, TUNNEL + "{type: gre, checksum: csum}", FAR2, "far2", "ip proto 47"),
    ("four-in-six", VIP, 86, "forwarding: tunnel", f'"{FAR6}"', "far1", "ip6 proto 4"),
    ("four-in-gue-six", VIP, 87, TUNNEL + "{type: gue, port: 6080}", f'"{FAR6}"', "far1", "ip6 and udp port 6080"),
    ("six-in-four", VIP6, 81, "forwarding: tunnel", FAR1, "far1", "ip proto 41"),
    ("six-in-gue", VIP6, 82, TUNNEL + "{type: gue, port: 6080, checksum: csum}", FAR2, "far2", "ip and udp port 6080"),
    ("six-in-gre", VIP6, 83, TUNNEL + "{type: gre}", FAR1, "far1", "ip proto 47"),
    ("six-in-six", VIP6, 84, "forwarding: tunnel", f'"{FAR6}"', "far1", "ip6 proto 41"),
]


def test_every_tunnel_reaches_its_server_and_answers_go_straight_to_the_client(net):
    """The servers' network is behind a router, which is all that the answers pass."""
    net.run(services(row[:5] for row in WAYS))
    heard = net.lb1.host.capture(f"(ip src host {VIP} or ip6 src host {VIP6}) and tcp", on="eth0")
    assert net.bodies(4, VIP) == {"far1": 2, "far2": 2}
    for name, vip, port, _, _, who, packets in WAYS:
        host = (net.far1 if who == "far1" else net.far2).host
        wrapped = host.capture(packets)
        assert net.get(vip, port, path="/" + LONG) == who, name
        assert wrapped.frames, f"{name}: no packet came as {packets}"
        assert {frame.direction for frame in wrapped.frames} == {"in"}, name
        if packets == "udp port 6080":
            checksums = {frame.payload[26:28] != b"\0\0" for frame in wrapped.frames}
            assert checksums == {name != "gue"}, f"{name}: outer checksums are {checksums}"
    assert heard.frames == []
    saved = net.lb1.host.run("ipvsadm", "-Sn")
    for line in (f"-a -t {VIP}:80 -r {FAR1}:80 -i -w 1 --tun-type ipip",
                 f"-a -t {VIP}:83 -r {FAR2}:83 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
                 f"-a -t {VIP}:85 -r {FAR2}:85 -i -w 1 --tun-type gre --tun-csum"):
        assert line in saved, saved
    assert net.lb1.ctl("plan") == ""


def test_servers_of_one_service_are_reached_each_in_its_own_way(net):
    """nat, dr, tunnel and local, for a service that has dr; and ipv6 by dr and nat."""
    rows = [("mixed", VIP, 8080, "forwarding: dr, check: {type: tcp, port: 80}",
             f"10.0.0.14, {{address: 10.0.0.7, forwarding: nat}}, {{address: {FAR1}, forwarding: tunnel}}, "
             "{address: 127.0.0.1, forwarding: local, state: drained}"),
            ("here", VIP, 80, "forwarding: local", "127.0.0.1"),
            ("six-nat", VIP6, 81, "forwarding: nat", '"[fd00:10::7]:8080"'),
            ("six-dr", VIP6, 8080, "forwarding: dr", '"fd00:10::14"')]
    text = services(rows).replace("listen: 172.30.0.200:80\n", "listen: 172.30.0.200:90\n")
    net.lab.serve(net.lb1.host, 80)
    net.lab.serve(net.lb1.host, 8080)
    net.lab.serve(net.far1.host, 8080)
    hold(net.b, VIP, VIP6)
    default_route(net.a, "10.0.0.10", "fd00:10::10")
    net.run(text)
    assert net.bodies(6, VIP, 8080) == {"a": 2, "b": 2, "far1": 2}
    net.run(text.replace(", state: drained", ""))
    assert net.bodies(8, VIP, 8080) == {"a": 2, "b": 2, "far1": 2, "lb1": 2}
    assert net.bodies(2, VIP, 80) == {"lb1": 2}
    assert net.get(VIP6, 81) == "a"
    assert net.get(VIP6, 8080) == "b"
    default_route(net.a, "10.0.0.1", "fd00:10::1")
    let_go(net.b, VIP, VIP6)


def test_another_way_to_a_server_keeps_its_connections(net):
    """A request of which one half came by ipip, and the other comes by gue."""
    before = services([("one", VIP, 81, "forwarding: tunnel", FAR1)])
    after = services([("one", VIP, 81, TUNNEL + "{type: gue, port: 6080}", FAR1)])
    net.run(before)
    with net.client.host.inside():
        connection = socket.create_connection((VIP, 81), timeout=5 * patience())
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        net.lb1.configure(after)
        assert net.lb1.ctl("plan") == f"ipvsadm -e -t {VIP}:81 -r {FAR1}:81 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum\n"
        assert net.lb1.reload()[0] == 0
        wrapped = net.far1.host.capture("udp port 6080")
        connection.sendall(b"Host: x\r\n\r\n")
        assert b"far1" in connection.recv(4096)
    assert wrapped.frames


def test_a_tunnel_that_somebody_changes_is_repaired(net):
    net.run(services([("one", VIP, 81, TUNNEL + "{type: gue, port: 6080}", FAR1)]).replace(
        "cluster: shop", "cluster: shop\nglobal: {ipvs: {read_back: 1s}}"))
    saved = net.lb1.host.run("ipvsadm", "-Sn")
    net.lb1.host.run("ipvsadm", "-e", "-t", f"{VIP}:81", "-r", f"{FAR1}:81", "-i", "-w", "1", "--tun-type", "gue",
                     "--tun-port", "6081", "--tun-csum")
    wait_for(lambda: net.lb1.host.run("ipvsadm", "-Sn"), saved, 4, "the table is as it was")
