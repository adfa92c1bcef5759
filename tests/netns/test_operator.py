"""What operators say: release, claim, priority, maintenance; who keeps it, and what the clients see of it."""
import json
import os
import signal

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, longest_silence, masters
from vrrp_pair import LB1, LB2, VIP, Pair, config, own_addresses

DONE, FAILED, USAGE, NO_DAEMON, DEGRADED = range(5)


@pytest.fixture
def pair(lab):
    return Pair(lab).start()


@pytest.fixture
def lone(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    return pair.lb1


def said(director, *words):
    """What a command printed that did all it should."""
    code, text = director.ctl_status(*words)
    assert code == DONE, (code, text)
    return text


def refused(director, *words):
    code, text = director.ctl_status(*words)
    assert code == FAILED, (code, text)
    return text


def outcome(director, *words):
    """(exit code, the JSON that was printed)"""
    code, text = director.ctl_status(*words, "--json")
    return code, json.loads(text[:text.rindex("}") + 1])


def hear_more(pair, adverts_more=10):
    seen = len(adverts(pair.adverts))
    wait_until(lambda: len(adverts(pair.adverts)) > seen + adverts_more, what="more adverts")


# ---- release and claim ----

def test_release_hands_over_and_says_to_whom(pair):
    assert said(pair.lb1, "release", "public") == f"public: released, {LB2} has taken over with 100\n"
    pair.wait_roles("BACKUP", "MASTER")
    assert not pair.lb1.holds(VIP) and pair.lb2.holds(VIP)
    assert pair.lb1.vrrp()["reason"] == f"released by the operator; {LB2} advertises 100"


def test_who_was_released_stays_backup_until_claim(pair):
    said(pair.lb1, "release", "public")
    hear_more(pair, 15)
    pair.wait_roles("BACKUP", "MASTER")
    assert masters(adverts(pair.adverts)) == [LB1, LB2]
    assert said(pair.lb1, "claim", "public") == f"public: MASTER, claimed by the operator; {LB2} advertised 100\n"
    pair.wait_roles("MASTER", "BACKUP")
    assert pair.lb1.holds(VIP)
