"""Checks of type udp: one row per way in which a server can answer or not; what it says of it, and that the deadline held."""
import os

import pytest

from checkd import Checkd
from lbhatest import wait_until
from lbhatest.datagrams import Datagrams, nobody
from lbhatest.lab import Lab
from lbhatest.machine import BareTimer, told_in_time

TIMEOUT_MS, GRACE_MS = 300, 80
UDP = "type: udp, interval: 400ms, timeout: 300ms"
WANTED = UDP + ", send: 'hello\\r\\n', expect: 'wor\\x6cd'"


@pytest.fixture(scope="module", autouse=True)
def timer():
    """Beside all tests of this file."""
    global beside
    with BareTimer() as beside:
        yield


def probed(check, target, host=None):
    with Checkd(host=host) as checkd:
        checkd.load(f"check it {{{check}}}", f"probe it {target}")
        return checkd.ended_first()


def judged(fact, reason, detail, at_deadline):
    wanted = {"passed": "up", "resources": "unknown", "local": "unknown"}.get(reason, "down")
    assert (fact["reason"], fact["detail"], fact["verdict"]) == (reason, detail, wanted), fact
    if at_deadline:
        assert TIMEOUT_MS <= fact["latency_ms"] < TIMEOUT_MS + GRACE_MS, fact
    else:
        assert fact["latency_ms"] < TIMEOUT_MS - GRACE_MS, fact


def tells(check, target, reason, detail, at_deadline=False, host=None):
    told_in_time(lambda: judged(probed(check, target, host), reason, detail, at_deadline), beside, GRACE_MS / 1000)


SILENT = lambda asked: []  # noqa: E731
NO_REPLY = ("reply_timeout", "no reply within 300ms", True)
# behaviour, check, reason, words, at the deadline
ROWS = {
    "is silent": (SILENT, UDP, "passed", "no reply, no complaint", True),
    "is silent and must reply": (SILENT, UDP + ", require_reply: true", *NO_REPLY),
    "is silent and must say something": (SILENT, WANTED, *NO_REPLY),
    "is silent and must say something, whatever require_reply says": (SILENT, WANTED + ", require_reply: false", *NO_REPLY),
    "replies unasked": (lambda a: [b"x"], UDP, "passed", "replied", False),
    "replies": (lambda a: [b"x"], UDP + ", require_reply: true", "passed", "replied", False),
    "replies with nothing": (lambda a: [b""], UDP + ", require_reply: true", "passed", "replied", False),
    "says it": (lambda a: [b"hello \0 world!"], WANTED, "passed", "matches", False),
    "says it twice": (lambda a: [b"world", b"world"], WANTED, "passed", "matches", False),
    "says it last in a large reply": (lambda a: [b"-" * 60000 + b"world"], WANTED, "passed", "matches", False),
    "says something else": (lambda a: [b"busy\r\n"], WANTED, "mismatch", 'no match in "busy"', False),
    "says nothing": (lambda a: [b""], WANTED, "mismatch", 'no match in ""', False),
    "says half of it": (lambda a: [b"worl", b"d"], WANTED, "mismatch", 'no match in "worl"', False),
    "sends garbage": (lambda a: [bytes(range(256)) * 8], WANTED, "mismatch", None, False),
    "somebody else says it": (lambda a: [a.from_another_port(b"world")], WANTED, *NO_REPLY),
    "is late": (lambda a: [a.after(0.45, b"world")], WANTED, *NO_REPLY),
    "takes its time": (lambda a: [a.after(0.1, b"world")], WANTED, "passed", "matches", False),
}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("row", ROWS)
def test_a_server_that(row, address):
    behaviour, check, reason, detail, at_deadline = ROWS[row]
    with Datagrams(behaviour, address) as server:
        if detail is None:
            fact = probed(check, server.target)
            assert fact["reason"] == reason and len(fact["detail"]) < 120 and fact["detail"].isprintable()
        else:
            tells(check, server.target, reason, detail, at_deadline)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("check", [UDP, WANTED])
def test_a_closed_port_is_down_at_once(check, address):
    tells(check, nobody(address), "refused", "port unreachable")


def test_any_bytes_are_sent_as_they_are_written():
    with Datagrams(lambda a: [b"x"]) as server:
        probed(UDP + r", send: 'a\r\n\t\x00\xfF\\ \xe4'", server.target)
        probed(UDP, server.target)
        assert [asked.data for asked in server.heard[:2]] == [b"a\r\n\t\0\xff\\ \xe4", b""]


