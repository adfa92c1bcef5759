"""Crash and hang of anybody: no address answers for a director that does not advertise, no reload waits for ever, and
who comes back goes on with what is in force. See test_faults.py for more of an operator's bad luck."""
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import is_sanitized, program
from lbhatest.vrrp import adverts, longest_silence
from vrrp_one import CONFIG, VIP, lan, lb1  # noqa: F401: fixtures


@pytest.fixture
def own_programs(lb1):
    """lb1 runs copies, whose files the test may spoil."""
    folder = lb1.host.log_file("programs")
    os.mkdir(folder)
    for name in "lbhad", "lbha-checkd":
        shutil.copy(program(name), folder)
    command = lb1.command
    lb1.command = lambda *more: [os.path.join(folder, "lbhad"), *command(*more)[1:]]
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR=folder, **more)
    return folder


def restarts_told(director):
    return [event for event in map(json.loads, director.ctl("events", "--json").splitlines())
            if event["event"] == "worker_restart"]


# --- a vrrp worker that cannot return -----------------------------------------------------------------------------------

@pytest.mark.parametrize("virtual_mac", [False, True])
def test_a_vrrp_worker_that_can_no_longer_be_executed_leaves_no_address_and_comes_back_as_backup(lb1, own_programs,
                                                                                                  virtual_mac):
    """Not even a worker to withdraw them can be started: the supervisor's own child does it."""
    lb1.configure(CONFIG.replace("carrier_settle: 0s", "carrier_settle: 0s\n    virtual_mac: true") if virtual_mac
                  else CONFIG)
    before, links = lb1.addresses(), lb1.host.run("ip", "-br", "link")
    lb1.start()
    lb1.wait_role("MASTER")
    lbhad = os.path.join(own_programs, "lbhad")
    os.chmod(lbhad, 0o644)
    os.kill(lb1.pid_of("vrrp"), signal.SIGKILL)
    wait_for(lb1.addresses, before, 3, "the address is withdrawn")
    assert lb1.host.run("ip", "-br", "link") == links, "no link of a virtual MAC address is left"
    wait_until(lambda: lb1.worker("vrrp")["state"] == "backoff" and lb1.worker("vrrp")["next_start"], 5, "it backs off")
    assert "could not be executed" in lb1.worker("vrrp")["reason"]
    code, said = lb1.ctl_status("status")
    assert code == 4 and "the vrrp worker does not run" in said and "could not be executed" in " ".join(said.split())
    os.chmod(lbhad, 0o755)
    lb1.wait_role("MASTER", within=8)
    wait_until(lambda: lb1.holds(VIP), 3, "the address is back")
    assert lb1.vrrp()["reason_code"] != "resumed"
    assert lb1.stop() == 0 and lb1.addresses() == before


def test_a_vrrp_worker_that_keeps_dying_is_withdrawn_by_another_and_told_to_the_service_manager(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    for number in range(4):
        os.kill(lb1.pid_of("vrrp"), signal.SIGKILL)
        wait_until(lambda: lb1.log.count("was killed by signal 9") > number, 3, "the death is seen")
    wait_until(lambda: not lb1.holds(VIP), 1, "the address is withdrawn while it waits")
    assert "started without a configuration" in lb1.log
    degraded = "STATUS=degraded: the vrrp worker was killed by signal 9 (Killed); it is started again in 1 s " \
               "(4 deaths in a row)"
    wait_until(lambda: degraded in lb1.notifications(), 3, "systemd is told")
    lb1.wait_role("MASTER")
    wait_until(lambda: lb1.notifications().rstrip().endswith("STATUS=running"), 3, "it is told that all is well")
    told = restarts_told(lb1)
    assert (told[-2]["deaths"], told[-2]["wait_ms"]) == (4, 1000), told
    assert told[-1]["new"] == "running" and told[-1]["wait_ms"] == 0, told


def test_an_address_left_by_an_earlier_daemon_does_not_stay_when_no_vrrp_worker_can_be_started(lb1, own_programs):
    before = lb1.addresses()
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.crash()
    assert lb1.holds(VIP)
    lb1.launch()
    os.chmod(os.path.join(own_programs, "lbhad"), 0o644)  # the compiler is maybe executed, maybe not
    wait_until(lambda: lb1.addresses() == before or not lb1.is_running, 10, "it is taken away, or the start failed")
    if lb1.is_running:
        lb1.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not lb1.is_running, 5, "it stops")


