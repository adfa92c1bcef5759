"""A restart: QUIT leaves everything in the kernel to the next daemon, and nobody notices; if none comes, or none would, or
it cannot go on, nothing stays behind."""
import json
import os
import random
import re
import shutil
import signal
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from lbhatest.vrrp import adverts, longest_silence
from vrrp_pair import LB1, VIP, Pair, address_changes, watched

SECOND = f"{VIP[:-1]}1"  # a secondary of the first
V6 = """
  - name: six
    interface: lan
    virtual_router_id: 6
    advert_interval: 1s
    carrier_settle: 0s
    virtual_addresses: ["fe80::6", "2001:db8:8::6/64"]
"""


def lifetimes(director):
    """{virtual address: valid lifetime in seconds, None: forever}."""
    found = {}
    for link in json.loads(director.host.run("ip", "-json", "address", "show")):
        for address in link["addr_info"]:
            if address.get("local", "") in (VIP, SECOND, "fe80::6", "2001:db8:8::6"):
                seconds = address["valid_life_time"]
                found[address["local"]] = None if seconds == (1 << 32) - 1 else seconds
    return found


def handover(director):
    return os.path.join(director.run_dir, "handover")


@pytest.fixture
def quick(lab):
    return Pair(lab, interval="100ms", addresses=f"{VIP}/24, {SECOND}/24").start()


def with_adverts_every_second(pair):
    """It leads sooner when they come more often."""
    for director in pair.lb1, pair.lb2:
        code, said = director.reload(open(director.config_file).read().replace("100ms", "1s"))
        assert code == 0, said
    wait_for(lambda: pair.lb2.vrrp()["master_address"], LB1)
    return pair


@pytest.fixture
def pair(quick):
    return with_adverts_every_second(quick)


def test_a_restart_takes_no_address_away_and_nobody_takes_over(pair):
    lb1, lb2 = pair.lb1, pair.lb2
    text = open(lb1.config_file).read() + V6
    for director in lb1, lb2:
        director.reload(text)
    wait_for(lambda: lb1.role("six"), "MASTER", 10)
    wait_for(lambda: lb2.vrrp("six")["state"], "BACKUP", 5)
    sent, since = lb1.vrrp("public")["sent"], lb1.vrrp("public")["since"]
    before = {name: lb2.vrrp(name)["transitions"] for name in ("public", "six")}
    wait_for(lambda: lifetimes(lb1), dict.fromkeys([VIP, SECOND, "fe80::6", "2001:db8:8::6"]))
    with address_changes(lb1.host) as changes:
        assert lb1.detach() == 0
        left = lifetimes(lb1)
        assert 3.2 < float(re.search(r"the next lbhad has ([0-9.]+) s", lb1.log)[1]) <= 4, "as long as a backup may wait"
        assert left.keys() == {VIP, SECOND, "fe80::6", "2001:db8:8::6"}
        assert all(seconds is not None and 2 <= seconds <= 5 for seconds in left.values()), left
        assert os.stat(handover(lb1)).st_mode & 0o7777 == 0o600
        lb1.start()
        wait_for(lambda: set(lifetimes(lb1).values()), {None}, 3, "they last for ever again")
        assert not os.path.exists(handover(lb1)), "somebody has gone on with it"
        assert (lb1.role("public"), lb1.role("six")) == ("MASTER", "MASTER")
    assert [change for change in changes if change.startswith("-")] == []
    assert {name: lb2.vrrp(name)["transitions"] for name in ("public", "six")} == before
    assert lb1.vrrp("public")["since"] == since, "it never ceased to be MASTER"
    assert lb1.vrrp("public")["sent"] > sent
    assert lb1.vrrp("public").get("repairs", 0) == 0
    assert "somebody else" not in lb1.log
    ours = [one for one in adverts(pair.adverts) if one.source == LB1]
    print(f"longest silence {longest_silence(ours):.3f} s")
    assert longest_silence(ours) < 2
    assert lb1.stop() == 0
    assert lifetimes(lb1) == {}


