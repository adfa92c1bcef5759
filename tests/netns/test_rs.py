"""lbha-rs on real hosts: silent about the VIP, able to serve it, and gone without a trace."""
import contextlib
import json
import os
import random
import re
import signal
import socket
import struct

import pytest

from lbhatest import wait_until
from lbhatest.director import program

VIP = "192.168.8.200"
REAL = "192.168.8.20"
ARP_SYSCTLS = [f"net.ipv4.conf.{where}.{name}" for where in ("all", "lo", "default", "eth0")
               for name in ("arp_ignore", "arp_announce")]

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10}}
services:
  - name: web
    listen: [192.168.8.200:80, 192.168.8.200:443]
    real_servers: [{real}, 192.168.8.21]
  - name: mail
    listen: 192.168.8.201:25
    real_servers: [192.168.8.21]
  - name: old
    listen: 192.168.8.202:80
    forwarding: nat
    real_servers: [{real}]
"""


@pytest.fixture
def lan(lab):
    return lab.segment("lan", "192.168.8.0/24")


@pytest.fixture
def server(lab, lan):
    return lab.real_server("a", lan, REAL)


@pytest.fixture
def client(lab, lan):
    return lab.client("client", lan, "192.168.8.100")


def configured(server, text=CONFIG, **values):
    path = server.host.log_file("lbha.conf")
    with open(path, "w") as file:
        file.write(text.format(**{"real": REAL, **values}))
    return "-f", path


def state(host):
    """All that lbha-rs may touch: sysctls, and addresses with every attribute but lifetimes."""
    addresses = re.sub(r"valid_lft.*", "", host.run("ip", "-d", "addr", "show", "dev", "lo"))
    return {name: host.sysctl(name) for name in ARP_SYSCTLS}, addresses


def journal(server):
    return server.host.log_file("rs-state/rs-journal")


def ask_arp(client, target, sender="192.168.8.100"):
    mac = bytes.fromhex(client.host.mac().replace(":", ""))
    frame = b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + \
        mac + socket.inet_aton(sender) + b"\0" * 6 + socket.inet_aton(target)
    with client.host.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        sock.send(frame)


def answers_arp(client, target):
    """Whether anybody answers for an address: the real one is asked for next, and its answer ends the wait."""
    with contextlib.closing(client.host.capture("arp")) as heard:
        ask_arp(client, target)
        ask_arp(client, REAL)
        heard.wait(lambda frame: frame.is_arp_reply and frame.arp_sender[1] == REAL)
        return any(frame.is_arp_reply and frame.arp_sender[1] == target for frame in heard.frames)


def test_a_server_that_is_set_up_serves_the_vip_and_is_silent_about_it(server, client):
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert server.host.has_address(f"{VIP}/32")
    assert not answers_arp(client, VIP)
    # a director would send the packet to this MAC address
    client.host.ip(f"neigh replace {VIP} lladdr {server.host.mac()} dev eth0")
    answer = client.get(VIP)
    assert (answer.status, answer.body) == (200, "a")


def test_the_vip_without_silence_would_be_answered_for(server, client):
    """The test above proves something only if this one holds."""
    server.host.ip(f"addr add {VIP}/32 dev lo")
    wait_until(lambda: answers_arp(client, VIP), what="an answer for the VIP")  # a full neighbour table swallows one
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert not answers_arp(client, VIP)


def sender_of_a_request(server):
    """Whom the server names when it sends from the VIP and asks for the client's MAC address."""
    server.host.ip("neigh flush dev eth0")
    with contextlib.closing(server.host.capture("arp")) as asked:
        server.host.run("ping", "-c", "1", "-W", "1", "-I", VIP, "192.168.8.100", check=False)
        request = asked.wait(lambda frame: frame.is_arp_request and frame.direction == "out")
    return request.arp_sender[1]


def test_own_requests_never_name_the_vip(server, client):
    server.host.ip(f"addr add {VIP}/32 dev lo")
    assert sender_of_a_request(server) == VIP
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert sender_of_a_request(server) == REAL


def test_teardown_restores_exactly(server, client):
    server.host.sysctl("net.ipv4.conf.lo.arp_ignore", 2)
    server.host.sysctl("net.ipv4.conf.all.arp_announce", 1)
    before = state(server.host)
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    during = state(server.host)
    assert during[0]["net.ipv4.conf.lo.arp_ignore"] == "2", "never lowered"
    assert during[0]["net.ipv4.conf.all.arp_announce"] == "2"
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before
    assert not os.path.exists(journal(server))
    assert server.lbha_rs("teardown")[0] == 0, "nothing to undo is done"


