"""What operators say: release, claim, priority, maintenance; who keeps it, and what the clients see of it."""
import json
import os
import subprocess

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, LB2, VIP, Pair, config, own_addresses

DONE, FAILED, USAGE, NO_DAEMON, DEGRADED = range(5)


@pytest.fixture
def pair(lab):
    return Pair(lab).start()


@pytest.fixture
def lone(lab):
    return alone(Pair(lab))


def alone(pair):
    """The first of two directors, MASTER without the other; it knows its pair."""
    pair.lb1.pair = pair
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    return pair.lb1


def said(director, *words):
    """What a command printed that did all it should."""
    code, text = director.ctl_status(*words)
    assert code == DONE, (code, text)
    return text


def refused(director, *words):
    code, text = director.ctl_status(*words)
    assert code == FAILED, (code, text)
    return text


def outcome(director, *words):
    """(exit code, the JSON that was printed)"""
    code, text = director.ctl_status(*words, "--json")
    return code, json.loads(text[:text.rindex("}") + 1])


def hear_more(pair, adverts_more=10):
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + adverts_more, what="more adverts")


# ---- release and claim ----

def test_release_hands_over_and_says_to_whom(pair):
    assert said(pair.lb1, "release", "public") == f"public: released, {LB2} has taken over with 100\n"
    pair.wait_roles("BACKUP", "MASTER")
    assert not pair.lb1.holds(VIP) and pair.lb2.holds(VIP)
    assert pair.lb1.vrrp()["reason"] == f"released by the operator; {LB2} advertises 100"


def test_who_was_released_stays_backup_until_claim(pair):
    said(pair.lb1, "release", "public")
    hear_more(pair, 15)
    pair.wait_roles("BACKUP", "MASTER")
    assert masters(adverts(pair.adverts)) == [LB1, LB2]
    assert said(pair.lb1, "claim", "public") == f"public: MASTER, claimed by the operator; {LB2} advertised 100\n"
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb1.holds(VIP)


# ---- release and claim: who cannot, and why ----

def test_without_a_successor_a_release_is_undone_and_fails(lone):
    code, told = outcome(lone, "release", "public")
    assert code == FAILED
    assert told["objects"] == [{"name": "public", "done": False, "text": "nobody took over, still MASTER"}]
    assert lone.role() == "MASTER" and lone.holds(VIP)
    assert [one.priority for one in adverts(lone.pair.adverts)].count(0) == 4  # it has asked twice
    assert "standing" not in lone.vrrp()["reason"]


def test_a_release_leaves_no_gap_for_a_client(lab):
    pair = Pair(lab, interval="1s")
    lab.serve(pair.lb1.host)
    lab.serve(pair.lb2.host)
    client = lab.client("client", pair.lan, "192.168.8.100")
    pair.start()
    with client.fetching(VIP, every=0.01) as fetching:
        wait_until(lambda: fetching.ok > 50, what="answers from lb1")
        said(pair.lb1, "release", "public")
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 50, what="answers from lb2")
        said(pair.lb1, "claim", "public")
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 50, what="answers from lb1 again")
    assert set(fetching.served_by) == {"lb1", "lb2"}
    assert fetching.longest_gap_ms < 500  # the skew time is 609 ms; a busy machine costs some


def test_a_backup_stands_down_at_once(pair):
    assert said(pair.lb2, "release", "public") == f"public: stands down; {LB1} is MASTER with 150\n"
    assert pair.lb2.vrrp()["reason"] == f"released by the operator; {LB1} advertises 150"


def test_who_stood_down_claims_when_the_master_dies(pair):
    said(pair.lb1, "release", "public")
    pair.lb2.crash()
    pair.lb1.wait_role("MASTER", within=2)
    assert pair.lb1.holds(VIP)


def test_standing_down_outlives_a_death_of_the_worker(pair):
    said(pair.lb1, "release", "public")
    pair.lb1.kill_worker("vrrp")
    wait_for(lambda: pair.lb1.vrrp()["reason"], f"released by the operator; {LB2} advertises 100", what="it stands down")
    hear_more(pair, 15)
    assert masters(adverts(pair.adverts)) == [LB1, LB2]
    said(pair.lb1, "claim", "public")
    pair.wait_roles("MASTER", "BACKUP")


