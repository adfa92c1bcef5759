"""Two directors and the address between them: who has it, when it moves, and what nobody may notice."""
import re
import signal

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, longest_silence, masters, reigns
from vrrp_pair import LB1, LB2, VIP, Pair, address_changes, config, own_addresses

DOWN = 4 * 0.1  # of the backup at 100 ms, and a little more than its skew


def announced_by(capture, mac):
    return [frame for frame in capture.frames
            if frame.is_arp_request and frame.arp_sender == (mac, VIP) and frame.arp_target == VIP]


# ---- election ----

def test_the_higher_priority_becomes_master_and_nobody_else_ever_speaks(lab):
    pair = Pair(lab).start()
    assert pair.lb1.holds(VIP) and not pair.lb2.holds(VIP)
    wait_until(lambda: len(adverts(pair.adverts)) > 10, what="adverts")
    assert masters(adverts(pair.adverts)) == [LB1]
    one = adverts(pair.adverts)[0]
    assert (one.router, one.priority, one.interval, one.addresses) == (51, 150, 0.1, [VIP])
    status = pair.lb2.vrrp()
    assert status["reason"] == f"{LB1} advertises 150 > 100"
    assert (status["master_address"], status["priority"]) == (LB1, 100)


def test_between_equals_the_higher_address_wins_once_and_for_all(lab):
    pair = Pair(lab, first=100, second=100)
    pair.lb1.launch()
    pair.lb2.launch()
    wait_until(lambda: sorted((pair.lb1.role(), pair.lb2.role())) == ["BACKUP", "MASTER"], what="one master")
    settled = masters(adverts(pair.adverts))[-1]
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 10, what="more adverts")
    assert masters(adverts(pair.adverts))[-1] == settled


def test_a_lone_director_claims_after_carrier_settle_and_not_before(lab):
    pair = Pair(lab, settle="2s")
    pair.lb1.start()
    start = float(re.search(r"T\d\d:\d\d:(\d\d\.\d+)Z vrrp: public: INIT → BACKUP", pair.lb1.log)[1])
    pair.lb1.wait_role("MASTER")
    claim = float(re.search(r"T\d\d:\d\d:(\d\d\.\d+)Z vrrp: public: BACKUP → MASTER", pair.lb1.log)[1])
    assert 1.99 < (claim - start) % 60 < 2.2


# ---- takeover ----

def test_the_backup_takes_over_when_the_master_crashes_and_yields_when_it_returns(lab):
    pair = Pair(lab).start()
    arp = pair.watcher.capture("arp")
    pair.lb1.crash()
    pair.lb2.wait_role("MASTER", within=2)
    assert re.match(rf"no advert from {LB1} for 3\d\dms", pair.lb2.vrrp()["reason"])
    first, second = reigns(adverts(pair.adverts))
    assert second.first - first.last < DOWN
    wait_until(lambda: len(announced_by(arp, pair.lb2.host.mac())) >= 5, what="five announcements")
    # what the crash left on lb1 is taken away before it listens, and it comes back as the preferred one
    assert pair.lb1.holds(VIP)
    pair.lb1.start()
    wait_until(lambda: not pair.lb1.holds(VIP) or pair.lb1.role() == "MASTER", what="no stale address")
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb1.holds(VIP) and not pair.lb2.holds(VIP)
    assert masters(adverts(pair.adverts))[:2] == [LB1, LB2]


def test_a_dead_link_is_a_fault_and_the_backup_takes_over(lab):
    pair = Pair(lab).start()
    pair.lb1.host.unplug()
    pair.lb2.wait_role("MASTER", within=2)
    status = pair.lb1.vrrp()
    assert (status["state"], status["faults"]) == ("FAULT", ["eth0 has no carrier"])
    wait_for(lambda: pair.lb1.holds(VIP), False, what="no VIP on the director without a link")
    pair.lb1.host.plug()
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: pair.lb2.holds(VIP), False, what="no VIP on the backup")


