"""Lab: the network of one test, built by sentences, taken down as a whole."""
import glob
import os
import shutil
import subprocess
import tempfile

from .director import Director, program
from .frr import Frr
from .hosts import Host, Segment
from .keepalived import Keepalived
from .traffic import Client, WebServer


PREFIX = "lbha-test-"


def sweep():
    """Remove the folders of test processes that were killed; nothing else of theirs can be left."""
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        pid = os.path.basename(folder)[len(PREFIX):].split("-")[0]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(folder, ignore_errors=True)


def load_tunnels():
    """The kernel loads them by itself but for fou; none shall put devices of its own into every host. That is a sysctl of the whole
    machine: the guest's is ours, natively tests/lab/guest sets it and puts it back."""
    if os.environ.get("LBHA_LAB") in ("kvm", "tcg"):
        with open("/proc/sys/net/core/fb_tunnels_only_for_init_net", "w") as file:
            file.write("1\n")
    subprocess.run(["modprobe", "-aq", "fou", "fou6"], check=False)


class RealServer:
    """A web server, with the VIP on its loopback when it is told one: the classic set-up by hand, for dr.

    Without a VIP the host is bare; a test may let lbha-rs set it up.
    """

    def __init__(self, host, vip=None, port=80):
        self.host, self.name = host, host.name
        if vip:
            self.hold(vip)
        self.web = WebServer(host, port)

    def hold(self, vip):
        """Silence about the VIP first, then the VIP: in the other order the server answers ARP for a moment."""
        for interface in "all", "lo":
            self.host.sysctl(f"net.ipv4.conf.{interface}.arp_ignore", 1)
            self.host.sysctl(f"net.ipv4.conf.{interface}.arp_announce", 2)
        self.host.ip(f"addr add {vip}/32 dev lo")

    def lbha_rs(self, *words):
        """(exit code, what it said) of lbha-rs on this host, with a state folder of its own."""
        return self.host.status_of(program("lbha-rs"), *words, "--state-dir", self.host.log_file("rs-state"))


class Lab:
    """Everything a test builds. The switch that holds the segments is a host like the others."""

    def __init__(self, name="test"):
        sweep()
        self.folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        os.chmod(self.folder, 0o755)
        self.name = name
        self.numbers = 0
        self.hosts, self.reporters = {}, []
        self.switch = None
        self.switch = Host(self, "switch")

    def next_number(self):
        self.numbers += 1
        return self.numbers

    # --- building ---

    def segment(self, name, network):
        return Segment(self.switch, name, network)

    def host(self, name, *places):
        """A host; places are (segment, address…) for eth0, eth1 …"""
        assert name not in self.hosts, f"there is a {name} already"
        host = self.hosts[name] = Host(self, name)
        for segment, *addresses in places:
            host.attach(segment, *addresses)
        return host

    def router(self, name, *places):
        host = self.host(name, *places)
        host.sysctl("net.ipv4.ip_forward", 1)
        host.sysctl("net.ipv6.conf.all.forwarding", 1)
        return host

    def client(self, name, segment, address, gateway=None):
        host = self.host(name, (segment, address))
        if gateway:
            host.route(f"default via {gateway}")
        return Client(host)

    def real_server(self, name, segment, address, vip=None, port=80, gateway=None):
        host = self.host(name, (segment, address))
        if gateway:
            host.route(f"default via {gateway}")
        return RealServer(host, vip, port)

    def serve(self, host, port=80, body=None):
        """A web server on any host."""
        return WebServer(host, port, body)

    def director(self, name, *places, config, node=None):
        """A director that is not started yet; node is what the configuration calls it, if not by the host's name."""
        director = Director(self.host(name, *places), config, node)
        self.reporters.append((name, director.report))
        return director

    def keepalived(self, name, *places, **settings):
        """A host with keepalived, not started yet."""
        peer = Keepalived(self.host(name, *places), **settings)
        self.reporters.append((name, lambda: [("keepalived", peer.summary())]))
        return peer

    def frr(self, name, *places, **settings):
        """A host with FRR's vrrpd, not started yet."""
        peer = Frr(self.host(name, *places), **settings)
        self.reporters.append((name, lambda: [("vrrpd", peer.summary())]))
        return peer

    # --- the end ---

    def report(self):
        """What every host knows, as one text."""
        lines = []
        reporters = [(name, host.report) for name, host in self.hosts.items()] + self.reporters
        for name, report in reporters:
            try:
                parts = report()
            except Exception as problem:  # a report must never hide the failure it is about
                parts = [("no report", repr(problem))]
            for title, text in parts:
                lines.append(f"=== {name}: {title}")
                lines.append(text.rstrip() or "(nothing)")
        return "\n".join(lines)

    def keep(self, target):
        """Copy logs, configurations and captures to where they survive the test."""
        for host in self.hosts.values():
            for number, capture in enumerate(host.captures):
                capture.write(host.log_file(f"capture-{number}.pcap"))
        shutil.copytree(self.folder, target, dirs_exist_ok=True,
                        ignore=lambda folder, names: [name for name in names if not is_plain(folder, name)])

    def close(self):
        try:
            for host in list(self.hosts.values()) + [self.switch]:
                host.power_off()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_plain(folder, name):
    path = os.path.join(folder, name)
    return os.path.isdir(path) or os.path.isfile(path)
