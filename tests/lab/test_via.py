"""via: vip: probes that take the clients' own way through IPVS, for dr and tunnel, on a MASTER and on a BACKUP at once.

    lb1 .10 (MASTER), lb2 .11 (BACKUP) ──┬── 192.168.8.0/24, 2001:db8:8::/64
         good .20: the VIP and a tunnel's end ──┤
         bare .30: a web server, no VIP       ──┤
         shut .40: the VIP, no tunnel's end   ──┘
"""
import contextlib

import pytest

from lbhatest import Lab, wait_until
from lbhatest.authority import Authority
from lbhatest.datagrams import Datagrams
from lbhatest.lab import RealServer, load_tunnels
from lbhatest.rogue import Server, answer, asked, dialogue, says, server_context, silent, stays

VIP, VIP6 = "192.168.8.200", "2001:db8:8::200"
CONFIG = f"""
directors:
  lb1: {{address: 192.168.8.10, priority: 150}}
  lb2: {{address: 192.168.8.11, priority: 100}}
global:
  ipvs: {{read_back: 10m}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, carrier_settle: 0s, virtual_addresses: [{VIP}/24]}}
  - {{name: six, interface: eth0, virtual_router_id: 51, carrier_settle: 0s, virtual_addresses: [fe80::200/64, "{VIP6}/64"]}}
defaults:
  check: {{interval: 500ms, timeout: 400ms, rise: 1, fall: 2}}
checks:
  way: {{type: tcp, via: vip}}
  page: {{type: http, via: vip}}
services:
  - {{name: web, listen: "{VIP}:80", scheduler: rr, check: page, real_servers: [192.168.8.20, 192.168.8.30]}}
  - {{name: wrapped, listen: "{VIP}:8080", scheduler: rr, forwarding: tunnel, check: way, real_servers: [192.168.8.20, 192.168.8.40]}}
  - {{name: six, listen: "[{VIP6}]:80", scheduler: rr, check: way, real_servers: ["2001:db8:8::20", "2001:db8:8::30"]}}
"""
DIRECT = CONFIG.replace(", via: vip", "")
EXPECTED = {("web", "192.168.8.20"): "up", ("web", "192.168.8.30"): "down",
            ("wrapped", "192.168.8.20"): "up", ("wrapped", "192.168.8.40"): "down",
            ("six", "2001:db8:8::20"): "up", ("six", "2001:db8:8::30"): "down"}
SYSCTLS = "net.ipv4.conf.eth0.accept_local", "net.ipv4.conf.eth0.rp_filter"


class Network:
    def __init__(self, lab):
        self.lan = lab.segment("lan", "192.168.8.0/24")
        self.directors = [lab.director(name, (self.lan, f"192.168.8.{number}", f"2001:db8:8::{number}/64"), config=CONFIG)
                          for name, number in (("lb1", 10), ("lb2", 11))]
        self.good, self.bare, self.shut = (
            RealServer(lab.host(name, (self.lan, f"192.168.8.{number}", f"2001:db8:8::{number}/64")))
            for name, number in (("good", 20), ("bare", 30), ("shut", 40)))
        for server in self.good, self.shut:
            server.hold(VIP)
            server.host.ip(f"addr add {VIP6}/128 dev lo nodad")
            lab.serve(server.host, 8080)
        lab.serve(self.bare.host, 8080)
        self.good.host.ip("link add unwrap type ipip local 192.168.8.20", "link set unwrap up")
        self.good.host.sysctl("net.ipv4.conf.unwrap.rp_filter", 0)
        for director in self.directors:
            director.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)


@pytest.fixture(scope="module")
def shared(request):
    load_tunnels()
    with Lab("test_via") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def net(shared):
    for director in shared.directors:
        if not director.is_running:
            director.configure(CONFIG)
            director.start(within=20)
    shared.directors[0].wait_role("MASTER", 15, name="public")
    shared.directors[1].wait_role("BACKUP", 15, name="public")
    return shared


def verdicts(director):
    return {(service["name"], server["name"]): server["health"]
            for service in director.status()["services"] for server in service["real_servers"]}


def expect(net, expected=None, within=15):
    for director in net.directors:
        wait_until(lambda: verdicts(director) == {**EXPECTED, **(expected or {})}, within, f"{director} has the right verdicts")


