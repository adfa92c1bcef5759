"""lbha and another VRRP router on one segment, and a watcher there whose neighbour table says what clients would do.

What a story has to tell is mostly waiting: many of them are told at the same time, each by a thread in a network of its own,
and each test only hears the end of its own (see Stories). So nothing here starts a process to look at something over and over.
"""
import collections
import concurrent.futures
import contextlib
import errno
import re
import socket
import time

from lbhatest import Frr, Lab, wait_for, wait_until
from lbhatest.machine import Overtaken, told_in_time
from lbhatest.vrrp import ANY_ADVERT, read_advert

LB1, PEER = "192.168.8.10", "192.168.8.11"
LB1_V6, PEER_V6 = "2001:db8:8::10", "2001:db8:8::11"
VIPS_V4 = ["192.168.8.200/24", "192.168.8.201/32", "10.77.0.1/32"]
VIPS_V6 = ["fe80::200/64", "2001:db8:8::200/64", "2001:db8:77::1/128"]
HIGH, LOW = 150, 100
SLACK = 0.3  # a busy machine, other stories on it

# What keepalived and vrrpd say about adverts that they do not like.
DISLIKES = re.compile(r".*(?:invalid|bogus|mismatch|wrong|discard|expected |not present|bad ).*", re.I)
ELECTION = re.compile(r".*(?:lower priority|\(\d+ <)")  # that one they tell in the same words

CONFIG = """directors:
  lb1: {{priority: {priority}}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: {milliseconds}ms
    version: {version}
    carrier_settle: 0s
    virtual_addresses: [{vips}]
{more}
"""

Said = collections.namedtuple("Said", "when who advert")


def config(priority, version, interval, vips, more=""):
    return CONFIG.format(priority=priority, version=version, milliseconds=round(interval * 1000), vips=", ".join(f'"{vip}"' for vip in vips),
                         more="\n".join("    " + line for line in more.splitlines()))


def bare(vip):
    return vip.split("/")[0]


def virtual_mac(vip):
    return f"00:00:5e:00:0{2 if ':' in vip else 1}:33"


def owns(host, vip, interface="eth0"):
    """Whether the address is on the host, asked without a process: only then can it be bound."""
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with host.inside():
        asking = socket.socket(family, socket.SOCK_DGRAM)
        try:
            scope = (0, socket.if_nametoindex(interface)) if bare(vip).startswith("fe80") else ()
        except OSError:
            return False
    with asking:
        try:
            asking.bind((bare(vip), 0, *scope))
        except OSError as problem:
            if problem.errno != errno.EADDRNOTAVAIL:
                raise
            return False
    return True


class Ours:
    """lbha, behind the words that all peers have."""
    name = "lbha"
    wins_back_clients = True

    def __init__(self, director, has_virtual_mac):
        self.director, self.host, self.has_virtual_mac = director, director.host, has_virtual_mac

    def start(self):
        self.director.start()

    def stop(self):
        assert self.director.stop() == 0

    def crash(self):
        self.director.crash()

    def has(self, vip):
        return owns(self.host, vip, f"eth0-v{6 if ':' in vip else 4}-51" if self.has_virtual_mac else "eth0")

    def mac(self, vip):
        return virtual_mac(vip) if self.has_virtual_mac else self.host.mac()


class Theirs:
    def __init__(self, peer):
        self.peer, self.host = peer, peer.host
        self.name = "frr" if isinstance(peer, Frr) else "keepalived"
        with open(peer.config, encoding="utf-8") as file:
            self.has_virtual_mac = self.name == "frr" or "use_vmac" in file.read()
        # it announces once, before its first advert over IPv6, while the lesser master may still be at its own burst, and
        # never again when a competing master has gone
        self.wins_back_clients = self.name != "frr"

    def start(self):
        self.peer.start()

    def stop(self):
        self.peer.stop()

    def crash(self):
        self.peer.crash()

    def has(self, vip):
        if self.name == "frr":
            return self.peer.is_master
        return owns(self.host, vip, "vrrp.51" if self.has_virtual_mac else "eth0")

    def mac(self, vip):
        return virtual_mac(vip) if self.has_virtual_mac else self.host.mac()

    def dislikes(self):
        with open(self.peer.log, errors="replace") as file:
            return [line for line in file if DISLIKES.match(line) and not ELECTION.match(line)]


