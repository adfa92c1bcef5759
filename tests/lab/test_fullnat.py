"""fullnat from etc/examples: servers without a way back through the director, which see it as their client."""
import collections

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.examples import example, example_file
from lbhatest.state import Untouched
from lbhatest.traffic import Client

VIP, VIP6 = "172.30.0.200", "2001:db8:30::200"
FULLNAT = example("fullnat", **{"interval: 1s, timeout: 1s, rise: 2": "interval: 500ms, timeout: 400ms, rise: 1",
                                "virtual_router_id: 51": "virtual_router_id: 51\n    carrier_settle: 0s"})
OWN, SOURCES = "10.0.0.100", ["10.0.0.101", "10.0.0.102"]


class Network:
    """Clients outside, servers inside that know nobody beyond their own network."""

    def __init__(self, lab):
        self.outside, self.inside = lab.segment("outside", "172.30.0.0/24"), lab.segment("inside", "10.0.0.0/24")
        self.lb1 = lab.director("lb1", (self.outside, "172.30.0.10", "2001:db8:30::10/64"),
                                (self.inside, OWN, *SOURCES, "2001:db8:10::100/64"), config=FULLNAT)
        self.servers = [lab.real_server("a", self.inside, "10.0.0.7", port=8080),
                        lab.real_server("b", self.inside, "10.0.0.14", port=8080)]
        for server, last in zip(self.servers, (7, 14)):
            server.host.ip(f"addr add 2001:db8:10::{last}/64 dev eth0 nodad")
        self.client = lab.client("client", self.outside, "172.30.0.50")
        self.client.host.ip("addr add 2001:db8:30::50/64 dev eth0 nodad")
        self.heard = [server.host.capture("tcp[tcpflags] == tcp-syn or (ip6 and ip6[53] == 2)")
                      for server in self.servers]

    def make_fresh(self):
        self.lb1.forget()
        self.lb1.configure(FULLNAT)

    def start(self):
        self.lb1.start()
        self.lb1.wait_role("MASTER", within=15)
        wait_until(lambda: self.lb1.service()["state"] == "up", what="both servers are up")

    def clients_of(self, fetches, address=VIP, client=None):
        """Who answered so many fetches, and from which addresses servers heard meanwhile, probes included."""
        for heard in self.heard:
            heard.clear()
        answers = collections.Counter(answer.body for answer in (client or self.client).get_many(fetches, address))
        seen = collections.Counter(frame.ip_addresses[0] for heard in self.heard for frame in heard.frames)
        return answers, seen


