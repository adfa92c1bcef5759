"""lbhactl without lbhad: usage, nobody there, and whatever else may sit on the socket."""
import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading

import pytest

from lbhatest import wait_until
from lbhatest.director import program

DONE, FAILED, USAGE, NO_DAEMON, DEGRADED = range(5)

HEALTHY = {"cluster": "shop", "node": "lb1", "version": "1.2.3", "generation": 1, "started": "2026-01-02T03:04:05.000Z",
           "ready": True, "maintenance": False, "workers": [{"name": "vrrp", "pid": 1, "restarts": 0, "state": "running"}],
           "reload": {"time": None, "result": "none", "errors": []}, "sync_groups": [], "overrides": [],
           "vrrp": [{"name": "public", "state": "MASTER", "reason": "", "since": "2026-01-02T03:04:05.000Z"},
                    {"name": "inside", "state": "BACKUP", "reason": "", "since": "2026-01-02T03:04:05.000Z"}],
           "services": [], "ipvs": {"available": False, "error": None}}


def lbhactl(*words, env=None, timeout=60):
    return subprocess.run([program("lbhactl"), *words], capture_output=True, text=True, timeout=timeout,
                          env=dict(os.environ, **(env or {})), check=False)


def usage_error(*words):
    done = lbhactl(*words)
    assert done.returncode == USAGE, done
    if "--json" in words:
        told = json.loads(done.stdout)
        assert done.stderr == f"lbhactl: {told['error']}\n" and told["result"] == "failed"
    else:
        assert done.stdout == ""
    return done.stderr


def answer(result):
    return (json.dumps({"ok": True, "result": result}) + "\n").encode()


class FakeDaemon:
    """Takes connections and says the same to everybody, after the line of the client (or without waiting for it). A list is said
    one by one."""

    def __init__(self, path, reply, waits=True):
        self.path, self.reply, self.waits = str(path), reply, waits
        self.heard = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                if self.waits:
                    self.heard.append(client.makefile("rb").readline())
                if self.reply is None:
                    client.recv(1)  # until the client gives up
                else:
                    client.sendall(self.reply.pop(0) if isinstance(self.reply, list) else self.reply)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def fake(tmp_path):
    made = []

    def start(reply, **options):
        daemon = FakeDaemon(tmp_path / "socket", reply, **options)
        made.append(daemon)
        return daemon

    yield start
    for daemon in made:
        daemon.close()


# --- usage ---

def test_no_command_is_a_usage_error():
    assert "no command given" in usage_error()


def test_an_unknown_command_gets_a_suggestion():
    assert usage_error("statsu") == 'lbhactl: unknown command "statsu"; did you mean "status"?\n'
    assert usage_error("exprot", "ipvsadm") == 'lbhactl: unknown command "exprot"; did you mean "export"?\n'
    assert "did you mean" not in usage_error("frobnicate")


def test_a_command_of_several_words_names_those_that_there_are():
    assert usage_error("export").startswith("lbhactl: usage: lbhactl export ipvsadm")
    assert usage_error("export", "everything") == usage_error("export")


def test_the_schema_needs_no_daemon():
    for words in (["schema"], ["schema", "--json"]):
        done = lbhactl(*words)
        assert done.returncode == DONE and json.loads(done.stdout)["$schema"].endswith("draft-07/schema#"), done
    assert "schema takes no argument" in usage_error("schema", "x")


def test_too_many_arguments_are_a_usage_error():
    assert "status takes no argument" in usage_error("status", "web")
    assert "usage: lbhactl vrrp [INSTANCE]" in usage_error("vrrp", "a", "b")


