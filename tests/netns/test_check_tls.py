"""type tls against servers that have something to hide: certificates that openssl(1) makes, and TLS that is none.

One row per way; for each the reason, the words and that the deadline held. lbha-checkd alone, on loopback.
"""
import os
import ssl

import pytest

from lbhatest import wait_until
from lbhatest.authority import Authority
from lbhatest.rogue import Server, closes, drips, says, server_context, silent, stays

from checkd import Checkd
from judging import BYTES_IN_TIME, IN_TIME, judged, probed, tells, timer  # noqa: F401

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    os.chmod(folder, 0o755)
    return Authority(folder, "good")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def good(ca):
    return ca.signed("DNS:a.example,DNS:b.example,IP:127.0.0.1", subject="a.example")


def check(authority, **keys):
    """Keys that are None are left out."""
    keys = {"type": "tls", "interval": "400ms", "timeout": "300ms", "ca": authority.certificate, "sni": "a.example", **keys}
    return {key: value for key, value in keys.items() if value is not None}


def serves(certificate, reason, detail, wanted, then=stays, **context):
    with Server(then, tls=server_context(certificate, **context)) as server:
        tells(wanted, server.target, reason, detail)


# ---- what passes ----

@pytest.mark.parametrize("version, name", [(TLS_1_2, "TLSv1.2"), (TLS_1_3, "TLSv1.3")])
def test_a_server_with_a_good_certificate_passes(ca, good, version, name):
    serves(good, "passed", f"{name}, certificate valid for 100 days", check(ca), minimum=version, maximum=version)


def test_without_sni_the_address_must_be_in_the_certificate(ca, good):
    serves(good, "passed", ".*", check(ca, sni=None))


def test_nothing_is_verified_when_nothing_shall_be(ca, stranger):
    wrong = stranger.signed("DNS:other", ends=-0.5, begins=-2)
    serves(wrong, "passed", "TLSv1.3, certificate expired since 12 hours", check(ca, ca=None, verify=False))


def test_one_of_the_protocols_is_chosen(ca, good):
    serves(good, "passed", ".*", check(ca, alpn=["h2", "http/1.1"]), alpn=["http/1.1"])


def test_every_probe_is_a_full_handshake(ca, good):
    sessions = []

    def remember(connection):
        sessions.append(connection.socket.session_reused)
        connection.wait_gone()
    with Server(remember, tls=server_context(good)) as server, Checkd() as checkd:
        checkd.load('check it {type: tls, interval: 50ms, sni: a.example, ca: "%s"}' % ca.certificate, f"probe it {server.target}")
        wait_until(lambda: len(sessions) > 5, what="probes")
        assert not any(sessions) and not server.handshakes_failed


def test_a_server_sees_an_orderly_end(ca, good):
    ends = []

    def end(connection):
        try:
            ends.append(connection.socket.recv(100))
        except OSError as error:
            ends.append(error)
    with Server(end, tls=server_context(good)) as server, Checkd() as checkd:
        checkd.load('check it {type: tls, interval: 50ms, sni: a.example, ca: "%s"}' % ca.certificate, f"probe it {server.target}")
        wait_until(lambda: len(ends) > 10, what="probes")
    assert set(ends[:10]) == {b""}, ends
    assert not server.handshakes_failed


# ---- certificates that do not ----

def test_an_expired_certificate(ca):
    serves(ca.signed(begins=-30, ends=-3.5), "certificate", "certificate expired 3 days ago", check(ca))


def test_a_certificate_that_is_not_valid_yet(ca):
    serves(ca.signed(begins=2.5), "certificate", "certificate becomes valid in 2 days", check(ca))


def test_a_self_signed_certificate(ca):
    serves(ca.signed(self_signed=True), "certificate", "certificate is self-signed", check(ca))


def test_a_certificate_of_another_name(ca, good):
    serves(good, "certificate", "certificate is for a.example and 2 more, wanted c.example", check(ca, sni="c.example"))


def test_a_certificate_of_another_address(ca):
    wrong = ca.signed("IP:192.0.2.1")
    serves(wrong, "certificate", "certificate is for 192.0.2.1, wanted 127.0.0.1", check(ca, sni=None))


def test_a_certificate_without_names_is_for_its_subject(ca):
    serves(ca.signed(names=None, subject="old"), "certificate", "certificate is for old, wanted a.example", check(ca))


def test_a_name_in_a_certificate_is_foreign_text(ca):
    wrong = ca.signed(names=None, subject="evil\x1b[2J")
    serves(wrong, "certificate", r"certificate is for evil\?\[2J, wanted a.example", check(ca))


def test_an_unknown_issuer(ca, stranger):
    serves(stranger.signed(), "certificate", "issuer not known: stranger", check(ca))


def test_an_issuer_that_the_system_does_not_know(ca, good):
    serves(good, "certificate", "issuer not known: good", check(ca, ca=None))


def test_a_certificate_that_is_not_for_servers(ca):
    serves(ca.signed(extra="extendedKeyUsage = clientAuth\n"), "certificate", "certificate: unsuitable certificate purpose", check(ca))


