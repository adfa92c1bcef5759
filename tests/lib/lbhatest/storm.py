"""A pair of directors under whatever may befall one of them, and what clients and the kernel show of it.

Every step has a promise. The bounds of time, before they are stretched where the lab is emulated:

- SYN: a SYN that meets nobody is sent again after 1 s, so the shortest gap that a client can notice is longer than that.
- DETECTION: a backup waits 3 adverts and its skew, 3.6 s for priority 100 at 1 s; whoever is without an answer then has sent
  his SYN again after 1, 3 and 7 s.
- REPAIR: the table is read every second (read_back), and a repaired one has its clients back with their next SYN.
- LASTING: two masters hear one another with the next advert and one gives up at once; a predecessor that is released holds
  the address until it has heard its successor.
"""
import contextlib
import random
import socket
import threading
import time

from .stream import VIP, Download, Stream
from .waiting import patience, wait_for, wait_until

SYN, DETECTION, REPAIR, LASTING = 3.0, 8.0, 5.0, 3.0
UP_IN = 2.0         # a restart that takes longer than this may be one too late: others wait for three adverts
# What somebody undoes again and again is put right ever more slowly: 10 s, 20 s …, until it has held for a while.
HELD = 30.0
WORKERS = ["control", "check", "ipvs", "vrrp"]

CONFIG = """cluster: storm
directors:
  lb1: {{address: 192.168.8.10, priority: 150, interfaces: {{lan: eth0}}}}
  lb2: {{address: 192.168.8.11, priority: 100, interfaces: {{lan: eth0}}}}
global:
  ipvs: {{read_back: 1s, sysctls: {{expire_nodest_conn: 0}}, sync: {{interface: lan, id: 51, follow: public}}}}
vrrp:
  - {{name: {instance}, interface: lan, virtual_router_id: 51, advert_interval: 1s, preempt: false, carrier_settle: 1s,
     virtual_addresses: [192.168.8.200/24{more_vips}]}}
checks:
  {check}: {{type: http, path: /, interval: 1s, timeout: 3s, rise: 1, fall: 2}}
services:
  - {{name: {web}, listen: "192.168.8.200:80", scheduler: {scheduler}, check: {check}, real_servers: [
       {{address: 192.168.8.20, weight: {weight}}}, 192.168.8.30]}}
  - {{name: stream, listen: "192.168.8.200:81", scheduler: rr, real_servers: [192.168.8.20, 192.168.8.30]}}
  - {{name: many, listen: ["192.168.8.200:8080", "192.168.8.200:8443"], group: true, scheduler: wlc, real_servers: [192.168.8.20]}}
{more_services}"""
PLAIN = {"instance": "public", "check": "health", "web": "web", "weight": 1, "scheduler": "rr", "more_vips": "", "more_services": ""}
CHANGES = [{"web": "shop"}, {"check": "alive"}, {"weight": 3}, {"scheduler": "wlc"}, {"more_vips": ", 192.168.8.201/32"},
           {"more_services": '  - {name: more, listen: "192.168.8.200:90", real_servers: [192.168.8.20]}'}]


def config(**changes):
    return CONFIG.format(**{**PLAIN, **changes})


class Promise:
    """What a step may cost: the longest time without an answer, and which fetches may fail: "none"; "cut", at most so many for
    each move of the address (whoever was in the middle of it meets a kernel that does not know his connection); "moment", those
    of a few milliseconds; "some"."""

    def __init__(self, gap=SYN, failures="none", moves=0, download=True):
        self.gap, self.failures, self.moves, self.download = gap, failures, moves, download

    CUT_PER_MOVE = 3
    IN_A_MOMENT = 2 * 2  # there and back; clients fetch every 100 ms, and the guest is slow

    def breaches(self, fetching, moved):
        found = []
        if fetching.longest_gap_ms > 1000 * self.gap * patience():
            found.append(f"no answer for {fetching.longest_gap_ms:.0f} ms, at most {1000 * self.gap * patience():.0f} are promised")
        if self.failures == "none" and fetching.failed:
            found.append("fetches failed, none is promised to")
        if self.failures == "moment" and fetching.failed > self.IN_A_MOMENT:
            found.append("more failed than those of a moment")
        if self.failures == "cut" and (fetching.failed > fetching.cut or fetching.cut > self.moves * self.CUT_PER_MOVE):
            found.append("more failed than those in the middle of it")
        if moved and not self.moves:
            found.append("another director is MASTER, which is not promised")
        return found


NOTHING = Promise()


