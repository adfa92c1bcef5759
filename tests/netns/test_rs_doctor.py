"""lbha-rs doctor on real hosts: it names what ails a server, and the command that it prints mends it.

The directors are hosts that have their addresses and no more: what a segment answers does not depend on who put an
address where it is.
"""
import contextlib
import json
import os
import socket

import pytest

from lbhatest import wait_until
from lbhatest.director import program
from lbhatest.traffic import WebServer

VIP, VIP6 = "192.168.8.200", "2001:db8::80"

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
  lb2: {address: 192.168.8.11}
services:
  - name: web
    listen: 192.168.8.200:80
    real_servers: [192.168.8.20]
"""
IPV6 = """
  - name: six
    listen: "[2001:db8::80]:80"
    real_servers: ["2001:db8::20"]
"""


class Ward:
    """A server in a network where all is well, set up by lbha-rs; doctor() looks at it."""

    def __init__(self, lab):
        self.lab, self.lan = lab, lab.segment("lan", "192.168.8.0/24")
        self.router = lab.router("router", (self.lan, "192.168.8.1", "2001:db8::1/64"))
        self.lb1 = lab.host("lb1", (self.lan, "192.168.8.10", "192.168.8.200/32", "2001:db8::10/64", "2001:db8::80/128"))
        self.lb2 = lab.host("lb2", (self.lan, "192.168.8.11"))
        self.server = lab.real_server("a", self.lan, "192.168.8.20", gateway="192.168.8.1")
        self.host = self.server.host

    def configure(self, text=CONFIG):
        path = self.host.log_file("lbha.conf")
        with open(path, "w") as file:
            file.write(text)
        self.words = ("-f", path)
        assert self.server.lbha_rs("setup", *self.words)[0] == 0
        return self

    def doctor(self, *words):
        """(exit status, what is not well, all that was found)"""
        code, said = self.server.lbha_rs("doctor", "--json", *(words or self.words))
        found = json.loads(said)["findings"]
        return code, [one for one in found if one["severity"] != "ok"], found

    def run(self, command):
        path = f"{os.path.dirname(program('lbha-rs'))}:{os.environ['PATH']}"
        return self.host.run("sh", "-c", command, env={**os.environ, "PATH": path})

    def assert_well(self, *words):
        code, ill, found = self.doctor(*words)
        assert (code, ill) == (0, []), found

    def second_network(self):
        """Another network, with the default route through it."""
        self.lab.router("outer", (self.lab.segment("dmz", "10.0.0.0/24"), "10.0.0.1"))
        self.host.attach(self.lab.hosts["outer"].ports[0].segment, "10.0.0.20")
        self.host.ip("route replace default via 10.0.0.1")
        self.host.sysctl("net.ipv4.conf.eth1.rp_filter", 0)

    def firewall(self, text):
        self.host.run("nft", "-f", "-", input=text)


@pytest.fixture
def ward(lab):
    return Ward(lab).configure()


def test_a_server_that_is_well_is_told_so(ward):
    code, ill, found = ward.doctor()
    assert (code, ill) == (0, []), found
    said = [one["text"] for one in found]
    mac = ward.lb1.mac()
    assert said[0].startswith("lbha-rs has set this host up")
    for sentence in (f"{VIP} is on lo",
                     "arp_ignore and arp_announce keep this host silent about its VIPs on eth0",
                     f"director lb1 ({mac}) answers for {VIP} on eth0",
                     f"answers from {VIP} leave through 192.168.8.1 on eth0", f"a program listens on {VIP}:80 (tcp)"):
        assert sentence in said
    code, text = ward.server.lbha_rs("doctor", *ward.words)
    assert code == 0 and text.endswith("nothing is wrong\n")


def vip_was_removed(ward):
    ward.host.ip(f"addr del {VIP}/32 dev lo")


def vip_has_a_network(ward):
    ward.host.ip(f"addr del {VIP}/32 dev lo", f"addr add {VIP}/24 dev lo")


def vip_is_on_the_outside(ward):
    ward.host.ip(f"addr add {VIP}/32 dev eth0")


def vip_is_on_the_outside_with_its_network(ward):
    ward.host.ip(f"addr add {VIP}/24 dev eth0")


def silence_was_lowered(ward):
    ward.host.sysctl("net.ipv4.conf.all.arp_ignore", 0)


def announcing_was_lowered(ward):
    ward.host.sysctl("net.ipv4.conf.all.arp_announce", 0)


def interface_overrules_silence(ward):
    ward.host.sysctl("net.ipv4.conf.eth0.arp_ignore", 4)


def interface_overrules_announcing(ward):
    ward.host.sysctl("net.ipv4.conf.eth0.arp_announce", 3)


def reverse_path_is_elsewhere(ward):
    ward.second_network()
    ward.host.sysctl("net.ipv4.conf.all.rp_filter", 1)


def firewall_drops_all_but_ssh(ward):
    ward.firewall("""table inet filter {
        chain input {
            type filter hook input priority 0; policy drop;
            ct state established,related accept
            iifname "lo" accept
            tcp dport 22 accept
        }
    }""")


def firewall_drops_the_port(ward):
    ward.firewall("""table ip guard {
        chain before {
            type filter hook prerouting priority -150;
            ip saddr != 192.168.8.0/24 tcp dport { 80, 443 } reject with tcp reset
        }
    }""")


def iptables_drop_the_port(ward):
    ward.host.run("iptables", "-A", "INPUT", "-p", "tcp", "-m", "multiport", "--dports", "80,443", "-j", "DROP")


def journal_is_of_another_boot(ward):
    path = ward.host.log_file("rs-state/rs-journal")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("boot ", "boot 0", 1))


@pytest.mark.parametrize("fall_ill, severity, sentence", [
    (vip_was_removed, "problem", f"{VIP} is on no interface: this host does not take packets for it"),
    (vip_has_a_network, "problem", f"{VIP}/24 on lo makes that whole network local to this host"),
    (vip_is_on_the_outside, "problem", f"{VIP} is on eth0: this host answers ARP for it there"),
    (vip_is_on_the_outside_with_its_network, "problem", f"{VIP} is on eth0: this host answers ARP for it there"),
    (silence_was_lowered, "problem", "arp_ignore in effect on eth0 is 0: this host answers ARP for its VIPs"),
    (announcing_was_lowered, "problem", "arp_announce in effect on eth0 is 0: this host may name a VIP"),
    (interface_overrules_silence, "problem", "arp_ignore in effect on eth0 is 4"),
    (interface_overrules_announcing, "problem", "arp_announce in effect on eth0 is 3"),
    (reverse_path_is_elsewhere, "problem", "rp_filter in effect on eth0 is 1: packets for"),
    (firewall_drops_all_but_ssh, "problem", "the policy of chain input of table inet filter drops what comes for service web "
                                            f"(tcp {VIP}:80)"),
    (firewall_drops_the_port, "warning", "a rule in chain before of table ip guard may drop what comes for service web"),
    (iptables_drop_the_port, "problem", "a rule in chain INPUT of table ip filter drops what comes for service web"),
    (journal_is_of_another_boot, "warning", "what setup did went with an earlier boot"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_the_command_that_is_printed_mends_it(ward, fall_ill, severity, sentence):
    fall_ill(ward)
    code, ill, found = ward.doctor()
    named = [one for one in ill if one["text"].startswith(sentence)]
    assert len(named) == 1, found
    assert named[0]["severity"] == severity
    assert code == (1 if severity == "problem" else 0)
    ward.run(named[0]["command"])
    ward.assert_well()


def test_what_is_not_persistent_is_told_how_to_be(ward):
    ward.host.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/etc/systemd/system")
    hint = ward.doctor()[2][0]
    assert (hint["severity"], hint["text"]) == ("ok", "lbha-rs has set this host up, until the next boot")
    ward.run(hint["command"])
    assert ward.doctor()[2][0]["text"] == "lbha-rs has set this host up, and does so at every boot"


def test_what_is_printed_for_people_is_the_same(ward):
    silence_was_lowered(ward)
    code, said = ward.server.lbha_rs("doctor", *ward.words)
    assert code == 1 and said.endswith("1 problem, 0 warnings\n")
    lines = said.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("problem  arp_ignore in effect on eth0"))
    ward.run(lines[at + 1].strip())
    ward.assert_well()


def test_it_changes_nothing(ward):
    vip_is_on_the_outside(ward)
    silence_was_lowered(ward)
    before = ward.host.run("ip", "addr"), ward.host.run("ip", "route"), ward.host.run("sysctl", "net.ipv4.conf")
    ward.doctor()
    after = ward.host.run("ip", "addr"), ward.host.run("ip", "route"), ward.host.run("sysctl", "net.ipv4.conf")
    assert before == after


# ---- who answers -------------------------------------------------------------------------------


def sentence_about(found, subject):
    return [one["text"] for one in found if one["subject"] == subject]


def test_nobody_is_master(ward):
    ward.lb1.ip(f"addr del {VIP}/32 dev eth0")
    code, ill, found = ward.doctor()
    assert code == 0 and len(ill) == 1
    assert ill[0]["text"] == f"nobody answers for {VIP} on eth0: no director is MASTER for it there"
    ward.lb1.ip(f"addr add {VIP}/32 dev eth0")
    ward.assert_well()


def test_two_directors_answer(ward):
    ward.lb2.ip(f"addr add {VIP}/32 dev eth0")
    code, ill, found = ward.doctor()
    assert code == 1 and len(ill) == 1
    assert f"director lb1 ({ward.lb1.mac()})" in ill[0]["text"]
    assert f"director lb2 ({ward.lb2.mac()})" in ill[0]["text"]


def test_another_server_is_not_silent_and_setup_there_mends_it(lab, ward):
    other = lab.real_server("b", ward.lan, "192.168.8.21")
    other.host.ip(f"addr add {VIP}/32 dev lo")
    ward.host.run("ping", "-c", "1", "-W", "2", "192.168.8.21")
    code, ill, found = ward.doctor()
    assert code == 1 and len(ill) == 1
    assert f"192.168.8.21 ({other.host.mac()})" in ill[0]["text"]
    assert ill[0]["command"] == "lbha-rs setup    # on 192.168.8.21"
    assert other.lbha_rs("setup", "--vip", VIP)[0] == 0
    ward.assert_well()


def test_asking_names_no_vip_as_its_sender(ward):
    with contextlib.closing(ward.host.capture("arp")) as heard:
        ward.doctor()
        asked = heard.where(lambda frame: frame.is_arp_request and frame.direction == "out")
    assert asked and {frame.arp_sender[1] for frame in asked} == {"192.168.8.20"}


def test_ipv6_vips_are_looked_for_and_asked_for(ward):
    ward.host.ip("addr add 2001:db8::20/64 dev eth0", "route add default via 2001:db8::1")
    ward.configure(CONFIG + IPV6)
    ward.assert_well()
    assert f"director lb1 ({ward.lb1.mac()}) answers for {VIP6} on eth0" in sentence_about(ward.doctor()[2], "arp") or \
        f"a host ({ward.lb1.mac()}) answers for {VIP6} on eth0" in sentence_about(ward.doctor()[2], "arp")
    ward.host.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    code, ill, found = ward.doctor()
    assert code == 1 and ill[0]["text"].startswith(f"{VIP6} is on eth0: this host answers neighbour solicitations")
    ward.run(ill[0]["command"])
    ward.assert_well()


def test_a_loopback_without_ipv6_is_named(ward):
    ward.host.ip("addr add 2001:db8::20/64 dev eth0", "route add default via 2001:db8::1")
    ward.configure(CONFIG + IPV6)
    ward.host.sysctl("net.ipv6.conf.lo.disable_ipv6", 1)
    code, ill, found = ward.doctor()
    named = next(one for one in ill if "takes no IPv6 address" in one["text"])
    ward.run(named["command"])
    ward.assert_well()


def test_a_table_of_nftables_is_silence_too(ward):
    ward.host.sysctl("net.ipv4.conf.all.arp_ignore", 0)
    ward.host.sysctl("net.ipv4.conf.all.arp_announce", 0)
    assert ward.doctor()[0] == 1
    ward.firewall(f"""table arp by_hand {{
        chain input {{ type filter hook input priority 0; arp operation request arp daddr ip {VIP} drop; }}
        chain output {{ type filter hook output priority 0; arp saddr ip {VIP} arp saddr ip set 192.168.8.20; }}
    }}""")
    ward.host.ip(f"addr add {VIP}/32 dev eth0")
    ward.assert_well()
    assert "a table of nftables keeps this host silent about its VIPs" in sentence_about(ward.doctor()[2], "silence")


def test_rules_of_arptables_are_silence_too(ward):
    ward.host.sysctl("net.ipv4.conf.all.arp_ignore", 0)
    ward.host.sysctl("net.ipv4.conf.all.arp_announce", 0)
    ward.host.run("arptables", "-A", "INPUT", "-d", VIP, "-j", "DROP")
    ward.host.run("arptables", "-A", "OUTPUT", "-s", VIP, "-j", "mangle", "--mangle-ip-s", "192.168.8.20")
    ward.assert_well()


def test_a_firewall_that_lets_the_service_in_is_no_finding(ward):
    ward.firewall("""table inet filter {
        chain input {
            type filter hook input priority 0; policy drop;
            ct state { established, related } accept
            ct state invalid drop
            tcp dport { 22, 80, 443 } accept
        }
    }""")
    ward.assert_well()


def test_what_lists_no_rules_is_said_and_no_harm(ward):
    path = ward.host.log_file("nft")
    for script, words in ("yes", "nft says more than 16 MiB (nft -t list ruleset shows the rules without what is in their sets)"), \
            ("echo '[]'", "nft: what it lists as JSON is not understood"), ("echo wrong >&2; exit 1", "nft: wrong"):
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)
        ward.host.run("mount", "--bind", path, "/usr/sbin/nft")
        code, ill, found = ward.doctor()
        assert code == 0 and [one["text"] for one in ill] == [f"not all rules of the firewall were seen: {words}"]
        ward.host.run("umount", "/usr/sbin/nft")


def test_without_nft_that_is_said(ward):
    code, said = ward.host.status_of("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /usr/sbin && exec \"$@\"", "sh",
                                     program("lbha-rs"), "doctor", *ward.words, "--state-dir",
                                     ward.host.log_file("rs-state"))
    assert code == 0 and "not all rules of the firewall were seen: there is no program nft" in said


# ---- routes ------------------------------------------------------------------------------------


def test_without_a_default_route_only_neighbours_get_answers(ward):
    ward.host.ip("route del default")
    code, ill, found = ward.doctor()
    assert code == 0 and len(ill) == 1 and ill[0]["text"].startswith("there is no default route")
    ward.run(ill[0]["command"].replace("ROUTER", "192.168.8.1"))
    ward.assert_well()


def test_answers_must_not_go_to_a_director(ward):
    ward.host.ip("route replace default via 192.168.8.10")
    code, ill, found = ward.doctor()
    assert code == 0 and len(ill) == 1 and "192.168.8.10 on eth0, which belongs to lb1" in ill[0]["text"]
    ward.run(ill[0]["command"].replace("ROUTER", "192.168.8.1"))
    ward.assert_well()


NAT = """
directors: {lb1: {address: 192.168.8.10}}
services:
  - {name: old, listen: 203.0.113.80:80, forwarding: nat, gateway: 192.168.8.1, real_servers: ["192.168.8.20:8080"]}
