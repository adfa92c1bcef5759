"""A hostile operator and an unlucky machine: what lbhad does when signals storm, workers stop, die and come back, files
are missing and room runs out. VRRP alone; see test_daemon.py for the ordinary life."""
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import build_folder, program
from lbhatest.vrrp import adverts, longest_silence
from vrrp_one import CONFIG, VIP, lan, lb1  # noqa: F401: fixtures


def with_vips(*vips):
    return CONFIG.replace("192.168.8.200/24", "[" + ", ".join(f"{vip}/24" for vip in vips) + "]")


def held(director):
    return {address.split("/")[0] for address in director.addresses() if address.startswith("192.168.8.2")}


def ended(process, within=15):
    said, _ = process.communicate(timeout=within)
    return process.returncode, said


def assert_stops(director, within=5):
    """TERM ends it, with nothing left behind."""
    assert director.stop(within) == 0
    assert held(director) == set()
    assert director.worker_pids() == {}


# --- many at once -----------------------------------------------------------------------------------------------------

def test_a_storm_of_signals_ends_in_the_state_of_the_last_file(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    for number in range(50):
        lb1.configure(with_vips(VIP, f"192.168.8.{201 + number % 40}"))
        lb1.process.send_signal(signal.SIGHUP)
    wait_for(lambda: held(lb1), {VIP, "192.168.8.210"}, 10)
    assert lb1.role() == "MASTER"
    assert [worker["restarts"] for worker in lb1.status()["workers"]] == [0, 0, 0, 0]
    assert_stops(lb1)


def test_more_reloads_than_can_wait_are_refused_and_a_signal_among_them_is_kept(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp = lb1.pid_of("vrrp")
    os.kill(vrrp, signal.SIGSTOP)
    clients = [lb1.ctl_in_background("plan" if number % 2 else "reload") for number in range(24)]
    try:
        wait_until(lambda: lb1.log.count(" asked for by") == 24, 5, "the requests have arrived")
        lb1.configure(with_vips(VIP, "192.168.8.201"))
        lb1.process.send_signal(signal.SIGHUP)
    finally:
        os.kill(vrrp, signal.SIGCONT)
    answers = [ended(client) for client in clients]
    assert {code for code, _ in answers} <= {0, 1}, answers
    assert sum(code == 0 for code, _ in answers) >= 10
    assert all("too many" in said for code, said in answers if code)
    wait_for(lambda: held(lb1), {VIP, "192.168.8.201"}, 5)
    assert [worker["restarts"] for worker in lb1.status()["workers"]] == [0, 0, 0, 0]


def test_a_client_that_leaves_during_its_reload_changes_nothing_for_others(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp = lb1.pid_of("vrrp")
    os.kill(vrrp, signal.SIGSTOP)
    try:
        leaver, other = lb1.ctl_in_background("reload"), lb1.ctl_in_background("reload")
        wait_until(lambda: lb1.log.count("reload asked for by") == 2, 5, "both were asked")
        leaver.kill()
        leaver.communicate()
    finally:
        os.kill(vrrp, signal.SIGCONT)
    assert ended(other)[0] == 0
    wait_for(lambda: lb1.status()["generation"], 3, 5)


# --- a worker stops or dies at a bad moment ---------------------------------------------------------------------------

def test_a_worker_killed_while_it_prepares_refuses_the_reload_and_the_next_one_works(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    for name in "vrrp", "check", "ipvs":
        pid = lb1.pid_of(name)
        os.kill(pid, signal.SIGSTOP)
        asked = lb1.ctl_in_background("reload")
        wait_until(lambda: "reload of " in lb1.log, 5, "the reload has begun")
        os.kill(pid, signal.SIGKILL)
        code, said = ended(asked)
        # killed before the configuration was compiled it takes no part, and comes back to what is in force then
        assert code == 0 or f"the {name} worker died" in said, said
        wait_for(lambda: lb1.worker(name)["state"], "running", 5)
        code, said = lb1.reload()
        assert code == 0, said
    assert held(lb1) == {VIP}
    assert lb1.role() == "MASTER"


def test_a_worker_that_hangs_in_a_reload_is_killed_and_the_reload_refused(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    os.kill(lb1.pid_of("vrrp"), signal.SIGSTOP)
    began = time.monotonic()
    code, said = lb1.reload(with_vips(VIP, "192.168.8.201"))
    assert time.monotonic() - began < 14
    assert code == 1 and "the vrrp worker" in said
    assert lb1.status()["generation"] == 1
    wait_for(lambda: lb1.worker("vrrp")["state"], "running", 5)
    code, said = lb1.reload()
    assert code == 0, said
    wait_for(lambda: held(lb1), {VIP, "192.168.8.201"}, 5)


def test_workers_killed_at_any_moment_of_a_reload_end_in_one_configuration(lb1):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    lb1.start()
    lb1.wait_role("MASTER")
    for number, name in enumerate(("vrrp", "check", "control", "ipvs", "vrrp", "check", "control", "ipvs")):
        pid = lb1.pid_of(name)
        vips = {VIP, f"192.168.8.{201 + number}"}
        lb1.configure(with_vips(*sorted(vips)))
        lb1.process.send_signal(signal.SIGHUP)
        time.sleep(chance.uniform(0, 0.04))
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}") and
                   all(worker["state"] == "running" for worker in lb1.status()["workers"]), 10, "all run")
        code, said = lb1.reload()
        assert code == 0, said
        wait_for(lambda: held(lb1), vips, 5)
        lb1.wait_role("MASTER")


def test_an_answer_to_an_earlier_reload_counts_for_no_later_one(lb1):
    """Both have one generation number, since the first was refused."""
    checks = "checks:\n" + "".join(f"  c{number}: {{type: tcp, port: {number + 1}}}\n" for number in range(3000))
    lb1.configure(CONFIG + checks)  # so that the compiler takes long enough to be seen
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp, check = lb1.pid_of("vrrp"), lb1.pid_of("check")
    os.kill(vrrp, signal.SIGSTOP)
    os.kill(check, signal.SIGSTOP)
    try:
        lb1.configure(with_vips(VIP, "192.168.8.201") + checks)
        first = lb1.ctl_in_background("reload")
        wait_until(lambda: "reload of " in lb1.log, 5, "the reload has begun")
        wait_until(lambda: "compiler" not in lb1.worker_pids(), 5, "it is compiled")
        os.kill(check, signal.SIGKILL)
        assert ended(first)[0] == 1
        lb1.configure(CONFIG + checks)
        second = lb1.ctl_in_background("plan")
        wait_until(lambda: "plan asked for" in lb1.log, 5, "the plan was asked for")
        time.sleep(0.3)  # until it is compiled and the worker has both PREPAREs before it; earlier proves less, fails nothing
    finally:
        os.kill(vrrp, signal.SIGCONT)
    assert ended(second) == (0, ""), "it changes nothing; the earlier one would have"
    assert lb1.worker("vrrp")["restarts"] == 0


# --- the compiler -----------------------------------------------------------------------------------------------------

def many_vips(count):
    return CONFIG.replace("192.168.8.200/24", "[" + ", ".join(
            f"10.{number >> 8}.{number & 255}.1/32" for number in range(count)) + "]")


def many_instances(count):
    """Much to read; the interfaces are not there."""
    rows = [f"  - {{name: i{number}, interface: none{number // 250}, virtual_router_id: {number % 250 + 1}, "
            f"virtual_addresses: 10.{number >> 8}.{number & 255}.1/32}}" for number in range(count)]
    return CONFIG + "\n".join(rows) + "\n"


def test_a_compiler_that_is_killed_refuses_the_reload(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.configure(many_instances(3000))
    asked = lb1.ctl_in_background("reload")
    os.kill(lb1.child("compiler"), signal.SIGKILL)
    code, said = ended(asked)
    assert code == 1 and "the compiler" in said, said
    assert lb1.role() == "MASTER" and lb1.status()["generation"] == 1
    assert lb1.reload(CONFIG)[0] == 0


def test_a_compiler_that_hangs_does_not_keep_the_daemon_from_stopping(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.configure(many_instances(3000))
    asked = lb1.ctl_in_background("reload")
    os.kill(lb1.child("compiler"), signal.SIGSTOP)
    assert lb1.status()["ready"]
    assert_stops(lb1)
    code, said = ended(asked)
    assert code != 0 and said, said


def test_a_reload_of_a_file_that_is_gone_is_refused(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    os.unlink(lb1.config_file)
    lb1.process.send_signal(signal.SIGHUP)
    wait_for(lambda: lb1.status()["reload"]["result"], "refused", 5)
    assert lb1.config_file in lb1.log
    assert lb1.status()["generation"] == 1 and held(lb1) == {VIP}
    lb1.configure(with_vips(VIP, "192.168.8.201"))
    assert lb1.reload()[0] == 0


# --- stopping at a bad moment -----------------------------------------------------------------------------------------

def test_a_stop_at_any_moment_of_the_start_ends_soon_and_leaves_nothing(lb1):
    for step in range(16):
        lb1.launch()
        time.sleep(0.03 * step)
        lb1.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not lb1.is_running, 5, f"lbhad ends; stopped {30 * step} ms after the start")
        assert lb1.process.returncode in (0, -signal.SIGTERM)
        assert held(lb1) == set(), f"stopped {30 * step} ms after the start"
        wait_for(lambda: lb1.worker_pids(), {}, 1)


def test_a_stop_during_a_reload_ends_soon(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    check = lb1.pid_of("check")
    os.kill(check, signal.SIGSTOP)
    asked = lb1.ctl_in_background("reload")
    wait_until(lambda: "reload of " in lb1.log, 5, "the reload has begun")
    lb1.process.send_signal(signal.SIGTERM)
    lb1.process.send_signal(signal.SIGTERM)
    os.kill(check, signal.SIGCONT)
    assert_stops(lb1)
    code, said = ended(asked)
    assert code != 0 and said, said


def test_a_vrrp_worker_that_dies_while_it_releases_leaves_no_address(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp = lb1.pid_of("vrrp")
    os.kill(vrrp, signal.SIGSTOP)
    lb1.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stop: " in lb1.log, 5, "it stops")
    os.kill(vrrp, signal.SIGKILL)
    wait_until(lambda: not lb1.is_running, 5, "it has stopped")
    assert lb1.process.returncode == 0
    assert held(lb1) == set()
    assert lb1.worker_pids() == {}


def test_a_stop_while_the_vrrp_worker_waits_to_be_started_leaves_no_address(lb1):
    lb1.configure(CONFIG.replace("advert_interval: 100ms", "advert_interval: 1s"))  # later than that it would withdraw
    lb1.start()
    lb1.wait_role("MASTER", within=10)
    for number in range(4):
        os.kill(lb1.pid_of("vrrp"), signal.SIGKILL)
        wait_until(lambda: lb1.log.count("killed by signal 9") == number + 1, 5, "the death is seen")
    wait_until(lambda: "the vrrp worker is started again in" in lb1.log, 5, "a back-off")
    assert held(lb1) == {VIP}
    assert_stops(lb1)


def test_a_worker_that_always_dies_is_told_with_its_waiting_and_keeps_it_from_being_ready(lb1):
    folder = lb1.host.log_file("libexec")
    os.mkdir(folder)
    shutil.copy(shutil.which("false"), os.path.join(folder, "lbha-checkd"))
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR=folder, **more)
    lb1.launch()
    wait_until(lambda: "the check worker is started again in 2 s" in lb1.log, 10, "it waits longer and longer")
    assert "the check worker is started again in 1 s" in lb1.log
    assert "READY=1" not in lb1.notifications()
    assert not lb1.status()["ready"]
    assert lb1.worker("check")["state"] == "backoff"
    assert_stops(lb1)


def test_a_hostile_check_worker_takes_neither_the_supervisor_nor_an_address_away(lb1):
    """It speaks the supervisor's language, at the wrong moments and with nonsense in it; see tests/unit/test_workers.c."""
    hostile = os.path.join(build_folder(), "test-workers")
    if not os.path.exists(hostile):
        pytest.skip("test-workers is built where libcheck is")
    seed = str(random.randrange(1 << 32))
    print("seed", seed)
    folder = lb1.host.log_file("libexec")
    os.mkdir(folder)
    shutil.copy(hostile, os.path.join(folder, "lbha-checkd"))
    when = os.path.join(folder, "now")
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR=folder, LBHA_SEED=seed, LBHA_HOSTILE_WHEN=when,
                                          **more)
    lb1.start()
    lb1.wait_role("MASTER")
    open(when, "w").close()
    others = {name: lb1.pid_of(name) for name in ("control", "ipvs", "vrrp")}
    for number in range(1000):
        lb1.configure(with_vips(VIP, f"192.168.8.{201 + number % 2}"))
        lb1.ctl_status("reload" if number % 2 else "plan")
        if lb1.worker("check")["restarts"] >= 4:
            break
    assert lb1.worker("check")["restarts"] >= 4
    assert lb1.role() == "MASTER" and VIP in held(lb1)
    assert {name: lb1.pid_of(name) for name in others} == others
    assert_stops(lb1)


# --- the supervisor dies ----------------------------------------------------------------------------------------------

def test_a_daemon_started_right_after_a_crash_of_the_supervisor_waits_for_its_workers(lab, lan, lb1):
    capture = lab.host("watcher", (lan, "192.168.8.99")).capture("ip proto 112")
    lb1.start()
    lb1.wait_role("MASTER")
    for _ in range(3):
        before = lb1.pid_of("vrrp")
        lb1.process.kill()
        lb1.process.wait()
        lb1.launch()
        wait_until(lambda: "READY=1" in lb1.notifications(), 10, "the new one is ready")
        assert not os.path.exists(f"/proc/{before}"), "never two vrrp workers"
        lb1.wait_role("MASTER")
        wait_for(lambda: held(lb1), {VIP}, 5)
        assert [len(pids) for pids in lb1.worker_pids().values()] == [1, 1, 1, 1]
    assert "put back" not in lb1.log
    assert adverts(capture)
    assert_stops(lb1)


def test_a_worker_left_behind_that_does_not_end_keeps_a_new_daemon_from_starting_with_a_reason(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    vrrp = lb1.pid_of("vrrp")
    lb1.process.kill()
    lb1.process.wait()
    os.kill(vrrp, signal.SIGSTOP)  # while it releases; the end of the supervisor would wake it
    lb1.launch()
    wait_until(lambda: "the start waits for workers" in lb1.log, 5, "it says what it waits for")
    assert "READY=1" not in lb1.notifications()
    os.kill(vrrp, signal.SIGKILL)
    wait_until(lambda: "READY=1" in lb1.notifications(), 5, "it goes on")
    lb1.wait_role("MASTER")
    assert_stops(lb1)


# --- folders, files, limits -------------------------------------------------------------------------------------------

def refused(director, *words):
    """The start fails and the log says all the words."""
    director.launch()
    wait_until(lambda: not director.is_running, 10, "lbhad ends")
    assert director.process.returncode == 1
    for word in words:
        assert word in director.log, director.log
    assert director.worker_pids() == {} and held(director) == set()


def test_a_run_folder_of_somebody_else_is_refused(lb1):
    os.mkdir(lb1.run_dir)
    os.chown(lb1.run_dir, 1000, 1000)
    refused(lb1, lb1.run_dir, "belongs to another user")


def test_a_run_folder_that_others_may_write_is_refused(lb1):
    os.mkdir(lb1.run_dir)
    os.chmod(lb1.run_dir, 0o777)
    refused(lb1, lb1.run_dir, "can be written by everybody")


def test_a_run_folder_on_a_read_only_file_system_is_refused(lb1):
    os.mkdir(lb1.run_dir)
    lb1.host.run("mount", "-t", "tmpfs", "-o", "ro,mode=755", "tmpfs", lb1.run_dir)
    refused(lb1, lb1.run_dir, "Read-only file system")


def test_a_run_folder_whose_socket_would_have_too_long_a_name_is_refused(lb1):
    lb1.run_dir = lb1.host.log_file("r" * 100)
    refused(lb1, lb1.run_dir, "too long")


def test_a_missing_check_program_is_told(lb1):
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR="/nonexistent", **more)
    refused(lb1, "/nonexistent/lbha-checkd")


@pytest.fixture
def small(lb1):
    """lb1 with its run folder on a tmpfs of its own."""
    os.mkdir(lb1.run_dir)
    lb1.host.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", lb1.run_dir)
    return lb1


def fill(director):
    director.host.run("sh", "-c", f"cat /dev/zero > {director.run_dir}/full", check=False)


def test_a_full_run_folder_keeps_no_address_from_coming(small):
    small.start()
    small.wait_role("MASTER")
    fill(small)
    code, said = small.reload(many_vips(200))  # more than fits into the last page of the file
    assert code == 0, said
    wait_for(lambda: sum(one.startswith("10.") for one in small.addresses()), 200, 5)
    wait_until(lambda: "cannot be written down as ours" in small.log, 5, "it is told")
    assert_stops(small)


def test_a_full_run_folder_keeps_no_daemon_from_starting(small):
    small.start()
    small.wait_role("MASTER")
    small.crash()
    fill(small)
    small.start()
    small.wait_role("MASTER")
    assert_stops(small)


def test_few_descriptors_are_enough(lb1):
    """The soft limit of a careless script; the hard one is what counts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = lb1.command
    lb1.command = lambda *more: ["prlimit", f"--nofile=32:{hard}", *command(*more)]
    lb1.start()
    lb1.wait_role("MASTER")
    assert lb1.reload()[0] == 0
    assert_stops(lb1)


def test_64_descriptors_are_enough_for_one_instance(lb1):
    command = lb1.command
    lb1.command = lambda *more: ["prlimit", "--nofile=64:64", *command(*more)]
    lb1.start()
    lb1.wait_role("MASTER")
    assert lb1.reload()[0] == 0
    assert_stops(lb1)


def test_programs_replaced_on_disk_do_not_matter_to_a_running_daemon(lb1):
    folder = lb1.host.log_file("programs")
    os.mkdir(folder)
    for name in "lbhad", "lbha-checkd":
        shutil.copy(program(name), folder)
    command = lb1.command
    lb1.command = lambda *more: [os.path.join(folder, "lbhad"), *command(*more)[1:]]
    lb1.environment = lambda **more: dict(os.environ, LBHA_LIBEXECDIR=folder, **more)
    lb1.start()
    lb1.wait_role("MASTER")
    for name in "lbhad", "lbha-checkd":
        path = os.path.join(folder, name)
        shutil.copy(shutil.which("false"), path + ".new")
        os.rename(path + ".new", path)
    for name in "vrrp", "check", "control":
        os.kill(lb1.pid_of(name), signal.SIGKILL)
        wait_until(lambda: lb1.worker(name)["restarts"] == 1 and lb1.worker(name)["state"] == "running", 5,
                   f"{name} runs again")
    assert lb1.reload()[0] == 0
    assert lb1.role() == "MASTER"
    assert_stops(lb1)


def test_a_log_that_nobody_reads_delays_nothing_and_says_later_what_was_lost(lb1):
    lb1.start()
    lb1.stop()
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(theirs, bytes(4096))
    os.set_blocking(theirs, True)
    lb1.host.start(*lb1.command(), stdout=subprocess.DEVNULL, stderr=theirs, env=lb1.environment())
    os.close(theirs)
    lb1.wait_role("MASTER")
    capture = lb1.host.capture("ip proto 112")
    for _ in range(5):
        code, said = lb1.reload()
        assert code == 0, said
    assert longest_silence(adverts(capture)) < 0.15
    os.set_blocking(ours, False)
    said = os.read(ours, 65536)
    assert lb1.reload()[0] == 0
    said += os.read(ours, 65536)
    assert b"lines of the log before this one are lost" in said and b"is in force" in said, said.strip(b"\0")
    lb1.ctl("stop")
    wait_until(lambda: lb1.worker_pids() == {}, 5, "it has stopped")
    os.close(ours)


SERVICES = """
services:
  - name: web
    listen: 192.168.8.200:80
    forwarding: nat
    real_servers: [10.0.0.1]
"""


def services_lock(director):
    """What a daemon with services holds, held by the test; OSError when somebody else has it."""
    with director.host.inside():
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        lock.bind("\0lbha/services")
        return lock


def test_services_of_a_second_daemon_in_one_network_are_refused(lb1):
    """At the start and at a reload; without services it may run, and holds no lock."""
    with services_lock(lb1):
        lb1.configure(CONFIG + SERVICES)
        refused(lb1, "another lbhad with services runs in this network namespace")
        lb1.configure(CONFIG)
        lb1.start()
        code, said = lb1.reload(CONFIG + SERVICES)
        assert code == 1 and "another lbhad with services" in said
        assert lb1.status()["generation"] == 1
    assert "another lbhad" not in lb1.reload()[1]  # which is refused for another reason where the kernel has no IPVS
    assert lb1.reload(CONFIG)[0] == 0
    services_lock(lb1).close()


# --- size -------------------------------------------------------------------------------------------------------------

def test_reloads_of_a_big_file_delay_no_advert(lab, lan, lb1):
    watcher = lab.host("watcher", (lan, "192.168.8.99"))
    lb1.start()
    lb1.wait_role("MASTER")
    capture = watcher.capture("ip proto 112")
    for text in many_instances(4000), many_instances(3999), CONFIG:
        began = time.monotonic()
        code, said = lb1.reload(text)
        assert code == 0, said
        print(f"reload of {len(text)} bytes: {time.monotonic() - began:.3f} s")
    heard = [one for one in adverts(capture) if one.source == "192.168.8.10"]
    print("longest silence", longest_silence(heard))
    assert longest_silence(heard) < 0.2  # an advert that was left out would make it two intervals and more
    assert lb1.vrrp("public")["state"] == "MASTER"
