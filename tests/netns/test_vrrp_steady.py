"""The vrrp worker while nothing happens: it may run before others, its memory stays where it is, and it asks for no more."""
import mmap
import os
import re
import socket
import struct
import subprocess

import pytest

from lbhatest import wait_until
from lbhatest.director import build_folder, program
from lbhatest.vrrp import VRRP
from vrrp_pair import LB1, VIP, Pair

COUNTER = "alloc-counter.so"


def vrrp_pid(director):
    [pid] = director.worker_pids()["vrrp"]
    return pid


def test_the_vrrp_worker_runs_before_others_and_stays_in_memory(lab):
    pair = Pair(lab).start()
    pid = vrrp_pid(pair.lb1)
    assert os.sched_getscheduler(pid) == os.SCHED_RR
    assert os.sched_getparam(pid).sched_priority > os.sched_getparam(pair.lb1.process.pid).sched_priority
    with open(f"/proc/{pid}/smaps") as file:
        areas = re.findall(r"^[0-9a-f]+-[0-9a-f]+ (\S+) .*?^VmFlags: ([^\n]*)", file.read(), re.M | re.S)
    writable = [flags.split() for rights, flags in areas if rights.startswith("rw")]
    assert len(writable) > 10
    # what is in memory is locked, except what the kernel itself mapped for a driver
    assert [flags for flags in writable if "lo" not in flags and "io" not in flags and "pf" not in flags] == []


class Allocations:
    """How often the vrrp worker of a director has asked malloc for anything."""

    def __init__(self, director):
        self.director = director
        folder = director.host.log_file("allocations")
        os.mkdir(folder)
        os.chmod(folder, 0o777) # the worker is not root
        self.prefix = os.path.join(folder, "of")
        self.environment = director.environment
        director.environment = self._environment

    def _environment(self, **more):
        if "NOTIFY_SOCKET" not in more:  # lbhactl
            return self.environment(**more)
        return self.environment(LD_PRELOAD=os.path.join(build_folder(), COUNTER), LBHA_ALLOCATIONS=self.prefix, **more)

    def _record(self):
        pid = vrrp_pid(self.director)
        with open(f"/proc/{pid}/status") as status:
            [inner] = [line.split()[-1] for line in status if line.startswith("NSpid:")]
        with open(f"{self.prefix}.{inner}", "rb") as file:
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as record:
                count, *callers = struct.unpack("17Q", record[:])
        return pid, count, callers

    def count(self):
        return self._record()[1]

    def callers(self, last):
        """Who asked the last times, as file and offset: for addr2line."""
        pid, count, ring = self._record()
        with open(f"/proc/{pid}/maps") as maps:
            areas = [re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \S+ *(.*)", line).groups() for line in maps]
        found = []
        for number in range(max(count - min(last, 16), 0), count):
            caller = ring[number % 16]
            found += [f"{name}+{caller - int(begin, 16) + int(offset, 16):#x}" for begin, end, offset, name in areas
                      if int(begin, 16) <= caller < int(end, 16)]
        return found


def is_sanitized():
    return "libasan" in subprocess.run(["ldd", program("lbhad")], stdout=subprocess.PIPE, text=True, check=True).stdout


class Stranger:
    """Sends what looks like an advert of priority 200, but has come through a router."""

    def __init__(self, pair):
        with pair.watcher.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 254)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.168.8.99"))

    def speaks(self):
        return self.socket.sendto(struct.pack("!BBBBHH4s", 0x31, 51, 200, 1, 1, 0, socket.inet_aton(VIP)), ("224.0.0.18", 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def is_from_lb1(frame):
    return frame.ip_addresses[0] == LB1


class Window:
    """A while of 300 adverts: what was allocated meanwhile, and whether the roles stayed what they were."""

    def __init__(self, pair, counters):
        directors = (pair.lb1, pair.lb2)
        transitions = [director.vrrp()["transitions"] for director in directors]
        before = [counter.count() for counter in counters]
        pair.adverts.clear()
        with Stranger(pair) as stranger:
            wait_until(lambda: stranger.speaks() and len(pair.adverts.where(is_from_lb1)) >= 300, 10, "300 adverts", every=0.1)
        self.more = [counter.count() - count for counter, count in zip(counters, before)]
        self.callers = [counter.callers(count) for counter, count in zip(counters, self.more)]
        self.is_steady = transitions == [director.vrrp()["transitions"] for director in directors]


def test_in_the_steady_state_nothing_is_allocated(lab):
    """Adverts are sent and heard, announcements refreshed, facts told, and a stranger is heard and not believed.

    No director may take over meanwhile, as one that waits 36 ms does on a busy machine: that allocates, and is not the steady
    state. Then another while is looked at."""
    if is_sanitized():
        pytest.skip("the sanitizers replace malloc themselves")
    program(COUNTER)
    pair = Pair(lab, interval="10ms", more="announce: {count: 1, again_after: 0s, refresh: 1s}\ntrack: [{interface: lo}]")
    counters = [Allocations(director) for director in (pair.lb1, pair.lb2)]
    pair.start()
    assert all(counter.count() > 50 for counter in counters)
    Window(pair, counters)  # the first of everything: descriptors of the log, buffers of the C library
    for _ in range(8):
        window = Window(pair, counters)
        if window.is_steady:
            break
    else:
        pytest.skip("on this machine there is no steady state: directors took over in each of 8 whiles")
    assert window.more == [0, 0], window.callers
    status = pair.lb1.vrrp()
    assert status["sent"] > 500 and status["dropped"]["ttl"] > 10
    before = counters[0].count()
    assert pair.lb1.reload()[0] == 0
    assert counters[0].count() > before, "nothing is counted"