class Meeting:
    """Both have `vips`; `first` ("ours" or "theirs") has the higher priority. Each one's own words are recorded at its port
    of the switch, so that unicast is heard and what is said behind a cut cable is told apart."""

    def __init__(self, lab, first, version, interval, vips, make_peer, ours=""):
        self.lab, self.version, self.interval, self.vips = lab, version, interval, vips
        lan = lab.segment("lan", "192.168.8.0/24")
        high = first == "ours"
        director = lab.director("lb1", (lan, LB1, f"{LB1_V6}/64"),
                                config=config(HIGH if high else LOW, version, interval, vips, ours))
        self.ours = Ours(director, "virtual_mac: true" in ours)
        self.theirs = Theirs(make_peer(lab, (lan, PEER, f"{PEER_V6}/64"), LOW if high else HIGH))
        self.first, self.second = (self.ours, self.theirs) if high else (self.theirs, self.ours)
        self.watcher = lab.host("watcher", (lan, "192.168.8.99", "2001:db8:8::99/64"))
        self.watcher.route("10.77.0.1 dev eth0", "2001:db8:77::1 dev eth0")
        self.watcher.capture("arp or icmp6")  # for the report of a story that ends badly
        self.forgotten = 0
        self.words = {one: lab.switch.capture(ANY_ADVERT, on=one.host.port().name) for one in (self.ours, self.theirs)}

    # --- what is said ---

    def said(self, one=None):
        """All adverts in their order, of both or of one of them."""
        found = [Said(frame.when, who, read_advert(frame)) for who, capture in self.words.items() if one in (None, who)
                 for frame in capture.frames
                 if frame.direction == "in" and frame.when >= self.forgotten and read_advert(frame)]
        return sorted(found, key=lambda one: one.when)

    def claims(self, one=None):
        return [word for word in self.said(one) if word.advert.priority]

    def forget(self):
        """Also what was said before, but has not been read yet."""
        self.forgotten = time.time()
        for capture in self.words.values():
            capture.clear()

    def skew(self, of):
        """How much longer than three intervals it waits."""
        priority = HIGH if of is self.first else LOW
        return (256 - priority) / 256 * (1 if self.version == 2 else self.interval)

    # --- who is master ---

    def wait_settled(self, one, within):
        """It has the addresses, the other has not, and nobody else speaks for two intervals. Both may speak for a moment
        where both were masters, or started together with 20 ms between their timers."""
        deadline = time.monotonic() + within
        other = self.theirs if one is self.ours else self.ours
        while not self.is_settled(one, other, within):
            assert time.monotonic() < deadline, f"both are masters: {self.said()}"

    def is_settled(self, one, other, within):
        wait_until(lambda: one.has(self.vips[-1]) and not other.has(self.vips[-1]), within, f"only {one.name} has the VIPs",
                   every=0.05)
        self.forget()
        wait_until(lambda: len(self.claims(one)) >= 2, 3 * self.interval + SLACK + 1, f"{one.name} advertises", every=0.05)
        return not self.claims(other) and all(one.has(vip) and not other.has(vip) for vip in self.vips)

    def takeover(self, of, after, at_least, at_most):
        """The other's first claim came that long after the last word before it that `after` picks of what the old one said.
        (Who says goodbye may say so once more before it has heard the other. And where all are late, the other may have
        given up waiting before there was anything to wait for.)"""
        wait_until(lambda: self.claims(of), at_most + 3, f"{of.name} takes over", every=0.05)
        claim = self.claims(of)[0]
        before = [word for word in self.said() if word.who is not of and after(word) and word.when < claim.when]
        if not before:
            raise Overtaken(f"{of.name} had taken over already: {self.said()}")
        gap = claim.when - before[-1].when
        assert at_least <= gap <= at_most, f"{of.name} took over after {gap:.3f}s, not {at_least:.3f} to {at_most:.3f}"

    # --- clients ---

    def neighbours(self):
        """{VIP: MAC} as a client knows them."""
        lines = [line.split() for line in self.watcher.run("ip", "neigh", "show", "dev", "eth0").splitlines()]
        return {words[0]: words[words.index("lladdr") + 1] for words in lines if "lladdr" in words}

    def reach(self, one):
        """A client reaches every address, and finds `one` there."""
        for vip in map(bare, self.vips):
            target = f"{vip}%eth0" if vip.startswith("fe80") else vip
            self.watcher.run("ping", "-c1", "-W1", "-n", target)
        self.clients_know(one, "asked for")

    def wins_back(self, one, within):
        """From the lesser one, which was a master until now."""
        self.wait_settled(one, within)
        if one.wins_back_clients:
            self.clients_know(one)

    def heals(self, within):
        """The cable is in again. A master of keepalived or FRR that hears a better one first gives up without a word, and what
        it announced stands: then we have heard nothing that we could answer."""
        heard = self.heard_another()
        self.first.host.join_again()
        self.wait_settled(self.first, within)
        if self.first.wins_back_clients and (self.first is self.theirs or self.heard_another() > heard):
            self.clients_know(self.first)

    def heard_another(self):
        return self.ours.director.log.count(", although this director is MASTER")

    def clients_know(self, one, how="announced"):
        wanted = {bare(vip): one.mac(vip) for vip in self.vips}
        wait_for(lambda: {vip: mac for vip, mac in self.neighbours().items() if vip in wanted}, wanted, 2,
                 f"the MAC of {one.name} where VIPs were {how}", every=0.1)


