"""lbhad as containers run it: as process 1, with fewer rights, on a read-only file system, under a filter of system calls."""
import os
import re
import shlex
import signal

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.director import is_sanitized
from test_daemon import CONFIG, VIP, WORKERS
from test_daemon import lan, lb1  # noqa: F401: fixtures

# What docker gives without --cap-add.
DOCKER = ("chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,"
          "setfcap").split(",")

# What docker's own filter refuses, to who has no CAP_SYS_ADMIN.
REFUSED = ("acct add_key bpf clock_adjtime clock_settime create_module delete_module fanotify_init finit_module fsconfig fsmount "
           "fsopen get_kernel_syms get_mempolicy init_module ioperm iopl io_uring_enter io_uring_register io_uring_setup kcmp "
           "kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr move_mount move_pages nfsservctl "
           "open_by_handle_at open_tree perf_event_open personality pivot_root process_vm_readv process_vm_writev ptrace "
           "query_module quotactl reboot request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon "
           "sysfs _sysctl umount2 unshare uselib userfaultfd ustat vhangup").split()

ONLY_ITS_FOLDERS_CAN_BE_WRITTEN = """
mount --make-rprivate /
for folder in {run} {state}; do mkdir -p $folder && mount --bind $folder $folder; done
for at in $(awk '$5 == "/" || $5 == "/tmp" {{print $5}}' /proc/self/mountinfo | sort -u); do mount -o remount,bind,ro $at; done
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
! touch /tmp/x 2>/dev/null || exit 9
exec "$@"
"""


def caps(*names):
    return ["setpriv", "--bounding-set=-all" + "".join(f",+{name}" for name in names)]


