"""type smtp against mail servers in scripts: plain, with STARTTLS, and those that mean no good."""
import os
import re

import pytest

from lbhatest.authority import Authority
from lbhatest.rogue import (Server, closes, dialogue, drips, floods, resets, resets_later, says, server_context, silent, stays)

from judging import BYTES_IN_TIME, IN_TIME, tells, timer  # noqa: F401

HELO = {"type": "smtp", "interval": "400ms", "timeout": "300ms", "helo": "lb.example"}
EHLO = re.compile(rb"EHLO lb\.example\r\n")
GREETS = (None, b"220 mail.example ESMTP\r\n")
KNOWS = (EHLO, b"250-mail.example\r\n250 8BITMIME\r\n")
OFFERS = (EHLO, b"250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n")


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smtp")
    os.chmod(folder, 0o755)
    return Authority(folder, "good")


@pytest.fixture(scope="module")
def mail(ca):
    return server_context(ca.signed("DNS:mail.example"))


def secure(ca, **tls):
    return {**HELO, "starttls": True, "tls": {"ca": ca.certificate, "sni": "mail.example", **tls}}


def starts_tls(context):
    """Whether the handshake was well is the client's to tell."""
    return lambda connection: connection.start_tls(context)


ROWS = {
    "answers": (dialogue(GREETS, KNOWS, (b"QUIT\r\n", b"221 bye\r\n")), "passed", "250 8BITMIME"),
    "does not hear goodbye": (dialogue(GREETS, KNOWS, then=stays), "passed", "250 8BITMIME"),
    "knows no EHLO": (dialogue(GREETS, (EHLO, b"502 what\r\n"), (b"HELO lb.example\r\n", b"250 old\r\n")), "passed", "250 old"),
    "is not there for us": (says(b"554 5.7.1 go away\r\n"), "mismatch", "greeting: 554 5.7.1 go away"),
    "is busy": (dialogue(GREETS, (EHLO, b"421 4.3.2 too many connections\r\n")), "mismatch",
                "EHLO: 421 4.3.2 too many connections"),
    "says nothing": (silent, "reply_timeout", "no greeting within 300ms " + IN_TIME),
    "says nothing to EHLO": (dialogue(GREETS, then=stays), "reply_timeout", "no reply to EHLO within 300ms " + BYTES_IN_TIME),
    "drips": (drips(b"220 mail.example ESMTP\r\n", 0.05), "reply_timeout", "no greeting within 300ms " + BYTES_IN_TIME),
    "closes": (closes, "reset", "connection (closed|reset) without a greeting"),
    "resets": (resets_later, "reset", "connection reset without a greeting"),
    "resets after the greeting": (dialogue(GREETS, (EHLO, None), then=resets), "reset",
                                  "connection reset without a reply to EHLO.*"),
    "has no end": (floods(piece=b"220-more\r\n" * 1000), "too_large", "reply of more than 100 lines"),
    "has no end of a line": (floods(piece=b"2" * 65536), "too_large", "line longer than 2KiB"),
    "speaks another protocol": (says(b"SSH-2.0-OpenSSH_9.2\r\n", stays), "protocol", 'not SMTP: "SSH-2.0-OpenSSH_9.2"'),
    "speaks TLS": (says(b"\x15\x03\x03\x00\x02\x02\x46"), "protocol", "server speaks TLS from the beginning"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_mail_server(row):
    behaviour, reason, detail = row
    with Server(behaviour) as server:
        tells(HELO, server.target, reason, detail)


def offers(begin, *steps, then=closes):
    return dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", b"220 go\r\n"), (None, begin), *steps, then=then)


def test_with_starttls_the_server_is_asked_inside_tls(ca, mail):
    with Server(offers(starts_tls(mail), (EHLO, b"250-mail.example\r\n250 AUTH PLAIN\r\n"), (b"QUIT\r\n", b"221 bye\r\n"))) as server:
        tells(secure(ca), server.target, "passed", "250 AUTH PLAIN, over TLS")


def test_a_reply_inside_tls_may_come_in_pieces(ca, mail):
    with Server(offers(starts_tls(mail), (EHLO, drips(b"250-mail\r\n250 OK\r\n", 0.005)))) as server:
        tells(secure(ca), server.target, "passed", "250 OK, over TLS")


def test_a_large_reply_inside_tls_is_read_to_its_end(ca, mail):
    reply = b"".join(b"250-%d %s\r\n" % (i, b"x" * 600) for i in range(60)) + b"250 OK\r\n"
    with Server(offers(starts_tls(mail), (EHLO, reply), then=stays)) as server:
        tells(secure(ca), server.target, "passed", "250 OK, over TLS")


def later(then):
    """When the client has begun its side of the handshake."""
    return dialogue((re.compile(rb"\x16\x03\x01"), then))


def secured_rows(ca, mail):
    wrong = server_context(ca.signed("DNS:other.example"))
    return {
        "offers none": (dialogue(GREETS, KNOWS, then=stays), "mismatch", "server offers no STARTTLS"),
        "refuses": (dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", b"454 4.7.0 not now\r\n"), then=stays), "mismatch",
                    "STARTTLS: 454 4.7.0 not now"),
        "says too much before": (dialogue(GREETS, OFFERS, (b"STARTTLS\r\n", b"220 go\r\n250 injected\r\n"), then=stays),
                                 "protocol", "server says more before TLS than it was asked"),
        "goes on in plain text": (offers(later(says(b"250 injected\r\n", stays))), "tls",
                                  'server speaks no TLS, it says "250 injected"'),
        "has another name": (offers(starts_tls(wrong)), "certificate",
                             "certificate is for other.example, wanted mail.example"),
        "is silent then": (offers(silent), "reply_timeout", "no TLS handshake within 300ms " + BYTES_IN_TIME),
        "is silent inside": (offers(starts_tls(mail), then=stays), "reply_timeout",
                             "no reply to EHLO within 300ms " + BYTES_IN_TIME),
        "closes then": (offers(closes), "reset", "connection (closed|reset) without a TLS handshake.*"),
        "closes inside": (offers(starts_tls(mail), (EHLO, None)), "reset", "connection closed without a reply to EHLO.*"),
        "refuses inside": (offers(starts_tls(mail), (EHLO, b"530 5.7.0 no\r\n"), then=stays), "mismatch", "EHLO: 530 5.7.0 no"),
    }


@pytest.mark.parametrize("name", [
    "offers none", "refuses", "says too much before", "goes on in plain text", "has another name", "is silent then",
    "is silent inside", "closes then", "closes inside", "refuses inside"])
def test_a_mail_server_with_starttls(ca, mail, name):
    behaviour, reason, detail = secured_rows(ca, mail)[name]
    with Server(behaviour) as server:
        tells(secure(ca), server.target, reason, detail)
