"""The machine below us is short of something for a while: that is survived, told once when it begins and once when it is over,
and healed. See test_faults.py for folders, test_operator.py for a full disk below the overrides, test_vrrp_interfaces.py for
lost events and interfaces that go and come, test_syscalls.py for single calls."""
import os
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import build_folder
from lbhatest.vrrp import adverts, masters
from syscalls import Faulty
from vrrp_pair import LB1, Pair

VIP = "192.168.8.200"

CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
checks:
  here: {type: tcp, address: 127.0.0.1, port: 80, interval: 100ms, timeout: 100ms, rise: 1, fall: 1}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [%s]
    track: [{check: here, weight: -10}]
"""


def with_vips(*vips):
    return CONFIG % ", ".join(f"{vip}/24" for vip in vips)


@pytest.fixture
def lb1(lab):
    director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=with_vips(VIP))
    director.start()
    director.wait_role("MASTER")
    return director


class NoMoreFiles:
    """Within it a process can open nothing; what it has stays. Only its own user may set its limits."""

    def __init__(self, pid):
        self.pid = pid
        status = os.stat(f"/proc/{pid}")
        self.user = ["setpriv", f"--reuid={status.st_uid}", f"--regid={status.st_gid}", "--clear-groups"]

    def _limit(self, soft):
        subprocess.run([*self.user, "prlimit", f"--pid={self.pid}", f"--nofile={soft}:"], check=True)

    def __enter__(self):
        used = {int(fd) for fd in os.listdir(f"/proc/{self.pid}/fd")}
        self.before, _ = resource.prlimit(self.pid, resource.RLIMIT_NOFILE) if self.user[1] == "--reuid=0" else (4096, 0)
        self._limit(next(fd for fd in range(1 << 20) if fd not in used))
        return self

    def __exit__(self, *_):
        if os.path.exists(f"/proc/{self.pid}"):
            self._limit(self.before)


def restarts(director):
    return {worker["name"]: worker["restarts"] for worker in director.status()["workers"]}


ALWAYS = 1000000
UNHARMED = dict(control=0, check=0, ipvs=0, vrrp=0)


def held(director):
    return {address.split("/")[0] for address in director.addresses() if address.startswith("192.168.8.2")}


# --- no more descriptors ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("role", ["supervisor", "check", "ipvs", "vrrp"])
def test_a_reload_without_descriptors_is_refused_with_the_reason_and_the_next_one_works(lb1, role):
    with NoMoreFiles(lb1.pid_of(role)):
        code, said = lb1.reload(with_vips(VIP, "192.168.8.201"))
        assert code == 1 and said.strip(), said
        assert held(lb1) == {VIP} and lb1.role() == "MASTER"
    code, said = lb1.reload()
    assert code == 0, said
    wait_for(lambda: held(lb1), {VIP, "192.168.8.201"}, 5)
    assert restarts(lb1) == UNHARMED


def test_a_client_that_cannot_be_accepted_is_told_of_once_and_served_later(lb1):
    with NoMoreFiles(lb1.pid_of("control")):
        asked = lb1.host.start(*lb1.ctl_command("ping"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=lb1.environment())
        wait_until(lambda: "cannot accept a client" in lb1.log, 5, "it is told")
        time.sleep(0.5)  # several tries
        assert lb1.log.count("cannot accept a client") == 1
    assert asked.wait(5) == 0
    assert lb1.log.count("clients are accepted again") == 1
    assert lb1.role() == "MASTER"


@pytest.mark.parametrize("role", ["control", "vrrp", "supervisor"])
def test_workers_that_could_not_be_linked_are_linked_when_there_are_descriptors_again(lab, lb1, role):
    """The verdict of a check worker that came back then gets through to vrrp and to control."""
    assert lb1.vrrp()["priority"] == 140
    check = lb1.pid_of("check")
    if role == "supervisor":
        os.kill(check, signal.SIGKILL)
    with NoMoreFiles(lb1.pid_of(role)):
        if role != "supervisor":
            os.kill(check, signal.SIGKILL)
        time.sleep(2.5)  # the pulse has tried again
        assert held(lb1) == {VIP}
    server = lab.serve(lb1.host)
    wait_for(lambda: lb1.vrrp()["priority"], 150, 15, "vrrp and control know the verdict of the new check worker")
    assert lb1.log.count("no link between the check and the vrrp worker") <= 1
    assert lb1.log.count("no link to another worker") <= 1
    server.close()
    assert lb1.reload(with_vips(VIP, "192.168.8.201"))[0] == 0


# --- no more room -----------------------------------------------------------------------------------------------------

def test_what_found_no_room_in_the_run_folder_is_written_down_when_there_is_some(lab):
    lb1 = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=with_vips(VIP))
    os.mkdir(lb1.run_dir)
    lb1.host.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", lb1.run_dir)
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.host.run("sh", "-c", f"cat /dev/zero > {lb1.run_dir}/full", check=False)
    many = [VIP, *(f"10.1.{number}.1" for number in range(200))]
    for vips in many, [VIP], many:
        assert lb1.reload(with_vips(*vips))[0] == 0
        wait_for(lambda: len(lb1.addresses()) > 200, len(vips) > 1, 10)
    assert lb1.log.count("cannot be written down as ours") == 1
    lb1.host.run("rm", f"{lb1.run_dir}/full")
    wait_until(lambda: "written down as ours again" in lb1.log, 10, "there is room again")
    written = lb1.host.run("cat", f"{lb1.run_dir}/owned")
    assert all(vip in written for vip in many)
    assert lb1.stop() == 0
    assert held(lb1) == set()


# --- the clock is set -------------------------------------------------------------------------------------------------

class WallClock:
    """Of one director that is not started yet."""

    def __init__(self, director):
        path = director.host.log_file("wall-clock")
        with open(path, "wb") as file:
            file.write(bytes(8))
        self.file = open(path, "r+b", buffering=0)
        environment = director.environment
        director.environment = lambda **more: environment(**more, **dict(
            LD_PRELOAD=os.path.join(build_folder(), "wall-clock.so"), LBHA_WALL_CLOCK=path,
            ASAN_OPTIONS="verify_asan_link_order=0") if "NOTIFY_SOCKET" in more else more)

    def set(self, seconds):
        """So far from the machine's."""
        self.file.seek(0)
        self.file.write(struct.pack("q", seconds))


