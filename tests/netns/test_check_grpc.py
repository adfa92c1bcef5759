"""Type grpc against servers whose frames are made by hand: what health they tell, and all that is no answer.

lbha-checkd alone against scripted servers on loopback.
"""
import pytest

from lbhatest import http2
from lbhatest.rogue import (Server, closes, drips, floods, full_backlog, garbage, half_closes, refusing_port, requested, resets,
                            resets_later, says, server_context, silent, stays)

from judging import BYTES_IN_TIME, IN_TIME, probed, tells, timer  # noqa: F401
from test_check_tls import ca, good, stranger  # noqa: F401

GRPC = {"type": "grpc", "interval": "400ms", "timeout": "300ms"}
UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN = range(4)
HEAD = [(":status", "200"), ("content-type", "application/grpc")]


def message(payload, flag=0):
    return bytes([flag]) + len(payload).to_bytes(4, "big") + payload


def health(status):
    return message(b"\x08" + bytes([status]))


def reply(body, *trailers, head=HEAD):
    """Headers, body and trailers as grpc-go sends them."""
    trailers = trailers or [("grpc-status", "0")]
    return http2.headers(*head) + http2.data(body, end=False) + http2.headers(*trailers, end=True)


def answers(body, *trailers, **keys):
    return http2.serving(reply(body, *trailers, **keys))


def only_trailers(*fields):
    return http2.serving(http2.headers(*HEAD, *fields, end=True))


def drips_later(data, every=0.02):
    """Settings at once, a request heard, then a byte at a time."""
    def behaviour(connection):
        reader = http2.Reader(connection)
        if reader.preface() and connection.send(http2.frame(http2.SETTINGS) + http2.frame(http2.SETTINGS, http2.ACK)):
            if reader.request() is not None and connection.drip(data, every):
                connection.wait_gone()
    return behaviour


def ends(then, sent=b""):
    """Reads the request, sends this, and ends so."""
    def behaviour(connection):
        reader = http2.Reader(connection)
        if reader.preface() and connection.send(http2.frame(http2.SETTINGS) + http2.frame(http2.SETTINGS, http2.ACK)):
            if reader.request() is not None and connection.send(sent):
                then(connection)
    return behaviour


BROKEN_OFF = "HTTP/2 stream broken off, by the server or for an error in its reply"
HEALTH = {
    "serving": (answers(health(SERVING)), "passed", "grpc: SERVING"),
    "serving, in two frames": (http2.serving(http2.headers(*HEAD) + http2.data(health(SERVING)[:6], end=False) +
                                             http2.data(health(SERVING)[6:], end=False) +
                                             http2.headers(("grpc-status", "0"), end=True)), "passed", "grpc: SERVING"),
    "serving, with more fields": (answers(message(b"\x12\x02hi\x08\x01\x18\x05")), "passed", "grpc: SERVING"),
    "serving, byte by byte": (drips_later(reply(health(SERVING)), 0), "passed", "grpc: SERVING"),
    "serving, after an interim answer": (http2.serving(http2.headers((":status", "103")) + reply(health(SERVING))), "passed",
                                         "grpc: SERVING"),
    "not serving": (answers(health(NOT_SERVING)), "says_down", "grpc: NOT_SERVING"),
    "unknown": (answers(health(UNKNOWN)), "says_down", "grpc: UNKNOWN"),
    "unknown, as it is not told": (answers(message(b"")), "says_down", "grpc: UNKNOWN"),
    "of a service that is not known": (answers(health(SERVICE_UNKNOWN)), "says_down", "grpc: SERVICE_UNKNOWN"),
    "of no known meaning": (answers(health(77)), "protocol", "grpc: a serving status of no known meaning, 77"),
}

STATUS = {
    "does not know the service": (only_trailers(("grpc-status", "5"), ("grpc-message", "unknown service")), "status",
                                  r"grpc-status 5 not_found: unknown service: has it a service of this name\?"),
    "has no health service": (only_trailers(("grpc-status", "12"), ("grpc-message", "unknown%20service%0agrpc.health")), "status",
                              r"grpc-status 12 unimplemented: unknown service\?grpc.health: has the server the health service\?"),
    "has no health service and says so at the end": (answers(b"", ("grpc-status", "12")), "status",
                                                     r"grpc-status 12 unimplemented: has the server the health service\?"),
    "is unavailable": (only_trailers(("grpc-status", "14")), "status", "grpc-status 14 unavailable"),
    "serves and then fails": (answers(health(SERVING), ("grpc-status", "13"), ("grpc-message", "oops")), "status",
                              "grpc-status 13 internal: oops"),
    "has a status of its own": (only_trailers(("grpc-status", "99")), "status", "grpc-status 99 of no known meaning"),
    "has a status that is no number": (only_trailers(("grpc-status", "zero")), "protocol", "grpc-status is no number"),
    "has no status": (http2.answering(health(SERVING), fields=HEAD[1:]), "protocol", "reply has no grpc-status"),
    "has other trailers": (answers(health(SERVING), ("x-sum", "1")), "protocol", "reply has no grpc-status"),
    "answers all is well without a message": (only_trailers(("grpc-status", "0")), "protocol", "reply has no message"),
    "is a web server": (http2.answering(b"<html>", fields=[("content-type", "text/html")]), "protocol", "reply is not gRPC.*"),
    "speaks grpc-web": (answers(health(SERVING), head=[HEAD[0], ("content-type", "application/grpc-web")]), "protocol",
                        "reply is not gRPC.*"),
    "says 503": (http2.answering(b"busy", status="503"), "status", "status 503, wanted 200"),
    "says 204": (http2.serving(http2.headers((":status", "204"), HEAD[1], end=True)), "status", "status 204, wanted 200"),
}