# --- hangs ----------------------------------------------------------------------------------------------------------------

def test_a_vrrp_worker_that_hangs_is_replaced_when_its_backup_takes_over_and_gives_way(lab, lan, lb1):
    lb2 = lab.director("lb2", (lan, "192.168.8.11"), config=CONFIG)
    lb1.configure(CONFIG.replace("virtual_router_id: 51", "virtual_router_id: 51\n    preempt: false"))
    lb1.start()
    lb1.wait_role("MASTER")
    lb2.start()
    lb2.wait_role("BACKUP")
    began = time.monotonic()
    os.kill(lb1.pid_of("vrrp"), signal.SIGSTOP)
    lb2.wait_role("MASTER")
    wait_until(lambda: not lb1.holds(VIP), 5, "the hanging one is replaced")
    assert 2.5 < time.monotonic() - began < 5
    assert "no heartbeat for 3 s" in lb1.log
    lb1.wait_role("BACKUP")
    assert lb2.role() == "MASTER"


def test_a_machine_that_stood_still_as_a_whole_kills_nobody(lb1):
    """A virtual machine that was moved, or a stopped control group: all hearts stood still, the supervisor's too."""
    lb1.start()
    lb1.wait_role("MASTER")
    pids = [lb1.process.pid] + [pid for pids in lb1.worker_pids().values() for pid in pids]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4)  # longer than the vrrp worker's heart may stand still
    for pid in pids:  # the supervisor first: it looks at hearts that have not beaten yet
        os.kill(pid, signal.SIGCONT)
    lb1.wait_role("MASTER")
    time.sleep(1)  # two looks
    assert [worker["restarts"] for worker in lb1.status()["workers"]] == [0, 0, 0, 0]


# --- reloads ----------------------------------------------------------------------------------------------------------------

def test_a_worker_that_dies_at_each_start_keeps_no_reload_from_coming_through(lb1):
    folder = lb1.host.log_file("libexec")
    os.mkdir(folder)
    checkd = os.path.join(folder, "lbha-checkd")
    shutil.copy(shutil.which("false"), checkd)
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR=folder, **more)
    lb1.launch()
    wait_until(lambda: "STATUS=not ready: the check worker ended with status 1; it is started again in 1 s" in
               lb1.notifications(), 10, "systemd is told why")
    code, said = lb1.reload(CONFIG.replace("192.168.8.200/24", "192.168.8.201/24"))
    assert code == 0, said
    assert lb1.status()["generation"] == 2 and not lb1.status()["ready"]
    wait_until(lambda: lb1.holds("192.168.8.201"), 5, "the new address")
    assert "READY=1" not in lb1.notifications()
    code, said = lb1.reload("vrrp: 7\n")
    assert code == 1 and lb1.status()["generation"] == 2
    wait_until(lambda: mend(checkd), 5, "the program is mended in place")
    wait_until(lambda: "READY=1" in lb1.notifications(), 40, "it is ready")
    lb1.configure(CONFIG)
    assert lb1.reload()[0] == 0


def mend(checkd):
    """Written over, since the daemon has it open; not while it is executed."""
    try:
        with open(program("lbha-checkd"), "rb") as right, open(checkd, "r+b") as wrong:
            wrong.write(right.read())
            return True
    except OSError:
        return False


