"""lbhactl doctor on real directors: it names what ails one, the command that it prints mends it, and it changes nothing.

Faults that have nothing to do with each other are made together: an examination takes as long as an advert does.
"""
import contextlib
import json
import os
import re
import threading
import time

import pytest

from lbhatest import wait_for
from lbhatest.director import program
from lbhatest.keepalived import Keepalived
from lbhatest.state import Untouched

from hostile import HOSTILE, Hostile, v3

VIP, VIP6 = "192.168.8.200", "2001:db8::200"
# of the machine that the tests run on, not of the director
OF_MACHINE = {"clock", "rights", "denial", "module", "daemon"}

CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 200ms
    virtual_addresses: [192.168.8.200/24]
"""
SERVICES = CONFIG + """
services:
  - name: web
    listen: 192.168.8.200:80
    forwarding: dr
    check: {type: tcp}
    real_servers: [192.168.8.20]
  - name: api
    listen: 192.168.8.200:8080
    forwarding: nat
    check: {type: http}
    real_servers: ["192.168.8.21:80"]
"""


class Ward:
    """A director in a network where all is well; doctor() looks at it."""

    def __init__(self, lab):
        self.lab, self.lan = lab, lab.segment("lan", "192.168.8.0/24")
        self.router = lab.router("router", (self.lan, "192.168.8.1", "2001:db8::1/64"))
        self.host = lab.host("lb1", (self.lan, "192.168.8.10", "2001:db8::10/64"))
        self.host.ip("route add default via 192.168.8.1")
        self.words = ("--node", "lb1")
        self.configure(SERVICES)

    def configure(self, text):
        path = self.host.log_file("lbha.conf")
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        self.words = ("-f", path, "--node", "lb1")

    def doctor(self, *words):
        """(exit status, what is not well, all that was found)"""
        code, said = self.host.status_of(program("lbhactl"), "doctor", "--json", *(words or self.words))
        assert said.startswith("{"), said
        found = json.loads(said)["findings"]
        ill = [one for one in found if one["severity"] != "ok" and one["subject"] not in OF_MACHINE]
        return code, ill, found

    def assert_well(self, *words):
        _, ill, found = self.doctor(*words)
        assert not ill, found

    def assert_told(self, *wanted, words=()):
        """Each of (severity, part of its text) is found, and nothing else; then the commands mend all of it."""
        code, ill, found = self.doctor(*words)
        left = list(ill)
        for severity, text in wanted:
            one = next((one for one in left if one["severity"] == severity and text in one["text"]), None)
            assert one, f"nobody says {severity} {text!r}: {json.dumps(found, indent=1)}"
            left.remove(one)
        assert not left, left
        assert code == 1 or not any(severity == "problem" for severity, _ in wanted)
        return [one["command"] for one in ill]

    def mend(self, *wanted, words=()):
        for command in self.assert_told(*wanted, words=words):
            self.host.run("sh", "-c", command, env={**os.environ, "PATH": f"{os.path.dirname(program('lbhactl'))}:{os.environ['PATH']}"})
        self.assert_well(*words)

    def nft(self, text):
        self.host.run("nft", "-f", "-", input=text)


@pytest.fixture
def ward(lab):
    return Ward(lab)


def test_a_director_that_is_well_is_told_so_and_left_as_it_is(ward):
    untouched = Untouched(ward.host)
    ward.nft("table inet filter {\n chain input { type filter hook input priority 0; policy accept; }\n}\n")
    untouched = Untouched(ward.host)
    code, ill, found = ward.doctor()
    assert not ill, found
    texts = [one["text"] for one in found]
    assert "no rule is seen to drop adverts, ARP, clients or probes" in texts
    assert "nobody advertises virtual_router_id 51 on eth0" in texts
    untouched.check()


def test_a_running_daemons_file_and_node_are_found_and_its_adverts_heard(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG).start()
    wait_for(director.role, lambda role: role == "MASTER", what="lb1 is MASTER")
    untouched = Untouched(director.host)
    _, said = director.ctl_status("doctor", "--json")
    found = json.loads(said)
    assert found["file"] == director.config_file and found["node"] == "lb1"
    texts = [one["text"] for one in found["findings"]]
    assert "lbhad runs and answers" in texts
    assert "this director, 192.168.8.10 advertises instance public with priority 150" in texts
    assert not [one for one in found["findings"] if one["severity"] != "ok" and one["subject"] not in OF_MACHINE]
    untouched.check()
    # it is lbhad that must have real time, not who looks
    timeshared = "lbhad runs without real-time scheduling (SCHED_RR): a busy machine delays adverts"
    policy = os.sched_getscheduler(director.process.pid) & ~os.SCHED_RESET_ON_FORK
    assert (timeshared in texts) == (policy == os.SCHED_OTHER)
    assert not [text for text in texts if "this shell" in text]
    # in words, too: a line for each finding, with its severity
    _, text = director.ctl_status("doctor")
    assert re.search(r"^ok +lbhad runs and answers$", text, re.M)


def test_denials_of_an_lbhad_that_has_ended_are_not_told(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
    director.host.run("sh", "-ec", "mount -t tmpfs none /var/log && mkdir /var/log/audit")
    line = 'type=AVC msg=audit({}.123:{}): avc:  denied  {{ read }} for  pid=7 comm="lbhad" name="{}" permissive=0'
    before = line.format(int(time.time()) - 2, 1, "before")
    director.start()
    wait_for(director.role, lambda role: role == "MASTER", what="lb1 is MASTER")
    director.host.run("sh", "-c", "cat >/var/log/audit/audit.log", input=f"{before}\n{line.format(int(time.time()), 2, 'now')}\n")
    _, said = director.ctl_status("doctor", "--json")
    told = [one["text"] for one in json.loads(said)["findings"] if one["subject"] == "denial"]
    assert len(told) == 1 and 'name="now"' in told[0], said


def test_rules_of_nftables_are_followed_through_chains_sets_and_maps(ward):
    ward.nft("""
