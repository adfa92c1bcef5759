"""Why a director is what it is: said in words, named by status where something is wrong, and told as an event."""
import json
import re

from hostile import HOSTILE, Hostile, v3
from lbhatest import wait_for, wait_until
from vrrp_pair import LB1, LB2, VIP, Pair


def plain(director, *words):
    """What lbhactl prints, folded lines joined again."""
    output = director.ctl(*words)
    assert all(len(line) <= 80 for line in output.splitlines()), output
    return re.sub(r"\s+", " ", output)


def kinds(director):
    return [json.loads(line)["event"] for line in director.ctl("events", "--json").splitlines()]


def problems(director):
    code, output = director.ctl_status("status")
    return code, re.sub(r"\s+", " ", output)


def test_two_masters_with_different_passwords_say_so(lab):
    more = "version: 2\nauthentication: {{type: pass, key: {key}}}"
    pair = Pair(lab, interval="1s", more=more.format(key="abc"))
    with open(pair.lb2.config_file) as file:
        text = file.read()
    pair.lb2.configure(text.replace("key: abc", "key: xyz"))
    pair.lb1.start()
    pair.lb2.start()
    pair.wait_roles("MASTER", "MASTER", within=10)
    wait_until(lambda: pair.lb1.vrrp()["dropped"]["auth"] >= 2, 10, "adverts of lb2")
    words = plain(pair.lb1, "vrrp", "public")
    assert re.search(rf"\d+ dropped: wrong password, last from {LB2} \S+ ago \(the keys of `authentication` differ\)", words)
    assert "It has never heard another router." in words
    code, status = problems(pair.lb1)
    assert code == 4
    assert f"instance public drops adverts from {LB2}: wrong password" in status
    assert "there may be two masters" in status
    assert "no_peer_heard" in kinds(pair.lb1)


def test_a_lone_master_that_has_heard_nobody_is_told_but_not_called_ill(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    assert pair.lb1.vrrp()["no_peer_heard"]
    code, status = problems(pair.lb1)
    assert code == 0 and "no other router was ever heard" in status
    pair.lb2.start()  # a backup says nothing
    wait_for(lambda: pair.lb2.vrrp()["master_address"], LB1, what="lb2 follows lb1")
    assert pair.lb1.vrrp()["no_peer_heard"] and not pair.lb2.vrrp()["no_peer_heard"]
    pair.lb1.crash()
    pair.lb2.wait_role("MASTER")
    assert not pair.lb2.vrrp()["no_peer_heard"]  # it has heard lb1
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP")
    assert not pair.lb1.vrrp()["no_peer_heard"]


def test_a_competing_master_is_named_as_long_as_it_competes(lab):
    pair = Pair(lab).start()
    flood = Hostile(pair.watcher, pair.lb1.host).flooding([v3(priority=50)], rate=20, seconds=3)
    wait_until(lambda: pair.lb1.vrrp()["competing_master"], what="competition")
    words, (code, status) = plain(pair.lb1, "vrrp", "public"), problems(pair.lb1)
    flood.join()
    assert f"{HOSTILE} claims to be MASTER at the same time, with priority 50" in words
    assert code == 4 and f"instance public has a competing master: {HOSTILE} advertises 50" in status
    wait_for(lambda: pair.lb1.vrrp()["competing_master"], False, what="no competition any more")
    # where the flood was held up for two intervals it has ended and begun in between
    wait_until(lambda: kinds(pair.lb1).count("competing_master") in (2, 4, 6), what="begin and end are told")
    begin, *_, end = [json.loads(line) for line in pair.lb1.ctl("events", "--json").splitlines() if "competing_master" in line]
    assert (begin["old"], begin["new"], begin["competitor_priority"]) == (None, HOSTILE, 50)
    assert (end["old"], end["new"]) == (HOSTILE, None)


def test_a_backup_says_what_it_would_take(lab):
    pair = Pair(lab).start()
    words = plain(pair.lb2, "vrrp", "public")
    assert "public is BACKUP since" in words and f"Why: lb1 ({LB1}) advertises 150 > 100" in words
    assert f"It becomes MASTER when {LB1} falls silent, gives up, or advertises less than 100." in words
    words = plain(pair.lb1, "vrrp", "public")
    assert "It stays MASTER until another router advertises more than 150" in words


def test_how_late_adverts_left_is_counted(lab):
    pair = Pair(lab, interval="20ms").start()
    wait_until(lambda: sum(pair.lb1.vrrp()["lateness_ms"].values()) > 50, what="adverts")
    seen = pair.lb1.vrrp()
    assert sum(seen["lateness_ms"].values()) <= seen["sent"]
    assert list(seen["lateness_ms"]) == ["0.1", "1", "5", "10", "50", "100", "inf"]
    assert sum(pair.lb2.vrrp()["lateness_ms"].values()) == 0


def test_a_repair_is_told_with_what_it_was(lab):
    pair = Pair(lab).start()
    pair.lb1.host.ip(f"addr del {VIP}/24 dev eth0")
    wait_until(lambda: "drift_repaired" in kinds(pair.lb1), what="the event")
    (event,) = [json.loads(line) for line in pair.lb1.ctl("events", "--json").splitlines() if "drift_repaired" in line]
    assert (event["object"], event["repairs"]) == ("public", 1)
    assert f"{VIP}/24" in event["reason"], event
    assert pair.lb1.holds(VIP)
    assert "Repaired 1 time what somebody else changed in the kernel, last: " + event["reason"] in plain(
        pair.lb1, "vrrp", "public")