# Types that connect, and tunnels: name, address, port, check, what else; the servers are good, and one that lacks the address
# (dr) or the tunnel's end. BIND6 is the director's own address.
TUNNEL = "forwarding: tunnel, tunnel: "
ASK, GREET = "type: udp, send: ping, expect: pong", "type: tcp"
KINDS = [
    ("asked", VIP, 5000, ASK, "protocol: udp"),
    ("names", VIP, 53, "type: dns, name: a.example, record: A, expect: {address: 192.0.2.1}", "protocol: udp"),
    ("names-tcp", VIP, 5300, "type: dns, transport: tcp, name: a.example, record: A, expect: {address: 192.0.2.1}", ""),
    ("talk", VIP, 7000, 'type: tcp, send: "hello\\r\\n", expect: "you said hello"', ""),
    ("secret", VIP, 443, "type: http, scheme: https, tls: {verify: false}", ""),
    ("handshake", VIP, 4443, "type: tls, verify: false", TUNNEL + "{type: ipip}"),
    ("mail", VIP, 25, "type: smtp", ""),
    ("gue", VIP, 81, GREET, TUNNEL + "{type: gue, port: 6080}"),
    ("gue-csum", VIP, 5001, ASK, TUNNEL + "{type: gue, port: 6080, checksum: csum}, protocol: udp"),
    ("gre", VIP, 83, GREET, TUNNEL + "{type: gre}"),
    ("six-asked", VIP6, 5000, ASK, "protocol: udp"),
    ("six-tunnel", VIP6, 81, GREET, TUNNEL + "{type: ipip}"),
    ("six-gue", VIP6, 82, GREET, TUNNEL + "{type: gue, port: 6080}"),
    ("six-in-four", VIP6, 83, GREET + ', bind: "BIND6"', TUNNEL + "{type: ipip}"),
]


def servers_of(name):
    _, vip, _, _, more = next(kind for kind in KINDS if kind[0] == name)
    network = "2001:db8:8::" if vip == VIP6 and name != "six-in-four" else "192.168.8."
    return [f"{network}{number}" for number in ((20, 40) if TUNNEL in more else (20, 30))]


def named(query):
    """The answer that a.example is 192.0.2.1."""
    return (query[:2] + bytes.fromhex("8180 0001 0001 0000 0000") + query[12:12 + query[12:].index(b"\0") + 5] +
            bytes.fromhex("c00c 0001 0001 0000003c 0004") + bytes([192, 0, 2, 1]))


def named_by_tcp(connection):
    while len(connection.heard) < 2 or len(connection.heard) < 2 + int.from_bytes(connection.heard[:2], "big"):
        if not connection.hear():
            return
    reply = named(connection.heard[2:])
    connection.send(len(reply).to_bytes(2, "big") + reply)
    connection.wait_gone()


echo = asked(b"hello\r\n", says(b"you said hello\r\n", stays))
mail = dialogue((None, b"220 good ESMTP\r\n"), (b"\r\n", b"250 good\r\n"), (b"QUIT", b"221 bye\r\n"))


def kinds_config():
    head = CONFIG[:CONFIG.index("checks:")].replace("interval: 500ms, timeout: 400ms", "interval: 1s, timeout: 800ms")
    lines = []
    for name, vip, port, check, more in KINDS:
        servers = [f'"{server}"' for server in servers_of(name)]
        listen = f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}"
        lines.append(f'  - {{name: {name}, listen: "{listen}", scheduler: rr, check: {{{check}, via: vip}}, '
                     f'real_servers: [{", ".join(servers)}]{", " if more else ""}{more}}}\n')
    return head + "services:\n" + "".join(lines)


LOOK = f"""ip rule; ip -6 rule; ip route show table 19522 2>/dev/null; ip -6 route show table 19522 2>/dev/null
ipvsadm -Sn | grep -e '-A -f' | sort; sysctl -n {' '.join(SYSCTLS)}"""


def traces(director):
    """What there is of the ways of probes: rules, routes, private services, and sysctls at the end."""
    lines = director.host.run("sh", "-c", LOOK).splitlines()
    return [line for line in lines if "19522" in line or VIP in line or VIP6 in line or "-f" in line] + lines[-2:]


def rights(director):
    """The effective capabilities of the check worker."""
    [pid] = director.worker_pids()["check"]
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))


NET_RAW = 1 << 13
NOTHING = ["0", "1"]


