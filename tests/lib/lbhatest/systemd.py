"""A real systemd on a host: /lib/systemd/systemd as the first process of a pid namespace of its own, with its own cgroups, /etc,
/run, /var/lib and /usr/local. It shares the host's network, so its lbha.service is a director among the lab's others."""
import contextlib
import json
import os
import shlex
import subprocess

from .director import build_folder
from .hosts import Failed
from .waiting import patience, wait_until

# What a service's default dependencies, and lbha.service, reach; none of what else a machine starts.
UNITS = ["basic", "sysinit", "shutdown", "umount", "sockets", "timers", "paths", "slices", "local-fs", "swap",
         "network", "network-online", "nss-user-lookup", "multi-user"]
JOURNAL = ["systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "modprobe@.service"]

# The name of the cgroup and the inner script are its arguments.
OUTER = """[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
mkdir "/sys/fs/cgroup/$1" && echo $$ >"/sys/fs/cgroup/$1/cgroup.procs" || exit 1
exec unshare --mount --uts --ipc --cgroup --pid --fork --kill-child --mount-proc bash -ec "$2"
"""

# Nothing of the machine's own is written: neither its files nor sysctls outside the network namespace.
INNER = """
umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=755 tmpfs /run
units=/run/units etc=/run/etc
mkdir -p $units $etc/systemd $etc/lbha
cd /lib/systemd/system
cp {units} $units
mkdir $units/sysinit.target.wants
ln -s ../systemd-journald.service ../systemd-journald.socket ../systemd-journald-dev-log.socket $units/sysinit.target.wants
mount --bind $units /lib/systemd/system
cd /etc
cp -a passwd group shadow gshadow nsswitch.conf ld.so.cache iproute2 $etc 2>/dev/null || true
sed -i /^lbha/d $etc/passwd $etc/group $etc/shadow $etc/gshadow
echo 0123456789abcdef0123456789abcdef >$etc/machine-id
echo {host} >$etc/hostname
printf '[Journal]\\nReadKMsg=no\\nAudit=no\\nStorage=volatile\\n' >$etc/systemd/journald.conf
mount --bind $etc /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /usr/local
cd {build}
install -D -t /usr/local/sbin lbhad lbhactl
install -D -t /usr/local/libexec/lbha lbha-checkd
install -D -m 644 -t /usr/local/lib/systemd/system etc/lbha.service
install -D -m 644 {source}/etc/sysusers/lbha.conf /usr/local/lib/sysusers.d/lbha.conf
install -D -m 644 etc/tmpfiles/lbha.conf /usr/local/lib/tmpfiles.d/lbha.conf
systemd-sysusers
cd /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=lbha-test \\
	/lib/systemd/systemd --unit=basic.target --show-status=no --log-target=journal
"""

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))


class CannotBoot(Exception):
    """systemd does not run here: no cgroups of one's own, or it is not installed."""


class Systemd:
    """One machine's service manager, with lbha.service as `make install` has it and users made by systemd-sysusers."""

    CONFIG = "/etc/lbha/lbha.conf"

    def __init__(self, host, config=None):
        self.host, self.name = host, host.name
        self.cgroup = f"lbha-test-{os.getpid()}-{host.number}"
        self.log_file = host.log_file("systemd.log")
        with open(self.log_file, "wb") as log:
            self.process = host.start("bash", "-c", OUTER, "bash", self.cgroup, self.inner_script(), stdout=log, stderr=log)
        self.pid = None
        wait_until(self._is_up_or_gone, 20, f"systemd runs on {self.name}")
        if self.process.poll() is not None:
            with open(self.log_file, errors="replace") as log:
                raise CannotBoot(log.read())
        if config is not None:
            self.write(self.CONFIG, config, 0o600)

    def inner_script(self):
        """What makes this machine's files, and becomes its systemd."""
        return INNER.format(units=" ".join([f"{unit}.target" for unit in UNITS] + JOURNAL), host=shlex.quote(self.name),
                            build=shlex.quote(build_folder()), source=shlex.quote(SOURCE))

    def _is_up_or_gone(self):
        if self.process.poll() is not None:
            return True
        if self.pid is None:
            self.pid = self._first_process()
        return self.pid is not None and self.ask("systemctl", "is-system-running")[1].strip() in ("running", "degraded")

    def _first_process(self):
        """The pid of systemd as seen from here, once it is that and no shell any more."""
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                pid = int(file.read().split()[0])
            with open(f"/proc/{pid}/comm") as file:
                return pid if file.read().strip() == "systemd" else None
        return None

    def close(self):
        """Everything below it ends with it."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(Failed):
            self.host.run("sh", "-c", 'for try in 1 2 3 4 5 6 7 8 9; do find "$0" -depth -type d -exec rmdir {} + 2>/dev/null && '
                          'exit; sleep 0.2; done', f"/sys/fs/cgroup/{self.cgroup}")

    # --- inside ---

    def start(self, *words, **popen):
        command = ["nsenter", "-t", str(self.pid), "-m", "-u", "-n", "-p", "-C", *map(str, words)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", **popen)

    def ask(self, *words):
        """(exit code, what it said) of a program that systemd's machine runs."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=60 * patience())
        return process.returncode, said

    def run(self, *words):
        code, said = self.ask(*words)
        assert code == 0, f"{self.name}: `{shlex.join(map(str, words))}` ended with {code}:\n{said}\n{self.journal()}"
        return said

    def inside(self, path):
        return f"/proc/{self.pid}/root{path}"

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.inside(path)), exist_ok=True)
        with open(self.inside(path) + ".new", "w") as file:
            file.write(text)
        os.chmod(self.inside(path) + ".new", mode)
        os.rename(self.inside(path) + ".new", self.inside(path))

    # --- the unit ---

    def drop_in(self, name, *lines):
        """What `systemctl edit lbha` leaves."""
        self.write(f"/etc/systemd/system/lbha.service.d/{name}.conf", "\n".join(lines) + "\n")
        self.run("systemctl", "daemon-reload")

    def shows(self, name, unit="lbha"):
        return self.run("systemctl", "show", "-p", name, "--value", unit).strip()

    @property
    def main_pid(self):
        """Of lbhad, as systemd's machine knows it."""
        return int(self.shows("MainPID"))

    def journal(self):
        """Messages of lbha.service, with those of systemd about it."""
        return self.ask("journalctl", "--no-pager", "-o", "cat", "-u", "lbha")[1]

    def processes(self):
        """All that runs in the unit's control group."""
        try:
            with open(self.inside("/sys/fs/cgroup/system.slice/lbha.service/cgroup.procs")) as file:
                return file.read().split()
        except OSError:
            return []

    def status(self):
        return json.loads(self.ask("lbhactl", "status", "--json")[1])

    def role(self):
        return self.status()["vrrp"][0]["state"]

    def report(self):
        return [("systemctl status lbha", self.ask("systemctl", "--no-pager", "-l", "status", "lbha")[1]),
                ("journal (end)", "\n".join(self.journal().splitlines()[-60:]))]
