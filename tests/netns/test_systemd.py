"""lbha.service as it is installed, under a real systemd: start, reload, restart, stop, death and hang of the main process.

With IPVS the same is shown in tests/lab/test_systemd.py."""
import os
import subprocess
import time

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.director import is_sanitized  # noqa: F401: asked by the mark
from lbhatest.systemd import CannotBoot, Systemd
from vrrp_one import CONFIG, VIP
from vrrp_pair import address_changes

WRONG = CONFIG.replace("carrier_settle", "carier_settle")

pytestmark = pytest.mark.skipif("is_sanitized()", reason="sanitizers want what the unit forbids")


@pytest.fixture(scope="module")
def network(request):
    with Lab(request.module.__name__) as lab:
        request.module.shared_lab = lab
        lan = lab.segment("lan", "192.168.8.0/24")
        host = lab.host("lb1", (lan, "192.168.8.10"))
        try:
            machine = Systemd(host)
        except CannotBoot as why:
            pytest.skip(f"systemd does not run here (in the guest of the lab it does): {why}")
        lab.reporters.append(("lb1", machine.report))
        lb2 = lab.director("lb2", (lan, "192.168.8.11"), config=CONFIG)
        yield machine, lb2
        machine.close()


@pytest.fixture
def lb1(network):
    """The machine with lbha.service as installed, not started; what a test edits is gone afterwards."""
    machine = network[0]
    machine.write(Systemd.CONFIG, CONFIG, 0o600)
    yield machine
    machine.ask("systemctl", "stop", "lbha")
    machine.run("rm", "-rf", "/etc/systemd/system/lbha.service.d")
    machine.run("systemctl", "daemon-reload")
    machine.ask("systemctl", "reset-failed", "lbha")
    wait_until(lambda: not machine.host.has_address(VIP), 5, "the address is gone")


@pytest.fixture
def lb2(network):
    director = network[1]
    director.configure(CONFIG)
    yield director
    if director.is_running:
        director.stop()


def started(lb1, config=CONFIG):
    lb1.write(Systemd.CONFIG, config, 0o600)
    lb1.run("systemctl", "start", "lbha")
    wait_for(lb1.role, "MASTER", 8)
    assert lb1.host.has_address(VIP)


# --- what is installed ------------------------------------------------------------------------------------------------

def test_systemd_finds_nothing_wrong_with_the_unit(lb1):
    said = lb1.ask("systemd-analyze", "verify", "--man=no", "lbha.service")
    assert said == (0, "")


def test_what_tmpfiles_makes_lbhad_takes(lb1):
    lb1.run("rm", "-rf", "/run/lbha", "/var/lib/lbha")
    lb1.run("systemd-tmpfiles", "--create", "/usr/local/lib/tmpfiles.d/lbha.conf")
    assert lb1.run("stat", "-c", "%n %U %a", "/run/lbha", "/var/lib/lbha").split("\n")[:2] == [
        "/run/lbha root 755", "/var/lib/lbha root 755"]
    started(lb1)


def test_the_users_are_those_that_sysusers_made(lb1):
    started(lb1)
    users = {user for user in lb1.run("ps", "-eo", "user:32").split() if user.startswith("lbha")}
    assert {"lbha", "lbha-check"} <= users
    made = {line.split(":")[0] for line in lb1.run("cat", "/etc/passwd").splitlines() if line.startswith("lbha")}
    assert users <= made


def test_make_install_brings_all_of_it(tmp_path):
    """make install, apart from whether it compiles: what the unit starts and what goes with it."""
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}"], cwd=os.environ["LBHA_BUILD"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    there = {os.path.relpath(os.path.join(where, name), tmp_path) for where, _, names in os.walk(tmp_path) for name in names}
    assert {"usr/local/sbin/lbhad", "usr/local/sbin/lbhactl", "usr/local/libexec/lbha/lbha-checkd",
            "usr/local/lib/systemd/system/lbha.service", "usr/local/lib/sysusers.d/lbha.conf",
            "usr/local/lib/tmpfiles.d/lbha.conf"} <= there


# --- start, reload, stop ----------------------------------------------------------------------------------------------

def test_start_returns_when_it_is_ready_and_the_status_says_so(lb1):
    lb1.run("systemctl", "start", "lbha")
    assert lb1.status()["ready"]
    code, said = lb1.ask("systemctl", "--no-pager", "status", "lbha")
    assert code == 0 and "active (running)" in said and 'Status: "running"' in said
    assert "ready" in lb1.journal()


