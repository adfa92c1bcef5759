"""How late the machine itself is: a bare timer beside a test, which has nothing to do but to be on time.

What it is late, anybody was. A test that measures time and fails while the timer was late by a third of what the test
allows says nothing about us: it is repeated (see told_in_time), and after the third time skipped.
"""
import os
import subprocess
import sys
import tempfile
import time

import pytest

TIMES = 3

# Every 10 ms; each time that it was late by more than a millisecond: when it woke, and how late. Under SCHED_RR with the
# priority given, its memory locked; priority 0 is what ordinary processes have.
TIMER = """
import ctypes, os, sys, time
if int(sys.argv[1]):
    ctypes.CDLL(None).mlockall(3)
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(int(sys.argv[1])))
due = time.monotonic()
while True:
    due += 0.01
    time.sleep(max(0, due - time.monotonic()))
    now = time.monotonic()
    if now - due > 0.001:
        os.write(1, b"%f %f\\n" % (now, now - due))
        due = now
"""


class BareTimer:
    """Runs from the beginning of the with block to its end."""

    def __init__(self, priority=0):
        self.priority = priority

    def __enter__(self):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen([sys.executable, "-c", TIMER, str(self.priority)], stdout=self.file)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.file.close()

    def latest(self, since=0):
        """The most that it was late after that moment (of time.monotonic()), in seconds."""
        assert self.process.poll() is None, "the bare timer has ended"
        lines = os.pread(self.file.fileno(), os.fstat(self.file.fileno()).st_size, 0).split(b"\n")[:-1]
        return max((late for when, late in (map(float, line.split()) for line in lines) if when > since), default=0.0)


class Overtaken(AssertionError):
    """What a test wanted to look at had come before the test began it: that says nothing either."""


def told_in_time(tell, timer, slack, again=print):
    """tell() and what it returns, three times at most: once more when it failed and the timer was late by a third of
    `slack`, or when it was overtaken. Still late then: the test is skipped, and says so."""
    for left in reversed(range(TIMES)):
        begin = time.monotonic()
        try:
            return tell()
        except AssertionError as problem:
            late = timer.latest(begin)
            if late < slack / 3 and not (left and isinstance(problem, Overtaken)):
                raise
            again(f"a bare timer was late by {1000 * late:.0f} ms when this failed: {problem}")
    return pytest.skip(f"a bare timer was late by {1000 * late:.0f} ms, {TIMES} times")
