"""Two directors on one segment, with VRRP alone: what the tests of the vrrp worker have in common."""
import contextlib
import re

from lbhatest import wait_for, wait_until

VIP = "192.168.8.200"
LB1, LB2 = "192.168.8.10", "192.168.8.11"

CONFIG = """cluster: shop
directors:
  lb1: {{address: 192.168.8.10, priority: {first}, interfaces: {{lan: eth0}}}}
  lb2: {{address: 192.168.8.11, priority: {second}, interfaces: {{lan: eth0}}}}
vrrp:
  - name: public
    interface: lan
    virtual_router_id: 51
    advert_interval: {interval}
    carrier_settle: {settle}
    virtual_addresses: [{addresses}]
{more}
"""


def config(first=150, second=100, interval="100ms", settle="0s", addresses=f"{VIP}/24", more=""):
    lines = "\n".join("    " + line for line in more.splitlines())
    return CONFIG.format(first=first, second=second, interval=interval, settle=settle, addresses=addresses, more=lines)


class Pair:
    """lb1 and lb2 with one configuration; the second is preferred less. Adverts are recorded on the wire of `watcher`."""

    def __init__(self, lab, **settings):
        self.lab = lab
        self.lan = lab.segment("lan", "192.168.8.0/24")
        text = config(**settings)
        self.lb1 = lab.director("lb1", (self.lan, LB1), config=text)
        self.lb2 = lab.director("lb2", (self.lan, LB2), config=text)
        self.watcher = lab.host("watcher", (self.lan, "192.168.8.99"))
        self.adverts = self.watcher.capture("ip proto 112")

    def start(self):
        """Both run, and lb1 is the master: first and only one, whatever time a start takes."""
        self.lb1.start()
        self.lb1.wait_role("MASTER")
        self.lb2.start()
        wait_for(lambda: self.lb2.vrrp()["master_address"], LB1, what="lb2 follows lb1")
        return self

    def wait_roles(self, first, second, within=6):
        wait_for(lambda: (self.lb1.role(), self.lb2.role()), (first, second), within, "roles of lb1 and lb2")


def own_addresses(host):
    """IPv4 addresses of eth0."""
    return {one for one in host.addresses("eth0") if ":" not in one}


@contextlib.contextmanager
def watched(host, *of):
    """A list that gets what the kernel tells meanwhile of "address", "route", "link", as lines of ip monitor."""
    log = host.log_file("ip-monitor")
    with open(log, "wb") as file:
        monitor = host.start("ip", "-o", "monitor", *of, stdout=file)

    # it listens when it notices an address of no meaning
    def noticed():
        host.ip("addr replace 127.7.7.7/32 dev lo", "addr del 127.7.7.7/32 dev lo")
        with open(log) as lines:
            return "Deleted" in lines.read()

    wait_until(noticed, what="ip monitor listens")
    changes = []
    try:
        yield changes
    finally:
        monitor.kill()
        monitor.wait()
        with open(log) as lines:
            changes += [line for line in lines if "127.7.7.7" not in line]


@contextlib.contextmanager
def address_changes(host):
    """A list that gets "+" or "-" and the address for each of IPv4 that is added or removed on a host meanwhile."""
    changes = []
    with watched(host, "address") as lines:
        yield changes
    for line in lines:
        match = re.search(r"(Deleted )?.* inet (\S+)", line)
        if match:
            changes.append(("-" if match[1] else "+") + match[2])
