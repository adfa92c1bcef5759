"""lbha-exporter: what it tells, and what strangers can do to it. Mostly against a control socket of the test's own, which says what
no lbhad of this kernel would."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from lbhatest.exporter import Exporter, FakeControl, get

HOSTILE = 'we"b\\\n{x="y"} 1\n# HELP <script>alert(1)</script>\u2028'

INSTANCE = {"name": "public", "state": "MASTER", "priority": 150, "base_priority": 160, "transitions": 3, "sent": 40,
            "received": 5, "dropped": {"ttl": 1, "checksum": 2}, "competing": False, "repairs": 0, "late": [30, 6, 4], "late_sum": 0.25}


def server(name, health=1, weight=5):
    return [name, "192.168.8.20", 80, health, weight, 7, 8, 0, 2**40, 200, 300, 2**62, 500]


def service(name, servers, **more):
    return {"name": name, "state": "degraded", "needed": 1, "have": 2, "address": "192.168.8.200", "port": 80, "mark": None,
            "protocol": "TCP", "servers": servers, "times": [{"type": "http", "sum": 1.5, "counts": [7, 0, 1]}], **more}


METRICS = {"version": "1.2.3", "build": "x", "node": "lb1", "cluster": None, "generation": 4, "started": 1700000000.25, "ready": True,
           "maintenance": False, "reload": {"time": None, "applied": True},
           "workers": [{"name": "check", "up": True, "restarts": 2}], "vrrp": [INSTANCE],
           "ipvs": {"available": True, "ready": True, "repairs": 9, "operations": {"add_server": 3, "sync": 0}, "read_back": 1700000009},
           "late_bounds": [0.0001, 0.001], "times_bounds": [0.001, 2.5],
           "services": [service("web", [server("a"), server("b", health=0, weight=0), server("c", health=None)])]}

ANSWERS = {"metrics": METRICS, "ping": {"protocol": 1, "ready": True}}


@pytest.fixture
def host(lab):
    return lab.host("lb1")


@pytest.fixture
def control(host):
    with FakeControl(host.log_file("control.sock"), dict(ANSWERS)) as one:
        yield one


@pytest.fixture
def exporter(host, control):
    return Exporter(host, control.path)


# --- what it tells ---

def test_metrics_are_prometheus_text_with_the_values_of_the_daemon(exporter):
    metrics = exporter.scrape()
    assert metrics.get("lbha_up") == 1
    assert metrics.get("lbha_build_info", version="1.2.3", node="lb1") == 1
    assert metrics.get("lbha_start_time_seconds") == 1700000000.25
    assert metrics.get("lbha_config_last_reload_successful") == 1
    assert metrics.get("lbha_worker_restarts_total", worker="check") == 2
    assert metrics.get("lbha_vrrp_state", instance="public", state="MASTER") == 1
    assert metrics.get("lbha_vrrp_state", instance="public", state="BACKUP") == 0
    assert metrics.get("lbha_vrrp_advertisements_dropped_total", reason="checksum") == 2
    assert metrics.get("lbha_service_state", service="web", state="degraded") == 1
    assert metrics.get("lbha_check_up", server="a") == 1
    assert metrics.get("lbha_check_up", server="b") == 0
    assert metrics.get("lbha_check_up", server="c") is None  # no verdict yet
    assert metrics.get("lbha_server_weight", service="web", server="a") == 5
    assert metrics.get("lbha_server_connections", server="a", state="inactive") == 8
    assert metrics.get("lbha_ipvs_connections_total", local_address="192.168.8.200", local_port="80", proto="TCP",
                       remote_address="192.168.8.20", remote_port="80", server="a") == 2**40
    assert metrics.get("lbha_ipvs_repairs_total") == 9
    assert metrics.get("lbha_ipvs_operations_total", kind="add_server") == 3
    assert [metrics.get("lbha_vrrp_lateness_seconds_bucket", instance="public", le=le) for le in ("0.0001", "0.001", "+Inf")] == [30, 36, 40]
    assert metrics.get("lbha_vrrp_lateness_seconds_sum", instance="public") == 0.25
    assert metrics.get("lbha_check_duration_seconds_count", service="web", type="http") == 8
    assert metrics.get("lbha_check_duration_seconds_bucket", service="web", type="http", le="2.5") == 7
    assert exporter.get("/metrics").headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_metrics_pass_promtool(exporter):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed; the reader of these tests has the same rules")
    assert exporter.scrape().promtool() == ""


def test_the_examples_of_a_scrape_and_of_alerts_pass_promtool():
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed; tests/docs/check-docs has looked at the names")
    examples = os.path.join(os.path.dirname(__file__), "../../etc/examples")
    for what, name in ("config", "prometheus.yml"), ("rules", "prometheus-rules.yml"):
        done = subprocess.run(["promtool", "check", what, os.path.join(examples, name)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_hostile_names_stay_inside_their_labels(exporter, control):
    control.answers["metrics"] = dict(METRICS, services=[service(HOSTILE, [server(HOSTILE)])],
                                      vrrp=[dict(INSTANCE, name=HOSTILE, dropped={HOSTILE: 1})])
    metrics = exporter.scrape()
    assert metrics.get("lbha_check_up", service=HOSTILE, server=HOSTILE) == 1
    assert metrics.get("lbha_vrrp_priority", instance=HOSTILE) == 150
    assert metrics.get("lbha_vrrp_advertisements_dropped_total", reason=HOSTILE) == 1


@pytest.mark.parametrize("answer", [{}, {"vrrp": 5, "services": {"a": 1}, "workers": [[]]}, {"services": [[], {"servers": [{}, 3, ["x"]]}]},
                                    {"vrrp": [{"state": 1, "name": None, "dropped": []}], "ipvs": "none"},
                                    {"vrrp": [{"name": "a", "late": [1]}], "late_bounds": [], "services": [{"name": "a", "times": [[], {"counts": 1}]}]}])
def test_an_answer_of_another_shape_makes_no_wrong_series(exporter, control, answer):
    control.answers["metrics"] = answer
    assert exporter.scrape().get("lbha_up") == 1


# --- health, and a daemon that is not there ---

def test_health_is_200_when_the_daemon_is_ready_and_503_while_it_is_not(exporter, control):
    assert (exporter.get("/healthz").status, exporter.get("/healthz").text) == (200, "ready\n")
    control.answers["ping"] = {"protocol": 1, "ready": False}
    assert wait_until(lambda: exporter.get("/healthz").status == 503)


def test_a_daemon_that_is_gone_and_comes_back(exporter, control, host):
    assert exporter.scrape().get("lbha_up") == 1
    control.close()
    assert wait_until(lambda: exporter.scrape().samples == {("lbha_up", frozenset()): 0})
    assert wait_until(lambda: exporter.get("/healthz").status == 503)
    with FakeControl(control.path, dict(ANSWERS)):
        wait_until(lambda: exporter.get("/healthz").status == 200)
        wait_until(lambda: exporter.scrape().get("lbha_up") == 1)
    open(control.path, "w").close()  # for the fixture to remove
    control.close = lambda: os.unlink(control.path)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n", b'{"ok":false,"error":"not permitted","lines":[]}\n', b"\0" * 100 + b"\n",
                                    b'{"ok":true,"result":{}}\n{"ok":true}\n', b'{"ok":true,"result":' + b"[" * 100000 + b"\n"],
                         ids=["http", "refusal", "zeros", "two-lines", "deep"])
def test_who_answers_nonsense_is_as_good_as_not_there(exporter, control, answer):
    control.answers.update(metrics=answer, ping=answer)
    assert exporter.scrape().get("lbha_up") == 0
    assert exporter.get("/healthz").status == 503


def test_an_answer_that_a_reload_breaks_off_is_asked_for_once_more(exporter, control):
    whole = json.dumps({"ok": True, "result": METRICS}).encode() + b"\n"
    parts = [whole[:300], whole]
    control.answers["metrics"] = lambda _: parts.pop(0)
    assert exporter.scrape().get("lbha_vrrp_priority", instance="public") == 150
    assert control.asked == ["metrics", "metrics"]


def test_it_is_asked_for_once_more_and_not_for_ever(exporter, control):
    control.answers["metrics"] = b'{"ok":true,"result":{"version"'
    assert exporter.scrape().samples == {("lbha_up", frozenset()): 0}
    assert control.asked == ["metrics", "metrics"]


def test_a_daemon_that_says_nothing_keeps_nobody_for_ever(exporter, control):
    control.answers["metrics"] = None
    started = time.monotonic()
    assert exporter.scrape().get("lbha_up") == 0
    assert 3 < time.monotonic() - started < 15
    assert exporter.get("/healthz").status == 200  # over a connection of its own


# --- load ---

def test_a_storm_of_scrapes_costs_the_daemon_one_request_a_second(exporter, control):
    started = time.monotonic()
    for _ in range(100):
        assert exporter.get("/metrics").status == 200
    seconds = time.monotonic() - started
    assert control.asked.count("metrics") <= seconds + 2


def test_nothing_is_asked_while_nobody_asks(exporter, control):
    exporter.scrape()
    time.sleep(1.5)
    assert control.asked == ["metrics"]


def test_clients_that_say_nothing_make_room_for_others(exporter):
    silent = [exporter.dial() for _ in range(200)]
    assert exporter.get("/metrics", timeout=10).status == 200
    for one in silent:
        one.close()


def test_a_request_that_takes_for_ever_is_hung_up_on(exporter):
    client = exporter.dial()
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
    client.setblocking(False)
    started = time.monotonic()

    def is_over():
        try:
            client.sendall(b"X: y\r\n")
            return client.recv(1000) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    wait_until(is_over, within=20, every=0.5)
    assert time.monotonic() - started > 5


def test_a_client_that_does_not_read_delays_nobody(exporter, control):
    control.answers["metrics"] = dict(METRICS, services=[service("web", [server(f"s{i}") for i in range(20000)])])
    lazy = exporter.dial()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: exporter.get("/healthz", timeout=5).status == 200)
    assert len(exporter.get("/metrics").body) > 10_000_000
    lazy.close()


def read_slowly(exporter, path):
    client = exporter.dial()
    client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    return client


def read_on(client, size):
    """How much comes until the end, or of so much."""
    got = 0
    while got < size and (part := client.recv(1 << 20)):
        got += len(part)
    return got


def test_what_slow_readers_hold_is_limited_and_the_slowest_make_room(exporter, control):
    control.answers["status"] = {"large": "x" * 25_000_000}
    slow = []
    for _ in range(3):      # each has a body of its own
        slow.append(read_slowly(exporter, b"/status.json"))
        time.sleep(1.1)
    refused = exporter.get("/status.json")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "10") and "read slowly" in refused.text
    assert exporter.get("/healthz").status == 200 and exporter.scrape().get("lbha_up") == 1
    answer = wait_until(lambda: (lambda got: got.status == 200 and got)(exporter.get("/status.json")), 15, "the slowest have made room")
    assert len(answer.body) > 25_000_000
    assert read_on(slow[0], 25_000_000) < 24_000_000 and read_on(slow[1], 24_000_000) >= 24_000_000
    for one in slow:
        one.close()


# --- HTTP ---

@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(exporter, method):
    answer = exporter.get("/metrics", method)
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_a_body(exporter):
    whole, head = exporter.get("/healthz"), exporter.get("/healthz", "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(whole.body)))


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "/../metrics", "/%6detrics", "/" + "a" * 4000],
                         ids=["shorter", "longer", "above", "escaped", "endless"])
def test_an_unknown_path_is_404(exporter, path):
    assert exporter.get(path).status == 404


def test_a_path_may_have_a_query(exporter):
    assert exporter.get("/metrics?collect[]=a").status == 200


def test_a_head_that_is_too_large_is_refused(exporter):
    with pytest.raises(Exception):
        assert exporter.get("/metrics", x="a" * 100000).status >= 400
        raise ConnectionError("as good as an answer of that kind")
    assert exporter.get("/metrics").status == 200


def test_browsers_of_other_pages_get_nothing(exporter):
    answer = exporter.get("/metrics", Origin="http://evil.example")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert exporter.get("/metrics", Host="evil.example").status == 403
    assert exporter.get("/metrics", Host="evil.example:9480").status == 403
    for name in "localhost:9480", "127.0.0.1:9480", "[::1]:9480":
        assert exporter.get("/metrics", Host=name).status == 200


def test_a_name_is_fine_where_others_are_to_come_in(host, control):
    exporter = Exporter(host, control.path, "[::]:9480")
    exporter.address = "::1"
    assert exporter.get("/metrics", Host="lb1.example:9480").status == 200


@pytest.mark.parametrize("bytes_sent", [b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"/" * 100000,
                                        b"GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                        b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"],
                         ids=["zeros", "no-path", "version", "endless-path", "bracket", "length", "large-body"])
def test_what_is_no_request_harms_nobody(exporter, bytes_sent):
    client, said = exporter.dial(), b""
    try:
        client.sendall(bytes_sent)
        client.shutdown(socket.SHUT_WR)
        while part := client.recv(65536):
            said += part
    except OSError:
        pass  # it has hung up
    assert b" 200 " not in said
    assert exporter.get("/metrics").status == 200


# --- the program ---

def test_sigterm_ends_it_after_the_last_answer(exporter, control):
    exporter.scrape()
    assert exporter.stop() == 0


def test_an_address_that_is_taken_is_said(host, exporter, control):
    code, said = host.status_of(program("lbha-exporter"), "--socket", control.path)
    assert code == 3 and "cannot listen on 127.0.0.1:9480: Address already in use" in said


@pytest.mark.parametrize("words", [["--listen", "9480"], ["--listen", "127.0.0.1"], ["--listen", "localhost:1"], ["x"], ["--nonsense"]])
def test_wrong_usage_is_2(host, words):
    code, said = host.status_of(program("lbha-exporter"), *words)
    assert code == 2 and "usage: lbha-exporter" in said


# --- the real daemon ---

CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 200ms
    virtual_addresses: [192.168.8.200/24]
"""


