"""The cures against two hosts that answer for one address, each proved by asking for it from a third: the server's sysctls, its
ARP filter, or a virtual MAC that the router knows by heart. And what --arp filter puts there goes without a trace."""
import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from test_rs import CONFIG, REAL, VIP, ask_arp, configured, cut_after, journal, sender_of_a_request, state
from test_rs import client, lan, server  # noqa: F401: fixtures
from vrrp_pair import LB1, config

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

ROUTER = "192.168.8.100"  # the client's address; a router asks as it does


@pytest.fixture
def holder(lab, lan):
    """Who shall answer for the VIP: a director, as far as ARP can see."""
    return lab.host("lb", (lan, "192.168.8.10/24", f"{VIP}/24"))


def table(server):
    """Our table as nft lists it, "" when there is none."""
    code, text = server.host.status_of("nft", "list", "table", "arp", "lbha_rs")
    return text if code == 0 else ""


def who_answers(client, *others):
    """The MAC addresses that say they are the VIP's. The others' own answers, asked for last, end the wait."""
    with contextlib.closing(client.host.capture("arp")) as heard:
        def said(address):
            return {frame.src for frame in heard.frames if frame.is_arp_reply and frame.arp_sender[1] == address}

        ask_arp(client, VIP)
        for address in others:
            ask_arp(client, address)
        wait_until(lambda: all(said(address) for address in others), what="answers of all hosts")
        return said(VIP)


# ---- the cures ----

def test_without_a_cure_the_server_answers_for_the_vip_beside_the_director(server, client, holder):
    """What the tests below prove something against."""
    server.host.ip(f"addr add {VIP}/32 dev lo")
    both = {holder.mac(), server.host.mac()}
    wait_until(lambda: who_answers(client, REAL, LB1) == both, what="two answers")  # a full neighbour table swallows one


@pytest.mark.parametrize("how", ["sysctl", "filter"])
def test_with_the_cure_the_director_alone_answers(server, client, holder, how):
    assert server.lbha_rs("setup", "--arp", how, *configured(server))[0] == 0
    assert server.host.has_address(f"{VIP}/32")
    for _ in range(3):
        assert who_answers(client, REAL, LB1) == {holder.mac()}
    assert server.lbha_rs("status", *configured(server))[0] == 0


@pytest.mark.parametrize("how", ["sysctl", "filter"])
def test_the_cure_works_while_setup_changes_from_one_to_the_other(server, client, holder, how):
    other = {"sysctl": "filter", "filter": "sysctl"}[how]
    assert server.lbha_rs("setup", "--arp", other, *configured(server))[0] == 0
    with contextlib.closing(server.host.capture("arp")) as said:
        for number in range(50, 70):  # packets from the VIP to hosts that are not there: requests go on
            server.host.start("ping", "-q", "-w", "2", "-i", "0.2", "-I", VIP, f"192.168.8.{number}", stdout=subprocess.DEVNULL)
        said.wait(lambda frame: frame.is_arp_request and frame.arp_sender[1] == REAL)
        assert server.lbha_rs("setup", "--arp", how, *configured(server))[0] == 0
        after = len(said.frames)
        assert who_answers(client, REAL, LB1) == {holder.mac()}
        wait_until(lambda: len(said.frames) > after + 20, what="requests go on")
        assert not [frame for frame in said.frames if frame.direction == "out" and frame.arp_sender[1] == VIP]
    assert bool(table(server)) == (how == "filter")
    assert server.host.sysctl("net.ipv4.conf.all.arp_ignore") == ("1" if how == "sysctl" else "0")


def test_a_router_with_the_virtual_mac_by_heart_never_asks(lab, lan, server, client):
    """The server has no cure and would answer; the MAC address moves with the master, so nobody needs to ask."""
    text = config(more="virtual_mac: true")
    first = lab.director("lb1", (lan, LB1), config=text)
    second = lab.director("lb2", (lan, "192.168.8.11"), config=text)
    server.host.ip(f"addr add {VIP}/32 dev lo")
    first.start()
    first.wait_role("MASTER")
    second.start()
    wait_for(lambda: second.vrrp()["master_address"], LB1, what="lb2 follows lb1")
    wait_until(lambda: server.host.mac() in who_answers(client, REAL, LB1), what="the server's own answer")
    client.host.ip(f"neigh replace {VIP} lladdr 00:00:5e:00:01:33 nud permanent dev eth0")
    asked = client.host.capture("arp")
    strayed = server.host.capture("icmp")
    client.host.run("ping", "-c", "2", "-i", "0.2", "-w", "5", VIP)
    first.crash()
    second.wait_role("MASTER")
    client.host.run("ping", "-c", "2", "-i", "0.2", "-w", "5", VIP)
    assert not [frame for frame in asked.frames if frame.direction == "out" and frame.arp_target == VIP]
    assert not [frame for frame in strayed.frames if VIP in frame.ip_addresses and frame.dst == server.host.mac()]