def test_setup_again_does_nothing(server):
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    first, written = state(server.host), os.stat(journal(server))
    code, said = server.lbha_rs("setup", "--json", *configured(server))
    again = json.loads(said)
    assert (code, again["operations"], again["state"]) == (0, [], "in place")
    assert state(server.host) == first
    now = os.stat(journal(server))
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns), "not even the journal"


def test_what_was_cut_short_for_one_vip_is_partly_set_up(server):
    for more in range(400):
        if cut_after(server, 120 + more, "setup", "--vip", "192.0.2.80") == 0:
            pytest.fail("it was never cut before the address came")
        if os.path.exists(journal(server)) and "arp_ignore" in open(journal(server)).read():
            break
    assert not server.host.has_address("192.0.2.80")
    assert server.lbha_rs("status", "--vip", "192.0.2.80")[0] == 4
    assert server.lbha_rs("status", "--vip", "192.0.2.81")[0] == 3
    assert server.lbha_rs("teardown")[0] == 0


def test_status_tells_the_three_states_by_its_exit_code(server):
    config = configured(server)
    assert server.lbha_rs("status", *config)[0] == 3
    assert server.lbha_rs("setup", *config)[0] == 0
    assert server.lbha_rs("status", *config)[0] == 0
    server.host.sysctl("net.ipv4.conf.all.arp_ignore", 0)
    code, said = server.lbha_rs("status", *config)
    assert code == 4 and "raise net.ipv4.conf.all.arp_ignore from 0 to 1" in said
    assert server.lbha_rs("setup", *config)[0] == 0
    server.host.ip(f"addr del {VIP}/32 dev lo")
    assert server.lbha_rs("status", *config)[0] == 4
    assert server.lbha_rs("setup", *config)[0] == 0
    assert server.lbha_rs("status", *config)[0] == 0


def test_a_dry_run_changes_nothing_and_its_commands_do_the_same(server):
    config = configured(server)
    before = state(server.host)
    code, said = server.lbha_rs("setup", "--dry-run", *config)
    assert code == 0
    assert state(server.host) == before and not os.path.exists(journal(server))
    commands = [line.strip() for line in said.splitlines() if line.startswith("    ")]
    assert len(commands) == 5
    for command in commands:
        server.host.run("sh", "-c", command)
    by_hand = state(server.host)
    assert server.lbha_rs("status", *config)[0] == 0
    for name in ARP_SYSCTLS:
        server.host.sysctl(name, before[0][name])
    server.host.ip(f"addr del {VIP}/32 dev lo")
    assert server.lbha_rs("setup", *config)[0] == 0
    assert state(server.host) == by_hand


def test_a_vip_that_was_there_before_is_used_and_stays(server):
    server.host.ip(f"addr add {VIP}/32 dev lo")
    before = state(server.host)
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 0 and "not ours and will stay" in said
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before


def test_what_somebody_changed_meanwhile_is_left_and_told(server):
    before = state(server.host)
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    server.host.sysctl("net.ipv4.conf.all.arp_announce", 1)
    code, said = server.lbha_rs("teardown")
    assert code == 0
    assert "leave net.ipv4.conf.all.arp_announce at 1: somebody changed it" in said
    sysctls, addresses = state(server.host)
    assert sysctls.pop("net.ipv4.conf.all.arp_announce") == "1"
    before[0].pop("net.ipv4.conf.all.arp_announce")
    assert (sysctls, addresses) == before


def test_an_address_that_somebody_put_back_is_theirs(server):
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    server.host.ip(f"addr del {VIP}/32 dev lo", f"addr add {VIP}/32 dev lo")
    code, said = server.lbha_rs("teardown")
    assert code == 0 and "leave 192.168.8.200/32 on lo" in said
    assert server.host.has_address(VIP)


def test_a_service_that_left_the_file_takes_its_vip_along(server):
    both = CONFIG.replace("[192.168.8.21]", "[{real}]")
    assert server.lbha_rs("setup", *configured(server, both))[0] == 0
    assert server.host.has_address("192.168.8.201/32")
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 0 and "remove 192.168.8.201/32 from lo" in said
    assert not server.host.has_address("192.168.8.201/32") and server.host.has_address(VIP)


