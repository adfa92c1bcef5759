"""Checks of type dns, by UDP and TCP: one row per way in which a server can answer or not; verdict, reason, and the deadline."""
import os
import re
import socket
import struct
import time

import pytest

from checkd import Checkd
from lbhatest import wait_for, wait_until
from lbhatest.datagrams import Datagrams, nobody
from lbhatest.machine import BareTimer, told_in_time
from lbhatest.rogue import Server, closes, drips, floods, garbage, refusing_port, resets, silent, stays
from vrrp_pair import config

TIMEOUT_MS, GRACE_MS = 300, 80
DNS = "type: dns, interval: 400ms, timeout: 300ms"
WWW = DNS + ", name: www.example.org, record: A"
WANTED = WWW + ", expect: {address: 192.0.2.80}"
A, CNAME = 1, 5


@pytest.fixture(scope="module", autouse=True)
def timer():
    """Beside all tests of this file."""
    global beside
    with BareTimer() as beside:
        yield


# ---- messages ----

def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(owner, kind, data):
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def address(text, owner=b"\xc0\x0c"):
    return record(owner, A, socket.inet_aton(text))


def alias(owner, to):
    return record(name(owner), CNAME, name(to))


def answer(query, *answers, rcode=0, flags=0x8180, id=None, question=None):
    """To a query as it came; its question again unless another is given."""
    return struct.pack("!HHHHHH", struct.unpack("!H", query[:2])[0] if id is None else id, flags | rcode, 1, len(answers), 0, 0) + \
        (query[12:] if question is None else question) + b"".join(answers)


def wrong_id(query):
    return struct.unpack("!H", query[:2])[0] ^ 1


GOOD = address("192.0.2.80")
NO_REPLY = ("reply_timeout", "no reply within 300ms", True)
PASSED = ("passed", "192.0.2.80", False)
# what comes back to a query, for both transports → check, reason, words, at the deadline
ROWS = {
    "answers": (lambda q: [answer(q, GOOD)], WANTED, *PASSED),
    "answers with more": (lambda q: [answer(q, address("192.0.2.1"), GOOD)], WANTED, "passed", "192.0.2.1, 192.0.2.80", False),
    "answers by an alias": (lambda q: [answer(q, address("192.0.2.80", name("B.net")), alias("www.example.org", "b.net"))], WANTED,
                            *PASSED),
    "has other addresses": (lambda q: [answer(q, address("192.0.2.1"))], WANTED, "mismatch",
                            "192.0.2.80 is not in the answer 192.0.2.1", False),
    "has no address": (lambda q: [answer(q)], WANTED, "mismatch", "192.0.2.80 is not in the answer", False),
    "has another name's": (lambda q: [answer(q, address("192.0.2.80", name("b.net")))], WANTED, "mismatch",
                           "192.0.2.80 is not in the answer", False),
    "aliases in a circle": (lambda q: [answer(q, alias("www.example.org", "b.net"), alias("b.net", "www.example.org"))], WANTED,
                            "protocol", "malformed answer", False),
    "a name that points at itself": (lambda q: [answer(q, address("192.0.2.80", b"\xc0\x21"))], WANTED, "protocol",
                                     "malformed answer", False),
    "half an answer": (lambda q: [answer(q, GOOD)[:-3]], WANTED, "protocol", "malformed answer", False),
    "fewer answers than it says": (lambda q: [answer(q, GOOD, b"")], WANTED, "protocol", "malformed answer", False),
    "truncates": (lambda q: [answer(q, address("192.0.2.1"), b"", flags=0x8380)], WANTED, "mismatch",
                  r"192.0.2.80 is not in the answer 192.0.2.1 (truncated: ask by tcp)", False),
    "truncates behind what is wanted": (lambda q: [answer(q, GOOD, b"", flags=0x8380)], WANTED, *PASSED),
    "truncates where a code is enough": (lambda q: [answer(q, flags=0x8380)], WWW, "passed", "noerror, 0 answers (truncated)", False),
    "fails": (lambda q: [answer(q, rcode=2)], WWW, "status", "servfail, wanted noerror", False),
    "refuses": (lambda q: [answer(q, rcode=5)], WANTED, "status", "refused, wanted noerror", False),
    "refuses as wanted": (lambda q: [answer(q, rcode=5)], WWW + ", expect: {rcode: [nxdomain, refused]}", "passed",
                          "refused, 0 answers", False),
    "knows the name that it should not": (lambda q: [answer(q, GOOD)], WWW + ", expect: {rcode: NXDOMAIN}", "status",
                                          "noerror, wanted nxdomain", False),
    "does not understand": (lambda q: [q[:2] + b"\x80\x01" + bytes(8)], WWW, "status", "formerr, wanted noerror", False),
    "is silent": (lambda q: [], WANTED, *NO_REPLY),
}
# by UDP alone, where strangers can answer; by TCP the words of a timeout are others
NOT_OURS = {
    "another id": lambda q: [answer(q, GOOD, id=wrong_id(q))],
    "another name": lambda q: [answer(q, GOOD, question=name("www.example.com") + b"\0\1\0\1")],
    "another type": lambda q: [answer(q, GOOD, question=q[12:-4] + b"\0\x1c\0\1")],
    "no question": lambda q: [q[:2] + b"\x81\x80" + bytes(8)],
    "the question itself": lambda q: [q],
    "half a header": lambda q: [answer(q)[:11]],
    "garbage": lambda q: [bytes(range(256))],
    "nothing": lambda q: [b""],
}