# ---- IPv6 ----

def solicit(client, target):
    """Ask all nodes that may have the address, with a neighbour solicitation made by hand."""
    from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
    from scapy.layers.l2 import Ether
    bits = socket.inet_pton(socket.AF_INET6, target)[-3:]
    group = "ff02::1:ff%02x:%02x%02x" % tuple(bits)
    mac = "33:33:ff:%02x:%02x:%02x" % tuple(bits)
    frame = Ether(src=client.host.mac(), dst=mac) / IPv6(src="2001:db8::100", dst=group, hlim=255) / \
        ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=client.host.mac())
    with client.host.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        sock.send(bytes(frame))


def advertised(heard, target):
    return [frame for frame in heard.frames if frame.protocol == 58 and frame.payload[40] == 136
            and frame.payload[48:64] == socket.inet_pton(socket.AF_INET6, target)]


@pytest.mark.parametrize("how", ["sysctl", "filter"])
def test_an_ipv6_vip_is_not_answered_for_and_not_named_with_either(lab, lan, server, client, how):
    server.host.ip("addr add 2001:db8::20/64 dev eth0")
    client.host.ip("addr add 2001:db8::100/64 dev eth0")
    assert server.lbha_rs("setup", "--vip", "2001:db8::80", "--arp", how)[0] == 0
    assert not table(server)
    with contextlib.closing(client.host.capture("icmp6")) as heard:
        solicit(client, "2001:db8::80")
        solicit(client, "2001:db8::20")
        wait_until(lambda: advertised(heard, "2001:db8::20"), what="the answer for the server's own address")
        assert not advertised(heard, "2001:db8::80")
    server.host.ip("neigh flush dev eth0")
    with contextlib.closing(server.host.capture("icmp6")) as asked:
        server.host.run("ping", "-6", "-c", "1", "-W", "1", "-I", "2001:db8::80", "2001:db8::100", check=False)
        wanted = asked.wait(lambda frame: frame.direction == "out" and frame.payload[40] == 135)
        assert wanted.ip_addresses[0] != "2001:db8::80"
    server.host.ip("addr add 2001:db8::80/64 dev eth0 nodad")  # what would be seen if it answered
    with contextlib.closing(client.host.capture("icmp6")) as heard:
        solicit(client, "2001:db8::80")
        wait_until(lambda: advertised(heard, "2001:db8::80"), what="an answer once it is on eth0")


# ---- the filter ----

def test_requests_go_out_in_the_name_of_the_way_out(lab, lan, server, client):
    other = lab.segment("other", "10.0.0.0/24")
    server.host.attach(other, "10.0.0.20")
    server.host.ip("addr add 192.168.9.20/24 dev eth0")
    lab.host("far", (other, "10.0.0.100"))
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    assert sender_of_a_request(server) == REAL
    for target, interface, sender in ("10.0.0.100", "eth1", "10.0.0.20"), ("192.168.9.7", "eth0", "192.168.9.20"):
        with contextlib.closing(server.host.capture("arp", on=interface)) as asked:
            server.host.run("ping", "-c", "1", "-W", "1", "-I", VIP, target, check=False)
            request = asked.wait(lambda frame: frame.is_arp_request and frame.direction == "out")
        assert request.arp_sender[1] == sender


def test_the_filter_touches_no_sysctl_and_teardown_removes_it_exactly(server):
    server.host.run("nft", "add table arp others; add chain arp others c; add rule arp others c arp saddr ip 192.0.2.1 drop")
    before, rules = state(server.host), server.host.run("nft", "list", "ruleset")
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    assert state(server.host)[0] == before[0] and VIP in table(server)
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before and server.host.run("nft", "list", "ruleset") == rules
    assert not os.path.exists(journal(server))


def test_setup_again_is_silent_by_the_same_means_and_does_nothing(server):
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    handles = server.host.run("nft", "-a", "list", "ruleset")
    code, said = server.lbha_rs("setup", "--json", *configured(server))
    again = json.loads(said)
    assert (code, again["operations"], again["state"]) == (0, [], "in place")
    assert again["table"] == {"family": "arp", "name": "lbha_rs", "present": True, "as_made": True}
    assert server.host.run("nft", "-a", "list", "ruleset") == handles, "not even the same table again"


