"""The IPVS table in ipvsadm's words: what `plan` prints and `export` writes is what ipvsadm takes, saves and lists."""
import pytest

from lbhatest import Lab, wait_for, wait_until

VIP = "192.168.8.200"

HEAD = """
directors:
  lb1: {address: 192.168.8.10}
global:
  ipvs: {read_back: 1s}
"""

SMALL = HEAD + f"""
services:
  - name: web
    listen: {VIP}:80
    scheduler: wlc
    real_servers: [192.168.8.20, 192.168.8.21]
"""

# Everything that a service can be; then all of it changed, some of it gone.
EVERYTHING = HEAD + f"""
services:
  - name: web
    listen: {VIP}:80
    scheduler: sh
    flags: [sh-fallback, sh-port]
    persistence: {{timeout: 60s, prefix: 24}}
    real_servers:
      - 192.168.8.20
      - {{address: 192.168.8.31, upper_threshold: 100, lower_threshold: 50}}
      - {{address: 192.168.8.32, upper_threshold: 70}}
      - {{address: 192.168.8.33, weight: 0}}
      - {{address: 192.168.8.34, state: drained}}
      - {{address: 192.168.8.35, state: disabled}}
  - {{name: hash, listen: "{VIP}:81", scheduler: mh, flags: [mh-fallback, mh-port], real_servers: [192.168.8.20, 192.168.8.31]}}
  - {{name: sip, listen: "{VIP}:5060", protocol: udp, scheduler: rr, persistence: {{timeout: 300s, prefix: 16, engine: sip}}, real_servers: [192.168.8.20]}}
  - {{name: dns, listen: "{VIP}:53", protocol: [tcp, udp], scheduler: wrr, real_servers: [192.168.8.20, {{address: 192.168.8.31, weight: 7}}]}}
  - {{name: ops, listen: "{VIP}:54", protocol: udp, one_packet: true, scheduler: sh, flags: [sh-port], real_servers: [192.168.8.20]}}
  - {{name: sctp, listen: "{VIP}:99", protocol: sctp, scheduler: lc, real_servers: [192.168.8.20]}}
  - {{name: any, listen: 192.168.8.201, persistence: 90s, real_servers: [192.168.8.20]}}
  - {{name: nat, listen: "{VIP}:82", forwarding: nat, scheduler: nq, real_servers: ["192.168.8.20:8080"]}}
  - {{name: marked, fwmark: 7, family: ipv4, persistence: 120s, real_servers: [192.168.8.20, 192.168.8.31]}}
  - {{name: marked6, fwmark: 7, family: ipv6, persistence: {{timeout: 120s, prefix: 64}}, real_servers: ["2001:db8::20"]}}
  - {{name: together, listen: ["{VIP}:84", "{VIP}:85"], group: true, persistence: 60s, real_servers: [192.168.8.20, 192.168.8.31]}}
  - {{name: six, listen: "[2001:db8::200]:80", scheduler: sed, real_servers: ["2001:db8::20", {{address: "[2001:db8::30]:8080", forwarding: nat, weight: 2}}]}}
  - name: tunnels
    listen: {VIP}:83
    forwarding: tunnel
    real_servers:
      - 192.168.8.20
      - {{address: 192.168.8.31, tunnel: {{type: gue, port: 6080, checksum: none}}}}
      - {{address: 192.168.8.32, tunnel: {{type: gue, port: 6081, checksum: csum}}}}
      - {{address: 192.168.8.33, tunnel: {{type: gue, port: 6080, checksum: remcsum}}, upper_threshold: 9}}
      - {{address: 192.168.8.34, tunnel: {{type: gre}}}}
      - {{address: 192.168.8.35, tunnel: {{type: gre, checksum: csum}}}}
      - {{address: 192.168.8.36, forwarding: nat}}
      - {{address: 192.168.8.37, forwarding: dr}}
"""

CHANGED = HEAD + f"""
services:
  - name: web
    listen: {VIP}:80
    scheduler: wlc
    real_servers:
      - {{address: 192.168.8.20, weight: 5, upper_threshold: 7}}
      - {{address: 192.168.8.31, forwarding: nat}}
      - 192.168.8.32
      - {{address: 192.168.8.34, state: disabled}}
      - 192.168.8.35
  - {{name: hash, listen: "{VIP}:81", scheduler: sh, flags: [sh-port], real_servers: [192.168.8.31]}}
  - {{name: sip, listen: "{VIP}:5060", protocol: udp, scheduler: rr, persistence: 30s, real_servers: [192.168.8.20]}}
  - {{name: ops, listen: "{VIP}:54", protocol: udp, scheduler: rr, real_servers: [192.168.8.20]}}
  - {{name: marked6, fwmark: 7, family: ipv6, persistence: 120s, scheduler: rr, real_servers: ["2001:db8::21"]}}
  - {{name: six, listen: "[2001:db8::200]:80", real_servers: [{{address: "[2001:db8::30]:8080", forwarding: nat, weight: 1}}]}}
  - name: tunnels
    listen: {VIP}:83
    forwarding: tunnel
    tunnel: {{type: gre}}
    real_servers:
      - 192.168.8.20
      - {{address: 192.168.8.31, tunnel: {{type: gue, port: 7000, checksum: csum}}}}
      - {{address: 192.168.8.36, tunnel: {{type: ipip}}}}
"""