def test_a_master_that_is_cut_off_and_comes_back_ends_the_split_and_announces(lab):
    pair = Pair(lab).start()
    pair.lb1.host.cut_off()
    pair.lb2.wait_role("MASTER", within=2)
    assert pair.lb1.role() == "MASTER"  # it cannot know
    arp = pair.watcher.capture("arp")
    pair.lb1.host.join_again()
    pair.wait_roles("MASTER", "BACKUP", within=2)
    wait_until(lambda: announced_by(arp, pair.lb1.host.mac()), what="the winner announces", within=2)
    wait_for(lambda: pair.lb1.vrrp()["competing_master"], False, what="no competition any more")
    assert f"{LB2} advertises 100 too" in pair.lb1.log


def test_without_preempt_a_returning_director_stays_backup(lab):
    pair = Pair(lab, more="preempt: false").start()
    pair.lb1.crash()
    pair.lb2.wait_role("MASTER", within=2)
    pair.lb1.start()
    wait_for(lambda: pair.lb1.vrrp()["reason"], f"{LB2} advertises 100 < 150, preempt is off", what="the reason")
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 10, what="more adverts")
    assert pair.lb1.role() == "BACKUP" and not pair.lb1.holds(VIP)
    assert masters(adverts(pair.adverts)) == [LB1, LB2]


# ---- release ----

def test_a_planned_stop_leaves_no_gap(lab):
    pair = Pair(lab, interval="1s")
    lab.serve(pair.lb1.host)
    lab.serve(pair.lb2.host)
    client = lab.client("client", pair.lan, "192.168.8.100")
    pair.start()
    with client.fetching(VIP, every=0.01) as fetching:
        wait_until(lambda: fetching.ok > 50, what="answers from lb1")
        assert pair.lb1.stop() == 0
        assert not pair.lb1.holds(VIP)
        pair.lb2.wait_role("MASTER", within=2)
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 50, what="answers from lb2")
    assert set(fetching.served_by) == {"lb1", "lb2"}
    assert fetching.longest_gap_ms < 250  # the skew time is 609 ms; a busy machine costs some
    priorities = [advert.priority for advert in adverts(pair.adverts) if advert.source == LB1]
    assert priorities[-3:] == [0, 0, 0] and priorities.count(0) == 3


def test_a_lone_director_that_stops_asks_twice_and_leaves_nothing(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    assert pair.lb1.stop() == 0
    assert own_addresses(pair.lb1.host) == {f"{LB1}/24"}
    assert [advert.priority for advert in adverts(pair.adverts)][-4:] == [0, 0, 0, 0]
    assert "released, nobody took over" in pair.lb1.log


# ---- the worker dies ----

def test_nobody_notices_that_the_worker_of_the_master_was_killed(lab):
    pair = Pair(lab, interval="1s").start()
    with address_changes(pair.lb1.host) as changes:
        for _ in range(2):
            restarts = pair.lb1.worker("vrrp")["restarts"]
            pair.lb1.kill_worker("vrrp")
            wait_until(lambda: pair.lb1.worker("vrrp")["restarts"] == restarts + 1, what="a new worker")
            wait_until(lambda: pair.lb1.role() == "MASTER", what="it goes on")
            seen = len(adverts(pair.adverts))
            wait_until(lambda: len(adverts(pair.adverts)) >= seen + 2, what="two more adverts")
    assert changes == []
    assert masters(adverts(pair.adverts)) == [LB1]
    assert "going on after a restart of the worker" in pair.lb1.log
    assert pair.lb2.vrrp()["transitions"] == 1


def test_a_worker_without_its_supervisor_releases(lab):
    pair = Pair(lab).start()
    pair.lb1.process.kill()
    pair.lb2.wait_role("MASTER", within=3)
    wait_for(lambda: pair.lb1.holds(VIP), False, what="the orphan has let go")
    assert f"public: MASTER → INIT: released, {LB2} has taken over" in pair.lb1.log
    wait_until(lambda: "lbhad" not in pair.lb1.host.run("ps", "-eo", "comm"), what="all workers have ended")


# ---- reload ----

def test_the_same_file_again_does_nothing_and_delays_no_advert(lab):
    pair = Pair(lab).start()
    pair.adverts.clear()
    before = pair.lb1.vrrp()
    with address_changes(pair.lb1.host) as changes:
        for _ in range(5):
            assert pair.lb1.reload()[0] == 0
    assert changes == []
    after = pair.lb1.vrrp()
    assert (after["state"], after["since"], after["transitions"]) == (
            before["state"], before["since"], before["transitions"])
    assert after["sent"] >= before["sent"]
    assert longest_silence(adverts(pair.adverts)) < 0.15
    assert pair.lb1.ctl("plan") == ""


def test_a_reload_moves_just_the_addresses_that_changed(lab):
    pair = Pair(lab, addresses=f"{VIP}/24, 192.168.8.201/32").start()
    changed = config(addresses=f"{VIP}/24, 192.168.8.202/32")
    arp = pair.watcher.capture("arp")
    with address_changes(pair.lb1.host) as changes:
        code, said = pair.lb1.reload(changed)
        assert code == 0, said
    assert sorted(changes) == ["+192.168.8.202/32", "-192.168.8.201/32"]
    assert changes[0] == "+192.168.8.202/32"
    arp.wait(lambda frame: frame.is_arp_request and frame.arp_sender == (pair.lb1.host.mac(), "192.168.8.202"))
    wait_until(lambda: adverts(pair.adverts)[-1].addresses == [VIP, "192.168.8.202"], what="adverts say so")
    assert pair.lb1.vrrp()["transitions"] == 2


def test_a_lower_priority_hands_over_and_a_new_interval_is_followed(lab):
    pair = Pair(lab).start()
    assert pair.lb1.reload(config(first=50, interval="200ms"))[0] == 0
    pair.wait_roles("BACKUP", "MASTER")
    assert pair.lb2.reload(config(first=50, interval="200ms"))[0] == 0
    wait_until(lambda: adverts(pair.adverts)[-1].interval == 0.2, what="the new interval")
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 5, what="more adverts")
    assert masters(adverts(pair.adverts))[-1] == LB2