def probed(check, target):
    with Checkd() as checkd:
        checkd.load(f"check it {{{check}}}", f"probe it {target}")
        return checkd.ended_first()


def judged(fact, reason, detail, at_deadline):
    assert (fact["reason"], fact["verdict"]) == (reason, "up" if reason == "passed" else "down"), fact
    assert fact["detail"] == detail if isinstance(detail, str) else detail.fullmatch(fact["detail"]), fact
    if at_deadline:
        assert TIMEOUT_MS <= fact["latency_ms"] < TIMEOUT_MS + GRACE_MS, fact
    else:
        assert fact["latency_ms"] < TIMEOUT_MS - GRACE_MS, fact


def tells(check, target, *wanted):
    told_in_time(lambda: judged(probed(check, target), *wanted), beside, GRACE_MS / 1000)


def answers(behaviour):
    """The same for a Datagrams server."""
    return lambda asked: behaviour(asked.data)


def speaks(behaviour, then=stays):
    """The same over TCP, with the lengths."""
    def script(connection):
        if connection.hear_until(b"\0\1\0\1") is None:
            return
        for message in behaviour(connection.heard[2:]):
            connection.send(struct.pack("!H", len(message)) + message)
        then(connection)
    return script


# ---- by UDP ----

@pytest.mark.parametrize("row", ROWS)
def test_a_server_that_by_udp(row):
    behaviour, *wanted = ROWS[row]
    with Datagrams(answers(behaviour)) as server:
        tells(wanted[0], server.target, *wanted[1:])


@pytest.mark.parametrize("row", NOT_OURS)
def test_what_is_no_answer_is_waited_past(row):
    with Datagrams(answers(NOT_OURS[row])) as server:
        tells(WWW, server.target, *NO_REPLY)
    with Datagrams(lambda asked: [*NOT_OURS[row](asked.data) * 20, answer(asked.data, GOOD)]) as server:
        tells(WANTED, server.target, *PASSED)


def test_a_spoofed_source_is_not_heard():
    with Datagrams(lambda asked: [asked.from_another_port(answer(asked.data, GOOD))]) as server:
        tells(WANTED, server.target, *NO_REPLY)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_closed_port_is_down_at_once(address):
    tells(DNS, nobody(address), "refused", "port unreachable", False)
    with Datagrams(lambda asked: [answer(asked.data)], address) as server:
        tells(DNS, server.target, "passed", "noerror, 0 answers", False)


def test_one_lost_packet_is_no_failure():
    """The question comes again, the same, when half of the timeout is over; and no third time."""
    def second(asked):
        return [answer(asked.data, GOOD)] if asked.number % 2 == 0 else []

    def once():
        with Datagrams(second) as server:
            fact = probed(WANTED, server.target)
            assert fact["reason"] == "passed" and TIMEOUT_MS / 2 <= fact["latency_ms"] < TIMEOUT_MS / 2 + GRACE_MS, fact
            first, again = server.heard[:2]
            assert (first.data, first.peer) == (again.data, again.peer)

    told_in_time(once, beside, GRACE_MS / 1000)
    with Datagrams(lambda asked: []) as server, Checkd() as checkd:
        checkd.load(f"check it {{{WANTED}, fall: 100}}", f"probe it {server.target}")
        wait_until(lambda: len({asked.peer for asked in server.heard}) > 3, what="four probes")
        peers = [asked.peer for asked in server.heard]
        assert all(peers.count(peer) == 2 for peer in peers[:6])
        assert len({asked.data[:2] for asked in server.heard}) > 2, "ids are random"


def test_a_slow_answer_counts_within_the_timeout_and_never_for_the_next_probe():
    with Datagrams(lambda asked: [asked.after(0.2, answer(asked.data, GOOD))]) as server:
        assert probed(WANTED, server.target)["reason"] == "passed"
    with Datagrams(lambda asked: [asked.after(0.5, answer(asked.data, GOOD))]) as server, Checkd() as checkd:
        checkd.load(f"check it {{{WANTED}, fall: 100}}", f"probe it {server.target}")
        wait_until(lambda: len(server.heard) > 9, what="five probes")
        assert not checkd.facts(reason="passed")


def test_the_question_is_what_lbha_conf_says():
    with Datagrams(lambda asked: [answer(asked.data)]) as server:
        probed(DNS, server.target)
        probed(DNS + ", name: Mail.Example.org., record: mx", server.target)
        questions = [asked.data[2:] for asked in server.heard[:2]]
    assert questions[0] == b"\1\0\0\1\0\0\0\0\0\0" + b"\0\0\6\0\1"
    assert questions[1] == b"\1\0\0\1\0\0\0\0\0\0" + name("mail.example.org") + b"\0\x0f\0\1"