def test_one_service_and_single_vips_leave_the_others_alone(server):
    before = state(server.host)
    config = configured(server, CONFIG.replace("[192.168.8.21]", "[{real}]"))
    assert server.lbha_rs("setup", "--service", "mail", *config)[0] == 0
    assert not server.host.has_address(VIP)
    assert server.lbha_rs("setup", "--vip", "192.0.2.80", "--forwarding", "dr")[0] == 0
    assert server.lbha_rs("setup", "--vip", "2001:db8::80")[0] == 0
    assert server.lbha_rs("status", "--vip", "192.0.2.80")[0] == 0
    assert server.lbha_rs("status", "--vip", "192.0.2.81")[0] == 3
    assert server.lbha_rs("teardown", "--service", "mail", *config)[0] == 0
    assert not server.host.has_address("192.168.8.201") and server.host.has_address("192.0.2.80")
    assert server.host.sysctl("net.ipv4.conf.all.arp_ignore") == "1"
    assert server.lbha_rs("teardown", "--vip", "192.0.2.80")[0] == 0
    assert server.host.sysctl("net.ipv4.conf.all.arp_ignore") == "0", "no IPv4 VIP is left"
    assert server.host.has_address("2001:db8::80/128")
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before


def solicit(client, target):
    """A neighbour solicitation (RFC 4861 section 4.3) to the address's multicast group, as any host would send it."""
    mac = bytes.fromhex(client.host.mac().replace(":", ""))
    to = socket.inet_pton(socket.AF_INET6, target)
    source, group = socket.inet_pton(socket.AF_INET6, "2001:db8:8::100"), bytes.fromhex("ff0200000000000000000001ff") + to[13:]
    body = bytes([135, 0, 0, 0]) + bytes(4) + to + b"\1\1" + mac
    pseudo = source + group + struct.pack("!II", len(body), 58)
    total = sum(struct.unpack(f"!{(len(pseudo) + len(body)) // 2}H", pseudo + body))
    total = (total & 0xffff) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + body[4:]
    frame = b"\x33\x33" + group[12:] + mac + struct.pack("!HIHBB", 0x86dd, 6 << 28, len(body), 58, 255) + source + group + body
    with client.host.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        sock.send(frame)


def answers_solicitation(client, target):
    """Whether anybody does; the server's own address is asked for next, and its answer ends the wait."""
    advert = "icmp6 and ip6[40] == 136"
    with contextlib.closing(client.host.capture(advert)) as heard:
        solicit(client, target)
        solicit(client, "2001:db8:8::20")
        own = socket.inet_pton(socket.AF_INET6, "2001:db8:8::20")
        heard.wait(lambda frame: frame.data[62:78] == own)
        return any(frame.data[62:78] == socket.inet_pton(socket.AF_INET6, target) for frame in heard.frames)


def test_nobody_who_asks_for_an_ipv6_vip_is_answered_and_nothing_tells_of_it(server, client):
    """No advertisement when it comes, no duplicate address detection, and no answer later."""
    server.host.ip("addr add 2001:db8:8::20/64 dev eth0 nodad")
    client.host.ip("addr add 2001:db8:8::100/64 dev eth0 nodad")
    wait_until(lambda: answers_solicitation(client, "2001:db8:8::20"), what="an answer at all")
    with contextlib.closing(server.host.capture("icmp6 and (ip6[40] == 135 or ip6[40] == 136)")) as told:
        assert server.lbha_rs("setup", "--vip", "2001:db8:8::80")[0] == 0
        wait_until(lambda: "tentative" not in server.host.run("ip", "addr", "show", "dev", "lo"), what="the VIP is there")
        assert not answers_solicitation(client, "2001:db8:8::80")
        about = socket.inet_pton(socket.AF_INET6, "2001:db8:8::80")
        assert [frame for frame in told.frames if frame.direction == "out" and about in frame.data] == []
    server.host.ip("addr add 2001:db8:8::81/64 dev eth0 nodad")
    wait_until(lambda: answers_solicitation(client, "2001:db8:8::81"), what="an answer for one on eth0")