def test_a_claim_against_a_better_master_fails_and_says_who_it_is(pair):
    code, told = outcome(pair.lb2, "claim", "public")
    assert code == FAILED and told["error"] == "not claimed"
    assert told["objects"] == [{"name": "public", "done": False,
                                "text": f"stays BACKUP, {LB1} advertises 150 > 100"}]
    hear_more(pair)
    assert masters(adverts(pair.adverts)) == [LB1]


def test_a_claim_does_not_ask_for_preempt(lab):
    pair = Pair(lab, more="preempt: false").start()
    said(pair.lb1, "release", "public")
    said(pair.lb1, "claim", "public")
    pair.wait_roles("MASTER", "BACKUP")


def test_a_claim_of_a_fault_fails_with_its_cause(pair):
    pair.lb1.host.unplug()
    pair.lb2.wait_role("MASTER")
    assert "public: stays FAULT, eth0 has no carrier" in refused(pair.lb1, "claim", "public")
    assert "public: stands down; FAULT, eth0 has no carrier" in said(pair.lb1, "release", "public")
    pair.lb1.host.plug()
    wait_for(lambda: pair.lb1.vrrp()["reason"], f"released by the operator; {LB2} advertises 100", what="it stands down")


def test_a_claim_of_a_master_is_done_already(lone):
    assert said(lone, "claim", "public").startswith("public: MASTER, no master heard for ")


def test_a_name_that_is_none_is_refused_with_a_better_one(lone):
    for command in ("release", "pubic"), ("claim", "pubic"), ("priority", "pubic", "120"):
        assert 'no instance is called "pubic"; did you mean "public"?' in refused(lone, *command)


SECOND = """
  - name: second
    interface: lan
    virtual_router_id: 52
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [192.168.8.210/32]
"""


def test_all_is_told_by_instance_and_fails_if_any_does(lab):
    """lb2 has only one of the two: the other finds no successor."""
    pair = Pair(lab)
    pair.lb1.configure(config() + SECOND)
    pair.lb1.start()
    pair.lb2.start()
    for name in "public", "second":
        pair.lb1.wait_role("MASTER", name=name)
    wait_for(lambda: pair.lb2.vrrp()["master_address"], LB1, what="lb2 follows lb1")
    code, told = outcome(pair.lb1, "release", "--all")
    assert code == FAILED
    assert sorted((one["name"], one["done"], one["text"]) for one in told["objects"]) == [
        ("public", True, f"released, {LB2} has taken over with 100"),
        ("second", False, "nobody took over, still MASTER")]
    assert (pair.lb1.role("public"), pair.lb1.role("second")) == ("BACKUP", "MASTER")
    text = said(pair.lb1, "claim", "--all")
    assert sorted(line.split(":")[0] for line in text.splitlines()) == ["public", "second"]


# ---- orders and what may happen meanwhile ----

def order_in_the_background(director, *words):
    return director.host.start(*director.ctl_command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process, within=10):
    text, _ = process.communicate(timeout=within)
    return process.returncode, text


@pytest.fixture
def slow(lab):
    """A lone MASTER that takes a second to find out that nobody takes over."""
    return alone(Pair(lab, interval="400ms"))


def releasing(director):
    """It has said goodbye and waits for a successor."""
    wait_until(lambda: [one for one in adverts(director.pair.adverts) if one.priority == 0], what="a goodbye")


def test_two_operators_who_want_the_same_get_the_same(slow):
    both = [order_in_the_background(slow, "release", "public") for _ in range(2)]
    for process in both:
        assert ended(process) == (FAILED, "public: nobody took over, still MASTER\nlbhactl: not released\n")
    assert slow.role() == "MASTER"


