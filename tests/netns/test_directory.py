"""Users and groups may be known to a directory elsewhere. When that is dead the daemon goes on: it waits for it a moment at most."""
import os
import time

import pytest

from lbhatest import wait_until
from lbhatest.director import build_folder

CONFIG = """
global:
  exporter: {listen: "127.0.0.1:9480"}%s
directors:
  lb1: {address: 192.168.8.10}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: 192.168.8.200/24, advert_interval: 100ms, carrier_settle: 0s}
"""
STRANGER = 64988  # has no name anywhere


@pytest.fixture
def lb1(lab):
    """On a machine whose files do not name lbha-exporter, and whose directory never answers."""
    lb1 = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG % "")
    others = lb1.host.log_file("passwd")
    with open("/etc/passwd", encoding="utf-8") as file, open(others, "w", encoding="utf-8") as out:
        out.writelines(line for line in file if not line.startswith("lbha-exporter:"))
    os.chmod(others, 0o644)
    lb1.host.run("mount", "--bind", others, "/etc/passwd")
    environment = lb1.environment
    lb1.environment = lambda **more: environment(**more, **dict(
        LD_PRELOAD=os.path.join(build_folder(), "directory-hangs.so"), ASAN_OPTIONS="verify_asan_link_order=0",
    ) if "NOTIFY_SOCKET" in more else {})
    return lb1


def quickly(call, within=5):
    began = time.monotonic()
    result = call()
    assert time.monotonic() - began < within
    return result


def exporter_of(director):
    return next((one for one in director.status()["workers"] if one["name"] == "exporter"), None)


def test_a_start_a_reload_and_a_stop_do_not_wait_for_a_dead_directory(lb1):
    quickly(lb1.start, 8)
    lb1.wait_role("MASTER")
    wait_until(lambda: "lbha-exporter cannot be looked up" in exporter_of(lb1)["reason"], what="it is said")
    for _ in range(2):
        assert quickly(lb1.reload)[0] == 0
    assert quickly(lb1.stop) == 0


def test_a_group_of_a_dead_directory_refuses_a_reload(lb1):
    lb1.start()
    code, said = quickly(lambda: lb1.reload(CONFIG % "\n  control: {read_group: people}"), 8)
    assert code == 1 and "group people (global.control.read_group) cannot be looked up: " in said, said
    lb1.wait_role("MASTER")


def test_whoever_has_no_name_there_signs_with_a_number(lb1):
    lb1.configure(CONFIG % '\n  control: {write_group: "61002"}')
    lb1.start()
    code, said = quickly(lambda: lb1.ctl_as(STRANGER, 61002, "priority", "public", "120"))
    assert code == 0, said
    assert f"user {STRANGER}" in lb1.ctl("overrides", "--json")
