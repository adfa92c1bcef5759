"""lbha-rs setup --persist: a unit of systemd that does the very same at every boot, and goes with teardown."""
import json
import os
import shlex
import signal

import pytest

from lbhatest.director import program
from test_rs import CONFIG, VIP, configured, cut_after, journal, state
from test_rs import lan, server  # noqa: F401: fixtures

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

FOLDER = "/etc/systemd/system"
UNIT = FOLDER + "/lbha-rs.service"


@pytest.fixture
def units(server):  # noqa: F811
    """The server with a systemd of which there are its folders alone."""
    server.host.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", FOLDER)
    return server


def files(server):
    """All that is in the folder of units; text of files, targets of links."""
    found = {}
    for line in server.host.run("find", FOLDER, "-mindepth", "1", "-printf", "%y %P %l\n").splitlines():
        kind, path, target = (line + "  ").split(" ")[:3]
        found[path] = server.host.run("cat", f"{FOLDER}/{path}") if kind == "f" else target if kind == "l" else None
    return found


def commands(server):
    return [line.split("=", 1)[1] for line in server.host.run("cat", UNIT).splitlines() if line.startswith("ExecStart=")]


def reboot(server):
    """The kernel forgets all; what is on disk stays."""
    for address in server.host.addresses("lo") - {"127.0.0.1/8", "::1/128"}:
        server.host.ip(f"addr del {address} dev lo")
    for where in "all", "lo":
        for name in "arp_ignore", "arp_announce":
            server.host.sysctl(f"net.ipv4.conf.{where}.{name}", 0)
    server.host.run("nft", "flush", "ruleset")
    with open(journal(server)) as file:
        text = file.read()
    with open(journal(server), "w") as file:
        file.write(text.replace("boot ", "boot 0", 1))


def boot(server):
    for command in commands(server):
        server.host.run(*shlex.split(command))


def test_what_was_set_up_is_there_again_after_a_boot(units):
    config = configured(units)
    code, said = units.lbha_rs("setup", "--persist", *config)
    assert code == 0 and f"write {UNIT}, which runs setup at boot" in said
    during = state(units.host)
    assert commands(units) == [f"{program('lbha-rs')} setup --state-dir {units.host.log_file('rs-state')} -f {config[1]}"]
    assert files(units)["multi-user.target.wants/lbha-rs.service"] == UNIT
    units.host.run("systemd-analyze", "verify", "--man=no", UNIT)
    assert units.host.run("systemctl", "--root=/", "is-enabled", "lbha-rs.service").strip() == "enabled"
    reboot(units)
    assert units.lbha_rs("status", *config)[0] == 3
    boot(units)
    assert state(units.host) == during
    code, said = units.lbha_rs("status", *config)
    assert code == 0 and "lbha-rs.service sets it up at boot" in said


def test_setup_again_does_not_touch_the_unit(units):
    assert units.lbha_rs("setup", "--persist", *configured(units))[0] == 0
    before = units.host.run("stat", "-c", "%i %z", UNIT)
    code, said = units.lbha_rs("setup", "--persist", "--json", *configured(units))
    assert (code, json.loads(said)["operations"]) == (0, [])
    assert units.lbha_rs("setup", *configured(units))[0] == 0
    assert units.host.run("stat", "-c", "%i %z", UNIT) == before


@pytest.mark.parametrize("rebooted", [False, True])
def test_teardown_removes_the_unit_after_a_boot_too(units, rebooted):
    before = state(units.host)
    assert units.lbha_rs("setup", "--persist", *configured(units))[0] == 0
    if rebooted:
        reboot(units)
    code, said = units.lbha_rs("teardown")
    assert code == 0 and f"remove {UNIT}" in said
    assert not files(units) and state(units.host) == before
    assert units.lbha_rs("teardown")[1].strip() == "not set up"


def test_single_vips_add_up_and_the_filter_in_force_is_kept(units):
    assert units.lbha_rs("setup", "--vip", VIP, "--arp", "filter", "--persist")[0] == 0
    assert units.lbha_rs("setup", "--vip", "192.0.2.9", "--persist")[0] == 0
    assert [line.split("--vip ")[1] for line in commands(units)] == [f"{VIP} --arp filter", "192.0.2.9 --arp filter"]
    reboot(units)
    boot(units)
    assert units.host.has_address(VIP) and units.host.has_address("192.0.2.9")
    assert "{ 192.0.2.9, 192.168.8.200 }" in units.host.run("nft", "list", "table", "arp", "lbha_rs")
    assert units.lbha_rs("teardown", "--vip", VIP)[0] == 0
    assert [line.split("--vip ")[1] for line in commands(units)] == ["192.0.2.9 --arp filter"]
    assert units.lbha_rs("teardown", "--vip", "192.0.2.9")[0] == 0
    assert not files(units)