def test_a_start_with_a_wrong_file_fails_with_all_errors_in_the_journal(lb1):
    lb1.write(Systemd.CONFIG, WRONG.replace("virtual_router_id: 51", "virtual_router_id: 0"), 0o600)
    before = len(lb1.journal())
    code, said = lb1.ask("systemctl", "start", "lbha")
    assert code == 1 and "journalctl" in said
    told = lb1.journal()[before:]
    assert 'did you mean "carrier_settle"?' in told and "virtual_router_id" in told and "2 errors" in told
    assert not lb1.host.has_address(VIP)
    lb1.run("systemctl", "stop", "lbha")  # nor is it tried again
    lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    lb1.run("systemctl", "start", "lbha")


def test_installed_and_not_configured_is_no_failure(lb1):
    os.unlink(lb1.inside(Systemd.CONFIG))
    lb1.run("systemctl", "start", "lbha")
    assert lb1.shows("ActiveState") == "inactive" and lb1.shows("ConditionResult") == "no"
    code, said = lb1.ask("systemctl", "--no-pager", "status", "lbha")
    assert code == 3 and "unmet condition check (ConditionPathExists=/etc/lbha/lbha.conf)" in said


def test_a_file_that_cannot_be_read_is_not_tried_again(lb1):
    lb1.drop_in("other-file", "[Unit]", "ConditionPathExists=")
    os.unlink(lb1.inside(Systemd.CONFIG))
    assert lb1.ask("systemctl", "start", "lbha")[0] == 1
    assert lb1.shows("ActiveState") == "failed" and lb1.shows("ExecMainStatus") == "2" and lb1.shows("NRestarts") == "0"


def test_reload_waits_for_what_came_of_it(lb1):
    started(lb1)
    pid = lb1.main_pid
    lb1.write(Systemd.CONFIG, CONFIG.replace("192.168.8.200/24", "[192.168.8.200/24, 192.168.8.201/24]"), 0o600)
    lb1.run("systemctl", "reload", "lbha")
    assert lb1.status()["generation"] == 2
    wait_until(lambda: lb1.host.has_address("192.168.8.201"), 3, "the new address")
    assert lb1.shows("StatusText") == "generation 2 is in force"
    lb1.write(Systemd.CONFIG, WRONG, 0o600)
    before = len(lb1.journal())
    code, _ = lb1.ask("systemctl", "reload", "lbha")
    assert code == 1
    assert 'did you mean "carrier_settle"?' in lb1.journal()[before:]
    assert "generation 2 stays in force" in lb1.shows("StatusText")
    assert lb1.shows("ActiveState") == "active" and lb1.main_pid == pid
    assert lb1.host.has_address(VIP) and lb1.role() == "MASTER"


def test_systemd_may_read_its_own_configuration_anew_meanwhile(lb1):
    started(lb1)
    pid = lb1.main_pid
    lb1.run("systemctl", "daemon-reload")
    lb1.run("systemctl", "daemon-reexec")
    lb1.run("systemctl", "reload", "lbha")
    assert lb1.main_pid == pid and lb1.status()["generation"] == 2 and lb1.shows("ActiveState") == "active"


def test_a_stop_is_make_before_break_and_leaves_the_run_folder(lb1, lb2):
    started(lb1)
    lb2.start()
    lb2.wait_role("BACKUP")
    monitor = lb1.host.start("ip", "monitor", "address", stdout=open(lb1.host.log_file("monitor"), "wb"))
    lb1.run("systemctl", "stop", "lbha")
    monitor.terminate()
    monitor.wait()
    assert lb2.role() == "MASTER" and not lb1.host.has_address(VIP)
    assert lb1.shows("Result") == "success" and not lb1.processes()
    assert os.path.exists(lb1.inside("/run/lbha/owned"))
    assert open(lb1.host.log_file("monitor")).read().count("Deleted") == 1


def test_a_notify_script_outlives_the_signal_that_a_stop_sends_to_all(lb1):
    script, earlier = "/usr/local/lib/lbha-test-notify", len(lb1.journal())
    lb1.write(script, '#!/bin/sh\necho "$LBHA_NEW begins"\ntest $LBHA_NEW != MASTER || sleep 2\necho "$LBHA_NEW is told"\n', 0o755)
    try:
        started(lb1, CONFIG.replace("    virtual_addresses", f"    notify: {script}\n    virtual_addresses"))
        wait_until(lambda: "MASTER begins" in lb1.journal()[earlier:], 5, "it runs")
        lb1.run("systemctl", "stop", "lbha")
        said = lb1.journal()[earlier:]
        assert "which may have been meant for lbhad" in said and "killed by signal" not in said
        assert said.index("MASTER is told") < said.index("INIT is told")
    finally:
        lb1.ask("rm", "-f", script)