def test_if_nobody_comes_the_kernel_removes_the_addresses_and_the_backup_has_them(pair):
    lb1, lb2 = pair.lb1, pair.lb2
    assert lb1.detach() == 0
    wait_for(lambda: lb2.role(), "MASTER", 6)
    wait_for(lambda: lifetimes(lb1), {}, 4, "the kernel has removed them")
    assert lifetimes(lb2) == {VIP: None, SECOND: None}
    assert lb1.worker_pids() == {}
    # late: it listens, and whoever has them keeps them if he is better; lb1 is
    lb1.start()
    wait_for(lambda: (lb1.role(), lb2.role()), ("MASTER", "BACKUP"), 10)
    assert "is not used: its time is over" in lb1.log


def test_who_comes_when_a_backup_may_have_taken_over_listens(lab):
    """Adverts every 100 ms: the backup has taken over long before the addresses go by themselves."""
    pair = Pair(lab, interval="100ms", more="preempt: false").start()
    lb1, lb2 = pair.lb1, pair.lb2
    assert lb1.detach() == 0
    wait_for(lambda: lb2.role(), "MASTER", 3)
    assert lifetimes(lb1) != {}, "else this proves nothing"
    lb1.start()
    assert "goes on where lbhad" in lb1.log
    wait_for(lambda: lifetimes(lb1), {}, 3)
    assert (lb1.role(), lb2.role()) == ("BACKUP", "MASTER")
    assert lb2.vrrp()["transitions"] == 2


def test_what_a_file_without_the_instance_does_not_want_is_withdrawn(pair):
    lb1 = pair.lb1
    assert lb1.detach() == 0
    text = open(lb1.config_file).read()
    lb1.configure(text.replace(f", {SECOND}/24", ""))
    lb1.start()
    wait_for(lambda: lifetimes(lb1), {VIP: None}, 3)
    assert lb1.role() == "MASTER"
    assert lb1.detach() == 0
    lb1.configure(text.replace("name: public", "name: other").replace("virtual_router_id: 51", "virtual_router_id: 52"))
    lb1.start()
    wait_for(lambda: pair.lb2.role(), "MASTER", 6)


RICH = """cluster: shop
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 1s
    carrier_settle: 0s
    virtual_mac: true
    accept: false
    virtual_addresses: [192.168.8.200/24, {address: 192.168.8.201/32, interface: eth1, advertise: false}]
    routes: [{to: 203.0.113.0/24, via: 192.168.8.77}]
  - name: inside
    interface: eth1
    virtual_router_id: 51
    advert_interval: 1s
    carrier_settle: 0s
    virtual_addresses: [10.0.0.1/24, {address: "2001:db8:8::6/64", advertise: false}]
  - name: six
    interface: eth1
    virtual_router_id: 6
    advert_interval: 1s
    carrier_settle: 0s
    virtual_addresses: ["fe80::6"]
sync_groups:
  - {name: gateway, instances: [public, inside]}
"""


def test_nothing_of_all_that_there_may_be_moves_over_several_restarts(lab):
    """A sync group, a link of a virtual MAC address, a route, addresses on other interfaces."""
    lan, inside = lab.segment("lan", "192.168.8.0/24"), lab.segment("inside", "10.0.0.0/24")
    lb1 = lab.director("lb1", (lan, LB1), (inside, "10.0.0.10"), config=RICH.replace("1s", "100ms")).start()
    lb2 = lab.director("lb2", (lan, "192.168.8.11"), (inside, "10.0.0.11"), config=RICH)
    names = ("public", "inside", "six")
    wait_for(lambda: {lb1.role(name) for name in names}, {"MASTER"}, 8)
    assert lb1.reload(RICH)[0] == 0
    lb2.start()
    wait_for(lambda: {lb2.vrrp(name)["master_address"] is not None for name in names}, {True}, 5)
    before = [lb2.vrrp(name)["transitions"] for name in names]
    with watched(lb1.host, "address", "route", "link") as changes:
        for _ in range(4):
            assert lb1.detach() == 0
            lb1.start()
            assert [lb1.role(name) for name in names] == ["MASTER"] * 3
        wait_until(lambda: "valid_lft forever" in lb1.host.run("ip", "address", "show", "to", VIP), what="for ever")
    assert [line for line in changes if line.startswith("Deleted") or "state DOWN" in line] == []
    assert [lb2.vrrp(name)["transitions"] for name in names] == before
    assert {one["state"] for one in lb1.status()["sync_groups"]} == {"MASTER"}
    assert [lb1.vrrp(name)["repairs"] for name in names] == [0, 0, 0]
    assert lb1.stop() == 0
    assert not {VIP, "192.168.8.201", "10.0.0.1", "2001:db8:8::6", "fe80::6"} & {one.split("/")[0] for one in lb1.addresses()}