def test_one_service_that_is_torn_down_and_comes_back_at_boot_is_told(units):
    config = configured(units, CONFIG.replace("[192.168.8.21]", "[{real}]"))
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    code, said = units.lbha_rs("teardown", "--service", "mail")
    assert code == 0 and "lbha-rs.service sets up all there is, this too, at the next boot" in said


def test_a_unit_that_somebody_changed_is_left_and_told(units):
    config = configured(units)
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    units.host.run("sed", "-i", "s/^Type=.*/&\\nTimeoutStartSec=9/", UNIT)
    changed = files(units)
    code, said = units.lbha_rs("setup", "--persist", *config)
    assert code == 0 and "leave /etc/systemd/system/lbha-rs.service: somebody changed or made it" in said
    before = state(units.host)
    code, said = units.lbha_rs("setup", "--arp", "filter", "--persist", *config)
    assert code == 1 and "does not do what is asked for" in said and state(units.host) == before
    code, said = units.lbha_rs("teardown")
    assert code == 0 and "leave /etc/systemd/system/lbha-rs.service" in said
    assert files(units) == changed and not units.host.has_address(VIP)


def test_a_masked_unit_stays_masked(units):
    units.host.run("ln", "-s", "/dev/null", UNIT)
    before = state(units.host)
    code, said = units.lbha_rs("setup", "--persist", *configured(units))
    assert code == 1 and "by somebody else" in said and "nothing was changed" in said
    assert files(units) == {"lbha-rs.service": "/dev/null"} and state(units.host) == before


def test_a_unit_that_was_disabled_is_told_and_enabled_again(units):
    config = configured(units)
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    good = files(units)
    units.host.run("rm", FOLDER + "/multi-user.target.wants/lbha-rs.service")
    assert "but is disabled" in units.lbha_rs("status", *config)[1]
    assert json.loads(units.lbha_rs("status", "--json", *config)[1])["persistent"] is False
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    assert files(units) == good
    assert json.loads(units.lbha_rs("status", "--json", *config)[1])["persistent"] is True


def test_without_systemd_it_is_said_and_nothing_is_done(server):  # noqa: F811
    server.host.run("mount", "-t", "tmpfs", "tmpfs", "/etc/systemd")
    before = state(server.host)
    code, said = server.lbha_rs("setup", "--persist", *configured(server))
    assert code == 1 and "this host has no systemd" in said
    assert state(server.host) == before
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert server.lbha_rs("teardown")[0] == 0


def test_in_another_network_namespace_than_systemds_it_is_refused(units):
    code, said = units.host.status_of("unshare", "--net", "sh", "-c",
                                      f"ip link set lo up; exec {program('lbha-rs')} setup --persist --vip {VIP} "
                                      f"--state-dir {units.host.log_file('rs-state')}")
    assert code == 1 and "another network namespace" in said and not files(units)


def fake_systemctl(server, script):  # noqa: F811
    path = server.host.log_file("systemctl")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    server.host.run("mount", "--bind", path, "/usr/bin/systemctl")


def test_a_systemd_that_runs_is_told(units):
    told = units.host.log_file("told")
    units.host.run("mkdir", "-p", "/run/systemd/system")
    fake_systemctl(units, f'echo "$@" >>{told}\n')
    assert units.lbha_rs("setup", "--persist", *configured(units))[0] == 0
    assert units.lbha_rs("teardown")[0] == 0
    with open(told) as file:
        assert file.read() == "daemon-reload\ndaemon-reload\n"
    fake_systemctl(units, "echo no bus >&2\nexit 1\n")
    code, said = units.lbha_rs("setup", "--persist", *configured(units))
    assert code == 0 and "systemctl daemon-reload: no bus" in said, "it reads the unit at boot in any case"


def test_a_unit_is_written_whole_or_not_at_all(units):
    before = state(units.host)
    config = configured(units)
    assert cut_after(units, 600, "setup", "--persist", *config) == -signal.SIGXFSZ
    assert set(files(units)) == {".lbha-rs.service.new"}
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    assert set(files(units)) == {"lbha-rs.service", "multi-user.target.wants", "multi-user.target.wants/lbha-rs.service"}
    assert units.lbha_rs("teardown")[0] == 0
    assert cut_after(units, 600, "setup", "--persist", *config) == -signal.SIGXFSZ
    assert units.lbha_rs("teardown")[0] == 0 and state(units.host) == before


def test_a_dry_run_writes_no_unit_and_shows_it(units):
    config = configured(units)
    operation = json.loads(units.lbha_rs("setup", "--persist", "--dry-run", "--json", *config)[1])["operations"][-1]
    assert not files(units) and operation["operation"] == "write_unit" and operation["object"] == UNIT
    assert units.lbha_rs("setup", "--persist", *config)[0] == 0
    assert files(units)["lbha-rs.service"] == operation["input"]
    assert json.loads(units.lbha_rs("teardown", "--dry-run", "--json")[1])["operations"][0]["operation"] == "remove_unit"
    assert files(units)["lbha-rs.service"] == operation["input"]
