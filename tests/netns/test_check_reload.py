"""Reloads while probes are under way, and what a check that they do not change keeps: counters, times, verdict, suppression."""
import json
import os
import re
import threading
import time

import pytest

from checkd import Checkd
from lbhatest import http2, wait_until
from lbhatest.datagrams import Datagrams
from lbhatest.rogue import Server, answer, dialogue, server_context, stays
from test_check_grpc import SERVING, health, reply
from test_check_tls import ca, good, stranger  # noqa: F401

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
EHLO = re.compile(rb"EHLO [a-z.]+\r\n")
GREETS = (None, b"220 a.example ESMTP\r\n")
OFFERS = (EHLO, b"250-a.example\r\n250 STARTTLS\r\n")


class Gate:
    """A step of a dialogue that does not go on before it is opened."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, _connection):
        self.reached.set()
        assert self.opened.wait(10)


def of(kind, **keys):
    """Probed once, unless told otherwise: the second start comes anywhere within the interval."""
    return {"type": kind, "interval": "1h", "timeout": "30s", **keys}


def secure(ca, kind, **keys):
    return of(kind, tls={"ca": ca.certificate, "sni": "a.example"}, **keys)


def tls_begins(good):
    context = server_context(good)
    return lambda connection: connection.start_tls(context)


def sends_back(connection):
    connection.send(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")


def redirects(gate):
    """The first request is sent elsewhere, and it takes its time; the second is answered."""
    def behaviour(connection):
        if b"/there" in connection.request():
            connection.send(ANSWER + b"fine")
        else:
            gate(connection)
            sends_back(connection)
    return behaviour


def serves_grpc(gate):
    def behaviour(connection):
        reader = http2.Reader(connection)
        if reader.preface() and connection.send(http2.frame(http2.SETTINGS) + http2.frame(http2.SETTINGS, http2.ACK)):
            if reader.request() is not None:
                gate(connection)
                connection.send(reply(health(SERVING)))
                connection.wait_gone()
    return behaviour


def rows(name, ca, good, gate):
    """check, behaviour, how many connections, detail"""
    tls = tls_begins(good)
    request = b"\r\n\r\n"
    smtp = secure(ca, "smtp", starttls=True)
    return {
        "tcp that waits for a match": lambda: (
            of("tcp", send="hi", expect_regex="y.+"), dialogue((b"hi", gate), (None, b"you"), then=stays), 1, "matches"),
        "http in the middle of the body": lambda: (
            of("http", expect={"body_regex": "f.*e", "not_regex": "no"}),
            dialogue((request, ANSWER + b"fi"), (None, gate), (None, b"ne"), then=stays), 1, "status 200"),
        "http with a body of its own": lambda: (
            of("http", method="POST", body="x" * 60000, headers={"A": "b"}, expect={"header": {"B": "c"}}),
            dialogue((request, gate), (b"x" * 60000, b"HTTP/1.1 200 OK\r\nB: c\r\nContent-Length: 0\r\n\r\n"), then=stays),
            1, "status 200"),
        "http that is sent elsewhere": lambda: (of("http", follow=True), redirects(gate), 2, "status 200"),
        "https before the handshake": lambda: (
            secure(ca, "http", scheme="https"), dialogue((None, gate), (None, tls), (request, ANSWER + b"fine"), then=stays),
            1, "status 200"),
        "https after the request": lambda: (
            secure(ca, "http", scheme="https"), dialogue((None, tls), (request, gate), (None, ANSWER + b"fine"), then=stays),
            1, "status 200"),
        "tls before the handshake": lambda: (
            of("tls", ca=ca.certificate, sni="a.example"), dialogue((None, gate), (None, tls), then=stays), 1, "TLSv1.3.*"),
        "smtp before the greeting": lambda: (of("smtp"), dialogue((None, gate), GREETS, (EHLO, b"250 OK\r\n"), then=stays),
                                             1, "250 OK"),
        "smtp before the consent to TLS": lambda: (
            smtp, dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", gate), (None, b"220 go\r\n"), (None, tls), (EHLO, b"250 OK\r\n"),
                           then=stays), 1, "250 OK, over TLS"),
        "smtp before the handshake": lambda: (
            smtp, dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", b"220 go\r\n"), (None, gate), (None, tls), (EHLO, b"250 OK\r\n"),
                           then=stays), 1, "250 OK, over TLS"),
        "smtp inside TLS": lambda: (
            smtp, dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", b"220 go\r\n"), (None, tls), (EHLO, gate), (None, b"250 OK\r\n"),
                           then=stays), 1, "250 OK, over TLS"),
        "redis": lambda: (of("redis"), dialogue((b"PING", gate), (None, b"+PONG\r\n"), then=stays), 1, "PONG"),
        "grpc": lambda: (of("grpc"), serves_grpc(gate), 1, "grpc: SERVING"),
    }[name]()


ROWS = ["tcp that waits for a match", "http in the middle of the body", "http with a body of its own",
        "http that is sent elsewhere", "https before the handshake", "https after the request", "tls before the handshake",
        "smtp before the greeting", "smtp before the consent to TLS", "smtp before the handshake", "smtp inside TLS", "redis",
        "grpc"]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("name", ROWS)
def test_a_probe_under_way_goes_on_over_reloads(ca, good, name):
    gate = Gate()
    check, behaviour, connections, detail = rows(name, ca, good, gate)
    with Server(behaviour) as server, Server(answer()) as other, Checkd() as checkd:
        mine = [f"check it {json.dumps(check)}", f"probe it {server.target}"]
        before = ["check more type=tcp interval=60s", f"probe more {other.target}"]
        checkd.load(*mine)
        assert gate.reached.wait(10), "a probe under way"
        for _ in range(2):  # its number changes, and what it was begun with is gone
            assert checkd.load(*before, *mine) == [f"check: begin {other.target} (more)"]
            assert checkd.load(*mine) == [f"check: end {other.target} (more)"]
        gate.opened.set()
        end = wait_until(lambda: [fact for fact in checkd.facts(check="it") if fact["reason"] != "none"], what="its end")[0]
        assert (end["reason"], end["verdict"]) == ("passed", "up"), end
        assert re.fullmatch(detail, end["detail"]), end
        assert len(server.begun) == connections
        checkd.release()


@pytest.mark.parametrize("name", ROWS)
def test_a_probe_under_way_that_a_reload_removes_leaves_nothing(ca, good, name):
    gate, kept = Gate(), []
    check, behaviour, _, _ = rows(name, ca, good, gate)
    with Server(behaviour) as server, Checkd(as_nobody=False) as checkd:
        for _ in range(3):
            checkd.load(f"check it {json.dumps(check)}", f"probe it {server.target}")
            assert gate.reached.wait(10), "a probe under way"
            checkd.load()
            gate.opened.set()
            wait_until(lambda: server.open == 0, what="the end at the server")
            kept.append(descriptors(checkd.pid))
            gate.reached.clear()
            gate.opened.clear()
        assert kept[1] == kept[2], "what a type shares is there from its first probe on"
        assert not checkd.facts(verdict="up")
        checkd.release()


@pytest.mark.parametrize("check, answers, questions, said", [
    (of("udp", send="hello", expect="hello", require_reply=True), lambda asked: [asked.after(1, asked.data)], 1, "matches"),
    (of("dns", timeout="2s"),  # the first question is lost, the reload comes before the second
     lambda asked: [asked.number > 1 and asked.data[:2] + b"\x81\x80" + asked.data[4:] or None], 2, "noerror, 0 answers")],
    ids=["udp", "dns"])
def test_datagrams_are_waited_for_over_reloads(check, answers, questions, said):
    with Datagrams(answers) as server, Checkd() as checkd:
        mine = [f"check it {json.dumps(check)}", f"probe it {server.target}"]
        checkd.load(*mine)
        wait_until(lambda: server.heard, what="a question")
        for _ in range(2):
            checkd.load("check more type=process process=init interval=60s", "probe more -", *mine)
            checkd.load(*mine)
        end = wait_until(lambda: [fact for fact in checkd.facts(check="it") if fact["reason"] != "none"], what="its end")[0]
        assert (end["reason"], end["detail"]) == ("passed", said)
        assert len(server.heard) == questions


# ---- what a check that stays keeps ----

class Told:
    """A server that passes or fails as the next letter says (+ or -), the last one for ever; `asked` counts."""

    def __init__(self, letters):
        self.letters, self.times = letters, []

    def __call__(self, connection):
        connection.request()
        good = self.letters[min(len(self.times), len(self.letters) - 1)] == "+"
        self.times.append(time.monotonic())
        connection.send(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"200 OK" if good else b"500 Broken"))
        connection.wait_gone()


def reload_after_each(checkd, told, lines, count):
    """A reload whenever one more probe has ended, until there were `count`."""
    for number in range(1, count + 1):
        wait_until(lambda: len(told.times) >= number, what="a probe")
        checkd.load("check more type=process process=init interval=60s", "probe more -", *lines)
        checkd.load(*lines)


def test_failures_are_counted_over_reloads():
    told = Told("+----")
    with Server(told) as server, Checkd() as checkd:
        lines = [f"check it {json.dumps(of('http', interval='400ms', timeout='300ms', fall=4))}", f"probe it {server.target}"]
        checkd.load(*lines)
        reload_after_each(checkd, told, lines, 4)
        checkd.wait_fact(verdict="down")
        assert len(told.times) == 5, "one pass and four failures"


def test_passes_are_counted_over_reloads():
    told = Told("+-+++")
    with Server(told) as server, Checkd() as checkd:
        lines = [f"check it {json.dumps(of('http', interval='400ms', timeout='300ms', fall=1, rise=3))}",
                 f"probe it {server.target}"]
        checkd.load(*lines)
        reload_after_each(checkd, told, lines, 4)
        down = checkd.wait_fact(verdict="down")
        up = wait_until(lambda: [fact for fact in checkd.facts(verdict="up") if fact["since"] > down["since"]], what="up")[0]
        assert len(told.times) == 5 and up["since"] > down["since"], "three passes in a row"


def test_a_check_that_changes_begins_anew():
    told = Told("+---")
    with Server(told) as server, Checkd() as checkd:
        def lines(fall):
            return [f"check it {json.dumps(of('http', interval='400ms', timeout='300ms', fall=fall))}",
                    f"probe it {server.target}"]
        checkd.load(*lines(3))
        wait_until(lambda: len(told.times) >= 3, what="two failures")
        checkd.load(*lines(4))
        assert checkd.fact()["verdict"] == "unknown"


def test_the_next_start_stays_when_it_was_over_a_reload():
    """The second one, that is: the first comes early, so that what began together is spread."""
    told = Told("+")
    with Server(told) as server, Checkd() as checkd:
        lines = [f"check it {json.dumps(of('http', interval='3s', timeout='1s'))}", f"probe it {server.target}"]
        checkd.load(*lines)
        for after in (0.5, 1.0, 1.5):
            wait_until(lambda: len(told.times) > 1 and time.monotonic() - told.times[1] > after, what="time to pass")
            checkd.load("check more type=process process=init interval=60s", "probe more -", *lines)
        wait_until(lambda: len(told.times) > 2, what="the next probe")
        assert 2.75 < told.times[2] - told.times[1] < 4, "not within a second of a reload, nor an interval behind it"


def test_a_server_that_is_suppressed_stays_so_over_a_reload():
    told = Told("+-+-+")
    with Server(told) as server, Checkd() as checkd:
        keys = dict(interval="200ms", timeout="150ms", fall=1, rise=1, suppress="3s", max_suppress="10s")
        lines = [f"check it {json.dumps(of('http', **keys))}", f"probe it {server.target}"]
        checkd.load(*lines)
        words = "status 200; suppressed for 3s: down 2 times"
        held = checkd.wait_fact(verdict="down", detail=words)
        checkd.load("check more type=process process=init interval=60s", "probe more -", *lines)
        again = checkd.wait_next(verdict="down", detail=words)
        assert again["since"] == held["since"]
        up = wait_until(lambda: [fact for fact in checkd.facts(verdict="up") if fact["since"] > held["since"]], what="up")[0]
        assert 2.9 < up["since"] - held["since"] < 3.6, "no longer and no shorter than without the reload"