def test_who_asks_a_new_control_worker_gets_no_answer_meant_for_the_client_of_a_dead_one(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp = lb1.pid_of("vrrp")
    os.kill(vrrp, signal.SIGSTOP)
    lb1.configure("vrrp: 7\n")
    first = lb1.ctl_in_background("reload")
    wait_until(lambda: "asked for by" in lb1.log, 5, "it was asked for")
    lb1.configure(CONFIG)
    second = lb1.ctl_in_background("reload")
    control = lb1.pid_of("control")
    wait_until(lambda: lb1.log.count("asked for by") == 2, 5, "it was asked for")
    os.kill(control, signal.SIGKILL)
    assert first.wait(10) == 1 and second.wait(10) == 1
    other = lb1.host.log_file("other.conf")
    with open(other, "w") as file:
        file.write("nonsense: 1\n")
    third = lb1.ctl_in_background("plan", other)
    said = third.communicate(timeout=20)[0]
    assert third.returncode == 1 and "nonsense" in said, said


# --- the supervisor dies --------------------------------------------------------------------------------------------------

def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_nobody_outlives_the_supervisor_not_even_who_was_stopped(lb1, how):
    """Workers (stopped ones, too), a compiler that hangs, and a script in flight."""
    lb1.configure(CONFIG + "    track: [{check: slow}]\nchecks:\n"
                  "  slow: {type: script, command: [/usr/bin/sleep, \"30\"], interval: 60s, timeout: 50s}\n")
    before = lb1.addresses()
    lb1.start()
    lb1.wait_role("MASTER")
    wait_until(lambda: "sleep" in " ".join(lb1.children().values()), 5, "a script")
    for name in "vrrp", "check", "control":
        os.kill(lb1.pid_of(name), signal.SIGSTOP)
    lb1.configure(CONFIG + "checks:\n" + "".join(f"  c{number}: {{type: tcp, port: 1}}\n" for number in range(9000)))
    lb1.process.send_signal(signal.SIGHUP)

    def compiler():
        """When it has begun; before that it is for the parent to see to."""
        for pid, words in lb1.children().items():
            with open(f"/proc/{pid}/status", encoding="ascii") as about:
                if "compiler" in words and (is_sanitized() or "Seccomp:\t2" in about.read()):
                    return pid
        return None
    os.kill(wait_until(compiler, 5, "a compiler", every=0.001), signal.SIGSTOP)
    children = lb1.children()
    assert len(children) == 6, "four workers, a compiler and a script"
    lb1.process.send_signal(how)
    wait_for(lambda: [children[pid] for pid in children if lives(pid)], [], 5, "all have ended")
    assert lb1.addresses() == before


# --- nobody takes what is logged ---------------------------------------------------------------------------------------------

@pytest.fixture
def dev(lb1):
    """/dev of lb1's own, with /dev/log of the test's, in which nobody reads."""
    folder = lb1.host.log_file("dev")
    os.mkdir(folder)
    lb1.host.run("sh", "-ec", f"mount -t tmpfs tmpfs {folder}; cd {folder}; mknod -m 666 null c 1 3; "
                 f"mknod -m 666 urandom c 1 9; mknod -m 666 random c 1 8; mount --move {folder} /dev")
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(f"/proc/{lb1.host.pid}/root/dev/log")
    os.chmod(f"/proc/{lb1.host.pid}/root/dev/log", 0o666)
    log.settimeout(5)
    yield log
    log.close()


def test_a_syslog_that_hangs_delays_no_advert_and_hears_later_what_was_lost(lab, lan, lb1, dev):
    watcher = lab.host("watcher", (lan, "192.168.8.99"))
    code, said = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment())
    assert code == 0, said
    lb1.wait_role("MASTER")
    capture = watcher.capture("ip proto 112")
    for _ in range(15):  # more lines than the socket's queue holds
        code, said = lb1.reload()
        assert code == 0, said
    assert longest_silence(adverts(capture)) < 0.15
    first = dev.recv(4096)
    assert re.match(rb"<30>[A-Z][a-z][a-z] [ 0-9]\d \d\d:\d\d:\d\d [a-z -]+\[\d+\]: ", first), first
    dev.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            dev.recv(4096)
    assert lb1.reload()[0] == 0
    dev.settimeout(5)
    assert b"lines of the log before this one are lost" in dev.recv(4096)
    lb1.ctl("stop")
    wait_until(lambda: lb1.worker_pids() == {}, 5, "it has stopped")


def test_a_syslog_that_was_started_anew_is_found_again(lb1, dev):
    code, said = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment())
    assert code == 0, said
    lb1.wait_role("MASTER")
    path = f"/proc/{lb1.host.pid}/root/dev/log"
    os.unlink(path)
    dev.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(path)
        os.chmod(path, 0o666)
        log.settimeout(5)
        assert lb1.reload()[0] == 0
        assert b"<30>" in log.recv(4096)
    lb1.ctl("stop")
    wait_until(lambda: lb1.worker_pids() == {}, 5, "it has stopped")


