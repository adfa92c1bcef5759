"""The check worker as a whole: rise and fall over the wire, reloads, shortage here, rights, and how much it says."""
import os
import resource
import signal
import subprocess
import threading
import time

import pytest

from checkd import Checkd
from lbhatest import wait_until
from lbhatest.director import program
from lbhatest.rogue import Server, answer, refusing_port, silent

FAST = "interval=100ms timeout=300ms"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces or changes users")


class Switch:
    """A script that answers while it is on."""

    def __init__(self):
        self.on = True
        self.said = []

    def __call__(self, connection):
        connection.request()
        self.said.append(self.on)
        connection.send(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"200 OK" if self.on else b"500 Broken"))
        connection.wait_gone()


# ---- rise, fall, times ----

def test_fall_failures_take_a_server_away_and_rise_passes_bring_it_back():
    switch = Switch()
    with Server(switch) as server, Checkd() as checkd:
        checkd.load(f"check it type=http rise=3 fall=2 {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        assert len(switch.said) == 1, "the first passed probe means up"
        switch.on = False
        down = checkd.wait_fact(verdict="down")
        assert switch.said.count(False) == 2
        assert down["detail"] == "status 500, wanted 200-299"
        switch.on = True
        checkd.wait_next(verdict="up")
        assert switch.said[-3:] == [True] * 3 and switch.said[-4] is False
        assert len(checkd.facts(verdict="down")) >= 1


def test_one_sentence_per_change_in_the_log():
    switch = Switch()
    with Server(switch) as server, Checkd() as checkd:
        checkd.load(f"check web type=http fall=3 {FAST}", f"probe web {server.target}")
        checkd.wait_fact(verdict="up")
        switch.on = False
        checkd.wait_fact(verdict="down")
        wait_until(lambda: any("down" in line for line in checkd.errors), what="a line in the log")
        lines = [line.split("lbha-checkd: ")[1].strip() for line in checkd.errors if "→" in line]
    assert len(lines) == 2, lines
    assert lines[0].startswith(f"{server.target} (web): unknown → up: status 200 in ")
    assert lines[1] == f"{server.target} (web): up → down: status 500, wanted 200-299 (3 failures)"


def test_a_server_that_fails_from_the_start_is_down_within_fall_seconds():
    with Checkd() as checkd:
        began = time.monotonic()
        checkd.load("check it type=tcp interval=1h fall=3", f"probe it 127.0.0.1:{refusing_port()}")
        checkd.wait_fact(verdict="down")
        assert 1.7 < time.monotonic() - began < 3.5


def test_initial_up_counts_as_up_before_the_first_probe():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load("check it type=tcp interval=60s initial=up", f"probe it {server.target}")
        assert checkd.facts()[0]["verdict"] == "up"
        assert checkd.facts()[0]["reason"] == "none"


def test_retry_interval_hastens_the_verdict():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load("check it type=tcp interval=1s retry=50ms fall=3", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        server.refuse()
        began = checkd.wait_fact(reason="refused")
        down = checkd.wait_fact(verdict="down")
        assert down["time"] - began["time"] < 0.4


def test_starts_are_spread_and_the_interval_is_kept():
    with Server(lambda connection: connection.wait_gone()) as server, Checkd() as checkd:
        lines = [f"check c{i} type=tcp interval=400ms fall={i + 1}" for i in range(20)]
        began = time.monotonic()
        checkd.load(*lines, *[f"probe c{i} {server.target}" for i in range(20)])
        wait_until(lambda: len(server.begun) >= 100, within=6, what="100 probes")
        first = [when - began for when in server.begun[:20]]
        took = server.begun[99] - began
    assert first[-1] - first[0] > 0.15, "not all at once"
    assert first[-1] < 0.6
    assert 1.5 < took < 2.6, "five rounds of 400 ms, less up to 1/16"


def begun_between(server, begins, ends):
    return sum(begins < when < ends for when in server.begun)


def test_probes_that_began_in_one_second_are_spread_over_the_interval_from_then_on():
    with Server(lambda connection: connection.wait_gone()) as server, Checkd() as checkd:
        began = time.monotonic()
        checkd.load(*[f"check c{i} type=tcp interval=4s fall={i + 1}" for i in range(60)],
                    *[f"probe c{i} {server.target}" for i in range(60)])
        loaded = time.monotonic() + 1
        wait_until(lambda: time.monotonic() > began + 3.5, what="most of an interval")
        first, then = begun_between(server, began, loaded), begun_between(server, loaded, began + 3.5)
    assert first >= 60
    assert 15 < then < 55, "about 35 of 60 have come again before the first interval is over"


def test_a_worker_that_was_held_up_does_not_probe_in_step_from_then_on():
    with Server(lambda connection: connection.wait_gone()) as server, Checkd(as_nobody=False) as checkd:
        checkd.load(*[f"check c{i} type=tcp interval=1s fall={i + 1}" for i in range(60)],
                    *[f"probe c{i} {server.target}" for i in range(60)])
        wait_until(lambda: len(server.begun) > 120, what="two rounds")
        os.kill(checkd.pid, signal.SIGSTOP)
        time.sleep(2.5)  # held up
        os.kill(checkd.pid, signal.SIGCONT)
        back = time.monotonic()
        wait_until(lambda: time.monotonic() > back + 0.8, what="most of an interval")
        assert begun_between(server, back + 0.25, back + 0.8) > 12, "some 33 of 60"


def test_a_probe_longer_than_its_interval_is_not_overlapped():
    def slow(connection):
        connection.request()
        connection.server.closing.wait(0.25)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()

    with Server(slow) as server, Checkd() as checkd:
        checkd.load("check it type=http interval=100ms timeout=2s", f"probe it {server.target}")
        wait_until(lambda: len(server.begun) >= 5, what="five probes")
        gaps = [b - a for a, b in zip(server.begun, server.begun[1:])]
    assert min(gaps) > 0.24


# ---- reload ----

def test_an_unchanged_reload_restarts_nothing():
    with Server(answer()) as server, Checkd() as checkd:
        lines = ["check it type=http interval=300ms", f"probe it {server.target}"]
        checkd.load(*lines)
        up = checkd.wait_fact(verdict="up")
        for _ in range(10):  # more often than the interval: reloads must not starve probes
            assert checkd.plan(*lines) == []
            assert checkd.load(*lines) == []
            time.sleep(0.1)
        wait_until(lambda: len(server.begun) >= 4, what="probes going on")
        gaps = [b - a for a, b in zip(server.begun, server.begun[1:])]
        assert checkd.fact()["since"] == up["since"]
        assert all(fact["verdict"] == "up" for fact in checkd.facts()[checkd.facts().index(up):])
    assert 0.25 < min(gaps) and max(gaps) < 0.4, gaps


def test_a_probe_in_flight_survives_a_reload_under_another_number():
    asked, go = threading.Event(), threading.Event()

    def waits(connection):
        connection.request()
        asked.set()
        go.wait(5)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()

    with Server(waits) as server, Server(answer()) as other, Checkd() as checkd:
        mine = ["check it type=http interval=200ms timeout=5s", f"probe it {server.target}"]
        checkd.load(*mine)
        assert asked.wait(5)
        before = ["check more type=tcp", f"probe more {other.target}"]
        assert checkd.load(*before, *mine) == [f"check: begin {other.target} (more)"]
        go.set()
        up = checkd.wait_fact(verdict="up", check="it")
        assert up["target"] == server.target
        assert len(server.begun) == 1


def test_a_removed_probe_ends_at_once():
    with Server(silent) as server, Server(answer()) as other, Checkd() as checkd:
        stays = ["check other type=tcp interval=100ms", f"probe other {other.target}"]
        checkd.load("check it type=http timeout=60s", f"probe it {server.target}", *stays)
        wait_until(lambda: server.open == 1, what="a probe in flight")
        assert checkd.load(*stays) == [f"check: end {server.target} (it)"]
        wait_until(lambda: server.open == 0, within=1, what="the end of the connection")
        begun = len(other.begun)
        wait_until(lambda: len(other.begun) > begun + 2, what="the other probes going on")


def test_a_plan_changes_nothing():
    with Server(answer()) as server, Server(answer()) as other, Checkd() as checkd:
        lines = ["check it type=http interval=100ms", f"probe it {server.target}"]
        checkd.load(*lines)
        assert checkd.plan("check it type=tcp", f"probe it {other.target}") == [
            f"check: begin {other.target} (it)", f"check: end {server.target} (it)"]
        checkd.wait_next()
        assert not other.begun and checkd.fact()["target"] == server.target


def test_an_empty_generation_is_fine():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load()
        checkd.load("check it type=http interval=100ms", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        checkd.load()
        checkd.release()


# ---- shortage and mistakes here ----

def test_without_descriptors_servers_stay_what_they_were():
    with Server(answer()) as server, Checkd(as_nobody=False) as checkd:  # so that we may change its limits
        checkd.load(f"check it type=http fall=1 {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        soft, hard = resource.prlimit(checkd.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(checkd.pid, resource.RLIMIT_NOFILE, (4, hard))
        short = checkd.wait_fact(detail="status 200; not probed: here: too many open files")
        assert (short["verdict"], short["reason"]) == ("up", "passed"), "what is known of the server stays"
        begun = len(server.begun)
        slower = [checkd.wait_next(detail=short["detail"]) for _ in range(3)]
        assert slower[2]["told"] - slower[1]["told"] > 0.3, "probing has become slower"
        assert {fact["time"] for fact in slower} == {short["time"]}, "the time of what is known"
        assert len(server.begun) == begun
        resource.prlimit(checkd.pid, resource.RLIMIT_NOFILE, (soft, hard))
        checkd.wait_next(detail="status 200")
        assert not checkd.facts(verdict="down") and not checkd.facts(reason="resources")
        lines = [line.split("lbha-checkd: ")[1].strip().removeprefix("warning: ") for line in checkd.errors if "probed" in line]
        assert lines == [f"{server.target} (it): not probed: here: too many open files; its verdict stays up",
                         f"{server.target} (it): probed again: status 200"], "each told once"


def test_a_failure_stays_the_reason_while_this_machine_cannot_probe():
    with Checkd(as_nobody=False) as checkd:
        checkd.load(f"check it type=tcp fall=1 {FAST}", f"probe it 127.0.0.1:{refusing_port()}")
        checkd.wait_fact(verdict="down", reason="refused")
        resource.prlimit(checkd.pid, resource.RLIMIT_NOFILE, (4, resource.prlimit(checkd.pid, resource.RLIMIT_NOFILE)[1]))
        checkd.wait_next(verdict="down", reason="refused", detail="connect: refused; not probed: here: too many open files")


def test_more_hanging_servers_than_descriptors_do_not_hide_the_others():
    """72 descriptors: at most 8 probes at once; 40 servers hang for the whole timeout."""
    with Server(silent) as hanging, Server(answer()) as server, Checkd(files=72) as checkd:
        bad = [line for i in range(40) for line in
               (f"check bad{i} type=http interval=200ms timeout=100ms path=/{i}", f"probe bad{i} {hanging.target}")]
        checkd.load(*bad, f"check good type=http {FAST}", f"probe good {server.target}")
        checkd.wait_fact(check="good", verdict="up")
        for i in range(40):
            checkd.wait_fact(check=f"bad{i}", verdict="down", reason="reply_timeout")
        wait_until(lambda: len(server.begun) >= 5, what="probes of the good server")
        assert not checkd.facts(reason="resources"), "as many probes at once as there are descriptors for"
        assert not checkd.facts(reason="resources") and not checkd.facts(check="good", verdict="down")


def test_a_worker_that_was_held_up_blames_nobody():
    with Server(silent) as server, Checkd(as_nobody=False) as checkd:
        checkd.load("check it type=http interval=2s timeout=500ms initial=up", f"probe it {server.target}")
        wait_until(lambda: server.begun, what="a probe in flight")
        os.kill(checkd.pid, signal.SIGSTOP)
        time.sleep(1)  # held up
        os.kill(checkd.pid, signal.SIGCONT)
        held = checkd.wait_fact(reason="resources")
        assert (held["verdict"], held["detail"]) == ("up", "here: this process was held up")
        checkd.wait_fact(within=10, verdict="down", reason="reply_timeout")


@needs_root
def test_without_local_ports_servers_stay_what_they_were(lab):
    host = lab.host("one", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"))
    host.sysctl("net.ipv4.ip_local_port_range", "40000 40000")
    with Server(silent, port=80, host=host) as server, Checkd(host) as checkd:
        lines = [line for i in range(3) for line in
                 (f"check c{i} type=http interval=100ms timeout=1s path=/{i}", f"probe c{i} {server.target}")]
        checkd.load(*lines)
        short = checkd.wait_fact(reason="resources")
        assert (short["verdict"], short["detail"]) == ("unknown", "here: connect: no free local port")
        checkd.wait_fact(reason="reply_timeout")


def test_a_wrong_bind_address_or_interface_is_our_mistake():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load(f"check a type=tcp bind=192.0.2.1 {FAST}", f"probe a {server.target}",
                    f"check b type=http interface=nope0 path=/b {FAST}", f"probe b {server.target}")
        a, b = checkd.ended_first(check="a"), checkd.ended_first(check="b")
    assert (a["verdict"], a["reason"]) == (b["verdict"], b["reason"]) == ("unknown", "local")
    assert a["detail"] == "here: cannot bind to 192.0.2.1: not an address of this machine"
    assert b["detail"] == "here: cannot use interface nope0: no such device"


@needs_root
@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_bind_and_interface_work_without_any_right(lab, kind):
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.host("director", (lan, "192.168.8.10"))
    director.ip("addr add 192.168.8.11/24 dev eth0")
    real = lab.host("real", (lan, "192.168.8.20"))
    with Server(answer(), address="192.168.8.20", host=real) as server, Checkd(director) as checkd:
        checkd.load(f"check it type={kind} bind=192.168.8.11 interface=eth0 {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        assert set(server.peers) == {"192.168.8.11"}


def test_many_probes_from_one_source_share_its_ports_between_targets():
    """40 hanging connections from one bound address to 2 targets; IPv6, where the hint must work as well."""
    with Server(silent, address="::1") as one, Server(silent, address="::1") as two, Checkd() as checkd:
        lines = [line for i in range(40) for line in (f"check c{i} type=http bind=::1 interval=200ms timeout=2s path=/{i}",
                                                      f"probe c{i} {(one if i % 2 else two).target}")]
        checkd.load(*lines)
        wait_until(lambda: one.open == two.open == 20, what="40 connections")
        assert set(one.peers + two.peers) == {"::1"}
        assert not checkd.facts(reason="local") and not checkd.facts(reason="resources")


@needs_root
def test_a_lost_link_and_its_return(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.host("director", (lan, "192.168.8.10"))
    real = lab.host("real", (lan, "192.168.8.20"))
    with Server(answer(), address="192.168.8.20", host=real) as server, Checkd(director) as checkd:
        checkd.load(f"check it type=http fall=2 {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        real.cut_off()
        down = checkd.wait_fact(verdict="down")
        assert down["detail"] == "no connection within 300ms"
        real.join_again()
        checkd.wait_next(verdict="up")


# ---- the process ----

@needs_root
def test_the_worker_has_no_right_at_all():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load(f"check it type=http {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        with open(f"/proc/{checkd.pid}/status") as status:
            about = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    assert about["Uid"].split() == ["65534"] * 4
    assert int(about["CapEff"], 16) == int(about["CapPrm"], 16) == 0
    assert about["Threads"] == "1"


def test_a_released_worker_ends_and_says_what_it_did():
    with Server(answer()) as server, Checkd() as checkd:
        checkd.load(f"check it type=http {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        checkd.release()
        assert {"released": True} in checkd.said
        assert any("released after" in line for line in checkd.errors)


def test_an_orphaned_worker_ends():
    with Server(silent) as server, Checkd() as checkd:
        checkd.load("check it type=http timeout=60s", f"probe it {server.target}")
        wait_until(lambda: server.open == 1, what="a probe in flight")
        checkd.leave()  # waits for it
        assert {"exited": 1} in checkd.said


def test_started_by_hand_it_says_so():
    run = subprocess.run([program("lbha-checkd")], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert run.returncode == 1 and "started by lbhad only" in run.stderr


# ---- how much it says ----

def test_unchanged_verdicts_are_told_at_most_once_a_second():
    with Server(silent) as server, Checkd() as checkd:
        lines = [line for i in range(50) for line in
                 (f"check c{i} type=tcp interval=50ms fall={i + 1}", f"probe c{i} {server.target}")]
        checkd.load(*lines)
        wait_until(lambda: len({one["check"] for one in checkd.facts(verdict="up")}) == 50, what="50 servers up")
        before, began, probes = len(checkd.facts()), time.monotonic(), len(server.begun)
        wait_until(lambda: len(server.begun) > probes + 2000, within=10, what="2000 probes")
        seconds = time.monotonic() - began
        told = len(checkd.facts()) - before
    assert told <= 50 * (seconds + 1), f"{told} facts in {seconds:.1f}s"
    assert told >= 50 * (seconds - 1)


def test_a_changed_verdict_is_told_at_once():
    switch = Switch()
    with Server(switch) as server, Checkd() as checkd:
        checkd.load(f"check it type=http {FAST}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        switch.on = False
        down = checkd.wait_fact(verdict="down")
    assert (down["told"] - down["time"]) * 1000 < 50