table inet filter {
	set bad { type ipv4_addr; flags interval; elements = { 192.168.8.20-192.168.8.30 }; }
	chain clients { tcp dport { 80, 443 } accept
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname "lo" accept
		ip daddr 192.168.8.200 jump clients
	}
	chain output {
		type filter hook output priority 0; policy accept;
		ip protocol 112 counter drop
		ip daddr @bad tcp dport 80 reject
	}
}
table arp quiet {
	chain in { type filter hook input priority 0; arp daddr ip 192.168.8.200 drop
	}
}
""")
    untouched = Untouched(ward.host)
    ward.assert_told(
        ("problem", "a rule in chain output of table inet filter drops the adverts of instance public (protocol 112 to 224.0.0.18)"),
        ("problem", "the policy of chain input of table inet filter drops adverts of others for instance public"),
        ("problem", "a rule in chain in of table arp quiet drops ARP requests for 192.168.8.200"),
        ("problem", "the policy of chain input of table inet filter drops clients of service api (tcp 192.168.8.200:8080) before IPVS"),
        ("problem", "a rule in chain output of table inet filter drops tcp probes of 192.168.8.20:80"))
    untouched.check()
    commands = ward.assert_told(*[("problem", "")] * 5)
    for command in commands:
        ward.host.run("sh", "-c", command)
    # the rule against probes was told once, of the first server that it concerns
    ward.mend(("problem", "a rule in chain output of table inet filter drops http probes of 192.168.8.21:80"))


def test_rules_of_iptables_and_arptables_are_mended_in_their_own_words(ward):
    for line in ("iptables -A OUTPUT -p vrrp -o eth0 -j DROP", "iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                 "iptables -A INPUT -p tcp -m multiport --dports 22,8080:8090 -m comment --comment 'not here' -j REJECT",
                 "iptables -N DOCKER", "iptables -A FORWARD -i docker0 -j DOCKER", "iptables -P FORWARD DROP",
                 "arptables -A OUTPUT -s 192.168.8.200 -j DROP"):
        ward.host.run("sh", "-c", line)
    ward.mend(("problem", "a rule in chain OUTPUT of table ip filter drops the adverts of instance public"),
              ("problem", "a rule in chain INPUT of table ip filter drops clients of service api"),
              ("problem", "the policy of chain FORWARD of table ip filter drops answers of 192.168.8.21 to clients of service api"),
              ("problem", "a rule in chain OUTPUT of table arp filter drops what says by ARP that 192.168.8.200 is here"))
    rules = ward.host.run("iptables-save")
    assert "-A OUTPUT -d 224.0.0.18/32 -p vrrp -j ACCEPT" in rules and "-A INPUT -d 192.168.8.200/32 -p tcp -m tcp --dport 8080 -j ACCEPT" in rules


CORPUS = os.path.join(os.path.dirname(__file__), "..", "fuzz", "corpus", "rules")


@pytest.mark.parametrize("manager, load", [("firewalld", ("nft", "-j", "-f", "-")), ("ufw", ("iptables-restore",))])
def test_the_rules_of_firewalld_and_ufw_are_read_as_they_are(ward, manager, load):
    def rules(state):
        with open(os.path.join(CORPUS, f"{manager}-{state}")) as file:
            ward.host.run(*load, input=file.read()[1:])  # the first byte is the fuzz test's

    rules("closed")
    ward.assert_told(("problem", "drops adverts of others for instance public"), ("problem", "drops clients of service web"),
                     ("problem", "drops clients of service api"))
    ward.host.run("nft", "flush", "ruleset")
    rules("open")
    ward.assert_told(("problem", "drops clients of service api"))


def test_what_was_not_seen_is_told_with_what_helps_and_hides_no_drop(ward):
    ward.nft("table inet filter {\n chain input { type filter hook input priority 0; ip protocol 112 drop\n }\n}\n")
    drops = ("problem", "drops adverts of others")
    ward.host.run("sh", "-c", "ip6tables -A INPUT -p tcp --dport 9999 -j DROP && mount --bind /bin/false /usr/sbin/xtables-nft-multi")
    ward.assert_told(drops, ("unknown", "not all rules of the firewall were seen: iptables-nft-save ended with 1; ip6tables-nft-save ended with 1"))
    nft = ward.host.log_file("nft")
    with open(nft, "w") as file:
        file.write("#!/bin/sh\nexec yes\n")
    os.chmod(nft, 0o755)
    ward.host.run("mount", "--bind", nft, "/usr/sbin/nft")
    ward.assert_told(("unknown", "nft says more than 16 MiB (nft -t list ruleset shows the rules without what is in their sets)"))
    ward.host.run("mount", "-t", "tmpfs", "none", "/usr/sbin")
    ward.assert_told(("unknown", "there is no program nft (it is in the package nftables)"))


def test_what_depends_on_what_nobody_knows_is_a_warning_or_nothing(ward):
    ward.nft("""
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		meta mark 0x1 ip protocol 112 accept
		limit rate over 100/second drop
		meta l4proto { tcp, udp, icmp } accept
	}
}
""")
    ward.assert_told(("warning", "the policy of chain input of table inet filter may drop adverts of others"))


def test_sysctls_links_and_addresses_that_are_in_the_way(ward):
    ward.configure(SERVICES.replace("\nservices:", """
  - {name: six, interface: eth0, virtual_router_id: 52, virtual_addresses: ["fe80::200/64", "2001:db8::200/64"]}