def test_a_claim_ends_a_release_that_is_under_way(slow):
    first = order_in_the_background(slow, "release", "public")
    releasing(slow)
    assert said(slow, "claim", "public").startswith("public: MASTER, ")
    assert ended(first) == (FAILED, "public: claimed again meanwhile\nlbhactl: not released\n")
    assert slow.role() == "MASTER" and slow.holds(VIP)


def test_a_release_goes_on_when_its_client_has_gone(pair):
    client = order_in_the_background(pair.lb1, "release", "public")
    client.kill()
    client.communicate()
    code, _ = pair.lb1.ctl_status("release", "public")
    assert code == DONE
    pair.wait_roles("BACKUP", "MASTER")


def test_a_worker_that_dies_answers_for_nobody_but_nobody_is_stuck(slow):
    first = order_in_the_background(slow, "release", "public")
    releasing(slow)
    slow.kill_worker("vrrp")
    code, text = ended(first)
    assert code == FAILED and "the vrrp worker has died" in text
    wait_until(lambda: slow.role() in ("MASTER", "BACKUP"), what="a new worker")
    slow.wait_role("MASTER", within=10)


def test_a_reload_that_takes_the_instance_out_ends_the_order(slow):
    first = order_in_the_background(slow, "release", "public")
    releasing(slow)
    assert slow.reload(config(interval="400ms").replace("virtual_router_id: 51", "virtual_router_id: 61"))[0] == 0
    assert ended(first) == (FAILED, "public: a reload took it out, or lets it begin anew\nlbhactl: not released\n")


def test_a_reload_that_changes_nothing_lets_a_release_go_on(slow):
    first = order_in_the_background(slow, "release", "public")
    releasing(slow)
    assert slow.reload()[0] == 0
    assert ended(first) == (FAILED, "public: nobody took over, still MASTER\nlbhactl: not released\n")


def test_a_stop_ends_an_order(slow):
    first = order_in_the_background(slow, "release", "public")
    releasing(slow)
    assert slow.stop() == 0
    code, text = ended(first)
    assert code == FAILED and ("lbhad is stopping" in text or "hung up" in text)
    assert own_addresses(slow.host) == {f"{LB1}/24"}


# ---- sync groups ----

def test_a_member_of_a_sync_group_moves_with_all_others(lab):
    group = SECOND + "sync_groups:\n  - {name: gateway, instances: [public, second]}\n"
    pair = Pair(lab)
    for director in pair.lb1, pair.lb2:
        director.configure(config() + group)
    pair.lb1.start()
    for name in "public", "second":
        pair.lb1.wait_role("MASTER", name=name)
    pair.lb2.start()
    for name in "public", "second":
        wait_for(lambda name=name: pair.lb2.vrrp(name)["master_address"], LB1, what="lb2 follows lb1")
    _, told = outcome(pair.lb1, "release", "second")
    assert {one["name"]: one["text"] for one in told["objects"]} == {
        "public": f"released, {LB2} has taken over with 100 (moves with its sync group gateway)",
        "second": f"released, {LB2} has taken over with 100"}
    for name in "public", "second":
        pair.lb2.wait_role("MASTER", name=name)
        assert pair.lb1.role(name) == "BACKUP"
    # a priority is said of the whole group, too, and lb1 cannot come back
    code, told = outcome(pair.lb2, "priority", "public", "200")
    assert code == DONE and {one["name"] for one in told["objects"]} == {"public", "second"}
    wait_for(lambda: [one["priority"] for one in pair.lb2.status()["vrrp"]], [200, 200], what="priorities of lb2")
    wait_for(lambda: pair.lb1.vrrp("second")["master_priority"], 200, what="lb1 knows")
    code, told = outcome(pair.lb1, "claim", "public")
    assert code == FAILED and len(told["objects"]) == 2 and not any(one["done"] for one in told["objects"])
    assert f"{LB2} advertises 200 > 150" in told["objects"][0]["text"]
    said(pair.lb2, "priority", "second", "auto")
    wait_for(lambda: pair.lb1.vrrp("second")["master_priority"], 100, what="lb1 knows")
    said(pair.lb1, "claim", "public")
    for name in "public", "second":
        pair.lb1.wait_role("MASTER", name=name)


