"""A kernel without IPVS: said in words, and no obstacle to whoever has no services."""
import os
import subprocess

import pytest

from lbhatest import wait_until

MODULE = "try: modprobe ip_vs"

DIRECTOR = "directors:\n  lb1: {address: 192.168.8.10, interfaces: {lan: eth0}}\n"

VRRP = """
vrrp:
  - {name: public, interface: lan, virtual_router_id: 51, advert_interval: 100ms, carrier_settle: 0s, virtual_addresses: [192.168.8.200/24]}
"""

SERVICES = """
services:
  - {name: web, listen: "192.168.8.200:80", scheduler: rr, check: {type: tcp}, real_servers: [192.168.8.20]}
"""


def kernel_has_ipvs():
    return os.path.exists("/proc/net/ip_vs") or not subprocess.run(["modprobe", "-nq", "ip_vs"], check=False).returncode


pytestmark = pytest.mark.skipif(kernel_has_ipvs(), reason="this kernel has IPVS")


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=DIRECTOR + VRRP)


def test_services_are_refused_at_the_start_with_the_reason(lb1):
    lb1.configure(DIRECTOR + VRRP + SERVICES)
    lb1.launch()
    wait_until(lambda: not lb1.is_running)
    assert lb1.process.returncode != 0
    assert MODULE in lb1.log
    assert not lb1.holds("192.168.8.200")


def test_without_services_vrrp_goes_on(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    assert MODULE not in lb1.log
    assert lb1.status()["ipvs"]["available"] is False


def test_a_reload_that_adds_services_is_refused_and_vrrp_goes_on(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    code, said = lb1.reload(DIRECTOR + VRRP + SERVICES)
    assert code == 1
    assert MODULE in said
    assert lb1.role() == "MASTER"
    assert lb1.status()["services"] == []
