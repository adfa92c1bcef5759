"""lbhactl upgrade, and SIGUSR2: the installed lbhad goes on where the running one is, and nobody notices. The next release
is the same program with another build id (next_release.c)."""
import json
import os
import random
import signal
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, longest_silence, masters
from vrrp_pair import LB1, VIP, Pair, address_changes, config

NEXT = "next+1"
INTERVAL = 0.1


@pytest.fixture
def pair(lab):
    pair = Pair(lab)
    pair.lb1.install()
    return pair.start()


def workers(director):
    return {worker["name"]: worker["pid"] for worker in director.status()["workers"]}


def install_next(director, **programs):
    director.install(**{"lbhad": "next-lbhad", "checkd": "next-lbha-checkd", **programs})


def descriptors(director):
    return len(os.listdir(f"/proc/{director.process.pid}/fd"))


def nobody_noticed(pair):
    assert (pair.lb1.role(), pair.lb2.role()) == ("MASTER", "BACKUP")
    assert masters(adverts(pair.adverts)) == [LB1]
    assert longest_silence(adverts(pair.adverts)) < 1.3 * INTERVAL


# ---- it takes over ----

def test_the_next_build_takes_over_and_nobody_notices(pair):
    before, pid, transitions = workers(pair.lb1), pair.lb1.process.pid, pair.lb2.vrrp()["transitions"]
    build = pair.lb1.status()["build"]
    install_next(pair.lb1)
    with address_changes(pair.lb1.host) as changes:
        assert pair.lb1.ctl("upgrade").strip() == f"build {NEXT} has taken over from {build}"
        status = pair.lb1.status()
    assert not changes
    assert status["build"] == NEXT
    assert (status["upgrade"]["result"], status["upgrade"]["from"]) == ("done", build)
    assert pair.lb1.is_running and pair.lb1.process.pid == pid
    after = workers(pair.lb1)
    assert set(after) == set(before) and not set(after.values()) & set(before.values())
    assert {name: len(pids) for name, pids in pair.lb1.worker_pids().items()} == dict.fromkeys(before, 1)
    assert pair.lb2.vrrp()["transitions"] == transitions
    nobody_noticed(pair)


def test_one_upgrade_after_the_other_and_to_the_same_build(pair):
    used = descriptors(pair.lb1)
    pair.lb1.ctl("upgrade")     # nothing else is installed
    install_next(pair.lb1)
    pair.lb1.ctl("upgrade")
    pair.lb1.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: pair.lb1.log.count("has taken over from") == 3, what="a third upgrade, by signal")
    wait_for(lambda: pair.lb1.status()["upgrade"]["from"], NEXT, what="the last upgrade in the status")
    assert pair.lb1.status()["generation"] == 4
    wait_for(lambda: descriptors(pair.lb1), used, what="no descriptor is left open")
    nobody_noticed(pair)
    assert pair.lb1.stop() == 0
    assert not pair.lb1.holds(VIP)


FIFTY = """cluster: shop
directors:
  lb1: {address: 192.168.8.10, interfaces: {lan: eth0}}
defaults: {vrrp: {advert_interval: 100ms, carrier_settle: 0s}}
vrrp:
""" + "\n".join(f"  - {{name: v{number}, interface: lan, virtual_router_id: {number}, "
                f"virtual_addresses: [192.168.9.{number}/32]}}" for number in range(1, 51)) + "\n"