@pytest.fixture(scope="module")
def shared(module_lab):
    return Network(module_lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def test_servers_without_a_way_back_answer_through_the_director_which_they_see_as_the_client(network):
    """Its own address, or those that the file names; a client that goes to a server directly is left alone."""
    before = Untouched(network.lb1.host, *(server.host for server in network.servers))
    code, said = network.servers[0].lbha_rs("setup", "-f", example_file("fullnat"))
    assert code == 0 and "service web needs nothing of this host" in said, said
    network.start()
    answers, seen = network.clients_of(8)
    assert answers == {"a": 4, "b": 4} and set(seen) == {OWN}, (answers, seen)
    assert network.lb1.host.sysctl("net.ipv4.vs.conntrack") == "1"

    with_sources = FULLNAT.replace("forwarding: fullnat", f"forwarding: fullnat\n    source: [{', '.join(SOURCES)}]")
    network.lb1.configure(with_sources)
    plan = network.lb1.ctl("plan")
    assert "nft - chain tcp_172.30.0.200_80: } masquerade" in plan and "snat ip to jhash" in plan, plan
    assert network.lb1.reload()[0] == 0
    answers, seen = network.clients_of(24)
    assert answers == {"a": 12, "b": 12}
    assert set(SOURCES) <= set(seen) <= {OWN, *SOURCES}, "probes keep the director's own address"
    assert min(seen[address] for address in SOURCES) >= 2, seen

    network.client.host.route("10.0.0.0/24 via 172.30.0.10")
    for server in network.servers:
        server.host.ip("route add 172.30.0.0/24 via 10.0.0.100")
    assert network.client.get("10.0.0.7", port=8080).body == "a"
    assert any(frame.ip_addresses[0] == "172.30.0.50" for frame in network.heard[0].frames)
    for server in network.servers:
        server.host.ip("route del 172.30.0.0/24 via 10.0.0.100")
    assert network.lb1.stop() == 0
    before.check()


def test_a_service_that_becomes_fullnat_and_something_else_again_leaves_no_rule(network):
    """One server of two is enough to want a rule, and only its connections get another address."""
    nat = FULLNAT.replace("forwarding: fullnat", "forwarding: nat")
    mixed = nat.replace('{name: a,', '{name: a, forwarding: fullnat,')
    for server in network.servers:
        server.host.ip("route add 172.30.0.0/24 via 10.0.0.100")
    network.lb1.configure(nat)
    network.start()
    assert network.lb1.rules() is None
    answers, seen = network.clients_of(4)
    assert answers == {"a": 2, "b": 2} and "172.30.0.50" in seen
    with network.client.fetching(VIP) as fetching:
        assert network.lb1.reload(mixed)[0] == 0
        assert "10.0.0.7 . 8080" in network.lb1.rules() and "10.0.0.14" not in network.lb1.rules()
        assert network.lb1.ctl("plan") == ""
        network.clients_of(4)
        by = {server.host.name: {frame.ip_addresses[0] for frame in heard.frames} - {OWN}
              for server, heard in zip(network.servers, network.heard)}
        assert by == {"a": set(), "b": {"172.30.0.50"}}
        assert network.lb1.reload(nat)[0] == 0
        assert network.lb1.rules() is None
        assert "table inet lbha" not in network.lb1.host.run("nft", "list", "ruleset")
    assert fetching.failed == 0 and fetching.ok > 4, fetching
    for server in network.servers:
        server.host.ip("route del 172.30.0.0/24 via 10.0.0.100")


def test_groups_ipv6_and_clients_on_the_director_itself(network):
    """What a mark tells is enough to know a service's connections by."""
    network.lb1.configure(FULLNAT.replace("listen: 172.30.0.200:80", "listen: [172.30.0.200:80, 172.30.0.200:81]\n    group: true")
                          + f"""
  - name: six
    listen: "[{VIP6}]:80"
    scheduler: rr
    forwarding: fullnat
    check: {{type: tcp, interval: 500ms, timeout: 400ms, rise: 1}}
    real_servers: ["[2001:db8:10::7]:8080", "[2001:db8:10::14]:8080"]
""")
    network.lb1.host.ip(f"addr add {VIP6}/128 dev eth0 nodad preferred_lft 0")
    network.start()
    answers, seen = network.clients_of(4)
    assert answers == {"a": 2, "b": 2} and OWN in seen and "172.30.0.50" not in seen, seen
    assert {answer.body for answer in network.client.get_many(2, VIP, port=81)} == {"a", "b"}
    wait_until(lambda: network.lb1.service("six")["state"] == "up", what="the servers answer by IPv6")
    answers, seen = network.clients_of(4, VIP6)
    assert answers == {"a": 2, "b": 2} and "2001:db8:10::100" in seen and "2001:db8:30::50" not in seen, seen
    own = Client(network.lb1.host)
    assert {answer.body for answer in own.get_many(4, VIP)} == {"a", "b"}
    network.lb1.host.ip(f"addr del {VIP6}/128 dev eth0")
    network.lb1.crash()
    network.lb1.configure(FULLNAT.replace("forwarding: fullnat", "forwarding: nat"))
    network.lb1.start()
    wait_for(network.lb1.rules, None, 5, "rules of an earlier run are gone")
    assert network.lb1.stop() == 0
