"""Checks of type icmp: lbha-checkd alone beside hosts that answer, are silent, or answer as nobody should; and what rights it has."""
import contextlib
import os
import socket
import struct
import threading
import time

import pytest

from checkd import Checkd
from lbhatest import wait_for, wait_until
from lbhatest.lab import Lab
from lbhatest.machine import BareTimer, told_in_time
from vrrp_pair import config

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

TIMEOUT_MS, GRACE_MS = 300, 80
LB, LB6 = "10.9.0.10", "fd09::10"
SERVER, SERVER6 = "10.9.0.20", "fd09::20"      # its kernel answers
STRANGE = "10.9.0.30"                           # its kernel does not, the test does
OTHER = "10.9.0.31"                             # an address of the strange one, too
PING = "type: icmp, interval: 400ms, timeout: 300ms"


@pytest.fixture(scope="module")
def net():
    lab = Lab("icmp")
    try:
        out = lab.segment("out", "10.9.0.0/24")
        lab.lb = lab.host("lb", (out, LB, LB6 + "/64"))
        lab.server = lab.host("server", (out, SERVER, SERVER6 + "/64"))
        lab.strange = lab.host("strange", (out, STRANGE, OTHER + "/24"))
        lab.strange.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module", autouse=True)
def timer():
    """Beside all tests of this file."""
    global beside
    with BareTimer() as beside:
        yield


# ---- whoever answers by hand ----

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def icmp(kind, code, rest, wrong=0):
    """A message with its checksum; `rest` from the fifth byte on."""
    bare = struct.pack("!BBH", kind, code, 0) + rest
    return struct.pack("!BBH", kind, code, checksum(bare) ^ wrong) + rest


def ip(source, destination, message):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), 0, 0, 64, 1, 0, socket.inet_aton(source),
                       socket.inet_aton(destination)) + message


class Request:
    """An echo that came in, and the answers that there could be."""

    def __init__(self, packet):
        self.packet = packet[:struct.unpack("!H", packet[2:4])[0]]
        self.source, self.target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        self.id, self.sequence = struct.unpack("!HH", packet[24:28])
        self.payload = self.packet[28:]

    def reply(self, source=None, id=None, sequence=None, payload=None, wrong=0):
        rest = struct.pack("!HH", self.id if id is None else id, self.sequence if sequence is None else sequence)
        return ip(source or self.target, self.source, icmp(0, 0, rest + (self.payload if payload is None else payload), wrong))

    def complaint(self, kind, code, quoted=None, source=OTHER):
        return ip(source, self.source, icmp(kind, code, bytes(4) + (self.packet if quoted is None else quoted)))