def test_a_restart_in_the_middle_of_a_reload_ends_in_the_state_of_the_last_file(lab):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    pair = with_adverts_every_second(Pair(lab, interval="100ms").start())
    lb1, text = pair.lb1, open(pair.lb1.config_file).read()
    for number in range(6):
        wanted = [VIP, *(f"192.168.8.{201 + chance.randrange(5)}" for _ in range(chance.randrange(3)))]
        lb1.configure(text.replace(f"{VIP}/24", ", ".join(f"{vip}/24" for vip in sorted(set(wanted)))))
        lb1.process.send_signal(signal.SIGHUP)
        time.sleep(chance.uniform(0, 0.03))
        assert lb1.detach() == 0
        lb1.start()
        wait_for(lambda: {one.split("/")[0] for one in lb1.addresses() if one.startswith("192.168.8.2")}, set(wanted), 3,
                 f"round {number}")
        assert lb1.role() == "MASTER"
    assert pair.lb2.vrrp()["transitions"] == 1
    assert "somebody else" not in lb1.log


# --- nobody would go on -----------------------------------------------------------------------------------------------

def assert_stopped(pair, within=8):
    """In good order: the successor was there before the addresses went, and nothing is left behind."""
    lb1, lb2 = pair.lb1, pair.lb2
    wait_until(lambda: not lb1.is_running, within, "it stops")
    assert lb1.process.returncode == 0
    assert lifetimes(lb1) == {}
    assert lb1.worker_pids() == {}
    assert not os.path.exists(handover(lb1))
    assert not os.path.exists(handover(lb1) + ".new")
    assert lb2.role() == "MASTER"


def test_a_file_that_is_refused_makes_it_a_stop(quick):
    lb1 = quick.lb1
    lb1.configure(open(lb1.config_file).read().replace("interface: lan", "interfase: lan"))
    lb1.process.send_signal(signal.SIGQUIT)
    assert_stopped(quick)
    assert "nothing is left to another lbhad, this is a stop" in lb1.log and "interfase" in lb1.log


@pytest.mark.parametrize("installed", ["false", "gone"])
def test_a_binary_that_does_not_accept_makes_it_a_stop(lab, installed):
    pair = Pair(lab, interval="100ms")
    lb1 = pair.lb1
    folder = lb1.host.log_file("programs")
    os.mkdir(folder)
    shutil.copy(program("lbhad"), folder)
    path, command = os.path.join(folder, "lbhad"), lb1.command
    lb1.command = lambda *more: [path, *command(*more)[1:]]
    pair.start()
    os.unlink(path)
    if installed == "false":
        shutil.copy(shutil.which("false"), path)
    lb1.process.send_signal(signal.SIGQUIT)
    assert_stopped(pair)


