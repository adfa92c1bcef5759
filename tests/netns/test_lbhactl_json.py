"""Every command with --json prints JSON, whatever comes of it, and ends with the status that its manual page says."""
import json
import subprocess

import pytest

from lbhatest.director import program
from lbhatest.lab import Lab
from test_lbhactl import CONFIG, VIP
from test_lbhactl_alone import commands

DONE, FAILED, USAGE, NO_DAEMON, DEGRADED = range(5)
LINES = {"events"}  # an object on each line

# what is right and what is wrong for each command; this kernel has no IPVS, so there are no services
RIGHT = {
    "status": [()], "vrrp": [(), ("public",)], "services": [()], "events": [(), ("--since", "0")], "config": [()], "plan": [(), ("FILE",)],
    "reload": [()], "priority": [("public", "120"), ("public", "auto", "--comment", "back")], "maintenance": [("off",)],
    "overrides": [()], "overrides load": [("OVERRIDES",)], "top": [()], "connections": [()], "export ipvsadm": [()], "zero": [()], "ping": [()],
    "log": [("debug",), ("auto",)],
}
WRONG = {
    "vrrp": [("pubic",)], "services": [("web",)], "plan": [("/nonexistent",)], "release": [("nobody",)], "claim": [("nobody",)],
    "priority": [("nobody", "7")], "drain": [("web", "a")], "disable": [("--all", "a")], "enable": [("web", "a")], "weight": [("web", "a", "7")],
    "check": [("web", "a")], "overrides load": [("/nonexistent",)], "connections": [("web",)], "zero": [("web",)],
}
ELSEWHERE = {"stop", "upgrade", "release", "claim", "drain", "disable", "enable", "weight", "check"}  # done in other tests


@pytest.fixture(scope="module")
def master():
    with Lab() as lab:
        director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG % VIP)
        director.start()
        director.wait_role("MASTER")
        yield director


def run(director, *words, socket=None):
    host = director.host
    process = host.start(program("lbhactl"), "--socket", socket or director.socket, "--json", *words, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, errors="replace")
    out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def parsed(command, out):
    if command in LINES and not out.startswith('{"result"'):
        return [json.loads(line) for line in out.splitlines()]
    return json.loads(out)


def filled(director, words):
    path = director.host.log_file("overrides.json")
    with open(path, "w") as file:
        file.write('[{"object":"public","kind":"priority","value":"130"}]')
    return [{"FILE": director.config_file, "OVERRIDES": path}.get(word, word) for word in words]


@pytest.mark.parametrize("command, words", [(command, words) for command, rows in RIGHT.items() for words in rows])
def test_what_is_right_is_json_and_0(master, command, words):
    code, out, said = run(master, *command.split(), *filled(master, words))
    assert code == DONE, (code, out, said)
    parsed(command, out)
    assert said == "" or said.startswith("lbhactl: warning: ")


@pytest.mark.parametrize("command, words", [(command, words) for command, rows in WRONG.items() for words in rows])
def test_what_is_wrong_is_json_with_the_error_and_1(master, command, words):
    code, out, said = run(master, *command.split(), *words)
    assert code == FAILED, (code, out, said)
    told = parsed(command, out)
    assert told["result"] in ("failed", "refused") and told["error"] in said


@pytest.mark.parametrize("command", sorted(set(RIGHT) | set(WRONG)))
def test_nobody_there_is_json_and_3(master, command):
    words = filled(master, (RIGHT.get(command) or WRONG[command])[-1])
    code, out, said = run(master, *command.split(), *words, socket="/nonexistent")
    assert code == NO_DAEMON, (code, out, said)
    assert parsed(command, out) == {"result": "failed", "error": said[len("lbhactl: "):-1]}


@pytest.mark.parametrize("command", sorted(set(RIGHT) | set(WRONG)))
def test_too_many_words_are_json_and_2(master, command):
    code, out, said = run(master, *command.split(), "a", "b", "c", "d")
    assert code == USAGE and json.loads(out)["result"] == "failed" and said.startswith("lbhactl: ")


@pytest.mark.parametrize("words", [("x\udcff",), ("import", "keepalived", "/x\udcff"), ("doctor", "-f", "/x\udcff"), ("plan", "/x\udcff"),
                                   ("drain", "x\udcff", "a")])
def test_words_that_are_no_utf8_are_told_as_json_all_the_same(master, words):
    code, out, said = run(master, *words)
    assert code in (FAILED, USAGE) and said.startswith("lbhactl: "), (code, out, said)
    told = json.loads(out)
    assert told["result"] == "failed" and told["error"]


def test_every_command_stands_here_or_in_tests_of_its_own():
    alone = {"doctor", "schema"} | {one for one in commands() if one.startswith(("import", "export"))}
    assert set(commands()) - alone <= set(RIGHT) | set(WRONG) | ELSEWHERE


def test_a_director_that_is_not_well_is_json_and_4(lab):
    director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG % VIP)
    director.start()
    director.wait_role("MASTER")
    director.host.unplug()
    director.wait_role("FAULT")
    code, out, _ = run(director, "status")
    assert code == DEGRADED and json.loads(out)["vrrp"][0]["state"] == "FAULT"


def test_stop_is_json_and_0_when_the_daemon_is_gone(lab):
    director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG % VIP)
    director.start()
    code, out, _ = run(director, "upgrade")
    assert code == DONE and json.loads(out)["result"] == "done"
    code, out, _ = run(director, "stop")
    assert (code, json.loads(out)) == (DONE, {"result": "stopped"})
