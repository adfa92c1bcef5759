"""Checks of this machine itself: type file and type process, by lbha-checkd under its driver."""
import os
import shutil
import subprocess
import tempfile
import threading

import pytest

from checkd import Checkd
from lbhatest import wait_until
from lbhatest.rogue import Server, answer

FAST = "interval=100ms timeout=300ms"


@pytest.fixture
def folder():
    """Where the check worker's user may look, which pytest's own folders do not allow."""
    path = tempfile.mkdtemp(prefix="lbha-local-", dir="/var/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def write(path, text, mode=0o644):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


# ---- file ----

def test_a_file_passes_while_it_is_there(folder):
    path = folder + "/ready"
    with Checkd() as checkd:
        checkd.load(f"check ready type=file file={path} {FAST}", "probe ready -")
        down = checkd.wait_fact(verdict="down")
        assert (down["reason"], down["detail"], down["target"]) == ("missing", "No such file or directory", "none")
        write(path, "")
        up = checkd.wait_fact(verdict="up")
        assert (up["reason"], up["detail"], up["passed"]) == ("passed", "there", True)
        os.unlink(path)
        checkd.wait_next(verdict="down", reason="missing")
        assert any("ready: unknown → down: No such file or directory" in line for line in checkd.errors)


@pytest.mark.parametrize("text", ["0\n", "down\n", "  DOWN for work\n", "0"])
def test_a_file_that_says_down_fails(folder, text):
    path = folder + "/state"
    write(path, "1\n")
    with Checkd() as checkd:
        checkd.load(f"check state type=file file={path} {FAST}", "probe state -")
        checkd.wait_fact(verdict="up")
        write(path, text)
        assert checkd.wait_fact(verdict="down")["reason"] == "says_down"
        write(path, "up\n")
        checkd.wait_next(verdict="up")


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads everything, and the worker must not be root")
def test_a_file_that_cannot_be_read_fails_and_says_why(folder):
    path = folder + "/secret"
    write(path, "1\n", mode=0o600)
    with Checkd() as checkd:
        checkd.load(f"check secret type=file file={path} {FAST}", "probe secret -")
        assert checkd.wait_fact(verdict="down")["detail"] == "Permission denied"


def test_folders_fifos_and_sockets_are_there_and_are_not_read(folder):
    os.mkfifo(folder + "/fifo", 0o644)
    with Server(answer()) as _, Checkd() as checkd:
        import socket
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(folder + "/socket")
            checkd.load(*(f"check {name} type=file file={folder}/{name} {FAST}" for name in ("fifo", "socket", ".")),
                        "check zero type=file file=/dev/zero interval=100ms",
                        *(f"probe {name} -" for name in ("fifo", "socket", ".", "zero")))
            for name in "fifo", "socket", ".", "zero":
                assert checkd.wait_fact(check=name, verdict="up")["detail"] == "there"


# ---- process ----

class Program:
    """A program with a name of its own, as many times as told."""

    def __init__(self, folder, name):
        self.path, self.running = f"{folder}/{name}", []
        shutil.copy("/bin/sleep", self.path)

    def start(self):
        self.running.append(subprocess.Popen([self.path, "1000"]))

    def stop(self):
        one = self.running.pop()
        one.kill()
        one.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.running:
            self.stop()


def test_as_many_processes_as_wanted_pass_and_fewer_fail(folder):
    with Program(folder, "lbha-worker-xyz") as program, Checkd() as checkd:
        program.start()
        checkd.load(f"check pair type=process process=lbha-worker-xyz count=2 {FAST}", "probe pair -")
        down = checkd.wait_fact(verdict="down")
        assert (down["reason"], down["detail"]) == ("missing", "1 running, wanted 2")
        program.start()
        assert checkd.wait_fact(verdict="up")["detail"] == "2 running, wanted 2"
        program.stop()
        checkd.wait_next(verdict="down", detail="1 running, wanted 2")


def test_a_long_name_is_known_by_its_first_15_bytes(folder):
    with Program(folder, "lbha-a-very-long-name") as program, Checkd() as checkd:
        program.start()
        checkd.load(f"check long type=process process=lbha-a-very-long-name {FAST}", "probe long -")
        checkd.wait_fact(verdict="up")


def test_a_zombie_does_not_run(folder):
    with Program(folder, "lbha-undead") as program, Checkd() as checkd:
        program.start()
        program.running[0].kill()
        wait_until(lambda: ") Z " in open(f"/proc/{program.running[0].pid}/stat").read(), what="a zombie")
        checkd.load(f"check undead type=process process=lbha-undead {FAST}", "probe undead -")
        assert checkd.wait_fact(verdict="down")["detail"] == "0 running, wanted 1"


def test_one_scan_serves_many_probes():
    """200 probes ten times a second of one machine: what a scan per probe would cost shows in the processor time."""
    names = [f"p{i}" for i in range(200)]
    with Checkd() as checkd:
        checkd.load(*(f"check {name} type=process process=lbha-{name} interval=100ms" for name in names),
                    *(f"probe {name} -" for name in names))
        for name in names:
            checkd.wait_fact(check=name, verdict="down")
        before, tick = cpu(checkd.pid), os.sysconf("SC_CLK_TCK")
        threading.Event().wait(2)
        spent = (cpu(checkd.pid) - before) / tick
    scan = len([name for name in os.listdir("/proc") if name.isdigit()]) * 10e-6
    assert spent < max(0.5, 2000 * scan), f"{spent} s in 2 s"


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
