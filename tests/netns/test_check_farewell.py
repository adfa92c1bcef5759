"""How connections end whose servers hear a goodbye: the server closes first, and keeps the port; one that does not is not waited for."""
import json
import os
import re

import pytest

from checkd import Checkd
from lbhatest import wait_until
from lbhatest.rogue import Server, dialogue, server_context
from test_check_tls import ca, good, stranger  # noqa: F401

EHLO = re.compile(rb"EHLO [a-z.]+\r\n")
SMTP = [(None, b"220 a.example ESMTP\r\n"), (EHLO, b"250-a.example\r\n250 STARTTLS\r\n")]
TIME_WAIT = "06"


def left_here(server):
    """States of the probes' ends of connections to the server."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return [line.split()[3] for line in table if line.split()[2].endswith(f":{server.port:04X}")]


def hears_end(server_ends):
    """Reads to the end, which is to be an orderly one, then closes."""
    def behaviour(connection):
        server_ends.append(connection.wait_gone())
    return behaviour


def starts_tls(good):
    context = server_context(good)
    return lambda connection: connection.start_tls(context)


def rows(name, ca, good, ends):
    end = hears_end(ends)
    return {
        "tls": lambda: ({"type": "tls", "ca": ca.certificate, "sni": "a.example"},
                        dialogue((None, starts_tls(good)), then=end)),
        "smtp": lambda: ({"type": "smtp"}, dialogue(*SMTP, (b"QUIT\r\n", b"221 bye\r\n"), then=lambda _: ends.append(True))),
        "smtp inside TLS": lambda: (
            {"type": "smtp", "starttls": True, "tls": {"ca": ca.certificate, "sni": "a.example"}},
            dialogue(*SMTP, (b"STARTTLS\r\n", b"220 go\r\n"), (None, starts_tls(good)), (EHLO, b"250 OK\r\n"),
                     (b"QUIT\r\n", b"221 bye\r\n"), then=end)),
        "postgresql": lambda: ({"type": "postgresql", "user": "lbha"},
                               dialogue((b"user", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"), (b"X\0\0\0\x04", None),
                                        then=lambda _: ends.append(True))),
    }[name]()


@pytest.mark.parametrize("name", ["tls", "smtp", "smtp inside TLS", "postgresql"])
def test_a_probe_that_says_goodbye_leaves_no_port_in_time_wait(ca, good, name):
    ends = []
    check, behaviour = rows(name, ca, good, ends)
    with Server(behaviour) as server, Checkd() as checkd:
        checkd.load(f"check it {json.dumps(dict(check, interval='50ms', timeout='1s'))}", f"probe it {server.target}")
        checkd.wait_fact(passed=True)
        wait_until(lambda: len(ends) >= 10, what="ten probes")
        checkd.load()
        wait_until(lambda: not left_here(server), 3, "the end of all connections on our side")
        assert not checkd.facts(verdict="down")
    assert all(ends), "none was reset"


def test_a_server_that_ignores_a_goodbye_is_not_waited_for(ca, good):
    """A hundred that never close by themselves: a second is their time, and 32 have it at once."""
    def deaf(connection):
        connection.start_tls(server_context(good))
        connection.server.closing.wait(30)
    with Server(deaf) as server, Checkd(as_nobody=False) as checkd:
        check = json.dumps({"type": "tls", "ca": ca.certificate, "sni": "a.example", "interval": "1h", "timeout": "20s"})
        checks = [line for i in range(100) for line in
                  (f"check c{i} {check.replace('1h', f'{3600 + i}s')}", f"probe c{i} {server.target}")]
        checkd.load(*checks)
        wait_until(lambda: len({fact["check"] for fact in checkd.facts(verdict="up")}) == 100, 20, "all are up")
        before = len(os.listdir(f"/proc/{checkd.pid}/fd"))
        wait_until(lambda: len(os.listdir(f"/proc/{checkd.pid}/fd")) < before or before < 32, 5, "the end of their patience")
        wait_until(lambda: left_here(server).count("01") == 0, 5, "no connection that stands")
        checkd.release()