def test_a_release_longer_than_the_unit_waits_is_waited_for(lb1):
    """A backup might take the two intervals; systemd's own patience is made shorter than that."""
    lb1.drop_in("short", "[Service]", "TimeoutStopSec=1s")
    started(lb1, CONFIG.replace("100ms", "1s").replace("priority: 150", "priority: 255"))  # the owner listens to nobody
    began = time.monotonic()
    lb1.run("systemctl", "stop", "lbha")
    assert time.monotonic() - began > 1.5 and lb1.shows("Result") == "success"
    assert not lb1.host.has_address(VIP)


# --- restart ----------------------------------------------------------------------------------------------------------

def test_a_restart_moves_no_address_and_is_soon_enough_for_adverts_every_second(lb1, lb2):
    started(lb1, CONFIG.replace("100ms", "1s"))
    wait_for(lb1.role, "MASTER", 10)
    lb2.configure(CONFIG.replace("100ms", "1s"))
    lb2.start()
    wait_for(lambda: lb2.vrrp()["master_address"], "192.168.8.10", 5)
    pid = lb1.main_pid
    with address_changes(lb1.host) as changes:
        began = time.monotonic()
        lb1.run("systemctl", "restart", "lbha")
        print(f"the restart took {time.monotonic() - began:.3f} s")
        assert lb1.main_pid != pid
        assert lb1.role() == "MASTER"
    assert [change for change in changes if change.startswith("-")] == []
    assert (lb2.role(), lb2.vrrp()["transitions"]) == ("BACKUP", 1)
    assert "nothing is withdrawn: it is left to the next lbhad" in lb1.journal()
    assert "valid_lft forever" in lb1.host.run("ip", "address", "show", "to", VIP)


def test_a_restart_with_a_file_that_is_refused_is_a_stop_that_leaves_nothing(lb1, lb2):
    started(lb1)
    lb2.start()
    wait_for(lambda: lb2.vrrp()["master_address"], "192.168.8.10", 5)
    lb1.write(Systemd.CONFIG, WRONG, 0o600)
    lb1.ask("systemctl", "restart", "lbha")
    assert not lb1.host.has_address(VIP)
    assert lb2.role() == "MASTER" and "192.168.8.10 gave up" in lb2.log
    assert "nothing is left to another lbhad, this is a stop" in lb1.journal()


def test_killing_everything_leaves_nothing(lb1):
    """kill -9 of the whole control group: nobody is left to release."""
    lb1.drop_in("once", "[Service]", "Restart=no")
    started(lb1)
    wait_for(lb1.role, "MASTER", 10)
    lb1.run("systemctl", "kill", "--signal=KILL", "lbha")
    wait_for(lambda: lb1.shows("ActiveState"), "failed", 10)
    assert not lb1.host.has_address(VIP)
    assert "withdrawn: nothing of lbhad is left" in lb1.journal()


def test_an_upgrade_stays_the_process_that_systemd_watches(lb1):
    lb1.drop_in("watchdog", "[Service]", "WatchdogSec=1s")
    started(lb1)
    pid, workers = lb1.main_pid, set(lb1.processes())
    lb1.run("lbhactl", "upgrade")
    wait_until(lambda: lb1.status()["ready"] and len(set(lb1.processes()) - workers) == len(workers) - 1, 10, "new workers")
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert lb1.main_pid == pid and lb1.shows("ActiveState") == "active" and lb1.host.has_address(VIP)
    assert lb1.shows("NRestarts") == "0" and lb1.role() == "MASTER"
    lb1.run("systemctl", "reload", "lbha")
    lb1.run("systemctl", "stop", "lbha")
    assert lb1.shows("Result") == "success" and not lb1.host.has_address(VIP)


# --- what is allowed --------------------------------------------------------------------------------------------------

def test_checks_see_the_machine_as_it_is(lb1):
    """Files in /tmp and processes of others: a unit with a /tmp of its own would say `down`."""
    lb1.write("/tmp/lbha-test-systemd", "")
    try:
        started(lb1, CONFIG.replace("    virtual_addresses", "    track: [{check: alive}, {check: init}]\n    virtual_addresses")
                + "checks:\n  alive: {type: file, path: /tmp/lbha-test-systemd}\n  init: {type: process, name: systemd}\n")
        wait_for(lambda: {one["state"] for one in lb1.status()["vrrp"][0]["trackers"]}, {"up"}, 5)
    finally:
        os.unlink(lb1.inside("/tmp/lbha-test-systemd"))


