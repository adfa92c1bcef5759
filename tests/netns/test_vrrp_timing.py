"""When a director claims: version 2, preempt_delay, startup_delay."""
import re

from lbhatest import wait_until
from lbhatest.vrrp import adverts, reigns
from vrrp_pair import LB1, LB2, VIP, Pair


def seconds(director, words, which=0):
    """The second of the minute at which the log says something (for the which-th time)."""
    return float(re.findall(r"T\d\d:\d\d:(\d\d\.\d+)Z vrrp: public: " + words, director.log)[which])


def between(earlier, later):
    return (later - earlier) % 60


def test_a_pair_of_version_2_elects_takes_over_and_releases(lab):
    pair = Pair(lab, interval="1s", more="version: 2").start()
    one = adverts(pair.adverts)[-1]
    assert (one.version, one.source, one.priority, one.interval, one.addresses) == (2, LB1, 150, 1.0, [VIP])
    pair.lb1.crash()
    pair.lb2.wait_role("MASTER", within=6)
    wait_until(lambda: len(reigns(adverts(pair.adverts))) > 1, what="its first advert was captured")
    first, second = reigns(adverts(pair.adverts))[:2]
    assert 2.9 < second.first - first.last < 4  # 3 s + (256 - 100)/256 s since the last advert
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP", within=8)
    assert pair.lb1.stop() == 0
    pair.lb2.wait_role("MASTER", within=3)
    assert [one.priority for one in adverts(pair.adverts) if one.source == LB1][-3:] == [0, 0, 0]
    assert not pair.lb1.holds(VIP) and pair.lb2.holds(VIP)


def test_a_lesser_master_is_left_alone_for_preempt_delay(lab):
    pair = Pair(lab, more="preempt_delay: 3s")
    pair.lb2.start()
    pair.lb2.wait_role("MASTER")
    pair.lb1.start()
    wait_until(lambda: pair.lb1.vrrp()["master_address"] == LB2, what="lb1 hears lb2")
    reason = pair.lb1.vrrp()["reason"]
    assert re.fullmatch(rf"{LB2} advertises 100 < 150, preempt_delay lasts for another (\d\.\d|\d)s", reason), reason
    pair.wait_roles("MASTER", "BACKUP")
    heard = seconds(pair.lb1, "INIT → BACKUP")
    assert 3 <= between(heard, seconds(pair.lb1, "BACKUP → MASTER")) < 4
    assert f"{LB2} advertised 100 < 150" in pair.lb1.vrrp()["reason"]


def test_preempt_delay_does_not_delay_a_takeover(lab):
    pair = Pair(lab, more="preempt_delay: 60s")
    pair.lb2.start()
    pair.lb2.wait_role("MASTER")
    pair.lb1.start()
    wait_until(lambda: pair.lb1.vrrp()["master_address"] == LB2, what="lb1 hears lb2")
    pair.lb2.crash()
    pair.lb1.wait_role("MASTER", within=2)


def test_nobody_claims_before_the_daemon_has_run_for_startup_delay(lab):
    pair = Pair(lab, more="startup_delay: 3s")
    pair.lb1.start()
    assert re.match(r"listening for a master, no claim for another (\d\.\d|\d)s", pair.lb1.vrrp()["reason"])
    pair.lb1.wait_role("MASTER")
    started = seconds(pair.lb1, "INIT → BACKUP")
    assert 2 < between(started, seconds(pair.lb1, "BACKUP → MASTER")) < 3.3
    # a worker that comes back does not begin anew: the delay is the daemon's
    pair.lb1.host.unplug()
    pair.lb1.wait_role("FAULT")
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: pair.lb1.worker("vrrp")["state"] == "running", what="the next worker")
    pair.lb1.host.plug()
    pair.lb1.wait_role("MASTER", within=2.5)