def test_an_ipv6_vip_is_there_at_once(server, client):
    assert server.lbha_rs("setup", "--vip", "2001:db8::80")[0] == 0
    shown = server.host.run("ip", "-6", "addr", "show", "dev", "lo")
    assert "2001:db8::80/128" in shown and "tentative" not in shown


# --- nat ---------------------------------------------------------------------------------------------------------------

NAT = """
directors:
  lb1: {{address: 192.168.8.10}}
services:
  - {{name: web, listen: "192.0.2.80:80", forwarding: nat, gateway: {gateway}, real_servers: [192.168.8.20]}}
  - {{name: six, listen: "[2001:db8::80]:80", forwarding: nat, gateway: "{gateway6}", real_servers: ["2001:db8:8::20"]}}
  - {{name: far, listen: "192.0.2.81:80", forwarding: fullnat, real_servers: [{real}]}}
"""
INSIDE, INSIDE6 = "192.168.8.10", "2001:db8:8::10"


def routes(host):
    return host.run("ip", "route"), host.run("ip", "-6", "route", "show", "table", "main")


def way_out(host):
    """Where packets to other networks go."""
    return [host.run("ip", "route", "get", to).split("via ")[1].split()[0] for to in ("198.51.100.1", "2001:db8:77::1")]


@pytest.fixture
def inside(server):
    """A real server for nat, with default routes of others that must survive."""
    server.host.ip("addr add 2001:db8:8::20/64 dev eth0 nodad", "route add default via 192.168.8.1 dev eth0 proto static",
                   "route add default via 192.168.8.2 dev eth0 metric 100 mtu 1400",
                   "route add default via 2001:db8:8::1 dev eth0")
    return server


def nat(server, **values):
    return configured(server, NAT, **{"gateway": INSIDE, "gateway6": INSIDE6, **values})


def test_nat_sends_answers_through_the_director_and_teardown_gives_the_former_way_back(inside):
    before, host = (state(inside.host), routes(inside.host)), inside.host
    code, said = inside.lbha_rs("setup", *nat(inside))
    assert code == 0 and "service far needs nothing of this host" in said, said
    assert way_out(host) == [INSIDE, INSIDE6]
    assert state(host) == before[0], "no address and no sysctl is touched"
    assert inside.lbha_rs("status", *nat(inside))[0] == 0
    again = json.loads(inside.lbha_rs("setup", "--json", *nat(inside))[1])
    assert again["operations"] == []
    assert inside.lbha_rs("teardown")[0] == 0
    assert (state(host), routes(host)) == before