class Echoer:
    """Answers the echoes that reach a host: script(request, number) gives the packets to send (with IP headers)."""

    def __init__(self, host, script):
        self.script, self.requests, self.closing = script, [], threading.Event()
        with host.inside():
            self.ears = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self.mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.ears.settimeout(0.05)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.closing.is_set():
            with contextlib.suppress(TimeoutError):
                packet = self.ears.recv(2048)
                if packet[20] == 8:
                    request = Request(packet)
                    self.requests.append(request)
                    for answer in self.script(request, len(self.requests)) or []:
                        self.mouth.sendto(answer, (request.source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()
        self.ears.close()
        self.mouth.close()


def cut(data, size):
    return data[:size]


def flipped(payload):
    return bytes([payload[0] ^ 1]) + payload[1:]


def with_quote_of(request, **changes):
    """The request with another number in its header, to be quoted."""
    rest = struct.pack("!HH", changes.get("id", request.id), changes.get("sequence", request.sequence))
    return ip(request.source, changes.get("target", request.target), icmp(8, 0, rest + request.payload))


NO_REPLY = ("reply_timeout", "no reply within 300ms")
REPLIED = ("passed", "replied")
# what is sent for each request → reason, words
ROWS = {
    "answers": (lambda r, n: [r.reply()], REPLIED),
    "answers twice": (lambda r, n: [r.reply(), r.reply()], REPLIED),
    "answers after nonsense": (lambda r, n: [r.reply(id=r.id ^ 1), r.reply(payload=flipped(r.payload)), r.reply()], REPLIED),
    "is silent": (lambda r, n: [], NO_REPLY),
    "answers with another id": (lambda r, n: [r.reply(id=r.id ^ 1)], NO_REPLY),
    "answers with another sequence": (lambda r, n: [r.reply(sequence=r.sequence ^ 1)], NO_REPLY),
    "answers to an echo that was not sent": (lambda r, n: [r.reply(payload=r.payload[:-1] + b"\x07")], NO_REPLY),
    "answers with another cookie": (lambda r, n: [r.reply(payload=flipped(r.payload))], NO_REPLY),
    "answers with a part": (lambda r, n: [r.reply(payload=r.payload[:-1])], NO_REPLY),
    "answers with no payload": (lambda r, n: [r.reply(payload=b"")], NO_REPLY),
    "answers with a wrong checksum": (lambda r, n: [r.reply(wrong=0x0100)], NO_REPLY),
    "somebody else answers": (lambda r, n: [r.reply(source=OTHER)], NO_REPLY),
    "answers with half a header": (lambda r, n: [cut(r.reply(), 24)], NO_REPLY),
    "echoes the request": (lambda r, n: [ip(r.target, r.source, r.packet[20:])], NO_REPLY),
    "a router complains": (lambda r, n: [r.complaint(3, 1)], ("unreachable", f"host unreachable, says {OTHER}")),
    "a router quotes eight bytes": (lambda r, n: [r.complaint(3, 0, r.packet[:28])],
                                    ("unreachable", f"network unreachable, says {OTHER}")),
    "a filter complains": (lambda r, n: [r.complaint(3, 13)], ("unreachable", f"prohibited by a filter, says {OTHER}")),
    "the packet goes in circles": (lambda r, n: [r.complaint(11, 0)], ("unreachable", f"hop limit exceeded, says {OTHER}")),
    "a router wants smaller packets, then it answers": (lambda r, n: [r.complaint(3, 4), r.reply()], REPLIED),
    "a router knows a better way, then it answers": (lambda r, n: [r.complaint(5, 1), r.reply()], REPLIED),
    "a router complains about another id": (lambda r, n: [r.complaint(3, 1, with_quote_of(r, id=r.id ^ 1))], NO_REPLY),
    "a router complains about another host": (lambda r, n: [r.complaint(3, 1, with_quote_of(r, target=OTHER))], NO_REPLY),
    "a router quotes too little": (lambda r, n: [r.complaint(3, 1, r.packet[:27])], NO_REPLY),
    "a router quotes another cookie": (lambda r, n: [r.complaint(3, 1, r.packet[:28] + flipped(r.payload))], NO_REPLY),
}


def judged(fact, reason, detail):
    wanted = {"passed": "up", "resources": "unknown", "local": "unknown"}.get(reason, "down")
    assert (fact["reason"], fact["detail"], fact["verdict"]) == (reason, detail, wanted), fact
    assert fact["latency_ms"] < TIMEOUT_MS + GRACE_MS, fact
    if reason == "reply_timeout":
        assert fact["latency_ms"] >= TIMEOUT_MS, fact


def probed(net, check, target):
    with Checkd(host=net.lb) as checkd:
        checkd.load(f"check it {{{check}}}", f"probe it {target}")
        return checkd.ended_first()


@pytest.mark.parametrize("row", ROWS)
def test_one_echo(net, row):
    script, (reason, detail) = ROWS[row]
    with Echoer(net.strange, script):
        told_in_time(lambda: judged(probed(net, PING, STRANGE), reason, detail), beside, GRACE_MS / 1000)


COUNT_ROWS = {
    "all": (lambda r, n: [r.reply()], ("passed", "3 of 3 replies")),
    "one is lost": (lambda r, n: [r.reply()] if n % 3 else [], ("reply_timeout", "2 of 3 replies within 300ms")),
    "one is answered three times": (lambda r, n: [r.reply()] * 3 if n % 3 == 1 else [],
                                    ("reply_timeout", "1 of 3 replies within 300ms")),
    "none": (lambda r, n: [], ("reply_timeout", "0 of 3 replies within 300ms")),
}


@pytest.mark.parametrize("row", COUNT_ROWS)
def test_all_of_several_echoes_must_be_answered(net, row):
    script, (reason, detail) = COUNT_ROWS[row]

    def once():
        with Echoer(net.strange, script) as echoer:
            judged(probed(net, PING + ", count: 3", STRANGE), reason, detail)
            first = echoer.requests[:3]
            assert len({one.sequence for one in first}) == 3 and len({one.id for one in first}) == 1

    told_in_time(once, beside, GRACE_MS / 1000)


@pytest.mark.parametrize("target", [SERVER, SERVER6, LB, LB6, "127.0.0.1", "::1"])
def test_a_kernel_answers(net, target):
    judged(probed(net, PING + ", count: 20", target), "passed", "20 of 20 replies")


def test_a_late_reply_does_not_count_for_the_next_probe(net):
    """It comes while the next one is under way, in the same slot and with the same sequence."""
    late = []

    def script(request, number):
        late.append(request)
        return [late[-2].reply()] if len(late) > 1 else []

    with Echoer(net.strange, script) as echoer, Checkd(host=net.lb) as checkd:
        checkd.load(f"check it {{{PING}, fall: 100}}", f"probe it {STRANGE}")
        wait_until(lambda: len(echoer.requests) > 4, what="five probes")
        assert len({one.sequence for one in echoer.requests}) == 1
        assert not checkd.facts(passed=True, reason="passed")


def test_whoever_is_not_there_is_unreachable_says_this_machine(net):
    net.lb.sysctl("net.ipv4.neigh.eth0.retrans_time_ms", 20)
    net.lb.sysctl("net.ipv6.neigh.eth0.retrans_time_ms", 20)
    fact = probed(net, "type: icmp, timeout: 4s", "10.9.0.99")
    assert (fact["reason"], fact["detail"]) == ("unreachable", f"host unreachable, says {LB}")
    fact = probed(net, "type: icmp, timeout: 4s", "fd09::99")
    assert (fact["reason"], fact["detail"]) == ("unreachable", f"address unreachable, says {LB6}")


def test_no_route_is_told_at_once(net):
    judged(probed(net, PING, "203.0.113.1"), "unreachable", "send: network unreachable")


def test_source_and_interface_travel_with_the_echo(net):
    net.lb.ip("addr replace 10.9.0.11/24 dev eth0")
    with Echoer(net.strange, lambda r, n: [r.reply()]) as echoer:
        judged(probed(net, PING + ", bind: 10.9.0.11", STRANGE), "passed", "replied")
        assert {one.source for one in echoer.requests} == {"10.9.0.11"}
        judged(probed(net, PING + f", bind: {LB}, interface: eth0", STRANGE), "passed", "replied")
        assert echoer.requests[-1].source == LB
    judged(probed(net, PING + ", interface: lo", STRANGE), *NO_REPLY)
    link_local = next(one for one in net.server.addresses("eth0") if one.startswith("fe80"))
    judged(probed(net, PING + ", interface: eth0", link_local.split("/")[0]), "passed", "replied")


def test_with_an_interface_a_reply_must_come_in_there(lab):
    """The server answers by its other link."""
    one, two = lab.segment("one", "10.9.1.0/24"), lab.segment("two", "10.9.2.0/24")
    lab.lb = lab.host("lb", (one, "10.9.1.10", "fd01::10/64"), (two, "10.9.2.10", "fd02::10/64"))
    server = lab.host("server", (one, "10.9.1.20", "fd01::20/64"), (two, "10.9.2.20", "fd02::20/64"))
    server.ip("route add 10.9.1.10/32 via 10.9.2.10 dev eth1", "route add fd01::10/128 via fd02::10 dev eth1")
    for target in "10.9.1.20", "fd01::20":
        judged(probed(lab, PING, target), "passed", "replied")
        judged(probed(lab, PING + ", interface: eth0", target), *NO_REPLY)
    for target in "10.9.2.20", "fd02::20":
        judged(probed(lab, PING + ", interface: eth1", target), "passed", "replied")


@pytest.mark.parametrize("more, target, detail", [
    ("bind: 10.9.0.77", SERVER, "here: cannot bind to 10.9.0.77: not an address of this machine"),
    ("bind: 'fd09::77'", SERVER6, "here: cannot bind to fd09::77: not an address of this machine"),
    ("interface: none0", SERVER, "here: cannot use interface none0: no such device"),
    ("bind: 10.9.0.10", SERVER6, "here: cannot bind to 10.9.0.10: source and target do not fit together"),
])
def test_what_is_wrong_here_is_no_failure_of_the_server(net, more, target, detail):
    judged(probed(net, f"{PING}, {more}", target), "local", detail)


def test_one_socket_serves_many_targets_and_a_flood_hides_nothing(net):
    """Each of the other's replies is foreign to this id: the kernel's filter keeps them away."""
    targets = [f"10.9.0.{number}" for number in range(100, 200)]
    net.server.ip(*(f"addr replace {one}/32 dev eth0" for one in targets))
    stop = threading.Event()

    def flood():
        with net.strange.inside():
            mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        rest = struct.pack("!HH", 1, 0) + bytes(12)
        while not stop.wait(0.001):
            for number in range(20):
                mouth.sendto(ip(STRANGE, LB, icmp(0, 0, rest)), (LB, 0))
        mouth.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with Checkd(host=net.lb) as checkd:
            checkd.load(f"check it {{type: icmp, count: 2, interval: 200ms}}", *(f"probe it {one}" for one in targets))
            wait_until(lambda: len({one["target"] for one in checkd.facts(verdict="up")}) == 100, 10, "all up")
            time.sleep(1)
            assert not checkd.facts(verdict="down")
    finally:
        stop.set()
        thread.join()


# ---- rights ----

def raw_sockets(pid):
    """How many the process has, by /proc alone."""
    inodes = set()
    for name in "raw", "raw6":
        with open(f"/proc/{pid}/net/{name}") as file:
            inodes |= {line.split()[9] for line in file.readlines()[1:]}
    found = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found += os.readlink(f"/proc/{pid}/fd/{fd}").removeprefix("socket:[").rstrip("]") in inodes
    return found


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_the_worker_has_raw_sockets_for_icmp_checks_alone_and_never_a_right_of_its_own(lab):
    """Through lbhad: none at first, one with the reload that brings a check, both, and none with the one that takes them away."""
    import pwd
    check = "checks:\n  gateway: {{type: icmp, address: \"{}\", interval: 100ms, timeout: 300ms, rise: 1, fall: 1}}\n"
    plain = config(first=150, second=100)

    def tracking(address):
        return plain.replace("priority: 150,", "priority: 150, vrrp: {public: {track: [{check: gateway, weight: -60}]}},") + \
            check.format(address)

    lan = lab.segment("lan", "192.168.8.0/24")
    gateway = lab.host("gateway", (lan, "192.168.8.1", "fd08::1/64"))
    lb1 = lab.director("lb1", (lan, "192.168.8.10", "fd08::10/64"), config=plain)
    lb1.start()
    lb1.wait_role("MASTER")

    def rights():
        pids = lb1.worker_pids()["check"]
        assert len(pids) == 1
        status = status_of(pids[0])
        assert [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == ["0" * 16] * 5
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert status["Uid"].split() == [str(pwd.getpwnam("lbha-check").pw_uid)] * 4
        return raw_sockets(pids[0])

    assert rights() == 0
    lb1.ctl("plan", lb1.config_file)
    for address, wanted in ("192.168.8.1", 1), ("fd08::1", 1), ("192.168.8.1", 1):
        lb1.reload(tracking(address))
        wait_for(lambda: lb1.vrrp()["trackers"][0]["state"], "up", what="the gateway answers")
        assert rights() == wanted
    before = lb1.worker_pids()["check"]
    lb1.kill_worker("check")
    wait_until(lambda: lb1.worker_pids().get("check", before) != before, what="another check worker")
    gateway.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    wait_for(lambda: lb1.vrrp()["priority"], 90, what="the gateway is lost, says the new worker")
    assert "no reply within 300ms" in lb1.vrrp()["trackers"][0]["reason"]
    assert rights() == 1
    lb1.reload(plain)
    wait_for(rights, 0, what="no raw socket")
