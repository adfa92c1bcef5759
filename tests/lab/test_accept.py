"""accept: false where IPVS is real: services take what is theirs, and nothing else comes in."""
import collections

from lbhatest import WebServer, wait_for, wait_until
from lbhatest.examples import WebCluster, example

VIP = "192.168.8.200"


def with_accept_false(text):
    assert "virtual_router_id: 51" in text
    return text.replace("virtual_router_id: 51", "virtual_router_id: 51\n    accept: false")


def answers_to(client, address, port):
    return client.host.status_of("curl", "-s", "--max-time", "2", f"http://{address}:{port}/")[0] == 0


def check_services_alone(director, client, vip, own, text):
    """A port of the director itself is open on the VIP until accept: false closes it; the service goes on."""
    WebServer(director.host, 8088)
    assert answers_to(client, vip, 8088)
    code, said = director.reload(with_accept_false(text))
    assert code == 0, said
    wait_for(lambda: answers_to(client, vip, 8088), False, what="nothing but the service answers on the VIP")
    assert answers_to(client, own, 8088), "its own address is as it was"
    assert "100% packet loss" in client.host.run("ping", "-c1", "-W1", vip, check=False)
    assert collections.Counter(answer.body for answer in client.get_many(8, vip)) == {"a": 4, "b": 4}


def test_direct_routing_works_where_nothing_else_comes_in(lab):
    text = example("dr-pair")
    cluster = WebCluster(lab, text, network="192.168.8.0/24", vip=VIP, client="192.168.8.100",
                         directors={"lb1": "192.168.8.10"}, servers={"a": "192.168.8.20", "b": "192.168.8.30"}).start()
    check_services_alone(cluster.directors[0], cluster.client, VIP, "192.168.8.10", text)


def test_nat_works_where_nothing_else_comes_in(lab):
    outside, inside = lab.segment("outside", "172.30.0.0/24"), lab.segment("inside", "10.0.0.0/24")
    text = example("nat-two-nets")
    lb1 = lab.director("lb1", (outside, "172.30.0.10"), (inside, "10.0.0.10"), config=text)
    for name, address in (("a", "10.0.0.7"), ("b", "10.0.0.14")):
        lab.real_server(name, inside, address, port=8080, gateway="10.0.0.100")
    client = lab.client("client", outside, "172.30.0.100")
    lb1.start()
    for name in "outside", "inside":
        lb1.wait_role("MASTER", within=10, name=name)
    wait_until(lambda: lb1.service()["state"] == "up", within=10, what="both servers are up")
    check_services_alone(lb1, client, "172.30.0.200", "172.30.0.10", text)
