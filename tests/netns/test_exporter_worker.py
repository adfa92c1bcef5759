"""global.exporter: lbha-exporter as lbhad starts it. Whatever becomes of it, nothing else changes."""
import os
import shutil
import signal
import socket

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from lbhatest.exporter import Served

CONFIG = """
global:%s
directors:
  lb1: {address: 192.168.8.10, priority: 150}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [192.168.8.200/24]
"""


def config(listen=None, more=""):
    return CONFIG % (more + (f'\n  exporter: {{listen: "{listen}"}}' if listen else "\n  ready_timeout: 1s"))


FIRST, SECOND = "127.0.0.1:9480", "127.0.0.1:9481"


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=config(FIRST))


@pytest.fixture
def served(lb1):
    lb1.start()
    return wait_running(lb1)


def exporter_of(director):
    return next((one for one in director.status()["workers"] if one["name"] == "exporter"), None)


def wait_running(director, listen=FIRST):
    wait_until(lambda: exporter_of(director)["state"] == "running", within=8, what="the exporter runs")
    served = Served(director.host, listen)
    wait_until(lambda: served.get("/healthz").status == 200, what="it says that lbhad is ready")
    return served


def refuses(served):
    try:
        served.dial(timeout=2).close()
    except OSError:
        return True
    return False


def rights(director, pid):
    return dict(line.split(":\t", 1) for line in director.host.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)


