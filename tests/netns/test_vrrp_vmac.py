"""virtual_mac: the virtual router's own MAC address on a link of its own. What is on the wire, where a switch thinks the
address is, and what is left in the kernel afterwards."""
import os
import re

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, LB2, VIP, Pair, config

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

MAC, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
LINK = "eth0-v4-51"
OURS = "virtual_mac: true"


class VmacPair(Pair):
    def __init__(self, lab, more=OURS, **settings):
        super().__init__(lab, more=more, **settings)
        self.frames = self.watcher.capture("arp or ip proto 112")

    def place(self, mac=MAC):
        """The host behind whose port the switch believes the MAC address."""
        for line in self.lab.switch.run("bridge", "fdb").splitlines():
            match = re.match(rf"{mac} dev (\w+)-eth0 ", line)
            if match:
                return match[1]
        return None

    def from_port(self, host):
        """A function: the frames that this host alone has sent with the virtual MAC address, as its port of the switch saw them."""
        capture = self.lab.switch.capture(f"ether src {MAC}", on=f"{host.name}-eth0")
        return lambda: [frame for frame in capture.frames if frame.direction == "in"]

    def spoken(self, source, count=5, after=0):
        """When that director sent its adverts since; waits for some."""
        def found():
            return [one.when for one in adverts(self.adverts) if one.source == source and one.when > after and one.priority]
        return wait_until(lambda: len(found()) >= count and found(), 5, f"adverts of {source}")


def link(host, name=LINK):
    """ip -d link of one interface; "" when there is none."""
    code, text = host.status_of("ip", "-d", "link", "show", "dev", name)
    return "" if code else text


def is_up(host, name=LINK):
    return ",UP" in link(host, name)


def index(host, name=LINK):
    return link(host, name).split(":")[0]


def sysctls(host, interface, *names):
    return [int(host.sysctl(f"net.ipv4.conf.{interface}.{name}")) for name in names]


def owned(director):
    with open(director.run_dir + "/owned", encoding="utf-8") as file:
        lines = file.read().splitlines()
    there = {}
    for line in lines:
        there[" ".join(line.split()[1:3])] = line[0] == "+"
    return [what for what, ours in there.items() if ours]


# ---- on the wire ----

def test_adverts_answers_and_announcements_come_from_the_virtual_mac_alone(lab):
    pair = VmacPair(lab).start()
    assert pair.watcher.run("ping", "-c1", "-w5", VIP)
    pair.adverts.clear()  # the very first one does not wait for ever for a link that takes its time to come up
    wait_until(lambda: len(adverts(pair.adverts)) > 5, what="adverts")
    assert {(frame.src, *frame.ip_addresses) for frame in pair.adverts.frames} == {(MAC, LB1, "224.0.0.18")}
    about_vip = [frame for frame in pair.frames.frames if (frame.is_arp_request or frame.is_arp_reply)
                 and frame.arp_sender[1] == VIP]
    assert any(frame.is_arp_reply for frame in about_vip) and any(frame.is_arp_request for frame in about_vip)
    assert {(frame.src, frame.arp_sender[0]) for frame in about_vip} == {(MAC, MAC)}
    assert f"{VIP} dev eth0 lladdr {MAC}" in pair.watcher.run("ip", "neigh")


def test_a_master_has_its_link_up_with_its_addresses_and_a_backup_has_it_down(lab):
    pair = VmacPair(lab).start()
    text = link(pair.lb1.host)
    assert f"{LINK}@eth0" in text and MAC in text and "macvlan mode bridge" in text and "alias lbha:public" in text
    assert pair.lb1.host.addresses(LINK) == {f"{VIP}/24"}, "no address but the virtual one"
    assert is_up(pair.lb1.host) and link(pair.lb2.host) and not is_up(pair.lb2.host)
    assert not pair.lb2.host.addresses(LINK)
    for host in pair.lb1.host, pair.lb2.host:
        assert sysctls(host, "eth0", "arp_ignore", "arp_announce") == [1, 2]
        assert sysctls(host, LINK, "arp_ignore") == [1]