# ---- priority ----

def test_a_priority_moves_the_address_and_back_and_says_who_was_not_told(pair):
    code, told = outcome(pair.lb2, "priority", "public", "200", "--comment", "lb1 is looked at")
    assert (code, told["objects"]) == (DONE, [{"name": "public", "done": True, "text": "priority 200"}])
    assert told["warnings"] == ["overrides are this director's own; not told: lb1"]
    pair.wait_roles("BACKUP", "MASTER")
    status = pair.lb2.status()
    instance = status["vrrp"][0]
    assert (instance["priority"], instance["base_priority"], instance["configured_priority"]) == (200, 200, 100)
    (one,) = status["overrides"]
    assert (one["object"], one["kind"], one["value"], one["by"], one["comment"], one["until"], one["configured"]) == (
        "public", "priority", "200", "root", "lb1 is looked at", None, True)
    assert "lb1 is looked at" in pair.lb2.ctl("status")
    assert "An operator said 200 in place of the configured 100." in pair.lb2.ctl("vrrp", "public")
    assert said(pair.lb2, "priority", "public", "auto").startswith("public: priority as configured again\n")
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb2.status()["overrides"] == []
    assert said(pair.lb2, "priority", "public", "auto").startswith("public: priority was as configured already\n")


def test_a_priority_survives_reload_and_restart_and_a_dead_worker(pair):
    said(pair.lb2, "priority", "public", "200")
    pair.wait_roles("BACKUP", "MASTER")
    assert pair.lb2.reload(config(second=110))[0] == 0
    hear_more(pair)
    assert pair.lb2.role() == "MASTER" and pair.lb2.vrrp()["configured_priority"] == 110
    pair.lb2.kill_worker("vrrp")
    hear_more(pair)
    wait_for(lambda: pair.lb2.vrrp()["priority"], 200, what="the priority of the new worker")
    assert pair.lb2.stop() == 0
    pair.lb1.wait_role("MASTER")
    pair.lb2.start()
    pair.wait_roles("BACKUP", "MASTER")


def test_a_priority_ends_by_itself(pair):
    said(pair.lb2, "priority", "public", "200", "--timeout", "1500ms")
    pair.wait_roles("BACKUP", "MASTER")
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb2.status()["overrides"] == []
    assert "public: priority 200, by root, has ended" in pair.lb2.log


def test_a_priority_of_what_is_no_longer_configured_is_kept_and_shown_as_such(lone):
    said(lone, "priority", "public", "200")
    assert lone.reload(config().replace("name: public", "name: other"))[0] == 0
    wait_for(lambda: lone.status()["overrides"][0]["configured"], False, what="it is not configured")
    assert "not configured: kept" in lone.ctl("overrides")
    assert lone.vrrp("other")["priority"] == 150
    assert lone.reload(config())[0] == 0
    wait_for(lambda: lone.vrrp("public")["priority"], 200, what="it is back")
    assert lone.reload(config().replace("name: public", "name: other"))[0] == 0
    said(lone, "priority", "public", "auto")
    assert lone.status()["overrides"] == []


def test_an_owner_is_not_overridden(lab):
    pair = Pair(lab, first=255)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    assert "owns its addresses (priority 255)" in refused(pair.lb1, "priority", "public", "100")


# ---- maintenance ----