def test_what_comes_late_for_one_probe_does_not_count_for_the_next():
    """Each answer arrives while another probe waits; each probe has a port of its own."""
    with Datagrams(lambda a: [a.after(0.5, b"world")]) as server, Checkd() as checkd:
        checkd.load(f"check it {{{WANTED}, fall: 100}}", f"probe it {server.target}")
        wait_until(lambda: len(server.heard) > 5, what="six probes")
        assert not checkd.facts(reason="passed")
        assert len({asked.peer for asked in server.heard}) == len(server.heard)


def test_a_server_that_comes_and_goes():
    alive = [True]
    with Datagrams(lambda a: [b"world"] if alive[0] else []) as server, Checkd() as checkd:
        checkd.load(f"check it {{{WANTED}, rise: 2, fall: 2}}", f"probe it {server.target}")
        checkd.wait_fact(verdict="up")
        alive[0] = False
        assert checkd.wait_fact(verdict="down")["reason"] == "reply_timeout"
        alive[0] = True
        checkd.wait_next(verdict="up")


# ---- over a network ----

RULES = """table inet filter {
    chain input { type filter hook input priority 0;
        udp dport 1 reject with icmpx type admin-prohibited
        udp dport 2 reject with icmpx type host-unreachable
        udp dport 3 drop
    }
    chain output { type filter hook output priority 0;
        udp dport 4 drop
    }
}"""


@pytest.fixture(scope="module")
def net():
    lab = Lab("udp")
    try:
        out, far = lab.segment("out", "10.9.0.0/24"), lab.segment("far", "10.10.0.0/24")
        lab.lb = lab.host("lb", (out, "10.9.0.10", "fd09::10/64"))
        lab.server = lab.host("server", (out, "10.9.0.20", "fd09::20/64"), (far, "10.10.0.20"))
        lab.lb.route("10.10.0.0/24 via 10.9.0.20")
        lab.server.sysctl("net.ipv4.ip_forward", 1)
        for host in lab.lb, lab.server:
            for setting in "net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit":
                host.sysctl(setting, 0)
            host.run("nft", "-f", "-", input=RULES)
            for family in "ipv4", "ipv6":
                host.sysctl(f"net.{family}.neigh.eth0.retrans_time_ms", 20)
        lab.server.sysctl("net.ipv4.neigh.eth1.retrans_time_ms", 20)
        yield lab
    finally:
        lab.close()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


@needs_root
@pytest.mark.parametrize("target, reason, detail", [
    ("10.9.0.20:9", "refused", "port unreachable"),
    ("[fd09::20]:9", "refused", "port unreachable"),
    ("10.9.0.20:1", "unreachable", "prohibited by a filter"),
    ("[fd09::20]:1", "unreachable", "prohibited by a filter"),
    ("10.9.0.20:2", "unreachable", "host unreachable"),
    ("[fd09::20]:2", "unreachable", "address unreachable"),
    ("10.9.0.99:9", "unreachable", "host unreachable, says 10.9.0.10"),
    ("[fd09::99]:9", "unreachable", "address unreachable, says fd09::10"),
    ("10.10.0.99:9", "unreachable", "host unreachable, says 10.9.0.20"),
    ("203.0.113.1:9", "unreachable", "connect: network unreachable"),
    ("10.9.0.20:4", "local", "here: send: not permitted"),
])
def test_whoever_says_that_it_cannot_be_delivered(net, target, reason, detail):
    fact = probed("type: udp, timeout: 3s, interval: 3s", target, net.lb)
    assert (fact["reason"], fact["detail"]) == (reason, detail), fact
    assert fact["latency_ms"] < 1000


@needs_root
def test_a_filter_that_says_nothing_is_silence(net):
    tells(UDP, "10.9.0.20:3", "passed", "no reply, no complaint", True, net.lb)
    tells(WANTED, "10.9.0.20:3", *NO_REPLY, net.lb)


@needs_root
def test_source_and_interface_are_those_that_are_given(net):
    net.lb.ip("addr replace 10.9.0.11/24 dev eth0")
    with Datagrams(lambda a: [b"world"], "10.9.0.20", host=net.server) as server:
        tells(WANTED + ", bind: 10.9.0.11, interface: eth0", server.target, "passed", "matches", host=net.lb)
        assert server.heard[0].peer[0] == "10.9.0.11"
    fact = probed(UDP + ", bind: 10.9.0.77", "10.9.0.20:9", net.lb)
    assert (fact["reason"], fact["detail"]) == ("local", "here: cannot bind to 10.9.0.77: not an address of this machine")
