"""The sysctls that services need: set, shown before, repaired, and put back as they were."""
import pytest

from lbhatest import Lab, wait_for, wait_until

VIP = "192.168.8.200"
DR, NAT = "on_failure: quiesce", "on_failure: remove, forwarding: nat"
BEFORE = {"net.ipv4.ip_forward": "0", "net.ipv4.conf.all.send_redirects": "1", "net.ipv4.conf.eth0.send_redirects": "1",
          "net.ipv4.vs.expire_nodest_conn": "0", "net.ipv4.vs.conn_reuse_mode": "1", "net.ipv4.vs.conntrack": "0"}
WITH_NAT = {**BEFORE, "net.ipv4.ip_forward": "1", "net.ipv4.conf.all.send_redirects": "0",
            "net.ipv4.conf.eth0.send_redirects": "0", "net.ipv4.vs.expire_nodest_conn": "1"}


def config(service, sysctls="", read_back="1s"):
    return f"""
global:
  ipvs: {{read_back: {read_back}, sysctls: {{{sysctls}}}}}
directors:
  lb1: {{address: 192.168.8.10}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, carrier_settle: 0s, virtual_addresses: {VIP}/24}}
services:
  - {{name: web, listen: "{VIP}:80", {service}, real_servers: [192.168.8.20]}}
"""


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_sysctls") as lab:
        request.module.shared_lab = lab
        lan = lab.segment("lan", "192.168.8.0/24")
        yield lab.director("lb1", (lan, "192.168.8.10"), config=config(DR))


@pytest.fixture
def lb1(shared):
    if shared.is_running:
        shared.crash()
    for left in shared.run_dir, shared.state_dir, shared.log_file:
        shared.host.run("rm", "-rf", left)
    shared.host.run("ipvsadm", "-C")
    for name, value in BEFORE.items():
        shared.host.sysctl(name, value)
    return shared


def values(director):
    return {name: director.host.sysctl(name) for name in BEFORE}


def test_the_plan_shows_what_the_reload_sets_and_a_stop_puts_it_back(lb1):
    lb1.configure(config(DR))
    lb1.start()
    assert values(lb1) == BEFORE
    lb1.configure(config(NAT, "conn_reuse_mode: 0"))
    plan = lb1.ctl("plan")
    for line in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0",
                 "net.ipv4.vs.conn_reuse_mode=0", "net.ipv4.vs.expire_nodest_conn=1"):
        assert f"sysctl -w {line}\n" in plan, plan
    assert plan.count("sysctl") == 5, plan
    assert values(lb1) == BEFORE
    assert lb1.reload()[0] == 0
    assert values(lb1) == {**WITH_NAT, "net.ipv4.vs.conn_reuse_mode": "0"}
    assert lb1.ctl("plan") == ""
    lb1.configure(config(DR))
    assert lb1.ctl("plan").count("sysctl -w") == 5
    assert lb1.reload()[0] == 0
    wait_for(lambda: values(lb1), BEFORE)
    assert lb1.reload(config(NAT))[0] == 0
    assert values(lb1) == WITH_NAT
    assert lb1.stop() == 0
    assert values(lb1) == BEFORE


def test_the_link_of_a_virtual_mac_sends_no_redirects_while_nat_passes_there(lb1):
    """It is made with its router and takes what the system has by default; reloads change it while MASTER."""
    def with_mac(service):
        return config(service).replace("carrier_settle: 0s", "carrier_settle: 0s, virtual_mac: true")

    def redirects():
        return lb1.host.sysctl("net.ipv4.conf.eth0-v4-51.send_redirects")

    lb1.configure(with_mac(NAT))
    lb1.start()
    lb1.wait_role("MASTER", within=15)
    assert redirects() == "0"
    transitions = lb1.status()["vrrp"][0]["transitions"]
    assert lb1.reload(with_mac(DR))[0] == 0
    wait_for(redirects, "1")
    assert lb1.reload(with_mac(NAT))[0] == 0
    wait_for(redirects, "0")
    assert lb1.role() == "MASTER" and lb1.status()["vrrp"][0]["transitions"] == transitions
    assert lb1.stop() == 0


