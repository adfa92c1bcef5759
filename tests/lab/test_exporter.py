"""lbha-exporter with real IPVS: what Prometheus gets is what the kernel has counted."""
import json
import socket

import pytest

from lbhatest import Lab, wait_for
from lbhatest.exporter import Served

VIP = "192.168.8.200"

CONFIG = f"""
cluster: shop
directors:
  lb1: {{address: 192.168.8.10}}
global:
  exporter: {{listen: "127.0.0.1:9480"}}
  ipvs: {{read_back: 1s}}
services:
  - name: web
    listen: {VIP}:80
    scheduler: rr
    check: {{type: tcp, interval: 1s}}
    real_servers: [{{name: a, address: 192.168.8.20, weight: 3}}, {{name: gone, address: 192.168.8.21}}]
"""

LABELS = {"service": "web", "server": "a", "local_address": VIP, "local_port": "80", "proto": "TCP", "remote_address": "192.168.8.20",
          "remote_port": "80"}


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_exporter") as lab:
        request.module.shared_lab = lab
        lan = lab.segment("lan", "192.168.8.0/24")
        lab.real_server("a", lan, "192.168.8.20", vip=VIP)
        client = lab.client("client", lan, "192.168.8.100")
        lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
        lb1.host.ip(f"addr add {VIP}/32 dev eth0")
        lb1.start()
        yield lb1, client


def test_counters_are_those_of_the_kernel_and_a_restart_loses_none(shared):
    lb1, client = shared
    served = Served(lb1.host)
    wait_for(lambda: served.scrape().get("lbha_check_up", service="web", server="gone"), 0, 20)
    client.get_many(5, VIP)
    metrics = wait_for(served.scrape, lambda got: got.get("lbha_ipvs_connections_total", **LABELS) == 5, 10)
    assert metrics.get("lbha_ipvs_incoming_packets_total", **LABELS) > 10
    assert metrics.get("lbha_ipvs_incoming_bytes_total", **LABELS) > 500
    assert metrics.get("lbha_ipvs_outgoing_bytes_total", **LABELS) == 0  # dr: answers do not come this way
    assert metrics.get("lbha_server_weight", service="web", server="a") == 3
    assert metrics.get("lbha_check_up", service="web", server="a") == 1
    assert metrics.get("lbha_service_state", service="web", state="degraded") == 1
    assert metrics.get("lbha_check_duration_seconds_count", service="web", type="tcp") > 1
    assert metrics.get("lbha_ipvs_operations_total", kind="add_service") == 1
    assert metrics.get("lbha_ipvs_available") == metrics.get("lbha_ready") == 1
    assert lb1.detach(within=30) == 0
    lb1.start(within=30)
    wait_for(lambda: served.scrape().get("lbha_ipvs_connections_total", **LABELS), 5, 20)


def test_repairs_are_counted(shared):
    lb1, _ = shared
    served = Served(lb1.host)
    before = wait_for(lambda: served.scrape().get("lbha_ipvs_repairs_total"), lambda value: value is not None, 20)
    lb1.host.run("ipvsadm", "-C")
    wait_for(lambda: served.scrape().get("lbha_ipvs_repairs_total"), lambda value: value and value > before, 20)


def ask_and_do_not_read(director):
    """The answer has begun, and its rest waits for us."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(director.socket)
    client.settimeout(20)
    client.sendall(b'{"request":"status"}\n')
    return client, client.recv(100)


def test_no_answer_is_of_two_configurations(shared):
    lb1, _ = shared
    many = "".join(f"  - {{name: s{n}, fwmark: {n}, scheduler: rr, real_servers: [{{address: 192.168.8.20}}]}}\n" for n in range(1, 200))
    assert lb1.reload(CONFIG + many)[0] == 0
    client, said = ask_and_do_not_read(lb1)
    assert lb1.reload(CONFIG)[0] == 0
    with client:
        while part := client.recv(65536):
            said += part
    assert said.startswith(b'{"ok":true,"result":{') and b'"s1"' in said and b"\n" not in said
    assert [one["name"] for one in json.loads(lb1.ctl("status", "--json"))["services"]] == ["web"]
