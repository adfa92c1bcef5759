"""The machine below us is short of something for a while: that is survived, told once when it begins and once when it is over,
and healed. See test_faults.py for folders, test_operator.py for a full disk below the overrides, test_vrrp_interfaces.py for
lost events and interfaces that go and come, test_syscalls.py for single calls."""
import os
import resource
import signal
import subprocess
import time

import pytest

from lbhatest import wait_for, wait_until

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


def pid_of(director, role):
    if role == "supervisor":
        return director.process.pid
    [pid] = director.worker_pids()[role]
    return pid


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


UNHARMED = dict(control=0, check=0, ipvs=0, vrrp=0)


def held(director):
    return {address.split("/")[0] for address in director.addresses() if address.startswith("192.168.8.2")}


# --- no more descriptors ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("role", ["supervisor", "check", "ipvs", "vrrp"])
def test_a_reload_without_descriptors_is_refused_with_the_reason_and_the_next_one_works(lb1, role):
    with NoMoreFiles(pid_of(lb1, role)):
        code, said = lb1.reload(with_vips(VIP, "192.168.8.201"))
        assert code == 1 and said.strip(), said
        assert held(lb1) == {VIP} and lb1.role() == "MASTER"
    code, said = lb1.reload()
    assert code == 0, said
    wait_for(lambda: held(lb1), {VIP, "192.168.8.201"}, 5)
    assert restarts(lb1) == UNHARMED


def test_a_client_that_cannot_be_accepted_is_told_of_once_and_served_later(lb1):
    with NoMoreFiles(pid_of(lb1, "control")):
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
    check = pid_of(lb1, "check")
    if role == "supervisor":
        os.kill(check, signal.SIGKILL)
    with NoMoreFiles(pid_of(lb1, role)):
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
