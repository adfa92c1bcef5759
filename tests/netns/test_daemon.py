"""lbhad as a daemon: it starts, is told, reloads, loses workers, and stops; on a host without IPVS and without services."""
import os
import signal
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from vrrp_one import CONFIG, VIP, lan, lb1  # noqa: F401: fixtures

WORKERS = ["control", "check", "ipvs", "vrrp"]


def process_status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def outside_pids(director):
    """The pid as seen from here of each worker."""
    return {name: pids[0] for name, pids in director.worker_pids().items()}


# --- start ------------------------------------------------------------------------------------------------------------

def test_it_says_ready_when_all_workers_have_the_configuration(lb1):
    lb1.start()
    status = lb1.status()
    assert status["ready"] and status["node"] == "lb1" and status["generation"] == 1
    assert {worker["name"]: worker["state"] for worker in status["workers"]} == dict.fromkeys(WORKERS, "running")
    assert all(worker["restarts"] == 0 for worker in status["workers"])


def test_a_wrong_file_ends_the_start_with_all_its_errors(lb1):
    lb1.configure(CONFIG.replace("virtual_router_id: 51", "virtual_router_id: 0")
                  .replace("carrier_settle", "carier_settle"))
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1
    assert "virtual_router_id" in lb1.log
    assert 'did you mean "carrier_settle"?' in lb1.log
    assert "2 errors" in lb1.log
    assert "READY=1" not in lb1.notifications()
    assert not lb1.holds(VIP)


def test_a_file_that_is_not_there_ends_the_start_with_2(lb1):
    os.unlink(lb1.config_file)
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 2
    assert lb1.config_file in lb1.log


def test_an_unknown_node_is_told_who_there_is(lb1):
    lb1.node = "lb3"
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1
    assert "lb3" in lb1.log and "lb1" in lb1.log


def test_a_missing_user_is_told_with_the_command_that_makes_it(lb1):
    lb1.configure(CONFIG + "global: {users: {check: nobody-has-this-name}}\n")
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1
    assert "nobody-has-this-name" in lb1.log and "useradd" in lb1.log


@pytest.mark.parametrize("users, words", [
    ("check: lbha", "daemon and check are both"),
    ("ipvs: lbha-vrrp", "vrrp and ipvs are both"),
    ("vrrp: root", "vrrp worker cannot be root"),
    ("script: lbha-vrrp", "scripts need a user of their own"),
])
def test_no_two_workers_may_be_one_user_and_none_of_them_root(lb1, users, words):
    lb1.configure(CONFIG + f"global: {{users: {{{users}}}}}\n")
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1
    assert words in lb1.log


def test_a_second_daemon_with_the_same_run_folder_is_refused(lb1):
    lb1.start()
    code, said = lb1.host.status_of(*lb1.command(), env=lb1.environment())
    assert code == 1
    assert "another lbhad runs with the run folder" in said
    assert lb1.status()["ready"]


def test_in_the_background_the_command_returns_when_it_is_ready(lb1):
    code, said = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment())
    assert code == 0, said
    assert lb1.status()["ready"]
    lb1.ctl("stop")
    wait_until(lambda: not os.path.exists(lb1.socket), 10, "the daemon has stopped")


def test_in_the_background_a_failed_start_is_told_by_the_exit_code(lb1):
    lb1.configure("vrrp: 7\n")
    code, _ = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment())
    assert code == 1


# --- reload -----------------------------------------------------------------------------------------------------------