def tell(meeting):
    """All that may happen to two routers, one change after the other."""
    first, second = meeting.first, meeting.second
    three, skew = 3 * meeting.interval, meeting.skew(second)
    down = three + skew + SLACK

    # both start: the one preferred, and nobody else for long
    second.start()
    first.start()
    meeting.wait_settled(first, 2 * three + 4)
    meeting.reach(first)
    check_peace(meeting)

    # a planned stop: the successor waits its skew time only
    first.stop()
    meeting.takeover(second, lambda word: not word.advert.priority, 0, 2 * skew + SLACK)
    meeting.wait_settled(second, 2)
    meeting.clients_know(second)
    meeting.reach(second)
    if second is meeting.ours:
        assert meeting.ours.director.vrrp()["reason"].endswith("gave up")

    # it comes back, and is preferred again
    first.start()
    meeting.wins_back(first, 2 * three + 4)

    # killed, all of it at once: the down interval
    first.crash()
    meeting.takeover(second, lambda word: word.advert.priority, three, down)
    wait_until(lambda: second.has(meeting.vips[-1]), 2, f"{second.name} has the VIPs")
    meeting.clients_know(second)
    first.start()
    meeting.wins_back(first, 2 * three + 4)

    # cut off: two masters, each alone; healed: one, and clients know it
    first.host.cut_off()
    wait_until(lambda: meeting.claims(second), down + 2, f"{second.name} takes over", every=0.05)
    wait_until(lambda: second.has(meeting.vips[-1]), 2, f"{second.name} has the VIPs")
    meeting.heals(meeting.interval + 2)
    check_peace(meeting)
    return meeting


def check_peace(meeting):
    """Neither dislikes anything that the other said, and both advertise the same addresses."""
    status, log = meeting.ours.director.vrrp(), meeting.ours.director.log
    assert not any(status["dropped"].values()), status["dropped"]
    assert meeting.theirs.dislikes() == [], meeting.theirs.dislikes()
    assert not re.search("advertises (other|every)", log), log
    for word in meeting.claims():
        assert sorted(word.advert.addresses) == sorted(map(bare, meeting.vips)), word
        assert word.advert[-1] == meeting.version and word.advert.interval == meeting.interval, word
    if meeting.second is meeting.ours:
        if status["reason"].startswith("no advert from"):
            raise Overtaken(status["reason"])
        assert status["reason"].endswith(f" advertises {HIGH} > {LOW}"), status["reason"]


