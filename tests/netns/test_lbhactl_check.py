"""`lbhactl check` on a running director: its words, its exit codes, who may ask, and what a hostile server cannot do with it.

Natively there are no services (no IPVS), so the checks are trackers' here; those of servers are in tests/lab/test_lbhactl_services.py.
"""
import json
import subprocess

import pytest

from lbhatest import wait_until
from lbhatest.rogue import Server, answer, says, silent
from test_lbhactl import ask, dial

DONE, FAILED, USAGE = range(3)
READERS, WRITERS = 61001, 61002
LB1 = "192.168.8.10"


def config(port, **checks):
    named = "".join(f"  {name}: {{address: {LB1}, port: {port}, timeout: 300ms, {rest}}}\n" for name, rest in checks.items())
    track = ", ".join(f"{{check: {name}, weight: -10}}" for name in checks)
    return f"""
global: {{control: {{read_group: "{READERS}", write_group: "{WRITERS}"}}}}
directors:
  lb1: {{address: {LB1}}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: 192.168.8.200/24, carrier_settle: 0s, track: [{track}]}}
checks:
  template: {{type: tcp}}
{named}"""


@pytest.fixture
def director(lab):
    return lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), LB1), config="")


def looked(director, *words):
    code, text = director.ctl_status("check", *words, "--json")
    said = json.loads(text[:text.rindex("}") + 1])
    assert (code, said["result"]) in ((DONE, "passed"), (FAILED, "failed")), (code, text)
    return said["probes"][0]


def test_the_dialogue_of_a_check_that_passes_and_of_one_that_fails(director):
    with Server(answer("503 Down", body=b"for repair\n"), LB1, host=director.host) as server:
        director.configure(config(server.port, web="type: http, path: /health", bare="type: tcp"))
        director.start()
        code, text = director.ctl_status("check", "web")
        assert code == FAILED
        lines = [line.strip() for line in text.splitlines()]
        assert lines[0] == f"http check web at {LB1}:{server.port}"
        assert any(line.endswith(r"→ GET /health HTTP/1.1\r\n") for line in lines), text
        assert any(line.endswith(r"← HTTP/1.1 503 Down\r\n") for line in lines), text
        assert any(line.endswith(r"← for repair\n") for line in lines), text
        assert "wanted: status 200-299" in lines
        assert any(line.startswith("failed: status 503, wanted 200-299 after ") for line in lines), text
        assert max(map(len, text.splitlines())) <= 80, text
        code, text = director.ctl_status("check", "bare")
        assert code == DONE and "passed: connected after" in text, text
        seen = looked(director, "bare")
        assert (seen["service"], seen["check"], seen["type"], seen["of"]) == (None, "bare", "tcp", 1)


def test_a_hostile_server_steers_no_terminal(director):
    body = b"\x1b]0;pwned\x07\x1b[2J\x9b31m\r\n"
    with Server(says(b"HTTP/1.1 200 \x1b[31mOK\r\nX-\x1b: \x07\r\n\r\n" + body), LB1, host=director.host) as server:
        director.configure(config(server.port, web="type: http", tcp="type: tcp, expect: x"))
        director.start()
        for words in (["web"], ["web", "--json"], ["tcp"], ["tcp", "--json"]):
            done = subprocess.run(director.ctl_command("check", *words), capture_output=True, check=False)
            out = (done.stdout + done.stderr).replace("→".encode(), b"").replace("←".encode(), b"").replace("…".encode(), b"")
            assert all(32 <= byte < 127 or byte == 10 for byte in out), out


def test_names_that_mean_nothing_are_refused_with_what_would_be_right(director):
    with Server(silent, LB1, host=director.host) as server:
        director.configure(config(server.port, gateway="type: tcp"))
        director.start()
        for words, why in ((["gatway"], 'no check that is in use is called "gatway"; did you mean "gateway"?'),
                           (["template"], "check template has no target of its own: name a service and a server"),
                           (["web", "a"], 'no service is called "web": this node has none')):
            code, text = director.ctl_status("check", *words)
            assert code == FAILED and why in text, text
        assert director.ctl_status("check")[0] == USAGE
        assert director.ctl_status("check", "a", "b", "c")[0] == USAGE


