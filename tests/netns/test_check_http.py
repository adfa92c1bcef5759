"""Type http beyond the status: what is sent, what is expected of the answer, redirects, and the versions of HTTP.

lbha-checkd alone against scripted servers on loopback, its checks written as in lbha.conf.
"""
import hashlib

import pytest

from lbhatest import http2
from lbhatest.rogue import Server, answer, closes, drips, garbage, half_closes, requested, resets, says, silent, stays

import judging
from judging import BYTES_IN_TIME, IN_TIME, timer  # noqa: F401

OK = b"HTTP/1.1 200 OK\r\n"


def probed(target, **keys):
    """The first ended probe of a check with these keys, as a fact."""
    return judging.probed({"type": "http", "timeout": "300ms", **keys}, target)


def is_told(fact, reason, detail):
    assert (fact["reason"], fact["detail"]) == (reason, detail), fact
    assert fact["verdict"] == ("up" if reason == "passed" else "down"), fact


# ---- the request ----

def test_a_body_is_sent_with_its_length():
    with Server(answer()) as server:
        is_told(probed(server.target, method="POST", body='{"ask": "x"}\n', headers={"Content-Type": "application/json"}),
                "passed", "status 200")
        request = server.requests[0]
        assert request.startswith(b"POST / HTTP/1.1\r\n") and b"\r\nContent-Length: 13\r\n" in request
        assert b"\r\nContent-Type: application/json\r\n" in request and b"Expect:" not in request


def test_a_large_body_is_sent_without_waiting_for_consent():
    body = "x" * 60000
    heard = []

    def behaviour(connection):
        connection.hear_until(body.encode())
        heard.append(connection.heard)
        connection.send(OK + b"Content-Length: 0\r\n\r\n")
        connection.wait_gone()

    with Server(behaviour) as server:
        is_told(probed(server.target, method="PUT", body=body), "passed", "status 200")
    assert heard[0].endswith(body.encode()) and b"expect" not in heard[0].lower().split(b"\r\n\r\n")[0]


# ---- the answer's headers ----

@pytest.mark.parametrize("fields, reason, detail", [
    (b"X-Ready: yes\r\n", "passed", "status 200"),
    (b"x-ready:yes  \r\n", "passed", "status 200"),
    (b"X-Ready: no\r\nX-Ready: yes\r\n", "passed", "status 200"),
    (b"X-Ready: Yes\r\n", "mismatch", 'header x-ready is "Yes", wanted "yes"'),
    (b"X-Ready: yes, sir\r\n", "mismatch", 'header x-ready is "yes, sir", wanted "yes"'),
    (b"X-Ready: \x1b[31m\r\n", "mismatch", 'header x-ready is "?[31m", wanted "yes"'),
    (b"X-Ready-Not: yes\r\n", "mismatch", "no header x-ready"),
    (b"X-Ready : yes\r\n", "mismatch", "no header x-ready"),
])
def test_an_expected_header(fields, reason, detail):
    with Server(answer(headers=fields)) as server:
        is_told(probed(server.target, expect={"header": {"x-ready": "yes"}}), reason, detail)


def test_of_several_expected_headers_the_first_that_fails_is_told():
    with Server(answer(headers=b"B: 2\r\nC: 4\r\nA: 1\r\n")) as server:
        is_told(probed(server.target, expect={"header": {"a": "1", "b": "3", "c": "3", "d": "x"}}), "mismatch",
                'header b is "2", wanted "3"')


def test_headers_of_interim_answers_and_trailers_do_not_count():
    data = (b"HTTP/1.1 103 Early Hints\r\nX-Ready: yes\r\n\r\n" + OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n"
            b"X-Ready: yes\r\n\r\n")
    with Server(requested(says(data, stays))) as server:
        is_told(probed(server.target, expect={"header": {"x-ready": "yes"}}), "mismatch", "no header x-ready")


def test_headers_are_judged_before_the_body_has_come():
    with Server(requested(says(OK + b"Content-Length: 100\r\nX-Ready: no\r\n\r\n", stays))) as server:
        is_told(probed(server.target, expect={"header": {"x-ready": "yes"}}), "mismatch",
                'header x-ready is "no", wanted "yes"')


# ---- the body ----

SUM = hashlib.sha256(b"fine").hexdigest()


@pytest.mark.parametrize("wanted", [SUM, SUM.upper()])
def test_the_digest_of_the_body(wanted):
    with Server(answer()) as server:
        is_told(probed(server.target, expect={"sha256": wanted}), "passed", "status 200")


@pytest.mark.parametrize("data", [
    OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nf\r\n3\r\nine\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nfine",
])
def test_the_digest_is_of_the_body_however_it_comes(data):
    with Server(requested(says(data))) as server:
        is_told(probed(server.target, expect={"sha256": SUM}), "passed", "status 200")


def test_another_body_has_another_digest():
    with Server(answer(body=b"Fine")) as server:
        is_told(probed(server.target, expect={"sha256": SUM}), "mismatch",
                "sha256 of the body is " + hashlib.sha256(b"Fine").hexdigest())


