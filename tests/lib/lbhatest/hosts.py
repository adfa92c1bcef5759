"""Hosts, cables and switches made of namespaces.

A host is a process of ours that holds a network, a mount and a pid namespace. It waits at the end of a pipe from the test
process: when that goes, however it goes, the pipe closes, the host's first process ends, and with it every program that
was started there, every interface and every address. So nothing has a name outside and nothing can be left behind.

The test process itself opens sockets inside a host (setns is a matter of one thread and takes microseconds); web servers,
clients and captures need no process of their own for it.
"""
import contextlib
import ctypes
import ipaddress
import os
import shlex
import signal
import subprocess

from .capture import Capture
from .waiting import patience

libc = ctypes.CDLL(None, use_errno=True)

# bash: it reaps whatever ends here, and its read goes on when it does (that of dash ends, and with it the host).
FIRST_PROCESS = """mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo up
read -r _"""


def setns(fd):
    if libc.setns(fd, 0):
        raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))


def own_namespace(kind):
    return os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


class Segment:
    """One broadcast domain: a bridge in the namespace of the lab's switch."""

    def __init__(self, switch, name, network):
        self.switch, self.name = switch, name
        self.network = ipaddress.ip_network(network)
        switch.ip(f"link add {name} type bridge mcast_snooping 0 stp_state 0 forward_delay 0", f"link set {name} up")

    def with_prefix(self, address):
        """An address of this segment with its prefix length; one that has a length keeps it."""
        return address if "/" in address else f"{address}/{self.network.prefixlen}"


class Port:
    """A cable: the host's interface at one end, the segment's port at the other."""

    def __init__(self, segment, interface, address, mac, name):
        self.segment, self.interface, self.address, self.mac, self.name = segment, interface, address, mac, name


class Failed(AssertionError):
    """A command failed on a host."""


