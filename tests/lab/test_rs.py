"""lbha-rs at the end of every tunnel, with real packets: one configuration, read by the director and by the server.

    client .100 ──┬── 172.30.0.0/24, fd00:172::/64
                  ├── lb1 .10
                  └── router .1 ── 10.9.0.0/24, fd00:9::/64 ── far .20, .21
"""
import json
import re

import pytest

from lbhatest import Lab, wait_until
from lbhatest.director import program
from lbhatest.lab import load_tunnels
from lbhatest.traffic import Client

VIP, VIP6 = "172.30.0.200", "fd00:172::200"
FAR, FAR_TOO, FAR6 = "10.9.0.20", "10.9.0.21", "fd00:9::20"
GUE = "{type: gue, port: 6080}"
# name, virtual address, port, tunnel, server, and what its packets are called
WAYS = [
    ("ipip", VIP, 80, "{type: ipip}", FAR, "ip proto 4"),
    ("gue", VIP, 81, GUE, FAR, "udp port 6080"),
    ("gue-remcsum", VIP, 82, "{type: gue, port: 6080, checksum: remcsum}", FAR, "udp port 6080"),
    ("gre", VIP, 83, "{type: gre}", FAR, "ip proto 47"),
    ("gre-csum", VIP, 84, "{type: gre, checksum: csum}", FAR_TOO, "ip proto 47"),
    ("four-in-six", VIP, 85, "{type: ipip}", FAR6, "ip6 proto 4"),
    ("four-in-gue-six", VIP, 86, GUE, FAR6, "ip6 and udp port 6080"),
    ("six-in-four", VIP6, 80, "{type: ipip}", FAR, "ip proto 41"),
    ("six-in-gue", VIP6, 81, GUE, FAR, "ip and udp port 6080"),
    ("six-in-gre", VIP6, 82, "{type: gre}", FAR, "ip proto 47"),
    ("six-in-six", VIP6, 83, "{type: ipip}", FAR6, "ip6 proto 41"),
    ("six-in-gre-six", VIP6, 84, "{type: gre}", FAR6, "ip6 proto 47"),
]
CONFIG = f"""
directors:
  lb1: {{address: 172.30.0.10}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    carrier_settle: 0s
    virtual_addresses: [{VIP}/24, {{address: "{VIP6}/64", advertise: false}}]
defaults: {{check: {{type: tcp, port: 80, interval: 1s, rise: 1}}}}
services:
""" + "".join(
    f'  - {{name: {name}, listen: "{f"[{vip}]" if ":" in vip else vip}:{port}", forwarding: tunnel, tunnel: {tunnel}, '
    f'real_servers: ["{server}"]}}\n' for name, vip, port, tunnel, server, _ in WAYS)


class Network:
    def __init__(self, lab):
        outside, far = lab.segment("outside", "172.30.0.0/24"), lab.segment("far", "10.9.0.0/24")
        self.router = lab.router("router", (outside, "172.30.0.1", "fd00:172::1/64"), (far, "10.9.0.1", "fd00:9::1/64"))
        self.lb1 = lab.director("lb1", (outside, "172.30.0.10", "fd00:172::10/64"), config=CONFIG)
        self.lb1.host.route("10.9.0.0/24 via 172.30.0.1", "fd00:9::/64 via fd00:172::1")
        self.client = Client(lab.host("client", (outside, "172.30.0.100", "fd00:172::100/64")))
        self.client.host.route("default via 172.30.0.1", "default via fd00:172::1")
        self.far = lab.host("far", (far, FAR, f"{FAR_TOO}/24", f"{FAR6}/64"))
        self.far.route("default via 10.9.0.1", "default via fd00:9::1")
        self.far.sysctl("net.ipv4.conf.all.rp_filter", 1)
        for port in range(80, 87):
            lab.serve(self.far, port)
        self.file = self.far.log_file("lbha.conf")
        with open(self.file, "w") as file:
            file.write(CONFIG)
        self.lb1.start()
        self.lb1.wait_role("MASTER", 15, name="public")

    def rs(self, *words):
        return self.far.status_of(program("lbha-rs"), *words, "--state-dir", self.far.log_file("rs-state"))

@pytest.fixture(scope="module")
def net(request):
    load_tunnels()
    with Lab("test_rs") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


LOOK = """ip -d -o addr show | sed 's/^[0-9]*: //; s/valid_lft.*//'; ip -o link show | cut -d: -f2 | sort; ip fou show 2>/dev/null; ip route; ip -6 route
cd /proc/sys/net/ipv4/conf && grep . */arp_ignore */arp_announce */rp_filter"""


def state(host):
    """All that lbha-rs may touch. A module that it loads may bring a device of its own, which is no trace of it."""
    text = host.run("sh", "-c", LOOK)
    known = r"\b(tunl0|sit0|ip6tnl0|gre0|gretap0|erspan0|ip6gre0)\b|lbha-.* (fe80|permaddr)"    # and what is made up by chance
    return sorted(line for line in text.splitlines() if not re.search(known, line))