class Holders:
    """Watches who has the address (a socket can be bound to it there): the longest time that both had it, but for the times at
    which one of them was not able to do anything about it."""

    def __init__(self, hosts):
        self.hosts, self.longest, self.excused = hosts, 0.0, False
        self.since = None
        self.stopping = threading.Event()
        self.problem = None
        self.thread = threading.Thread(target=self._run, name="holders", daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    @staticmethod
    def holds(host):
        with host.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((VIP, 0))
                return True
            except OSError:
                return False

    def _run(self):
        while not self.stopping.wait(0.05):
            both = all(self.holds(host) for host in self.hosts) and not self.excused
            now = time.monotonic()
            if not both:
                self.since = None
            elif self.since is None:
                self.since = now
            else:
                self.longest = max(self.longest, now - self.since)

    @contextlib.contextmanager
    def excuse(self):
        """One director cannot act: it is dead, stopped, or hears nothing."""
        self.excused = True
        try:
            yield
        finally:
            self.since, self.excused = None, False


class Storm:
    """The network, its steps, and what is so at peace."""

    def __init__(self, lab, seed):
        self.seed = seed
        lan = lab.segment("lan", "192.168.8.0/24")
        self.servers = [lab.real_server(name, lan, address, vip=VIP) for name, address in (("a", "192.168.8.20"), ("b", "192.168.8.30"))]
        for server in self.servers:
            Stream(server.host)
        self.client = lab.client("client", lan, "192.168.8.100")
        self.pair = [lab.director(name, (lan, address), config=config()) for name, address in (("lb1", "192.168.8.10"), ("lb2", "192.168.8.11"))]
        self.harmed = {}
        self.dice, self.download, self.fetching, self.holders = None, None, None, None
        self.steps = {name[5:]: getattr(self, name) for name in sorted(dir(self)) if name.startswith("step_")}

    # --- peace ---

    def wanted(self):
        return {f"tcp {VIP}:80": ("rr", {"192.168.8.20:80": 1, "192.168.8.30:80": 1}),
                f"tcp {VIP}:81": ("rr", {"192.168.8.20:81": 1, "192.168.8.30:81": 1})}

    def wrong_with(self, director):
        """In words; None: nothing."""
        if not director.is_running:
            return "it does not run"
        table = director.ipvs()
        found = {name: (service.scheduler, service.weights) for name, service in table.items() if name.startswith("tcp ")}
        marked = [service.weights for name, service in table.items() if name.startswith("fwmark ")]
        if found != self.wanted() or marked != [{"192.168.8.20:0": 1}]:
            return f"table {found} {marked}"
        if "8443" not in (director.rules() or ""):
            return f"rules {director.rules()}"
        if director.host.sysctl("net.ipv4.vs.expire_nodest_conn") != "0":
            return "expire_nodest_conn"
        return None

    def roles(self):
        return [director.role() for director in self.pair]

    def unrest(self):
        """What is not as it should be; None: peace."""
        roles = self.roles()
        if sorted(roles) != ["BACKUP", "MASTER"]:
            return f"roles {roles}"
        for director, role in zip(self.pair, roles):
            if self.holders.holds(director.host) != (role == "MASTER"):
                return f"{director} is {role} and {'has' if role != 'MASTER' else 'has not'} the address"
            wrong = self.wrong_with(director)
            if wrong:
                return f"{director}: {wrong}"
        return None

    def peace(self, within=REPAIR + DETECTION):
        wait_for(self.unrest, None, within, "peace", every=0.2)

    def master(self):
        return next(director for director in self.pair if director.role() == "MASTER")

    def other(self, director):
        return self.pair[director is self.pair[0]]

    @contextlib.contextmanager
    def running(self):
        """All is at peace, and a client fetches and downloads, until the block ends."""
        for director in self.pair:
            director.launch()
        with Holders([director.host for director in self.pair]) as self.holders:
            wait_until(lambda: sorted(self.roles()) == ["BACKUP", "MASTER"], 15, "one of two leads")
            self.peace(15)
            with self.client.fetching(VIP) as self.fetching:
                yield self
            self.download.close()

    # --- steps: each is told its director and whether that is MASTER; returns what it promises ---

    def step_reload(self, director, is_master):
        """Something changes, and changes back."""
        changes = {}
        for change in self.dice.sample(CHANGES, self.dice.randint(1, 3)):
            changes.update(change)
        for text in config(**changes), config():
            code, said = director.reload(text)
            assert code == 0, said
        # ip_vs_edit_service has no scheduler for new connections until an RCU grace period has passed
        return Promise(failures="moment") if "scheduler" in changes and is_master else NOTHING

    def step_restart(self, director, is_master):
        began = time.monotonic()
        assert director.detach() == 0
        director.start()
        late = time.monotonic() - began > UP_IN
        return Promise(DETECTION, "cut", moves=2) if late and is_master else NOTHING

    def step_upgrade(self, director, is_master):
        pid = director.process.pid
        director.ctl("upgrade")
        assert director.is_running and director.process.pid == pid
        return NOTHING

    def step_kill_worker(self, director, is_master):
        name = self.dice.choice(WORKERS)
        began = time.monotonic()
        old = director.kill_worker(name)
        wait_until(lambda: director.worker(name)["pid"] not in (0, old), 10, f"a new {name} worker")
        late = name == "vrrp" and time.monotonic() - began > UP_IN  # it goes on if its last advert is younger than two intervals
        return Promise(DETECTION, "cut", moves=2) if late and is_master else NOTHING

    def step_crash(self, director, is_master):
        """kill -9 of the daemon and its workers; the next one finds what they left. The kernel goes on balancing meanwhile."""
        with self.holders.excuse():
            director.crash()
            time.sleep(self.dice.choice([0, 1, 5]))
            director.start()
            wait_for(lambda: sum(map(self.holders.holds, self.holders.hosts)), 1, LASTING, "one has the address")
        return Promise(DETECTION, "cut", moves=2) if is_master else NOTHING

    def step_stop(self, director, is_master):
        """A planned stop, and a start: the other one leads then."""
        assert director.stop() == 0
        if is_master:
            self.other(director).wait_role("MASTER")
        time.sleep(self.dice.choice([0, 2]))
        director.start()
        return Promise(SYN, "cut", moves=1) if is_master else NOTHING

    def step_pause(self, director, is_master):
        """SIGSTOP of all its processes, and SIGCONT."""
        seconds = self.dice.choice([0.3, 1, 6])
        with self.holders.excuse():
            director.host.pause()
            time.sleep(seconds)
            director.host.resume()
            wait_for(lambda: sum(map(self.holders.holds, self.holders.hosts)), 1, LASTING, "one has the address")
        return Promise(DETECTION, "cut", moves=2) if is_master else NOTHING

    def step_link(self, director, is_master):
        """The cable is pulled for a while."""
        director.host.unplug()
        time.sleep(self.dice.choice([0, 0.5, 6]))
        director.host.plug()
        return Promise(DETECTION, "cut", moves=2) if is_master else NOTHING

    def is_fresh(self, name, director):
        """Whether nobody has done that to it lately; from now on somebody has."""
        last, now = self.harmed.get((name, director), -HELD), time.monotonic()
        if now - last < HELD:
            return False
        self.harmed[name, director] = now
        return True

    def step_flush(self, director, is_master):
        """ipvsadm -C: what is connected then is lost, and who comes is refused until the table was read."""
        if not self.is_fresh("flush", director):
            return NOTHING
        director.host.run("ipvsadm", "-C")
        return Promise(REPAIR, "some", download=False) if is_master else NOTHING

    def step_address(self, director, is_master):
        if is_master and self.is_fresh("address", director):
            director.host.ip(f"addr del {VIP}/24 dev eth0")
            wait_until(lambda: self.holders.holds(director.host), REPAIR, "the address is back")
        return NOTHING

    def step_rules(self, director, is_master):
        if self.is_fresh("rules", director):
            director.host.run("nft", "flush", "ruleset")
        return NOTHING

    def step_sysctl(self, director, is_master):
        if self.is_fresh("sysctl", director):
            director.host.sysctl("net.ipv4.vs.expire_nodest_conn", 1)
        return NOTHING

    def step_server(self, director, is_master):
        """A real server's web server stops: it is refused until two checks have failed."""
        server = self.dice.choice(self.servers)
        server.web.stop()
        for each in self.pair:
            wait_for(lambda each=each: each.ipvs()[f"tcp {VIP}:80"].weights[f"{server.host.address()}:80"], 0, REPAIR, "it has no weight")
        server.web.start()
        return Promise(SYN, "some")

    # --- a step and what came of it ---

    def prepare(self):
        """A download that both kernels know."""
        if self.download is None:
            self.download = Download(self.client)
        self.download.catches_up()
        for director in self.pair:
            wait_until(lambda director=director: self.download.is_known_to(director), 15, f"{director} knows of the connection")

    def take(self, number, names=None):
        """One step at random; fails with all that it promised and did not keep."""
        self.dice = random.Random(f"{self.seed}/{number}")
        name, which = self.dice.choice(sorted(names or self.steps)), self.dice.randrange(2)
        self.prepare()
        director, before = self.pair[which], self.master()
        self.fetching.forget()
        self.holders.longest = 0.0
        began = time.monotonic()
        about = f"step {number}: {name} on {director.host.name} ({'MASTER' if director is before else 'BACKUP'})"
        print(about, end="", flush=True)
        promise = self.steps[name](director, director is before)
        self.peace()
        good = self.fetching.ok
        wait_until(lambda: self.fetching.ok > good + 5, 5, "answers")
        breaches = promise.breaches(self.fetching, self.master() is not before)
        if self.holders.longest > LASTING * patience():
            breaches.append(f"both had the address for {self.holders.longest:.1f} s")
        breaches += self.download_breaches(promise)
        print(f": {time.monotonic() - began:.1f} s, longest gap {self.fetching.longest_gap_ms:.0f} ms, {self.fetching.failed} failed,"
              f" both had the address for {1000 * self.holders.longest:.0f} ms, {self.master().host.name} leads", flush=True)
        assert not breaches, f"{about}, seed {self.seed}: {'; '.join(breaches)}: {self.fetching}"

    def download_breaches(self, promise):
        try:
            self.download.catches_up()
        except (OSError, AssertionError, ValueError) as problem:
            self.download.close()
            self.download = None
            return [f"the download was cut: {problem!r}"] if promise.download else []
        return []