class Host:
    """One machine. Its interfaces are eth0, eth1 … in the order in which it was attached to segments."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.ports = []
        self.routes = []
        self.captures = []
        self.servers = []
        self.running = []
        self.is_on = False
        self.number = lab.next_number()
        self.folder = os.path.join(lab.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.power_on()

    def __repr__(self):
        return f"<{self.name}>"

    # --- life ---

    def power_on(self):
        """A fresh machine: no process, no address but its configured ones. Cables and routes are as they were."""
        assert not self.is_on, f"{self.name} is on"
        self.holder = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 "bash", "-c", FIRST_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        said = self.holder.stdout.readline()
        assert said == b"up\n", f"{self.name}: no namespaces here (are we root?)"
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as children:
            self.pid = int(children.read().split()[0])
        self.fds = {kind: os.open(f"/proc/{self.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
                    for kind in ("net", "mnt", "pid")}
        self.is_on = True
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)
        for port in self.ports:
            self._plug_cable(port)
        for route in self.routes:
            self.ip(f"route add {route}")

    def power_off(self):
        """Like pulling the mains plug: silence at once, then everything on it is gone."""
        if not self.is_on:
            return
        self.is_on = False
        for port in self.ports:
            with contextlib.suppress(Failed):
                self.lab.switch.ip(f"link del {port.name}")
        for thing in self.servers + self.captures:
            thing.close()
        self.holder.stdin.close()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        for process in self.running:
            process.wait()
        self.running.clear()
        for fd in self.fds.values():
            os.close(fd)

    def kill_everything(self, how=signal.SIGKILL):
        """One signal for every process on the host, all of them in one call so that none can react to another's end."""
        self.run("sh", "-c", f"kill -{int(how)} -1", check=False)

    def pause(self):
        self.kill_everything(signal.SIGSTOP)

    def resume(self):
        self.kill_everything(signal.SIGCONT)

    # --- inside ---

    @contextlib.contextmanager
    def inside(self, kinds=("net",)):
        """The calling thread is on this host: what it opens or starts belongs there."""
        back = [own_namespace("pid_for_children" if kind == "pid" else kind) for kind in kinds]
        try:
            for kind in kinds:
                setns(self.fds[kind])
            yield
        finally:
            for fd in back:
                setns(fd)
                os.close(fd)

    def start(self, *command, cwd=None, **popen):
        """Start a program here and return its Popen; its pid is the one seen from outside."""
        def enter_mounts():
            setns(self.fds["mnt"])
            os.chdir(cwd or self.folder)

        popen.setdefault("stdin", subprocess.DEVNULL)
        with self.inside(("net", "pid")):
            process = subprocess.Popen([str(word) for word in command], preexec_fn=enter_mounts, **popen)
        self.running = [other for other in self.running if other.poll() is None] + [process]
        return process

    def run(self, *command, check=True, input=None, timeout=20, env=None):
        """Run a program to its end; returns what it printed (both streams). Fails the test if the program fails."""
        process = self.start(*command, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env)
        try:
            output, _ = process.communicate(input, timeout * patience())
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise Failed(f"{self.name}: `{shlex.join(map(str, command))}` did not end within "
                         f"{timeout * patience():g}s; it said:\n{output}") from None
        if check and process.returncode:
            raise Failed(f"{self.name}: `{shlex.join(map(str, command))}` ended with {process.returncode}:\n{output}")
        return output

    def status_of(self, *command, **options):
        """(exit code, what was printed) of a program that may fail."""
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             **options)
        output, _ = process.communicate(timeout=30 * patience())
        return process.returncode, output

    def ip(self, *lines):
        """ip(8) in batches: one line per operation, without the word ip.

        It runs in the host's network namespace alone, so that pids are ours: cables name both ends by pid.
        """
        with self.inside():
            done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Failed(f"{self.name}: ip failed: {done.stdout.strip()}\nin:\n" + "\n".join(lines))

    def sysctl(self, name, value=None):
        """Read a sysctl of this host's network namespace, or write it and return what it was."""
        path = "/proc/sys/" + name.replace(".", "/")
        with self.inside():
            with open(path) as file:
                before = file.read().strip()
            if value is not None:
                with open(path, "w") as file:
                    file.write(f"{value}\n")
        return before

    # --- interfaces ---

    def attach(self, segment, *addresses):
        """A cable to a segment, with addresses at this end. Returns the interface's name."""
        number = len(self.ports)
        port = Port(segment, f"eth{number}", [segment.with_prefix(address) for address in addresses],
                    f"02:00:00:00:{number:02x}:{self.number:02x}", f"{self.name[:9]}-eth{number}")
        self.ports.append(port)
        self._plug_cable(port)
        return port.interface

    def _plug_cable(self, port):
        self.lab.switch.ip(f"link add {port.name} type veth peer name {port.interface} address {port.mac} netns {self.pid}",
                           f"link set {port.name} master {port.segment.name} up")
        self.ip(f"link set {port.interface} up",
                *(f"addr add {address} dev {port.interface}" for address in port.address))

    def route(self, *routes):
        """Routes as ip(8) writes them: route("default via 10.0.0.1")."""
        self.routes.extend(routes)
        self.ip(*(f"route add {route}" for route in routes))

    def port(self, interface="eth0"):
        return next(port for port in self.ports if port.interface == interface)

    def mac(self, interface="eth0"):
        return self.port(interface).mac

    def address(self, interface="eth0"):
        """The first configured address, without its prefix length."""
        return self.port(interface).address[0].split("/")[0]

    def unplug(self, interface="eth0"):
        """The cable is pulled: the host sees that it has no carrier."""
        self.lab.switch.ip(f"link set {self.port(interface).name} down")

    def plug(self, interface="eth0"):
        self.lab.switch.ip(f"link set {self.port(interface).name} up")

    def cut_off(self, interface="eth0"):
        """The switch forwards nothing more to or from this host, which still sees a carrier."""
        self.lab.switch.ip(f"link set {self.port(interface).name} nomaster")

    def join_again(self, interface="eth0"):
        port = self.port(interface)
        self.lab.switch.ip(f"link set {port.name} master {port.segment.name}")

    def addresses(self, interface=None):
        """Every address on the host (or one interface) with its prefix length: {"192.168.8.200/24", …}."""
        command = ["ip", "-o", "addr", "show"] + (["dev", interface] if interface else [])
        return {line.split()[3] for line in self.run(*command).splitlines()}

    def has_address(self, address):
        return any(address in (one, one.split("/")[0]) for one in self.addresses())

    # --- observing ---

    def capture(self, expression="", on="eth0"):
        """Record the frames of an interface, both directions, from this moment on. The expression is tcpdump's."""
        capture = Capture(self, on, expression)
        self.captures.append(capture)
        return capture

    def log_file(self, name):
        return os.path.join(self.folder, name)

    def report(self):
        """Everything that this host knows, for a failed test: a list of (title, text)."""
        if not self.is_on:
            return [("power", "off")]
        parts = [("addresses", self.run("ip", "-br", "addr", check=False)),
                 ("routes", self.run("ip", "route", check=False)),
                 ("neighbours", self.run("ip", "neigh", check=False)),
                 ("processes", self.run("ps", "-eo", "pid,ppid,user,stat,time,args", check=False))]
        for thing in self.servers + self.captures:
            parts.append((str(thing), thing.summary()))
        return parts
