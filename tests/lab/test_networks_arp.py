"""anti-arp from etc/examples: one address on many machines, and the three cures for it. Whoever asks in ARP is a router.

    client 172.30.0.100 ── router .1 ──┬── 192.168.8.0/24
                                       ├── lb1 .10, lb2 .11, with a virtual MAC address
                                       └── a .20, b .30
"""
import collections

import pytest

from lbhatest import Lab, wait_until
from lbhatest.examples import OneFile, example_file

VIP, VIRTUAL_MAC = "192.168.8.200", "00:00:5e:00:01:33"
PATH = example_file("anti-arp")


class Network:
    def __init__(self, lab):
        outside, lan = lab.segment("outside", "172.30.0.0/24"), lab.segment("lan", "192.168.8.0/24")
        self.router = lab.router("router", (outside, "172.30.0.1"), (lan, "192.168.8.1"))
        self.client = lab.client("client", outside, "172.30.0.100", gateway="172.30.0.1")
        self.directors = [lab.director(name, (lan, f"192.168.8.{number}"), config="") for name, number in (("lb1", 10), ("lb2", 11))]
        self.servers = [lab.real_server(name, lan, f"192.168.8.{number}", gateway="192.168.8.1")
                        for name, number in (("a", 20), ("b", 30))]
        self.heard = self.router.capture("arp", on="eth1")
        self.file = OneFile(PATH, self.directors, self.servers)

    def who_has_the_vip(self):
        """MAC addresses of all that answer the router. It asks for the servers' own addresses next: that ends the wait."""
        self.heard.clear()
        self.router.ip("neigh flush dev eth1")
        for address in VIP, "192.168.8.20", "192.168.8.30":
            wait_until(lambda address=address: self.client.get(address).ok, what=f"an answer from {address}")
        return {frame.arp_sender[0] for frame in self.heard.frames if frame.is_arp_reply and frame.arp_sender[1] == VIP}

    def answers(self, count=4):
        return collections.Counter(answer.body for answer in self.client.get_many(count, VIP))


@pytest.fixture(scope="module")
def net(request):
    with Lab("test_networks_arp") as lab:
        request.module.shared_lab = lab
        network = Network(lab)
        network.file.look()
        network.file.start()
        yield network


@pytest.fixture
def loud(net):
    """Servers that have the address, and say so."""
    for server in net.servers:
        net.file.lbha_rs(server, "teardown")
        server.host.ip(f"addr add {VIP}/32 dev lo")
    yield net
    for server in net.servers:
        server.host.ip(f"addr del {VIP}/32 dev lo")


def test_an_entry_of_the_router_for_the_virtual_mac_works_and_outlives_a_takeover(loud):
    lb1, lb2 = loud.directors
    macs = loud.who_has_the_vip()
    assert macs & {server.host.mac() for server in loud.servers}, f"this network does not show what it is for: {macs}"
    loud.router.ip(f"neigh replace {VIP} lladdr {VIRTUAL_MAC} nud permanent dev eth1")
    assert loud.answers() == {"a": 2, "b": 2}
    assert lb1.ctl_status("release", "public")[0] == 0
    lb2.wait_role("MASTER")
    assert loud.answers() == {"a": 2, "b": 2}
    assert lb1.ctl_status("claim", "public")[0] == 0
    lb1.wait_role("MASTER", within=15)
    assert loud.answers() == {"a": 2, "b": 2}
    loud.router.ip(f"neigh del {VIP} dev eth1")


@pytest.mark.parametrize("cure", ["sysctl", "filter"])
def test_servers_that_lbha_rs_set_up_are_silent(net, cure):
    """Only the master answers; the doctor names what is missing when somebody undoes a part of it."""
    for server in net.servers:
        net.file.lbha_rs(server, "setup", "-f", PATH, "--arp", cure)
        net.file.lbha_rs(server, "doctor", "-f", PATH)
    assert net.who_has_the_vip() == {VIRTUAL_MAC}
    assert net.answers() == {"a": 2, "b": 2}
    host = net.servers[0].host
    if cure == "sysctl":
        for interface in "all", "lo":
            host.sysctl(f"net.ipv4.conf.{interface}.arp_ignore", 0)
    else:
        host.run("nft", "flush", "ruleset")
    assert host.mac() in net.who_has_the_vip()
    code, said = net.servers[0].lbha_rs("doctor", "-f", PATH)
    assert code == 1 and ("arp_ignore" if cure == "sysctl" else "nft") in said, said
    net.file.lbha_rs(net.servers[0], "setup", "-f", PATH, "--arp", cure)
    assert net.who_has_the_vip() == {VIRTUAL_MAC}
    for server in net.servers:
        net.file.lbha_rs(server, "teardown")


def test_afterwards_every_host_is_as_before(net):
    net.file.undo()
