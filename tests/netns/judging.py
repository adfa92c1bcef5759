"""What one probe of lbha-checkd says of a server, and that its deadline held: for tests in tables."""
import json
import re

import pytest

from lbhatest.machine import BareTimer, told_in_time

from checkd import Checkd

TIMEOUT_MS = 300
GRACE_MS = 60  # how late a deadline may be told on a busy machine
NO_PROXY = {"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}


def probed(check, target):
    """The first ended probe of that check (as in lbha.conf, or in short) at the target, as a fact."""
    text = json.dumps(check) if isinstance(check, dict) else check
    with Checkd(environment=NO_PROXY) as checkd:
        checkd.load(f"check it {text}", f"probe it {target}")
        return checkd.ended_first()


def judged(fact, reason, detail):
    """The verdict follows from the reason (fall is 1), the detail reads so, and the deadline held."""
    wanted = {"passed": "up", "resources": "unknown", "local": "unknown"}.get(reason, "down")
    assert (fact["reason"], fact["verdict"]) == (reason, wanted), fact
    assert re.fullmatch(detail, fact["detail"]), fact
    assert fact["latency_ms"] < TIMEOUT_MS + GRACE_MS, fact
    assert (fact["told"] - fact["time"]) * 1000 < GRACE_MS, fact
    if reason in ("connect_timeout", "reply_timeout"):
        assert fact["latency_ms"] >= TIMEOUT_MS, fact


@pytest.fixture(scope="module", autouse=True)
def timer():
    """Beside all tests of a file that imports it."""
    global beside
    with BareTimer() as beside:
        yield


def tells(check, target, reason, detail):
    told_in_time(lambda: judged(probed(check, target), reason, detail), beside, GRACE_MS / 1000)


IN_TIME = r"\(connected after [0-9.]+(us|ms)\)"
BYTES_IN_TIME = r"\(connected after [0-9.]+(us|ms), [0-9]+ bytes? received\)"