YEAR = 365 * 86400


@pytest.fixture
def clocked(lab):
    pair = Pair(lab)
    clock = WallClock(pair.lb1)
    pair.start()
    return pair, clock


def test_a_clock_that_is_set_moves_no_advert_and_no_check(clocked):
    pair, clock = clocked
    text = open(pair.lb1.config_file).read()
    server = pair.lab.serve(pair.lb1.host)
    assert pair.lb1.reload(text + "checks: {here: {type: tcp, address: 127.0.0.1, port: 80, interval: 100ms}}\n")[0] == 0
    before = [director.vrrp()["transitions"] for director in (pair.lb1, pair.lb2)]
    pair.adverts.clear()
    for offset in (YEAR, -20 * YEAR, 0):
        clock.set(offset)
        wait_for(lambda: int(pair.lb1.status()["time"][:4]), time.gmtime(time.time() + offset).tm_year, 5, "it goes by its clock")
        begun = pair.lb1.vrrp()["sent"]
        wait_until(lambda: pair.lb1.vrrp()["sent"] > begun + 5, 5, "adverts")
    assert masters(adverts(pair.adverts)) == [LB1]
    assert [director.vrrp()["transitions"] for director in (pair.lb1, pair.lb2)] == before
    assert restarts(pair.lb1) == UNHARMED
    server.close()