services:"""))
    dmz = ward.lab.segment("dmz", "10.0.0.0/24")
    ward.lab.router("outer", (dmz, "10.0.0.1"))
    ward.host.attach(dmz, "10.0.0.10")
    ward.host.ip("route replace default via 10.0.0.1", f"address add {VIP}/32 dev lo")
    ward.host.sysctl("net.ipv4.conf.all.arp_ignore", 0)
    ward.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    ward.host.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
    untouched = Untouched.__new__(Untouched)  # IPv6 is off: no link-local address to wait for
    from lbhatest.state import states_of
    untouched.before = states_of([ward.host])
    wanted = (("warning", "rp_filter in effect on eth0 is 1: clients of service web that come in there from elsewhere"),
              ("problem", f"{VIP} is on lo, and arp_ignore in effect on eth0 is 0"),
              ("problem", "IPv6 is disabled on eth0, and instance six has IPv6 addresses"))
    commands = ward.assert_told(*wanted)
    untouched.check()
    # where a rule sends answers of the VIP back as clients came, nothing is dropped
    ward.host.ip("route add default via 192.168.8.1 table 100", f"rule add from {VIP} lookup 100")
    ward.assert_told(*wanted[1:])
    ward.host.ip(f"rule del from {VIP} lookup 100")
    for command in commands:
        ward.host.run("sh", "-c", command)
    wait_for(lambda: ward.doctor()[1], lambda ill: not ill, what="nothing is wrong")


def test_an_interface_that_is_down_and_one_that_is_missing(ward):
    ward.configure(CONFIG + "    track: [{interface: eth1}]\n")
    ward.host.ip("link set eth0 down")
    _, ill, found = ward.doctor()
    told = {one["text"]: one["command"] for one in ill}
    assert told["interface eth0, of instance public, is down"] == "ip link set eth0 up"
    assert "interface eth1, of a tracker of instance public, is not there" in told, found


def test_a_server_without_a_route_and_a_script_that_is_not_there(ward):
    script = ward.host.log_file("gate.sh")
    ward.configure(SERVICES.replace("[192.168.8.20]", "[192.168.8.20, 203.0.113.9]") + f"""