def test_it_is_a_worker_without_any_right(lb1, served):
    lb1.wait_role("MASTER")
    wait_for(lambda: served.scrape().get("lbha_vrrp_state", instance="public", state="MASTER"), 1)
    assert served.scrape().get("lbha_worker_up", worker="exporter") == 1
    pid = exporter_of(lb1)["pid"]
    status = rights(lb1, pid)
    user = lb1.host.run("id", "-u", "lbha-exporter").strip()
    assert status["Uid"].split() == [user] * 4 and user != "0"
    assert status["Groups"].strip() in ("", status["Gid"].split()[0])
    assert {status[one].strip("0\n") for one in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
    assert status["NoNewPrivs"].strip() == "1"
    with open(program("lbha-exporter"), "rb") as file:
        assert b"__asan_init" in file.read() or status["Seccomp"].strip() == "2"


def test_it_is_the_first_that_a_machine_without_memory_kills(lb1, served):
    assert lb1.host.run("cat", f"/proc/{exporter_of(lb1)['pid']}/oom_score_adj").strip() == "1000"


def test_its_user_may_ask_and_command_nothing(lb1, served):
    gid = lb1.host.run("id", "-g", "lbha-exporter").strip()
    code, said = lb1.ctl_as("lbha-exporter", gid, "ping")
    assert code == 0, said
    code, said = lb1.ctl_as("lbha-exporter", gid, "reload")
    assert code == 1 and "not permitted" in said
    assert lb1.ctl_as("nobody", 65534, "ping")[0] != 0  # as before: the socket's file lets in whom control knows
    assert lb1.reload(config())[0] == 0
    wait_until(lambda: lb1.ctl_as("lbha-exporter", gid, "ping")[0] != 0)


def test_the_user_that_it_has_at_its_start_may_ask(lb1, served):
    """systemd-sysusers may make it, or another one, after the configuration came into force."""
    with open("/etc/passwd", encoding="utf-8") as file:
        lines = [":".join(["lbha-exporter", "x", "64987", *line.split(":")[3:]]) if line.startswith("lbha-exporter:") else line
                 for line in file]
    other = lb1.host.log_file("passwd")
    with open(other, "w", encoding="utf-8") as file:
        file.writelines(lines)
    os.chmod(other, 0o644)
    lb1.host.run("mount", "--bind", other, "/etc/passwd")
    pid = exporter_of(lb1)["pid"]
    lb1.host.run("kill", "-KILL", pid)
    wait_until(lambda: exporter_of(lb1)["pid"] not in (0, pid))
    wait_running(lb1)
    assert rights(lb1, exporter_of(lb1)["pid"])["Uid"].split() == ["64987"] * 4


def test_it_is_started_again_and_nothing_else_notices(lb1, served):
    lb1.wait_role("MASTER")
    others = {one["name"]: one["pid"] for one in lb1.status()["workers"] if one["name"] != "exporter"}
    transitions = lb1.vrrp()["transitions"]
    for how in signal.SIGKILL, signal.SIGSEGV:
        pid = exporter_of(lb1)["pid"]
        lb1.host.run("kill", f"-{int(how)}", pid)
        wait_until(lambda: exporter_of(lb1)["pid"] not in (0, pid))
        wait_running(lb1)
    assert exporter_of(lb1)["restarts"] == 2
    assert "was killed by signal" in exporter_of(lb1)["reason"]
    assert {one["name"]: one["pid"] for one in lb1.status()["workers"] if one["name"] != "exporter"} == others
    assert lb1.vrrp()["transitions"] == transitions


@pytest.mark.limit(90)
def test_one_that_hangs_is_replaced(lb1, served):
    pid = exporter_of(lb1)["pid"]
    lb1.host.run("kill", "-STOP", pid)
    wait_until(lambda: exporter_of(lb1)["pid"] not in (0, pid), within=30)
    wait_running(lb1)
    assert exporter_of(lb1)["reason"] == "hung and was killed"


@pytest.mark.limit(90)
def test_one_that_hangs_when_it_is_switched_off_is_killed_however_many_reloads_follow(lb1, served):
    pid = exporter_of(lb1)["pid"]
    lb1.host.run("kill", "-STOP", pid)
    for _ in range(2):
        assert lb1.reload(config())[0] == 0
    wait_until(lambda: lb1.host.status_of("kill", "-0", pid)[0] != 0, within=10, what="it is gone")
    assert refuses(served)
    assert lb1.reload(config(FIRST))[0] == 0
    wait_running(lb1)


def test_a_reload_moves_it_switches_it_off_and_on(lb1, served):
    assert lb1.reload(config(SECOND))[0] == 0
    moved = wait_running(lb1, SECOND)
    assert refuses(served)
    pid = exporter_of(lb1)["pid"]
    assert lb1.reload(config(SECOND) + "cluster: shop\n")[0] == 0
    wait_until(lambda: moved.scrape().get("lbha_build_info", cluster="shop") == 1)
    assert exporter_of(lb1)["pid"] == pid and exporter_of(lb1)["restarts"] == 0
    assert lb1.reload(config())[0] == 0
    wait_until(lambda: exporter_of(lb1) is None)
    assert refuses(moved)
    assert lb1.ctl_status("status")[0] == 0
    assert lb1.reload(config(FIRST))[0] == 0
    wait_running(lb1)


def test_an_address_that_is_taken_harms_nothing_and_is_tried_again(lb1):
    with lb1.host.inside():
        taken = socket.create_server(("127.0.0.1", 9480))
    lb1.start()
    lb1.wait_role("MASTER")
    wait_until(lambda: exporter_of(lb1)["state"] == "backoff")
    assert exporter_of(lb1)["reason"] == "cannot listen on 127.0.0.1:9480 (global.exporter)"
    code, said = lb1.ctl_status("status")
    assert code == 4 and "cannot listen on 127.0.0.1:9480" in said
    taken.close()
    wait_until(lambda: exporter_of(lb1)["state"] == "running", within=15)


def test_one_that_is_not_installed_is_said_and_comes_with_the_next_reload(lb1):
    lb1.install()
    lb1.start()
    lb1.wait_role("MASTER")
    wait_until(lambda: exporter_of(lb1)["state"] == "backoff")
    assert "is the package lbha-exporter installed?" in exporter_of(lb1)["reason"]
    assert lb1.log.count("is the package lbha-exporter installed?") == 1
    code, said = lb1.host.status_of(*lb1.command("--check"), env=lb1.environment())
    assert code == 0 and "lbha-exporter is not installed on this machine" in said
    shutil.copy(program("lbha-exporter"), lb1.programs)
    assert lb1.reload()[0] == 0
    wait_running(lb1)


@pytest.mark.limit(90)
def test_what_runs_is_what_is_installed(lb1):
    """As a package does it: another file takes the name at once, or the name goes."""
    lb1.install()
    installed = shutil.copy(program("lbha-exporter"), lb1.programs)
    lb1.start()
    served = wait_running(lb1)
    pid = exporter_of(lb1)["pid"]
    shutil.copy(installed, installed + ".dpkg-new")
    os.rename(installed + ".dpkg-new", installed)
    wait_until(lambda: exporter_of(lb1)["pid"] not in (0, pid), within=15)
    wait_running(lb1)
    assert lb1.host.run("readlink", f"/proc/{exporter_of(lb1)['pid']}/exe").strip() == installed
    assert exporter_of(lb1)["restarts"] == 0, "that was no death"
    os.unlink(installed)
    wait_until(lambda: "is the package lbha-exporter installed?" in (exporter_of(lb1)["reason"] or ""), within=15)
    assert refuses(served)
    assert lb1.ctl_status("status")[0] == 4


def test_it_ends_with_the_daemon_and_comes_back_with_the_next(lb1, served):
    assert lb1.stop() == 0
    assert refuses(served)
    lb1.start()
    wait_running(lb1)
    assert lb1.detach() == 0
    assert refuses(served)
    lb1.start()
    wait_running(lb1)
    lb1.process.send_signal(signal.SIGKILL)  # the supervisor alone
    wait_until(lambda: refuses(served))


def test_an_upgrade_starts_the_installed_one(lb1, served):
    lb1.wait_role("MASTER")
    pid, since = exporter_of(lb1)["pid"], lb1.vrrp()["since"]
    assert lb1.ctl_status("upgrade")[0] == 0
    wait_until(lambda: exporter_of(lb1)["pid"] not in (0, pid))
    wait_running(lb1)
    assert (lb1.role(), lb1.vrrp()["since"]) == ("MASTER", since)
    defunct = lb1.host.run("ps", "-eo", "stat,args")
    assert not [line for line in defunct.splitlines() if line.startswith("Z") and "lbha-exporter" in line]
