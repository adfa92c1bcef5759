"""The log: its level while lbhad runs, and where its lines go, in which form."""
import json
import os

import pytest

from lbhatest import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

CONFIG = """
directors:
  lb1: {{address: 192.168.8.10}}
global: {{log: {{{log}}}}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
"""


@pytest.fixture
def lb1(lab):
    return lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config="")


def start(lb1, log="level: info"):
    lb1.configure(CONFIG.format(log=log))
    lb1.start()
    lb1.wait_role("MASTER")


def flap(lb1):
    """MASTER, FAULT, MASTER: what vrrp logs at info."""
    lb1.host.run("ip", "link", "set", "eth0", "down")
    lb1.wait_role("FAULT")
    lb1.host.run("ip", "link", "set", "eth0", "up")
    lb1.wait_role("MASTER")


def said(lb1, do):
    before = len(lb1.log)
    do(lb1)
    return lb1.log[before:]


# ---- the level ----

def test_the_level_changes_in_all_processes_and_back_without_a_reload(lb1):
    start(lb1, "level: warning")
    assert "→" not in said(lb1, flap)
    assert "log info" in lb1.ctl("log", "info", "--comment", "what is it doing")
    assert "public: MASTER → FAULT" in said(lb1, flap)
    assert "reload of" in said(lb1, lambda lb1: lb1.reload()), "the supervisor, too, and a reload does not end it"
    assert "public: MASTER → FAULT" in said(lb1, flap)
    lb1.kill_worker("vrrp")
    wait_until(lambda: lb1.worker("vrrp")["state"] == "running", 5, "another vrrp worker")
    lb1.wait_role("MASTER")
    assert "public: MASTER → FAULT" in said(lb1, flap), "a worker that is replaced knows it"
    [override] = lb1.status()["overrides"]
    assert (override["kind"], override["object"], override["value"]) == ("log", "director", "info")
    assert override["comment"] == "what is it doing" and override["configured_value"] == "warning"
    lb1.ctl("log", "auto")
    assert "→" not in said(lb1, flap) and not lb1.status()["overrides"]
    event = [json.loads(line) for line in lb1.ctl("events", "--json", "--since", "0").splitlines()][-1]
    assert (event["event"], event["object"], event["old"], event["new"]) == ("override", "log", "info", "auto") \
        or event["event"] == "vrrp_state"


def test_a_level_with_a_timeout_ends_by_itself(lb1):
    start(lb1, "level: warning")
    lb1.ctl("log", "debug", "--timeout", "1s")
    assert lb1.status()["overrides"][0]["until"]
    wait_until(lambda: not lb1.status()["overrides"], 5, "it has ended")
    assert "→" not in said(lb1, flap)


@pytest.mark.parametrize("words", [["verbose"], [""], ["auto", "--timeout", "1s"], []])
def test_what_is_no_level_is_refused(lb1, words):
    start(lb1)
    assert lb1.ctl_status("log", *words)[0] in (1, 2) and not lb1.status()["overrides"]