def test_a_client_gets_through_a_strict_rp_filter(lab):
    pair = VmacPair(lab)
    for name in "all", "default", "eth0":
        pair.lb1.host.sysctl(f"net.ipv4.conf.{name}.rp_filter", 1)
    pair.start()
    assert sysctls(pair.lb1.host, LINK, "rp_filter") == [2]
    assert pair.watcher.run("ping", "-c1", "-w5", VIP)


def test_ipv6_has_a_link_and_a_mac_of_its_own(lab):
    vips = ["fe80::200/64", "2001:db8:8::200/64"]
    lan = lab.segment("lan", "2001:db8:8::/64")
    text = config(addresses=", ".join(f'"{vip}"' for vip in vips), more=OURS).replace(LB1, "2001:db8:8::10").replace(LB2, "2001:db8:8::11")
    lb1 = lab.director("lb1", (lan, "2001:db8:8::10"), config=text)
    watcher = lab.host("watcher", (lan, "2001:db8:8::99"))
    frames = watcher.capture("ip6 proto 112 or icmp6")
    lb1.start()
    lb1.wait_role("MASTER")
    assert MAC6 in link(lb1.host, "eth0-v6-51")
    wait_for(lambda: lb1.host.addresses("eth0-v6-51"), set(vips), 5, "the virtual addresses, and no other")
    found = wait_until(lambda: [frame for frame in frames.frames if frame.protocol == 112 and frame.src == MAC6], 5, "adverts")
    assert found[0].ip_addresses[0].startswith("fe80::") and found[0].ip_addresses[0] != "fe80::200"
    assert {frame.src for frame in frames.frames if frame.protocol == 112} == {MAC6}
    announced = [frame for frame in frames.frames if frame.protocol == 58 and frame.payload[40] == 136 and frame.src == MAC6]
    assert {frame.ip_addresses[0] for frame in announced} >= {vip.split("/")[0] for vip in vips}
    assert watcher.run("ping", "-c1", "-w5", "2001:db8:8::200")
    assert f"2001:db8:8::200 dev eth0 lladdr {MAC6}" in watcher.run("ip", "neigh")
    assert lb1.stop() == 0
    assert not link(lb1.host, "eth0-v6-51")


# ---- the switch ----

def silent_after(frames, when):
    """Nothing but what was on its way already."""
    late = [str(frame) for frame in frames() if frame.when > when + 0.002]
    assert not late, late


def test_the_switch_follows_a_planned_stop_and_the_return_and_never_learns_back(lab):
    pair = VmacPair(lab).start()
    wait_for(pair.place, "lb1", what="the switch knows where")
    of_lb1, of_lb2 = pair.from_port(pair.lb1.host), pair.from_port(pair.lb2.host)
    assert pair.lb1.stop() == 0
    taken = pair.spoken(LB2)[0]
    silent_after(of_lb1, taken)
    wait_for(pair.place, "lb2", what="the switch follows")
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP")
    taken = pair.spoken(LB1, after=taken)[0]
    silent_after(of_lb2, taken)
    wait_for(pair.place, "lb1", what="the switch follows back")
    wait_for(lambda: is_up(pair.lb2.host), False, what="the link of the backup is down")
    last = [frame for frame in pair.adverts.frames if frame.ip_addresses[0] == LB2][-1]
    assert last.when > taken and last.src == pair.lb2.host.mac(), "the last word of the deposed one has its own MAC address"


def test_the_switch_follows_a_crash_and_the_crashed_one_comes_back_in_peace(lab):
    pair = VmacPair(lab).start()
    pair.lb1.crash()
    pair.lb2.wait_role("MASTER", within=2)
    taken = pair.spoken(LB2)[0]
    wait_for(pair.place, "lb2", what="the switch follows")
    assert is_up(pair.lb1.host), "nobody is left there to lower it"
    before, of_lb1 = index(pair.lb1.host), pair.from_port(pair.lb1.host)
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP")
    assert index(pair.lb1.host) == before, "the link was adopted"
    claim = pair.spoken(LB1, after=taken)[0]
    early = [str(frame) for frame in of_lb1() if frame.when < claim - 0.002]
    assert not early, f"silence while it listens: {early}"
    wait_for(pair.place, "lb1", what="the switch follows back")


