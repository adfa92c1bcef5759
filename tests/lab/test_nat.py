"""nat: two networks, the director between them, ports mapped, answers through the director."""
import collections

from lbhatest import wait_until

VIP = "172.30.0.200"
CONFIG = """
directors:
  lb1: {address: 172.30.0.10}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    carrier_settle: 0s
    virtual_addresses: 172.30.0.200/24
checks:
  alive: {type: http, interval: 1s, timeout: 500ms, rise: 1, fall: 2}
services:
  - name: web
    listen: 172.30.0.200:80
    scheduler: rr
    forwarding: nat
    gateway: 10.0.0.100
    check: alive
    real_servers: ["10.0.0.7:8080", "10.0.0.14:8080"]
"""


def test_clients_reach_servers_in_another_network_on_another_port(lab):
    outside, inside = lab.segment("outside", "172.30.0.0/24"), lab.segment("inside", "10.0.0.0/24")
    lb1 = lab.director("lb1", (outside, "172.30.0.10"), (inside, "10.0.0.100"), config=CONFIG)
    servers = [lab.real_server(name, inside, address, port=8080, gateway="10.0.0.100")
               for name, address in (("a", "10.0.0.7"), ("b", "10.0.0.14"))]
    client = lab.client("client", outside, "172.30.0.100")
    lb1.host.sysctl("net.ipv4.ip_forward", 0)
    lb1.start()
    lb1.wait_role("MASTER", within=10)
    wait_until(lambda: lb1.service()["state"] == "up", within=10, what="both servers are up")
    answers = [answer.body for answer in client.get_many(8, VIP)]
    assert collections.Counter(answers) == {"a": 4, "b": 4}
    assert lb1.host.sysctl("net.ipv4.ip_forward") == "1"
    servers[0].web.stop()
    wait_until(lambda: lb1.server("10.0.0.7")["effective_weight"] == 0, within=10, what="a has no weight")
    assert {answer.body for answer in client.get_many(4, VIP)} == {"b"}
    assert lb1.stop() == 0
    assert lb1.host.sysctl("net.ipv4.ip_forward") == "0"
