"""FRR's vrrpd as a peer on a host of its own. It moves no addresses: they lie on macvlan interfaces that have the MAC of the
virtual router, which it switches on and off (protodown). The daemons run as their own user, frr, with their sockets in the
host's own /run."""
import fcntl
import os
import re
import signal
import socket
import struct

from .waiting import wait_for, wait_until

FOLDER = "/usr/lib/frr"
SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40

CONFIG = """log stdout
debug vrrp
interface {interface}
 vrrp {vrid} version {version}
 vrrp {vrid} priority {priority}
 vrrp {vrid} advertisement-interval {milliseconds}
{addresses}
"""


# What a killed zebra left would be taken for a living one. Where vrrpd keeps its logs of crashes the machine gets no file.
PREPARE = """rm -rf /run/frr
install -d -o frr -g frr /run/frr
mkdir -p /var/tmp/frr
mountpoint -q /var/tmp/frr || mount -t tmpfs -o mode=777 tmpfs /var/tmp/frr
"""


class Frr:
    def __init__(self, host, vips, vrid=51, priority=100, advert=1, version=3, interface="eth0"):
        self.host, self.interface, self.vrid = host, interface, vrid
        self.vips = [vips] if isinstance(vips, str) else list(vips)
        self.zebra = self.process = None
        self.config = host.log_file("vrrpd.conf")
        self.log = host.log_file("vrrpd.log")
        words = [f" vrrp {vrid} {'ipv6' if ':' in vip else 'ip'} {vip.split('/')[0]}" for vip in self.vips]
        with open(self.config, "w") as file:
            file.write(CONFIG.format(interface=interface, vrid=vrid, version=version, priority=priority,
                                     milliseconds=round(advert * 1000), addresses="\n".join(words)))
        # the addresses are on the host always: the other interface must neither answer for them nor ask in their name
        host.sysctl("net.ipv4.conf.all.arp_ignore", 1)
        host.sysctl("net.ipv4.conf.all.arp_announce", 2)

    def __repr__(self):
        return f"<frr on {self.host.name}>"

    @property
    def families(self):
        return sorted({6 if ":" in vip else 4 for vip in self.vips})

    def mac(self, family=None):
        """Of the virtual router: clients see this one and no other."""
        return f"00:00:5e:00:0{1 if (family or self.families[0]) == 4 else 2}:{self.vrid:02x}"

    def _make_interfaces(self):
        for family in self.families:
            vips = [vip for vip in self.vips if (":" in vip) == (family == 6)]
            self.host.ip(f"link add vrrp{family} link {self.interface} address {self.mac(family)} type macvlan mode bridge",
                         *(f"addr add {vip} dev vrrp{family}{' nodad' if family == 6 else ''}" for vip in vips),
                         f"link set vrrp{family} up")
        # zebra overlooks addresses that are tentative when it looks, and vrrpd then has none to send from
        wait_until(lambda: "tentative" not in self.host.run("ip", "-6", "addr"), what="usable addresses")

    def _launch(self, name, config, log):
        with open(log, "ab") as file:
            return self.host.start(os.path.join(FOLDER, name), "-u", "frr", "-g", "frr", "-P", "0", "--log", "stdout",
                                   "-f", config, stdout=file, stderr=file)

    def start(self):
        if self.zebra is None:
            self.host.run("sh", "-c", PREPARE)
            self._make_interfaces()
            self.zebra = self._launch("zebra", "/dev/null", self.host.log_file("zebra.log"))
            wait_until(lambda: os.path.exists(f"/proc/{self.host.pid}/root/run/frr/zserv.api"), what="zebra listens")
        self.begun = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.process = self._launch("vrrpd", self.config, self.log)
        return self

    @property
    def state(self):
        """The last one that vrrpd said it went to, since it was started."""
        if self.process is None or self.process.poll() is not None:
            return None
        with open(self.log, "rb") as file:
            file.seek(self.begun)
            found = re.findall(rb"\] (?:Initialize|Backup|Master) -> (\w+)", file.read())
        return found[-1].decode() if found else None

    @property
    def is_master(self):
        """It says so, and its interfaces are switched on."""
        if self.state != "Master":
            return False
        with self.host.inside():
            asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with asked:
            answer = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack("16sH14x", b"vrrp%d" % self.families[0], 0))
        return bool(struct.unpack("16sH14x", answer)[1] & IFF_RUNNING)

    def wait_master(self, within=6):
        wait_for(lambda: self.is_master, True, within, f"{self} as MASTER")

    def stop(self):
        """A planned stop of vrrpd: priority 0, and the interfaces are off."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def crash(self):
        """kill -9 of all; the interfaces stay as they were, until the next start."""
        self.host.kill_everything()
        self.process.wait(timeout=20)
        self.zebra.wait(timeout=20)
        self.zebra = None
        self.host.ip(*(f"link del vrrp{family}" for family in self.families))

    def summary(self):
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-40:])