def test_orders_say_of_what_and_overrides_what():
    for command in "release", "claim":
        assert f"{command} takes the name of an instance, or --all" in usage_error(command)
        assert f"{command} takes the name of an instance, or --all" in usage_error(command, "public", "--all")
        assert f"usage: lbhactl {command} INSTANCE|--all" in usage_error(command, "public", "inside")
    assert "usage: lbhactl priority INSTANCE N|auto" in usage_error("priority", "public")
    assert "usage: lbhactl maintenance on|off" in usage_error("maintenance")
    for command in "drain", "disable", "enable":
        assert f"{command} takes a service and a server, or --all and a server" in usage_error(command, "web")
        assert f"{command} takes a service and a server" in usage_error(command, "web", "a", "--all")
        assert f"usage: lbhactl {command} SERVICE|--all SERVER" in usage_error(command)
    assert "usage: lbhactl weight SERVICE SERVER N|auto" in usage_error("weight", "web", "a")
    assert "weight has no --all" in usage_error("weight", "--all", "web", "a", "5")
    for words in ("overrides", "store", "file"), ("overrides", "load"):
        assert usage_error(*words) == ("lbhactl: usage: lbhactl overrides\n"
                                       "                lbhactl overrides load FILE\n")


@pytest.mark.parametrize("value", ["0", "255", "12x", "-1", ""])
def test_a_value_that_is_no_priority_is_a_usage_error(value):
    assert "a priority is a number from 1 to 254, or auto" in usage_error("priority", "public", "--", value)


@pytest.mark.parametrize("value", ["65536", "12x", "-1", "", "01"])
def test_a_value_that_is_no_weight_is_a_usage_error(value):
    assert "a weight is a number from 0 to 65535, or auto" in usage_error("weight", "web", "a", "--", value)


def test_maintenance_is_on_or_off():
    assert "maintenance is on or off" in usage_error("maintenance", "maybe")


def test_options_of_other_commands_are_a_usage_error():
    assert "status has no --all" in usage_error("status", "--all")
    assert "release has no --comment" in usage_error("release", "public", "--comment", "why")
    assert "claim has no --timeout" in usage_error("claim", "--timeout", "5m", "public")
    for wrong in "5", "0s", "-5m", "soon", "100us":
        assert f'"{wrong}" is no time' in usage_error("maintenance", "on", "--timeout", wrong)
    assert "--timeout 9999d is more than ten years" in usage_error("maintenance", "on", "--timeout", "9999d")
    assert "at most 255 bytes, not 256" in usage_error("maintenance", "on", "--comment", "x" * 256)


def test_an_order_that_fails_is_exit_1_with_a_line_for_each(fake):
    reply = {"ok": False, "error": "not released", "lines": ["not told: lb2"],
             "objects": [{"name": "public", "done": True, "text": "released"},
                         {"name": "inside", "done": False, "text": "nobody took \x1bover"}]}
    daemon = fake((json.dumps(reply) + "\n").encode())
    done = lbhactl("--socket", daemon.path, "release", "--all")
    assert (done.returncode, done.stdout) == (FAILED, "public: released\ninside: nobody took ?over\n")
    assert done.stderr == "lbhactl: warning: not told: lb2\nlbhactl: not released\n"
    assert json.loads(daemon.heard[0]) == {"request": "release", "all": True}
    done = lbhactl("--socket", daemon.path, "--json", "claim", "inside")
    assert done.returncode == FAILED
    assert json.loads(done.stdout) == {"result": "failed", "error": "not released", "warnings": ["not told: lb2"],
                                       "objects": reply["objects"]}
    assert json.loads(daemon.heard[1]) == {"request": "claim", "instance": "inside"}


def test_a_comment_and_a_timeout_travel_with_an_override(fake):
    daemon = fake(answer({"lines": [], "objects": []}))
    done = lbhactl("--socket", daemon.path, "priority", "public", "120", "--comment", "why not", "--timeout", "1m30s")
    assert done.returncode == DONE
    assert json.loads(daemon.heard[0]) == {"request": "priority", "instance": "public", "value": "120",
                                           "comment": "why not", "timeout": 90.0}