def test_servers_are_up_that_a_client_would_reach_and_no_others(net):
    """On both directors, over dr and tunnel, and over IPv6."""
    expect(net)
    for director in net.directors:
        wait_until(lambda: "is the VIP on the server's lo? `lbha-rs setup`" in director.server("192.168.8.30", "web")["reason"],
                   what=f"{director} says what is missing")
        wait_until(lambda: "its tunnel" in director.server("192.168.8.40", "wrapped")["reason"], what="and here, too")
        about = traces(director)
        assert len([line for line in about if "fwmark" in line]) == 2 and len([line for line in about if "-f" in line]) == 6
        assert len([line for line in about if line.startswith("local")]) == 2 and about[-2:] == ["1", "2"], about
        assert rights(director) == NET_RAW
    backup = net.directors[1]
    code, said = backup.ctl_status("check", "web", "192.168.8.20")
    assert code == 0 and "the way of the clients: mark 0x" in said and "passed: status 200" in said, said
    code, said = backup.ctl_status("check", "web", "192.168.8.30")
    assert code == 1 and "is the VIP on the server's lo?" in " ".join(said.split()), said


def test_private_services_are_nobodys_business(net):
    director = net.directors[0]
    assert len(director.status()["services"]) == 3
    assert "-f" not in director.ctl("export", "ipvsadm").split()
    assert director.ctl("plan") == ""


def test_the_verdict_follows_the_address_and_the_tunnel(net):
    net.bare.hold(VIP)
    net.good.host.ip("link set unwrap down")
    expect(net, {("web", "192.168.8.30"): "up", ("wrapped", "192.168.8.20"): "down"})
    net.bare.host.ip(f"addr del {VIP}/32 dev lo")
    net.good.host.ip("link set unwrap up")
    expect(net)


def test_a_flushed_table_comes_back_with_the_first_failure(net):
    """Long before the periodic read-back: a probe that fails makes the ipvs worker look."""
    whole = [traces(director) for director in net.directors]
    for director in net.directors:
        director.host.run("ipvsadm", "-C")
    for director, before in zip(net.directors, whole):
        wait_until(lambda: traces(director) == before, 15, f"{director} has everything again")
    expect(net)


def test_rules_routes_and_sysctls_that_somebody_takes_come_back_with_the_read_back(net):
    lb2 = net.directors[1]
    code, said = lb2.reload(CONFIG.replace("10m", "1s"))
    assert code == 0, said
    whole = traces(lb2)
    lb2.host.run("sh", "-c", "ip rule del lookup 19522; ip -6 rule del lookup 19522; ip route flush table 19522; "
                 f"ip -6 route flush table 19522; sysctl -qw {SYSCTLS[0]}=0")
    wait_until(lambda: traces(lb2) == whole, 15, f"{lb2} has everything again")
    expect(net)


def private_services(director):
    """{(service's options, the one server)} of the ways, as ipvsadm takes them."""
    found = set()
    for line in director.host.run("ipvsadm", "-Sn").splitlines():
        words = line.split()
        if words[:2] == ["-a", "-f"]:
            found.add((" ".join(words[1:words.index("-r")]), words[words.index("-r") + 1]))
    return found


def probed(director):
    """Of each server that is to be down: its verdict, and when it was probed last."""
    return {key: (server["health"], server["checks"][0]["time"])
            for key in EXPECTED if EXPECTED[key] == "down" for server in [director.server(key[1], key[0])]}


def test_probes_of_a_private_service_that_somebody_took_away_are_lost(net):
    """They would go to any server as packets of the ordinary service (on either director), or to this machine: the server would be up
    until the next look at the table."""
    for director in net.directors:
        code, said = director.reload(CONFIG)
        assert code == 0, said
    expect(net)
    for director in net.directors:
        for service, server in private_services(director):
            if "30" in server or "40" in server:
                director.host.run("sh", "-c", f"ipvsadm -D {service}")
        assert len(private_services(director)) == 3
    for director in net.directors:
        before, ends = probed(director), set()
        for _ in range(2):
            wait_until(lambda: all(now[1] != before[key][1] for key, now in probed(director).items()), 15, "another probe of each")
            before = probed(director)
            ends |= {verdict for verdict, _ in before.values()}
        assert ends == {"down"} and len(private_services(director)) == 3
        code, said = director.reload(CONFIG.replace("10m", "1s"))
        assert code == 0, said
        wait_until(lambda: len(private_services(director)) == 6, 15, f"{director} has looked")
    expect(net)