def test_the_real_daemon_is_scraped_through_its_restart(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
    lb1.start()
    lb1.wait_role("MASTER")
    exporter = Exporter(lb1.host, lb1.socket)
    metrics = wait_for(exporter.scrape, lambda got: (got.get("lbha_vrrp_advertisements_sent_total", instance="public") or 0) > 1)
    assert metrics.get("lbha_vrrp_lateness_seconds_count", instance="public") > 0
    assert 0 <= metrics.get("lbha_vrrp_lateness_seconds_sum", instance="public") < 10
    assert metrics.get("lbha_vrrp_state", state="MASTER") == 1
    assert {one["worker"] for one in metrics.labels("lbha_worker_up")} == {"control", "check", "ipvs", "vrrp"}
    assert metrics.promtool() == "" if shutil.which("promtool") else True
    assert exporter.get("/healthz").status == 200
    lb1.kill_worker("control", signal.SIGKILL)  # whoever asks meanwhile waits for the next one
    assert exporter.get("/healthz").status == 200
    assert lb1.detach() == 0
    wait_until(lambda: exporter.get("/healthz").status == 503)
    lb1.start()
    wait_until(lambda: exporter.get("/healthz").status == 200)
    assert wait_until(lambda: exporter.scrape().get("lbha_up") == 1)