class Stories:
    """Tells the stories of the selected tests at the same time, in their order. The peers are ordinary processes: a story
    that fails while an ordinary timer is late is told again from its beginning."""

    def __init__(self, at_once, timer):
        self.pool = concurrent.futures.ThreadPoolExecutor(at_once)
        self.timer = timer
        self.futures = {}
        self.labs = {}
        self.remarks = {}

    def begin(self, key, story):
        self.remarks[key] = []
        self.futures[key] = self.pool.submit(self._tell, key, story)

    def _tell(self, key, story):
        def tell():
            if key in self.labs:
                self.forget(key)
            lab = self.labs[key] = Lab(key)
            return story(lab)

        return told_in_time(tell, self.timer, SLACK, self.remarks[key].append)

    def end(self, key, node):
        """Waits for the end of a story; its network is that of the test until the test is over."""
        concurrent.futures.wait([self.futures[key]])
        node.lab = self.labs[key]
        print(*self.remarks[key], sep="\n")
        return self.futures[key].result()

    def forget(self, key):
        self.labs.pop(key).close()

    def close(self):
        self.pool.shutdown(cancel_futures=True)
        for lab in self.labs.values():
            with contextlib.suppress(Exception):
                lab.close()


# --- sync groups ------------------------------------------------------------------------------------------------------

OUTSIDE, INSIDE = "192.168.8.200", "10.9.0.200"

GROUP = """directors:
  lb1: {{priority: {priority}}}
vrrp:
  - {{name: public, interface: eth0, virtual_router_id: 51, advert_interval: {milliseconds}ms, carrier_settle: 0s,
      virtual_addresses: {outside}/24}}
  - {{name: inside, interface: eth1, virtual_router_id: 52, advert_interval: {milliseconds}ms, carrier_settle: 0s,
      virtual_addresses: {inside}/24}}
sync_groups:
  - {{name: gateway, instances: [public, inside]}}
"""


class GroupMeeting:
    """Two gateways between two segments, with one address in each: both addresses are on one of them, or on the way."""

    def __init__(self, lab, first, interval=0.1):
        lan, dmz = lab.segment("lan", "192.168.8.0/24"), lab.segment("dmz", "10.9.0.0/24")
        high = first == "ours"
        director = lab.director("lb1", (lan, LB1), (dmz, "10.9.0.10"), config=GROUP.format(
                priority=HIGH if high else LOW, milliseconds=round(interval * 1000), outside=OUTSIDE, inside=INSIDE))
        peer = lab.keepalived("peer", (lan, PEER), (dmz, "10.9.0.11"), priority=LOW if high else HIGH, advert=interval,
                              vips=f"{OUTSIDE}/24", group="gateway",
                              others=[{"instance": "inside", "interface": "eth1", "vrid": 52, "vips": f"{INSIDE}/24"}])
        self.ours, self.theirs = Ours(director, False), Theirs(peer)
        self.first, self.second = (self.ours, self.theirs) if high else (self.theirs, self.ours)

    def holders(self):
        """Who has the outer address, who the inner one."""
        return tuple("".join(one.name for one in (self.ours, self.theirs) if one.has(vip)) for vip in (OUTSIDE, INSIDE))

    def wait_holder(self, one, within=4):
        wait_for(self.holders, (one.name, one.name), within, "who has the addresses", every=0.02)


def tell_of_group(lab, first):
    meeting = GroupMeeting(lab, first)
    first, second = meeting.first, meeting.second
    second.start()
    first.start()
    meeting.wait_holder(first, 8)
    for interface in "eth0", "eth1":
        first.host.unplug(interface)
        meeting.wait_holder(second)
        first.host.plug(interface)
        meeting.wait_holder(first)
    first.stop()
    meeting.wait_holder(second)
    first.start()
    meeting.wait_holder(first)
    first.crash()
    for interface in "eth0", "eth1":  # what kill -9 left in the kernel
        first.host.ip(f"addr flush dev {interface}",
                      *(f"addr add {address} dev {interface}" for address in first.host.port(interface).address))
    meeting.wait_holder(second)
    first.start()
    meeting.wait_holder(first)
    # one side alone is silent, and on the other the master lives: nothing is claimed there without the other
    first.host.cut_off("eth1")
    until = time.monotonic() + 1
    while second is meeting.ours and time.monotonic() < until:
        assert not second.has(INSIDE) and not second.has(OUTSIDE)
        time.sleep(0.01)
    first.host.join_again("eth1")
    meeting.wait_holder(first)
    assert not any(any(one["dropped"].values()) for one in meeting.ours.director.status()["vrrp"])
    assert meeting.theirs.dislikes() == [], meeting.theirs.dislikes()