checks:
  gate: {{type: script, command: [{script}]}}
""".replace("checks:", "checks:"))
    with open(script, "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(script, 0o644)
    ward.host.ip("route del default")
    commands = ward.assert_told(("problem", "this machine has no route to 203.0.113.9"), ("problem", f"{script}, which a check runs, cannot be run"))
    for command in commands:
        ward.host.run("sh", "-c", command.replace("ROUTER", "192.168.8.1"))
    ward.assert_well()


def test_of_a_bundle_the_last_certificate_counts_and_of_a_chain_the_first(ward):
    texts = {}
    for name in ("good.pem", "expired.pem", "expired.key"):
        with open(os.path.join(os.path.dirname(__file__), "..", "golden", "cases", "tls", name)) as file:
            texts[name] = file.read()

    def write(name, *parts):
        path = ward.host.log_file(name)
        with open(path, "w") as file:
            file.write("".join(texts[part] for part in parts))
        os.chmod(path, 0o600)
        return path
    good, old = write("good.pem", "good.pem", "expired.pem"), write("old.pem", "expired.pem")
    ward.configure(CONFIG + f"""
checks:
  some_live: {{type: tls, ca: {good}}}
  all_dead: {{type: tls, ca: {old}}}
  ours_dead: {{type: tls, certificate: {write("own.pem", "expired.pem", "good.pem")}, key: {write("own.key", "expired.key")}}}
