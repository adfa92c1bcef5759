"""The lab, before lbha comes into it: real IPVS, set up by hand with ipvsadm, one director, two real servers, a client."""
import collections

import pytest

from lbhatest import wait_until

VIP = "192.168.8.200"


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.host("lb1", (lan, "192.168.8.10"))
        self.a = lab.real_server("a", lan, "192.168.8.20", vip=VIP)
        self.b = lab.real_server("b", lan, "192.168.8.30", vip=VIP)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1.ip(f"addr add {VIP}/32 dev eth0")

    def balance(self):
        self.lb1.run("ipvsadm", "-A", "-t", f"{VIP}:80", "-s", "rr")
        for server in self.a, self.b:
            self.lb1.run("ipvsadm", "-a", "-t", f"{VIP}:80", "-r", f"{server.host.address()}:80", "-g")


@pytest.fixture
def network(lab):
    return Network(lab)


def test_without_ipvs_nobody_answers_at_the_vip(network):
    """The test that keeps the others honest: whatever answers below, answers because of IPVS."""
    assert network.client.get(VIP, timeout=1).error


def test_answers_alternate_between_the_servers(network):
    network.balance()
    answers = [answer.body for answer in network.client.get_many(8, VIP)]
    assert collections.Counter(answers) == {"a": 4, "b": 4}
    assert all(one != other for one, other in zip(answers, answers[1:]))


def test_direct_routing_changes_the_mac_addresses_and_nothing_else(network):
    """Nothing but the hop count, which IPVS lowers as every router does (decrement_ttl in ip_vs_xmit.c)."""
    network.balance()
    asked = network.client.host.capture(f"tcp and dst host {VIP}")
    received = network.a.host.capture(f"tcp and dst host {VIP}")
    answered = network.lb1.capture(f"tcp and src host {VIP}")
    wait_until(lambda: network.client.get(VIP).body == "a", what="an answer of server a")
    arrived = wait_until(lambda: received.where(lambda frame: frame.direction == "in"), what="packets at server a")
    sent = {frame.packet_but_hops: frame for frame in asked.frames}
    for frame in arrived:
        assert frame.packet_but_hops in sent
        assert sent[frame.packet_but_hops].hops - frame.hops in (0, 1)
        assert (frame.src, frame.dst) == (network.lb1.mac(), network.a.host.mac())
    for frame in asked.frames:
        assert (frame.src, frame.dst) == (network.client.host.mac(), network.lb1.mac())
    assert answered.frames == [], "answers go straight to the client"


def test_only_the_director_answers_arp_for_the_vip(network):
    replies = network.client.host.capture("arp")
    network.client.get(VIP, timeout=0.5)
    wait_until(lambda: replies.where(lambda frame: frame.is_arp_reply), what="an ARP reply")
    assert {frame.arp_sender for frame in replies.where(lambda frame: frame.is_arp_reply)} == {(network.lb1.mac(), VIP)}


def test_a_server_that_is_taken_out_gets_no_new_connection(network):
    network.balance()
    network.lb1.run("ipvsadm", "-d", "-t", f"{VIP}:80", "-r", "192.168.8.20:80")
    assert {answer.body for answer in network.client.get_many(4, VIP)} == {"b"}
