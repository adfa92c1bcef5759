"""What workers hand to their successors at a planned change. First the check worker alone: its successor goes on as if it had
not changed."""
import time

import pytest

from checkd import Checkd
from lbhatest import wait_until
from lbhatest.rogue import Server, answer, refusing_port
from lbhatest.vrrp import adverts
from test_vrrp_track import TrackingPair, events_of
from vrrp_pair import LB1

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Counting:
    """A web server's answer, while it is on, that counts who asks."""

    def __init__(self, on=True):
        self.on, self.asked, self.times = on, 0, []

    def __call__(self, connection):
        connection.request()
        self.asked += 1
        self.times.append(time.monotonic())
        connection.send(OK if self.on else b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()


@pytest.fixture
def carry(tmp_path):
    tmp_path.chmod(0o777)
    return tmp_path / "check.carry"


def first_of(checkd, **wanted):
    """What the successor says first of all of a probe."""
    return wait_until(lambda: checkd.facts(**wanted), what="a fact")[0]


def test_a_verdict_is_there_at_once_with_all_that_is_known_of_it(carry):
    lines = ("check up type=http interval=20s timeout=1s", "check down type=tcp interval=20s timeout=1s", f"probe down 127.0.0.1:{refusing_port()}")
    with Server(answer()) as server:
        lines += (f"probe up {server.target}",)
        with Checkd() as old:
            old.load(*lines)
            before = {name: old.ended_first(check=name) for name in ("up", "down")}
            assert old.leave_carry(carry) < 1000
        with Checkd() as new:
            new.inherit(carry, *lines)
            for name, known in before.items():
                fact = first_of(new, check=name)
                for key in ("verdict", "reason", "detail", "passed", "latency_ms", "time", "since"):
                    assert fact[key] == known[key], (name, key)
    assert before["up"]["verdict"] == "up" and before["down"]["verdict"] == "down"


def test_who_was_down_stays_down_until_it_has_passed_rise_times(carry):
    lines = ["check web type=http interval=300ms timeout=300ms rise=3 fall=1"]
    away = Counting()
    with Server(away) as server:
        lines.append(f"probe web {server.target}")
        with Checkd() as old:
            old.load(*lines)
            old.wait_fact(verdict="up")
            away.on = False
            old.wait_fact(verdict="down")
            old.leave_carry(carry)
        away.on, away.asked = True, 0
        with Checkd() as new:
            new.inherit(carry, *lines)
            assert first_of(new)["verdict"] == "down"
            new.wait_fact(verdict="up")
            assert away.asked >= 3, "the first passed probe brings nobody back who was down"
            assert {fact["verdict"] for fact in new.facts()} == {"down", "up"}


def test_a_row_of_failures_goes_on(carry):
    lines = ["check web type=http interval=400ms timeout=300ms fall=3"]
    counting = Counting()
    with Server(counting) as server:
        lines.append(f"probe web {server.target}")
        with Checkd() as old:
            old.load(*lines)
            old.wait_fact(verdict="up")
            counting.on, counting.asked = False, 0
            wait_until(lambda: old.facts(passed=False), what="a failure")
            old.leave_carry(carry)
            assert not old.facts(verdict="down")
        failures = counting.asked
        with Checkd() as new:
            new.inherit(carry, *lines)
            assert first_of(new)["verdict"] == "up"
            new.wait_fact(verdict="down")
            assert failures < counting.asked <= 4, "three in a row, whoever saw them, and one that was under way"


def test_probes_keep_their_cadence_and_do_not_start_all_at_once(carry):
    """The next one comes when it would have come; those that came due meanwhile within a second, but not together."""
    count = 40
    counting = Counting()
    with Server(counting) as server:
        lines = [f"check c{n} type=http path=/{n} interval=4s timeout=1s" for n in range(count)]
        lines += [f"probe c{n} {server.target}" for n in range(count)]
        with Checkd() as old:
            old.load(*lines)
            wait_until(lambda: len({fact["check"] for fact in old.facts(verdict="up")}) == count, 20, "verdicts")
            old.leave_carry(carry)
        counting.times.clear()
        with Checkd() as new:
            new.inherit(carry, *lines)
            assert {fact["verdict"] for fact in new.facts()} == {"up"}
            wait_until(lambda: len(counting.times) >= count, 20, "all of them again")
        soon = [one for one in counting.times if one < counting.times[0] + 0.5]
        assert len(soon) < count / 2, "all that have a verdict were probed at once"


def test_what_an_agent_has_told_stands(carry):
    word = [b"up 50% maxconn:30\n"]

    def agent(connection):
        connection.send(word[0])
        connection.wait_gone()

    with Server(agent) as server:
        lines = (f'check agent {{"type": "agent", "port": {server.port}, "interval": "300ms", "timeout": "300ms"}}',
                 f"probe agent {server.target}")
        with Checkd() as old:
            old.load(*lines)
            assert old.wait_fact(verdict="up")["advice"] == "50%, maxconn 30"
            old.leave_carry(carry)
        word[0] = b"up\n"
        with Checkd() as new:
            new.inherit(carry, *lines)
            assert first_of(new)["advice"] == "50%, maxconn 30"
            new.wait_next(verdict="up", advice="50%, maxconn 30")


def test_another_check_begins_anew(carry):
    with Server(answer()) as server:
        with Checkd() as old:
            old.load("check web type=http interval=20s timeout=1s", f"probe web {server.target}")
            old.wait_fact(verdict="up")
            old.leave_carry(carry)
        with Checkd() as new:
            new.inherit(carry, "check web type=http interval=20s timeout=1s path=/other", f"probe web {server.target}")
            assert first_of(new)["verdict"] == "unknown"
            new.wait_fact(verdict="up")


def test_a_carry_that_is_none_is_no_harm(carry):
    carry.write_bytes(b"lbhc\0\0\0\1" + b"\0\1\0\0\0\x40" + bytes(range(64)) + b"\0\7\xff\xff\xff\xffcut")
    with Server(answer()) as server, Checkd() as new:
        new.inherit(carry, "check web type=http interval=1s timeout=1s", f"probe web {server.target}")
        assert first_of(new)["verdict"] == "unknown"
        new.wait_fact(verdict="up")


# ---- whole daemons ----

def restart(director):
    assert director.detach() == 0
    director.start()


def upgrade(director):
    director.install(lbhad="next-lbhad", checkd="next-lbha-checkd")
    director.ctl("upgrade")


@pytest.fixture(params=[restart, upgrade])
def change(request):
    """What brings new workers."""
    return request.param


@pytest.fixture
def pair(lab):
    """lb1 is MASTER all the same when its check fails, at 130 instead of 150."""
    pair = TrackingPair(lab, "{check: slow, weight: -20}", interval="1s")
    pair.lb1.install()
    return pair


def told_since(director, seq):
    return [(one["event"], one["object"], one["old"], one["new"]) for one in events_of(director, seq)
            if one["event"] not in ("worker_restart", "reload", "upgrade")]


def test_what_was_known_is_known_and_nothing_is_told_that_did_not_happen(pair, change):
    """A failing tracker keeps the priority down at every moment; events go on with their numbers."""
    pair.start()
    pair.wait_roles("MASTER", "BACKUP")
    pair.server.stop()
    pair.wait_priority(130, 10)
    pair.lb1.ctl("reload")
    tracker, transitions, reload = pair.tracker("slow"), pair.lb1.vrrp()["transitions"], pair.lb1.status()["reload"]
    before, seen = events_of(pair.lb1), len(adverts(pair.adverts))
    assert ("tracker_state", "public/slow", "up", "down") in told_since(pair.lb1, 0)

    def sent():
        return [one.priority for one in adverts(pair.adverts)[seen:] if one.source == LB1]

    wait_until(lambda: 130 in sent(), 5, "an advert with the priority that it has now")
    seen += len(sent())
    change(pair.lb1)
    wait_until(lambda: len(sent()) >= 3, 10, "adverts")
    assert set(sent()) == {130}, sent()
    assert (pair.tracker("slow"), pair.lb1.vrrp()["transitions"]) == (tracker, transitions)
    assert events_of(pair.lb1)[:len(before)] == before
    assert told_since(pair.lb1, before[-1]["seq"]) == [], "nothing has happened"
    assert pair.lb1.status()["reload"] == reload
    pair.lb1.ctl("reload")
    more = events_of(pair.lb1, before[-1]["seq"])
    assert [one["seq"] for one in more] == list(range(before[-1]["seq"] + 1, before[-1]["seq"] + 1 + len(more)))
    assert more[-1]["event"] == "reload"
