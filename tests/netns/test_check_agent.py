"""What checks tell of their server beside the verdict, by lbha-checkd under its driver: agents, files, scripts. And agents that
misbehave: what the check says of each, and that the deadline held."""
import json
import os
import resource

import pytest

from lbhatest import wait_until
from lbhatest.rogue import (Server, closes, drips, floods, full_backlog, garbage, half_closes, in_pieces, refusing_port, resets, says,
                            silent, stays)

from checkd import Checkd
from judging import BYTES_IN_TIME, IN_TIME, judged, probed, tells, timer  # noqa: F401
from test_check_local import write
from test_check_script import folder, script  # noqa: F401

def agent(target, **more):
    return dict({"type": "agent", "port": int(target.rsplit(":", 1)[1]), "interval": "400ms", "timeout": "300ms"}, **more)


ROWS = {
    "says a weight": (says(b"75%\n"), "passed", "75%"),
    "says it and stays": (says(b"up 75%\n", stays), "passed", "up 75%"),
    "closes in the place of a line feed": (says(b"drain"), "passed", "drain"),
    "half-closes in the place of a line feed": (says(b"drain", half_closes), "passed", "drain"),
    "says more than a line": (says(b"ready\r\n" + b"x" * 100000), "passed", "ready"),
    "drips its line in time": (drips(b"50%\n", 0.02), "passed", "50%"),
    "says down": (says(b"down # disk is full\n"), "says_down", "down: disk is full"),
    "has blank lines": (says(b"\r\n\r\n \n maint\n"), "passed", "maint"),
    "speaks another protocol": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n", stays), "protocol", '.*"SSH-2.0-OpenSSH_9.2p1" is no word of an agent.*'),
    "accepts and says nothing": (silent, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "drips its line": (drips(b"# " * 100, 0.05), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "closes": (closes, "reset", "connection closed without a reply"),
    "half-closes": (half_closes, "reset", "connection closed without a reply"),
    "resets": (resets, "reset", "connection reset without a reply"),
    "sends a line without end": (floods(b"", b"x" * 65536), "protocol", "no line within 512 bytes"),
    "sends blanks without end": (floods(b"", b" " * 65536), "protocol", "no line within 512 bytes"),
    "sends garbage": (garbage(), "protocol", ".*"),
}


@pytest.mark.parametrize("row", ROWS)
def test_agent_that(row):
    script, reason, detail = ROWS[row]
    with Server(script) as server:
        tells(agent(server.target), server.target, reason, detail)


def test_agents_that_are_not_there():
    target = f"127.0.0.1:{refusing_port()}"
    tells(agent(target), target, "refused", "connect: refused")
    with full_backlog() as target:
        tells(agent(target), target, "connect_timeout", "no connection within 300ms")


LINE = b"up 75%, maxconn:30 # fine\r\n"


@pytest.mark.parametrize("cut", range(1, len(LINE), 4))
def test_a_line_may_come_in_two_segments(cut):
    with Server(in_pieces(LINE, cut)) as server:
        fact = probed(agent(server.target), server.target)
        judged(fact, "passed", "up 75%, maxconn:30: fine")
        assert fact["advice"] == "75%, maxconn 30"


class Lines:
    """A server that says a line to each client: the last one that was set."""

    def __init__(self, line):
        self.line = line

    def __call__(self, connection):
        connection.send(self.line)


def test_what_an_agent_tells_stands_until_it_tells_another_thing():
    line = Lines(b"75% drain\n")
    with Server(line) as server, Checkd() as checkd:
        check = agent(server.target, interval="100ms")
        same = f"check a {json.dumps(check)}"
        other = f"check a {json.dumps(dict(check, rise=2))}"
        checkd.load(same, f"probe a {server.target}")
        checkd.wait_fact(verdict="up", advice="75%, drain")
        line.line = b"maxconn:9\n"
        checkd.wait_fact(advice="75%, drain, maxconn 9")
        line.line = b"down\n"
        checkd.wait_fact(verdict="down", advice="75%, drain, maxconn 9")
        line.line = b"30% ready\n"
        checkd.wait_fact(verdict="down", reason="says_down", advice="30%, ready, maxconn 9")
        line.line = b"up\n"
        checkd.wait_fact(verdict="up", advice="30%, ready, maxconn 9")
        line.line = b"nonsense\n"
        checkd.wait_fact(verdict="down", reason="protocol", advice="30%, ready, maxconn 9")
        # a reload that leaves the check loses nothing, one that changes it all
        checkd.load(same, f"probe a {server.target}", "check other type=file file=/dev/null", "probe other -")
        assert checkd.fact(check="a", generation=2)["advice"] == "30%, ready, maxconn 9"
        checkd.load(other, f"probe a {server.target}")
        assert checkd.fact(check="a", generation=3)["advice"] == ""


def test_a_file_tells_a_weight(folder):  # noqa: F811
    path = folder + "/weight"
    write(path, "30\n")
    with Checkd() as checkd:
        checkd.load(f'check w {{type: file, path: {path}, weight_from_file: true, interval: 100ms}}', "probe w -")
        checkd.wait_fact(verdict="up", advice="30", detail="30")
        write(path, "# nothing new\n")
        checkd.wait_fact(detail="nothing new", advice="30")
        write(path, "")
        checkd.wait_fact(detail="says nothing", advice="30")
        write(path, "0\n")
        checkd.wait_fact(verdict="up", advice="0")
        write(path, "50% maxconn:7 # backup\n")
        checkd.wait_fact(verdict="up", advice="50%, maxconn 7", detail="50% maxconn:7: backup")
        os.unlink(path)
        checkd.wait_fact(verdict="down", reason="missing", advice="50%, maxconn 7")
        write(path, "x" * 2000)
        checkd.wait_fact(verdict="up", detail="says nothing", advice="50%, maxconn 7")


@pytest.mark.skipif(os.geteuid() != 0, reason="changes users")
def test_a_script_tells_a_weight_by_its_status(script):  # noqa: F811
    status = script("52\n", name="status", mode=0o644, first="")
    check = {"type": "script", "command": script(f"exit $(cat {status})\n"), "interval": "100ms", "weight_from_exit": True}
    with Checkd() as checkd:
        checkd.load(f"check s {json.dumps(check)}", "probe s -")
        checkd.wait_fact(verdict="up", advice="50", detail="exit 52 (weight 50)", within=10)
        write(status, "0\n")
        checkd.wait_fact(verdict="up", advice="50", detail="exit 0", within=10)
        write(status, "1\n")
        checkd.wait_fact(verdict="down", advice="50", reason="exit", within=10)
        write(status, "2\n")
        checkd.wait_fact(verdict="up", advice="0", within=10)


def test_who_flaps_is_kept_down_longer_each_time_over_a_reload():
    line = Lines(b"up\n")
    with Server(line) as server, Checkd() as checkd:
        check = json.dumps(agent(server.target, interval="50ms", rise=1, suppress="1s", max_suppress="1h"))
        checkd.load(f"check a {check}", f"probe a {server.target}")
        for hold in 0, 1, 2:
            checkd.wait_next(verdict="up")
            line.line = b"down\n"
            down = checkd.wait_next(verdict="down")
            line.line = b"up\n"
            if hold == 1:
                checkd.load(f"check a {check}", f"probe a {server.target}", "check b type=file file=/dev/null", "probe b -")
            assert down["detail"] == "down" + (f"; suppressed for {hold}s: down {hold + 1} times" if hold else "")
            up = checkd.wait_next(verdict="up", check="a")
            assert up["since"] - down["since"] >= hold
        assert any(", 3 times now: suppressed for 2s" in text for text in checkd.errors)


class Gate:
    """Says that it is up, or, while closed, nothing."""

    def __init__(self):
        self.open = True

    def __call__(self, connection):
        if self.open:
            connection.send(b"up\n")
        else:
            connection.wait_gone()


def vm_size(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmSize:")) * 1024


def test_without_memory_servers_stay_what_they_were():
    """Each connection that waits costs 20 KiB, of which there are none left."""
    gate, count = Gate(), 500
    with Server(gate) as server, Checkd(as_nobody=False) as checkd:  # so that we may change its limits
        check = json.dumps(agent(server.target, interval="1s", timeout="900ms", fall=100))
        checkd.load(*(f"check a{i} {check}" for i in range(count)), *(f"probe a{i} {server.target}" for i in range(count)))
        wait_until(lambda: len({fact["check"] for fact in checkd.facts(verdict="up")}) == count, 15, "all are up")
        size = vm_size(checkd.pid)
        resource.prlimit(checkd.pid, resource.RLIMIT_AS, (size, size))
        gate.open = False
        short = "; not probed: here: out of memory"
        wait_until(lambda: [fact for fact in checkd.facts(verdict="up") if fact["detail"].endswith(short)], 15, "no memory")
        gate.open = True
        wait_until(lambda: not checkd.facts()[-1]["detail"].endswith(short), 15, "memory again")
        assert not checkd.facts(verdict="down")
