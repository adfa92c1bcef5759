"""What lbhactl prints fits into 80 columns, whatever names, addresses and numbers there are."""
import copy
import itertools
import json
import os
import random
import subprocess
import unicodedata

import pytest

from lbhatest.director import program
from test_lbhactl_alone import FakeDaemon, Talk, answer

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "golden", "ctl")
KEPT = {"state", "since", "time", "started", "kind", "protocol", "scheduler", "forwarding", "health", "admin", "result", "type",
        "until", "deadline", "family", "reason_code", "last_read_back", "role", "next_start", "wish"}
TEXTS = ["a-server-in-the-second-rack-of-the-third-room-with-a-name-that-says-so-0123456789", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
         "サーバー・ラック・東京・第二データセンター・その一", "e\u0301" * 30, "x", "", "Käse & Söhne GmbH & Co. KG, Straße der Werktätigen",
         "/very/" + "long/" * 40 + "path", "2001:db8:1111:2222:3333:4444:5555:6666/128", "w" * 300, "\u202egnal", "many words " * 30]
NUMBERS = [0, 1, 65535, 6553500, 2 ** 40, 2 ** 62]


def width(line):
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) == "Cf" else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def hostile(value, pick, key=None):
    """The same shape with other texts and numbers."""
    if isinstance(value, dict):
        return {name: hostile(one, pick, name) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, pick, key) for one in value]
    if isinstance(value, str):
        return value if key in KEPT or key == "name" else pick(TEXTS)
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if key == "leads_to":
        return value
    limit = 6553500 if "weight" in key else 65535 if "priority" in key or key == "effect" else 2 ** 62  # what there can be
    return min(pick(NUMBERS), limit)


def names_of(status):
    for group in "vrrp", "services", "sync_groups":
        yield from status[group]
    for one in status["services"]:
        yield from one["real_servers"]
    for one in status["vrrp"]:
        yield from one["trackers"]


def traffic_of(status, monotonic_ms):
    services = copy.deepcopy(status["services"])
    for service in services:
        service["connections"] = {"active": 3, "inactive": 12, "persistent": 0}
        for server in service["real_servers"]:
            server.update(in_table=True, sorry=False)
    return {"time": status["time"], "monotonic_ms": monotonic_ms, "services": services}


def printed(path, *words):
    return subprocess.run([program("lbhactl"), "--socket", path, *words], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_wider_than_a_terminal(tmp_path, seed):
    seed = int(os.environ.get("LBHA_SEED", seed))
    print(f"LBHA_SEED={seed}")
    with open(os.path.join(GOLDEN, "status.json"), encoding="utf-8") as file:
        status = json.load(file)
    pick = random.Random(seed).choice if seed else lambda values: values[0] if isinstance(values[0], str) else values[-1]
    status = hostile(status, pick)
    for one in names_of(status):
        one["name"] = pick(TEXTS) or "nameless"
    vrrp, service = status["vrrp"][0]["name"], status["services"][0]["name"]
    number = itertools.count()
    for result, *words in ((status, "status"), (status["vrrp"], "vrrp"), (status["vrrp"], "vrrp", vrrp), (status["services"], "services"),
                           (status["services"], "services", service), (status["overrides"], "overrides"), ([traffic_of(status, 5000), traffic_of(status, 7000)], "top", "--once"),
                           ({"lines": [], "objects": [{"name": pick(TEXTS), "done": True, "text": pick(TEXTS)}]}, "enable", "--all", "x")):
        path = tmp_path / f"socket{next(number)}"
        daemon = Talk(path, result) if words[0] == "top" else FakeDaemon(path, answer(result))
        done = printed(daemon.path, *words)
        daemon.close()
        assert done.returncode in (0, 4), (words, done)
        for line in done.stdout.splitlines():
            assert width(line) <= 80, f"{words}: {width(line)} columns: {line}"
