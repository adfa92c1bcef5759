"""Checks that are a dialogue, against servers that misbehave: verdict, reason, and that the deadline held.

lbha-checkd alone against scripted servers on loopback. That the end does not depend on how the bytes are cut is shown by
tests/unit/test_talk.c; here are a few rows for the connection.
"""
import pytest

from lbhatest import wait_until
from lbhatest.rogue import (Server, closes, drips, floods, full_backlog, garbage, half_closes, in_pieces, refusing_port, resets,
                            resets_later, says, silent, stays)

from judging import BYTES_IN_TIME, IN_TIME, tells, timer  # noqa: F401

TIMES = {"interval": "400ms", "timeout": "300ms"}


def heard(then):
    """Wait until the client has said something, then do what is told."""
    def behaviour(connection):
        connection.hear()
        then(connection)
    return behaviour


# ---- tcp ----

TCP = dict(TIMES, type="tcp", send=r"HELO me\r\n", expect="220 ready")
TCP_ROWS = {
    "greets": (says(b"220 ready\r\n", stays), "passed", "matches"),
    "greets in two segments": (in_pieces(b"220 ready\r\n", 2, pause=0.1), "passed", "matches"),
    "greets and closes": (says(b"220 ready\r\n"), "passed", "matches"),
    "greets and half-closes": (says(b"220 ready\r\n", half_closes), "passed", "matches"),
    "drips a good greeting": (drips(b"220 ready\r\n", 0.01), "passed", "matches"),
    "says nothing": (silent, "reply_timeout", "no match within 300ms " + IN_TIME),
    "drips": (drips(b"220 " * 100, 0.05), "reply_timeout", "no match within 300ms " + BYTES_IN_TIME),
    "says another thing": (says(b"554 no\r\n", stays), "reply_timeout", "no match within 300ms " + BYTES_IN_TIME),
    "says another thing and closes": (heard(says(b"554 no\r\n")), "mismatch", 'no match in "554 no"'),
    "says another thing, closes and hears nothing": (says(b"554 no\r\n"), "mismatch", 'no match in "554 no"'),
    "closes": (heard(closes), "reset", "connection closed without a match"),
    "half-closes": (half_closes, "reset", "connection closed without a match"),
    "resets": (heard(resets), "reset", "connection reset without a match"),
    "resets after a while": (resets_later, "reset", "connection reset without a match"),
    "sends garbage": (heard(garbage()), "mismatch", 'no match in ".*"'),
    "sends 100 MB": (floods(), "mismatch", 'no match in "[?]+…", 16KiB in all'),
}


@pytest.mark.parametrize("row", TCP_ROWS)
def test_tcp_server_that(row):
    behaviour, reason, detail = TCP_ROWS[row]
    with Server(behaviour) as server:
        tells(TCP, server.target, reason, detail)


REGEX = dict(TIMES, type="tcp", expect_regex="^220 .*(ready|waiting)$")
REGEX_ROWS = {
    "greets": (says(b"220 mail ready\r\n", stays), "passed", "matches"),
    "greets in two segments": (in_pieces(b"220 mail ready\r\n", 12, pause=0.1), "passed", "matches"),
    "says another thing and closes": (says(b"554 not ready\r\n"), "mismatch", 'no match in "554 not ready"'),
    "says nothing": (silent, "reply_timeout", "no match within 300ms " + IN_TIME),
    "sends 100 MB": (floods(piece=b"220 " * 16384), "mismatch", 'no match in "220 .*…", 16KiB in all'),
}


@pytest.mark.parametrize("row", REGEX_ROWS)
def test_tcp_server_of_whom_a_match_is_expected_that(row):
    behaviour, reason, detail = REGEX_ROWS[row]
    with Server(behaviour) as server:
        tells(REGEX, server.target, reason, detail)


def test_an_expression_that_takes_too_long_says_so():
    with Server(says(b"a" * 10000, stays)) as server:
        tells(dict(TIMES, type="tcp", expect_regex="(a|aa)+[cd]"), server.target, "match_limit",
              "expect_regex takes too much work on what the server sends")


def test_what_is_sent_arrives_even_when_nothing_is_expected():
    ends = []

    def behaviour(connection):
        while connection.hear():
            pass
        ends.append(connection.heard)

    with Server(behaviour) as server:
        tells(dict(TIMES, type="tcp", send=r"a\r\nb\x00\xff"), server.target, "passed", "sent")
        wait_until(lambda: ends, what="what was sent")
    assert ends[0] == b"a\r\nb\x00\xff"