def test_a_client_notices_no_planned_change(lab):
    pair = VmacPair(lab).start()
    for director in pair.lb1, pair.lb2:
        lab.serve(director.host)
    client = lab.client("client", pair.lan, "192.168.8.50")
    assert client.get(VIP).ok
    with client.fetching(VIP) as fetching:
        pair.lb1.stop()
        pair.lb2.wait_role("MASTER")
        pair.lb1.start()
        pair.wait_roles("MASTER", "BACKUP")
        fetching.forget()
        pair.lb1.stop()
        pair.lb2.wait_role("MASTER")
        wait_until(lambda: fetching.served_by["lb2"] > 5, what="lb2 serves")
    # the one whose connection was open on the other director is reset
    assert fetching.longest_gap_ms < 250 and fetching.failed <= 1, repr(fetching)


def test_two_masters_hear_one_another_and_one_remains(lab):
    """In private mode the kernel would give the other's adverts to the link that has the same MAC address."""
    pair = VmacPair(lab).start()
    pair.lb1.host.cut_off()
    pair.lb2.wait_role("MASTER", within=2)
    assert pair.lb1.role() == "MASTER"
    pair.lb1.host.join_again()
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(pair.place, "lb1", what="the switch finds the one that remains")
    assert masters(adverts(pair.adverts))[-1] == LB1


# ---- what is left ----

def test_a_stop_removes_the_link_and_restores_the_sysctls(lab):
    pair = VmacPair(lab)
    pair.lb1.host.sysctl("net.ipv4.conf.eth0.arp_announce", 1)
    pair.start()
    assert sysctls(pair.lb1.host, "eth0", "arp_ignore", "arp_announce") == [1, 2]
    assert f"link {LINK}" in owned(pair.lb1)
    for director in pair.lb2, pair.lb1:
        assert director.stop() == 0
        assert not link(director.host) and not owned(director)
    assert sysctls(pair.lb1.host, "eth0", "arp_ignore", "arp_announce") == [0, 1]
    assert sysctls(pair.lb2.host, "eth0", "arp_ignore", "arp_announce") == [0, 0]


def test_a_reload_gives_and_takes_the_virtual_mac(lab):
    pair = VmacPair(lab, more="")
    pair.start()
    assert not link(pair.lb1.host)
    with_mac, without = config(more=OURS), config(more="")
    assert pair.lb1.reload(with_mac)[0] == 0
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: pair.lb1.host.addresses(LINK), {f"{VIP}/24"}, what="the address moves to its link")
    assert pair.lb1.reload(without)[0] == 0
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: (link(pair.lb1.host), sysctls(pair.lb1.host, "eth0", "arp_ignore")), ("", [0]), what="nothing is left")
    assert pair.lb1.holds(VIP)


def test_a_killed_vrrp_worker_finds_its_link_again_and_nobody_takes_over(lab):
    pair = VmacPair(lab).start()
    before, generation = index(pair.lb1.host), pair.lb1.worker("vrrp")["restarts"]
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: pair.lb1.worker("vrrp")["restarts"] > generation and pair.lb1.role() == "MASTER", what="it goes on")
    seen = len(pair.adverts.frames)
    wait_until(lambda: len(pair.adverts.frames) > seen + 5, what="adverts")
    assert index(pair.lb1.host) == before and is_up(pair.lb1.host)
    assert {frame.src for frame in pair.adverts.frames[seen:]} == {MAC}
    assert masters(adverts(pair.adverts)) == [LB1]
    assert pair.lb1.stop() == 0
    assert not link(pair.lb1.host) and sysctls(pair.lb1.host, "eth0", "arp_ignore") == [0]


def test_what_a_crash_left_is_taken_away_by_a_start_without_virtual_mac(lab):
    pair = VmacPair(lab).start()
    pair.lb1.crash()
    assert link(pair.lb1.host) and sysctls(pair.lb1.host, "eth0", "arp_ignore") == [1]
    pair.lb1.configure(config(more=""))
    pair.lb1.start()
    wait_for(lambda: (link(pair.lb1.host), sysctls(pair.lb1.host, "eth0", "arp_ignore", "arp_announce")), ("", [0, 0]),
             what="no link, and the sysctls as before")
    pair.wait_roles("MASTER", "BACKUP")
    assert not [what for what in owned(pair.lb1) if "link" in what or "sysctl" in what]