def test_a_terminal_that_was_stopped_delays_no_advert(lab, lan, lb1):
    """Ctrl-S: nothing takes what is written, and a line may find room for its first half only."""
    watcher = lab.host("watcher", (lan, "192.168.8.99"))
    ours, theirs = pty.openpty()
    lb1.host.start(*lb1.command(), stdout=subprocess.DEVNULL, stderr=theirs, env=lb1.environment())
    wait_until(lambda: os.path.exists(lb1.socket), 10, "it runs")
    lb1.wait_role("MASTER")
    assert os.get_blocking(theirs), "whoever shares the terminal finds it as it was"
    capture = watcher.capture("ip proto 112")
    for _ in range(60):  # nobody reads: a terminal holds some KiB
        code, said = lb1.reload()
        assert code == 0, said
    assert longest_silence(adverts(capture)) < 0.15
    os.set_blocking(ours, False)
    assert b"is in force" in os.read(ours, 65536)
    lb1.ctl("stop")
    wait_until(lambda: lb1.worker_pids() == {}, 5, "it has stopped")
    os.close(ours)
    os.close(theirs)


# --- everything dies at once --------------------------------------------------------------------------------------------------

def kernel_of(director):
    """What a director changes: links, addresses, routes, and sysctls of its interface."""
    host = director.host
    return {"links": sorted(line.split()[0] for line in host.run("ip", "-br", "link").splitlines()),
            "addresses": director.addresses(), "routes": sorted(host.run("ip", "route").splitlines()),
            "arp": host.run("sh", "-c", "cat /proc/sys/net/ipv4/conf/eth0/arp_ignore /proc/sys/net/ipv4/conf/eth0/arp_announce")}


RICH = """
  - name: inside
    interface: eth0
    virtual_router_id: 52
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_mac: true
    virtual_addresses: [192.168.8.210/24, 192.168.8.211/24]
    routes: [{to: 203.0.113.0/24, via: 192.168.8.1}]
"""


@pytest.mark.parametrize("torn", ["", "+ address 2 eth0 192.168.8.2", "- address 2 eth0 192.168.8.200/24"])
def test_after_a_crash_of_everything_what_is_no_longer_wanted_goes_and_nothing_else(lb1, torn):
    """With the last line of the owned file cut short by the crash, at any place."""
    before = kernel_of(lb1)
    lb1.configure(CONFIG)
    lb1.start()
    lb1.wait_role("MASTER")
    plain = kernel_of(lb1)
    lb1.stop()
    lb1.configure(CONFIG + RICH)
    lb1.start()
    lb1.wait_role("MASTER", name="public")
    lb1.wait_role("MASTER", name="inside")
    wait_until(lambda: any("203.0.113.0" in route for route in kernel_of(lb1)["routes"]), 5, "the route")
    assert kernel_of(lb1)["arp"] != before["arp"]
    lb1.crash()
    with open(os.path.join(lb1.run_dir, "owned"), "a", encoding="ascii") as file:
        file.write(torn)
    lb1.configure(CONFIG.replace("100ms", "200ms"))
    lb1.start()
    wait_until(lambda: not lb1.holds("192.168.8.210"), 5, "what is not wanted goes")
    lb1.wait_role("MASTER")
    wait_for(lambda: kernel_of(lb1), plain, 5, "the kernel is as if the new file had been the first")
    lb1.stop()
    assert kernel_of(lb1) == before


def test_a_daemon_that_is_started_when_all_died_takes_back_what_is_left_even_if_it_only_stops_again(lb1):
    before = kernel_of(lb1)
    lb1.configure(CONFIG + RICH)
    lb1.start()
    lb1.wait_role("MASTER", name="inside")
    lb1.crash()
    lb1.configure(CONFIG.replace("carrier_settle: 0s", "carrier_settle: 30s"))
    lb1.start()
    assert lb1.stop() == 0
    assert kernel_of(lb1) == before
