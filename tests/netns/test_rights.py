"""What each worker of the real daemon may, read from /proc; and what somebody with a worker's user and capabilities, but without
its filter of system calls (tests/unit/test_sandbox.c), can do to the rest of lbhad."""
import contextlib
import json
import os
import pwd
import signal
import stat
import subprocess

import pytest

from lbhatest import wait_until
from lbhatest.director import program

ADMIN, RAW, LOCK = 1 << 12, 1 << 13, 1 << 14
USERS = {"control": "lbha", "check": "lbha-check", "ipvs": "lbha-ipvs", "vrrp": "lbha-vrrp"}
CAPABILITIES = {"control": 0, "check": 0, "ipvs": ADMIN, "vrrp": ADMIN | RAW | LOCK}
SECRET = "hush-it!"

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
checks:
  gateway: {type: icmp, address: 192.168.8.10}
  web: {type: tcp, address: 192.168.8.10, port: 9}
vrrp:
  - name: public
    interface: eth0
    version: 2
    virtual_router_id: 51
    virtual_addresses: 192.168.8.200/24
    carrier_settle: 0s
    authentication: {type: pass, key: "${SHOP_KEY}"}
    track: [{check: gateway, weight: 1}, {check: web, weight: 1}]
"""


@pytest.fixture
def lb1(lab, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", SECRET)
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
    os.chmod(director.config_file, 0o600)
    return director


def is_sanitized():
    return "libasan" in subprocess.run(["ldd", program("lbhad")], stdout=subprocess.PIPE, text=True, check=True).stdout


def about(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}


def workers(director):
    pids = director.worker_pids()
    assert {name: len(found) for name, found in pids.items()} == dict.fromkeys(USERS, 1)
    return {name: found[0] for name, found in pids.items()}


def assert_has_exactly(pid, user, capabilities):
    status, who = about(pid), pwd.getpwnam(user)
    assert status["Uid"].split() == [str(who.pw_uid)] * 4
    assert status["Gid"].split() == [str(who.pw_gid)] * 4
    assert status["Groups"] == ""
    assert {kind: int(status[kind], 16) for kind in ("CapEff", "CapPrm")} == {"CapEff": capabilities, "CapPrm": capabilities}
    assert {kind: int(status[kind], 16) for kind in ("CapInh", "CapBnd", "CapAmb")} == {"CapInh": 0, "CapBnd": 0, "CapAmb": 0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == ("0" if is_sanitized() else "2")


def socket_kinds(pid):
    """{inode: (kind, name)} of all sockets of its network namespace."""
    kinds = {}
    for kind, column in ("unix", 6), ("netlink", -1), ("packet", -1), ("raw", 9), ("raw6", 9), ("udp", 9), ("udp6", 9), ("tcp", 9):
        with open(f"/proc/{pid}/net/{kind}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                kinds[words[column]] = (kind, words[7] if kind == "unix" and len(words) > 7 else "")
    return kinds


def descriptors(pid):
    """The files among them, and its sockets as (kind, name)."""
    kinds, files, sockets = socket_kinds(pid), set(), []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if target.startswith("/"):
                files.add(target)
            elif target.startswith("socket:["):
                sockets.append(kinds.get(target[8:-1], ("other", "")))
    return files, sockets


# ---- from /proc ------------------------------------------------------------------------------------------------------

def test_each_worker_has_a_user_of_its_own_and_the_rights_it_needs(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    for name, pid in workers(lb1).items():
        assert_has_exactly(pid, USERS[name], CAPABILITIES[name])


def test_a_worker_that_comes_back_has_the_rights_of_its_predecessor(lb1):
    lb1.start()
    old = workers(lb1)
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: {name: len(pids) for name, pids in lb1.worker_pids().items()} == dict.fromkeys(USERS, 1)
               and not set(workers(lb1).values()) & set(old.values()), 20, "all are back")
    wait_until(lambda: all(worker["state"] == "running" for worker in lb1.status()["workers"]), 20, "all of them run")
    for name, pid in workers(lb1).items():
        assert_has_exactly(pid, USERS[name], CAPABILITIES[name])


def test_the_compiler_has_no_right_and_reads_the_environment_alone(lb1):
    lb1.start()
    many = "".join(f"  c{number}: {{type: tcp, address: 192.168.8.10, port: 9}}\n" for number in range(3000))
    lb1.configure(CONFIG.replace("checks:\n", "checks:\n" + many))

    def caught():
        """Stopped while it works."""
        for pid in lb1.worker_pids().get("compiler", []):
            with contextlib.suppress(OSError):
                if about(pid)["NoNewPrivs"] == "1" and b"lbhad" in open(f"/proc/{pid}/comm", "rb").read() \
                        and (is_sanitized() or about(pid)["Seccomp"] == "2"):
                    os.kill(pid, signal.SIGSTOP)
                    return pid
        return None

    for _ in range(10):
        reload = lb1.host.start(*lb1.ctl_command("reload"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while reload.poll() is None and not (pid := caught()):
            pass
        if pid:
            break
    assert pid, "the compiler was too quick ten times"
    try:
        assert_has_exactly(pid, "lbha", 0)
        assert SECRET.encode() in open(f"/proc/{pid}/environ", "rb").read()
        if not is_sanitized():
            assert os.stat(f"/proc/{pid}/environ").st_uid == 0 # control, which is the same user, cannot read it
        files, sockets = descriptors(pid)
        assert files <= {"/dev/null", lb1.log_file, lb1.config_file}
        assert sockets and set(sockets) == {("unix", "")}
    finally:
        os.kill(pid, signal.SIGCONT)
    assert reload.wait(30) == 0


def test_workers_have_no_descriptor_but_what_they_were_given_or_opened(lb1):
    lb1.start()
    lb1.wait_role("MASTER")
    owned = os.path.join(lb1.run_dir, "owned")
    theirs = {"control": (set(), {"unix"}),
              "check": (set(), {"unix", "raw", "tcp"}),
              "ipvs": ({owned}, {"unix", "netlink"}),
              "vrrp": ({owned, "/proc/sys"}, {"unix", "netlink", "packet", "raw", "udp"})}
    for name, pid in workers(lb1).items():
        files, sockets = descriptors(pid)
        assert files - {"/dev/null", lb1.log_file} == theirs[name][0], name
        assert {kind for kind, _ in sockets} - {"other"} <= theirs[name][1], (name, sockets)
        named = [where for _, where in sockets if where]
        assert named == ([lb1.socket] if name == "control" else []), (name, named)


def test_lbhad_has_no_abstract_socket_that_others_could_speak_to(lb1):
    lb1.start()
    assert not [name for _, name in socket_kinds(workers(lb1)["control"]).values() if name.startswith("@")]


def test_the_environment_of_a_worker_has_nothing_that_the_file_may_use(lb1):
    lb1.start()
    for name, pid in workers(lb1).items():
        environment = open(f"/proc/{pid}/environ", "rb").read()
        assert SECRET.encode() not in environment and b"NOTIFY_SOCKET" not in environment, name
        assert b"PATH=" in environment


def test_who_has_secrets_leaves_no_core_file(lb1):
    if is_sanitized():
        pytest.skip("a sanitizer that looks for leaks traces its own process")
    lb1.start()
    pids = workers(lb1)
    owners = {name: os.stat(f"/proc/{pid}/mem").st_uid for name, pid in pids.items()}
    assert owners["vrrp"] == owners["check"] == 0 # root's: not dumpable
    assert owners["control"] == pwd.getpwnam("lbha").pw_uid


# ---- as a worker -----------------------------------------------------------------------------------------------------

ATTEMPTS = """
import ctypes, errno, json, os, socket, sys
files, folders, pids, path = json.loads(sys.argv[1])
done = []

