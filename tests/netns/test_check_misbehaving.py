"""One row per way in which a server can misbehave: what the check says of it, and that the deadline held.

lbha-checkd alone against scripted servers on loopback. A dead proxy in the environment must be without effect.
"""
import pytest

from lbhatest import wait_until
from lbhatest.rogue import (Server, answer, closes, drips, floods, full_backlog, garbage, half_closes, in_pieces, refusing_port,
                            requested, resets, resets_later, says, silent, stays)

from checkd import Checkd
from judging import BYTES_IN_TIME, IN_TIME, judged, probed, tells, timer  # noqa: F401

TCP = "type=tcp interval=400ms timeout=300ms"
HTTP = "type=http interval=400ms timeout=300ms"


# ---- behaviours ----

def told(data, then=closes):
    """Read the request, send this; then close, or do what is told."""
    return requested(says(data, then))


def told_slowly(data):
    return requested(drips(data, 0.05))


def endless(head, piece):
    return requested(floods(head, piece))


OK = b"HTTP/1.1 200 OK\r\n"

TCP_ROWS = {
    "accepts and says nothing": (silent, "passed", "connected"),
    "resets after accepting": (resets_later, "passed", "connected"),
    "speaks first": (says(b"220 hello\r\n"), "passed", "connected"),
}

