"""What lbhad tells a service manager (sd_notify(3)), seen by a socket of the test's own; a real one is in test_systemd.py."""
import os
import re
import signal
import socket
import time

import pytest

from lbhatest import wait_until
from test_daemon import CONFIG, VIP, WORKERS, outside_pids
from test_daemon import lan, lb1  # noqa: F401: fixtures

OWNER = CONFIG.replace("priority: 150", "priority: 255")


def count(lb1, word):  # noqa: F811
    return lb1.notifications().split().count(word)


def received_until(notify, last):
    """What came on a socket before `last`; it fails by the socket's timeout."""
    lines = []
    while last not in lines:
        lines += notify.recv(4096).decode().splitlines()
    return lines


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return dict(part.split("=", 1) for part in file.read().decode().split("\0") if "=" in part)


@pytest.fixture
def watched(lb1, monkeypatch):  # noqa: F811
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    return lb1.start()


def test_the_watchdog_is_fed_while_the_loop_turns_and_only_then(watched):
    before = count(watched, "WATCHDOG=1")
    wait_until(lambda: count(watched, "WATCHDOG=1") >= before + 3, 5, "WATCHDOG=1 every 0.2 s")
    os.kill(watched.process.pid, signal.SIGSTOP)
    wait_until(lambda: "State:\tT" in open(f"/proc/{watched.process.pid}/status").read(), 5, "it is stopped")
    before = count(watched, "WATCHDOG=1")
    time.sleep(1)  # five times as long as it takes otherwise
    assert count(watched, "WATCHDOG=1") == before
    os.kill(watched.process.pid, signal.SIGCONT)
    wait_until(lambda: count(watched, "WATCHDOG=1") > before, 5, "it goes on")


def test_without_a_watchdog_none_is_fed(lb1):  # noqa: F811
    lb1.start()
    lb1.wait_role("MASTER")
    assert "WATCHDOG" not in lb1.notifications()


def test_nobody_below_it_can_speak_for_it(watched):
    assert {"NOTIFY_SOCKET", "WATCHDOG_USEC"} <= set(environment_of(watched.process.pid))
    pids = outside_pids(watched)
    assert set(pids) == set(WORKERS)
    for name, pid in pids.items():
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(environment_of(pid)), name


def test_a_reload_is_told_with_its_time_and_its_outcome(lb1):  # noqa: F811
    lb1.start()
    began = time.monotonic()
    assert lb1.reload()[0] == 0
    said = lb1.notifications()
    told = re.search(r"RELOADING=1\nMONOTONIC_USEC=(\d+)\nREADY=1\nSTATUS=generation 2 is in force\n", said)
    assert told, said
    assert began <= int(told.group(1)) / 1e6 <= time.monotonic()
    assert lb1.reload(CONFIG.replace("eth0", "eth0\n    schedular: rr"))[0] == 1
    said = lb1.notifications()
    assert re.search(r"READY=1\nSTATUS=reload refused, generation 2 stays in force: .*schedular.*\n", said), said


def test_the_number_of_the_process_is_told_only_where_it_forked(lb1):  # noqa: F811
    """In a container it is another one than outside, and a manager that is told a wrong one watches a stranger."""
    lb1.start()
    assert "MAINPID" not in lb1.notifications()
    lb1.stop()
    lb1.notify.close()
    os.unlink(lb1.host.log_file("notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(lb1.host.log_file("notify"))
        notify.settimeout(5)
        code, said = lb1.host.status_of(*lb1.command("--daemon"), env=lb1.environment(NOTIFY_SOCKET=lb1.host.log_file("notify")))
        assert code == 0, said
        pid = lb1.host.run("pgrep", "-o", "-x", "lbhad").strip()
        assert f"MAINPID={pid}" in received_until(notify, "READY=1")
    lb1.ctl("stop")
    wait_until(lambda: not os.path.exists(lb1.socket), 10, "the daemon has stopped")


def test_a_long_release_asks_for_its_time_again_and_again(lb1):  # noqa: F811
    """Nobody is there to succeed, and a backup might take 41 s to notice."""
    lb1.configure(OWNER.replace("100ms", "40950ms"))
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.process.send_signal(signal.SIGTERM)
    wait_until(lambda: len(re.findall(r"EXTEND_TIMEOUT_USEC=20000000\n", lb1.notifications())) >= 2, 8, "it asks twice")
    assert lb1.is_running and lb1.holds(VIP)
    assert lb1.notifications().split("STOPPING=1\n", 1)[1].startswith("STATUS=releasing the addresses\n")
    lb1.crash()


def test_the_socket_may_have_an_abstract_name(lb1):  # noqa: F811
    with lb1.host.inside():
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with notify:
        notify.bind("\0lbha-test-manager")
        notify.settimeout(10)
        lb1.process = lb1.host.start(*lb1.command(), env=lb1.environment(NOTIFY_SOCKET="@lbha-test-manager"))
        received_until(notify, "READY=1")
