"""Why something is so, across workers: from a check that fails in one worker to the master that changes in another."""
import json
import os

from lbhatest import wait_for, wait_until
from vrrp_pair import LB1, LB2, Pair


def chain(links):
    """What leads to what, without times: "check gate down > instance public BACKUP"."""
    assert [link["leads_to"] for link in links[-1:]] in ([None], [])
    return " > ".join(f"{link['kind']} {link['object']} {link['state']}" for link in links)


class Gated(Pair):
    """lb1 (150) is 90 while its gate, a file, says so; lb2 has 100."""

    def __init__(self, lab, track="{check: gate, weight: -60}", more=""):
        super().__init__(lab)
        self.gate = self.lb1.host.log_file("gate")
        self.say("up")
        with open(self.lb1.config_file) as file:
            text = file.read()
        self.lb1.configure(text.replace("priority: 150,", f"priority: 150, vrrp: {{public: {{track: [{track}]}}}},") + more +
                           f"checks:\n  gate: {{type: file, path: {self.gate}, interval: 100ms, rise: 1, fall: 1}}\n")

    def say(self, word):
        with open(self.gate + ".new", "w") as file:
            file.write(word + "\n")
        os.chmod(self.gate + ".new", 0o644)
        os.rename(self.gate + ".new", self.gate)


def events(director, since):
    return [json.loads(line) for line in director.ctl("events", "--json", "--since", str(since)).splitlines()]


def test_a_check_that_fails_is_why_the_master_is_another(lab):
    pair = Gated(lab).start()
    assert pair.lb1.vrrp()["cause"] == []
    assert chain(pair.lb2.vrrp()["cause"]) == "instance public BACKUP"
    assert pair.lb2.vrrp()["cause"][0]["reason"] == f"lb1 ({LB1}) advertises 150 > 100"
    last = events(pair.lb1, 0)[-1]["seq"]
    pair.say("down")
    pair.wait_roles("BACKUP", "MASTER")
    gate, public = wait_until(lambda: (lambda links: len(links) == 2 and "advertises" in links[1]["reason"] and links)(
        pair.lb1.vrrp()["cause"]), what="the cause with the new master's advert")
    assert (gate["kind"], gate["object"], gate["state"], gate["leads_to"]) == ("check", "gate", "down", 1)
    assert gate["reason"] and gate["since"] <= public["since"]
    assert public["reason"] == f"lb2 ({LB2}) advertises 100 > 90; 90 = 150 - 60 (gate)"
    told = wait_until(lambda: [one for one in events(pair.lb1, last) if one["event"] == "vrrp_state"], what="the event")
    assert chain(told[0]["cause"]) == "check gate down > instance public BACKUP"
    words = pair.lb1.ctl("events", "--since", str(last)).splitlines()
    assert "[check gate down: " in next(line for line in words if "vrrp_state" in line)
    assert "Why: check gate down for " in pair.lb1.ctl("vrrp", "public")
    code, status = pair.lb1.ctl_status("status")
    first = status.splitlines()[1:6]
    assert code == 4 and first[0] == "Not as it should be" and first[1].startswith("  ! check gate is down for "), status
    assert "    → instance public is BACKUP: lb2 (192.168.8.11)" in status and "    try: lbhactl vrrp public" in status
    pair.say("up")
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: pair.lb1.vrrp()["cause"], [], what="nothing left to explain")


def test_a_fault_of_one_member_is_why_its_whole_group_moves(lab):
    pair = Gated(lab, track="{check: gate}", more="""  - name: inside
    interface: eth1
    virtual_router_id: 52
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [10.0.0.100/24]
sync_groups:
  - {name: both, instances: [public, inside]}
""")
    inside = lab.segment("inside", "10.0.0.0/24")
    pair.lb1.host.attach(inside, "10.0.0.10")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    last = events(pair.lb1, 0)[-1]["seq"]
    pair.lb1.host.unplug("eth1")
    wait_for(lambda: pair.lb1.status()["sync_groups"][0]["state"], "FAULT", what="the group in FAULT")
    group = wait_until(lambda: pair.lb1.status()["sync_groups"][0]["cause"], what="a cause")
    assert chain(group).endswith("instance inside FAULT > sync_group both FAULT")
    wait_until(lambda: "instance inside FAULT" in chain(pair.lb1.vrrp("public")["cause"]), what="the other member as the cause")
    told = wait_until(lambda: [one for one in events(pair.lb1, last) if one["event"] == "group_state" and one["new"] == "FAULT"],
                      what="the event of the group")
    assert "instance inside FAULT" in chain(told[0]["cause"])


def test_an_operators_word_is_a_cause(lab):
    pair = Gated(lab).start()
    pair.lb1.ctl("priority", "public", "50", "--comment", "new disk")
    pair.wait_roles("BACKUP", "MASTER")
    wait_for(lambda: chain(pair.lb1.vrrp()["cause"]), "override public priority 50 > instance public BACKUP")
    assert pair.lb1.vrrp()["cause"][0]["reason"].endswith(": new disk")