def attempt(what, act):
    try:
        act()
        done.append(what)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            done.append(f"{what}: {error}")

def connect():
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)

def trace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0):
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    libc.ptrace(17, pid, 0, 0)

for file in files:
    attempt(f"reads {file}", lambda: os.close(os.open(file, os.O_RDONLY)))
    attempt(f"writes {file}", lambda: os.close(os.open(file, os.O_WRONLY)))
for folder in folders:
    attempt(f"makes a file in {folder}", lambda: os.close(os.open(folder + "/x", os.O_WRONLY | os.O_CREAT)))
attempt("removes the socket", lambda: os.unlink(path))
attempt("connects", connect)
for name, pid in pids.items():
    attempt(f"kills {name}", lambda: os.kill(pid, 0))
    attempt(f"traces {name}", lambda: trace(pid))
    for what in "mem", "environ", "fd/3", "fdinfo/3":
        attempt(f"opens {what} of {name}", lambda: os.close(os.open(f"/proc/{pid}/{what}", os.O_RDONLY)))
print(json.dumps(done))
"""


@pytest.mark.parametrize("name", USERS)
def test_who_took_over_a_worker_can_do_nothing_to_the_others(lb1, name):
    lb1.start()
    lb1.wait_role("MASTER")
    lb1.ctl("priority", "public", "120") # makes the file of overrides
    key = lb1.host.log_file("vrrp.key")
    with open(key, "w", encoding="ascii") as file:
        file.write(SECRET)
    os.chmod(key, 0o600)
    files = ["/etc/shadow", lb1.config_file, key, os.path.join(lb1.state_dir, "overrides")]
    files += [os.path.join(lb1.run_dir, entry) for entry in os.listdir(lb1.run_dir) if entry != "control.sock"]
    pids = {other: lb1.worker(other)["pid"] for other in USERS if other != name}
    pids["supervisor"] = int(lb1.host.run("cat", f"/proc/{pids[next(iter(pids))]}/stat").rpartition(")")[2].split()[1])
    held = {"check": "", "control": "", "ipvs": ",+net_admin", "vrrp": ",+net_admin,+net_raw,+ipc_lock"}[name]
    user = pwd.getpwnam(USERS[name])
    said = lb1.host.run("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs",
                        f"--inh-caps=-all{held}", f"--ambient-caps=-all{held}",
                        "/usr/bin/python3", "-c", ATTEMPTS,
                        json.dumps([files, [lb1.run_dir, lb1.state_dir], pids, lb1.socket]))
    assert json.loads(said) == (["connects"] if name == "control" else [])


def test_what_lbhad_writes_can_be_read_by_root_alone(lb1):
    lb1.start()
    lb1.ctl("priority", "public", "120")
    for folder in lb1.run_dir, lb1.state_dir:
        for entry in os.listdir(folder):
            status = os.stat(os.path.join(folder, entry))
            if not stat.S_ISSOCK(status.st_mode):
                assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600), entry