JIT = """#!/usr/bin/python3
import mmap
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
open("/tmp/lbha-test-jit", "w")
"""


def test_a_script_with_a_compiler_inside_gets_by_a_drop_in_what_it_needs(lb1):
    """As Java and Node do: memory that is written and executed; the page has these two lines."""
    script = "/usr/local/lib/lbha-test-jit"
    lb1.write(script, JIT, 0o755)
    config = CONFIG.replace("    virtual_addresses", "    track: [{check: jit, weight: -10}]\n    virtual_addresses")
    try:
        started(lb1, config + f"checks:\n  jit: {{type: script, command: [{script}], interval: 200ms, fall: 1, rise: 1}}\n")
        for line, state in (("ReadWritePaths=/tmp", "down"), ("MemoryDenyWriteExecute=no", "up")):
            wait_for(lambda: lb1.status()["vrrp"][0]["trackers"][0]["state"], "down", 8)
            lb1.drop_in(state, "[Service]", line)
            lb1.run("systemctl", "restart", "lbha")
            wait_for(lambda: lb1.status()["vrrp"][0]["trackers"][0]["state"], state, 8)
    finally:
        lb1.ask("rm", "-f", script, "/tmp/lbha-test-jit")


def test_the_unit_takes_away_what_lbhad_does_not_need(lb1):
    """What systemd-analyze calls exposure, of ten; that of a service without any of it is 9.6."""
    said = lb1.run("systemd-analyze", "security", "--no-pager", "lbha.service")
    assert float(said.rsplit("lbha.service:", 1)[1].split()[0]) <= 4.0


# --- death and hang ---------------------------------------------------------------------------------------------------

def restarted(lb1, pid, within=15):
    wait_until(lambda: lb1.shows("ActiveState") == "active" and lb1.main_pid not in (0, pid), within, "it was started again")
    return lb1.main_pid


def test_when_the_main_process_is_killed_its_workers_release_and_it_is_started_again(lb1, lb2):
    """systemd leaves them the time, and the other director takes over at once instead of after a time without adverts."""
    started(lb1, CONFIG.replace("100ms", "600ms"))
    lb2.configure(CONFIG.replace("100ms", "600ms"))
    lb2.start()
    lb2.wait_role("BACKUP")
    pid = lb1.main_pid
    lb1.run("kill", "-KILL", str(pid))
    wait_for(lb2.role, "MASTER", 5)
    assert "192.168.8.10 gave up" in lb2.log, "and did not just fall silent"
    restarted(lb1, pid)
    assert "Main process exited, code=killed, status=9/KILL" in lb1.journal()
    wait_for(lb1.role, "MASTER", 10)


def test_when_the_main_process_hangs_its_workers_release_and_it_is_started_again(lb1, lb2):
    lb1.drop_in("watchdog", "[Service]", "WatchdogSec=1s", "LimitCORE=0")
    started(lb1, CONFIG.replace("100ms", "500ms"))
    lb2.configure(CONFIG.replace("100ms", "500ms"))
    lb2.start()
    lb2.wait_role("BACKUP")
    pid = lb1.main_pid
    before = len(lb1.journal())
    lb1.run("kill", "-STOP", str(pid))
    restarted(lb1, pid)
    assert "Watchdog timeout" in lb1.journal()[before:]
    assert "192.168.8.10 gave up" in lb2.log
    wait_for(lb1.role, "MASTER", 10)


def test_one_that_crashes_again_and_again_is_given_up(lb1):
    lb1.drop_in("limit", "[Unit]", "StartLimitBurst=2", "[Service]", "RestartSec=100ms")
    lb1.write(Systemd.CONFIG, WRONG, 0o600)
    lb1.ask("systemctl", "start", "lbha")
    wait_for(lambda: lb1.shows("ActiveState"), "failed", 10)
    assert "Start request repeated too quickly" in lb1.journal()


def test_killing_all_of_its_processes_by_name_is_a_stop(lb1):
    """Workers heed the supervisor alone."""
    started(lb1)
    lb1.run("pkill", "-TERM", "lbha")
    wait_for(lambda: lb1.shows("ActiveState"), "inactive", 5)
    assert lb1.shows("Result") == "success" and not lb1.host.has_address(VIP)
