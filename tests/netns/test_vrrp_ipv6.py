"""IPv6 below VRRP: an address that the kernel still probes, and an interface that loses IPv6 for a while."""
from lbhatest import wait_for

CONFIG = """directors:
  lb1: {priority: 150}
  lb2: {priority: 100}
vrrp:
  - name: six
    interface: eth0
    virtual_router_id: 5
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: ["fe80::200/64", "2001:db8:8::200/64"]
"""


def directors(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return [lab.director(name, (lan, address), config=CONFIG) for name, address in
            (("lb1", "192.168.8.10"), ("lb2", "192.168.8.11"))]


def follows(lb1, lb2):
    wait_for(lambda: (lb1.role(), lb2.role()), ("MASTER", "BACKUP"), what="lb2 follows lb1")
    wait_for(lambda: lb2.vrrp()["reason"].split()[1:], "advertises 150 > 100".split(), what="lb2 hears lb1")


def test_a_source_is_waited_for_while_the_kernel_looks_for_duplicates(lab):
    lb1, _ = directors(lab)
    host = lb1.host
    for interface in "all", "eth0":
        host.sysctl(f"net.ipv6.conf.{interface}.accept_dad", 1)
    host.sysctl("net.ipv6.conf.eth0.dad_transmits", 2)
    host.ip("link set eth0 down", "link set eth0 up")
    lb1.start()
    status = lb1.vrrp()
    assert status["state"] == "FAULT"
    address = "fe80::ff:fe00:2"
    assert status["faults"][0] in (f"{address} of eth0 is not usable yet: the kernel looks for duplicates of it",
                                   "eth0 has no IPv6 address to send from")
    lb1.wait_role("MASTER")
    assert lb1.vrrp()["master_address"] == address


def test_an_address_that_another_machine_has_is_no_source(lab):
    lb1, lb2 = directors(lab)
    for interface in "all", "eth0":
        lb1.host.sysctl(f"net.ipv6.conf.{interface}.accept_dad", 1)
    lb1.host.ip("addr del fe80::ff:fe00:2/64 dev eth0", "addr add fe80::7/64 dev eth0")
    lb2.host.ip("addr add fe80::8/64 dev eth0")
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.host.ip("addr del fe80::7/64 dev eth0", "addr add fe80::8/64 dev eth0")
    wait_for(lambda: lb1.vrrp()["faults"], ["fe80::8 of eth0 is not usable: another machine has it"], what="a duplicate is told")
    lb1.host.ip("addr del fe80::8/64 dev eth0", "addr add fe80::7/64 dev eth0")
    lb1.wait_role("MASTER")


def test_an_interface_that_had_lost_ipv6_hears_again(lab):
    """Below an MTU of 1280 an interface has no IPv6; the kernel forgets which groups were joined on it."""
    lb1, lb2 = directors(lab)
    lb1.start()
    lb1.wait_role("MASTER")
    lb2.start()
    follows(lb1, lb2)
    lb2.host.ip("link set eth0 mtu 1200", "link set eth0 mtu 1500")  # too fast to be seen as a state
    received = lb2.vrrp()["received"]
    wait_for(lambda: lb2.vrrp()["received"] > received + 20, True, what="lb2 hears lb1")
    assert lb2.role() == "BACKUP"
    for command in "sysctl -qw net.ipv6.conf.eth0.disable_ipv6={}", "ip link set eth0 mtu {}":
        bad, good = (1, 0) if "sysctl" in command else (1200, 1500)
        lb2.host.run(*command.format(bad).split())
        lb2.wait_role("FAULT")
        lb2.host.run(*command.format(good).split())
        follows(lb1, lb2)
    assert not lb1.vrrp()["competing_master"]
