"""Looks: a probe beside the schedule whose dialogue is written down, for every type with a good and a bad peer.

lbha-checkd alone; what `lbhactl check` makes of it is in test_lbhactl_check.py.
"""
import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import tempfile

import pytest

from lbhatest import http2, wait_until
from lbhatest.authority import Authority
from lbhatest.datagrams import Datagrams
from lbhatest.rogue import Server, answer, dialogue, garbage, refusing_port, requested, says, silent, stays

from checkd import Checkd


class Look:
    def __init__(self, said):
        self.said = said

    def __getattr__(self, name):
        return self.said[name]

    def texts(self, kind):
        return [step["text"] for step in self.said["steps"] if step["kind"] == kind]

    def has(self, kind, text):
        assert any(text in one for one in self.texts(kind)), self.said


def ask(checkd, place=0, number=1, probe=0):
    checkd.tell(f"look {place} {number} {probe}")


def seen(checkd, place=0, number=1, within=5):
    def find():
        return [one for one in list(checkd.said) if one.get("seen") == place and one.get("number") == number]
    return Look(wait_until(find, within, f"the end of a look; errors: {checkd.errors[-5:]}")[0])


def looked(check, target, **options):
    """What one look at that check and target shows; the schedule has had its turn before."""
    text = json.dumps({"timeout": "300ms", "interval": "1h", **check})
    with Checkd(**options) as checkd:
        checkd.load(f"check it {text}", f"probe it {target}")
        checkd.ended_first()
        before = checkd.fact()
        ask(checkd)
        look = seen(checkd)
        assert checkd.fact() == before, "a look is no probe"
        assert all(c == "\t" or c.isprintable() for step in look.steps for c in step["text"]), look.said
        return look


# ---- every type, good and bad ----

def test_tcp_tells_from_where_to_where_it_connects():
    with Server(stays) as server:
        look = looked({"type": "tcp"}, server.target)
    assert look.passed and look.detail == "connected"
    look.has("did", f"tcp: connect to {server.target}")
    look.has("did", f"connected to {server.target} from 127.0.0.1:")


def test_tcp_that_is_refused_says_so():
    look = looked({"type": "tcp"}, f"127.0.0.1:{refusing_port()}")
    assert (look.passed, look.reason, look.detail) == (False, "refused", "connect: refused")
    assert not look.texts("sent") and not look.texts("received")


def test_what_is_sent_and_what_comes_back_of_a_talk():
    with Server(dialogue((b"version\r\n", b"ERROR \x1b[31mno\r\n"), then=stays)) as server:
        look = looked({"type": "tcp", "send": r"version\r\n", "expect": "VERSION"}, server.target)
    assert not look.passed
    assert look.texts("sent") == [r"version\r\n"]
    assert look.texts("received") == [r"ERROR \x1b[31mno\r\n"], "no escape sequence reaches a terminal"


def test_http_shows_request_status_headers_and_body():
    with Server(answer("503 Service Unavailable", headers=b"X-Ready: no\r\n", body=b"down for \xe2\x80\xae repair\n")) as server:
        look = looked({"type": "http", "path": "/health", "host": "shop.example"}, server.target)
    assert (look.passed, look.detail) == (False, "status 503, wanted 200-299")
    head = "".join(look.texts("sent"))
    assert head.startswith(r"GET /health HTTP/1.1\r\n") and r"Host: shop.example\r\n" in head
    received = "".join(look.texts("received"))
    assert received.startswith("HTTP/1.1 503") and r"X-Ready: no\r\n" in received


