"""Scripts as checks: lbha-checkd asks, the supervisor's runner (in checkd-driver) starts and kills."""
import os
import pwd
import shutil
import signal
import tempfile
import time

import pytest

from checkd import Checkd
from lbhatest import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes users")

FAST = "interval=100ms timeout=2s"
AT_ONCE = 32


@pytest.fixture(scope="module")
def user():
    return pwd.getpwnam("lbha-script")


@pytest.fixture
def folder():
    """Below folders that nobody else can write to, as scripts must lie; and one in it where scripts may write."""
    path = tempfile.mkdtemp(prefix="lbha-script-", dir="/srv")
    os.chmod(path, 0o755)
    os.mkdir(path + "/out", 0o777)
    os.chmod(path + "/out", 0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def script(folder):
    def write(text, name="script", mode=0o755, first="#!/bin/sh\n"):
        path = f"{folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(first + text)
        os.chmod(path, mode)
        return path
    return write


def start(checkd, path, options=FAST, target="-"):
    checkd.load(f"check it type=script command={path} {options}", f"probe it {target}")


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def numbers(path):
    """Pids that a script has written."""
    with open(path, encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


# ---- what a run says ----

def test_status_0_passes_with_the_last_line_as_detail(script):
    path = script("echo first\necho all is well\necho\nexit 0\n")
    with Checkd() as checkd:
        start(checkd, path)
        up = checkd.wait_fact(verdict="up")
    assert (up["reason"], up["detail"], up["target"]) == ("passed", "exit 0: all is well", "none")


@pytest.mark.parametrize("text,reason,detail", [
    ("echo on output; echo 'no route' >&2; exit 3", "exit", "exit 3: no route"),
    ("exit 127", "exit", "exit 127"),
    ("echo dying; kill -SEGV $$", "killed", "killed by signal 11: dying"),
    ("printf 'a\\033[31mb\\001\\377'; exit 1", "exit", "exit 1: a?[31mb??"),
])
def test_all_else_fails_and_says_how(script, text, reason, detail):
    with Checkd() as checkd:
        start(checkd, script(text))
        down = checkd.wait_fact(verdict="down")
    assert (down["reason"], down["detail"]) == (reason, detail)


def test_arguments_arrive_as_they_are_without_a_shell(script, folder):
    path = script('for word; do echo "<$word>"; done > ' + folder + "/out/words\n")
    with Checkd() as checkd:
        start(checkd, path + ",$HOME;id,*,>x")
        checkd.wait_fact(verdict="up")
    with open(folder + "/out/words", encoding="utf-8") as file:
        assert file.read().split() == ["<$HOME;id>", "<*>", "<>x>"]


def test_rise_and_fall_count_runs(script, folder):
    path = script(f"test -e {folder}/out/ok\n")
    with Checkd() as checkd:
        start(checkd, path, FAST + " rise=2 fall=3")
        checkd.wait_fact(verdict="down")
        open(folder + "/out/ok", "w").close()
        checkd.wait_fact(verdict="up")
        os.unlink(folder + "/out/ok")
        checkd.wait_next(verdict="down")


# ---- who runs, and with what ----

def test_a_script_runs_as_its_user_with_nothing_else(script, folder, user):
    path = script(f"""exec > {folder}/out/all 2>&1
id -u; id -g; id -G; pwd; umask; ulimit -n
ls -l /proc/self/fd | wc -l
sed -n 's/^\\(CapEff\\|CapPrm\\|CapBnd\\|CapAmb\\|NoNewPrivs\\|SigBlk\\|SigIgn\\):\\s*//p' /proc/self/status
ps -o sid=,pgid= -p $$ | tr -d ' '
echo $$
ps -o cls= -p $$
""")
    listing = script(f"readlink /proc/self/fd/0; ls /proc/self/fd > {folder}/out/fds; env > {folder}/out/env\n", "listing")
    with Checkd() as checkd:
        checkd.load(f"check all type=script command={path} interval=1h", f"check it type=script command={listing} interval=1h",
                    "probe all -", "probe it 192.0.2.7:81")
        checkd.wait_fact(check="all", verdict="up")
        assert checkd.wait_fact(check="it", verdict="up")["detail"] == "exit 0: /dev/null"
    with open(folder + "/out/all", encoding="utf-8") as file:
        words = file.read().split()
    uid, gid = str(user.pw_uid), str(user.pw_gid)
    assert words[:6] == [uid, gid, gid, "/", "0022", "1024"]
    ps_sid = words[-3]
    assert words[-2] and ps_sid == 2 * words[-2], "a session and a group of its own"
    assert words[-1] == "TS", "no real time"
    nothing = "0" * 16
    assert [word for word in words if len(word) == 16] == [nothing] * 6, words
    assert "1" in words[7:], "no_new_privs"
    with open(folder + "/out/fds", encoding="utf-8") as file:
        assert file.read().split() == ["0", "1", "2", "3"], "3 is the folder that ls reads"
    with open(folder + "/out/env", encoding="utf-8") as file:
        told = dict(line.split("=", 1) for line in file.read().splitlines())
    for own in "PWD", "SHLVL", "_", "OLDPWD":
        told.pop(own, None) # the shell's
    assert told == {"LBHA_CHECK": "it", "LBHA_ADDRESS": "192.0.2.7", "LBHA_PORT": "81",
                    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def test_a_script_has_the_usual_chance_when_memory_runs_out(script):
    path = script("cat /proc/self/oom_score_adj\n")
    with Checkd() as checkd:
        with open(f"/proc/{checkd.process.pid}/oom_score_adj", "w", encoding="utf-8") as file:
            file.write("500") # lowering it takes a right that a container may not have
        start(checkd, path)
        assert checkd.wait_fact(verdict="up")["detail"] == "exit 0: 0"


def test_a_check_may_name_another_user(script, folder):
    path = script("id -u\n")
    with Checkd() as checkd:
        checkd.load(f"check root type=script command={path} user=root {FAST}", f"check nobody type=script command={path} user=nobody {FAST}",
                    "probe root -", "probe nobody -")
        assert checkd.wait_fact(check="root", verdict="up")["detail"] == "exit 0: 0"
        assert checkd.wait_fact(check="nobody", verdict="up")["detail"] == f"exit 0: {pwd.getpwnam('nobody').pw_uid}"


# ---- what cannot be started is a failure ----

def refused(path, options=FAST):
    with Checkd() as checkd:
        start(checkd, path, options)
        fact = checkd.ended_first()
        assert fact["reason"] == "not_started" and not fact["passed"], fact
        assert checkd.wait_fact(verdict="down")["reason"] == "not_started"
        assert not checkd.facts(verdict="up")
    return fact["detail"]


def test_a_missing_script_fails(folder):
    assert refused(folder + "/none") == f"not started: {folder}/none: No such file or directory"


def test_a_script_deleted_meanwhile_takes_the_verdict_down(script):
    path = script("exit 0\n")
    with Checkd() as checkd:
        start(checkd, path)
        checkd.wait_fact(verdict="up")
        os.unlink(path)
        assert checkd.wait_fact(verdict="down")["reason"] == "not_started"


def test_a_file_that_may_not_be_executed_fails(script):
    path = script("exit 0\n", mode=0o644)
    assert refused(path) == f"not started: {path}: may not be executed by lbha-script"


def test_a_missing_interpreter_fails(script):
    path = script("exit 0\n", first="#!/no/such/interpreter\n")
    assert refused(path) == f"not started: {path}: the interpreter that its first line names is missing"


def test_a_file_that_is_no_program_fails(script):
    path = script("exit 0\n", first="")
    assert "neither a program nor a script" in refused(path)


def test_a_folder_fails(folder):
    assert refused(folder) == f"not started: {folder}: is a folder"


def test_an_unknown_user_fails(script):
    assert refused(script("exit 0\n"), FAST + " user=nobody-at-all") == "not started: there is no user nobody-at-all"


def test_a_script_of_somebody_else_fails(script):
    path = script("exit 0\n")
    os.chown(path, pwd.getpwnam("nobody").pw_uid, 0)
    assert refused(path) == f"not started: {path}: belongs neither to root nor to the user it runs as"


def test_a_script_of_its_user_is_fine(script, user):
    path = script("exit 0\n")
    os.chown(path, user.pw_uid, user.pw_gid)
    with Checkd() as checkd:
        start(checkd, path)
        checkd.wait_fact(verdict="up")


@pytest.mark.parametrize("mode,group,words", [(0o757, 0, "everybody"), (0o775, 65534, "its group")])
def test_a_script_that_others_can_write_fails(script, mode, group, words):
    path = script("exit 0\n")
    os.chown(path, 0, group)
    os.chmod(path, mode)
    assert refused(path) == f"not started: {path}: can be written by {words}"


def test_a_folder_on_the_way_that_others_can_write_fails(script, folder):
    os.mkdir(folder + "/sub")
    os.mkdir(folder + "/sub/inner")
    script("exit 0\n", "sub/inner/script")
    os.chmod(folder + "/sub", 0o1777)
    assert refused(folder + "/sub/inner/script") == f"not started: {folder}/sub: can be written by everybody"


def test_links_are_followed_and_all_folders_on_the_way_are_judged(script, folder):
    os.mkdir(folder + "/bin")
    script("exit 0\n", "bin/real")
    os.symlink("bin/real", folder + "/good")
    os.symlink(folder + "/out/link", folder + "/bad")
    os.symlink("../bin/real", folder + "/out/link")
    os.symlink("round", folder + "/round")
    with Checkd() as checkd:
        checkd.load(*(f"check {name} type=script command={folder}/{name} {FAST}" for name in ("good", "bad", "round")),
                    *(f"probe {name} -" for name in ("good", "bad", "round")))
        checkd.wait_fact(check="good", verdict="up")
        assert checkd.wait_fact(check="bad", verdict="down")["detail"] == \
            f"not started: {folder}/out: can be written by everybody"
        assert checkd.wait_fact(check="round", verdict="down")["detail"] == \
            f"not started: {folder}/round: leads through too many links"


def test_of_a_long_path_the_end_is_shown_and_the_reason_whole(folder):
    said = refused(f"{folder}/{'long' * 30}/none")
    assert said.startswith("not started: ...") and said.endswith("longlong: No such file or directory")



# ---- time ----

def test_a_timeout_kills_the_whole_group_at_once(script, folder):
    path = script(f"""trap '' TERM
echo working
sleep 1000 & echo $! >> {folder}/out/pids
(sleep 1000 & echo $! >> {folder}/out/pids) &
echo $$ >> {folder}/out/pids
sleep 1000
""")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=500ms")
        down = checkd.wait_fact(verdict="down")
        assert (down["reason"], down["detail"]) == ("timeout", "not done within 500ms, killed: working")
        assert 480 < down["latency_ms"] < 1500
        pids = numbers(folder + "/out/pids")
        assert len(pids) == 3
        wait_until(lambda: not any(map(lives, pids)), 2, "the end of all of the group")


def test_what_a_script_leaves_behind_ends_with_it(script, folder):
    path = script(f"sleep 1000 & echo $! > {folder}/out/pids\nexit 0\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=20s")
        up = checkd.wait_fact(verdict="up")
        assert up["latency_ms"] < 5000, "it does not wait for who holds the output"
        wait_until(lambda: not any(map(lives, numbers(folder + "/out/pids"))), 2, "the end of the child")


def test_runs_of_one_check_never_overlap(script, folder):
    path = script(f"mkdir {folder}/out/lock || exit 9\nsleep 0.3\nrmdir {folder}/out/lock\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=10ms timeout=5s")
        wait_until(lambda: len({fact["time"] for fact in checkd.facts(reason="passed")}) >= 2, 10, "some runs")
        assert not checkd.facts(passed=False, reason="exit")


# ---- output ----

def test_more_output_than_allowed_fails_and_ends_the_script(script, folder):
    path = script(f"echo $$ > {folder}/out/pids\nexec yes\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=20s")
        down = checkd.wait_fact(verdict="down")
        assert (down["reason"], down["detail"]) == ("too_large", "more than 64 KiB of output")
        wait_until(lambda: not any(map(lives, numbers(folder + "/out/pids"))), 2, "the end of the script")


def test_a_long_line_is_cut_and_much_output_is_fine(script):
    path = script("i=0; while [ $i -lt 500 ]; do echo 'a line of some length that goes on and on and on'; i=$((i+1)); done\n"
                  "printf 'x%.0s' $(seq 300); exit 1\n")
    with Checkd() as checkd:
        start(checkd, path)
        detail = checkd.wait_fact(verdict="down")["detail"]
    assert detail.startswith("exit 1: xxx") and len(detail) == 119


def test_a_script_that_closes_its_output_is_waited_for(script):
    path = script("exec >&- 2>&-\nsleep 0.3\nexit 5\n")
    with Checkd() as checkd:
        start(checkd, path)
        down = checkd.wait_fact(verdict="down")
    assert down["detail"] == "exit 5" and down["latency_ms"] > 250


# ---- many ----

def test_a_hundred_scripts_at_once_keep_to_the_bound_and_all_pass(script, folder):
    """All start within 100 ms and run for half a second: without waiting in line a hundred would run at once."""
    path = script(f"echo start >> {folder}/out/journal\nsleep 0.5\necho end >> {folder}/out/journal\n")
    names = [f"s{i}" for i in range(100)]
    with Checkd() as checkd:
        checkd.load(*(f"check {name} type=script command={path},{name} interval=100ms timeout=5s fall=1" for name in names),
                    *(f"probe {name} -" for name in names))
        for name in names:
            checkd.wait_fact(check=name, verdict="up", within=30)
        assert not checkd.facts(verdict="down")
        with open(folder + "/out/journal", encoding="utf-8") as file:
            running = most = 0
            for line in file:
                running += 1 if line == "start\n" else -1
                most = max(most, running)
        assert AT_ONCE / 2 < most <= AT_ONCE


def test_no_slot_in_time_is_no_failure(script):
    """33 scripts that hang, one behind them whose turn does not come within its interval: it is not probed, not failed."""
    path, quick = script("sleep 1000\n"), script("exit 0\n", "quick")
    with Checkd() as checkd:
        names = [f"s{i}" for i in range(AT_ONCE)]
        checkd.load(*(f"check {name} type=script command={path},{name} interval=10ms timeout=20s" for name in names),
                    *(f"probe {name} -" for name in names))
        driver = checkd.process.pid
        wait_until(lambda: len(children_of(driver)) == AT_ONCE + 1, 10, "all slots taken")
        checkd.load(*(f"check {name} type=script command={path},{name} interval=10ms timeout=20s" for name in names),
                    f"check last type=script command={quick} interval=200ms timeout=100ms fall=1",
                    *(f"probe {name} -" for name in names), "probe last -")
        fact = wait_until(lambda: checkd.facts(check="last", reason="resources"), 10, "a probe without a slot")[0]
        assert fact["verdict"] == "unknown"
        assert fact["detail"] == "here: as many scripts run already as may at once"
        assert not checkd.facts(check="last", verdict="down")


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return file.read().split()


def test_no_descriptor_and_no_process_is_leaked(script):
    path = script("echo fine\n")
    def open_files(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))
    with Checkd() as checkd:
        start(checkd, path, "interval=10ms timeout=2s")
        wait_until(lambda: len(checkd.facts(reason="passed")) >= 1, 10, "a run")
        worker, driver = checkd.pid, checkd.process.pid
        least = min(open_files(worker) for _ in range(50)), min(open_files(driver) for _ in range(50))
        wait_until(lambda: len(checkd.facts(reason="passed")) >= 4, 10, "a few hundred runs")
        wait_until(lambda: (open_files(worker), open_files(driver)) <= least, 10, "as few open files as before")
        assert not [pid for pid in children_of(driver) if not lives(pid)][1:], "at most one ended just now"


# ---- reload and the end ----

def test_a_reload_keeps_the_run_of_a_check_that_stays(script, folder):
    path = script(f"echo $$ >> {folder}/out/pids\nwhile ! test -e {folder}/out/go; do sleep 0.05; done\necho done\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=20s")
        wait_until(lambda: os.path.exists(folder + "/out/pids"), 5, "the script runs")
        checkd.load("check other type=tcp", f"check it type=script command={path} interval=1h timeout=20s",
                    "probe other 127.0.0.1:1", "probe it -")
        assert lives(numbers(folder + "/out/pids")[0])
        open(folder + "/out/go", "w").close()
        assert checkd.wait_fact(check="it", verdict="up", generation=2)["detail"] == "exit 0: done"
        assert len(numbers(folder + "/out/pids")) == 1


def test_a_reload_without_the_check_kills_its_run(script, folder):
    path = script(f"echo $$ > {folder}/out/pids\nsleep 1000\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=100s")
        wait_until(lambda: os.path.exists(folder + "/out/pids") and numbers(folder + "/out/pids"), 5, "the script runs")
        checkd.load("check other type=tcp", "probe other 127.0.0.1:1")
        wait_until(lambda: not lives(numbers(folder + "/out/pids")[0]), 5, "the end of the script")


def test_reloads_in_a_row_lose_no_run(script):
    path = script("exit 0\n")
    with Checkd() as checkd:
        for i in range(20):
            checkd.load(f"check n{i} type=tcp", f"check it type=script command={path} interval=10ms timeout=5s fall=1",
                        f"probe n{i} 127.0.0.1:{1000 + i}", "probe it -")
        checkd.wait_fact(check="it", verdict="up", generation=20)
        assert not checkd.facts(check="it", verdict="down")
        before = checkd.fact(check="it")["time"]
        wait_until(lambda: checkd.fact(check="it")["time"] > before, 5, "runs go on")


def test_an_order_that_crosses_a_new_generation_waits_for_it(script, folder):
    path = script(f"echo x >> {folder}/out/runs; test -e {folder}/out/ok\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=200ms timeout=5s fall=1")
        checkd.wait_fact(verdict="down")
        checkd.tell("away")
        wait_until(lambda: quiet(folder + "/out/runs", 0.5), 5, "no run while the supervisor is ahead")
        open(folder + "/out/ok", "w").close()
        checkd.load("check n type=tcp", f"check it type=script command={path} interval=200ms timeout=5s fall=1",
                    "probe n 127.0.0.1:1", "probe it -")
        checkd.wait_fact(check="it", verdict="up", generation=2)
        assert not checkd.facts(reason="resources")


def quiet(path, span):
    before = os.path.getsize(path)
    time.sleep(span)
    return os.path.getsize(path) == before


def test_the_release_of_the_check_worker_kills_its_scripts(script, folder):
    path = script(f"echo $$ > {folder}/out/pids\nsleep 1000\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=100s")
        wait_until(lambda: os.path.exists(folder + "/out/pids") and numbers(folder + "/out/pids"), 5, "the script runs")
        pid = numbers(folder + "/out/pids")[0]
        checkd.release()
        wait_until(lambda: not lives(pid), 5, "the end of the script")


def test_a_script_dies_with_a_supervisor_that_is_killed(script, folder):
    path = script(f"echo $$ > {folder}/out/pids\nexec sleep 1000\n")
    with Checkd() as checkd:
        start(checkd, path, "interval=1h timeout=100s")
        wait_until(lambda: os.path.exists(folder + "/out/pids") and numbers(folder + "/out/pids"), 5, "the script runs")
        checkd.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not lives(numbers(folder + "/out/pids")[0]), 5, "the end of the script")
