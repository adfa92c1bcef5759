"""The log: its level while lbhad runs, and where its lines go, in which form."""
import json
import os
import select
import socket
import subprocess

import pytest

from lbhatest import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10}}
global: {{log: {{{log}}}}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
"""


@pytest.fixture
def lb1(lab):
    return lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config="")


def start(lb1, log="level: info"):
    lb1.configure(CONFIG.format(log=log))
    lb1.start()
    lb1.wait_role("MASTER")


def flap(lb1):
    """MASTER, FAULT, MASTER: what vrrp logs at info."""
    lb1.host.run("ip", "link", "set", "eth0", "down")
    lb1.wait_role("FAULT")
    lb1.host.run("ip", "link", "set", "eth0", "up")
    lb1.wait_role("MASTER")


def said(lb1, do):
    before = len(lb1.log)
    do(lb1)
    return lb1.log[before:]


# ---- the level ----

def test_the_level_changes_in_all_processes_and_back_without_a_reload(lb1):
    start(lb1, "level: warning")
    assert "→" not in said(lb1, flap)
    assert "log info" in lb1.ctl("log", "info", "--comment", "what is it doing")
    assert "public: MASTER → FAULT" in said(lb1, flap)
    assert "reload of" in said(lb1, lambda lb1: lb1.reload()), "the supervisor, too, and a reload does not end it"
    assert "public: MASTER → FAULT" in said(lb1, flap)
    lb1.kill_worker("vrrp")
    wait_until(lambda: lb1.worker("vrrp")["state"] == "running", 5, "another vrrp worker")
    lb1.wait_role("MASTER")
    assert "public: MASTER → FAULT" in said(lb1, flap), "a worker that is replaced knows it"
    [override] = lb1.status()["overrides"]
    assert (override["kind"], override["object"], override["value"]) == ("log", "director", "info")
    assert override["comment"] == "what is it doing" and override["configured_value"] == "warning"
    lb1.ctl("log", "auto")
    assert "→" not in said(lb1, flap) and not lb1.status()["overrides"]
    event = [json.loads(line) for line in lb1.ctl("events", "--json", "--since", "0").splitlines()][-1]
    assert (event["event"], event["object"], event["old"], event["new"]) == ("override", "log", "info", "auto") \
        or event["event"] == "vrrp_state"


def test_a_level_with_a_timeout_ends_by_itself(lb1):
    start(lb1, "level: warning")
    lb1.ctl("log", "debug", "--timeout", "1s")
    assert lb1.status()["overrides"][0]["until"]
    wait_until(lambda: not lb1.status()["overrides"], 5, "it has ended")
    assert "→" not in said(lb1, flap)


@pytest.mark.parametrize("words", [["verbose"], [""], ["auto", "--timeout", "1s"], []])
def test_what_is_no_level_is_refused(lb1, words):
    start(lb1)
    assert lb1.ctl_status("log", *words)[0] in (1, 2) and not lb1.status()["overrides"]


# ---- forms and places ----

def hosts_run(lb1):
    return f"/proc/{lb1.host.pid}/root/run"  # a tmpfs of its own


class Journal:
    """The journal's native socket, with nobody behind it but us."""

    def __init__(self, lb1):
        os.makedirs(hosts_run(lb1) + "/systemd/journal")
        self.path = hosts_run(lb1) + "/systemd/journal/socket"
        self.open()
        self.entries = []

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def read(self):
        while True:
            try:
                lines = self.socket.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.entries
            assert lines.pop() == "", "each field ends"
            self.entries.append(dict(line.split("=", 1) for line in lines))

    def wait(self, **fields):
        wait_until(lambda: any(fields.items() <= entry.items() for entry in self.read()), 5, f"the journal has {fields}")
        return next(entry for entry in self.entries if fields.items() <= entry.items())


def test_the_journal_gets_fields_from_every_worker(lb1):
    journal = Journal(lb1)
    start(lb1, "target: journal")
    entry = journal.wait(LBHA_EVENT="vrrp_state", LBHA_INSTANCE="public")
    assert entry["LBHA_WORKER"] == "vrrp" and entry["PRIORITY"] == "6" and entry["SYSLOG_IDENTIFIER"] == "lbhad"
    assert entry["MESSAGE"].startswith("public: INIT → BACKUP: ")
    lb1.reload()
    journal.wait(LBHA_WORKER="supervisor", PRIORITY="6")
    journal.wait(LBHA_WORKER="control", PRIORITY="6")
    lb1.configure("nonsense: 1\n")
    lb1.reload()
    journal.wait(LBHA_WORKER="supervisor", PRIORITY="4")
    assert "public:" not in lb1.log


def test_a_journal_that_comes_and_goes_loses_nothing_but_what_it_could_not_take(lb1):
    journal = Journal(lb1)
    start(lb1, "target: journal")
    journal.wait(LBHA_EVENT="vrrp_state")
    journal.close()
    assert "public: MASTER → FAULT" in said(lb1, flap), "meanwhile lines go to standard error"
    journal.open()
    journal.entries.clear()
    assert "→" not in said(lb1, flap)
    journal.wait(LBHA_EVENT="vrrp_state", LBHA_INSTANCE="public")


def start_wrongly(lb1):
    """With standard error as a unit's: the journal's."""
    lb1.configure("nonsense: 1\n")
    with open(lb1.host.log_file("stream"), "w", encoding="utf-8") as stream:
        error = os.fstat(stream.fileno())
        return lb1.host.start(*lb1.command(), stderr=stream,
                              env=lb1.environment(JOURNAL_STREAM=f"{error.st_dev}:{error.st_ino}"))


def test_who_cannot_start_ends_when_the_journal_has_read_why(lb1):
    """The journal asks the kernel who speaks when it reads: of one that is gone `journalctl -u` shows nothing."""
    journal = Journal(lb1)
    lbhad = start_wrongly(lb1)
    assert select.select([journal.socket], [], [], 5)[0], "something was said"
    with pytest.raises(subprocess.TimeoutExpired):
        lbhad.wait(0.4)
    assert any("nonsense" in entry["MESSAGE"] for entry in journal.read())
    assert lbhad.wait(5) == 1


def test_a_journal_that_reads_nothing_keeps_nobody(lb1):
    journal = Journal(lb1)
    assert start_wrongly(lb1).wait(5) == 1
    assert journal.read()


def test_the_target_changes_with_a_reload(lb1):
    journal = Journal(lb1)
    start(lb1, "target: stderr")
    assert "public: MASTER → FAULT" in said(lb1, flap) and not journal.read()
    assert lb1.reload(CONFIG.format(log="target: journal"))[0] == 0
    assert "→" not in said(lb1, flap)
    journal.wait(LBHA_EVENT="vrrp_state")
    assert lb1.reload(CONFIG.format(log="target: stderr"))[0] == 0
    assert "public: MASTER → FAULT" in said(lb1, flap)


def test_lines_of_json_are_objects_whatever_is_said(lb1):
    start(lb1, "format: json")
    hostile = '"}\\ {"a": "' + '"\\' * 100 + "\t\x1b[31m"
    lb1.ctl("priority", "public", "120", "--comment", hostile)
    lb1.ctl("log", "debug")
    flap(lb1)
    lb1.configure("x: [" + '"' * 7 + "\n")
    lb1.reload()
    lines = [json.loads(line) for line in lb1.log.splitlines()[3:] if line.startswith("{")]
    assert lines and all({"time", "level", "program", "pid", "message", "worker"} <= set(line) for line in lines)
    assert any(line.get("event") == "vrrp_state" and line["instance"] == "public" for line in lines)
    assert not [line for line in lb1.log.splitlines() if not line.startswith("{") and "lbhad: " not in line], lb1.log


def test_a_daemon_in_the_background_goes_on_logging_where_it_should(lb1):
    journal = Journal(lb1)
    lb1.configure(CONFIG.format(log="target: journal"))
    code, text = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment())
    assert code == 0, text
    lb1.configure("nonsense: 1\n")  # a reload that comes into force would say the target again
    assert lb1.reload()[0] == 1
    journal.wait(LBHA_WORKER="supervisor", PRIORITY="4")
    lb1.ctl("stop")
    wait_until(lambda: not os.path.exists(lb1.socket), 10, "the daemon has stopped")


def test_the_exporter_logs_where_lbhad_does(lb1):
    exporter = 'exporter: {{listen: "127.0.0.1:9480"}}, log: '
    wholes = [CONFIG.replace("log: ", exporter).format(log=f"target: {target}") for target in ("stderr", "journal")]
    journal = Journal(lb1)
    lb1.configure(wholes[0])
    lb1.start()
    wait_until(lambda: "lbha-exporter: serving http://127.0.0.1:9480" in lb1.log, 5, "the exporter serves")
    assert lb1.reload(wholes[1])[0] == 0
    assert "serving http" in journal.wait(LBHA_WORKER="lbha-exporter", PRIORITY="6")["MESSAGE"]
