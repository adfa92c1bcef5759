"""A director: lbhad running on a host, from the build folder named by $LBHA_BUILD."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess

from .ipvs import read_table
from .waiting import wait_for, wait_until


def build_folder():
    folder = os.environ.get("LBHA_BUILD")
    assert folder, "LBHA_BUILD does not say where lbha was built"
    return folder


def program(name):
    path = os.path.join(build_folder(), name)
    assert os.access(path, os.X_OK), f"{path} was not built"
    return path


def is_sanitized():
    with open(program("lbhad"), "rb") as file:
        return b"__asan_init" in file.read()


class Director:
    """lbhad with its own configuration file, run folder and state folder. start() returns when it says it is ready."""

    def __init__(self, host, config, node=None):
        self.host, self.node, self.process = host, node or host.name, None
        self.config_file = host.log_file("lbha.conf")
        self.log_file = host.log_file("lbhad.log")
        self.run_dir, self.state_dir = host.log_file("run"), host.log_file("state")
        self.socket = os.path.join(self.run_dir, "control.sock")
        self.programs = None
        self.configure(config)

    def __repr__(self):
        return f"<director {self.host.name}>"

    # --- life ---

    def configure(self, text):
        """Write lbha.conf; a running daemon reads it at reload()."""
        with open(self.config_file + ".new", "w") as file:
            file.write(text)
        os.chmod(self.config_file + ".new", 0o600)  # there may be a key in it
        os.rename(self.config_file + ".new", self.config_file)

    def command(self, *more):
        return [os.path.join(self.programs, "lbhad") if self.programs else program("lbhad"), "-f", self.config_file, "--node", self.node,
                "--run-dir", self.run_dir, "--state-dir", self.state_dir, *more]

    def environment(self, **more):
        return dict(os.environ, LBHA_LIBEXECDIR=self.programs or build_folder(), **more)

    def install(self, lbhad="lbhad", checkd="lbha-checkd"):
        """Put these programs (of the build folder, or anywhere) where this director is started from, in the place of those
        that are there, as a package manager does: a running one keeps its own."""
        self.programs = self.programs or self.host.log_file("installed")
        os.makedirs(self.programs, exist_ok=True)
        for source, name in (lbhad, "lbhad"), (checkd, "lbha-checkd"):
            place = os.path.join(self.programs, name)
            shutil.copy(source if "/" in source else program(source), place + ".new")
            os.chmod(place + ".new", 0o755)
            os.rename(place + ".new", place)
        return self

    def launch(self):
        """Start the daemon without waiting for it."""
        assert not self.is_running, f"{self} runs"
        notify = self.host.log_file("notify")
        if os.path.exists(notify):
            os.unlink(notify)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify)
        os.chmod(notify, 0o777)
        self.notify.setblocking(False)
        self.said = ""
        with open(self.log_file, "ab") as log:
            self.process = self.host.start(*self.command(), stdout=log, stderr=log,
                                           env=self.environment(NOTIFY_SOCKET=notify))
        return self

    def start(self, within=10):
        self.launch()
        wait_until(self._is_ready_or_gone, within, f"{self} says READY=1")
        assert self.is_running, f"{self} ended with {self.process.returncode} at once; it said:\n{self.log[-3000:]}"
        return self

    def _is_ready_or_gone(self):
        return "READY=1" in self.notifications() or not self.is_running

    def notifications(self):
        """All that the daemon told its service manager since it was started."""
        while True:
            try:
                self.said += self.notify.recv(4096).decode(errors="replace") + "\n"
            except BlockingIOError:
                return self.said

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, within=10):
        """A planned stop: release, then end. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not self.is_running, within, f"{self} ends after SIGTERM")
        return self.process.returncode

    def detach(self, within=10):
        """The daemon ends as for a restart: what it has stays for the next one. Returns the exit code."""
        self.process.send_signal(signal.SIGQUIT)
        wait_until(lambda: not self.is_running, within, f"{self} ends after SIGQUIT")
        return self.process.returncode

    def withdraw(self):
        """lbhad --withdraw; returns (exit code, what it said)."""
        return self.host.status_of(program("lbhad"), "--withdraw", "--run-dir", self.run_dir, env=self.environment())

    def crash(self):
        """kill -9 of the daemon and all its workers at once. The kernel's state stays, as after any such death."""
        self.host.kill_everything()
        self.process.wait(timeout=20)

    def forget(self):
        """As if it had never run: ended if it runs, without files of its own, the kernel's IPVS table and rules empty."""
        if self.is_running:
            self.crash()
        self.host.run("rm", "-rf", self.run_dir, self.state_dir, self.log_file)
        self.host.run("ipvsadm", "-C")
        self.host.run("nft", "flush", "ruleset")

    def kill_worker(self, name, how=signal.SIGKILL):
        """kill -9 of one worker; returns the pid it had. The supervisor will replace it."""
        pid = self.worker(name)["pid"]
        self.host.run("kill", f"-{int(how)}", pid)
        return pid

    def ctl_in_background(self, *words):
        """lbhactl, under way: a process whose output is one stream of text."""
        return self.host.start(*self.ctl_command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def reload(self, text=None):
        """lbhactl reload, with a new configuration if one is given; returns (exit code, what it said)."""
        if text is not None:
            self.configure(text)
        return self.ctl_status("reload")

    # --- asking ---

    def ctl_command(self, *words):
        return [program("lbhactl"), "--socket", self.socket, *words]

    def ctl_status(self, *words):
        return self.host.status_of(*self.ctl_command(*words), env=self.environment())

    def ctl(self, *words):
        code, output = self.ctl_status(*words)
        assert code in (0, 4), f"{self}: lbhactl {' '.join(words)} ended with {code}:\n{output}"
        return output

    def ctl_as(self, user, group, *words, groups=()):
        """lbhactl run by somebody else, from a folder that everybody may enter: its status and what it said."""
        copy = self.host.log_file("lbhactl")
        if not os.path.exists(copy):
            shutil.copy(program("lbhactl"), copy)
        more = "--groups=" + ",".join(map(str, groups)) if groups else "--clear-groups"
        return self.host.status_of("setpriv", f"--reuid={user}", f"--regid={group}", more, copy, "--socket", self.socket, *words)

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def worker(self, name):
        return next(worker for worker in self.status()["workers"] if worker["name"] == name)

    def pid_of(self, name):
        """The pid, as seen from here, of the worker of that name, when there is just one; or of the supervisor."""
        if name == "supervisor":
            return self.process.pid
        [pid] = wait_for(lambda: self.worker_pids().get(name, []), lambda pids: len(pids) == 1, 5, f"one {name} worker")
        return pid

    def children(self):
        """{pid as seen from here: its words} of the supervisor's children; quicker than worker_pids(), which looks at all."""
        found, pid = {}, self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            for child in file.read().split():
                with contextlib.suppress(OSError), open(f"/proc/{child}/cmdline") as words:
                    found[int(child)] = words.read().replace("\0", " ")
        return found

    def child(self, word):
        """The pid of the child with that word, waited for closely: it may not live long."""
        return wait_until(lambda: next((pid for pid, words in self.children().items() if word in words.split()), None), 5,
                          f"a child that is told {word}", every=0.001)

    def worker_pids(self):
        """{name: [pids as seen from here]} of all worker processes on the host, old and new, asked of /proc alone."""
        found = {}
        own = os.readlink(f"/proc/{self.host.pid}/ns/net")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/net") != own:
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
            except OSError:
                continue
            if "--worker" in words:
                found.setdefault(words[words.index("--worker") + 1], []).append(int(pid))
        return found

    def vrrp(self, name=None):
        """The status of one instance; the only one if no name is given."""
        instances = self.status()["vrrp"]
        return next(one for one in instances if name in (None, one["name"]))

    def role(self, name=None):
        return self.vrrp(name)["state"]

    def wait_role(self, role, within=6, name=None):
        return wait_for(lambda: self.role(name), role, within, f"{self} becomes {role}")

    def service(self, name=None):
        return next(one for one in self.status()["services"] if name in (None, one["name"]))

    def server(self, name, service=None):
        return next(one for one in self.service(service)["real_servers"]
                    if name in (one["name"], one["address"], one["address"].rsplit(":", 1)[0]))

    def ipvs(self):
        return read_table(self.host)

    def rules(self, *options):
        """The nftables table that lbhad owns, as nft lists it; None when there is none."""
        code, text = self.host.status_of("nft", *options, "list", "table", "inet", "lbha")
        return text if code == 0 else None

    def addresses(self):
        return self.host.addresses()

    def holds(self, vip):
        return self.host.has_address(vip)

    @property
    def log(self):
        try:
            with open(self.log_file, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def report(self):
        parts = [("log (end)", "\n".join(self.log.splitlines()[-60:]))]
        if self.is_running:
            parts.append(("lbhactl status --json", self.ctl_status("status", "--json")[1][:20000]))
        if self.host.is_on and shutil.which("ipvsadm"):
            parts.append(("ipvsadm -Ln", self.host.run("ipvsadm", "-Ln", check=False)))
        return parts