def test_no_body_has_the_digest_of_nothing():
    with Server(requested(says(b"HTTP/1.1 204 No Content\r\n\r\n", stays))) as server:
        is_told(probed(server.target, expect={"sha256": hashlib.sha256(b"").hexdigest()}), "passed", "status 204")


@pytest.mark.parametrize("expect, reason, detail", [
    ({"body_regex": "^fin[ea]$"}, "passed", "status 200"),
    ({"body_regex": "(?i)FINE"}, "passed", "status 200"),
    ({"body_regex": "ok"}, "mismatch", "body lacks /ok/"),
    ({"not_regex": "error"}, "passed", "status 200"),
    ({"not_regex": "f.n"}, "mismatch", "body has /f.n/"),
    ({"body_regex": "fine", "not_regex": "e$"}, "mismatch", "body has /e$/"),
    ({"body_regex": "fine", "sha256": SUM}, "passed", "status 200"),
    ({"body_regex": "ok", "status": 404}, "status", "status 200, wanted 404"),
])
def test_a_regular_expression_for_the_body(expect, reason, detail):
    with Server(answer()) as server:
        is_told(probed(server.target, expect=expect), reason, detail)


@pytest.mark.parametrize("expect, reason, detail", [
    ({"body_regex": "end$"}, "passed", "status 200"),
    ({"not_regex": "end"}, "mismatch", "body has /end/"),
])
def test_what_is_searched_is_the_whole_body_however_it_comes(expect, reason, detail):
    chunks = b"".join(b"3e8\r\n" + b"x" * 1000 + b"\r\n" for _ in range(60)) + b"2\r\nen\r\n1\r\nd\r\n0\r\n\r\n"
    with Server(requested(says(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks))) as server:
        is_told(probed(server.target, expect=expect), reason, detail)


def test_a_body_too_large_to_be_searched_fails():
    with Server(answer(body=b"x" * 65537)) as server:
        is_told(probed(server.target, expect={"not_regex": "y"}), "too_large",
                "body larger than 64KiB, too large to be searched")
        is_told(probed(server.target), "passed", "status 200")


def test_no_body_lacks_what_is_wanted():
    with Server(requested(says(b"HTTP/1.1 204 No Content\r\n\r\n", stays))) as server:
        is_told(probed(server.target, expect={"body_regex": "fine"}), "mismatch", "body lacks /fine/")


def test_a_search_that_takes_too_long_is_given_up():
    with Server(answer(body=b"a" * 60000)) as server:
        fact = probed(server.target, expect={"body_regex": "(a+)+$(?<=b)"}, timeout="2s")
    assert fact["reason"] == "mismatch" and fact["latency_ms"] < 1000, fact


# ---- redirects ----

def site(pages):
    """Answers by path; a text is where to go, bytes are a page."""
    def behaviour(connection):
        path = connection.request().split(b" ")[1].decode()
        page = pages.get(path, b"")
        if isinstance(page, bytes):
            connection.send(OK + b"Content-Length: %d\r\n\r\n" % len(page) + page)
        else:
            status, where = page if isinstance(page, tuple) else ("302 Found", page)
            connection.send(f"HTTP/1.1 {status}\r\nLocation: {where}\r\nContent-Length: 4\r\n\r\nmove".encode())
        connection.wait_gone()
    return behaviour


def asked(server):
    """Request lines and hosts, in order."""
    return [(lines[0].rsplit(" ", 1)[0], next(line[6:] for line in lines if line.startswith("Host: ")))
            for lines in (one.decode().split("\r\n") for one in list(server.requests))]


def test_redirects_are_followed_at_the_same_address():
    pages = {"/": "/a?x=1", "/a?x=1": "http://other.example:81/b/../c", "/c": "d e", "/d%20e": b"fine"}
    with Server(site(pages)) as server:
        is_told(probed(server.target, follow=True, host="shop.example", expect={"sha256": SUM}), "passed", "status 200")
        assert asked(server) == [("GET /", "shop.example"), ("GET /a?x=1", "shop.example"), ("GET /c", "other.example:81"),
                                 ("GET /d%20e", "other.example:81")]


@pytest.mark.parametrize("status, second", [("301 Moved", "GET"), ("302 Found", "GET"), ("303 See Other", "GET"),
                                            ("307 Temporary", "POST"), ("308 Permanent", "POST")])
def test_a_redirected_post(status, second):
    with Server(site({"/": (status, "/there"), "/there": b""})) as server:
        is_told(probed(server.target, follow=True, method="POST", body="ask"), "passed", "status 200")
        assert asked(server)[1][0] == f"{second} /there"
        assert (b"Content-Length: 3" in server.requests[1]) == (second == "POST")


def test_a_redirected_head_stays_one():
    with Server(site({"/": "/there", "/there": b"fine"})) as server:
        is_told(probed(server.target, follow=True, method="HEAD"), "passed", "status 200")
        assert [line for line, _ in asked(server)] == ["HEAD /", "HEAD /there"]