# ---- by TCP ----

BY_TCP = ", transport: tcp"


@pytest.mark.parametrize("row", [row for row in ROWS if row != "is silent"])
def test_a_server_that_by_tcp(row):
    behaviour, check, *wanted = ROWS[row]
    with Server(speaks(behaviour)) as server:
        tells(check + BY_TCP, server.target, *wanted)


class Matching:
    def __init__(self, pattern):
        self.fullmatch = re.compile(pattern).fullmatch


IN_TIME = r" \(connected after [0-9.]+(us|ms).*\)"
TCP_ROWS = {
    "is silent": (silent, "reply_timeout", Matching("no reply within 300ms" + IN_TIME), True),
    "drips": (speaks(lambda q: [], drips(b"\0\x40" + bytes(64), 0.05)), "reply_timeout", Matching(".* within 300ms" + IN_TIME), True),
    "resets": (speaks(lambda q: [], resets), "reset", Matching("connection reset.*"), False),
    "closes": (speaks(lambda q: [], closes), "reset", Matching("connection closed.*"), False),
    "closes in the middle": (speaks(lambda q: [], lambda c: c.send(b"\0\x40" + bytes(9))), "reset", Matching("connection .*"), False),
    "answers another question only": (speaks(NOT_OURS["another name"]), "reply_timeout", Matching(".*within 300ms" + IN_TIME), True),
    "answers another question first": (speaks(lambda q: [b"", *NOT_OURS["another id"](q), answer(q, GOOD)]), *PASSED),
    "answers and closes": (speaks(lambda q: [answer(q, GOOD)], closes), *PASSED),
    "sends a message that is too large": (speaks(lambda q: [bytes(60000)]), "too_large", "answer larger than 16KiB", False),
    "sends 100 MB": (speaks(lambda q: [], floods()), None, None, None),
    "sends garbage": (garbage(), None, None, None),
}


@pytest.mark.parametrize("row", TCP_ROWS)
def test_a_connection_that(row):
    script, *wanted = TCP_ROWS[row]
    with Server(script) as server:
        if wanted[0]:
            tells(WANTED + BY_TCP, server.target, *wanted)
            return
        fact = probed(WANTED + BY_TCP, server.target)  # whatever it is, it is in time and no pass
        assert fact["verdict"] == "down" and fact["latency_ms"] < TIMEOUT_MS + GRACE_MS, fact


def test_a_closed_port_by_tcp_is_refused():
    tells(DNS + BY_TCP, f"127.0.0.1:{refusing_port()}", "refused", "connect: refused", False)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_an_answer_in_two_segments(cut):
    def script(connection):
        if connection.hear_until(b"\0\1\0\1") is not None:
            data = answer(connection.heard[2:], GOOD)
            data = struct.pack("!H", len(data)) + data
            connection.send(data[:cut])
            time.sleep(0.02)
            connection.send(data[cut:])
            connection.wait_gone()

    with Server(script) as server:
        server_says = probed(WANTED + BY_TCP, server.target)
        assert server_says["detail"] == "192.0.2.80", server_says


# ---- as a tracker ----

@pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")
def test_a_director_gives_way_when_its_resolver_or_its_game_is_gone(lab):
    """Through lbhad: verdicts of dns and udp checks move the priority, down and up again."""
    state = {"dns": True, "udp": True}
    lan = lab.segment("lan", "192.168.8.0/24")
    far = lab.host("far", (lan, "192.168.8.1"))
    track = "vrrp: {public: {track: [{check: resolver, weight: -10}, {check: game, weight: -20}]}}"
    lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=config(first=150).replace(
        "priority: 150,", f"priority: 150, {track},") + """
defaults: {check: {interval: 100ms, timeout: 90ms, rise: 1, fall: 2}}
checks:
  resolver: {type: dns, address: 192.168.8.1, name: www.example.org, record: A, expect: {address: 192.0.2.80}}
  game: {type: udp, address: 192.168.8.1, port: 9000, send: 'get\\x00info', expect: info}
""")
    with Datagrams(lambda asked: [answer(asked.data, *[GOOD] * state["dns"])], "192.168.8.1", 53, far), \
            Datagrams(lambda asked: [asked.data] if state["udp"] else [], "192.168.8.1", 9000, far) as game:
        lb1.start()
        lb1.wait_role("MASTER")
        for gone, priority, reason in (("dns", 140, "192.0.2.80 is not in the answer"), ("udp", 130, "no reply within 90ms")):
            wait_for(lambda: lb1.vrrp()["priority"], 150, what="both there")
            state[gone] = False
            wait_for(lambda: lb1.vrrp()["priority"], priority, what=f"{gone} is gone")
            assert reason in [tracker["reason"] for tracker in lb1.vrrp()["trackers"]]
            state[gone] = True
        wait_for(lambda: lb1.vrrp()["priority"], 150, what="both are back")
        assert game.heard[0].data == b"get\0info"
