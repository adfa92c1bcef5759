"""Type http with scheme https: certificates, handshakes and ends that are none, and HTTP over TLS as over anything else.

lbha-checkd alone against scripted servers on loopback.
"""
import ssl

import pytest

from lbhatest import http2, wait_until
from lbhatest.rogue import (Server, answer, closes, drips, floods, full_backlog, garbage, refusing_port, requested, resets, says,
                            server_context, silent, stays)

from judging import BYTES_IN_TIME, IN_TIME, judged, probed, tells, timer  # noqa: F401
from test_check_tls import Authority, ca, good, stranger  # noqa: F401

OK = b"HTTP/1.1 200 OK\r\n"
FINE = answer()


def https(authority, **keys):
    tls = {"ca": authority.certificate, **keys.pop("tls", {})}
    return {"type": "http", "scheme": "https", "interval": "400ms", "timeout": "300ms", "host": "a.example",
            "tls": {key: value for key, value in tls.items() if value is not None}, **keys}


def over_tls(certificate, behaviour, check, reason, detail, **context):
    with Server(behaviour, tls=server_context(certificate, **context)) as server:
        tells(check, server.target, reason, detail)
        return server


# ---- certificates ----

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_good_server_passes(ca, good, version):
    server = over_tls(good, FINE, https(ca), "passed", "status 200", minimum=version, maximum=version)
    assert b"\r\nHost: a.example\r\n" in server.requests[0]


@pytest.mark.parametrize("certificate, detail", [
    ({"ends": -1, "begins": -5}, ".*expired.*"),
    ({"begins": 1}, ".*valid.*"),
    ({"names": "DNS:other.example"}, ".*other.example.*"),
    ({"self_signed": True}, ".*self-signed.*"),
])
def test_a_bad_certificate(ca, certificate, detail):
    over_tls(ca.signed(**certificate), FINE, https(ca), "certificate", detail)


def test_a_certificate_of_a_strange_ca(ca, stranger):
    wrong = stranger.signed()
    over_tls(wrong, FINE, https(ca), "certificate", ".+")
    over_tls(wrong, FINE, https(ca, tls={"verify": False, "ca": None}), "passed", "status 200")


def test_a_certificate_that_ends_soon(ca):
    over_tls(ca.signed(ends=3.5), FINE, https(ca, tls={"min_days_left": 14}), "certificate", ".*expires in 3 days.*")


def test_the_name_in_tls_may_be_another_than_the_host(ca, good):
    over_tls(good, FINE, https(ca, host="elsewhere.example", tls={"sni": "b.example"}), "passed", "status 200")
    over_tls(good, FINE, https(ca, host="elsewhere.example"), "certificate", ".+")


def test_our_certificate_is_shown_to_who_asks(ca, good):
    ours = ca.signed(subject="lbha")
    context = server_context(good)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.certificate)
    with Server(FINE, tls=context) as server:
        tells(https(ca, tls={"certificate": ours, "key": ca.key_of(ours)}), server.target, "passed", "status 200")
        tells(https(ca), server.target, "tls", ".*certificate.*")


# ---- ways to fail ----

ROWS = {
    "says nothing": (silent, None, "reply_timeout", "no TLS handshake within 300ms .*"),
    "closes": (closes, None, "reset", "connection .*"),
    "resets": (lambda connection: connection.hear() and connection.reset(), None, "reset", "connection .*"),
    "drips bytes of a handshake": (drips(b"\x16\x03\x03\x00\x7a" + bytes(200), 0.05), None, "reply_timeout",
                                   "no TLS handshake within 300ms .*"),
    "speaks plain HTTP": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n", stays), None, "tls", ".*"),
    "sends garbage": (garbage(then=stays), None, "tls", ".*"),
    "503": (answer("503 Busy"), True, "status", "status 503, wanted 200-299"),
    "says nothing over TLS": (silent, True, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "drips over TLS": (requested(drips(OK + b"X: y\r\n" * 99, 0.05)), True, "reply_timeout",
                       "reply not complete within 300ms " + BYTES_IN_TIME),
    "closes over TLS": (requested(closes), True, "reset", "connection (closed|reset) without a reply"),
    "resets over TLS": (requested(resets), True, "reset", "connection reset without a reply"),
    "closes within the body": (requested(says(OK + b"Content-Length: 9\r\n\r\nsome", closes)), True, "reset",
                               r"connection (closed|reset) in the middle of the reply \([0-9]+ bytes received\)"),
    "sends 100 MB": (requested(floods(OK + b"Content-Length: 104857600\r\n\r\n")), True, "too_large", "reply larger than 1MiB"),
    "sends garbage over TLS": (requested(garbage()), True, "protocol", "reply is not HTTP"),
    "chunks badly": (requested(says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", stays)), True, "protocol",
                     "malformed chunked reply"),
    "redirects to http": (answer("302 Found", headers=b"Location: http://a.example/\r\n"), True, "mismatch",
                          "redirect to another scheme: http://a.example/"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_server_that(ca, good, row):
    behaviour, secure, reason, detail = ROWS[row]
    with Server(behaviour, tls=server_context(good) if secure else None) as server:
        tells(https(ca, follow=True), server.target, reason, detail)


def test_tls_1_0_is_too_old(ca, good):
    with Server(FINE, tls=server_context(good, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1)) as server:
        tells(https(ca), server.target, "tls", ".*")


def test_plain_http_to_a_tls_port_fails(good):
    with Server(FINE, tls=server_context(good)) as server:
        fact = probed({"type": "http", "timeout": "300ms"}, server.target)
    assert fact["reason"] in ("protocol", "reset"), fact


def test_nobody_there(ca):
    tells(https(ca), f"127.0.0.1:{refusing_port()}", "refused", "connect: refused")
    with full_backlog() as target:
        tells(https(ca), target, "connect_timeout", "no connection within 300ms")


# ---- HTTP over it ----

def test_large_bodies_go_both_ways(ca, good):
    heard = []

    def behaviour(connection):
        connection.hear_until(b"x" * 60000)
        heard.append(len(connection.heard))
        connection.send(OK + b"Content-Length: 900000\r\n\r\n" + b"y" * 900000)
        connection.wait_gone()

    over_tls(good, behaviour, https(ca, method="POST", body="x" * 60000, timeout="2s"), "passed", "status 200")
    assert heard[0] > 60000


def test_redirects_are_followed_over_tls(ca, good):
    def behaviour(connection):
        path = connection.request().split(b" ")[1]
        connection.send(OK + b"Content-Length: 0\r\n\r\n" if path == b"/there" else
                        b"HTTP/1.1 302 Found\r\nLocation: https://b.example/there\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()

    server = over_tls(good, behaviour, https(ca, follow=True), "passed", "status 200")
    assert b"\r\nHost: b.example\r\n" in server.requests[1]


def test_http_2_is_agreed_on(ca, good):
    blocks = []

    def behaviour(connection):
        http2.answering()(connection)
        blocks.append(connection.heard)

    over_tls(good, behaviour, https(ca, version=2), "passed", "status 200", alpn=["h2", "http/1.1"])
    wait_until(lambda: blocks, what="the request")
    assert b"\x87" in blocks[0] and b"\x86" not in blocks[0][:120], ":scheme is https (RFC 7541, static table 7)"


def test_a_server_that_does_not_agree_on_http_2_fails(ca, good):
    over_tls(good, FINE, https(ca, version=2), "tls", ".*h2.*")
    over_tls(good, FINE, https(ca, version=2), "tls", ".*", alpn=["http/1.1"])