""")
    commands = ward.assert_told(("problem", f"the last of the certificates in {old} has expired"),
                                ("problem", f"the certificate in {ward.host.log_file('own.pem')} has expired"))
    assert "2021" in ward.host.run("sh", "-c", commands[0])


def test_another_machine_that_has_a_vip(ward):
    thief = ward.lab.host("thief", (ward.lan, "192.168.8.66", f"{VIP}/32"))
    command, = ward.assert_told(("problem", f"{thief.mac()} answers for {VIP} on eth0, and nobody advertises it"))
    assert f"on the machine with {thief.mac()}" in command
    ward.host.ip(f"address add {VIP}/24 dev eth0")
    ward.assert_told(("problem", f"{thief.mac()} answers for {VIP} on eth0, which this director has"))
    thief.run("sh", "-c", f"ip address del {VIP}/32 dev eth0")
    ward.assert_well()


@pytest.mark.parametrize("settings, told", [
    ({"version": 3, "advert_int": 1}, "every 1s, and this director is told 200ms"),
    ({"version": 2, "advert_int": 1}, "speaks version 2 for instance public, and this director version 3"),
])
def test_a_peer_that_is_told_other_things(ward, settings, told):
    peer = Keepalived(ward.lab.host("lb2", (ward.lan, "192.168.8.11")), [f"{VIP}/24"], **settings).start()
    peer.wait_master()
    _, ill, found = ward.doctor()
    assert any(told in one["text"] and one["command"].startswith("${EDITOR:-vi} ") for one in ill), found


def test_a_stranger_under_our_number_and_a_program_beside_us(ward):
    peer = Keepalived(ward.host, ["192.168.8.99/24"], advert_int=0.2).start()
    peer.wait_master()
    _, ill, found = ward.doctor()
    assert any(one["severity"] == "problem" and one["subject"] == "program" and
               "keepalived runs here" in one["text"] and "virtual_router_id 51" in one["text"] for one in ill), found
    ward.configure(CONFIG.replace("51", "77"))
    _, ill, found = ward.doctor()
    assert any(one["severity"] == "warning" and "keepalived runs here, too" in one["text"] for one in ill), found
    peer.stop()
    other = Keepalived(ward.lab.host("other", (ward.lan, "192.168.8.77")), ["192.168.8.98/24"], advert_int=0.2).start()
    other.wait_master()
    ward.configure(CONFIG)
    command, = ward.assert_told(("problem", "another virtual router with virtual_router_id 51 is on eth0: 192.168.8.77"))
    assert "virtual_router_id: 52" in command


@contextlib.contextmanager
def saying(hostile, number, kind, packet):
    """Says a packet in a VLAN again and again: the tag goes over the wire, and where it comes in the kernel takes it out."""
    kind, done = b"\x81\0" + number.to_bytes(2, "big") + kind, threading.Event()
    head = (b"\x01\0\x5e\0\0\x12" if kind.endswith(b"\x08\0") else hostile.victim) + hostile.mac

    def say():
        while not done.wait(0.05):
            hostile.socket.send(head + kind + packet)
    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_what_is_said_in_a_vlan_is_not_heard_on_the_interface_below(ward):
    from scapy.layers.l2 import ARP
    ward.configure(CONFIG)
    hostile = Hostile(ward.lab.host("trunk", (ward.lan, HOSTILE)), ward.host)
    advert = v3(addresses=["192.168.8.99"])
    with saying(hostile, 20, b"\x08\0", advert):
        ward.assert_well()
    with saying(hostile, 20, b"\x08\6", bytes(ARP(op=2, hwsrc=hostile.host.mac(), psrc=VIP, hwdst=ward.host.mac(), pdst="0.0.0.0"))):
        ward.assert_well()
    # number 0 is a priority and no VLAN
    with saying(hostile, 0, b"\x08\0", advert):
        ward.assert_told(("problem", f"another virtual router with virtual_router_id 51 is on eth0: {HOSTILE}"))


def test_network_managers_that_may_remove_vips(ward):
    index = json.loads(ward.host.run("ip", "-j", "link", "show", "eth0"))[0]["ifindex"]
    ward.host.run("sh", "-ec", f"""
mount -t tmpfs none /run && mount -t tmpfs none /etc/systemd
mkdir -p /run/systemd/netif/links /etc/systemd/network /run/fake
printf '[Match]\\nName=eth0\\n' >/etc/systemd/network/10-lan.network
printf 'ADMIN_STATE=configured\\nNETWORK_FILE=/etc/systemd/network/10-lan.network\\n' >/run/systemd/netif/links/{index}
""")
    command, = ward.assert_told(("problem", "systemd-networkd manages eth0 by 10-lan.network without KeepConfiguration=static"))
    ward.host.run("sh", "-c", command.replace("networkctl reload", "true"))
    ward.assert_well()
    ward.host.run("sh", "-ec", f"rm /run/systemd/netif/links/{index} && mkdir -p /run/NetworkManager/devices && "
                  f"printf '[device]\\nmanaged=true\\n' >/run/NetworkManager/devices/{index}")
    _, ill, found = ward.doctor()
    assert not ill, found
    assert [one["command"] for one in found if one["text"].startswith("NetworkManager manages eth0:")] == [None]


def test_somebody_who_is_not_root_is_told_what_was_not_seen(ward):
    config = ward.words[1]
    os.chmod(config, 0o644)
    copy = ward.host.log_file("lbhactl")
    ward.host.run("cp", program("lbhactl"), copy)
    code, said = ward.host.status_of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "doctor", "--json", *ward.words)
    found = json.loads(said)["findings"]
    assert any(one["severity"] == "unknown" and one["command"] == "sudo lbhactl doctor" for one in found), found
    assert any(one["severity"] == "unknown" and one["subject"] == "firewall" for one in found)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(copy)


def test_a_file_with_errors_is_refused_with_its_lines(ward):
    ward.configure("vrrp: [{name: public}]\n")
    code, said = ward.host.status_of(program("lbhactl"), "doctor", *ward.words[:2])
    assert code == 1 and "lbha.conf:1:" in said and "is not a configuration that lbhad would run with" in said
