"""Notify scripts under the whole daemon: who hears of what, in which order, and that the latest state is never lost."""
import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import tempfile
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and changes users")

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10}}
global: {{notify: [{all}]}}
defaults:
  check: {{interval: 100ms, rise: 1, fall: 1}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
    track: [{{check: gate, weight: -10}}]
    notify: [{own}]
checks:
  gate: {{type: file, path: {folder}/out/gate}}
"""

# Takes itself for a run of its own: begins, tells what it was told, ends.
TELL = """
exec 9>>{folder}/out/log
echo "begin $LBHA_EVENT $LBHA_OBJECT $LBHA_NEW" >&9
{more}
echo "$LBHA_EVENT $LBHA_OBJECT ${{LBHA_OLD:--}} ${{LBHA_NEW:--}} ${{LBHA_TOLD:--}} $LBHA_COALESCED" >&9
"""


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lbha-notify-", dir="/srv")  # hosts have a /run of their own
    os.chmod(path, 0o755)
    os.mkdir(path + "/out")
    os.chmod(path + "/out", 0o777)
    open(path + "/out/gate", "w").close()
    yield path
    shutil.rmtree(path)


class Script:
    """One that appends to out/NAME.log what it is told."""

    def __init__(self, folder, name):
        self.path, self.log = f"{folder}/{name}", f"{folder}/out/{name}.log"

    def write(self, text):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(self.path + ".new", 0o755)
        os.rename(self.path + ".new", self.path)
        return self

    def tells(self, more=":"):
        return self.write(f"""exec 9>>{self.log}
echo "begin $LBHA_OBJECT" >&9
{more}
echo "$LBHA_EVENT $LBHA_OBJECT ${{LBHA_OLD:--}} ${{LBHA_NEW:--}} ${{LBHA_TOLD:--}} $LBHA_COALESCED" >&9
""")

    @property
    def lines(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    @property
    def runs(self):
        """[event, object, old, new, told, coalesced] of each run that has ended."""
        return [line.split() for line in self.lines if not line.startswith("begin ")]

    def states(self, name):
        return [run[3] for run in self.runs if run[1] == name and run[0].endswith("_state")]

    def wait_state(self, name, state, within=5):
        wait_until(lambda: self.states(name)[-1:] == [state], within, f"{self.path} was told that {name} is {state}")

    def assert_one_at_a_time(self, name):
        mine = [line for line in self.lines if line == f"begin {name}" or line.split()[1] == name]
        assert all(line.startswith("begin ") for line in mine[::2]), mine
        assert not any(line.startswith("begin ") for line in mine[1::2]), mine

    def assert_a_chain(self, name, kind="vrrp_state"):
        """What it was told last is what it is told that it was told last."""
        mine = [run for run in self.runs if run[1] == name and run[0] == kind]
        for before, after in zip(mine, mine[1:]):
            assert after[4] == before[3], mine


@pytest.fixture
def script(folder):
    return lambda name="notify": Script(folder, name)


@pytest.fixture
def lb1(lab):
    return lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config="")


def start(lb1, folder, all="", own=""):
    lb1.configure(CONFIG.format(all=all, own=own, folder=folder))
    lb1.start()
    lb1.wait_role("MASTER")


def configure(lb1, folder, all="", own=""):
    code, said = lb1.reload(CONFIG.format(all=all, own=own, folder=folder))
    assert code == 0, said


def gate(folder, is_open):
    if is_open:
        open(folder + "/out/gate", "w").close()
    else:
        os.unlink(folder + "/out/gate")


def processes_of(path):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if path.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


# ---- who hears what ----

def test_a_start_and_each_change_are_told_to_the_scripts_of_the_object_and_of_all(lb1, script, folder):
    every, own = script("every").tells(), script("own").tells()
    start(lb1, folder, all=every.path, own=f"{own.path}, {every.path}")
    for one in every, own:
        one.wait_state("public", "MASTER")
        wait_until(lambda one=one: one.states("public/gate") == ["up"], 5, "the tracker is told")
    lb1.host.run("ip", "link", "set", "eth0", "down")
    lb1.wait_role("FAULT")
    gate(folder, False)
    for one in every, own:
        one.wait_state("public/gate", "down")
        one.assert_one_at_a_time("public")
        one.assert_a_chain("public")
    assert lb1.reload()[0] == 0
    wait_until(lambda: ["reload", "configuration", "1", "2", "-", "0"] in every.runs, 5, "the reload is told to all")
    assert not any(run[0] == "reload" for run in own.runs)
    assert len(every.runs) == len(set(map(tuple, every.runs))), "one that is named twice runs once"


def test_a_script_gets_all_of_the_event_as_its_own_user(lb1, script, folder):
    one = script().write(f"""test "$LBHA_NEW" = MASTER || exit 0
env >{folder}/out/env; cat >{folder}/out/json; id -un >{folder}/out/id; pwd >{folder}/out/pwd
ls -l /proc/self/fd >{folder}/out/fds; echo "$@" >{folder}/out/args
touch {folder}/out/done
""")
    start(lb1, folder, own=f"{{script: [{one.path}, first, 'second word']}}")
    wait_until(lambda: os.path.exists(folder + "/out/done"), 5, "it ran")

    def read(name):
        with open(f"{folder}/out/{name}", encoding="utf-8") as file:
            return file.read()

    event = json.loads(read("json"))
    env = dict(line.split("=", 1) for line in read("env").splitlines())
    assert (event["event"], event["object"], event["new"]) == ("vrrp_state", "public", "MASTER")
    assert (event["priority"], event["coalesced"]) == (100, 0)
    for name, value in event.items():
        if not isinstance(value, (list, dict)):
            assert env["LBHA_" + name.upper()] == ("" if value is None else str(value)), name
    assert env["LBHA_NODE"] == "lb1" and "NOTIFY_SOCKET" not in env and "LBHA_LIBEXECDIR" not in env
    assert read("json").count("\n") == 1
    told = [one for one in json.loads("[" + ",".join(lb1.ctl("events", "--json", "--since", "0").splitlines()) + "]")
            if one["seq"] == event["seq"]]
    assert told and all(event[name] == value for name, value in told[0].items()), "it is the event that lbhactl shows"
    assert read("id").strip() == "lbha-script" and read("pwd").strip() == "/" and read("args").strip() == "first second word"
    assert len(read("fds").splitlines()) <= 5, read("fds")


def test_a_script_may_run_as_another_user(lb1, script, folder):
    one = script().write(f"id -u >{folder}/out/id.new; mv {folder}/out/id.new {folder}/out/id\n")
    start(lb1, folder, own=f"{{script: {one.path}, user: root}}")
    wait_until(lambda: os.path.exists(folder + "/out/id"), 5, "it ran")
    assert os.stat(folder + "/out/id").st_uid == pwd.getpwnam("root").pw_uid


def test_the_example_tells_the_log_who_is_master(lb1, folder):
    example = os.path.join(os.path.dirname(__file__), "../../etc/examples/notify.sh")
    path = shutil.copy(example, folder + "/notify.sh")
    assert os.stat(path).st_mode & stat.S_IXUSR
    start(lb1, folder, own=path)
    wait_until(lambda: "public is MASTER here: " in lb1.log, 5, "its words are in the log")


# ---- order, and the latest ----

def test_in_a_flood_of_changes_a_slow_script_is_told_the_latest_and_never_twice_at_once(lb1, script, folder):
    slow = script().tells("sleep 0.3")
    start(lb1, folder, own=slow.path)
    slow.wait_state("public/gate", "up")
    for _ in range(12):
        for is_open in (False, True):
            gate(folder, is_open)
            wait_for(lambda: lb1.vrrp()["trackers"][0]["state"], "up" if is_open else "down", 5)
    gate(folder, False)
    wait_until(lambda: sum(1 + int(run[5]) for run in slow.runs if run[0] == "tracker_state") >= 26, 5, "all are accounted for")
    assert slow.states("public/gate")[-1] == "down"
    slow.assert_one_at_a_time("public/gate")
    slow.assert_a_chain("public/gate", "tracker_state")
    assert len([run for run in slow.runs if run[0] == "tracker_state"]) < 20
    assert lb1.status()["notify"]["coalesced"] >= 6


def test_one_that_hangs_is_killed_with_all_it_started_and_then_told_the_latest(lb1, script, folder):
    one = script().tells(f"test -e {folder}/out/hang || {{ touch {folder}/out/hang; sleep 1001 & setsid -f true; sleep 1002; }}")
    start(lb1, folder, own=f"{{script: {one.path}, timeout: 700ms}}")
    wait_until(lambda: processes_of("1001") and processes_of("1002"), 5, "it hangs")
    gate(folder, False)
    one.wait_state("public/gate", "down")
    wait_until(lambda: not processes_of("1001") and not processes_of("1002"), 5, "all of it is gone")
    wait_until(lambda: "not done within 700ms, killed" in lb1.log, 5, "the log says so")
    assert lb1.status()["notify"]["failed"] >= 1
    assert "not done within 700ms" in lb1.status()["notify"]["failure"]["text"]
    assert lb1.vrrp()["state"] == "MASTER"


def test_what_a_script_leaves_behind_in_its_group_ends_with_it(lb1, script, folder):
    one = script().tells("sleep 1003 &")
    start(lb1, folder, own=one.path)
    one.wait_state("public", "MASTER")
    wait_until(lambda: not processes_of("1003"), 5, "the child is gone")


@pytest.mark.parametrize("fault,says", [
    ("missing", "not started: "),
    ("mode", "not started: "),
    ("writable", "not started: "),
    ("exit", "exit 3"),
])
def test_a_script_that_cannot_be_run_or_fails_is_told_and_harms_nobody(lb1, script, folder, fault, says):
    bad, good = script("bad").write("exit 3\n"), script("good").tells()
    if fault == "missing":
        os.unlink(bad.path)
    elif fault == "mode":
        os.chmod(bad.path, 0o644)
    elif fault == "writable":
        os.chmod(bad.path, 0o777)
    start(lb1, folder, own=f"{bad.path}, {good.path}")
    good.wait_state("public", "MASTER")
    wait_until(lambda: f"notify {bad.path} (vrrp_state of public: MASTER): {says}" in lb1.log, 5, "the log says so")
    notify = lb1.status()["notify"]
    assert notify["scripts"] == 2 and notify["failed"] >= 1 and says in notify["failure"]["text"]


def test_check_warns_of_a_script_that_cannot_run_here(lb1, script, folder):
    writable, missing, good = script("writable").write(""), script("missing"), script("good").write("")
    os.chmod(writable.path, 0o777)
    lb1.configure(CONFIG.format(all=f"{writable.path}, {missing.path}", own=good.path, folder=folder))
    code, text = lb1.host.status_of(program("lbhad"), "--check", "-f", lb1.config_file)
    assert code == 0 and text.count("notify: the script cannot run on this machine: ") == 2
    assert "/writable: can be written by everybody" in text and "/missing: " in text


def test_failures_that_repeat_are_logged_a_few_times(lb1, script, folder):
    bad = script().write("exit 3\n")
    start(lb1, folder, own=bad.path)
    for _ in range(10):
        for is_open in (False, True):
            gate(folder, is_open)
            wait_for(lambda: lb1.vrrp()["trackers"][0]["state"], "up" if is_open else "down", 5)
    wait_until(lambda: lb1.status()["notify"]["failed"] >= 12, 5, "they are counted")
    assert lb1.log.count("exit 3") <= 7


def test_hostile_words_break_neither_variables_nor_json(lb1, script, folder):
    one = script().write(f"""test "$LBHA_EVENT" = override || exit 0
env -0 >{folder}/out/env; cat >{folder}/out/json.new; mv {folder}/out/json.new {folder}/out/json
""")
    start(lb1, folder, own=one.path)
    hostile = "\"}}\nLD_PRELOAD=/x\n\\u0000 $(reboot) ${IFS} `x` '; \t\x1b[31m ü €"
    lb1.ctl("priority", "public", "120", "--comment", hostile)
    wait_until(lambda: os.path.exists(folder + "/out/json"), 5, "it was told")
    with open(folder + "/out/json", encoding="utf-8") as file:
        text = file.read()
    assert text.count("\n") == 1 and "$(reboot)" in json.loads(text)["reason"] and "\x1b" not in text
    with open(folder + "/out/env", "rb") as file:
        env = dict(part.split(b"=", 1) for part in file.read().split(b"\0") if part)
    assert b"LD_PRELOAD" not in env and b"$(reboot)" in env[b"LBHA_REASON"] and b"\n" not in env[b"LBHA_REASON"]


# ---- whoever dies meanwhile ----

def test_nothing_is_lost_or_told_twice_when_control_is_killed_in_the_midst(lb1, script, folder):
    one = script().tells("sleep 0.2")
    start(lb1, folder, own=one.path)
    one.wait_state("public/gate", "up")
    one.wait_state("public", "MASTER")
    before = len(one.runs)
    for is_open in False, True, False:
        lb1.kill_worker("control")
        gate(folder, is_open)
        one.wait_state("public/gate", "up" if is_open else "down", 10)
    one.assert_one_at_a_time("public/gate")
    one.assert_a_chain("public/gate", "tracker_state")
    lb1.wait_role("MASTER")
    assert one.states("public").count("MASTER") == 1, "what did not change is not told again"
    assert len(one.runs) <= before + 6, one.runs


def test_a_reload_loses_nothing_and_a_new_script_is_told_how_all_is(lb1, script, folder):
    slow, late = script("slow").tells("sleep 0.3"), script("late").tells()
    start(lb1, folder, own=slow.path)
    slow.wait_state("public/gate", "up")
    gate(folder, False)
    wait_for(lambda: lb1.vrrp()["trackers"][0]["state"], "down", 5)
    configure(lb1, folder, own=f"{slow.path}, {late.path}")
    slow.wait_state("public/gate", "down")
    late.wait_state("public/gate", "down")
    late.wait_state("public", "MASTER")
    assert [run[4] for run in late.runs] == ["-"] * len(late.runs), "it had been told nothing"
    assert slow.states("public").count("MASTER") == 1
    configure(lb1, folder, own=slow.path)
    gate(folder, True)
    slow.wait_state("public/gate", "up")
    assert late.states("public/gate") == ["down"]


def test_an_upgrade_tells_only_what_has_changed_and_a_restart_how_all_is(lb1, script, folder):
    one = script().tells()
    lb1.install()
    start(lb1, folder, own=one.path)
    one.wait_state("public/gate", "up")
    one.wait_state("public", "MASTER")
    assert lb1.ctl_status("upgrade")[0] == 0
    gate(folder, False)
    one.wait_state("public/gate", "down")
    assert one.states("public").count("MASTER") == 1
    one.assert_a_chain("public/gate", "tracker_state")
    before = len(one.runs)
    assert lb1.detach() == 0
    lb1.start()
    wait_until(lambda: one.states("public").count("MASTER") == 2, 5, "a daemon that starts tells how all is")
    assert [run for run in one.runs[before:] if run[0] == "vrrp_state"][0][4] == "-"


def test_an_upgrade_that_is_given_back_loses_no_state_that_waits(lb1, script, folder):
    hold = folder + "/out/hold"
    one = script().tells(f"test ! -e {hold} || {{ while test -e {hold}; do sleep 0.05; done; sleep 1; }}")
    lb1.install()
    start(lb1, folder, own=one.path)
    one.wait_state("public/gate", "up")
    one.wait_state("public", "MASTER")
    open(hold, "w").close()
    gate(folder, False)
    wait_until(lambda: one.lines.count("begin public/gate") == 2, 5, "the script runs")
    gate(folder, True)
    wait_until(lambda: lb1.status()["notify"]["waiting"] == 1, 5, "a state waits")
    lb1.install(checkd="/bin/false")
    upgrade = lb1.ctl_in_background("upgrade")
    wait_until(lambda: "upgrade from build" in lb1.log, 5, "it begins")
    os.unlink(hold)  # by the end of this run the installed lbhad has been asked, and no other is started
    assert "everything is as before" in upgrade.communicate(timeout=30)[0]
    one.wait_state("public/gate", "up")
    one.assert_a_chain("public/gate", "tracker_state")
    assert one.states("public").count("MASTER") == 1, "what was told is not told again"


def test_a_stop_is_told_and_waited_for(lb1, script, folder):
    one = script().tells("sleep 0.5")
    start(lb1, folder, own=one.path)
    one.wait_state("public", "MASTER")
    began = time.monotonic()
    assert lb1.stop() == 0
    assert one.states("public")[-1] == "INIT" and time.monotonic() - began < 6


@pytest.mark.parametrize("state", ["BACKUP", "FAULT"])
def test_the_stop_of_one_that_is_no_master_is_told(lb1, script, folder, state):
    one = script().tells()
    if state == "FAULT":
        lb1.host.run("ip", "link", "set", "eth0", "down")
    lb1.configure(CONFIG.format(all="", own=one.path, folder=folder).replace("advert_interval: 100ms", "advert_interval: 30s"))
    lb1.start()
    one.wait_state("public", state)
    assert lb1.stop() == 0
    assert one.states("public") == [state, "INIT"]
    one.assert_a_chain("public")


def test_a_stop_of_many_instances_is_told_for_each(lb1, script, folder):
    one = script().write(f"echo $LBHA_OBJECT $LBHA_NEW >>{folder}/out/notify.log\n")
    many = "".join(f"""
  - name: i{number}
    interface: eth0
    virtual_router_id: {number}
    advert_interval: 30s
    carrier_settle: 0s
    virtual_addresses: 10.9.0.{number}/32""" for number in range(1, 201))
    lb1.configure(f"directors:\n  lb1: {{address: 192.168.8.10}}\nglobal: {{notify: {one.path}}}\nvrrp:{many}\n")
    lb1.start()
    wait_until(lambda: sum(line.endswith(" BACKUP") for line in one.lines) == 200, 10, "all are BACKUP")
    assert lb1.stop() == 0
    assert sorted(line for line in one.lines if line.endswith(" INIT")) == sorted(f"i{number} INIT" for number in range(1, 201))


def process_of(one):
    return wait_for(lambda: processes_of(one.path), lambda pids: len(pids) == 1, 5, "the script runs")[0]


def signalled(one):
    """A service manager's signal reaches the script, too."""
    os.kill(process_of(one), signal.SIGTERM)


def test_a_signal_that_may_be_meant_for_lbhad_is_no_failure_the_first_time(lb1, script, folder):
    one = script().tells(f"test $LBHA_OBJECT = public || exit 0; while test -e {folder}/out/hold; do sleep 0.05; done")
    start(lb1, folder, own=one.path)
    one.wait_state("public", "MASTER")
    begun = one.lines.count("begin public")
    open(folder + "/out/hold", "w").close()
    lb1.host.run("ip", "link", "set", "eth0", "down")
    for run in 1, 2:
        wait_until(lambda run=run: one.lines.count("begin public") == begun + run, 5, "it runs")
        assert lb1.status()["notify"]["failed"] == 0
        signalled(one)
    wait_until(lambda: lb1.status()["notify"]["failed"] == 1, 5, "the second time it is")
    assert "FAULT): killed by signal 15" in lb1.log and not processes_of(one.path)
    os.unlink(folder + "/out/hold")
    lb1.host.run("ip", "link", "set", "eth0", "up")
    wait_until(lambda: one.states("public").count("MASTER") == 2, 5, "the next state is told")


def test_a_signal_of_a_stop_does_not_keep_a_script_from_being_told(lb1, script, folder):
    one = script().tells(f"test $LBHA_NEW != INIT || while test -e {folder}/out/hold; do sleep 0.05; done")
    open(folder + "/out/hold", "w").close()
    start(lb1, folder, own=one.path)
    one.wait_state("public/gate", "up")
    one.wait_state("public", "MASTER")
    lb1.process.send_signal(signal.SIGTERM)
    signalled(one)
    os.unlink(folder + "/out/hold")
    wait_until(lambda: not lb1.is_running, 10, "lb1 ends")
    assert one.states("public")[-1] == "INIT"
    assert "killed by signal" not in lb1.log
    one.assert_a_chain("public")


def test_a_signal_of_a_restart_leaves_the_rest_to_the_next_daemon(lb1, script, folder):
    one = script().tells(f"test $LBHA_NEW != down || while test -e {folder}/out/hold; do sleep 0.05; done")
    open(folder + "/out/hold", "w").close()
    start(lb1, folder, own=one.path)
    one.wait_state("public/gate", "up")
    one.wait_state("public", "MASTER")
    gate(folder, False)
    wait_until(lambda: one.lines.count("begin public/gate") == 2, 5, "it runs")
    pid = process_of(one)
    lb1.process.send_signal(signal.SIGQUIT)
    with contextlib.suppress(ProcessLookupError):  # its end may come first
        os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: not lb1.is_running, 10, "lb1 ends")
    assert "detached: " in lb1.log and "killed by signal" not in lb1.log
    assert one.lines.count("begin public/gate") == 2
    os.unlink(folder + "/out/hold")
    lb1.start()
    one.wait_state("public/gate", "down")


def test_a_script_that_hangs_does_not_hold_a_stop_for_long(lb1, script, folder):
    one = script().write("sleep 1004\n")
    start(lb1, folder, own=f"{{script: {one.path}, timeout: 1h}}")
    wait_until(lambda: processes_of("1004"), 5, "it runs")
    assert lb1.stop(15) == 0
    wait_until(lambda: not processes_of("1004"), 5, "it is gone")