def test_maintenance_hands_over_and_outlives_all_deaths(pair):
    code, told = outcome(pair.lb1, "maintenance", "on", "--comment", "new kernel")
    assert code == DONE, told
    assert [(one["name"], one["text"]) for one in told["objects"]] == [
        ("director", "maintenance on"), ("public", f"released, {LB2} has taken over with 100")]
    pair.wait_roles("BACKUP", "MASTER")
    status = pair.lb1.status()
    assert status["maintenance"] and status["vrrp"][0]["reason"] == f"maintenance; {LB2} advertises 100"
    assert "in maintenance" in pair.lb1.ctl("status") and "new kernel" in pair.lb1.ctl("status")
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: pair.lb1.worker("vrrp")["restarts"] == 1, what="a new worker")
    hear_more(pair, 15)
    pair.lb1.crash()
    pair.lb1.start()
    hear_more(pair, 15)
    assert pair.lb1.status()["maintenance"] and pair.lb1.role() == "BACKUP"
    assert masters(adverts(pair.adverts)) == [LB1, LB2]
    assert "maintenance: nothing is claimed" in refused(pair.lb1, "claim", "public")
    assert said(pair.lb1, "maintenance", "off").startswith("director: maintenance off\n")
    pair.wait_roles("MASTER", "BACKUP")
    assert not pair.lb1.status()["maintenance"]


def test_in_maintenance_nobody_claims_even_when_no_master_is_heard(pair):
    said(pair.lb1, "maintenance", "on")
    assert pair.lb2.stop() == 0
    assert pair.lb1.stop() == 0
    pair.lb2.configure(config().replace("virtual_router_id: 51", "virtual_router_id: 61").replace(VIP, "192.168.8.250"))
    pair.lb2.start()  # a clock: adverts of another virtual router
    pair.lb2.wait_role("MASTER")
    pair.adverts.clear()
    pair.lb1.start()
    wait_for(lambda: pair.lb1.vrrp()["reason"], "maintenance", what="the reason")
    hear_more(pair, 12)
    assert pair.lb1.role() == "BACKUP" and {one.router for one in adverts(pair.adverts)} == {61}


