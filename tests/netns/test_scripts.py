"""Scripts under the whole daemon: as trackers of VRRP, over reloads, crashes of workers, and at a stop."""
import os
import shutil
import tempfile

import pytest

from lbhatest import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and changes users")

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
defaults:
  check: {interval: 100ms, timeout: 2s, rise: 1, fall: 1}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
    track: [%s]
checks:
"""
UNUSED = "  unused: {type: tcp, address: 192.0.2.1, port: 80}\n"


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lbha-script-", dir="/srv") # hosts have a /run of their own
    os.chmod(path, 0o755)
    os.mkdir(path + "/out")
    os.chmod(path + "/out", 0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def script(folder):
    def write(text):
        path = folder + "/gate"
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path
    return write


@pytest.fixture
def lb1(lab):
    return lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config="")


def config(path, more="", track="{check: gate}"):
    return CONFIG % track + f"  gate: {{type: script, command: {path}{more}}}\n"


def running(path):
    """Processes that run the script, by their command lines."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if path.encode() in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            continue
    return found


def runs(path):
    """Those of them that lbhad began; a shell that is about to execute another program looks like itself."""
    return [pid for pid in running(path) if os.path.exists(f"/proc/{pid}") and os.getsid(pid) == pid]


def wait_gone(path, within=5):
    wait_until(lambda: not running(path), within, f"nobody runs {path}")


def start(lb1, text):
    lb1.configure(text)
    lb1.start()


# ---- tracking ----

def test_a_failing_script_means_fault_and_its_recovery_ends_that(lb1, script, folder):
    path = script(f"test -e {folder}/out/open || {{ echo the gate is shut; exit 1; }}\n")
    open(folder + "/out/open", "w").close()
    start(lb1, config(path))
    lb1.wait_role("MASTER")
    os.unlink(folder + "/out/open")
    lb1.wait_role("FAULT")
    assert not lb1.holds("192.168.8.200")
    wait_until(lambda: "gate: up → down: exit 1: the gate is shut" in lb1.log, 5, "the log says why")
    open(folder + "/out/open", "w").close()
    lb1.wait_role("MASTER")


def test_a_script_that_cannot_be_started_is_a_failure(lb1, script):
    """keepalived counts it as success."""
    path = script("exit 0\n")
    start(lb1, config(path))
    lb1.wait_role("MASTER")
    os.chmod(path, 0o644)
    lb1.wait_role("FAULT")
    os.chmod(path, 0o755)
    lb1.wait_role("MASTER")
    os.unlink(path)
    lb1.wait_role("FAULT")


# ---- the life of runs ----

def hanging(script, folder):
    """A script that runs on, once told to."""
    return script(f"test -e {folder}/out/hang || exit 0\nsleep 1000\n")


def hang(lb1, folder, path):
    lb1.wait_role("MASTER")
    open(folder + "/out/hang", "w").close()
    wait_until(lambda: running(path), 5, "the script runs")


def test_a_stop_kills_what_runs(lb1, script, folder):
    path = hanging(script, folder)
    start(lb1, config(path, ", timeout: 100s"))
    hang(lb1, folder, path)
    assert lb1.stop() == 0
    wait_gone(path)


def test_the_death_of_the_check_worker_kills_what_it_asked_for(lb1, script, folder):
    path = hanging(script, folder)
    start(lb1, config(path, ", timeout: 100s"))
    hang(lb1, folder, path)
    before = running(path)
    os.unlink(folder + "/out/hang")
    lb1.kill_worker("check")
    wait_until(lambda: not set(before) & set(running(path)), 5, "the end of the old run")
    assert lb1.role() == "MASTER"


def test_a_timeout_is_a_failure_and_kills(lb1, script, folder):
    path = hanging(script, folder)
    start(lb1, config(path, ", timeout: 300ms, interval: 1s"))
    hang(lb1, folder, path)
    lb1.wait_role("FAULT")
    wait_until(lambda: "not done within 300ms, killed" in lb1.log, 5, "the log says why")


def test_a_reload_keeps_or_kills_by_what_is_left_of_the_check(lb1, script, folder):
    path = hanging(script, folder)
    text = config(path, ", timeout: 100s")
    start(lb1, text)
    hang(lb1, folder, path)
    before = runs(path)
    assert before and lb1.reload(text + UNUSED)[0] == 0
    assert runs(path) == before
    assert lb1.reload(config(path, ", timeout: 100s", track="") + UNUSED)[0] == 0
    wait_gone(path)


def test_reloads_in_a_row_neither_fail_nor_lose_a_run(lb1, script, folder):
    """Orders cross with the change of generation in the supervisor."""
    path = script(f"echo x >> {folder}/out/runs\n")
    text = config(path, ", interval: 10ms")
    start(lb1, text)
    lb1.wait_role("MASTER")
    for i in range(20):
        assert lb1.reload(text + (UNUSED if i % 2 else ""))[0] == 0
    size = os.path.getsize(folder + "/out/runs")
    wait_until(lambda: os.path.getsize(folder + "/out/runs") > size + 20, 5, "runs go on")
    assert lb1.role() == "MASTER" and "FAULT" not in lb1.log
    assert "gate: not probed" not in lb1.log


def test_the_supervisor_leaks_nothing_by_scripts(lb1, script, folder):
    path = script(f"echo x >> {folder}/out/runs\n")
    start(lb1, config(path, ", interval: 10ms"))
    lb1.wait_role("MASTER")
    wait_until(lambda: not running(path), 5, "a moment between two runs")
    supervisor, before = lb1.process.pid, os.path.getsize(folder + "/out/runs")
    def open_files():
        return len(os.listdir(f"/proc/{supervisor}/fd"))
    least = min(open_files() for _ in range(100))
    wait_until(lambda: os.path.getsize(folder + "/out/runs") > before + 200, 20, "a hundred more runs")
    wait_until(lambda: open_files() <= least, 5, "as few open files as before")