def test_an_override_ends_by_the_clock_that_it_was_given_by(clocked):
    pair, clock = clocked
    pair.lb1.ctl("priority", "public", "120", "--timeout", "1h")
    for offset in (-YEAR, 3500):
        clock.set(offset)
        assert pair.lb1.vrrp()["priority"] == 120
    clock.set(3700)
    wait_for(lambda: pair.lb1.vrrp()["priority"], 150, 15, "it has ended")
    assert pair.lb1.role() == "MASTER" and pair.lb1.status()["overrides"] == []


# --- the kernel says no -----------------------------------------------------------------------------------------------

def test_an_address_that_the_kernel_does_not_let_go_is_told_of_once_and_goes_when_it_does(lab):
    faulty = Faulty(lab)
    lb1 = faulty.lb1
    lb1.configure(with_vips(VIP, "192.168.8.201"))
    lb1.start()
    lb1.wait_role("MASTER")
    wait_for(lambda: held(lb1), {VIP, "192.168.8.201"}, 5)
    faulty.arm("vrrp", 1, "EPERM", ALWAYS, "sendto")
    assert lb1.reload(with_vips(VIP))[0] == 0
    wait_until(lambda: "192.168.8.201/24 cannot be removed: Operation not permitted" in lb1.log, 5, "it is told")
    time.sleep(2.5)  # tried again twice
    faulty.disarm()
    wait_for(lambda: held(lb1), {VIP}, 5)
    assert lb1.log.count("192.168.8.201/24 cannot be removed") == lb1.log.count("192.168.8.201/24 is removed now") == 1
    assert lb1.role() == "MASTER"
    faulty.close()


# --- a kernel without a feature ---------------------------------------------------------------------------------------

NETLINK_NETFILTER = 12

V6 = """
  - {name: six, interface: eth0, virtual_router_id: 56, advert_interval: 100ms, carrier_settle: 0s,
     virtual_addresses: ["fe80::56", "2001:db8:8::56/64"]}
"""


class Lacking:
    """lb1 on a kernel where the vrrp worker's socket(2) of a family (and protocol) is refused, for ever or until have()."""

    def __init__(self, lab, text, error, family, protocol=-1):
        self.faulty = Faulty(lab)
        self.lb1 = self.faulty.lb1
        self.lb1.configure(text)
        self.faulty.write_order("vrrp", 1, error, ALWAYS, "socket", family, protocol)
        self.lb1.start(within=20)

    def have(self):
        self.faulty.disarm()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.faulty.close()


def lines_with(director, *words):
    return [line for line in director.log.splitlines() if all(word in line for word in words)]


def test_without_nf_tables_an_address_that_accepts_nothing_is_held_all_the_same_and_that_is_told_once(lab):
    text = with_vips(VIP) + "    accept: false\n"
    with Lacking(lab, text, "EPROTONOSUPPORT", socket.AF_NETLINK, NETLINK_NETFILTER) as lacking:
        lacking.lb1.wait_role("MASTER")
        wait_for(lambda: held(lacking.lb1), {VIP}, 5)
        assert lacking.lb1.reload(text.replace("accept: false", "accept: false\n    priority: 140"))[0] == 0
        time.sleep(1)
        assert lacking.lb1.role() == "MASTER"
        for what in "are not dropped: nftables: Protocol not supported", "public: not in place: accept: false":
            assert len(lines_with(lacking.lb1, what)) == 1, lacking.lb1.log


def test_without_ipv6_an_ipv6_router_is_in_fault_and_says_so_once_and_comes_when_there_is_some(lab):
    with Lacking(lab, with_vips(VIP) + V6, "EAFNOSUPPORT", socket.AF_INET6) as lacking:
        lacking.lb1.wait_role("MASTER", name="public")
        lacking.lb1.wait_role("FAULT", name="six")
        time.sleep(1)
        assert len(lines_with(lacking.lb1, "six:", "not supported by protocol")) == 1, lacking.lb1.log
        lacking.have()
        lacking.lb1.wait_role("MASTER", within=20, name="six")