def test_one_setup_makes_the_end_of_every_tunnel_and_teardown_takes_all_away(net):
    before = state(net.far)
    code, said = net.rs("setup", "-f", net.file)
    assert code == 0, said
    links = {line.split(":")[1].split("@")[0].strip() for line in net.far.run("ip", "-o", "link").splitlines()}
    assert {"lbha-ipip", "lbha-sit", "lbha-ip6tnl", "lbha-gre", "lbha-gre2", "lbha-ip6gre"} <= links
    assert net.far.sysctl("net.ipv4.conf.all.rp_filter") == "1", "nothing else is loosened"
    assert net.rs("status", "-f", net.file)[0] == 0
    code, said = net.rs("doctor", "-f", net.file)
    assert code == 0, said
    again = json.loads(net.rs("setup", "-f", net.file, "--json")[1])
    assert again["operations"] == [], again
    wait_until(lambda: all(service["state"] == "up" for service in net.lb1.status()["services"]), 15, "services are up")
    heard = net.lb1.host.capture(f"(ip src host {VIP} or ip6 src host {VIP6}) and tcp", on="eth0")
    for name, vip, port, _, _, packets in WAYS:
        wrapped = net.far.capture(packets)
        answer = net.client.get(vip, port=port)
        assert answer.ok, f"{name}: {answer}"
        assert wrapped.frames, f"{name}: no packet came as {packets}"
    assert heard.frames == [], "answers go straight to the client"
    code, said = net.rs("teardown")
    assert code == 0, said
    assert state(net.far) == before


def test_the_commands_of_a_dry_run_make_the_same_tunnels(net):
    before = state(net.far)
    code, said = net.rs("setup", "-f", net.file, "--dry-run")
    assert code == 0 and state(net.far) == before
    commands = "\n".join(line.strip() for line in said.splitlines() if line.startswith("    "))
    net.far.run("sh", "-ec", commands)
    by_hand = state(net.far)
    assert net.rs("status", "-f", net.file)[0] == 0
    for name, vip, port, *_ in WAYS[::4]:
        assert net.client.get(vip, port=port).ok, name
    net.far.run("sh", "-ec", """for link in $(ls /sys/class/net | grep ^lbha-); do ip link del $link; done
ip fou del port 6080; ip fou del port 6080 -6
for where in all lo; do sysctl -q net.ipv4.conf.$where.arp_ignore=0 net.ipv4.conf.$where.arp_announce=0; done""")
    assert state(net.far) == before
    assert net.rs("setup", "-f", net.file)[0] == 0
    mine = state(net.far)
    assert net.rs("teardown")[0] == 0
    assert [line.replace(" proto 76", "") for line in mine] == by_hand


def test_another_tunnel_or_address_in_the_file_is_followed(net):
    """The end of the tunnel is made anew where another one is wanted, and what is wanted no longer goes."""
    before = state(net.far)
    assert net.rs("setup", "--vip", VIP, "--forwarding", "tunnel", "--tunnel", "gre:csum")[0] == 0
    assert "icsum" in net.far.run("ip", "-d", "link", "show", "lbha-gre")
    code, said = net.rs("setup", "--vip", VIP, "--forwarding", "tunnel", "--tunnel", "gre")
    assert code == 0, said
    shown = net.far.run("ip", "-d", "addr", "show", "lbha-gre")
    assert "icsum" not in shown and f"{VIP}/32" in shown
    code, said = net.rs("setup", "--vip", VIP, "--forwarding", "tunnel", "--tunnel", "gue:6081")
    assert code == 0, said
    links = net.far.run("ip", "-o", "link")
    assert "lbha-gre" not in links and "lbha-ipip" in links and "lbha-ipip2" in links, "one for each address"
    assert "port 6081 gue" in net.far.run("ip", "fou", "show")
    code, said = net.rs("setup", "--vip", VIP)
    assert code == 0 and "lbha-" not in net.far.run("ip", "-o", "link") and net.far.run("ip", "fou", "show") == ""
    assert net.rs("teardown")[0] == 0
    assert state(net.far) == before


def test_what_somebody_else_has_made_is_neither_used_nor_removed(net):
    net.far.ip(f"link add theirs type ipip local {FAR}", "link add lbha-gre type gre local 10.9.0.99")
    before = state(net.far)
    code, said = net.rs("setup", "--vip", VIP, "--forwarding", "tunnel")
    assert code == 1 and "cannot make the tunnel's end lbha-ipip" in said and "not ours" in said
    assert net.rs("teardown")[0] == 0
    assert state(net.far) == before
    code, said = net.rs("setup", "--vip", VIP, "--forwarding", "tunnel", "--tunnel", "gre")
    assert code == 1 and "a link lbha-gre is there already and not ours" in said and "nothing was changed" in said
    assert net.rs("teardown")[0] == 0
    assert state(net.far) == before
    net.far.ip("link del theirs", "link del lbha-gre")


def test_a_tunnel_that_was_replaced_since_is_left_and_told(net):
    assert net.rs("setup", "--vip", VIP, "--forwarding", "tunnel")[0] == 0
    net.far.ip("link set lbha-ipip alias theirs")
    code, said = net.rs("teardown")
    assert code == 0 and "leave lbha-ipip" in said
    net.far.ip("link del lbha-ipip")    # it is there
