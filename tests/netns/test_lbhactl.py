"""lbhactl and the control worker with the real daemon: every command once right and once wrong."""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time

import pytest

from lbhatest import wait_until
from lbhatest.director import program

DONE, FAILED, USAGE, NO_DAEMON, DEGRADED = range(5)
VIP, SECOND = "192.168.8.200/24", "192.168.8.201/24"

CONFIG = """
cluster: shop
directors:
  lb1: {address: 192.168.8.10, priority: 150}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 200ms
    virtual_addresses: [%s]
"""

@pytest.fixture
def lan(lab):
    return lab.segment("lan", "192.168.8.0/24")


@pytest.fixture
def lb1(lab, lan):
    return lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG % VIP)


@pytest.fixture
def master(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    return lb1


def fails_with(director, *words):
    code, said = director.ctl_status(*words)
    assert code == FAILED, (code, said)
    return said


def dial(director):
    """A bare connection to the control socket."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(director.socket)  # waits for its turn, which a socket with a timeout would not
    client.settimeout(5)
    return client


def ask(client, request):
    client.sendall((request if isinstance(request, str) else json.dumps(request)).encode() + b"\n")
    return json.loads(client.makefile("rb").readline())


# --- status ---

def test_a_healthy_director_is_exit_0(master):
    code, said = wait_until(lambda: (lambda done: done[0] == DONE and done)(master.ctl_status("status")),
                            what="a healthy status")
    assert code == DONE
    assert "lb1 of shop: lbha" in said and "public    MASTER" in said and VIP in said
    assert "Not as it should be" not in said
    assert max(map(len, said.splitlines())) <= 80


def test_status_json_has_every_member_of_the_contract(master):
    status = master.status()
    assert {"cluster", "node", "version", "generation", "started", "ready", "maintenance", "workers", "reload", "vrrp",
            "sync_groups", "services", "overrides", "ipvs"} <= set(status)
    assert (status["cluster"], status["node"], status["ready"]) == ("shop", "lb1", True)
    assert {"control", "check", "ipvs", "vrrp"} <= {worker["name"] for worker in status["workers"]}
    assert all({"name", "pid", "restarts", "state"} <= set(worker) for worker in status["workers"])
    assert {"time", "result", "errors"} == set(status["reload"])
    assert {"name", "state", "reason", "since", "priority", "base_priority", "virtual_router_id", "family", "version",
            "interface", "virtual_addresses", "master_address", "transitions", "sent", "received", "dropped", "faults",
            "trackers", "competing_master"} <= set(status["vrrp"][0])
    assert {"available", "operations", "repairs", "last_read_back"} <= set(status["ipvs"])


def test_a_fault_is_exit_4_and_named(master):
    master.host.unplug()
    said = wait_until(lambda: (lambda done: done[0] == DEGRADED and done[1])(master.ctl_status("status")),
                      what="a degraded status")
    assert "! instance public is in FAULT" in said
    assert master.ctl_status("status", "--json")[0] == DEGRADED


# --- vrrp, services, config, ping ---

def test_an_instance_is_explained(master):
    said = master.ctl("vrrp", "public")
    assert said.startswith("public is MASTER since ")
    assert "virtual router 51 on eth0, an advert every 0.1s" in said
    assert "public    MASTER" in master.ctl("vrrp")
    (alone,) = json.loads(master.ctl("vrrp", "public", "--json"))
    assert (alone["name"], alone["state"]) == ("public", "MASTER")
    assert 'no instance is called "pubic"; did you mean "public"?' in fails_with(master, "vrrp", "pubic")


def test_no_services_is_no_output_and_any_name_is_wrong(master):
    assert master.ctl("services") == ""
    assert json.loads(master.ctl("services", "--json")) == []
    assert "this node has none" in fails_with(master, "services", "web")


def test_zero_is_of_services_that_there_are(master):
    assert master.ctl("zero") == "the traffic of 0 services is counted from now on\n"
    said = fails_with(master, "zero", "web")
    assert 'no service is called "web": this node has none' in said


def test_without_ipvs_there_are_no_connections_and_no_table(master):
    assert master.ctl("connections") == master.ctl("export", "ipvsadm") == ""
    assert master.ctl("connections", "--json") == "[]\n"
    assert 'no service is called "web"' in fails_with(master, "connections", "web")
    code, said = master.ctl_status("export", "everything")
    assert code == USAGE and "usage: lbhactl export ipvsadm" in said


def test_config_is_what_is_in_force_and_valid(lb1):
    lb1.start()
    said = lb1.ctl("config")
    assert "carrier_settle: 200ms" in said and "virtual_router_id: 51" in said
    path = lb1.host.log_file("effective.conf")
    with open(path, "w") as file:
        file.write(said)
    assert lb1.host.status_of(program("lbhad"), "--check", "-f", path)[0] == DONE
    assert json.loads(lb1.ctl("config", "--json"))["config"] == said
    assert lb1.ctl("plan", path) == "", "the effective configuration is the configuration"


def test_ping_tells_version_and_protocol(master):
    assert master.ctl("ping").startswith("lbhad ") and "lb1" in master.ctl("ping")
    assert json.loads(master.ctl("ping", "--json"))["protocol"] == 1


# --- plan and reload ---

def test_plan_of_the_same_file_is_empty(master):
    assert master.ctl("plan") == ""
    assert json.loads(master.ctl("plan", "--json")) == {"operations": []}


def test_plan_tells_operations_and_does_none(master):
    path = master.host.log_file("next.conf")
    with open(path, "w") as file:
        file.write(CONFIG % f"{VIP}, {SECOND}")
    before = master.status()["generation"]
    assert SECOND.split("/")[0] in master.ctl("plan", path)
    assert not master.holds(SECOND) and master.status()["generation"] == before
    assert master.ctl("plan", "next.conf") == master.ctl("plan", path), "a relative path is one of lbhactl's folder"


def test_plan_of_a_broken_file_is_exit_1_with_every_error(master):
    path = master.host.log_file("next.conf")
    with open(path, "w") as file:
        file.write((CONFIG % VIP).replace("virtual_router_id: 51", "virtual_router_id: 300").replace("interface:", "iface:"))
    said = fails_with(master, "plan", path)
    assert "next.conf:" in said and "virtual_router_id" in said and "iface: unknown key" in said
    assert "would be refused" in said
    assert "cannot read" in fails_with(master, "plan", "/nonexistent")
    assert "cannot read /tmp: Is a directory" in fails_with(master, "plan", "/tmp")


def test_reload_returns_when_it_is_in_force(master):
    assert master.reload(CONFIG % f"{VIP}, {SECOND}")[0] == DONE
    wait_until(lambda: master.holds(SECOND), within=1, what="the second address")
    assert master.status()["reload"]["result"] == "applied"
    assert master.status()["generation"] == 2
    master.configure(CONFIG % VIP)
    assert json.loads(master.ctl("reload", "--json"))["result"] == "applied"


def test_a_refused_reload_is_exit_1_and_changes_nothing(master):
    code, said = master.reload(CONFIG % "nonsense")
    assert code == FAILED
    assert "lbha.conf:" in said and "nonsense" in said
    assert said.endswith("lbhactl: the reload was refused; everything is as before\n")
    assert master.role() == "MASTER" and master.holds(VIP)
    code, said = master.ctl_status("status")
    assert code == DEGRADED and "! the last reload was refused:" in said
    assert master.status()["reload"]["result"] == "refused" and master.status()["reload"]["errors"]
    assert json.loads(master.ctl_status("reload", "--json")[1].split("\n}\n")[0] + "}")["result"] == "refused"
    assert master.reload(CONFIG % VIP)[0] == DONE
    assert master.ctl_status("status")[0] == DONE


# --- stop ---

def test_stop_returns_when_the_daemon_is_gone(master):
    assert master.ctl("stop") == "lbhad has stopped\n"
    assert wait_until(lambda: not master.is_running, within=1, what="the end of lbhad")
    assert master.process.returncode == 0
    assert not master.holds(VIP)
    assert master.ctl_status("stop")[0] == NO_DAEMON
    assert master.ctl_status("status")[0] == NO_DAEMON


# --- it answers ---

@pytest.mark.parametrize("name", ["check", "ipvs", "vrrp"])
def test_status_is_answered_while_another_worker_hangs(lb1, name):
    lb1.start()
    pid = lb1.kill_worker(name, signal.SIGSTOP)
    began = time.monotonic()
    assert lb1.status()["node"] == "lb1"
    assert "public" in lb1.ctl("vrrp")
    assert time.monotonic() - began < 2
    lb1.host.run("kill", "-CONT", pid)


def test_the_control_worker_comes_back_and_disturbs_nobody(master):
    before = master.vrrp()
    pid = master.kill_worker("control")
    after = wait_until(lambda: (lambda one: one["state"] == "MASTER" and one)(master.vrrp()), what="the status again")
    assert after["transitions"] == before["transitions"] and after["since"] == before["since"]
    worker = master.worker("control")
    assert worker["pid"] != pid and worker["restarts"] == 1


def test_clients_that_do_not_read_or_send_nonsense_harm_nobody(master):
    slow = dial(master)
    slow.setblocking(False)
    try:
        for _ in range(100000):
            slow.send(b'{"request":"status"}\n')
    except BlockingIOError:
        pass
    loud = dial(master)
    loud.setblocking(False)
    with contextlib.suppress(BrokenPipeError):  # it has its answer
        while not select.select([loud], [], [], 0)[0]:  # root may send whole files in a line, but not without end
            if select.select([], [loud], [], 0.1)[1]:
                loud.send(b"x" * 65536)
    loud.settimeout(5)
    assert json.loads(loud.makefile("rb").readline())["error"] == "the line is too long"
    crowd = [dial(master) for _ in range(100)]
    assert ask(crowd[-1], {"request": "ping"})["ok"]
    assert master.ctl("ping")
    for client in [slow, loud] + crowd:
        client.close()


@pytest.mark.parametrize("request_line, error", [
    ("status", "not a line of JSON"),
    ('{"request":"statsu"}', 'did you mean "status"?'),
    ('{"request":"status","x":1}', 'has no "x"'),
    ('{"request":"plan","file":"relative"}', "absolute path"),
    ("[" * 10000, "not a line of JSON"),
])
def test_a_bad_request_is_refused_and_the_connection_lives(master, request_line, error):
    with dial(master) as client:
        refusal = ask(client, request_line)
        assert not refusal["ok"] and error in refusal["error"]
        assert ask(client, {"request": "ping"})["result"]["protocol"] == 1


def test_many_clients_at_once_all_get_their_answers(master):
    words = [["reload"], ["plan"], ["status", "--json"], ["config"]] * 3
    command = [program("lbhactl"), "--socket", master.socket]
    running = [master.host.start(*command, *one, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for one in words]
    for process in running:
        said, _ = process.communicate(timeout=20)
        assert process.returncode == DONE, said
    assert master.role() == "MASTER"


def test_a_client_that_leaves_during_a_reload_is_forgotten(master):
    for _ in range(5):
        client = dial(master)
        client.sendall(b'{"request":"reload"}\n')
        client.close()
    assert master.reload()[0] == DONE
    assert master.role() == "MASTER"


# --- who may ---

def test_the_daemons_user_may_ask_but_not_command(master):
    assert master.ctl_as("lbha", "lbha", "ping")[0] == DONE
    assert master.ctl_as("lbha", "lbha", "status", "--json")[0] == DONE
    for command in "reload", "plan", "stop":
        code, said = master.ctl_as("lbha", "lbha", command)
        assert code == FAILED and f"{command} needs write access: only root has that" in said
    assert master.is_running


def test_strangers_may_not_even_connect(master):
    code, said = master.ctl_as("nobody", "nogroup", "ping")
    assert code == FAILED and "not permitted to open" in said


def test_the_daemons_group_may_ask_but_not_command(master):
    assert master.ctl_as("nobody", "lbha", "ping")[0] == DONE
    code, said = master.ctl_as("nobody", "lbha", "reload")
    assert code == FAILED and "reload needs write access" in said