def test_an_instance_that_leaves_the_file_is_released_to_the_other_director(lab):
    second = """
  - name: second
    interface: lan
    virtual_router_id: 52
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [192.168.8.210/32]
"""
    pair = Pair(lab)
    both = config() + second
    for director in pair.lb1, pair.lb2:
        director.configure(both)
        director.launch()
    for director, role in ((pair.lb1, "MASTER"), (pair.lb2, "BACKUP")):
        director.wait_role(role, name="public")
        director.wait_role(role, name="second")
    assert pair.lb1.reload(config())[0] == 0
    pair.lb2.wait_role("MASTER", name="second", within=2)
    wait_for(lambda: own_addresses(pair.lb1.host), {f"{LB1}/24", f"{VIP}/24"}, what="addresses of lb1")
    said = [advert for advert in adverts(pair.adverts) if advert.router == 52 and advert.source == LB1]
    assert said[-1].priority == 0
    assert pair.lb1.vrrp("public")["transitions"] == 2


def test_another_router_id_under_the_old_name_begins_anew_and_loses_no_address(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    pair.adverts.clear()
    with address_changes(pair.lb1.host) as changes:
        code, said = pair.lb1.reload(config().replace("virtual_router_id: 51", "virtual_router_id: 61"))
        assert code == 0, said
        pair.lb1.wait_role("MASTER")
        wait_until(lambda: [one for one in adverts(pair.adverts) if one.router == 61 and one.priority], what="61 speaks")
        wait_until(lambda: [one.priority for one in adverts(pair.adverts) if one.router == 51].count(0) == 4,
                   what="51 was released, and asked twice")
        assert pair.lb1.holds(VIP)
    assert changes == ["-" + VIP + "/24", "+" + VIP + "/24"] or changes == []


def test_plan_says_what_a_reload_would_do(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.configure(config(first=120, addresses=f"{VIP}/24, 192.168.8.201/32"))
    said = pair.lb1.ctl("plan")
    assert "public: priority 150 → 120" in said and "public: add virtual address 192.168.8.201/32" in said
    assert pair.lb1.vrrp()["priority"] == 150


# ---- waking up ----

def test_a_paused_backup_that_goes_on_does_not_claim(lab):
    """Its down timer has long passed, but the master's adverts lie in its socket."""
    pair = Pair(lab).start()
    pid = pair.lb2.worker("vrrp")["pid"]
    pair.lb2.host.run("kill", f"-{int(signal.SIGSTOP)}", pid)
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 10, what="a second passes")
    pair.lb2.host.run("kill", f"-{int(signal.SIGCONT)}", pid)
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + 5, what="more adverts")
    assert masters(adverts(pair.adverts)) == [LB1]
    assert pair.lb2.vrrp()["transitions"] == 1