def test_fifty_masters_at_100_ms_are_all_on_time(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    lb1 = lab.director("lb1", (lan, LB1), config=FIFTY).install()
    watcher = lab.host("watcher", (lan, "192.168.8.99")).capture("ip proto 112")
    lb1.start()
    wait_until(lambda: all(one["state"] == "MASTER" for one in lb1.status()["vrrp"]), what="fifty masters")
    install_next(lb1)
    begin = time.time()
    with address_changes(lb1.host) as changes:
        lb1.ctl("upgrade")
        wait_until(lambda: lb1.status()["build"] == NEXT, what="the next build")
    assert not changes
    seen = {number: [advert for advert in adverts(watcher) if advert.router == number and advert.when > begin - 0.2]
            for number in range(1, 51)}
    silences = [longest_silence(found) for found in seen.values()]
    print("longest silence", max(silences), "of", sorted(silences)[-3:])
    assert max(silences) < 1.3 * INTERVAL
    assert all(advert.priority for found in seen.values() for advert in found)


def links_of(host):
    """Names, addresses and flags; the state of a new link (UNKNOWN, UP) the kernel settles in its own time."""
    return [line.split()[0:1] + line.split()[2:] for line in host.run("ip", "-br", "link").splitlines()]


@pytest.mark.parametrize("more", ["accept: false", "virtual_mac: true"])
def test_rules_and_links_of_a_master_stay_with_it(lab, more):
    pair = Pair(lab, more=more)
    pair.lb1.install()
    pair.lb2.install()
    pair.start()
    links = links_of(pair.lb1.host)
    for director in pair.lb2, pair.lb1:     # a BACKUP, too
        install_next(director)
        director.ctl("upgrade")
        wait_for(lambda: director.status()["build"], NEXT, what="the next build")
    assert pair.lb1.vrrp()["faults"] == []
    assert links_of(pair.lb1.host) == links
    assert ("drop" in pair.lb1.host.run("nft", "list", "ruleset")) == (more == "accept: false")
    nobody_noticed(pair)


def test_what_operators_said_and_what_was_told_goes_on(pair):
    pair.lb1.ctl("priority", "public", "200", "--comment", "stays")
    install_next(pair.lb1)
    pair.lb1.ctl("upgrade")
    (override,) = pair.lb1.status()["overrides"]
    assert (override["object"], override["value"], override["comment"]) == ("public", "200", "stays")
    assert pair.lb1.vrrp()["priority"] == 200
    events = [json.loads(line) for line in pair.lb1.ctl("events", "--json").splitlines()]
    assert [(one["old"].split("+")[0], one["new"], one["result"]) for one in events if one["event"] == "upgrade"] == [
        ("0.1.0", NEXT, "done")]
    nobody_noticed(pair)


def test_reloads_that_wait_are_done_with_it(pair):
    install_next(pair.lb1)
    commands = [pair.lb1.ctl_in_background(word) for word in ("reload", "upgrade", "reload", "upgrade")]
    said = [command.communicate(timeout=20)[0] for command in commands]
    assert 0 in (commands[1].returncode, commands[3].returncode), said
    # who comes when the workers change over is told so
    assert all(command.returncode == 0 or "again" in words or "is being replaced" in words
               for command, words in zip(commands, said)), said
    wait_for(lambda: pair.lb1.status()["build"], NEXT, what="the next build")
    nobody_noticed(pair)


# ---- it does not ----

def stays(pair, build, before):
    """Everything is as before: the same workers of the same build, and nobody noticed."""
    assert pair.lb1.status()["build"] == build
    assert workers(pair.lb1) == before
    assert {name: len(pids) for name, pids in pair.lb1.worker_pids().items()} == dict.fromkeys(before, 1)
    nobody_noticed(pair)


@pytest.mark.parametrize("lbhad, why", [
    ("/bin/false", "ended with status 1 and said nothing"),
    ("/etc/hostname", "cannot be started"),
    ("upgrade-crashes", "killed by signal"),
])
def test_what_is_no_lbhad_is_not_executed(pair, lbhad, why):
    build, before = pair.lb1.status()["build"], workers(pair.lb1)
    install_next(pair.lb1, lbhad=lbhad)
    code, said = pair.lb1.ctl_status("upgrade")
    assert code == 1 and why in said, said
    stays(pair, build, before)


def test_a_file_that_the_next_build_refuses_leaves_everything_as_it_is(pair):
    build, before = pair.lb1.status()["build"], workers(pair.lb1)
    install_next(pair.lb1)
    pair.lb1.configure(config().replace("vrrp:", "verp:"))
    code, said = pair.lb1.ctl_status("upgrade")
    assert code == 1 and "unknown key" in said, said
    status = pair.lb1.status()["upgrade"]
    assert status["result"] == "refused" and status["errors"]
    stays(pair, build, before)


@pytest.mark.parametrize("checkd", ["/bin/false", "lbha-checkd"])
def test_workers_that_do_not_start_leave_everything_as_it_is(pair, checkd):
    """The new supervisor runs by then, and gives the baton back."""
    pair.lb1.ctl("priority", "public", "200")
    build, before = pair.lb1.status()["build"], workers(pair.lb1)
    used = descriptors(pair.lb1)
    install_next(pair.lb1, checkd=checkd)
    for _ in range(2):
        code, said = pair.lb1.ctl_status("upgrade")
        assert code == 1 and "the new check worker died" in said, said
    assert pair.lb1.status()["upgrade"]["result"] == "refused"
    assert pair.lb1.vrrp()["priority"] == 200
    stays(pair, build, before)
    assert descriptors(pair.lb1) == used
    code, said = pair.lb1.reload(config(first=160))
    assert code == 0, said
    for name in "control", "vrrp":
        pair.lb1.kill_worker(name)
        wait_for(lambda: pair.lb1.worker(name)["restarts"], 1, what=f"another {name} worker")
    wait_for(pair.lb1.role, "MASTER", what="lb1 goes on")
    install_next(pair.lb1)
    pair.lb1.ctl("upgrade")
    assert pair.lb1.status()["build"] == NEXT
    nobody_noticed(pair)


def test_a_worker_that_cannot_leave_is_replaced_as_after_a_crash(pair):
    """An elder that hangs holds up nothing for longer than it is given; as MASTER it was silent for too long by then."""
    install_next(pair.lb1)
    pair.lb1.host.run("kill", "-STOP", workers(pair.lb1)["vrrp"])
    pair.lb1.ctl("upgrade")
    assert pair.lb1.status()["build"] == NEXT
    assert "did not leave in time" in pair.lb1.log
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: (pair.lb1.holds(VIP), pair.lb2.holds(VIP)), (True, False), what="the VIP is on lb1 alone")