# ---- handshakes ----

GREETING = (b"\x2e\0\0\0\x0a5.5.5-10.11.6\0" b"\x08\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\xff\x81\x15" + bytes(10))
REDIS, MYSQL, POSTGRESQL, LDAP = (dict(TIMES, type=kind) for kind in ("redis", "mysql", "postgresql", "ldap"))
HANDSHAKES = {
    "redis": (REDIS, "PONG", b"+PONG\r\n", "PONG"),
    "mysql": (dict(MYSQL, user="lbha"), "greeting", (GREETING, b"\x07\0\0\x02\0\0\0\x02\0\0\0"), "logged in"),
    "postgresql": (dict(POSTGRESQL, user="lbha"), "reply to the startup message", b"R\0\0\0\x0c\0\0\0\x05salt",
                   "asks for a password"),
    "ldap": (LDAP, "bind response", b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0", "bound"),
}


def speaks(answer, then=stays):
    """The good answers of a server, in their turn."""
    if isinstance(answer, bytes):
        return heard(says(answer, then))
    return says(answer[0], heard(says(answer[1], then)))


@pytest.mark.parametrize("kind", HANDSHAKES)
class TestHandshake:
    def test_passes_with_a_good_server(self, kind):
        check, _, answer, words = HANDSHAKES[kind]
        with Server(speaks(answer)) as server:
            tells(check, server.target, "passed", words)

    def test_passes_with_one_that_answers_early_and_closes(self, kind):
        check, _, answer, words = HANDSHAKES[kind]
        with Server(says(answer if isinstance(answer, bytes) else b"".join(answer), half_closes)) as server:
            tells(check, server.target, "passed", words)

    def test_passes_with_one_that_drips(self, kind):
        check, _, answer, words = HANDSHAKES[kind]
        with Server(drips(answer if isinstance(answer, bytes) else b"".join(answer), 0.002)) as server:
            tells(check, server.target, "passed", words)

    @pytest.mark.parametrize("behaviour, reason, detail", [
        (silent, "reply_timeout", "no {} within 300ms " + IN_TIME),
        (heard(closes), "reset", "connection (closed|reset) without a {}"),
        (half_closes, "reset", "connection closed without a {}"),
        (resets_later, "reset", "connection reset without a {}"),
        (garbage(), "protocol", "reply is not [A-Za-z]+"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n", stays), "protocol", "reply is not [A-Za-z]+"),
        (floods(), "protocol", "reply is not [A-Za-z]+"),
    ], ids=["silent", "closes", "half-closes", "resets", "garbage", "http", "100MB"])
    def test_fails_with_one_that_is(self, kind, behaviour, reason, detail):
        check, awaits, _, _ = HANDSHAKES[kind]
        if kind == "mysql" and behaviour not in (silent, half_closes, resets_later) and reason == "reset":
            behaviour = closes
        with Server(behaviour) as server:
            tells(check, server.target, reason, detail.format(awaits))


@pytest.mark.parametrize("kind, answer", [("mysql", HANDSHAKES["mysql"][2]), ("ldap", HANDSHAKES["ldap"][2]),
                                          ("postgresql", HANDSHAKES["postgresql"][2])])
def test_the_farewell_arrives_and_the_connection_ends_in_order(kind, answer):
    ends = []

    def behaviour(connection):
        speaks(answer, lambda _: None)(connection)
        while connection.hear():
            pass
        ends.append((connection.heard, connection.wait_gone()))

    with Server(behaviour) as server:
        tells(HANDSHAKES[kind][0], server.target, "passed", HANDSHAKES[kind][3])
        wait_until(lambda: ends, what="the end of the connection")
    farewell = {"mysql": b"\x01\0\0\0\x01", "ldap": b"\x30\x05\x02\x01\x02\x42\0", "postgresql": b""}[kind]
    assert ends[0][0].endswith(farewell) and ends[0][1]


# ---- all of them ----

@pytest.mark.parametrize("check", [TCP, REDIS, MYSQL, POSTGRESQL, LDAP], ids=lambda check: check["type"])
def test_a_closed_port_refuses(check):
    tells(check, f"127.0.0.1:{refusing_port()}", "refused", "connect: refused")


@pytest.mark.parametrize("check", [TCP, REDIS, MYSQL, POSTGRESQL, LDAP], ids=lambda check: check["type"])
def test_a_server_that_drops_syns_times_out_connecting(check):
    with full_backlog() as target:
        tells(check, target, "connect_timeout", "no connection within 300ms")