def test_while_the_installed_binary_judges_all_goes_on_and_a_stop_does_not_wait_for_it(lab):
    pair = Pair(lab, interval="100ms").start()
    lb1 = pair.lb1
    plain = open(lb1.config_file).read()
    lb1.configure(plain + "checks:\n" + "".join(f"  c{number}: {{type: tcp, port: {number + 1}}}\n"
                                                for number in range(5000)))  # so that it takes a while
    lb1.process.send_signal(signal.SIGQUIT)
    os.kill(lb1.child("--can-adopt"), signal.SIGSTOP)
    lb1.process.send_signal(signal.SIGQUIT)
    assert lb1.role() == "MASTER" and lb1.reload(plain)[0] == 0
    lb1.process.send_signal(signal.SIGTERM)
    assert_stopped(pair)
    assert lb1.log.count("asks the installed lbhad") == 1


def test_a_full_disk_makes_it_a_stop(quick):
    lb1 = quick.lb1
    lb1.stop()
    lb1.host.run("mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", lb1.run_dir)
    lb1.start()
    lb1.wait_role("MASTER", 10)
    lb1.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: not lb1.is_running, 8, "it stops")
    assert "handover cannot be written: No space left on device" in lb1.log
    assert lb1.process.returncode == 0 and lifetimes(lb1) == {} and quick.lb2.role() == "MASTER"


def test_a_worker_that_does_not_leave_has_its_addresses_withdrawn(quick):
    lb1 = quick.lb1
    os.kill(lb1.worker_pids()["vrrp"][0], signal.SIGSTOP)
    lb1.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: not lb1.is_running, 15, "it stops")
    assert "has not left in order" in lb1.log
    assert lb1.process.returncode == 0 and lifetimes(lb1) == {} and lb1.worker_pids() == {}
    assert not os.path.exists(handover(lb1))
    wait_for(lambda: quick.lb2.role(), "MASTER", 5)


def test_a_stop_right_after_a_restart_leaves_nothing(lab):
    """Whenever it comes: what was left to this daemon it withdraws, or the kernel does."""
    pair = Pair(lab, interval="100ms").start()
    lb1 = pair.lb1
    for step in range(5):
        assert lb1.detach() == 0
        lb1.launch()
        time.sleep(0.04 * step)
        lb1.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not lb1.is_running, 5, "it stops")
        wait_for(lambda: lifetimes(lb1), {}, 5, f"nothing is left; stopped {40 * step} ms after the start")
        lb1.start()
        lb1.wait_role("MASTER")


# --- a handover that is worth nothing ---------------------------------------------------------------------------------