def test_who_may_only_ask_may_not_probe(director):
    with Server(silent, LB1, host=director.host) as server:
        director.configure(config(server.port, gateway="type: tcp"))
        director.start()
        code, text = director.ctl_as(61000, READERS, "check", "gateway")
        assert code == FAILED and "not permitted: check needs write access" in text, text
        assert director.ctl_as(61000, WRITERS, "check", "gateway")[0] == DONE


def test_a_client_that_leaves_cancels_its_probe_and_a_fifth_is_refused(director):
    with Server(silent, LB1, host=director.host) as server:
        director.configure(config(server.port, slow="type: http, interval: 1h").replace("timeout: 300ms", "timeout: 1h"))
        director.start()
        wait_until(lambda: server.open == 1, what="the probe of the schedule")
        running = [subprocess.Popen(director.ctl_command("check", "slow"), stdout=subprocess.DEVNULL) for _ in range(4)]
        wait_until(lambda: server.open == 5, what="four looks under way")
        code, text = director.ctl_status("check", "slow")
        assert code == FAILED and "as many probes are looked at as may be at once" in text, text
        running[0].kill()
        wait_until(lambda: server.open == 4, what="the end of a probe that nobody looks at")
        for one in running:
            one.kill()
            one.wait()
        wait_until(lambda: server.open == 1, what="the end of all others")
        assert director.is_running


def test_clients_that_leave_take_no_place_with_them(director):
    """There are 64; also with answers that they have not read, and with looks that wait in their line."""
    check = b'{"request":"check","check":"slow"}\n'
    with Server(silent, LB1, host=director.host) as server:
        director.configure(config(server.port, slow="type: http, interval: 1h").replace("timeout: 300ms", "timeout: 1h"))
        director.start()
        wait_until(lambda: server.open == 1, what="the probe of the schedule")
        for turn in range(70):
            begun = len(server.begun)
            with dial(director) as client:
                client.sendall((b"", b'{"request":"ping"}\n')[turn % 2] + check + (b"", check * 3)[turn % 3 == 0])
                wait_until(lambda begun=begun: len(server.begun) > begun, what="a look under way")
        wait_until(lambda: server.open == 1, what="the end of all looks")
        with dial(director) as client:
            assert ask(client, {"request": "ping"})["ok"]


def test_a_look_that_waits_in_line_over_a_reload_sees_the_new_configuration(director):
    """Each refusal lets the next line of its client in, in the midst of the change; what it asks for has another number by then."""
    with Server(silent, LB1, host=director.host) as server:
        director.configure(config(server.port, slow="type: http, interval: 1h").replace("timeout: 300ms", "timeout: 1h"))
        director.start()
        wait_until(lambda: server.open == 1, what="the probe of the schedule")
        clients = [dial(director) for _ in range(4)]
        for client in clients:
            client.sendall(b'{"request":"check","check":"slow"}\n' * 3)
        wait_until(lambda: server.open == 5, what="four looks under way")
        code, text = director.reload(config(server.port, other="type: tcp", slow="type: http, interval: 1h"))
        assert code == DONE, text
        for client in clients:
            with client, client.makefile("rb") as lines:
                first, second, third = (json.loads(lines.readline()) for _ in range(3))
            assert "another configuration has come into force meanwhile" in first["error"], first
            for said in second, third:
                assert said["ok"] and (said["result"]["check"], said["result"]["type"]) == ("slow", "http"), said


def test_a_reload_and_the_death_of_a_worker_in_the_midst(director):
    with Server(silent, LB1, host=director.host) as server:
        text = config(server.port, slow="type: http, interval: 1h").replace("timeout: 300ms", "timeout: 1h")
        director.configure(text)
        director.start()
        wait_until(lambda: server.open == 1, what="the probe of the schedule")

        def look():
            begun = len(server.begun)
            client = subprocess.Popen(director.ctl_command("check", "slow"), stderr=subprocess.PIPE, text=True)
            wait_until(lambda: len(server.begun) > begun, what="a look under way")
            return client
        client = look()
        director.reload(text.replace("-10", "-20"))
        assert "another configuration has come into force meanwhile" in client.communicate(timeout=10)[1]
        assert client.returncode == FAILED
        client = look()
        begun = len(server.begun)
        director.kill_worker("check")
        wait_until(lambda: len(server.begun) == begun + 2, what="the probe and the look of the worker that follows")
        client.kill()
        client.communicate()
        wait_until(lambda: server.open == 1, what="the end of the look")
