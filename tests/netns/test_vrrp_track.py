"""What a director tracks decides about who is MASTER, by what is so now and not by what has happened."""
import json
import os
import time

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, VIP, Pair

TARGET = "10.9.0.30"
CHECKS = """checks:
  gateway: {{type: tcp, address: {target}, port: 80, interval: 100ms, timeout: 100ms, rise: 2, fall: 2}}
  slow: {{type: tcp, address: {target}, port: 80, interval: 1s, timeout: 100ms, rise: 2, fall: 2}}
  page: {{type: http, address: {target}, port: 80, path: /health, interval: 100ms, timeout: 100ms, rise: 2, fall: 2}}
""".format(target=TARGET)


class TrackingPair(Pair):
    """lb1 (150) tracks, lb2 (100) does not; both have a second interface to a web server, lb1 a third."""

    def __init__(self, lab, track, **settings):
        super().__init__(lab, **settings)
        self.out, self.far = lab.segment("out", "10.9.0.0/24"), lab.segment("far", "10.10.0.0/24")
        self.lb1.host.attach(self.out, "10.9.0.10")
        self.lb1.host.attach(self.far, "10.10.0.10")
        self.lb2.host.attach(self.out, "10.9.0.11")
        self.web = lab.host("web", (self.out, TARGET))
        self.server = lab.serve(self.web)
        self.track(track)

    def track(self, track):
        """Writes another list of trackers for lb1 into its file."""
        with open(self.lb2.config_file) as file:
            text = file.read()
        self.lb1.configure(text.replace("priority: 150,", f"priority: 150, vrrp: {{public: {{track: [{track}]}}}},") + CHECKS)

    def wait_priority(self, wanted, within=5):
        wait_for(lambda: self.lb1.vrrp()["priority"], wanted, within, "priority of lb1")

    def tracker(self, name):
        return next(one for one in self.lb1.vrrp()["trackers"] if one["name"] == name)


def events_of(director, since=0):
    return [json.loads(line) for line in director.ctl("events", "--json", "--since", str(since)).splitlines()]


def test_a_weight_moves_the_address_and_back(lab):
    pair = TrackingPair(lab, "{interface: eth1, weight: -60}").start()
    assert pair.lb1.vrrp()["priority"] == 150
    pair.lb1.host.unplug("eth1")
    pair.wait_roles("BACKUP", "MASTER")
    seen = pair.lb1.vrrp()
    assert (seen["priority"], seen["base_priority"]) == (90, 150)
    assert seen["reason"] == "192.168.8.11 advertises 100 > 90"
    tracker = pair.tracker("eth1")
    assert (tracker["state"], tracker["weight"], tracker["effect"], tracker["reason"]) == ("down", -60, -60, "no carrier")
    wait_for(lambda: (pair.lb1.holds(VIP), pair.lb2.holds(VIP)), (False, True), what="VIP on lb2 alone")
    pair.lb1.host.plug("eth1")
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb1.vrrp()["priority"] == 150


def test_two_causes_of_fault_and_one_that_goes_leave_a_fault(lab):
    """keepalived forgets the first one with the second, and becomes MASTER without a way out."""
    pair = TrackingPair(lab, "{interface: eth1}, {interface: eth2}").start()
    pair.lb1.host.unplug("eth1")
    pair.wait_roles("FAULT", "MASTER")
    assert pair.lb1.vrrp()["faults"] == ["eth1 down: no carrier"]
    pair.lb1.host.ip("link set eth2 down")
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth1 down: no carrier", "eth2 down: set down"], what="both causes")
    pair.lb1.host.plug("eth1")
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth2 down: set down"], what="the other cause")
    transitions = pair.lb1.vrrp()["transitions"]
    time.sleep(0.5)  # longer than a claim takes
    assert (pair.lb1.role(), pair.lb1.vrrp()["transitions"]) == ("FAULT", transitions)
    pair.lb1.host.ip("link set eth2 up")
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb1.vrrp()["faults"] == []


def test_an_interface_that_goes_for_good_is_down_and_a_new_one_of_its_name_is_seen(lab):
    pair = TrackingPair(lab, "{interface: eth7, weight: -60}")
    pair.lb2.start()
    pair.lb1.start()
    pair.wait_roles("BACKUP", "MASTER")
    assert pair.tracker("eth7")["reason"] == "does not exist"
    pair.lb1.host.ip("link add eth7 type veth peer name far7", "link set far7 up", "link set eth7 up")
    pair.wait_roles("MASTER", "BACKUP")
    pair.lb1.host.ip("link set eth7 down", "link set eth7 name other", "link set other up")
    pair.wait_roles("BACKUP", "MASTER")
    assert pair.tracker("eth7")["reason"] == "does not exist"


def test_a_flap_shorter_than_the_delay_changes_nothing(lab):
    pair = TrackingPair(lab, "{interface: eth1, down_delay: 1s, up_delay: 500ms}").start()
    before = pair.lb1.vrrp()["transitions"]
    for _ in range(3):
        pair.lb1.host.unplug("eth1")
        wait_until(lambda: pair.tracker("eth1")["reason"] == "no carrier, but not for 1s yet", what="seen, not counted")
        pair.lb1.host.plug("eth1")
        wait_for(lambda: pair.tracker("eth1")["reason"], "up", what="eth1 is up")
    assert pair.lb1.vrrp()["transitions"] == before
    unplugged = time.monotonic()
    pair.lb1.host.unplug("eth1")
    pair.lb1.wait_role("FAULT")
    assert time.monotonic() - unplugged > 0.9
    pair.lb1.host.plug("eth1")
    wait_for(lambda: pair.lb1.vrrp()["faults"], ["eth1 down: up, but not for 500ms yet"], what="up, not counted")
    pair.wait_roles("MASTER", "BACKUP")