class Container:
    """lbhad as process 1 of a pid and mount namespace below a host, whose network it has (docker run --network host)."""

    def __init__(self, director):
        self.director, self.host = director, director.host

    def launch(self, *prefix, script='exec "$@"'):
        inner = script.format(run=shlex.quote(self.director.run_dir), state=shlex.quote(self.director.state_dir))
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inner, "sh",
                 *prefix, *self.director.command()]
        with open(self.director.log_file, "ab") as log:
            self.process = self.host.start(*words, stdout=log, stderr=log, env=self.director.environment())
        return self

    def start(self, *prefix, **options):
        self.launch(*prefix, **options)
        wait_until(lambda: self.is_ready() or not self.is_running, 10, "it is ready")
        assert self.is_running, self.director.log
        return self

    def is_ready(self):
        code, _ = self.director.ctl_status("ping")
        return code == 0 and self.director.status()["ready"]

    @property
    def is_running(self):
        return self.process.poll() is None

    @property
    def first(self):
        """Process 1 as seen from here."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    @property
    def daemon(self):
        with open(f"/proc/{self.first}/task/{self.first}/children") as file:
            return int(file.read().split()[0])

    def signal(self, number):
        """As docker does it: to process 1."""
        os.kill(self.first, number)

    def end(self):
        return self.process.wait(timeout=20)


@pytest.fixture
def container(lb1):  # noqa: F811
    return Container(lb1)


def below(pid):
    """(comm, state) of all descendants."""
    found = []
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        for child in file.read().split():
            try:
                with open(f"/proc/{child}/stat") as stat:
                    comm, rest = re.match(r"\d+ \((.*)\) (\S)", stat.read()).groups()
                found += [(comm, rest)] + below(child)
            except OSError:
                pass
    return found


# --- process 1 --------------------------------------------------------------------------------------------------------

def test_as_process_1_it_starts_reloads_and_stops_by_signals(container, lb1):  # noqa: F811
    container.start()
    lb1.wait_role("MASTER")
    container.signal(signal.SIGHUP)
    wait_for(lambda: lb1.status()["generation"], 2, 5)
    assert {worker["name"] for worker in lb1.status()["workers"]} == set(WORKERS)
    container.signal(signal.SIGTERM)
    assert container.end() == 0
    assert not lb1.holds(VIP) and "released" in lb1.log


def test_a_failed_start_is_the_exit_code_of_the_container(container, lb1):  # noqa: F811
    lb1.configure("vrrp: 7\n")
    assert container.launch().end() == 1
    os.unlink(lb1.config_file)
    assert container.launch().end() == 2


def test_orphans_of_scripts_are_reaped(container, lb1):  # noqa: F811
    """A script whose child outlives it: with nobody to wait for them one would be left by every run."""
    script = """#!/bin/sh
        (exec >/dev/null 2>&1 </dev/null; setsid sleep 0.2 &)
        echo x >>/run/runs"""
    lb1.host.run("sh", "-c", "cat >/run/orphan && chmod 755 /run/orphan", input=script)
    lb1.configure(CONFIG.replace("    virtual_addresses", "    track: [{check: orphan}]\n    virtual_addresses")
                  + "checks:\n  orphan: {type: script, command: /run/orphan, interval: 200ms, timeout: 200ms, user: root}\n")
    container.start()
    runs = f"/proc/{lb1.host.pid}/root/run/runs"
    wait_until(lambda: os.path.exists(runs) and os.path.getsize(runs) > 20, 10, "ten runs")
    zombies = [one for one in below(container.first) if one[1] == "Z"]
    assert len(zombies) <= 2, zombies
    container.signal(signal.SIGTERM)
    assert container.end() == 0


def test_when_the_daemon_is_killed_the_container_ends_once_its_workers_have_released(container, lb1):  # noqa: F811
    """Process 1 ends all others with it: were the daemon that, the address would stay."""
    container.start()
    lb1.wait_role("MASTER")
    assert lb1.holds(VIP)
    os.kill(container.daemon, signal.SIGKILL)
    assert container.end() == 128 + signal.SIGKILL
    assert not lb1.holds(VIP) and "public: MASTER → INIT: released" in lb1.log


def test_a_signal_before_it_has_begun_is_not_lost(container, lb1):  # noqa: F811
    """docker stop right after docker run: process 1 would not be ended by a signal that it does not handle yet."""
    container.launch()
    wait_until(lambda: container.is_running and b"lbhad" in open(f"/proc/{container.first}/comm", "rb").read(), 5, "it begins")
    container.signal(signal.SIGTERM)
    assert container.end() in (0, 128 + signal.SIGTERM)
    assert not lb1.holds(VIP)


# --- rights -----------------------------------------------------------------------------------------------------------

def test_what_docker_gives_and_net_admin_are_enough(container, lb1):  # noqa: F811
    """SCHED_RR and locked memory are missed, and that is told."""
    container.start(*caps(*DOCKER, "net_admin"))
    lb1.wait_role("MASTER")
    assert lb1.holds(VIP) and "SCHED_RR" in lb1.log
    assert lb1.log.count("SCHED_RR") <= 2 and "killed" not in lb1.log
    assert lb1.reload()[0] == 0
    os.kill(lb1.worker_pids()["vrrp"][0], signal.SIGKILL)
    wait_until(lambda: lb1.worker("vrrp")["restarts"] == 1 and lb1.worker("vrrp")["state"] == "running", 10, "vrrp runs again")
    container.signal(signal.SIGTERM)
    assert container.end() == 0 and not lb1.holds(VIP)


@pytest.mark.parametrize("missing", ["net_admin", "net_raw", "kill"])
def test_without_a_right_it_needs_it_says_so_and_ends(container, lb1, missing):  # noqa: F811
    before = lb1.addresses()
    assert container.launch(*caps(*[name for name in (*DOCKER, "net_admin") if name != missing])).end() == 1
    assert f"these capabilities are missing: {missing.upper()} " in lb1.log and "--cap-add" in lb1.log
    assert lb1.addresses() == before and not os.path.exists(lb1.socket)


def test_a_read_only_root_with_two_folders_of_memory_is_enough(container, lb1):  # noqa: F811
    container.start(*caps(*DOCKER, "net_admin", "sys_nice", "ipc_lock"), script=ONLY_ITS_FOLDERS_CAN_BE_WRITTEN)
    lb1.wait_role("MASTER")
    assert lb1.holds(VIP)
    container.signal(signal.SIGTERM)
    assert container.end() == 0 and not lb1.holds(VIP)


def test_a_state_folder_that_cannot_be_made_is_told_and_addresses_matter_more(container, lb1):  # noqa: F811
    lb1.state_dir = "/proc/sys/lbha"
    container.start()
    lb1.wait_role("MASTER")
    assert "overrides will hold only until lbhad ends" in lb1.log
    container.signal(signal.SIGTERM)
    assert container.end() == 0


def test_a_missing_user_is_told_with_the_command_that_makes_it(container, lb1):  # noqa: F811
    users = os.path.join(lb1.host.folder, "passwd")
    with open(users, "w") as file:
        file.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    script = f'mount --make-rprivate / && mount --bind {shlex.quote(users)} /etc/passwd && exec "$@"'
    assert container.launch(script=script).end() == 1
    assert "there is no user lbha " in lb1.log and "systemd-sysusers" in lb1.log


# --- a filter of system calls -----------------------------------------------------------------------------------------

FILTER = """
import ctypes, errno, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(0x7fff0000)))
for name in sys.argv[1].split():
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        assert lib.seccomp_rule_add(ctx, ctypes.c_uint32(0x00050000 | errno.EPERM), number, 0) == 0, name
assert lib.seccomp_load(ctx) == 0
os.execvp(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.skipif("is_sanitized()", reason="the sanitizers want what the filter refuses")
def test_the_filter_of_docker_refuses_nothing_that_it_needs(container, lb1):  # noqa: F811
    container.start("/usr/bin/python3", "-c", FILTER, " ".join(REFUSED), *caps(*DOCKER, "net_admin"))
    lb1.wait_role("MASTER")
    assert lb1.holds(VIP) and lb1.reload()[0] == 0
    assert all(worker["restarts"] == 0 for worker in lb1.status()["workers"])
    container.signal(signal.SIGTERM)
    assert container.end() == 0 and not lb1.holds(VIP)