"""


def test_the_way_of_translated_answers_is_looked_at(ward):
    web = WebServer(ward.host, 8080)
    ward.configure(NAT).assert_well()
    ward.host.ip("route replace default via 192.168.8.11")
    code, ill, found = ward.doctor()
    assert code == 1 and ill[0]["text"].startswith("the default route leads to 192.168.8.11 on eth0 and not to 192.168.8.1")
    ward.run(ill[0]["command"])
    ward.assert_well()
    ward.router.ip("addr del 192.168.8.1/24 dev eth0")
    code, ill, found = ward.doctor()
    assert code == 1 and [one["text"] for one in ill] == [
        "nobody answers for 192.168.8.1, the gateway for answers: no director is MASTER for it"]
    ward.router.ip("addr add 192.168.8.1/24 dev eth0")
    web.stop()
    web = WebServer(ward.host, 8080, address="127.0.0.1")
    code, ill, found = ward.doctor()
    assert code == 1 and "listens on 127.0.0.1:8080 only, not on 192.168.8.20:8080 (tcp)" in ill[0]["text"]
    web.stop()


# ---- programs ----------------------------------------------------------------------------------


def test_a_program_that_listens_elsewhere_is_named(ward):
    ward.server.web.stop()
    code, ill, found = ward.doctor()
    assert code == 1 and [one["text"] for one in ill] == [
        f"nothing listens on {VIP}:80 (tcp) for service web: start the program"]
    process = ward.host.start("/usr/bin/python3", "-c", "import socket, time\n"
                              "listener = socket.create_server(('192.168.8.20', 80))\ntime.sleep(1000)")
    wait_until(lambda: "192.168.8.20:80" in ward.host.run("ss", "-ltn"), what="the listener")
    code, ill, found = ward.doctor()
    assert code == 1 and len(ill) == 1
    assert ill[0]["text"].startswith(f"python3 listens on 192.168.8.20:80 only, not on {VIP}:80 (tcp)")
    process.kill()
    process.wait()
    ward.server.web.start()
    ward.assert_well()


def test_a_listener_for_ipv6_alone_does_not_take_ipv4(ward):
    ward.server.web.stop()
    with ward.host.inside():
        listener = socket.create_server(("::", 80), family=socket.AF_INET6)
    with contextlib.closing(listener):
        code, ill, found = ward.doctor()
        assert code == 1 and "listens on [::]:80 (IPv6 alone) only" in ill[0]["text"]
    with ward.host.inside():
        listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
    with contextlib.closing(listener):
        ward.assert_well()


def test_a_listener_on_the_vip_alone_is_enough(ward):
    ward.server.web.stop()
    web = WebServer(ward.host, 80, address=VIP)
    ward.assert_well()
    web.stop()


# ---- what is asked for -------------------------------------------------------------------------


def test_without_a_configuration_the_journal_says_what_should_be(ward):
    if os.path.exists("/etc/lbha/lbha.conf"):
        pytest.skip("this machine has a configuration of its own")
    code, said = ward.server.lbha_rs("doctor", "--json")
    found = json.loads(said)["findings"]
    assert code == 0 and f"{VIP} is on lo" in [one["text"] for one in found]
    vip_was_removed(ward)
    code, said = ward.server.lbha_rs("doctor", "--json")
    named = next(one for one in json.loads(said)["findings"] if one["severity"] == "problem")
    assert code == 1 and named["command"].startswith(f"lbha-rs setup --vip {VIP}")
    ward.run(named["command"])
    ward.assert_well()


def test_vips_may_be_given(ward):
    code, ill, found = ward.doctor("--vip", "192.168.8.201")
    assert code == 1 and "192.168.8.201 is on no interface" in ill[0]["text"]
    ward.run(ill[0]["command"])
    ward.lb1.ip("addr add 192.168.8.201/32 dev eth0")
    ward.assert_well("--vip", "192.168.8.201")


def test_a_way_that_is_given_is_in_the_command(ward):
    words = "--vip", "203.0.113.80", "--forwarding", "nat", "--gateway", "192.168.8.1"
    ward.host.ip("route replace default via 192.168.8.11")
    code, ill, found = ward.doctor(*words)
    assert code == 1 and "lbha-rs setup " + " ".join(words) in ill[0]["command"]
    ward.run(ill[0]["command"])
    ward.assert_well(*words)


def test_a_host_without_a_service_has_nothing_to_look_at(ward):
    code, said = ward.server.lbha_rs("doctor", *Ward.configure(ward, CONFIG).words, "--service", "wep")
    assert code == 1 and 'did you mean "web"?' in said
    with open(ward.words[1], "w") as file:
        file.write(CONFIG.replace("[192.168.8.20]", "[192.168.8.99]"))
    code, said = ward.server.lbha_rs("doctor", *ward.words)
    assert code == 1 and "no address of this host" in said


def test_without_the_right_to_ask_that_is_said_and_the_rest_told(ward):
    code, said = ward.host.status_of("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", program("lbha-rs"),
                                     "doctor", *ward.words, "--state-dir", ward.host.log_file("rs-state"))
    assert code == 0 and "who answers for the VIPs cannot be asked: Operation not permitted" in said
    assert f"ok       {VIP} is on lo" in said