class Network:
    """A director, and a machine on which nothing but ipvsadm runs."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=SMALL)
        self.other = lab.host("other", (lan, "192.168.8.11"))

    def make_fresh(self):
        for host in self.lb1.host, self.other:
            host.run("ipvsadm", "-C")
        if self.lb1.is_running:
            self.lb1.stop()
        self.lb1.configure(SMALL)
        self.lb1.start()
        self.wait_table()

    def wait_table(self):
        """What the kernel has is what lbha says that it put there."""
        wait_for(lambda: saved(self.lb1.host), without_thresholds(self.lb1.ctl("export", "ipvsadm")), 10, "the table")

    def plan(self, text):
        self.lb1.configure(text)
        return self.lb1.ctl("plan").splitlines()

    def same_tables(self):
        assert saved(self.other) == saved(self.lb1.host)
        assert listed(self.other) == listed(self.lb1.host)


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_table") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture
def network(shared):
    shared.make_fresh()
    return shared


def saved(host):
    return [line.rstrip() for line in host.run("ipvsadm-save", "-n").splitlines()]


def listed(host):
    """With thresholds, which ipvsadm-save leaves out; connections are none."""
    return [host.run("ipvsadm", "-Ln", *more) for more in ((), ("--thresholds",), ("--tun-info",))]


def without_thresholds(text):
    return [line.split(" -x ")[0] for line in text.splitlines()]


def do(host, lines):
    """Each line by itself, as an operator would; ipvsadm says something only if it is wrong."""
    for line in lines:
        assert host.run(*line.split()) == "", line


def test_every_line_of_a_plan_is_taken_by_ipvsadm_and_does_what_lbha_does(network):
    """From a small table to one with everything, and from that to another: both tables are alike after each step."""
    network.other.run("ipvsadm-restore", input=network.lb1.ctl("export", "ipvsadm"))
    network.same_tables()
    for config in EVERYTHING, CHANGED, SMALL:
        lines = [line for line in network.plan(config) if line.startswith("ipvsadm ")]
        assert len(lines) > 10
        do(network.other, lines)
        assert network.lb1.reload()[0] == 0
        network.same_tables()
        assert network.lb1.ctl("plan") == ""


def test_an_export_is_what_ipvsadm_saves_and_restores(network):
    """Word by word and in the same order, but for thresholds, which ipvsadm-save forgets and ipvsadm-restore takes."""
    network.lb1.configure(EVERYTHING)
    assert network.lb1.reload()[0] == 0
    text = network.lb1.ctl("export", "ipvsadm")
    assert " -x 100 -y 50" in text and " --tun-remcsum -x 9 -y 0" in text
    assert saved(network.lb1.host) == without_thresholds(text)
    network.other.run("ipvsadm-restore", input=text)
    network.same_tables()


def test_a_table_with_everything_is_repaired_word_by_word(network):
    """After ipvsadm -C; after one service and one server of each kind went, and others were changed."""
    network.lb1.configure(EVERYTHING)
    assert network.lb1.reload()[0] == 0

    def repairs():
        return network.lb1.status()["ipvs"]["repairs"]

    before, tool = (saved(network.lb1.host), listed(network.lb1.host)), network.lb1.host.run
    tool("ipvsadm", "-C")
    wait_until(lambda: (saved(network.lb1.host), listed(network.lb1.host)) == before, 10, "the flushed table")
    done = repairs()
    for line in (f"-D -t {VIP}:81", "-D -f 7", f"-d -t {VIP}:80 -r 192.168.8.20:80",
                 "-d -t [2001:db8::200]:80 -r [2001:db8::20]:80", f"-E -t {VIP}:80 -s rr",
                 f"-E -u {VIP}:5060 -s wlc -p 10", f"-e -t {VIP}:83 -r 192.168.8.31:83 -i --tun-type ipip -w 9",
                 f"-e -t {VIP}:83 -r 192.168.8.37:83 -m -w 1", f"-e -t {VIP}:80 -r 192.168.8.31:80 -g -w 1 -x 3",
                 f"-a -t {VIP}:80 -r 192.168.8.77:80 -g", f"-e -u {VIP}:53 -r 192.168.8.31:53 -g -w 0"):
        tool("ipvsadm", *line.split())
    wait_until(lambda: repairs() >= done + 11 and (saved(network.lb1.host), listed(network.lb1.host)) == before, 10,
               "the changed table")