def test_what_somebody_changes_is_repaired_and_counted(lb1):
    lb1.configure(config(NAT))
    lb1.start()
    wait_for(lambda: values(lb1), WITH_NAT)
    repairs = lb1.status()["ipvs"]["repairs"]
    lb1.host.sysctl("net.ipv4.ip_forward", 0)
    lb1.host.sysctl("net.ipv4.conf.eth0.send_redirects", 1)
    wait_for(lambda: values(lb1), WITH_NAT, within=4)
    wait_for(lambda: lb1.status()["ipvs"]["repairs"], repairs + 2)
    assert "repaired: net.ipv4.ip_forward: 0 → 1" in lb1.log


def test_former_values_come_back_after_a_killed_daemon(lb1):
    """Both in a daemon that wants them no more, and at the stop of one that still does."""
    lb1.configure(config(NAT))
    lb1.start()
    wait_for(lambda: values(lb1), WITH_NAT)
    lb1.crash()
    assert values(lb1) == WITH_NAT
    lb1.configure(config(NAT, "conn_reuse_mode: 0"))
    lb1.start()
    lb1.crash()
    lb1.configure(config(DR))
    lb1.start()
    wait_for(lambda: values(lb1), BEFORE)
    assert "repaired" not in lb1.log


def test_what_the_file_gives_goes_before_what_is_wished(lb1):
    lb1.configure(config("on_failure: remove", "expire_nodest_conn: 0"))
    lb1.start()
    assert values(lb1) == BEFORE


def test_a_name_that_the_kernel_has_not_refuses_the_file(lb1):
    lb1.configure(config(DR))
    lb1.start()
    code, said = lb1.reload(config(NAT, "expire_nodest_con: 1"))
    assert code == 1
    assert 'no sysctl net.ipv4.vs.expire_nodest_con' in said and 'did you mean "expire_nodest_conn"?' in said, said
    assert values(lb1) == BEFORE


def test_a_name_that_stands_for_two_numbers_refuses_the_file(lb1):
    lb1.configure(config(DR))
    lb1.start()
    code, said = lb1.reload(config(NAT, "sync_threshold: 3"))
    assert code == 1
    assert "cannot set net.ipv4.vs.sync_threshold" in said and "not one whole number" in said, said
    assert values(lb1) == BEFORE


def test_a_value_that_the_kernel_refuses_is_not_undone_by_somebody_else(lb1):
    lb1.configure(config(DR, "sync_ports: 3"))
    lb1.start()
    for _ in range(3):
        before = lb1.status()["ipvs"]["last_read_back"]
        wait_until(lambda: lb1.status()["ipvs"]["last_read_back"] not in (None, before))
    ipvs = lb1.status()["ipvs"]
    assert "cannot set net.ipv4.vs.sync_ports to 3" in ipvs["error"] and ipvs["contested"] is None, ipvs
    assert ipvs["repairs"] == 0 and lb1.log.count("cannot set net.ipv4.vs.sync_ports") == 1


def test_a_value_that_somebody_changed_is_left_at_the_stop(lb1):
    lb1.configure(config(NAT, "conn_reuse_mode: 0", read_back="1h"))
    lb1.start()
    wait_until(lambda: values(lb1)["net.ipv4.vs.conn_reuse_mode"] == "0")
    lb1.host.sysctl("net.ipv4.vs.conn_reuse_mode", 2)
    assert lb1.stop() == 0
    assert values(lb1) == {**BEFORE, "net.ipv4.vs.conn_reuse_mode": "2"}
    assert "net.ipv4.vs.conn_reuse_mode was changed to 2 by somebody else: left so" in lb1.log