def test_every_type_and_tunnel_takes_the_way(net, tmp_path):
    certificate = Authority(tmp_path, "any").signed()
    good = net.good
    good.host.ip("link add six type ip6tnl mode any local 2001:db8:8::20 remote ::", "link add four type sit local 192.168.8.20",
                 "link add wrapped type gre local 192.168.8.20", *(f"link set {link} up" for link in ("six", "four", "wrapped")))
    for link in "wrapped", "four":
        good.host.sysctl(f"net.ipv4.conf.{link}.rp_filter", 0)
    good.host.run("ip", "fou", "add", "port", "6080", "gue")
    good.host.run("ip", "fou", "add", "port", "6080", "gue", "-6")
    with contextlib.ExitStack() as serving:
        for vip in VIP, VIP6:
            serving.enter_context(Datagrams(lambda asked: [b"pong"] if asked.data == b"ping" else [], vip, 5000, good.host))
        serving.enter_context(Datagrams(lambda asked: [b"pong"], VIP, 5001, good.host))
        serving.enter_context(Datagrams(lambda asked: [named(asked.data)], VIP, 53, good.host))
        for port, behaviour, tls in ((5300, named_by_tcp, None), (7000, echo, None), (25, mail, None), (81, stays, None), (82, stays, None),
                                     (83, stays, None), (443, answer(), server_context(certificate)),
                                     (4443, silent, server_context(certificate))):
            serving.enter_context(Server(behaviour, "::", port, good.host, tls))
        for director in net.directors:
            code, said = director.reload(kinds_config().replace("BIND6", director.host.port().address[1].split("/")[0]))
            assert code == 0, said
        wanted = {(name, server): "up" if "20" in server[-2:] else "down"
                  for name, _, _, _, _ in KINDS for server in servers_of(name)}
        for director in net.directors:
            wait_until(lambda: verdicts(director) == wanted, 30, f"{director} has the right verdicts")
    for director in net.directors:
        wait_until(lambda: set(verdicts(director).values()) == {"down"}, 15, "nobody serves any more")
        code, said = director.reload(CONFIG)
        assert code == 0, said
    expect(net)


def test_what_a_killed_daemon_leaves_is_adopted(net):
    backup = net.directors[1]
    whole = traces(backup)
    backup.crash()
    assert traces(backup) == whole
    backup.start(within=20)
    expect(net)
    assert traces(backup) == whole


def test_a_reload_without_the_key_takes_all_away_and_one_with_it_brings_all_back(net):
    """The check worker gives up its right, so another one takes its place; no verdict is lost by that."""
    lb2 = net.directors[1]
    whole, before = traces(lb2), len(lb2.log)
    code, said = lb2.reload(DIRECT)
    assert code == 0, said
    wait_until(lambda: set(verdicts(lb2).values()) == {"up"}, 15, "directly all answer")
    assert traces(lb2) == NOTHING and rights(lb2) == 0 and lb2.rules() is None
    code, said = lb2.reload(CONFIG)
    assert code == 0, said
    assert lb2.server("192.168.8.20", "web")["health"] != "down"
    expect(net)
    assert traces(lb2) == whole and rights(lb2) == NET_RAW
    assert "somebody else" not in lb2.log[before:], "what a reload removes is no repair"


def test_a_takeover_changes_no_verdict(net):
    """The virtual address comes to the director that probes: from then on it is local, and answers come from an own address."""
    master, backup = net.directors
    expect(net)
    before = len(backup.log)
    master.host.cut_off()
    backup.wait_role("MASTER", 15, name="public")
    seen = probed(backup)
    for _ in range(2):
        wait_until(lambda: all(now[1] != seen[key][1] for key, now in probed(backup).items()), 15, "another probe of each")
        seen = probed(backup)
    assert "down → up" not in backup.log[before:]
    wait_until(lambda: verdicts(backup) == EXPECTED, 15, "the right verdicts")
    master.host.join_again()


def test_a_stop_leaves_nothing(net):
    for director in net.directors:
        before = len(director.log)
        assert director.stop(within=15) == 0
        assert "somebody else" not in director.log[before:], "nor is what a stop removes"
        assert traces(director) == NOTHING and director.rules() is None
