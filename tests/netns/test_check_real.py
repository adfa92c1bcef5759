"""Checks against real servers of Debian, on loopback: what they say in states in which they serve nobody."""
import contextlib
import socket
import subprocess

import pytest

from lbhatest import wait_until

from judging import probed

TIMES = {"interval": "1s", "timeout": "900ms"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@contextlib.contextmanager
def running(port, command, **options):
    """Runs in the foreground until the end; a port of its own, where it listens now."""
    with open(options.pop("log"), "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
    try:
        wait_until(lambda: answers(port) or process.poll() is not None, 15, f"{command[0]} listens")
        assert process.poll() is None, f"{command} ended with {process.returncode}"
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def redis(folder, *options):
    """redis-check-rdb is the server by another name, in a package that starts none."""
    port = free_port()
    return running(port, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options],
                   executable="/usr/bin/redis-check-rdb", log=folder / "log")


REDIS = {
    "is well": ([], "up", "PONG"),
    "wants a password": (["--requirepass", "secret"], "up", "answers: NOAUTH Authentication required."),
    "is a replica that lost its master": (["--replicaof", "127.0.0.1 9", "--replica-serve-stale-data", "no"], "down",
                                          "MASTERDOWN Link with MASTER is down and"),
}


@pytest.mark.parametrize("row", REDIS)
def test_a_redis_server_that(row, tmp_path):
    options, verdict, detail = REDIS[row]
    with redis(tmp_path, *options) as target:
        fact = probed({**TIMES, "type": "redis"}, target)
    assert fact["verdict"] == verdict and fact["detail"].startswith(detail), fact


def test_a_redis_server_with_too_many_clients_is_down(tmp_path):
    with redis(tmp_path, "--maxclients", "1") as target, contextlib.ExitStack() as held:
        host, port = target.split(":")

        def is_let_in():
            """The one that asked whether it listens may still count."""
            one = socket.create_connection((host, int(port)))
            one.sendall(b"PING\r\n")
            if one.recv(100).startswith(b"+PONG"):
                return held.enter_context(one)
            return one.close()

        wait_until(is_let_in, what="the only client")
        fact = probed({**TIMES, "type": "redis"}, target)
    assert (fact["verdict"], fact["detail"]) == ("down", "ERR max number of clients reached"), fact


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name, expect, verdict, detail", [
    ("a.example", {}, "up", "noerror, 1 answer"), ("a.example", {"address": "192.0.2.7"}, "up", "192.0.2.7"),
    ("a.example", {"address": "192.0.2.8"}, "down", "192.0.2.8 is not in the answer 192.0.2.7"),
    ("elsewhere.example", {}, "down", "refused, wanted noerror"),
])
def test_dnsmasq(dnsmasq, transport, name, expect, verdict, detail):
    fact = probed({**TIMES, "type": "dns", "transport": transport, "name": name, "record": "A", "expect": expect}, dnsmasq)
    assert (fact["verdict"], fact["detail"]) == (verdict, detail), fact


@pytest.fixture(scope="module")
def dnsmasq(tmp_path_factory):
    port = free_port()
    with running(port, ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", f"--port={port}", "--no-resolv",
                        "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--address=/a.example/192.0.2.7",
                        "--user=root", "--pid-file="],
                 log=tmp_path_factory.mktemp("dnsmasq") / "log") as target:
        yield target