SCRIPT = """checks:
  fine: {type: script, command: [/bin/sh, -c, "sleep 0.3"], interval: 500ms, timeout: 5s, rise: 1, fall: 1}
"""


def test_scripts_that_run_meanwhile_do_not_fail(lab):
    pair = Pair(lab, more="track: [{check: fine}]")
    for director in pair.lb1, pair.lb2:
        with open(director.config_file) as file:
            director.configure(file.read() + SCRIPT)
    pair.lb1.install()
    pair.start()
    for round in range(4):      # at another moment of a run each time
        time.sleep(0.13 * round)
        pair.lb1.ctl("upgrade")
    wait_for(lambda: pair.lb1.vrrp()["trackers"][0]["state"], "up", what="the script's verdict")
    assert "FAULT" not in pair.lb1.log
    nobody_noticed(pair)


# ---- and in the middle of it ----

def seed():
    number = int(os.environ.get("LBHA_SEED", time.time_ns() % 1000000))
    print("LBHA_SEED", number)
    return random.Random(number)


def upgrade_and(pair, rng, do, latest=0.12):
    """Begins an upgrade and does something at a moment of it."""
    command = pair.lb1.ctl_in_background("upgrade")
    time.sleep(rng.uniform(0, latest))
    do()
    return command.communicate(timeout=30)[0]


def test_a_stop_in_the_middle_is_a_stop(pair):
    rng = seed()
    for round in range(3):
        install_next(pair.lb1)
        upgrade_and(pair, rng, lambda: pair.lb1.process.send_signal(signal.SIGTERM))
        wait_until(lambda: not pair.lb1.is_running, what="lb1 ends")
        assert pair.lb1.process.returncode == 0
        assert not pair.lb1.holds(VIP) and not pair.lb1.worker_pids()
        wait_for(pair.lb2.role, "MASTER", what="lb2 takes over")
        assert longest_silence(adverts(pair.adverts)) < 3 * INTERVAL
        pair.lb1.install()
        pair.lb1.start()
        pair.wait_roles("MASTER", "BACKUP")


def test_a_worker_that_dies_in_the_middle_is_replaced(pair):
    """An elder or an heir: whatever came of the upgrade, all is well afterwards."""
    rng = seed()

    def kill_one():
        pids = pair.lb1.worker_pids()
        name = rng.choice(sorted(pids)) if pids else None
        for pid in pids.get(name, [])[-1:] if rng.random() < 0.5 else pids.get(name, [])[:1]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    for round in range(6):
        install_next(pair.lb1)
        said = upgrade_and(pair, rng, kill_one)
        wait_until(lambda: pair.lb1.is_running and pair.lb1.ctl_status("status")[0] in (0, 4), what="lb1 answers")
        wait_for(lambda: {worker["state"] for worker in pair.lb1.status()["workers"]}, {"running"}, 15,
                 f"all workers run after {said}")
        wait_for(lambda: {name: len(pids) for name, pids in pair.lb1.worker_pids().items()},
                 dict.fromkeys(["control", "check", "ipvs", "vrrp"], 1), what="one worker of each")
        pair.wait_roles("MASTER", "BACKUP", within=10)
        wait_for(lambda: (pair.lb1.holds(VIP), pair.lb2.holds(VIP)), (True, False), what="the VIP is on lb1 alone")
