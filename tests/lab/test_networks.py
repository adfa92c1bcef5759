"""Networks that people build, each from one file of etc/examples: the hosts have their own addresses and routes, and all
else comes from `lbhad -f` on the directors and `lbha-rs setup -f` on the servers. Afterwards every host is as it was.

    client .100 ──┬── 172.30.0.0/24
                  ├── lb1 .10, lb2 .11 ──┬── 10.0.0.0/24 (lb1 .101, lb2 .102, inner .10), 192.168.0.0/24 ── a .7, b .14
                  └── router .1 ─────────┴── .1 of each
                        └── 10.9.0.0/24 ── far1 .20, far2 .30

(dr-single and dr-136 are in test_dr.py, dr-pair in test_dr_pair.py, ports-together in test_marks.py, fullnat in
test_fullnat.py, every-scheduler in test_schedulers.py.)
"""
import collections

import pytest

from lbhatest import Lab, wait_until
from lbhatest.examples import OneFile, example_file
from lbhatest.lab import load_tunnels


class Network:
    def __init__(self, lab):
        self.lab = lab
        outside, inside, far = (lab.segment(*one) for one in (("outside", "172.30.0.0/24"), ("inside", "10.0.0.0/24"),
                                                              ("far", "10.9.0.0/24")))
        self.router = lab.router("router", (outside, "172.30.0.1"), (inside, "10.0.0.1", "192.168.0.1/24"), (far, "10.9.0.1"))
        self.client = lab.client("client", outside, "172.30.0.100", gateway="172.30.0.1")
        self.lb1, self.lb2 = (lab.director(name, (outside, f"172.30.0.{number}"), (inside, f"10.0.0.{number + 91}"), config="")
                              for name, number in (("lb1", 10), ("lb2", 11)))
        for director in self.lb1, self.lb2:
            director.host.route("10.9.0.0/24 via 172.30.0.1")
        self.inner = lab.director("inner", (inside, "10.0.0.10"), config="", node="lb1")
        self.a, self.b, self.far1, self.far2 = (
            lab.real_server(name, segment, address, gateway=address.rsplit(".", 1)[0] + ".1")
            for name, segment, address in (("a", inside, "10.0.0.7"), ("b", inside, "10.0.0.14"), ("far1", far, "10.9.0.20"),
                                           ("far2", far, "10.9.0.30")))
        for server in self.a, self.b:
            lab.serve(server.host, 8080)

    def answers(self, count, vip):
        """Who answers so many fetches, one after another."""
        answers = self.client.get_many(count, vip)
        assert all(answer.ok for answer in answers), answers
        return collections.Counter(answer.body for answer in answers)


@pytest.fixture(scope="module")
def net(request):
    load_tunnels()
    with Lab("test_networks") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


def a_way_back_that_is_missing_is_found(server, path):
    """What lbha-rs doctor says of a server that is well, and of one that has no route to clients."""
    code, said = server.lbha_rs("doctor", "-f", path)
    assert code == 0 and "problem" not in said and "warning" not in said, said
    server.host.ip("route del default")
    _, said = server.lbha_rs("doctor", "-f", path)
    server.host.ip("route add default via 10.0.0.1")
    assert "clients of 192.168.0.200 in other networks get no answer" in said and "ip route add default via" in said, said


def test_dr_router_and_dr_multi_net(net):
    """Three for b, one for a; on the way back only the router is passed. Another file, read while all of it is at work, takes
    the address to a network of its own. A router with strict rp_filter lets the answers pass, as both networks are on one of
    its interfaces."""
    net.router.sysctl("net.ipv4.conf.all.rp_filter", 1)
    with OneFile(example_file("dr-router"), [net.inner], [net.a, net.b]) as made:
        answered = net.inner.host.capture("tcp and src port 80 and dst host 172.30.0.100")
        assert net.answers(8, "10.0.0.200") == {"a": 2, "b": 6}
        made.change(example_file("dr-multi-net"))
        assert net.answers(4, "192.168.0.200") == {"a": 2, "b": 2}
        assert answered.frames == []
        for server in net.a, net.b:
            assert not server.host.has_address("10.0.0.200"), "what the other file wanted is gone"
        a_way_back_that_is_missing_is_found(net.a, made.path)
    net.router.sysctl("net.ipv4.conf.all.rp_filter", 0)


def test_nat_two_nets(net):
    """Ports are mapped, forwarding is set and restored, and outside and inside address move together, under a client that
    fetches all the time."""
    vip = "172.30.0.200"
    with OneFile(example_file("nat-two-nets"), [net.lb1, net.lb2], [net.a, net.b]):
        came = net.a.host.capture("tcp[tcpflags] == tcp-syn and src host 172.30.0.100")
        assert net.answers(8, vip) == {"a": 4, "b": 4}
        assert {frame.ip_addresses[1] for frame in came.frames} == {"10.0.0.7"}
        assert net.lb1.host.sysctl("net.ipv4.ip_forward") == "1"
        assert net.lb1.holds("10.0.0.100") and not net.lb2.holds(vip)
        with net.client.fetching(vip) as fetching:
            assert net.lb1.stop() == 0
            for name in "outside", "inside":
                net.lb2.wait_role("MASTER", name=name)
            assert not net.lb1.holds("10.0.0.100") and net.lb2.holds("10.0.0.100")
            good = fetching.ok
            wait_until(lambda: fetching.ok > good + 10, what="answers through lb2")
        # without connection sync the one that was under way is lost: reset, or never answered
        assert fetching.failed <= 1, fetching
        net.lb2.host.unplug("eth1")
        wait_until(lambda: not net.lb2.holds(vip), what="without its inside lb2 gives up the outside")
        net.lb2.host.plug("eth1")


LONG = "/" + "x" * 4000    # a request of full packets, which do not fit into tunnels: the director tells the client


def test_tunnel(net):
    """ipip, then gue, then gre, each by a file and by `lbha-rs setup` of it; servers whose rp_filter would drop what comes out
    of a tunnel. Answers go straight to the client."""
    vip, (far1, far2) = "172.30.0.200", (net.far1, net.far2)
    for server in far1, far2:
        for interface in "all", "default", "eth0":
            server.host.sysctl(f"net.ipv4.conf.{interface}.rp_filter", 1)
    heard = net.lb1.host.capture("tcp and src port 80 and dst host 172.30.0.100")
    with OneFile(example_file("tunnel"), [net.lb1], [far1, far2]) as made:
        for name, packets, flags in (("tunnel", "ip proto 4", "ipip"), ("tunnel-gue", "udp port 6080", "gue --tun-port 6080"),
                                     ("tunnel-gre", "ip proto 47", "gre")):
            if name != "tunnel":
                made.change(example_file(name))
            wrapped = far1.host.capture(packets)
            assert net.answers(4, vip) == {"far1": 2, "far2": 2}, name
            assert net.client.get(vip, path=LONG).ok
            assert wrapped.frames and {frame.direction for frame in wrapped.frames} == {"in"}, name
            assert f"-a -t {vip}:80 -r 10.9.0.20:80 -i -w 1 --tun-type {flags}" in net.lb1.host.run("ipvsadm", "-Sn")
    assert heard.frames == []