@pytest.mark.parametrize("pages, detail", [
    ({"/": "/"}, "redirect in a circle: /"),
    ({"/": "/a", "/a": "/b", "/b": "/a"}, "redirect in a circle: /a"),
    ({"/" if not i else f"/{i}": f"/{i + 1}" for i in range(20)}, "redirect after 8 redirects: /9"),
    ({"/": "https://127.0.0.1/"}, "redirect to another scheme: https://127.0.0.1/"),
    ({"/": "file:///etc/passwd"}, "redirect to another scheme: file:///etc/passwd"),
    ({"/": "http://[::1"}, "redirect to no URL: http://[::1"),
])
def test_a_redirect_that_leads_nowhere(pages, detail):
    with Server(site(pages)) as server:
        is_told(probed(server.target, follow=True), "mismatch", detail)


def test_a_redirect_without_a_place_is_an_answer():
    with Server(answer("302 Found")) as server:
        is_told(probed(server.target, follow=True), "status", "status 302, wanted 200-299")


def test_the_deadline_is_one_for_all_redirects():
    def behaviour(connection):
        number = int(connection.request().split(b" ")[1][1:] or b"0")
        connection.server.closing.wait(0.15)
        connection.send(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % (number + 1))
        connection.wait_gone()

    with Server(behaviour) as server:
        fact = probed(server.target, follow=True)
        assert fact["reason"] == "reply_timeout" and fact["latency_ms"] < judging.TIMEOUT_MS + judging.GRACE_MS, fact


def test_a_server_that_refuses_after_a_redirect_refuses():
    def behaviour(connection):
        connection.request()
        connection.server.refuse()
        connection.send(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
        connection.wait_gone()

    with Server(behaviour) as server:
        is_told(probed(server.target, follow=True), "refused", "connect: refused")


# ---- versions ----

def test_http_1_0_is_spoken_when_told():
    with Server(requested(says(b"HTTP/1.0 200 OK\r\n\r\nfine"))) as server:
        is_told(probed(server.target, version="1.0"), "passed", "status 200")
        assert server.requests[0].startswith(b"GET / HTTP/1.0\r\n")


H2_ROWS = {
    "answers": (http2.answering(), "passed", "status 200"),
    "answers without a body": (http2.serving(http2.headers((":status", "204"), end=True)), "passed", "status 204"),
    "sends trailers": (http2.answering(trailers=[("x-sum", "1")]), "passed", "status 200"),
    "sends an interim answer": (http2.serving(http2.headers((":status", "103")) + http2.headers((":status", "200"), end=True)),
                                "passed", "status 200"),
    "503": (http2.answering(status="503"), "status", "status 503, wanted 200-299"),
    "speaks HTTP/1.1 only": (requested(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", stays)), "protocol",
                             "server does not speak HTTP/2"),
    "sends garbage": (garbage(then=stays), "protocol", "server does not speak HTTP/2"),
    "sends garbage after its settings": (http2.serving(b"\xff" * 100), "protocol", "server does not speak HTTP/2"),
    "says nothing": (silent, "reply_timeout", "no reply within 300ms " + IN_TIME),
    "says its settings only": (http2.serving(b""), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "drips": (drips(http2.frame(http2.SETTINGS) * 9, 0.05), "reply_timeout", "reply not complete within 300ms " + BYTES_IN_TIME),
    "closes": (requested(closes), "reset", "connection closed .*"),
    "resets": (requested(resets), "reset", "connection reset without a reply"),
    "half-closes": (half_closes, "reset", "connection closed without a reply"),
    "closes within the answer": (lambda connection: http2.Reader(connection).preface() and connection.send(
        http2.frame(http2.SETTINGS) + http2.headers((":status", "200"))), "reset", "connection (closed|reset) in the middle of .*"),
    "refuses the stream": (http2.serving(http2.frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x07")), "protocol",
                           "server refused the request"),
    "goes away": (http2.serving(http2.frame(http2.GOAWAY, 0, 0, bytes(8))), "protocol", "reply is not valid HTTP/2"),
    "breaks off the body": (http2.serving(http2.headers((":status", "200")) + http2.frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x02")),
                            "protocol", "HTTP/2 stream broken off, by the server or for an error in its reply"),
    "has no status": (http2.serving(http2.headers(("x", "y"), end=True)), "protocol", "HTTP/2 stream broken off, .*"),
    "sends 100 MB": (http2.serving(http2.headers((":status", "200")) + http2.data(bytes(16384), end=False) * 100), "too_large",
                     "reply larger than 1MiB"),
    "has headers without end": (http2.serving(http2.headers(*[("x", "y" * 1000)] * 15) * 20), "protocol",
                                "reply is not valid HTTP/2|HTTP/2 stream broken off, .*"),
}


@pytest.mark.parametrize("row", H2_ROWS)
def test_an_http_2_server_that(row):
    behaviour, reason, detail = H2_ROWS[row]
    with Server(behaviour) as server:
        judging.tells({"type": "http", "timeout": "300ms", "version": 2}, server.target, reason, detail)


def test_a_body_goes_over_http_2_too():
    with Server(http2.answering()) as server:
        is_told(probed(server.target, version=2, method="POST", body="ask", expect={"sha256": SUM}), "passed", "status 200")
        assert server.requests == [b"ask"]
