"""The VRRP examples of etc/examples, built as they say: who has the addresses in peace, and after a planned stop of the first.

The numbers that only cost time are made smaller by `defaults`, which no example has.
"""
import os

from lbhatest import wait_for, wait_until
from lbhatest.examples import example

FAST = "\ndefaults: {vrrp: {advert_interval: 100ms, carrier_settle: 0s}}\n"
SETTLED = "\ndefaults: {vrrp: {carrier_settle: 0s}}\n"


def text_of(name, defaults=FAST):
    text = example(name)
    assert "defaults:" not in text
    return text + defaults


class Two:
    """lb1 and lb2 on the same segments, with the host numbers 10 and 11 of each."""

    def __init__(self, lab, name, *networks, hosts=(10, 11)):
        self.segments = [lab.segment(f"net{number}", network) for number, network in enumerate(networks)]
        text = text_of(name)
        places = [[(segment, network.replace("0/24", str(host))) for segment, network in zip(self.segments, networks)]
                  for host in hosts]
        self.lb1 = lab.director("lb1", *places[0], config=text)
        self.lb2 = lab.director("lb2", *places[1], config=text)

    def start(self):
        self.lb1.start()
        self.wait_all(self.lb1, "MASTER")
        self.lb2.start()
        self.wait_all(self.lb2, "BACKUP")

    @staticmethod
    def wait_all(director, role):
        wait_until(lambda: {one["state"] for one in director.status()["vrrp"]} == {role}, 10, f"{director} is {role}")


def holds_all(director, *addresses):
    return all(director.holds(address) for address in addresses)


def moves(two, *addresses):
    """Peace, then a planned stop: the addresses are where they should be, and only there."""
    two.start()
    wait_until(lambda: holds_all(two.lb1, *addresses), what="lb1 has the addresses")
    assert not any(two.lb2.holds(address) for address in addresses)
    assert two.lb1.stop() == 0
    two.wait_all(two.lb2, "MASTER")
    wait_until(lambda: holds_all(two.lb2, *addresses), what="lb2 has the addresses")
    assert not any(two.lb1.holds(address) for address in addresses)


def test_unicast(lab):
    two = Two(lab, "vrrp-unicast", "192.168.8.0/24")
    heard = lab.host("watcher", (two.segments[0], "192.168.8.99")).capture("ip proto 112 and multicast")
    moves(two, "192.168.8.200")
    assert not heard.frames


def test_keepalived(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    old = lab.keepalived("old", (lan, "192.168.8.11"), version=2, vips="192.168.8.200/24",
                         more="authentication {\n\t\tauth_type PASS\n\t\tauth_pass only8byt\n\t}")
    lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=text_of("vrrp-keepalived", SETTLED))
    with open(os.path.join(os.path.dirname(lb1.config_file), "vrrp.key"), "w") as key:
        os.fchmod(key.fileno(), 0o600)
        key.write("only8byt\n")
    old.start()
    old.wait_master(within=10)
    lb1.start()
    lb1.wait_role("MASTER", within=10)
    old.wait_backup()
    assert lb1.holds("192.168.8.200") and not lb1.vrrp()["dropped"].get("bad_auth")
    assert lb1.stop() == 0
    old.wait_master()
    wait_for(lambda: lb1.holds("192.168.8.200"), False, what="lb1 lets go")


def test_ipv6(lab):
    two = Two(lab, "vrrp-ipv6", "192.168.8.0/24")
    moves(two, "fe80::1/64", "2001:db8:8::1/64", "192.168.8.1/24")


def test_gateway(lab):
    two = Two(lab, "vrrp-gateway", "203.0.113.0/24", "10.0.0.0/24", hosts=(2, 3))
    lab.serve(lab.host("upstream", (two.segments[0], "203.0.113.1")), port=22)
    addresses = "203.0.113.10", "10.0.0.1"
    two.start()
    wait_until(lambda: holds_all(two.lb1, *addresses), what="lb1 has both addresses")
    # lb1 alone loses the upstream router: packets for it go to a MAC address that nobody has
    two.lb1.host.ip("neigh replace 203.0.113.1 lladdr 02:ff:ff:ff:ff:ff dev eth0 nud permanent")
    two.wait_all(two.lb2, "MASTER")
    assert {one["priority"] for one in two.lb1.status()["vrrp"]} == {90}
    wait_until(lambda: holds_all(two.lb2, *addresses), what="lb2 has both addresses")
    two.lb1.host.ip("neigh del 203.0.113.1 dev eth0")
    two.wait_all(two.lb1, "MASTER")
    # a dead cable inside takes the outside along
    two.lb1.host.unplug("eth1")
    two.wait_all(two.lb2, "MASTER")
    wait_until(lambda: holds_all(two.lb2, *addresses), what="lb2 has both addresses")
    wait_until(lambda: not any(two.lb1.holds(address) for address in addresses), what="lb1 has neither")