@pytest.mark.parametrize("wanted, reason, detail", [
    (14, "certificate", "certificate expires in 3 days, wanted at least 14 days"),
    (3, "passed", "TLSv1.3, certificate valid for 3 days"),
])
def test_a_certificate_must_last(ca, wanted, reason, detail):
    serves(ca.signed(ends=3.5), reason, detail, check(ca, min_days_left=wanted))


def test_days_are_counted_also_where_nothing_is_verified(ca):
    wanted = check(ca, ca=None, verify=False, min_days_left=1)
    serves(ca.signed(begins=-3, ends=-1.2), "certificate", "certificate expired 1 day ago, wanted at least 1 day", wanted)


def test_certificates_without_end(ca, good):
    huge = good + ".huge"
    with open(good, encoding="ascii") as one, open(ca.certificate, encoding="ascii") as more, \
            open(huge, "w", encoding="ascii") as out:
        out.write(one.read() + more.read() * 400)
    serves(huge, "too_large", "certificates larger than 100KiB", check(ca))


# ---- our certificate ----

@pytest.fixture(scope="module")
def ours(ca):
    return ca.signed("DNS:director", subject="director")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_server_that_wants_a_certificate(ca, good, ours, stranger, version):
    context = server_context(good, minimum=version, maximum=version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.certificate)
    other = stranger.signed()
    with Server(stays, tls=context) as server:
        tells(check(ca), server.target, "tls", "server wants a client certificate")
        tells(check(ca, certificate=ours, key=ca.key_of(ours)), server.target, "passed", ".*")
        tells(check(ca, certificate=other, key=stranger.key_of(other)), server.target, "tls",
              "server refuses our certificate: its issuer is not known")


def test_a_server_that_wants_a_certificate_and_has_no_tickets_passes(ca, good, ours):
    context = server_context(good, minimum=TLS_1_3)
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(ca.certificate)
    with Server(stays, tls=context) as server:
        tells(check(ca, certificate=ours, key=ca.key_of(ours)), server.target, "passed", ".*")
        tells(check(ca), server.target, "passed", ".*")


# ---- no TLS, or none that both take ----

def test_a_server_of_old_versions_only(ca, good):
    context = server_context(good, minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1)
    with Server(stays, tls=context) as server:
        tells(check(ca), server.target, "tls", "server speaks no TLS 1.2 or newer")


OLD_HELLO = bytes.fromhex("160301002a020000260301") + bytes(32) + bytes.fromhex("00002f00")


def test_a_server_that_knows_of_nothing_newer_than_tls_1_0(ca):
    with Server(says(OLD_HELLO, stays)) as server:
        tells(check(ca), server.target, "tls", "server wants TLS 1.0 only; TLS 1.2 is the least")


@pytest.mark.parametrize("alpn, chosen", [([], "none"), (["http/1.1"], "none")])
def test_a_server_without_our_protocol(ca, good, alpn, chosen):
    serves(good, "tls", f"alpn: server chose {chosen}, wanted h2", check(ca, alpn="h2"), alpn=alpn)


PLAIN_ROWS = {
    "speaks first": (says(b"220 mail.example ESMTP\r\n", stays), "tls",
                     'server speaks no TLS, it says "220 mail.example ESMTP"'),
    "answers in HTTP": (says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", stays), "tls",
                        'server speaks no TLS, it says "HTTP/1.1 400 Bad Request"'),
    "says nothing": (silent, "reply_timeout", "no TLS handshake within 300ms " + IN_TIME),
    "closes": (closes, "reset", "connection closed without a TLS handshake|connection reset without a TLS handshake"),
    "closes in the handshake": (says(b"\x16\x03\x03\x00\x40"), "reset",
                                r"connection (closed|reset) without a TLS handshake( \([56] bytes received\))?"),
    "drips": (drips(b"\x16\x03\x03\x00\x40" + bytes(64), 0.05), "reply_timeout",
              "no TLS handshake within 300ms " + BYTES_IN_TIME),
    "sends an alert": (says(b"\x15\x03\x03\x00\x02\x02\x28", stays), "tls", "server refuses the handshake: nothing in common"),
    "says nonsense in TLS": (says(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", stays), "tls", "TLS handshake: .*"),
}


@pytest.mark.parametrize("row", PLAIN_ROWS.values(), ids=PLAIN_ROWS.keys())
def test_a_port_that_is_no_tls(ca, row):
    behaviour, reason, detail = row
    with Server(behaviour) as server:
        tells(check(ca), server.target, reason, detail)


# ---- reloads ----

def test_a_reload_takes_other_certificates(ca, stranger, good):
    """The same path with other contents is another check; the same contents are the same."""
    path = ca.certificate + ".used"

    def use(authority):
        with open(authority.certificate, encoding="ascii") as file, open(path, "w", encoding="ascii") as out:
            out.write(file.read())
    lines = ('check it {type: tls, interval: 100ms, sni: a.example, ca: "%s"}' % path,)
    with Server(stays, tls=server_context(good)) as server, Checkd() as checkd:
        lines += (f"probe it {server.target}",)
        use(stranger)
        checkd.load(*lines)
        checkd.wait_fact(reason="certificate")
        use(ca)
        assert checkd.plan(*lines), "a change"
        checkd.load(*lines)
        checkd.wait_fact(reason="passed")
        assert not checkd.plan(*lines)