HTTP_ROWS = {
    # well-behaved in uncommon ways
    "answers": (answer(), "passed", "status 200"),
    "answers before the request": (says(OK + b"Content-Length: 4\r\n\r\nfine", stays), "passed", "status 200"),
    "answers without content": (told(b"HTTP/1.1 204 No Content\r\n\r\n", stays), "passed", "status 204"),
    "ends the body by closing": (told(b"HTTP/1.0 200 OK\r\n\r\nfine"), "passed", "status 200"),
    "chunks well": (told(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n", stays), "passed", "status 200"),
    "sends an interim answer": (told(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", stays),
                                "passed", "status 200"),
    "stays open after the answer": (told(OK + b"Content-Length: 4\r\n\r\nfine", stays), "passed", "status 200"),
    "half-closes after the answer": (told(OK + b"Content-Length: 4\r\n\r\nfine", half_closes), "passed", "status 200"),
    # wrong status
    "503": (answer("503 Service Unavailable"), "status", "status 503, wanted 200-299"),
    "404": (answer("404 Not Found"), "status", "status 404, wanted 200-299"),
    "503 with a body that drips": (told(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n", stays), "status",
                                   "status 503, wanted 200-299"),
    "redirects to itself": (answer("302 Found", headers=b"Location: /\r\n"), "status", "status 302, wanted 200-299"),
    "switches protocols unasked": (told(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "reset",
                                   "connection closed in the middle of the reply.*"),
    # too slow
    "says nothing": (silent, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "says nothing to the request": (requested(silent), "reply_timeout", "no reply within 300ms " + IN_TIME),
    "drips headers": (told_slowly(OK + b"X: y\r\n" * 100), "reply_timeout",
                      "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips a body": (told(OK + b"Content-Length: 100\r\n\r\n", drips(b"x" * 100, 0.05)),
                     "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips chunks": (told(OK + b"Transfer-Encoding: chunked\r\n\r\n", drips(b"1\r\nx\r\n" * 100, 0.05)),
                     "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips interim answers": (told_slowly(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "reply_timeout",
                              "reply not complete within 300ms " + BYTES_IN_TIME),
    "ends the headers but not the body": (told(OK + b"Content-Length: 4\r\n\r\n", stays), "reply_timeout",
                                          "reply not complete within 300ms " + BYTES_IN_TIME),
    # broken off
    "resets": (requested(resets), "reset", "connection reset without a reply"),
    "closes": (requested(closes), "reset", "connection closed without a reply"),
    "half-closes": (requested(half_closes), "reset", "connection closed without a reply"),
    "resets within the headers": (told(b"HTTP/1.1 200", resets), "reset",
                                  r"connection reset .*"),
    "closes within the headers": (told(b"HTTP/1.1 200 OK\r\nX: "), "reset",
                                  r"connection closed in the middle of the reply \(20 bytes received\)"),
    "closes within the body": (told(OK + b"Content-Length: 100\r\n\r\nsome"), "reset",
                               r"connection closed in the middle of the reply \([0-9]+ bytes received\)"),
    "closes within a chunk": (told(OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\nsome"), "reset",
                              r"connection closed in the middle of the reply \([0-9]+ bytes received\)"),
    # not what the protocol says
    "is an SSH server": (told(b"SSH-2.0-OpenSSH_9.2p1\r\n", stays), "protocol", "reply is not HTTP"),
    "sends bytes": (told(bytes(range(256)) * 8), "protocol", "reply is not HTTP"),
    "sends garbage": (requested(garbage()), "protocol", "reply is not HTTP"),
    "sends a page alone": (told(b"<html>fine</html>\n"), "protocol", "reply is not HTTP"),
    "has no number for a status": (told(b"HTTP/1.1 fine\r\n\r\n"), "protocol", "reply is not HTTP"),
    "chunks badly": (told(OK + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\nfine\r\n", stays), "protocol",
                     "malformed chunked reply"),
    "has a negative length": (told(OK + b"Content-Length: -5\r\n\r\nfine", stays), "protocol", ".*"),
    # too much
    "sends 100 MB": (endless(OK + b"Content-Length: 104857600\r\n\r\n", b"x" * 65536), "too_large",
                     "reply larger than 1MiB"),
    "sends without end": (endless(OK + b"\r\n", b"x" * 65536), "too_large", "reply larger than 1MiB"),
    "chunks without end": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 32768 + b"\r\n"),
                           "too_large", "reply larger than 1MiB"),
    "has headers without end": (endless(OK, b"X-Header: " + b"y" * 1000 + b"\r\n"), "too_large",
                                "headers larger than 64KiB"),
    "has a header line without end": (endless(OK + b"X-Header: ", b"y" * 65536), "too_large", "headers larger than 64KiB"),
    "sends interim answers without end": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "too_large",
                                          "headers larger than 64KiB"),
}


@pytest.mark.parametrize("row", TCP_ROWS)
def test_tcp_server_that(row):
    script, reason, detail = TCP_ROWS[row]
    with Server(script) as server:
        tells(TCP, server.target, reason, detail)


@pytest.mark.parametrize("row", HTTP_ROWS)
def test_http_server_that(row):
    script, reason, detail = HTTP_ROWS[row]
    with Server(script) as server:
        tells(HTTP, server.target, reason, detail)
        assert server.most_open == 1, "probes of one target never overlap"


ANSWER = OK + b"Content-Length: 4\r\n\r\nfine"


@pytest.mark.parametrize("cut", range(1, len(ANSWER), 3))
def test_an_answer_may_come_in_two_segments(cut):
    with Server(requested(in_pieces(ANSWER, cut))) as server:
        tells(HTTP, server.target, "passed", "status 200")


@pytest.mark.parametrize("check", [TCP, HTTP])
def test_a_closed_port_refuses(check):
    tells(check, f"127.0.0.1:{refusing_port()}", "refused", "connect: refused")


@pytest.mark.parametrize("check", [TCP, HTTP])
def test_a_server_that_drops_syns_times_out_connecting(check):
    with full_backlog() as target:
        tells(check, target, "connect_timeout", "no connection within 300ms")


@pytest.mark.parametrize("check", [TCP, HTTP])
def test_without_a_route_the_server_is_unreachable(lab, check):
    alone = lab.host("alone", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"))
    with Checkd(alone) as checkd:
        checkd.load(f"check it {check}", "probe it 203.0.113.1:80")
        judged(checkd.ended_first(), "unreachable", "connect: network unreachable")


@pytest.mark.parametrize("check", [TCP, HTTP])
def test_ipv6_servers_are_probed(check):
    with Server(answer(), address="::1") as server:
        tells(check, server.target, "passed", "connected" if check is TCP else "status 200")


@pytest.mark.parametrize("status, reason", [(302, "passed"), ([200, "300-399"], "passed"), ("200-301", "status")])
def test_the_wanted_status_may_be_given(status, reason):
    with Server(answer("302 Found", headers=b"Location: /\r\n")) as server:
        fact = probed({"type": "http", "timeout": "300ms", "expect": {"status": status}}, server.target)
        judged(fact, reason, "status 302" if reason == "passed" else "status 302, wanted 200-301")


def test_a_head_request_waits_for_no_body():
    with Server(told(OK + b"Content-Length: 104857600\r\n\r\n", stays)) as server:
        tells(f"{HTTP} method=HEAD", server.target, "passed", "status 200")
        assert server.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")


def test_the_request_is_what_was_configured():
    with Server(answer()) as server:
        judged(probed(f"{HTTP} path=/a%20b?c=../d method=OPTIONS host=shop.example header=X-One:1 header=X-Empty:",
                      server.target), "passed", "status 200")
        lines = server.requests[0].decode().split("\r\n")
    assert lines[0] == "OPTIONS /a%20b?c=../d HTTP/1.1"
    assert {"Host: shop.example", "X-One: 1", "X-Empty:", "Connection: close"} <= set(lines)
    assert sum(line.lower().startswith("host:") for line in lines) == 1
    assert not any(line.lower().startswith(("content-type", "proxy", "cookie", "authorization")) for line in lines)


def test_without_a_host_the_target_is_named():
    with Server(answer()) as server:
        probed(HTTP, server.target)
        assert f"Host: {server.target}".encode() in server.requests[0]


def test_a_post_says_that_its_body_is_empty():
    with Server(answer()) as server:
        tells(f"{HTTP} method=POST", server.target, "passed", "status 200")
        assert server.requests[0].startswith(b"POST / HTTP/1.1\r\n") and b"Content-Length: 0\r\n" in server.requests[0]


@pytest.mark.parametrize("check", [TCP, HTTP])
def test_a_probe_leaves_no_connection_behind(check):
    """Closed by a reset: no TIME_WAIT here, no half-closed connection there."""
    orderly = []

    def script(connection):
        if check is HTTP:
            connection.request()
            connection.send(OK + b"Content-Length: 4\r\n\r\nfine")
        orderly.append(connection.wait_gone())

    with Server(script) as server:
        with Checkd() as checkd:
            checkd.load(f"check it {check}", f"probe it {server.target}")
            checkd.wait_fact(passed=True)
        wait_until(lambda: orderly, what="the end of the connection")
        with open("/proc/net/tcp") as table:
            states = [line.split()[3] for line in table if f":{server.port:04X} " in line]
    assert "06" not in states, "TIME_WAIT"
    assert not orderly[0]