def test_a_wrong_file_of_overrides_asks_for_nothing(fake, tmp_path):
    daemon = fake(answer({"lines": [], "objects": []}))
    path = tmp_path / "overrides.json"
    path.write_text('[{"object":"public","kind":"priority","value":"120"},{"object":"public","kind":"colour","value":"1"}]')
    done = lbhactl("--socket", daemon.path, "overrides", "load", str(path))
    assert done.returncode == FAILED and 'override 2: "colour" is no kind of override' in done.stderr
    assert daemon.heard == []
    path.write_text('[{"object":"public","kind":"priority","value":"120"},{"object":"inside","kind":"priority","value":"9"}]')
    assert lbhactl("--socket", daemon.path, "overrides", "load", str(path)).returncode == DONE
    assert json.loads(daemon.heard[0]) == {"request": "load", "overrides": [
        {"object": "public", "kind": "priority", "value": "120"}, {"object": "inside", "kind": "priority", "value": "9"}]}


# --- drain ---

class Talk(FakeDaemon):
    """Takes one connection and says one thing to each line, the last one again and again."""

    def serve(self):
        replies = list(self.reply)
        with contextlib.suppress(OSError):
            client, _ = self.listener.accept()
            with client:
                for line in client.makefile("rb"):
                    self.heard.append(line)
                    client.sendall(answer(replies.pop(0) if len(replies) > 1 else replies[0]))


@pytest.fixture
def talk(tmp_path):
    made = []

    def start(*replies):
        made.append(Talk(tmp_path / "socket", replies))
        return made[-1]

    yield start
    for daemon in made:
        daemon.close()


def drained(admin, active, deadline="2100-01-01T00:00:00.000Z"):
    override = {"object": "web/a", "kind": "state", "value": "drained", "deadline": deadline}
    return [{"name": "web", "real_servers": [
        {"name": "b", "admin": "enabled", "overrides": []},
        {"name": "a", "admin": admin, "overrides": [override],
         "connections": {"active": active, "inactive": 1, "persistent": 0}}]}]


TOLD = {"lines": [], "objects": [{"name": "web/a", "done": True, "text": "drained"}]}


