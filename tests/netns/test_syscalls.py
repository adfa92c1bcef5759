"""One system call fails, somewhere in an operator's day: nothing is lost, nothing is stuck.

A case is a flow and a worker; syscalls.py says what must hold after the flow, whatever failed in it. As many cases as there
is time for are tried with a call that chance picks (LBHA_SEED). With LBHA_SYSCALLS=all every call of every flow fails once,
with LBHA_SYSCALLS=7,50 these.
"""
import os
import random
import time

import pytest

from syscalls import Faulty

CHOSEN = os.environ.get("LBHA_SYSCALLS", "")
ALL = CHOSEN == "all"
SECONDS = 20

# About how many calls there are that can fail.
CALLS = {("start", "supervisor"): 320, ("start", "child"): 320, ("start", "compiler"): 200, ("start", "control"): 180,
         ("start", "check"): 300, ("start", "ipvs"): 200, ("start", "vrrp"): 280,
         ("reload", "supervisor"): 80, ("reload", "child"): 60, ("reload", "compiler"): 200, ("reload", "control"): 50,
         ("reload", "check"): 60, ("reload", "ipvs"): 20, ("reload", "vrrp"): 120,
         ("takeover", "control"): 5, ("takeover", "check"): 20, ("takeover", "ipvs"): 5, ("takeover", "vrrp"): 60,
         ("stop", "supervisor"): 40, ("stop", "control"): 10, ("stop", "check"): 20, ("stop", "ipvs"): 10,
         ("stop", "vrrp"): 60,
         ("leave", "supervisor"): 90, ("leave", "child"): 20, ("leave", "control"): 20, ("leave", "check"): 30,
         ("leave", "ipvs"): 10, ("leave", "vrrp"): 40,
         ("adopt", "supervisor"): 340, ("adopt", "control"): 190, ("adopt", "check"): 400, ("adopt", "ipvs"): 170,
         ("adopt", "vrrp"): 290,
         ("upgrade", "supervisor"): 400, ("upgrade", "child"): 330, ("upgrade", "compiler"): 200, ("upgrade", "control"): 200,
         ("upgrade", "check"): 420, ("upgrade", "ipvs"): 180, ("upgrade", "vrrp"): 320}


@pytest.fixture
def faulty(lab):
    one = Faulty(lab)
    yield one
    one.close()


@pytest.mark.limit(180)
def test_a_call_that_fails_loses_nothing_and_leaves_nothing_stuck(faulty):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    chance = random.Random(seed)
    faulty.begin_anew()
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        flow, role = chance.choice(list(CALLS))
        number, error = chance.randint(1, CALLS[flow, role]), chance.randrange(4)
        print(f"{flow}, {role}, call {number}", flush=True)
        getattr(faulty, flow)(role, number, error)
        print(f"    {faulty.failed()}")


def progress(line):
    """What those read who wait for hours."""
    print(line, flush=True)
    if os.environ.get("LBHA_LAB_OUTPUT"):
        with open(os.path.join(os.environ["LBHA_LAB_OUTPUT"], "progress"), "a") as file:
            file.write(line + "\n")


def every_call(faulty, flow, role):
    run = getattr(faulty, flow)
    faulty.begin_anew()
    total = run(role, 0)
    complaints = []
    for number in range(1, total + 1) if ALL else map(int, CHOSEN.split(",")):
        try:
            run(role, number, number)
        except AssertionError as problem:
            complaints.append(f"{number} of {total}, {faulty.failed()}: {problem}")
            progress(f"{flow}, {role}: {complaints[-1]}")
            faulty.begin_anew()
        if number % 25 == 0:
            progress(f"{flow}, {role}: {number} of {total}")
    assert not complaints, "\n".join(complaints)


if CHOSEN:  # takes hours
    @pytest.mark.limit(4 * 3600)
    @pytest.mark.parametrize("flow, role", CALLS)
    def test_any_call_may_fail(faulty, flow, role):
        every_call(faulty, flow, role)