def test_after_a_crash_an_interface_made_anew_is_tuned_all_the_same(lab):
    pair = VmacPair(lab).start()
    host = pair.lb1.host
    pair.lb1.crash()
    host.ip("link del eth0")
    wait_until(lambda: "lb1-eth0" not in lab.switch.run("ip", "link"), what="the other end is gone")
    host._plug_cable(host.port())
    assert sysctls(host, "eth0", "arp_ignore", "arp_announce") == [0, 0]
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP")
    assert sysctls(host, "eth0", "arp_ignore", "arp_announce") == [1, 2]
    assert pair.lb1.stop() == 0
    assert sysctls(host, "eth0", "arp_ignore", "arp_announce") == [0, 0]


# ---- others on the machine ----

def test_a_link_of_that_name_that_is_not_ours_is_a_fault_and_left_alone(lab):
    pair = VmacPair(lab)
    pair.lb1.host.ip(f"link add {LINK} type veth peer name other")
    pair.lb1.start()
    pair.lb2.start()
    pair.wait_roles("FAULT", "MASTER")
    assert pair.lb1.vrrp()["faults"] == [f"there is a link {LINK} already, and it is not this router's"]
    pair.lb1.host.ip(f"link del {LINK}")
    pair.wait_roles("MASTER", "BACKUP", within=20)
    assert MAC in link(pair.lb1.host)


def test_a_link_that_somebody_removes_or_lowers_comes_back(lab):
    pair = VmacPair(lab).start()
    pair.lb1.host.ip(f"link set {LINK} down")
    wait_until(lambda: is_up(pair.lb1.host), what="up again")
    before = index(pair.lb1.host)
    pair.lb1.host.ip(f"link del {LINK}")
    wait_until(lambda: is_up(pair.lb1.host) and index(pair.lb1.host) != before, what="there again")
    wait_for(lambda: pair.lb1.host.addresses(LINK), {f"{VIP}/24"}, what="with its address")
    seen = len(pair.adverts.frames)
    wait_until(lambda: MAC in {frame.src for frame in pair.adverts.frames[seen:]}, what="adverts from it")
    assert pair.lb1.role() == "MASTER" and masters(adverts(pair.adverts)) == [LB1]


def test_an_interface_made_anew_gets_its_link_and_its_sysctls_anew(lab):
    pair = VmacPair(lab).start()
    host = pair.lb1.host
    host.ip("link del eth0")
    wait_for(lambda: (pair.lb1.role(), link(host)), ("FAULT", ""), what="all is gone")
    pair.lb2.wait_role("MASTER")
    wait_until(lambda: "lb1-eth0" not in lab.switch.run("ip", "link"), what="the other end is gone")
    host._plug_cable(host.port())
    pair.wait_roles("MASTER", "BACKUP")
    assert f"{LINK}@eth0" in link(host) and is_up(host)
    wait_for(lambda: sysctls(host, "eth0", "arp_ignore", "arp_announce"), [1, 2], what="sysctls")
    assert pair.watcher.run("ping", "-c1", "-w5", VIP)
    assert pair.lb1.stop() == 0
    assert not link(host) and sysctls(host, "eth0", "arp_ignore", "arp_announce") == [0, 0]


def test_routers_of_one_interface_share_its_sysctls_until_the_last_goes(lab):
    both = config(more=OURS) + f"""
  - {{name: other, interface: lan, virtual_router_id: 52, advert_interval: 100ms, carrier_settle: 0s, {OURS},
     virtual_addresses: 192.168.8.201/24}}
"""
    pair = VmacPair(lab)
    pair.lb1.configure(both)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER", name="other")
    pair.lb1.wait_role("MASTER", name="public")
    assert is_up(pair.lb1.host, "eth0-v4-52")
    assert pair.watcher.run("ping", "-c1", "-w5", "192.168.8.201")
    assert pair.lb1.reload(config(more=OURS))[0] == 0
    wait_for(lambda: link(pair.lb1.host, "eth0-v4-52"), "", what="the link goes with its router")
    assert sysctls(pair.lb1.host, "eth0", "arp_ignore") == [1] and is_up(pair.lb1.host)
    assert pair.lb1.reload(config(more=""))[0] == 0
    wait_for(lambda: sysctls(pair.lb1.host, "eth0", "arp_ignore"), [0], what="given back with the last")