def test_drain_waits_and_shows_what_is_left_until_the_server_is_out(talk):
    daemon = talk(TOLD, [], drained("enabled", 3), drained("drained", 2), drained("disabled", 0))
    done = lbhactl("--socket", daemon.path, "drain", "web", "a", "--timeout", "10m")
    assert (done.returncode, done.stderr) == (DONE, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "web/a: drained"
    assert lines[1].startswith("web/a: 3 active, 1 inactive, 0 persistent; ") and lines[1].endswith(" left")
    assert lines[2].startswith("web/a: 2 active, 1 inactive, 0 persistent; ")
    assert lines[3:] == ["web/a: out of the table, no connection is left"]
    assert json.loads(daemon.heard[0]) == {"request": "drain", "service": "web", "server": "a", "timeout": 600.0}
    assert json.loads(daemon.heard[1]) == {"request": "services", "service": "web"}


def test_drain_says_how_many_were_cut(talk):
    daemon = talk(TOLD, drained("drained", 2, "2020-01-01T00:00:00.000Z"), drained("disabled", 0, "2020-01-01T00:00:00.000Z"))
    done = lbhactl("--socket", daemon.path, "drain", "--all", "a", "--timeout", "1s")
    assert done.returncode == DONE
    assert done.stdout.splitlines()[-1] == "web/a: out of the table, its time is over; 3 connections were left"
    assert json.loads(daemon.heard[0]) == {"request": "drain", "all": True, "server": "a", "timeout": 1.0}


def test_one_connection_is_one(talk):
    daemon = talk(TOLD, drained("drained", 0, "2020-01-01T00:00:00.000Z"), drained("disabled", 0, "2020-01-01T00:00:00.000Z"))
    done = lbhactl("--socket", daemon.path, "drain", "--all", "a", "--timeout", "1s")
    assert done.stdout.splitlines()[-1] == "web/a: out of the table, its time is over; 1 connection was left"


def test_drain_without_a_timeout_and_with_json_prints_the_outcome_alone(talk):
    daemon = talk(TOLD)
    assert lbhactl("--socket", daemon.path, "drain", "web", "a").stdout == "web/a: drained\n"
    assert len(daemon.heard) == 1


def test_drain_with_json_is_json_when_it_is_over(talk):
    daemon = talk(TOLD, drained("drained", 2), drained("disabled", 0))
    done = lbhactl("--socket", daemon.path, "--json", "drain", "web", "a", "--timeout", "5m")
    assert json.loads(done.stdout) == {"result": "done", "objects": TOLD["objects"], "warnings": []}
    assert len(daemon.heard) == 3


def test_a_drain_that_somebody_takes_back_is_not_waited_for(talk):
    daemon = talk(TOLD, drained("drained", 2), [])
    done = lbhactl("--socket", daemon.path, "drain", "web", "a", "--timeout", "5m")
    assert done.returncode == FAILED
    assert done.stderr == "lbhactl: web/a is not being drained any more\n"


def test_an_interrupt_leaves_the_drain_going(talk):
    daemon = talk(TOLD, drained("drained", 2))
    process = subprocess.Popen([program("lbhactl"), "--socket", daemon.path, "drain", "web", "a", "--timeout", "5m"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(daemon.heard) > 2, what="it looks at the connections")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert said == "lbhactl: the drain goes on; `lbhactl overrides` shows it\n"


def test_unknown_options_are_a_usage_error():
    assert usage_error("--jsno", "status") == "lbhactl: there is no option --jsno; did you mean --json?\n"
    assert usage_error("--frobnicate") == "lbhactl: there is no option --frobnicate; `lbhactl --help` lists them\n"
    assert "--color is auto, always or never" in usage_error("--color", "blue", "status")
    assert usage_error("--socket") == "lbhactl: --socket needs a value\n"
    assert usage_error("status", "-x").startswith("lbhactl: there is no option -x;")
    assert usage_error("status", "--json=1") == "lbhactl: --json=1: this option takes no value\n"


@pytest.mark.parametrize("words", [("weight", "web", "a", "-1"), ("priority", "public", "-20", "--comment", "x"),
                                   ("--json", "events", "-7")])
def test_a_negative_number_is_told_as_what_it_is(words):
    number = next(word for word in words if word[1:].isdigit())
    assert usage_error(*words) == f"lbhactl: {number}: no command takes a negative number\n"


def test_help_and_version_need_no_daemon():
    done = lbhactl("--help")
    assert (done.returncode, done.stderr) == (DONE, "")
    for command in "status", "vrrp", "services", "config", "plan", "reload", "stop", "ping":
        assert f"\n  {command} " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert lbhactl("--version").stdout.startswith("lbhactl ")


def commands():
    """All that --help lists, of several words too."""
    listed = lbhactl("--help").stdout.split("options of all")[0]
    return re.findall(r"^  ([a-z]+(?: [a-z]+(?![a-z|]))*)(?=  |$| \S*[A-Z|])", listed, re.M)


def test_every_command_has_its_own_help():
    assert {"status", "drain", "overrides load", "export ipvsadm"} <= set(commands())
    for command in commands():
        done = lbhactl(*command.split(), "--help")
        assert (done.returncode, done.stderr) == (DONE, ""), command
        assert f"usage: lbhactl {command}" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80, command
    drain = lbhactl("drain", "--help").stdout
    assert "[--comment TEXT] [--timeout TIME] SERVICE|--all SERVER\n" in drain
    assert "\n  --timeout TIME " in drain and "--since" not in drain
    assert lbhactl("overrides", "--help").stdout.count("usage:") == 2


# --- nobody there ---

@pytest.mark.parametrize("command", ["status", "vrrp", "services", "config", "plan", "reload", "stop", "ping"])
def test_no_daemon_is_exit_3(tmp_path, command):
    done = lbhactl("--socket", str(tmp_path / "none"), command)
    assert done.returncode == NO_DAEMON
    assert "no lbhad is running here" in done.stderr
    told = lbhactl("--socket", str(tmp_path / "none"), command, "--json")
    assert (told.returncode, told.stderr) == (NO_DAEMON, done.stderr)
    assert json.loads(told.stdout) == {"result": "failed", "error": done.stderr[len("lbhactl: "):-1]}


def test_a_socket_that_a_dead_daemon_left_is_exit_3(tmp_path):
    path = str(tmp_path / "socket")
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
    assert lbhactl("--socket", path, "ping").returncode == NO_DAEMON


def test_a_path_too_long_for_a_socket_is_an_error():
    done = lbhactl("--socket", "/tmp/" + "x" * 200, "ping")
    assert done.returncode == FAILED
    assert "File name too long" in done.stderr


def test_plan_names_the_file_that_cannot_be_read(tmp_path):
    done = lbhactl("--socket", str(tmp_path / "none"), "plan", "/nonexistent/lbha.conf")
    assert done.returncode == FAILED
    assert "cannot read /nonexistent/lbha.conf: No such file" in done.stderr


# --- somebody else there ---

@pytest.mark.parametrize("reply", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"{}\n", b"[]\n", b'{"ok":1}\n', b"\x00\xff\n",
                                   b"\n", b"[" * 5000 + b"\n"])
def test_an_answer_of_another_protocol_is_an_error(fake, reply):
    daemon = fake(reply)
    done = lbhactl("--socket", daemon.path, "status")
    assert done.returncode == FAILED
    assert "does not speak lbha's control protocol" in done.stderr


def test_a_daemon_that_hangs_up_is_an_error(fake):
    done = lbhactl("--socket", fake(b"", waits=False).path, "status")
    assert done.returncode == FAILED
    assert "lbhad hung up" in done.stderr


def test_what_is_broken_off_by_another_configuration_is_asked_for_once_more(fake):
    whole = answer(HEALTHY)
    daemon = fake([whole[:len(whole) // 2], whole])
    done = lbhactl("--socket", daemon.path, "status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (DONE, HEALTHY)
    assert len(daemon.heard) == 2


def test_it_is_asked_for_once_more_and_not_for_ever(fake):
    daemon = fake(answer(HEALTHY)[:-5])
    done = lbhactl("--socket", daemon.path, "status")
    assert done.returncode == FAILED and "lbhad hung up" in done.stderr
    assert len(daemon.heard) == 2


def test_a_command_is_said_once_whatever_becomes_of_its_answer(fake):
    daemon = fake(answer({"lines": []})[:-5])
    done = lbhactl("--socket", daemon.path, "reload")
    assert done.returncode == FAILED and "lbhad hung up" in done.stderr
    assert len(daemon.heard) == 1


def test_a_daemon_that_hangs_is_given_up(fake):
    done = lbhactl("--socket", fake(None).path, "ping")
    assert done.returncode == FAILED
    assert "lbhad gave no answer within 5s" in done.stderr


def test_results_of_nonsense_do_no_harm(fake, tmp_path):
    for number, result in enumerate([7, [], [7, None], {"vrrp": 7, "services": [None]}, "x", None, [{"name": 7}]]):
        daemon = FakeDaemon(tmp_path / f"socket{number}", answer(result))
        for words in ["status"], ["vrrp"], ["services"], ["vrrp", "x"], ["config"], ["ping"], ["plan"], ["reload"]:
            for more in [], ["--json"]:
                done = lbhactl("--socket", daemon.path, *words, *more)
                assert done.returncode in (DONE, FAILED, DEGRADED), (words, done)
        daemon.close()


# --- a daemon ---

def test_the_request_is_one_line_of_json(fake, tmp_path):
    daemon = fake(answer({"lines": []}))
    (tmp_path / "a.conf").write_text("")
    assert lbhactl("--socket", daemon.path, "plan", "a.conf").returncode == FAILED
    assert lbhactl("--socket", daemon.path, "plan", str(tmp_path / "." / "a.conf")).returncode == DONE
    assert [json.loads(line) for line in daemon.heard] == [{"request": "plan", "file": str(tmp_path / "a.conf")}]


def test_a_healthy_status_is_exit_0_and_json_is_the_daemons(fake):
    daemon = fake(answer(HEALTHY))
    done = lbhactl("--socket", daemon.path, "status")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert "lb1 of shop: lbha 1.2.3, generation 1" in done.stdout
    assert json.loads(lbhactl("status", "--json", "--socket", daemon.path).stdout) == HEALTHY


def test_anything_wrong_is_exit_4_in_text_and_json(fake):
    broken = dict(HEALTHY, vrrp=[dict(HEALTHY["vrrp"][0], state="FAULT", reason="eth0 is down")])
    daemon = fake(answer(broken))
    done = lbhactl("--socket", daemon.path, "status")
    assert done.returncode == DEGRADED
    assert "! instance public is in FAULT: eth0 is down" in done.stdout
    assert lbhactl("--socket", daemon.path, "status", "--json").returncode == DEGRADED


def test_an_unknown_name_gets_a_suggestion(fake):
    daemon = fake(answer(HEALTHY["vrrp"]))
    done = lbhactl("--socket", daemon.path, "vrrp", "pubic")
    assert done.returncode == FAILED
    assert done.stderr == 'lbhactl: no instance is called "pubic"; did you mean "public"?\n'
    assert lbhactl("--socket", daemon.path, "vrrp", "public").stdout.startswith("public is MASTER since 2026-01-02")
    alone = json.loads(lbhactl("--socket", daemon.path, "vrrp", "inside", "--json").stdout)
    assert alone == [HEALTHY["vrrp"][1]]


def test_a_refusal_is_exit_1_with_its_reasons(fake):
    refusal = {"ok": False, "error": "the reload was refused; everything is as before", "lines": ["x:1:2: error: no", "2"]}
    daemon = fake((json.dumps(refusal) + "\n").encode())
    done = lbhactl("--socket", daemon.path, "reload")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert done.stderr == "x:1:2: error: no\n2\nlbhactl: the reload was refused; everything is as before\n"
    done = lbhactl("--socket", daemon.path, "reload", "--json")
    assert done.returncode == FAILED
    assert json.loads(done.stdout) == {"result": "refused", "error": refusal["error"], "errors": refusal["lines"]}


def test_texts_of_the_daemon_cannot_steer_the_terminal(fake):
    daemon = fake(answer(dict(HEALTHY, node="\x1b]0;pwned\x07", cluster="\x9b2J")))
    assert not set("\x1b\x07\x9b") & set(lbhactl("--socket", daemon.path, "status").stdout)


def on_terminal(words, **environment):
    """What a program prints on a terminal of its own."""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as screen:
        process = subprocess.Popen(words, stdout=slave, env={"TERM": "xterm", **environment})
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):
            while part := screen.read(4096):
                shown += part
        process.wait(10)
    return shown.decode()


def test_colours_are_for_terminals_that_want_them(fake):
    words = [program("lbhactl"), "--socket", fake(answer(HEALTHY)).path, "status"]
    assert "\x1b[32mMASTER\x1b[0m" in on_terminal(words)
    assert "\x1b" not in on_terminal(words, NO_COLOR="1")
    assert "\x1b" not in on_terminal(words, TERM="dumb")
    assert "\x1b" not in subprocess.run(words, capture_output=True, text=True, check=False).stdout
    assert "\x1b" not in on_terminal([*words, "--color", "never"])
    assert "\x1b[32mMASTER\x1b[0m" in subprocess.run([*words, "--color=always"], capture_output=True, text=True, check=False).stdout


def test_a_full_disk_is_an_error(fake):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program("lbhactl"), "--socket", fake(answer(HEALTHY)).path, "status"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == FAILED
    assert "cannot write: No space left on device" in done.stderr