MESSAGES = {
    "sends two messages": (answers(health(SERVING) * 2), "protocol", "reply has more than one message"),
    "sends half a message": (answers(health(SERVING)[:6]), "protocol", "reply has half a message"),
    "compresses": (answers(message(b"\x08\x01", flag=1)), "protocol", "reply is compressed, unasked"),
    "sends another message": (answers(message(b"\x0a\x50text")), "protocol", "message is no HealthCheckResponse"),
    "sends a number without end": (answers(message(b"\x08" + b"\xff" * 20)), "protocol", "message is no HealthCheckResponse"),
    "sends 100 MB": (ends(floods(piece=http2.data(bytes(16384), end=False)), http2.headers(*HEAD)), "too_large",
                     "reply larger than 1KiB"),
    "has headers without end": (http2.serving(http2.headers(*[("x", "y" * 1000)] * 15) * 20), "protocol",
                                "reply is not valid HTTP/2|HTTP/2 stream broken off, .*"),
}

WAYS = {
    "says nothing": (silent, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "says its settings only": (http2.serving(b""), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips its settings": (drips(http2.frame(http2.SETTINGS) * 9, 0.05), "reply_timeout",
                           "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips its answer": (drips_later(reply(health(SERVING))), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "never ends its answer": (http2.serving(http2.headers(*HEAD) + http2.data(health(SERVING), end=False)), "reply_timeout",
                              "reply not complete within 300ms " + BYTES_IN_TIME),
    "closes": (ends(closes), "reset", "connection (closed|reset) .*"),
    "closes before its trailers": (ends(closes, http2.headers(*HEAD) + http2.data(health(SERVING), end=False)), "reset",
                                   "connection (closed|reset) in the middle of the reply .*"),
    "resets at once": (resets_later, "reset", "connection reset without a reply"),
    "resets": (ends(resets), "reset", "connection reset .*"),
    "half-closes": (half_closes, "reset", "connection closed without a reply"),
    "speaks HTTP/1.1 only": (requested(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", stays)), "protocol",
                             "server does not speak HTTP/2"),
    "sends garbage": (garbage(then=stays), "protocol", "server does not speak HTTP/2"),
    "refuses the stream": (http2.serving(http2.frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x07")), "protocol",
                           "server refused the request"),
    "breaks off after its message": (http2.serving(http2.headers(*HEAD) + http2.data(health(SERVING), end=False) +
                                                   http2.frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x02")), "protocol",
                                     BROKEN_OFF),
    "goes away": (http2.serving(http2.frame(http2.GOAWAY, 0, 0, bytes(8))), "protocol", "reply is not valid HTTP/2"),
}

ROWS = {**HEALTH, **STATUS, **MESSAGES, **WAYS}


@pytest.mark.parametrize("row", ROWS)
def test_a_server_that_is_or(row):
    behaviour, reason, detail = ROWS[row]
    with Server(behaviour) as server:
        tells(GRPC, server.target, reason, detail)


NO_WINDOW = b"\0\4" + bytes(4)  # SETTINGS_INITIAL_WINDOW_SIZE


def hasty(*fields):
    """Has made up its mind at the headers, as grpc's C core when it has no such method: ends its answer and takes back the stream
    before the request's message is there."""
    def behaviour(connection):
        reader = http2.Reader(connection)
        if reader.preface() and connection.send(http2.frame(http2.SETTINGS, payload=NO_WINDOW) + http2.frame(http2.SETTINGS, http2.ACK)):
            while (got := reader.frame()) and got[0] != http2.HEADERS:
                pass
            connection.send(http2.headers(*HEAD, *fields, end=True) + http2.frame(http2.RST_STREAM, 0, 1, bytes(4)))
            connection.wait_gone()
    return behaviour


def test_a_server_may_refuse_before_it_has_read_the_message():
    """libcurl mostly keeps such an answer to itself, so there are two ways to say it."""
    with Server(hasty(("grpc-status", "12"))) as server:
        fact = probed(GRPC, server.target)
    assert fact["verdict"] == "down" and (fact["reason"], fact["detail"]) in [
        ("status", "grpc-status 12 unimplemented: has the server the health service?"), ("protocol", BROKEN_OFF)]


def test_nobody_there():
    tells(GRPC, f"127.0.0.1:{refusing_port()}", "refused", "connect: refused")
    with full_backlog() as target:
        tells(GRPC, target, "connect_timeout", "no connection within 300ms")


@pytest.mark.parametrize("service, asked", [
    (None, message(b"")), ("", message(b"")), ("shop.Orders", message(b"\x0a\x0bshop.Orders")),
    ("n" * 200, message(b"\x0a\xc8\x01" + b"n" * 200)),
])
def test_what_is_asked(service, asked):
    with Server(answers(health(SERVING))) as server:
        tells({**GRPC, **({} if service is None else {"service": service})}, server.target, "passed", "grpc: SERVING")
        assert server.requests == [asked]


def hears(blocks):
    """Serves, and keeps what the client compresses."""
    def behaviour(connection):
        reader = http2.Reader(connection)
        if reader.preface() and connection.send(http2.frame(http2.SETTINGS) + http2.frame(http2.SETTINGS, http2.ACK)):
            if reader.request() is not None:
                blocks.append(reader.block)
                connection.send(reply(health(SERVING)))
                connection.wait_gone()
    return behaviour


def asked_with(block, scheme, authority):
    fields = dict(http2.fields(block))
    assert fields.pop("user-agent").startswith("lbha/")
    assert fields == {":method": "POST", ":scheme": scheme, ":path": "/grpc.health.v1.Health/Check", ":authority": authority,
                      "content-type": "application/grpc", "te": "trailers", "content-length": "5"}


def test_a_request_has_the_headers_of_grpc():
    blocks = []
    with Server(hears(blocks)) as server:
        tells(GRPC, server.target, "passed", "grpc: SERVING")
        asked_with(blocks[0], "http", server.target)


# ---- TLS ----

def secure(authority, **tls):
    tls = {"ca": authority.certificate, "sni": "a.example", **tls}
    return {**GRPC, "tls": {key: value for key, value in tls.items() if value is not None}}


def over_tls(certificate, behaviour, check, reason, detail, alpn=("h2",)):
    with Server(behaviour, tls=server_context(certificate, alpn=alpn)) as server:
        tells(check, server.target, reason, detail)


@pytest.mark.parametrize("row", ["serving", "not serving", "of a service that is not known"])
def test_over_tls_a_server_that_is(ca, good, row):
    behaviour, reason, detail = HEALTH[row]
    over_tls(good, behaviour, secure(ca), reason, detail)


@pytest.mark.parametrize("row", ["has no health service", "is a web server", "serves and then fails"])
def test_over_tls_a_server_that(ca, good, row):
    behaviour, reason, detail = STATUS[row]
    over_tls(good, behaviour, secure(ca), reason, detail)


def test_a_certificate_must_be_good_unless_it_is_not_looked_at(ca, good, stranger):
    fine = answers(health(SERVING))
    over_tls(stranger.signed(), fine, secure(ca), "certificate", ".+")
    over_tls(ca.signed(names="DNS:other.example"), fine, secure(ca), "certificate", ".*other.example.*")
    over_tls(ca.signed(ends=-1, begins=-5), fine, secure(ca), "certificate", ".*expired.*")
    over_tls(good, fine, {**GRPC, "tls": {}}, "certificate", ".+")
    over_tls(stranger.signed(), fine, {**GRPC, "tls": {"verify": False}}, "passed", "grpc: SERVING")


def test_over_tls_the_name_is_the_authority(ca, good):
    blocks = []
    over_tls(good, hears(blocks), secure(ca), "passed", "grpc: SERVING")
    asked_with(blocks[0], "https", "a.example")


def test_without_agreement_on_http_2_there_is_no_grpc(ca, good):
    over_tls(good, answers(health(SERVING)), secure(ca), "tls", ".*h2.*", alpn=())
    over_tls(good, answers(health(SERVING)), secure(ca), "tls", ".*", alpn=["http/1.1"])


def test_both_sides_must_speak_tls_or_neither(ca, good):
    with Server(says(http2.frame(http2.SETTINGS), stays)) as server:
        tells(secure(ca), server.target, "tls", ".*")
    with Server(answers(health(SERVING)), tls=server_context(good, alpn=["h2"])) as server:
        fact = probed(GRPC, server.target)
    assert fact["verdict"] == "down" and fact["reason"] in ("protocol", "reset"), fact


SECURE_WAYS = {
    "is silent": (silent, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "drips": (drips_later(reply(health(SERVING))), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "closes": (ends(closes), "reset", "connection (closed|reset) .*"),
    "resets": (ends(resets), "reset", "connection (closed|reset) .*"),
    "sends 100 MB": MESSAGES["sends 100 MB"],
    "sends garbage": (garbage(then=stays), "protocol", "server does not speak HTTP/2"),
}


@pytest.mark.parametrize("row", SECURE_WAYS)
def test_inside_tls_a_server_that(ca, good, row):
    behaviour, reason, detail = SECURE_WAYS[row]
    over_tls(good, behaviour, secure(ca), reason, detail)


def test_a_handshake_has_the_deadline_of_the_probe(ca):
    with Server(silent) as server:
        tells(secure(ca), server.target, "reply_timeout", "no TLS handshake within 300ms " + IN_TIME)