def test_http_that_passes_shows_the_body_as_it_was_judged():
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfine\n\r\n0\r\n\r\n"
    with Server(requested(says(body))) as server:
        look = looked({"type": "http", "expect": {"body_regex": "^fine$"}}, server.target)
    assert look.passed and look.texts("received")[-1] == r"fine\n", look.said


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Cookie", "X-Auth-Token", "proxy-AUTHORIZATION"])
def test_credentials_of_a_request_are_never_shown(name):
    with Server(answer(headers=b"Set-Cookie: id=s3cret\r\n")) as server:
        look = looked({"type": "http", "headers": {name: "Bearer s3cret"}}, server.target)
        assert b"s3cret" in server.requests[0]
    assert look.passed and "s3cret" not in json.dumps(look.said)
    look.has("sent", f"{name}: (secret)\\r\\n")
    look.has("received", "Set-Cookie: (secret)\\r\\n")


def test_http2_is_shown_in_words():
    with Server(http2.answering(b"fine")) as server:
        look = looked({"type": "http", "version": 2}, server.target)
    assert look.passed and look.texts("received")[-1] == "fine"
    look.has("sent", "GET / HTTP/2")


def test_redirects_show_each_request():
    def behaviour(connection):
        connection.hear_until(b"\r\n\r\n")
        there = b"/there" in connection.heard
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if there else
                        b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()
    with Server(behaviour) as server:
        look = looked({"type": "http", "follow": True}, server.target)
    assert look.passed
    assert ["there" in one for one in look.texts("sent")] == [False, True], look.said


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "Test CA")


def context(authority, **options):
    certificate = authority.signed(**options)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, authority.key_of(certificate))
    return made


def test_tls_shows_version_cipher_and_certificate(authority):
    with Server(stays, tls=context(authority)) as server:
        look = looked({"type": "tls", "sni": "a.example", "ca": str(authority.certificate)}, server.target)
    assert look.passed, look.said
    look.has("did", "TLS: handshake, asking for a.example")
    look.has("did", "TLS: TLSv1.3, TLS_AES_256_GCM_SHA384")
    look.has("did", "TLS: certificate CN=server, issued by CN=Test CA, valid for 100 days")
    look.has("did", "for DNS:a.example")
    look.has("did", "the certificate is verified")


def test_tls_shows_why_a_certificate_is_not_believed(authority):
    with Server(stays, tls=context(authority, subject="\x1b[31mred")) as server:
        look = looked({"type": "tls", "sni": "b.example", "ca": str(authority.certificate)}, server.target)
    assert (look.passed, look.detail) == (False, "certificate is for a.example, wanted b.example")
    look.has("did", "TLS: not believed: hostname mismatch")
    look.has("did", "issued by CN=Test CA")


def test_https_shows_tls_and_http(authority):
    with Server(answer(), tls=context(authority)) as server:
        look = looked({"type": "http", "scheme": "https", "tls": {"sni": "a.example", "ca": str(authority.certificate)}},
                      server.target)
    assert look.passed, look.said
    look.has("did", "the certificate is verified")
    look.has("sent", "GET / HTTP/1.1")


def test_smtp_shows_its_lines():
    with Server(dialogue((None, b"220 mx ready\r\n"), (b"EHLO lb.example\r\n", b"250 mx\r\n"), (b"QUIT\r\n", b"221 bye\r\n"))) as server:
        look = looked({"type": "smtp", "helo": "lb.example"}, server.target)
    assert look.passed
    assert look.texts("sent") == [r"EHLO lb.example\r\n", r"QUIT\r\n"]
    assert look.texts("received")[:2] == [r"220 mx ready\r\n", r"250 mx\r\n"]


def test_smtp_that_refuses_is_shown():
    with Server(says(b"554 no service for you\r\n")) as server:
        look = looked({"type": "smtp"}, server.target)
    assert not look.passed and look.texts("received") == [r"554 no service for you\r\n"]