def test_vips_come_and_go_in_the_filter(server, client, holder):
    both = CONFIG.replace("[192.168.8.21]", "[{real}]")
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server, both))[0] == 0
    assert "{ 192.168.8.200, 192.168.8.201 }" in table(server)
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 0 and "{ 192.168.8.200 }" in table(server)
    assert said.index("remove 192.168.8.201/32") < said.index("put the table"), "silent until it is gone"
    assert server.lbha_rs("setup", "--service", "mail", *configured(server, both))[0] == 0
    assert "192.168.8.201" in table(server)
    assert server.lbha_rs("teardown", "--service", "mail")[0] == 0
    assert "{ 192.168.8.200 }" in table(server) and server.lbha_rs("status", *configured(server))[0] == 0


def test_a_filter_that_is_gone_or_changed_is_seen_and_made_again(server):
    config = configured(server)
    assert server.lbha_rs("setup", "--arp", "filter", *config)[0] == 0
    good = table(server)
    for harm, word in ("flush ruleset", "missing"), ("add rule arp lbha_rs input counter", "is not as it was made"), \
            ("delete element arp lbha_rs vips { 192.168.8.200 }", "is not as it was made"):
        server.host.run("nft", harm)
        code, said = server.lbha_rs("status", *config)
        assert code == 4 and f"table arp lbha_rs {word}" in said and "setup would put the table" in said
        assert server.lbha_rs("setup", *config)[0] == 0
        assert table(server) == good and server.lbha_rs("status", *config)[0] == 0
    server.host.ip("addr add 192.168.9.20/24 dev eth0")
    assert server.lbha_rs("status", *config)[0] == 4, "an address more, a name more to send under"
    assert server.lbha_rs("setup", *config)[0] == 0 and "set 192.168.9.20" in table(server)


def test_a_filter_that_somebody_changed_is_left_by_teardown_and_said(server):
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    server.host.run("nft", "add rule arp lbha_rs input counter")
    code, said = server.lbha_rs("teardown")
    assert code == 0 and "leave the table arp lbha_rs in nftables: somebody changed it" in said
    assert table(server) and not server.host.has_address(VIP) and not os.path.exists(journal(server))


def test_a_table_of_that_name_that_is_not_ours_is_not_touched(server):
    server.host.run("nft", "add table arp lbha_rs")
    before, rules = state(server.host), table(server)
    code, said = server.lbha_rs("setup", "--arp", "filter", *configured(server))
    assert code == 1 and "nft delete table arp lbha_rs" in said and "nothing was changed" in said
    assert state(server.host) == before and table(server) == rules
    assert server.lbha_rs("setup", "--arp", "sysctl", *configured(server))[0] == 0
    assert server.lbha_rs("teardown")[0] == 0 and table(server) == rules


def test_the_commands_of_a_dry_run_make_the_same_filter(server):
    code, said = server.lbha_rs("setup", "--arp", "filter", "--dry-run", *configured(server))
    assert code == 0 and not table(server) and not server.host.has_address(VIP)
    script = said[said.index("    nft -f -"):said.index("add 192.168.8.200/32")]
    server.host.run("sh", "-c", script)
    by_hand = table(server)
    server.host.run("nft", "flush", "ruleset")
    code, said = server.lbha_rs("setup", "--arp", "filter", "--dry-run", "--json", *configured(server))
    operation = json.loads(said)["operations"][0]
    server.host.run("sh", "-c", operation["command"], input=operation["input"])
    assert table(server) == by_hand
    server.host.run("nft", "delete table arp lbha_rs")
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    assert table(server) == by_hand


def test_the_doctor_knows_the_filter(server):
    assert server.lbha_rs("setup", "--vip", VIP, "--arp", "filter")[0] == 0
    said = server.lbha_rs("doctor", "--vip", VIP)[1]
    assert "the table arp lbha_rs of nftables keeps this host silent about its VIPs" in said and "arp_ignore" not in said
    server.host.run("nft", "delete element arp lbha_rs vips { 192.168.8.200 }")
    code, said = server.lbha_rs("doctor", "--vip", VIP)
    assert code == 1 and f"nftables does not know {VIP}: this host answers ARP for it" in said and f"lbha-rs setup --vip {VIP}" in said
    server.host.run("nft", "flush ruleset")
    code, said = server.lbha_rs("doctor", "--vip", VIP)
    assert code == 1 and "the table arp lbha_rs of nftables is not there" in said


