"""Whatever clients of the control socket do, lbhactl answers and adverts leave in time."""
import contextlib
import json
import random
import select
import socket
import threading
import time

import pytest

from lbhatest import wait_until
from lbhatest.machine import BareTimer, told_in_time
from test_lbhactl import CONFIG, VIP, ask, dial

LATE = 0.25  # s: how late an advert, or an answer, may be while others do their worst; a backup waits for three intervals of 100 ms


@pytest.fixture
def master(lab):
    director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG % VIP)
    director.start()
    director.wait_role("MASTER")
    return director


class Crowd:
    """Clients that misbehave until the with block ends."""

    def __init__(self, director, seed):
        self.director, self.random, self.clients, self.ended = director, random.Random(seed), [], threading.Event()
        self.thread = threading.Thread(target=self.drip, daemon=True)

    def dial(self, count):
        made = [dial(self.director) for _ in range(count)]
        self.clients += made
        return made

    def say(self, client, bytes_):
        client.setblocking(False)
        try:
            client.send(bytes_)
        except OSError:  # the socket is full, or it has been hung up on: both are right
            pass

    def __enter__(self):
        for client in self.dial(8):  # never read, and ask for more than the socket holds
            self.say(client, b'{"request":"status"}\n' * 4000)
        for client in self.dial(6):  # follow, and never read
            self.say(client, b'{"request":"events","follow":true,"since":0}\n')
        for client in self.dial(6):
            self.say(client, b'{"request":"stat')
        for client in self.dial(6):
            self.say(client, bytes(self.random.randrange(256) for _ in range(4000)) + b"\n")
        for client in self.dial(4):
            self.say(client, b"[" * 15000 + b"\n" + b'{"request":"ping","request":"stop"}\n\0\n\xff\n{}\n')
        self.slow = self.dial(4)  # a byte at a time, in both directions
        self.dial(60)             # and more than there are places
        self.thread.start()
        return self

    def drip(self):
        line = b'{"request":"status"}\n'
        for turn in range(10 ** 6):
            for client in self.slow:
                client.setblocking(False)
                try:
                    client.send(line[turn % len(line):][:1])
                    client.recv(1)
                except OSError:
                    pass
            if self.ended.wait(0.1):
                return

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for client in self.clients:
            client.close()


def lateness(director):
    """Adverts that left later than a backup can stand."""
    return sum(count for bound, count in director.vrrp()["lateness_ms"].items() if bound == "inf" or float(bound) > 100)


def answers_in_time(director):
    begin = time.monotonic()
    with dial(director) as client:
        assert ask(client, {"request": "ping"})["result"]["protocol"] == 1
        assert ask(client, {"request": "vrrp"})["ok"]
    took = time.monotonic() - begin
    assert took < LATE, f"an answer took {1000 * took:.0f} ms"


def test_clients_of_every_bad_kind_keep_nobody_waiting(master):
    def tell():
        late, before = lateness(master), master.vrrp()
        for _ in range(15):
            answers_in_time(master)
            time.sleep(0.1)  # the time that is looked at
        assert master.ctl("ping").startswith("lbhad ")
        after = master.vrrp()
        assert after["state"] == "MASTER" and after["transitions"] == before["transitions"]
        assert lateness(master) == late, after["lateness_ms"]
        # what vrrp has sent is told once a second
        wait_until(lambda: master.vrrp()["sent"] >= before["sent"] + 12, 5, "adverts are sent meanwhile")

    with BareTimer() as timer, Crowd(master, 4711):
        told_in_time(tell, timer, LATE)
    assert ask(dial(master), {"request": "ping"})["ok"]
    assert {one["name"]: one["restarts"] for one in master.status()["workers"] if one["restarts"]} == {}


def test_who_never_reads_is_dropped_after_ten_seconds_and_has_no_place_for_ever(master):
    """Also between two pieces of an answer: 64 such clients would be all that there are."""
    deaf = [dial(master) for _ in range(64)]
    gone = select.poll()
    for client in deaf:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.send(b'{"request":"status"}\n')
        gone.register(client, 0)
    wait_until(lambda: len(gone.poll(0)) == 64, 25, "all are hung up on")
    assert master.ctl("ping").startswith("lbhad ")
    for client in deaf:
        client.close()


def test_half_a_line_is_no_request_and_the_rest_makes_it_one(master):
    with dial(master) as client:
        client.sendall(b'{"requ')
        answers_in_time(master)
        client.settimeout(0.3)
        with pytest.raises(socket.timeout):
            client.recv(1)
        client.settimeout(5)
        client.sendall(b'est":"ping"}\n{"request":"pi')
        lines = client.makefile("rb")
        assert json.loads(lines.readline())["ok"]
        client.sendall(b'ng"}\n')
        assert json.loads(lines.readline())["ok"]