def test_what_is_said_inside_starttls_is_shown_as_it_was_said(authority):
    certificate = context(authority)
    server = dialogue((None, b"220 mx\r\n"), (b"EHLO localhost\r\n", b"250-mx\r\n250 STARTTLS\r\n"), (b"STARTTLS\r\n", b"220 go\r\n"),
                      (None, lambda connection: connection.start_tls(certificate)), (b"EHLO localhost\r\n", b"250 inside\r\n"),
                      (b"QUIT\r\n", b"221 bye\r\n"))
    with Server(server) as server:
        look = looked({"type": "smtp", "starttls": True, "tls": {"sni": "a.example", "ca": str(authority.certificate)}},
                      server.target)
    assert look.passed, look.said
    look.has("did", "the certificate is verified")
    assert look.texts("sent") == [r"EHLO localhost\r\n", r"STARTTLS\r\n", r"EHLO localhost\r\n", r"QUIT\r\n"]
    assert look.texts("received")[:4] == [r"220 mx\r\n", r"250-mx\r\n250 STARTTLS\r\n", r"220 go\r\n", r"250 inside\r\n"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a raw socket")
def test_icmp_tells_of_each_reply():
    look = looked({"type": "icmp", "count": 3}, "127.0.0.1", as_nobody=False)
    assert look.passed and look.texts("did") == ["icmp: 3 echoes to 127.0.0.1"] + [f"reply {i} of 3" for i in (1, 2, 3)], look.said


def test_an_agents_words_are_shown():
    with Server(says(b"75% up\n")) as server:
        look = looked({"type": "agent", "port": server.port}, server.target)
    assert look.passed and look.texts("received") == [r"75% up\n"]
    with Server(says(b"down\n")) as server:
        look = looked({"type": "agent", "port": server.port}, server.target)
    assert not look.passed and look.reason == "says_down", look.said


@pytest.mark.parametrize("kind, port, reply", [("redis", 6379, b"-NOAUTH Authentication required.\r\n"),
                                               ("mysql", 3306, None), ("postgresql", 5432, None), ("ldap", 389, None)])
def test_handshakes_show_both_directions(kind, port, reply):
    with Server(says(reply) if reply else garbage(64)) as server:
        look = looked({"type": kind}, server.target)
    assert not look.passed if reply is None else look.reason in ("passed", "mismatch", "protocol"), look.said
    assert look.texts("received"), look.said


def test_grpc_shows_the_call():
    reply = http2.answering(b"\0\0\0\0\2\x08\1", fields=((b"content-type", b"application/grpc"),),
                            trailers=((b"grpc-status", b"0"),))
    with Server(reply) as server:
        look = looked({"type": "grpc"}, server.target)
    look.has("sent", "POST /grpc.health.v1.Health/Check HTTP/2")
    assert look.texts("received"), look.said


def test_udp_shows_datagrams():
    with Datagrams(lambda asked: asked.after(0, b"infoResponse\0\x07")) as server:
        look = looked({"type": "udp", "send": r"\xff\xffgetinfo", "expect": "infoResponse"}, server.target)
    assert look.passed
    assert (look.texts("sent"), look.texts("received")) == ([r"\xff\xffgetinfo"], [r"infoResponse\x00\x07"])


def test_dns_shows_question_and_answer_in_words():
    def behaviour(asked):
        question = asked.data[12:]
        asked.after(0, asked.data[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question +
                    b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton("192.0.2.80"))
    with Datagrams(behaviour) as server:
        look = looked({"type": "dns", "name": "www.example.org", "record": "A", "expect": {"address": "192.0.2.81"}},
                      server.target)
    assert not look.passed and look.detail == "192.0.2.81 is not in the answer 192.0.2.80"
    look.has("did", "DNS question: www.example.org. A?")
    look.has("did", "1 answer: www.example.org. A 192.0.2.80")


def test_dns_that_cannot_be_read_is_called_so():
    with Datagrams(lambda asked: asked.after(0, asked.data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + b"\xff" * 9)) as server:
        look = looked({"type": "dns"}, server.target)
    assert not look.passed
    look.has("did", "(malformed)")


@pytest.fixture
def folder():
    """One whose parents nobody else can write to."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="lbha-look-", dir="/srv"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_script_shows_its_output_and_its_exit(folder):
    script = folder / "script"
    script.write_text("#!/bin/sh\necho \"first $1\"\nprintf 'last \\033[31m'\nexit 3\n")
    script.chmod(0o755)
    look = looked({"type": "script", "command": [str(script), "word"], "user": "nobody"}, "-", as_nobody=False)
    assert not look.passed and look.reason == "exit", look.said
    look.has("did", f"start {script} word, as nobody")
    assert "".join(look.texts("received")) == r"first word\nlast \x1b[31m"


def test_a_file_shows_what_it_says(folder):
    (folder / "state").write_text("down for repair\n")
    look = looked({"type": "file", "path": str(folder / "state")}, "-")
    assert look.reason == "says_down" and look.texts("received") == [r"down for repair\n"]
    look = looked({"type": "file", "path": str(folder / "none")}, "-")
    assert look.reason == "missing"
    look.has("did", f"open {folder}/none")


def test_a_process_shows_what_it_looks_for():
    look = looked({"type": "process", "name": "no-such-process"}, "-")
    assert (look.reason, look.detail) == ("missing", "0 running, wanted 1")
    look.has("did", "look for processes called no-such-process")


# ---- what a look does not do ----

def test_a_look_ends_at_the_deadline_of_its_check():
    with Server(silent) as server:
        look = looked({"type": "http"}, server.target)
    assert look.reason == "reply_timeout" and 300 <= look.latency_ms < 1000, look.said


def test_looks_change_no_verdict_no_counter_and_no_time():
    """The server fails for looks alone: rise and fall of 1 would show one of them."""
    with Server(stays) as server, Checkd() as checkd:
        checkd.load('check it {"type": "tcp", "interval": "1h"}', f"probe it {server.target}")
        up = checkd.ended_first()
        assert up["verdict"] == "up"
        server.refuse()
        for number in range(1, 6):
            ask(checkd, number=number)
            assert not seen(checkd, number=number).passed
        assert [one for one in checkd.facts() if one["reason"] != "none"] == [up]


def test_as_many_looks_as_places_fly_at_once_and_one_that_is_no_longer_wanted_is_cancelled():
    with Server(silent) as server, Checkd() as checkd:
        checkd.load('check it {"type": "http", "timeout": "1m", "interval": "1h"}', f"probe it {server.target}")
        for place in range(4):
            ask(checkd, place=place, number=10 + place)
        wait_until(lambda: server.open == 5, what="one probe and four looks")
        checkd.tell("look 0 0 0", "look 1 99 0")
        wait_until(lambda: (server.open, len(server.begun)) == (4, 6), what="a look less, and another one")
        assert not [one for one in checkd.said if "seen" in one]


def test_a_reload_in_the_midst_ends_a_look_and_not_the_worker():
    check = 'check it {"type": "http", "timeout": "1m", "interval": "1h"}'
    with Server(silent) as server, Server(answer()) as other, Checkd() as checkd:
        checkd.load(check, f"probe it {server.target}")
        ask(checkd)
        wait_until(lambda: server.open == 2, what="a look under way")
        checkd.load(check, f"probe it {server.target}", f"probe it {other.target}")
        ask(checkd, number=2, probe=1)
        assert seen(checkd, number=2).passed
        assert not [one for one in checkd.said if one.get("number") == 1]
        checkd.release()


def test_a_flood_of_an_answer_is_cut_and_said_to_be():
    body = b"<\x1b]0;title\x07>" * 20000
    with Server(answer(body=body)) as server:
        look = looked({"type": "http", "timeout": "5s"}, server.target)
    assert look.passed and (look.cut or any(step["left_out"] for step in look.steps)), look.said
    assert len(json.dumps(look.said)) < 40000 and "\\x1b]0;title\\x07" in "".join(look.texts("received"))


def test_a_probe_that_is_none_is_refused():
    with Server(stays) as server, Checkd() as checkd:
        checkd.load("check it type=tcp", f"probe it {server.target}")
        ask(checkd, probe=7)
        assert seen(checkd).detail == "here: there is no such probe"
