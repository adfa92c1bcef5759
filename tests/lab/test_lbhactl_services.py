"""lbhactl and services: what it shows of real servers, probes, connections and operations, with real IPVS."""
import json

import pytest

from lbhatest import wait_until
from lbhatest.director import program

DONE, FAILED, DEGRADED = 0, 1, 4
VIP = "192.168.8.200"

CONFIG = f"""
cluster: shop
directors:
  lb1: {{address: 192.168.8.10, priority: 150}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 200ms
    virtual_addresses: [{VIP}/32]
services:
  - name: web
    listen: {VIP}:80
    scheduler: wrr
    check: {{type: tcp, interval: 500ms, timeout: 400ms, fall: 2, rise: 1}}
    real_servers: [192.168.8.20, {{name: b, address: "192.168.8.30:80", weight: 2}}]
"""


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        self.a = lab.real_server("a", lan, "192.168.8.20", vip=VIP)
        self.b = lab.real_server("b", lan, "192.168.8.30", vip=VIP)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.lb1.start()
        self.lb1.wait_role("MASTER")
        wait_until(lambda: self.lb1.service()["state"] == "up", what="both servers up")


@pytest.fixture
def network(lab):
    return Network(lab)


def test_a_healthy_service_is_exit_0_with_weights_and_connections(network):
    assert network.client.get(VIP).body in ("a", "b")
    code, said = network.lb1.ctl_status("status")
    assert code == DONE, said
    assert f"web up for " in said and f"tcp {VIP}:80, wrr, dr, weight 3 up, quorum 1" in said
    assert "192.168.8.20:80    up" in said and "b 192.168.8.30:80  up" in said
    assert max(map(len, said.splitlines())) <= 80
    wait_until(lambda: sum(one["stats"]["connections"] for one in network.lb1.service()["real_servers"]) >= 1,
               within=15, what="the connection in the statistics")


def test_a_dead_server_is_exit_4_with_its_reason(network):
    network.b.web.close()
    said = wait_until(lambda: (lambda done: done[0] == DEGRADED and done[1])(network.lb1.ctl_status("status")),
                      what="a degraded status")
    assert "  ! b (192.168.8.30) is down for " in said.splitlines()[2]
    assert "    → service web is degraded: 1 of 2 servers up, quorum met\n    try: lbhactl check web b\n" in said
    assert "b 192.168.8.30:80  down" in said and "0 of 2" in said and "refused" in said
    server, web = network.lb1.service()["cause"]
    assert (server["kind"], server["object"], server["address"], server["leads_to"]) == ("server", "web/b", "192.168.8.30", 1)
    assert (web["object"], web["state"], web["leads_to"]) == ("web", "degraded", None)
    told = [json.loads(line) for line in network.lb1.ctl("events", "--json").splitlines()]
    event = [one for one in told if one["event"] == "service_state" and one["new"] == "degraded"][-1]
    assert [link["object"] for link in event["cause"]] == ["web/b", "web"], "the server's fact is there when the service's is told"
    said = network.lb1.ctl("services", "web")
    assert "failed tcp to 192.168.8.30:80" in said and "passed tcp to 192.168.8.20:80" in said
    (probe,) = network.lb1.server("b")["checks"]
    assert (probe["type"], probe["result"], probe["reason"]) == ("tcp", "failed", "refused")
    code, said = network.lb1.ctl_status("check", "web", "b")
    assert code == FAILED and "web/b: tcp check at 192.168.8.30:80" in said and "failed: connect: refused" in said, said
    network.lb1.ctl("drain", "web", "192.168.8.20")
    code, said = network.lb1.ctl_status("check", "web", "192.168.8.20:80")
    assert code == DONE and "note: the server is drained" in said and "passed: connected" in said, said
    code, said = network.lb1.ctl_status("check", "web", "c")
    assert code == FAILED and 'no server of web is called "c"' in said, said
    assert "web is a service: name one of its servers" in network.lb1.ctl_status("check", "web")[1]


def test_services_json_has_every_member_of_the_contract(network):
    (service,) = json.loads(network.lb1.ctl("services", "--json"))
    assert {"name", "state", "reason", "listen", "fwmark", "protocol", "scheduler", "forwarding", "quorum",
            "real_servers"} <= set(service)
    assert service["quorum"] == {"needed": 1, "have": 3}
    for server in service["real_servers"]:
        assert {"name", "address", "health", "admin", "weight", "effective_weight", "reason", "since", "checks",
                "connections", "stats"} <= set(server)
        assert {"active", "inactive", "persistent"} == set(server["connections"])
        assert {"connections", "packets_in", "packets_out", "bytes_in", "bytes_out"} == set(server["stats"])
        assert all({"type", "result", "reason", "detail", "latency_ms", "time"} <= set(one) for one in server["checks"])


def test_an_unknown_service_gets_a_suggestion(network):
    code, said = network.lb1.ctl_status("services", "wed")
    assert (code, said) == (FAILED, 'lbhactl: no service is called "wed"; did you mean "web"?\n')


def test_plan_tells_operations_as_ipvsadm_would_and_does_none(network):
    path = network.lb1.host.log_file("next.conf")
    with open(path, "w") as file:
        file.write(CONFIG.replace("weight: 2", "weight: 5"))
    before = network.lb1.ipvs()
    said = network.lb1.ctl("plan", path)
    assert said == f"ipvsadm -e -t {VIP}:80 -r 192.168.8.30:80 -g -w 5\n"
    assert network.lb1.ctl("plan") == ""
    assert network.lb1.ipvs() == before


def test_a_new_server_is_probed_before_it_is_in_the_plan_of_the_table(network):
    """Its first passed check, not the reload, brings it into the table."""
    network.lb1.configure(CONFIG.replace("[192.168.8.20,", "[192.168.8.20, 192.168.8.40,"))
    assert network.lb1.ctl("plan") == "check: begin 192.168.8.40:80 (tcp)\n"
    assert network.lb1.reload()[0] == DONE
    server = network.lb1.server("192.168.8.40")
    assert (server["effective_weight"], server["health"]) == (0, "unknown") or server["health"] == "down"


def test_the_effective_configuration_is_the_configuration(network):
    path = network.lb1.host.log_file("effective.conf")
    with open(path, "w") as file:
        file.write(network.lb1.ctl("config"))
    assert network.lb1.host.status_of(program("lbhad"), "--check", "-f", path)[0] == DONE
    assert network.lb1.ctl("plan", path) == ""