def test_a_reload_of_the_same_file_changes_nothing(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    assert lb1.ctl("plan") == ""
    before = lb1.vrrp()
    monitor = lb1.host.start("ip", "monitor", "address", "link", "route", stdout=open(lb1.host.log_file("monitor"), "wb"))
    code, said = lb1.reload()
    assert code == 0, said
    status = lb1.status()
    assert status["generation"] == 2 and status["reload"]["result"] == "applied"
    after = lb1.vrrp()
    assert after["since"] == before["since"] and after["transitions"] == before["transitions"]
    assert after["sent"] >= before["sent"], "counters are kept"
    monitor.terminate()
    monitor.wait()
    assert open(lb1.host.log_file("monitor")).read() == ""


def test_a_reload_of_a_broken_file_is_refused_with_all_errors(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    code, said = lb1.reload(CONFIG.replace("virtual_router_id: 51", "virtual_router_id: 300")
                            .replace("priority: 100", "priorty: 100"))
    assert code == 1
    assert "virtual_router_id" in said and 'did you mean "priority"?' in said and "2 errors" in said
    status = lb1.status()
    assert status["generation"] == 1
    assert status["reload"]["result"] == "refused" and status["reload"]["errors"]
    assert lb1.role() == "MASTER" and lb1.holds(VIP)
    assert all(worker["restarts"] == 0 for worker in status["workers"])
    code, said = lb1.reload(CONFIG)
    assert code == 0, said


def test_a_signal_reloads_too(lb1):
    lb1.start()
    lb1.configure(CONFIG.replace("192.168.8.200/24", "[192.168.8.200/24, 192.168.8.201/24]"))
    lb1.wait_role("MASTER")
    lb1.process.send_signal(signal.SIGHUP)
    wait_for(lambda: lb1.status()["generation"], 2, 5, "generation 2")
    wait_until(lambda: lb1.holds("192.168.8.201") and lb1.holds(VIP), 5, "both addresses")
    assert "RELOADING=1" in lb1.notifications()


def test_a_plan_says_what_a_reload_would_do_and_does_nothing(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    other = lb1.host.log_file("other.conf")
    with open(other, "w") as file:
        file.write(CONFIG.replace("192.168.8.200/24", "[192.168.8.200/24, 192.168.8.201/24]"))
    said = lb1.ctl("plan", other)
    assert "192.168.8.201/24" in said and VIP + "/" not in said
    assert lb1.status()["generation"] == 1 and not lb1.holds("192.168.8.201")
    code, said = lb1.ctl_status("plan", lb1.host.log_file("absent.conf"))
    assert code == 1 and "absent.conf" in said


def test_a_hundred_reloads_in_a_row_leak_no_descriptor(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    assert lb1.reload()[0] == 0

    def descriptors():
        pids = list(outside_pids(lb1).values()) + [lb1.process.pid]
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in sorted(pids)]

    before = descriptors()
    for number in range(100):
        vips = "[192.168.8.200/24, 192.168.8.201/24]" if number % 2 else "192.168.8.200/24"
        code, said = lb1.reload(CONFIG.replace("192.168.8.200/24", vips))
        assert code == 0, said
    wait_for(descriptors, lambda now: all(one <= other for one, other in zip(now, before)), 5,
             f"no more descriptors than before, {before}")
    assert lb1.role() == "MASTER" and lb1.holds(VIP)
    assert lb1.vrrp()["transitions"] <= 3


def test_a_reload_with_many_errors_logs_some_of_them_and_how_many_more(lb1):
    lb1.start()
    before = len(lb1.log)
    code, said = lb1.reload(CONFIG + "".join(f"key{number}: 1\n" for number in range(40)))
    assert code == 1 and said.count("unknown key") == 40
    logged = lb1.log[before:]
    assert logged.count("unknown key") == 20 and "… and 21 more; lbhad --check shows them" in logged


def test_a_file_that_hides_what_it_includes_is_refused(lb1):
    """An include below the folder works; a symbolic link, and a file others can write, do not."""
    folder = os.path.join(os.path.dirname(lb1.config_file), "conf.d")
    os.mkdir(folder)
    part = os.path.join(folder, "more.yaml")
    with open(part, "w") as file:
        file.write("checks: {alive: {type: tcp, port: 80}}\n")
    lb1.start()
    code, said = lb1.reload(CONFIG + "include: conf.d/*.yaml\n")
    assert code == 0, said
    os.chmod(part, 0o666)
    code, said = lb1.reload()
    assert code == 1 and "more.yaml" in said
    os.unlink(part)
    os.symlink("/etc/passwd", part)
    code, said = lb1.reload()
    assert code == 1 and "more.yaml" in said and "root:" not in said


# --- death ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", WORKERS)
def test_a_killed_worker_is_replaced_and_the_address_stays(lb1, name):
    """A new vrrp worker goes on where the last advert is younger than two intervals."""
    lb1.configure(CONFIG.replace("100ms", "500ms"))
    lb1.start()
    lb1.wait_role("MASTER")
    monitor = lb1.host.start("ip", "monitor", "address", stdout=open(lb1.host.log_file("monitor"), "wb"))
    dead = lb1.kill_worker(name)
    wait_until(lambda: lb1.worker(name)["restarts"] == 1 and lb1.worker(name)["state"] == "running"
               and lb1.worker(name)["pid"] != dead, 10, f"{name} runs again")
    wait_for(lb1.role, "MASTER", 5)
    assert lb1.holds(VIP)
    monitor.terminate()
    monitor.wait()
    assert open(lb1.host.log_file("monitor")).read() == "", "nobody touched an address"
    assert [worker["restarts"] for worker in lb1.status()["workers"] if worker["name"] != name] == [0, 0, 0]


def test_a_killed_vrrp_worker_of_the_master_brings_no_takeover(lab, lan, lb1):
    """At 1 s adverts the other director has not even missed an advert when the new worker goes on."""
    slow = CONFIG.replace("100ms", "1s")
    lb1.configure(slow)
    lb2 = lab.director("lb2", (lan, "192.168.8.11"), config=slow)
    lb1.start()
    lb2.start()
    lb1.wait_role("MASTER", within=10)
    lb2.wait_role("BACKUP")
    before = lb2.vrrp()["transitions"]
    for _ in range(3):
        lb1.host.run("kill", "-9", lb1.worker("vrrp")["pid"])
        restarts = lb1.worker("vrrp")["restarts"]
        wait_until(lambda: lb1.worker("vrrp")["state"] == "running" and lb1.role() == "MASTER", 10, "MASTER again")
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:  # longer than until the next advert is due
            assert lb1.holds(VIP)
            time.sleep(0.05)
    assert lb1.worker("vrrp")["restarts"] >= restarts
    assert lb2.vrrp()["transitions"] == before and lb2.role() == "BACKUP"


def test_a_worker_that_hangs_is_killed_and_replaced(lb1):
    lb1.start()
    lb1.kill_worker("check", signal.SIGSTOP)
    wait_until(lambda: lb1.worker("check")["restarts"] == 1 and lb1.worker("check")["state"] == "running", 20,
               "check is replaced")
    assert "no heartbeat" in lb1.log


def test_status_is_answered_while_another_worker_hangs(lb1):
    lb1.start()
    lb1.kill_worker("vrrp", signal.SIGSTOP)
    began = time.monotonic()
    assert lb1.status()["ready"]
    assert time.monotonic() - began < 2


def test_when_the_supervisor_dies_the_workers_end_and_the_address_is_released(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    pids = outside_pids(lb1)
    os.kill(lb1.process.pid, signal.SIGKILL)
    lb1.process.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids.values()), 10, "all workers have ended")
    assert not lb1.holds(VIP)


def test_after_a_crash_of_everything_a_start_takes_up_what_is_there(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.crash()
    assert lb1.holds(VIP), "nobody was left to remove it"
    lb1.start()
    lb1.wait_role("MASTER")
    assert lb1.holds(VIP)
    lb1.stop()
    assert not lb1.holds(VIP)


# --- stop -------------------------------------------------------------------------------------------------------------

def test_a_stop_leaves_nothing_behind(lb1):
    addresses = lb1.addresses()
    lb1.start()
    lb1.wait_role("MASTER")
    pids = outside_pids(lb1)
    assert lb1.stop() == 0
    assert lb1.addresses() == addresses
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids.values())
    assert not os.path.exists(lb1.socket)
    assert "STOPPING=1" in lb1.notifications()


def test_lbhactl_stop_is_a_stop(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.ctl("stop")
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 0 and not lb1.holds(VIP)


# --- check ------------------------------------------------------------------------------------------------------------

def check(lb1, *more):
    return lb1.host.status_of(program("lbhad"), "--check", "-f", lb1.config_file, *more)


def test_check_says_what_is_wrong_by_text_and_exit_code(lb1):
    assert check(lb1)[0] == 0
    lb1.configure(CONFIG.replace("eth0", "eth0\n    schedular: rr"))
    code, said = check(lb1)
    assert code == 1 and "lbha.conf:8:5: error:" in said and "unknown key" in said and said.endswith("1 error, 0 warnings\n")
    assert check(lb1, "--node", "lb7")[0] == 1
    os.unlink(lb1.config_file)
    assert check(lb1)[0] == 2


def test_wrong_usage_is_told(lb1):
    for words in (["--nonsense"], ["word"], ["-f"]):
        code, said = lb1.host.status_of(program("lbhad"), *words)
        assert code == 2 and "usage" in said
    assert lb1.host.status_of(program("lbhad"), "--help")[0] == 0
    assert "lbhad 0" in lb1.host.status_of(program("lbhad"), "--version")[1]