def test_maintenance_without_a_successor_says_so_and_the_next_director_gets_the_address(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    code, told = outcome(pair.lb1, "maintenance", "on")
    assert code == FAILED and told["objects"][1]["text"] == "nobody took over, still MASTER"
    status = pair.lb1.status()
    assert status["maintenance"] and status["vrrp"][0]["state"] == "MASTER" and pair.lb1.holds(VIP)
    assert status["vrrp"][0]["maintenance"] and status["vrrp"][0]["priority"] == 1
    assert "In maintenance its priority is the lowest, 1 (else 150)" in pair.lb1.ctl("vrrp", "public")
    pair.lb1.kill_worker("vrrp")
    wait_until(lambda: "going on after a restart" in pair.lb1.vrrp()["reason"], what="it goes on")
    pair.lb2.start()
    pair.wait_roles("BACKUP", "MASTER")
    assert not pair.lb1.holds(VIP)


def test_maintenance_while_the_worker_is_away_is_taken_up_by_the_next(pair):
    """Killed four times in a row it is away for a second."""
    for killed in range(4):
        wait_until(lambda killed=killed: pair.lb1.worker("vrrp")["restarts"] == killed and pair.lb1.worker("vrrp")["pid"],
                   what="a worker to kill")
        pair.lb1.kill_worker("vrrp")
    wait_for(lambda: pair.lb1.worker("vrrp")["state"], "backoff", what="no worker")
    code, told = outcome(pair.lb1, "maintenance", "on")
    assert code == FAILED and "does not run just now; it releases when it is back" in told["warnings"][0]
    assert "does not run just now; try again" in refused(pair.lb1, "release", "public")
    pair.wait_roles("BACKUP", "MASTER")
    wait_for(lambda: pair.lb1.vrrp()["reason"], f"maintenance; {LB2} advertises 100", what="the reason")
    wait_for(lambda: pair.lb1.holds(VIP), False, what="no address of before")


def test_what_is_removed_in_maintenance_is_put_back_after_it(lab):
    lone = alone(Pair(lab, more="routes: [{to: 203.0.113.0/24, via: 192.168.8.1}]"))

    def has_route():
        return "203.0.113.0/24" in lone.host.run("ip", "route")

    wait_until(has_route, what="the route")
    assert lone.ctl_status("maintenance", "on")[0] == FAILED
    lone.host.ip("route del 203.0.113.0/24", f"addr del {VIP}/24 dev eth0")
    hear_more(lone.pair)
    assert not lone.holds(VIP) and not has_route()
    assert lone.reload()[0] == 0  # waits for nothing that nobody puts in
    said(lone, "maintenance", "off")
    wait_until(lambda: lone.holds(VIP) and has_route(), what="both are back")


def test_maintenance_ends_by_itself(pair):
    said(pair.lb1, "maintenance", "on", "--timeout", "2s")
    pair.wait_roles("BACKUP", "MASTER")
    pair.wait_roles("MASTER", "BACKUP")


# ---- what is kept, and what is not ----

def test_a_file_of_overrides_is_said_again(lone):
    said(lone, "priority", "public", "200", "--comment", "kept")
    path = lone.host.log_file("overrides.json")
    with open(path, "w") as file:
        file.write(lone.ctl("overrides", "--json"))
    said(lone, "priority", "public", "auto")
    assert lone.ctl("overrides") == ""
    assert said(lone, "overrides", "load", path).startswith("public: priority 200\n")
    (one,) = lone.status()["overrides"]
    assert (one["value"], one["comment"]) == ("200", "kept")
    with open(os.path.join(lone.state_dir, "overrides")) as file, open(path, "w") as copy:
        copy.write(file.read())
    assert lone.ctl_status("overrides", "load", path)[0] == DONE


def write_overrides(director, *entries):
    path = director.host.log_file("overrides.json")
    with open(path, "w") as file:
        json.dump([dict(zip(("object", "kind", "value"), entry)) for entry in entries], file)
    return path


def test_a_file_is_taken_over_as_a_whole_or_not_at_all(lone):
    path = write_overrides(lone, ("director", "maintenance", "on"), ("publik", "priority", "200"))
    told = refused(lone, "overrides", "load", path)
    assert 'override 2: no instance is called "publik"; did you mean "public"?' in told
    assert 'override 1: no service is called "web": this node has none' in refused(
        lone, "overrides", "load", write_overrides(lone, ("web/a", "state", "drained")))
    assert lone.status()["overrides"] == [] and lone.role() == "MASTER"


def test_maintenance_from_a_file_hands_everything_over(pair):
    path = write_overrides(pair.lb1, ("director", "maintenance", "on"), ("public", "priority", "200"))
    assert "public: released" in said(pair.lb1, "overrides", "load", path)
    pair.wait_roles("BACKUP", "MASTER")
    assert {one["kind"] for one in pair.lb1.status()["overrides"]} == {"maintenance", "priority"}


def state_file(director):
    return os.path.join(director.state_dir, "overrides")


def test_a_folder_that_cannot_be_written_is_told_and_the_word_holds(lone):
    """A folder in the place of the new file: that cannot be written, even by root."""
    os.mkdir(state_file(lone) + ".new")
    code, told = outcome(lone, "priority", "public", "200")
    assert code == DONE
    assert "overrides cannot be written (Is a directory): this holds only until lbhad ends" in told["warnings"][0]
    assert lone.vrrp()["priority"] == 200
    status = lone.status()
    assert status["overrides_error"] == "Is a directory"
    assert "Is a directory; what is said now holds only until lbhad ends" in " ".join(lone.ctl("status").split())
    os.rmdir(state_file(lone) + ".new")
    _, told = outcome(lone, "priority", "public", "201")
    assert all("cannot be written" not in one for one in told["warnings"])
    assert lone.status()["overrides_error"] is None
    with open(state_file(lone)) as file:
        assert '"value":"201"' in file.read()


def test_a_full_disk_is_told_and_the_word_holds_until_there_is_room(lab):
    lone = Pair(lab).lb1
    os.makedirs(lone.state_dir, mode=0o755)
    lone.host.run("mount", "-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs", lone.state_dir)
    lone.host.run("dd", "if=/dev/zero", f"of={lone.state_dir}/full", check=False)
    lone.start()
    lone.wait_role("MASTER")
    code, told = outcome(lone, "priority", "public", "200")
    assert code == DONE and "No space left on device" in told["warnings"][0]
    assert lone.vrrp()["priority"] == 200
    lone.host.run("rm", f"{lone.state_dir}/full")
    assert outcome(lone, "maintenance", "off")[1]["warnings"] == ["overrides are this director's own; not told: lb2"]
    assert '"value":"200"' in lone.host.run("cat", state_file(lone))


def test_without_a_state_folder_the_daemon_runs_and_the_word_holds(lab):
    lone = Pair(lab).lb1
    lone.state_dir = "/proc/none/state"
    lone.start()
    lone.wait_role("MASTER")
    assert lone.status()["overrides_error"] == "there is no such folder"
    code, told = outcome(lone, "priority", "public", "200")
    assert code == DONE and "cannot be written (there is no such folder)" in told["warnings"][0]
    assert lone.vrrp()["priority"] == 200


@pytest.mark.parametrize("content, kept", [
    (b'{"lbha_overrides":1}\nnonsense\n{"object":"x","kind":"weight","value":"1"}\n', True),
    (b'{"lbha_overrides":2}\n', False), (b"\0\xff\n" * 1000, False), (b"[" * 100000, False)])
def test_a_hostile_file_is_told_and_never_lost(lab, content, kept):
    """What is not understood stays on the disk to the byte; a file that is none of ours is not written over."""
    lone = Pair(lab).lb1
    os.makedirs(lone.state_dir, mode=0o755)
    with open(state_file(lone), "wb") as file:
        file.write(content)
    os.chmod(state_file(lone), 0o600)
    lone.start()
    lone.wait_role("MASTER")
    code, told = outcome(lone, "priority", "public", "200")
    assert code == DONE and lone.vrrp()["priority"] == 200
    with open(state_file(lone), "rb") as file:
        now = file.read()
    if kept:
        assert all(line in now for line in content.splitlines()) and b'"value":"200"' in now
        assert "not in force, but kept" in lone.log
    else:
        assert now == content and "could not be read" in told["warnings"][0]
        assert "is not in force and will not be written over" in lone.log


def test_a_link_in_the_place_of_the_file_is_not_followed(lab):
    lone = Pair(lab).lb1
    os.makedirs(lone.state_dir, mode=0o755)
    target = lone.host.log_file("elsewhere")
    with open(target, "w") as file:
        file.write('{"lbha_overrides":1}\n')
    os.symlink(target, state_file(lone))
    lone.start()
    lone.wait_role("MASTER")
    assert lone.ctl_status("priority", "public", "200")[0] == DONE
    with open(target) as file:
        assert file.read() == '{"lbha_overrides":1}\n'
    assert lone.status()["overrides_error"] == "it could not be read: it is a symbolic link"


def test_a_state_folder_that_others_can_write_ends_the_start(lab):
    lone = Pair(lab).lb1
    os.makedirs(lone.state_dir)
    os.chmod(lone.state_dir, 0o777)
    lone.launch()
    wait_until(lambda: not lone.is_running, what="it ends")
    assert "can be written by everybody" in lone.log


# ---- who may, and who hears of it ----

def test_only_root_may_say_anything_but_the_daemons_user_may_ask(lone):
    def asked(*words):
        return lone.host.status_of("setpriv", "--reuid=lbha", "--regid=lbha", "--clear-groups", *lone.ctl_command(*words))

    for words in (("release", "public"), ("claim", "public"), ("priority", "public", "200"), ("maintenance", "on")):
        code, text = asked(*words)
        assert code == FAILED and "needs write access: only root has that" in text
    assert asked("overrides")[0] == DONE
    assert lone.status()["overrides"] == []


def test_overrides_are_events(lone):
    said(lone, "priority", "public", "200", "--comment", "why not")
    said(lone, "priority", "public", "auto")
    lone.ctl_status("maintenance", "on")
    events = [json.loads(line) for line in lone.ctl("events", "--json").splitlines()]
    told = [(one["object"], one["old"], one["new"], one["reason"]) for one in events if one["event"] == "override"]
    assert told == [("public", "auto", "200", "by root: why not"), ("public", "200", "auto", "taken back"),
                    ("maintenance", "off", "on", "by root")]