def changed(bytes_, what):
    if what == "cut":
        return bytes_[:len(bytes_) // 2]
    if what == "changed":
        return bytes_[:-1] + bytes([bytes_[-1] ^ 1])
    if what == "empty":
        return b""
    return b"nonsense" * 10000


@pytest.mark.parametrize("what", ["cut", "changed", "empty", "nonsense", "writable", "link"])
def test_a_handover_that_cannot_be_believed_is_told_and_ignored(lab, what):
    pair = Pair(lab, interval="100ms").start()
    lb1 = pair.lb1
    assert lb1.detach() == 0
    with open(handover(lb1), "rb") as file:
        whole = file.read()
    if what == "writable":
        os.chmod(handover(lb1), 0o666)
    elif what == "link":
        os.rename(handover(lb1), handover(lb1) + ".elsewhere")
        os.symlink(handover(lb1) + ".elsewhere", handover(lb1))
    else:
        with open(handover(lb1), "wb") as file:
            file.write(changed(whole, what))
    lb1.start()
    assert "handover, what an earlier lbhad left, is not used" in lb1.log
    assert not os.path.lexists(handover(lb1))
    wait_for(lambda: (lb1.role(), pair.lb2.role()), ("MASTER", "BACKUP"), 6)
    assert set(lifetimes(lb1).values()) == {None}


# --- lbhad --withdraw -------------------------------------------------------------------------------------------------

def test_withdrawing_leaves_alone_what_somebody_goes_on_with(lab):
    pair = Pair(lab, interval="100ms").start()
    lb1 = pair.lb1
    code, said = lb1.withdraw()
    assert code == 1 and "another lbhad runs with the run folder" in said
    assert lb1.role() == "MASTER"
    assert lb1.detach() == 0
    before = lifetimes(lb1)
    code, said = lb1.withdraw()
    assert code == 0 and "it is left to the next lbhad" in said
    assert lifetimes(lb1).keys() == before.keys() == {VIP}


def test_withdrawing_takes_all_away_without_a_configuration(lab):
    """As ExecStopPost= does after a crash of everything; and after a stop there is nothing to be done."""
    pair = Pair(lab, interval="100ms")
    lb1 = pair.lb1
    def state():
        return (lb1.host.run("ip", "-o", "address"), lb1.host.run("ip", "route"), lb1.host.run("ip", "-o", "link"),
                lb1.host.run("sysctl", "-a", "--pattern", "eth0.*arp_(ignore|announce)"))
    pair.start()
    lb1.stop()
    before = state()
    code, said = lb1.withdraw()
    assert code == 0 and "nothing is to be withdrawn" in said
    lb1.configure(open(lb1.config_file).read().replace("    virtual_addresses:", "    virtual_mac: true\n    routes: "
                  "[{to: 203.0.113.0/24, via: 192.168.8.77}]\n    virtual_addresses:"))
    lb1.start()
    lb1.wait_role("MASTER")
    wait_until(lambda: "203.0.113.0" in lb1.host.run("ip", "route"), what="the route")
    lb1.crash()
    assert VIP in lb1.host.run("ip", "-o", "address") and "203.0.113.0" in lb1.host.run("ip", "route")
    lb1.configure("nonsense: [")
    code, said = lb1.withdraw()
    assert code == 0, said
    assert state() == before
    os.rename(lb1.run_dir, lb1.run_dir + ".away")
    code, said = lb1.withdraw()
    assert code == 0 and "there is no" in said


# --- stopping, with others --------------------------------------------------------------------------------------------

def test_a_stop_is_a_stop_whatever_is_said_besides(lab):
    """A file that would be refused, TERM, TERM and QUIT while it releases, QUIT before it is ready."""
    pair = Pair(lab, interval="100ms").start()
    lb1 = pair.lb1
    text = open(lb1.config_file).read()
    assert lb1.reload("nonsense: [")[0] == 1
    for number in signal.SIGTERM, signal.SIGTERM, signal.SIGQUIT, signal.SIGTERM:
        lb1.process.send_signal(number)
    assert_stopped(pair)
    lb1.configure(text)
    lb1.launch()
    wait_until(lambda: "generation 1" in lb1.log.split("lbhad has stopped")[-1] or not lb1.is_running, 5, "it begins")
    lb1.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: not lb1.is_running, 5, "it stops")
    assert lb1.process.returncode == 0 and lifetimes(lb1) == {}
    assert pair.lb2.vrrp()["transitions"] == 2


# --- scripts ----------------------------------------------------------------------------------------------------------

def test_a_script_in_flight_at_a_restart_has_not_failed(lab):
    """A service manager signals it as well, and it dies of that."""
    pair = Pair(lab, interval="100ms", more="track: [{check: slow}]")
    lb1 = pair.lb1
    for director in pair.lb1, pair.lb2:
        director.configure(open(director.config_file).read() + "checks:\n"
                           "  slow: {type: script, command: [/bin/sleep, '0.5'], interval: 100ms, timeout: 5s, fall: 1}\n")
    pair.start()
    wait_until(lambda: lb1.host.run("pgrep", "-x", "sleep", check=False), 5, "a script in flight")
    lb1.process.send_signal(signal.SIGQUIT)
    lb1.host.run("pkill", "-QUIT", "-x", "sleep", check=False)
    wait_until(lambda: not lb1.is_running, 5, "it ends")
    assert "FAULT" not in lb1.log
    lb1.start()
    wait_for(lambda: {one["state"] for one in lb1.vrrp()["trackers"]}, {"up"}, 5)
    assert "FAULT" not in lb1.log