@pytest.mark.parametrize("before", ["nothing", "sysctl", "filter"])
def test_teardown_restores_after_setup_with_a_filter_was_killed_at_any_line(server, before):
    both = configured(server, CONFIG.replace("[192.168.8.21]", "[{real}]"))
    clean = state(server.host)
    cuts, size, code = 0, 0, None
    while code != 0:
        if before != "nothing":
            assert server.lbha_rs("setup", "--arp", before, *both)[0] == 0
        code = cut_after(server, size, "setup", "--arp", "filter", "--vip", "192.0.2.9")
        assert code in (0, -signal.SIGXFSZ)
        cuts += code != 0
        assert server.lbha_rs("teardown")[0] == 0
        assert state(server.host) == clean and not table(server), f"killed at byte {size} of the journal"
        size += 23
    assert cuts > 5


def test_a_kill_while_nft_works_leaves_nothing_that_teardown_does_not_know(server):
    seed = int(os.environ.get("LBHA_SEED", time.time_ns() % 1000000))
    print(f"LBHA_SEED={seed}")
    dice, clean = random.Random(seed), state(server.host)
    killed = 0
    for _ in range(25):
        process = server.host.start(program("lbha-rs"), "setup", "--arp", "filter", "--vip", VIP,
                                    "--state-dir", server.host.log_file("rs-state"), stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.005, 0.06))
        process.kill()
        killed += process.wait() != 0
        assert server.lbha_rs("teardown")[0] == 0
        assert state(server.host) == clean and not table(server)
    assert killed


# ---- nft ----

def test_without_nft_it_is_said_what_to_install_and_nothing_is_done(server):
    server.host.run("mount", "--bind", "/dev/null", "/usr/sbin/nft")
    before = state(server.host)
    code, said = server.lbha_rs("setup", "--arp", "filter", *configured(server))
    assert code == 1 and "install the package nftables, or use --arp sysctl" in said
    assert state(server.host) == before
    assert server.lbha_rs("setup", "--arp", "filter", "--vip", "2001:db8::80")[0] == 0, "IPv6 needs none"
    assert server.lbha_rs("setup", "--arp", "sysctl", *configured(server))[0] == 0


def test_teardown_without_nft_does_the_rest_and_goes_on_when_it_is_back(server):
    before = state(server.host)
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    server.host.run("mount", "--bind", "/dev/null", "/usr/sbin/nft")
    code, said = server.lbha_rs("teardown")
    assert code == 1 and "cannot remove the table arp lbha_rs from nftables: an ARP filter is made by the program nft" in said
    assert state(server.host) == before
    server.host.run("umount", "/usr/sbin/nft")
    assert server.lbha_rs("teardown")[0] == 0 and not table(server) and not os.path.exists(journal(server))


def fake_nft(server, script):
    path = server.host.log_file("nft")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    server.host.run("mount", "--bind", path, "/usr/sbin/nft")


def test_what_nft_says_is_told_and_the_vip_does_not_come(server):
    fake_nft(server, '[ "$1" = list ] && exit 0\ncat >/dev/null\necho "no such family" >&2\necho second >&2\nexit 1\n')
    before = state(server.host)
    code, said = server.lbha_rs("setup", "--arp", "filter", *configured(server))
    assert code == 1 and "cannot put the table arp lbha_rs into nftables, to be silent about the VIPs: no such family" in said
    assert "second" not in said and state(server.host) == before


def test_nft_gets_no_environment_of_ours_and_no_open_file(server):
    fake_nft(server, f'env >{server.host.log_file("env")}\nls /proc/self/fd >{server.host.log_file("fds")}\nexit 1\n')
    server.host.status_of("env", "LD_PRELOAD_X=1", "HOME=/nowhere", os.environ["LBHA_BUILD"] + "/lbha-rs", "setup", "--arp", "filter",
                          "--vip", VIP, "--state-dir", server.host.log_file("rs-state"))
    with open(server.host.log_file("env")) as file:
        names = {line.split("=")[0] for line in file}
    assert names <= {"PATH", "LC_ALL", "PWD", "_", "SHLVL", "OLDPWD"}
    with open(server.host.log_file("fds")) as file:
        assert len(file.read().split()) == 4, "0, 1, 2, and the folder that ls reads"


def test_an_nft_that_dies_or_floods_is_no_harm(server):
    before = state(server.host)
    for script, words in ("kill -9 $$", "killed by signal 9"), ("yes", "nft says more than 16 MiB"), ("exit 7", "nft ended with 7"):
        fake_nft(server, script + "\n")
        code, said = server.lbha_rs("setup", "--arp", "filter", *configured(server))
        assert code == 1 and words in said
        server.host.run("umount", "/usr/sbin/nft")
    assert state(server.host) == before