def test_a_gateway_that_moves_is_never_given_up_for_the_former_route(inside):
    """What the kernel does with several default routes of one metric and scope, when the neighbour is not known to be there."""
    host = inside.host
    assert inside.lbha_rs("setup", *nat(inside))[0] == 0
    host.ip(f"neigh replace {INSIDE} lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    ways = [host.run("ip", "route", "get", f"198.51.100.{number}").split("via ")[1].split()[0] for number in range(1, 6)]
    assert ways == [INSIDE] * 5
    host.ip(f"route replace default via {INSIDE} dev eth0 proto 76")
    assert any(host.run("ip", "route", "get", f"198.51.100.{number}").split("via ")[1].split()[0] != INSIDE
               for number in range(1, 6)), "this test does not show what it is for"


def test_a_route_that_two_services_need_goes_with_the_last_of_them(inside):
    before = routes(inside.host)
    text = NAT + '  - {{name: too, listen: "192.0.2.82:80", forwarding: nat, gateway: {gateway}, real_servers: [192.168.8.20]}}\n'
    assert inside.lbha_rs("setup", *configured(inside, text, gateway=INSIDE, gateway6=INSIDE6))[0] == 0
    assert inside.lbha_rs("teardown", "--service", "web")[0] == 0
    assert way_out(inside.host) == [INSIDE, INSIDE6]
    assert inside.lbha_rs("teardown", "--service", "six")[0] == 0
    assert way_out(inside.host) == [INSIDE, "2001:db8:8::1"]
    assert inside.lbha_rs("teardown", "--service", "too")[0] == 0
    assert routes(inside.host) == before and not os.path.exists(journal(inside))


def test_another_gateway_in_the_file_is_followed(inside):
    before = routes(inside.host)
    assert inside.lbha_rs("setup", *nat(inside))[0] == 0
    code, said = inside.lbha_rs("setup", *nat(inside, gateway="192.168.8.11", gateway6="2001:db8:8::11"))
    assert code == 0 and "remove the default route through 192.168.8.10 on eth0" in said
    assert way_out(inside.host) == ["192.168.8.11", "2001:db8:8::11"]
    assert inside.lbha_rs("teardown")[0] == 0
    assert routes(inside.host) == before


def test_a_default_route_that_leads_there_already_is_used_and_stays(inside):
    before = routes(inside.host)
    code, said = inside.lbha_rs("setup", *nat(inside, gateway="192.168.8.1", gateway6="2001:db8:8::1"))
    assert code == 0 and routes(inside.host) == before, said
    assert inside.lbha_rs("teardown")[0] == 0
    assert routes(inside.host) == before


def test_a_default_route_that_somebody_replaced_meanwhile_is_left_and_told(inside):
    assert inside.lbha_rs("setup", *nat(inside))[0] == 0
    inside.host.ip("route replace default via 192.168.8.3 dev eth0")
    assert way_out(inside.host)[0] == "192.168.8.3"
    before = inside.host.run("ip", "route")
    code, said = inside.lbha_rs("teardown")
    assert code == 0 and "leave the default route of IPv4: somebody replaced ours through 192.168.8.10" in said
    assert inside.host.run("ip", "route") == before


def test_a_former_default_route_that_goes_or_comes_meanwhile_is_nobody_elses_matter(inside):
    assert inside.lbha_rs("setup", *nat(inside))[0] == 0
    inside.host.ip("route del default via 192.168.8.1", "route add default via 192.168.8.4 metric 50")
    assert way_out(inside.host)[0] == INSIDE
    assert inside.lbha_rs("teardown")[0] == 0
    assert way_out(inside.host)[0] == "192.168.8.4"
    assert "192.168.8.1 " not in inside.host.run("ip", "route", "show", "default")


@pytest.mark.parametrize("values, wanted", [
    ({"gateway": "10.9.9.9"}, "the gateway 10.9.9.9 is on no network of this host"),
    ({"gateway": REAL}, "the gateway 192.168.8.20 is this host itself"),
])
def test_a_gateway_that_cannot_be_one_is_refused(inside, values, wanted):
    before = routes(inside.host)
    code, said = inside.lbha_rs("setup", *nat(inside, **values))
    assert code == 1 and wanted in said and "nothing was changed" in said
    assert routes(inside.host) == before


def test_nat_from_arguments_alone(inside):
    before = routes(inside.host)
    words = "--vip", "192.0.2.80", "--forwarding", "nat", "--gateway", INSIDE
    assert inside.lbha_rs("status", *words)[0] == 3
    assert inside.lbha_rs("setup", *words)[0] == 0
    assert inside.lbha_rs("status", *words)[0] == 0
    assert f"--vip 192.0.2.80 --forwarding nat --gateway {INSIDE}" in inside.lbha_rs("doctor", *words)[1]
    assert way_out(inside.host) == [INSIDE, "2001:db8:8::1"]
    assert inside.lbha_rs("teardown", "--vip", "192.0.2.80")[0] == 0
    assert routes(inside.host) == before


def test_commands_of_a_dry_run_make_the_same_routes(inside):
    before = routes(inside.host)
    said = inside.lbha_rs("setup", "--dry-run", *nat(inside))[1]
    assert routes(inside.host) == before
    for line in said.splitlines():
        if line.startswith("    "):
            inside.host.run("sh", "-c", line)
    by_hand = routes(inside.host)
    for line in json.loads(inside.lbha_rs("status", "--json", *nat(inside))[1])["operations"]:
        raise AssertionError(line)
    inside.host.ip(f"route del default via {INSIDE}", f"route del default via {INSIDE6}")
    assert inside.lbha_rs("setup", *nat(inside))[0] == 0
    assert routes(inside.host) == by_hand


def test_a_host_that_is_only_a_server_of_fullnat_has_nothing_to_do(server):
    text = NAT.replace("{real}", REAL).replace("forwarding: nat, gateway: {gateway}", "forwarding: fullnat")
    code, said = server.lbha_rs("setup", *configured(server, text, gateway6=INSIDE6))
    assert code == 0 and "service web needs nothing of this host" in said, said


# --- killed ------------------------------------------------------------------------------------------------------------

def cut_after(server, size, *words):
    """Runs lbha-rs; the kernel kills it when the journal grows beyond `size` bytes, be it in the middle of a line."""
    return server.host.status_of("prlimit", f"--fsize={size}", "--core=0", program("lbha-rs"), *words,
                                 "--state-dir", server.host.log_file("rs-state"))[0]


def test_teardown_restores_after_setup_was_killed_at_any_line(server):
    config = configured(server)
    before = state(server.host)
    cuts, size, code = 0, 0, None
    while code != 0:
        code = cut_after(server, size, "setup", *config)
        assert code in (0, -signal.SIGXFSZ)
        cuts += code != 0
        assert server.lbha_rs("teardown")[0] == 0
        assert state(server.host) == before, f"killed at byte {size} of the journal"
        size += 9
    assert cuts > 20


def test_setup_goes_on_where_it_was_killed(server):
    config = configured(server)
    before = state(server.host)
    for size in range(0, 320, 37):
        cut_after(server, size, "setup", *config)
        assert server.lbha_rs("setup", *config)[0] == 0
        assert server.lbha_rs("status", *config)[0] == 0
        assert server.lbha_rs("teardown")[0] == 0
        assert state(server.host) == before, f"killed at byte {size} of the journal"


def test_teardown_goes_on_where_it_was_killed(server):
    config = configured(server)
    before = state(server.host)
    for more in range(0, 300, 23):
        assert server.lbha_rs("setup", *config)[0] == 0
        assert cut_after(server, os.path.getsize(journal(server)) + more, "teardown") in (0, -signal.SIGXFSZ)
        assert server.lbha_rs("teardown")[0] == 0
        assert state(server.host) == before, f"killed {more} bytes later"


def random_host(server, rng):
    """Whatever may have been there before."""
    host = server.host
    for name in ARP_SYSCTLS + ["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.eth0.rp_filter"]:
        if not name.startswith("net.ipv4.conf.default"):
            host.sysctl(name, rng.choice([0, 1, 2]))
    lines = ["addr add 2001:db8:8::20/64 dev eth0 nodad"]
    lines += [f"addr add dev lo {vip}" for vip in ("192.0.2.80/32", "192.0.2.81/32", "2001:db8::80/128 nodad") if rng.random() < .3]
    lines += [f"route add default via 192.168.8.{number} dev eth0 metric {metric} proto {proto}"
              for number, metric, proto in ((1, 0, "static"), (2, 100, "dhcp"), (10, 7, "boot")) if rng.random() < .5]
    lines += ["route add default via 2001:db8:8::1 dev eth0"] if rng.random() < .5 else []
    host.ip(*lines)


def random_wish(rng):
    vip = rng.choice(["192.0.2.80", "192.0.2.81", "192.0.2.82", "2001:db8::80"])
    if rng.random() < .6:
        return "--vip", vip
    return "--vip", vip, "--forwarding", "nat", "--gateway", "2001:db8:8::10" if ":" in vip else rng.choice([INSIDE, "192.168.8.11"])


def test_whatever_was_there_and_wherever_it_was_killed_teardown_gives_it_back(server):
    """Random states, wishes and deaths, on the real kernel; LBHA_SEED repeats a run."""
    seed = int(os.environ.get("LBHA_SEED") or random.randrange(1 << 32))
    print(f"LBHA_SEED={seed}")
    rng = random.Random(seed)
    random_host(server, rng)
    before = state(server.host), routes(server.host)
    for number in range(12):
        for _ in range(rng.randrange(1, 4)):
            size = (os.path.getsize(journal(server)) if os.path.exists(journal(server)) else 0) + rng.randrange(500)
            words = ("teardown",) if rng.random() < .2 else ("setup", *random_wish(rng))
            assert cut_after(server, size, *words) in (0, 1, -signal.SIGXFSZ)
        if rng.random() < .5:
            wish = random_wish(rng)
            code, said = server.lbha_rs("setup", *wish)
            assert code == 0 or "there can be one gateway only" in said, said    # it goes with another VIP's
            assert code or server.lbha_rs("status", *wish)[0] == 0
        assert server.lbha_rs("teardown")[0] == 0
        assert (state(server.host), routes(server.host)) == before, f"LBHA_SEED={seed}, round {number}"


def test_nat_is_undone_after_it_was_killed_at_any_line(inside):
    before = state(inside.host), routes(inside.host)
    code, size, cuts = None, 0, 0
    while code != 0:
        code = cut_after(inside, size, "setup", *nat(inside))
        cuts += code != 0
        assert inside.lbha_rs("teardown")[0] == 0
        assert (state(inside.host), routes(inside.host)) == before, f"killed at byte {size} of the journal"
        size += 11
    assert cuts > 10


def test_a_journal_of_another_boot_is_not_believed(server):
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    with open(journal(server)) as file:
        text = file.read()
    with open(journal(server), "w") as file:
        file.write(text.replace("boot ", "boot 0", 1))
    during = state(server.host)
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == during and not os.path.exists(journal(server))


def test_a_journal_of_another_network_namespace_is_refused(lab, lan, server):
    other = lab.real_server("b", lan, "192.168.8.21")
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    code, said = other.host.status_of(program("lbha-rs"), "teardown", "--state-dir", server.host.log_file("rs-state"))
    assert code == 1 and "another network namespace" in said
    assert server.host.has_address(VIP)


def test_an_interface_that_would_answer_anyway_is_an_error(server):
    before = state(server.host)
    server.host.sysctl("net.ipv4.conf.eth0.arp_ignore", 4)
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 1 and "arp_ignore in force on eth0 is 4" in said and "nothing was changed" in said
    server.host.sysctl("net.ipv4.conf.eth0.arp_ignore", 0)
    assert state(server.host) == before


def test_a_host_that_serves_nothing_is_told_so(server):
    code, said = server.lbha_rs("setup", *configured(server, real="192.168.8.99"))
    assert code == 1 and "no address of this host (192.168.8.20)" in said
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 0 and "service old reaches this host by nat and names no gateway" in said
    code, said = server.lbha_rs("setup", "--service", "wep", *configured(server))
    assert code == 1 and 'did you mean "web"?' in said


def test_errors_of_the_file_are_told_and_nothing_is_done(server):
    before = state(server.host)
    code, said = server.lbha_rs("setup", *configured(server, CONFIG.replace("listen:", "lissen:")))
    assert code == 1 and 'did you mean "listen"?' in said and "lbha.conf:" in said
    assert state(server.host) == before


@pytest.mark.parametrize("words, wanted", [
    ((), "which command?"),
    (("setpu",), "did you mean setup?"),
    (("setup", "--vip", "192.0.2.300"), "that is no address"),
    (("setup", "--vip", "224.0.0.18"), "unicast"),
    (("setup", "--vip", "192.0.2.80", "--forwarding", "fullnat"), "there are dr, tunnel and nat"),
    (("setup", "--vip", "192.0.2.80", "--tunnel", "gre"), "--tunnel goes with --forwarding tunnel"),
    (("setup", "--vip", "192.0.2.80", "--forwarding", "tunnel", "--tunnel", "gue:0"), "a port is 1..65535"),
    (("setup", "--vip", "192.0.2.80", "--forwarding", "tunnel", "--tunnel", "ip"), "there are ipip, gue"),
    (("setup", "--vip", "192.0.2.80", "--gateway", "192.168.8.1"), "--gateway goes with --forwarding nat"),
    (("setup", "--vip", "192.0.2.80", "--forwarding", "nat"), "needs --gateway"),
    (("setup", "--vip", "192.0.2.80", "--forwarding", "nat", "--gateway", "224.0.0.1"), "no address of a director"),
    (("setup", "--vip", "192.0.2.80", "--service", "web"), "--vip stands instead of a configuration"),
    (("setup", "--forwarding", "dr"), "--forwarding goes with --vip"),
    (("status", "--persist"), "--persist goes with setup"),
    (("teardown", "--persist"), "teardown removes what it made in any case"),
    (("setup", "--arp", "arptables"), "there are sysctl and filter"),
    (("teardown", "--arp", "filter"), "teardown undoes either"),
    (("setup", "--jsom"), "did you mean --json?"),
    (("setup", "--json=1"), "takes no value"),
    (("setup", "--vip"), "that is no address"),  # the word after it is --state-dir
    (("status", "--dry-run"), "status changes nothing"),
    (("doctor", "--dry-run"), "doctor changes nothing"),
    (("setup", "teardown"), "one word too many"),
])
def test_wrong_usage_is_explained(server, words, wanted):
    code, said = server.lbha_rs(*words)
    assert code == 2 and wanted in said