def test_a_check_moves_the_address_and_says_why(lab):
    pair = TrackingPair(lab, "{check: gateway, weight: -60}").start()
    pair.server.stop()
    pair.wait_roles("BACKUP", "MASTER")
    assert (pair.tracker("gateway")["state"], pair.tracker("gateway")["reason"]) == ("down", "connect: refused")
    pair.server.start()
    pair.wait_roles("MASTER", "BACKUP")


def test_files_and_scripts_are_tracked_as_anything_else(lab):
    """A script that cannot be started is a failed one."""
    pair = TrackingPair(lab, "{check: flag, weight: -20}, {check: program, weight: -5}, {check: nothing, weight: -3}")
    flag = pair.lb1.host.log_file("flag")
    with open(flag, "w"):
        pass
    os.chmod(os.path.dirname(flag), 0o755)
    with open(pair.lb1.config_file) as file:
        text = file.read()
    pair.lb1.configure(text + f"""  flag: {{type: file, path: {flag}, interval: 100ms, fall: 2}}
  program: {{type: script, command: [/bin/test, -e, {flag}], interval: 100ms, timeout: 1s, fall: 2}}
  nothing: {{type: script, command: [/nowhere/nothing], interval: 100ms, timeout: 1s, fall: 2}}
""")
    pair.start()
    pair.wait_priority(147)
    os.unlink(flag)
    pair.wait_priority(122)
    assert {one["name"]: one["state"] for one in pair.lb1.vrrp()["trackers"]} == dict(flag="down", program="down", nothing="down")
    with open(flag, "w"):
        pass
    pair.wait_priority(147)


def test_a_check_of_http_without_a_weight_is_a_fault(lab):
    pair = TrackingPair(lab, "{check: page}").start()
    pair.web.unplug()
    pair.wait_roles("FAULT", "MASTER")
    (fault,) = pair.lb1.vrrp()["faults"]
    assert fault == "page down: no connection within 100ms"
    pair.web.plug()
    pair.wait_roles("MASTER", "BACKUP")


def test_weights_are_summed_and_kept_within_1_and_254(lab):
    pair = TrackingPair(lab, "{interface: eth1, weight: -100}, {check: gateway, weight: -90}, {interface: eth2, weight: 10}")
    pair.start()
    pair.wait_priority(160)
    pair.lb1.host.unplug("eth1")  # and with it the way to the gateway
    pair.wait_priority(1)
    assert sorted(one["effect"] for one in pair.lb1.vrrp()["trackers"]) == [-100, -90, 10]
    pair.lb1.host.plug("eth1")
    pair.wait_priority(160)
    pair.track("{interface: eth1, weight: 104}, {interface: eth2, weight: 104}")
    assert pair.lb1.reload()[0] == 0
    pair.wait_priority(254)


def test_a_check_worker_that_dies_changes_nothing(lab):
    """The next one knows nothing for more than a second."""
    pair = TrackingPair(lab, "{check: slow, weight: -30}").start()
    pair.server.stop()
    pair.wait_priority(120)
    last, changes = events_of(pair.lb1)[-1]["seq"], pair.lb1.log.count(": priority ")
    for _ in range(2):
        pid = pair.lb1.kill_worker("check")
        wait_until(lambda: pair.lb1.worker("check")["pid"] not in (0, pid), 10, "another check worker")
        wait_for(lambda: pair.lb1.worker("check")["state"], "running", 10)
    wait_until(lambda: "2 failures" in pair.lb1.log.split("killed")[-1], what="a verdict of the new one")
    assert {event["event"] for event in events_of(pair.lb1, last)} == {"worker_restart"}
    assert (pair.lb1.vrrp()["priority"], pair.lb1.log.count(": priority ")) == (120, changes)
    pair.server.start()
    pair.wait_priority(150)


def test_a_reload_keeps_what_is_known_of_a_check(lab):
    pair = TrackingPair(lab, "{check: gateway, weight: -30}").start()
    pair.server.stop()
    pair.wait_priority(120)
    pair.track("{check: page, weight: -10}, {check: gateway, weight: -30}")  # probes get other numbers
    transitions = pair.lb1.vrrp()["transitions"]
    assert pair.lb1.reload()[0] == 0
    pair.wait_priority(110)  # never 140 or 150: see the log
    assert "priority 120 → 110" in pair.lb1.log
    assert pair.lb1.vrrp()["transitions"] == transitions


def test_a_director_that_boots_does_not_preempt_before_it_knows_its_checks(lab):
    """Else it would take the addresses and give them back."""
    pair = TrackingPair(lab, "{check: slow, weight: -60}")
    pair.server.stop()
    pair.lb2.start()
    pair.lb2.wait_role("MASTER")
    pair.lb1.start()
    pair.wait_priority(90)
    assert pair.lb1.vrrp()["transitions"] == 1, pair.lb1.log
    assert LB1 not in masters(adverts(pair.adverts))
