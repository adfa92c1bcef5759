"""The flows of an operator's day on a director, one of whose system calls fails (lbhatest.syscalls).

    faulty = Faulty(lab)
    faulty.reload("vrrp", 17)        # the 17th call of the vrrp worker's; what must hold then is asserted
"""
import json
import signal
import socket
import threading

from lbhatest import wait_for, wait_until
from lbhatest.syscalls import Injected

from hostile import GROUP, HOSTILE, v3

# A worker may hang until its heartbeat is missed (10 s), and be killed and started then.
PATIENCE = 30
FOREVER = (1 << 32) - 1
LOADER = 127  # the status of a program whose dynamic loader failed; it has no words when its first call did

CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
checks:
  here: {type: tcp, address: 127.0.0.1, port: %(port)s, interval: 100ms, timeout: 100ms}
  %(check)s: {type: tcp, address: 127.0.0.1, port: 81, interval: 1s}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: [%(vips)s]
    track: [{check: here, weight: -10}]
  - name: %(second)s
    interface: eth0
    virtual_router_id: %(router)s
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: %(vip)s
"""

VIPS = [{"192.168.8.200", "192.168.8.210"}, {"192.168.8.200", "192.168.8.201", "192.168.8.211"}]
TEXTS = [CONFIG % dict(port=80, check="old", vips="192.168.8.200/24", second="left", router=52, vip="192.168.8.210/24"),
         CONFIG % dict(port=81, check="new", vips="192.168.8.200/24, 192.168.8.201/24", second="right", router=53,
                       vip="192.168.8.211/24")]


class Better:
    """A router that is preferred to ours, while it speaks."""

    def __init__(self, host):
        self.speaks = threading.Event()
        self.ends = threading.Event()
        self.packets = [v3(router=51, priority=200), v3(router=52, priority=200, addresses=("192.168.8.210",)),
                        v3(router=53, priority=200, addresses=("192.168.8.211",))]
        with host.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HOSTILE))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ends.is_set():
            if self.speaks.wait(0.1):
                for packet in self.packets:
                    self.socket.sendto(packet, (GROUP, 0))
                self.ends.wait(0.05)

    def close(self):
        self.ends.set()
        self.thread.join()
        self.socket.close()


class Faulty(Injected):
    """lb1 and what makes its calls fail."""

    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=TEXTS[0])
        self.better = Better(lab.host("better", (lan, HOSTILE)))
        super().__init__(self.lb1)
        self.version = 0  # of the file in force, if nothing was lost

    def close(self):
        self.better.close()

    # --- what must hold ---

    def held(self):
        return {one.split("/")[0] for one in self.lb1.addresses() if one.startswith("192.168.8.2")}

    def nothing_is_left(self):
        """Of a daemon that has ended."""
        assert self.lb1.worker_pids() == {}
        assert self.held() == set()

    def lifetimes(self):
        """How long the kernel keeps the addresses."""
        return {address["valid_life_time"] for link in json.loads(self.lb1.host.run("ip", "-json", "address", "show"))
                for address in link["addr_info"] if address.get("local", "").startswith("192.168.8.2")}

    def all_run(self):
        """Every worker, one of each."""
        wait_for(lambda: {worker["name"]: worker["state"] for worker in self.lb1.status()["workers"]},
                 lambda states: set(states.values()) == {"running"}, PATIENCE, "all workers run")
        pids = self.lb1.worker_pids()
        pids.pop("compiler", None)
        assert {name: len(found) for name, found in pids.items()} == dict(control=1, check=1, ipvs=1, vrrp=1)

    def answers(self):
        wait_for(lambda: self.lb1.ctl_status("ping")[0], 0, PATIENCE, "lbhactl ping")

    def is_well(self):
        """It answers, takes another file, has the addresses of that, and knows itself to be MASTER of them."""
        self.answers()
        self.all_run()
        self.version = 1 - self.version
        code, said = self.lb1.reload(TEXTS[self.version])
        assert code == 0, f"a reload after the failure: {said}"
        wait_for(self.held, VIPS[self.version], 10, "the addresses of the last file")
        wait_for(lambda: {one["state"] for one in self.lb1.status()["vrrp"]}, {"MASTER"}, 10, "MASTER of both")

    def ends_well(self):
        self.lb1.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not self.lb1.is_running, PATIENCE, "the end after SIGTERM")
        self.nothing_is_left()

    def is_fresh(self):
        """A daemon whose workers have not died."""
        if not self.lb1.is_running or any(worker["restarts"] for worker in self.lb1.status()["workers"]):
            self.begin_anew()

    def begin_anew(self):
        self.better.speaks.clear()
        if self.lb1.is_running:
            self.lb1.crash()
        self.lb1.host.run("rm", "-rf", self.lb1.run_dir, self.lb1.state_dir)
        self.lb1.host.ip("addr flush dev eth0", "addr add 192.168.8.10/24 dev eth0")
        self.forget_orders()
        self.version = 0
        self.lb1.configure(TEXTS[0])
        self.lb1.start(within=PATIENCE)
        wait_for(self.held, VIPS[0], 10, "the addresses of the first file")

    # --- the flows ---

    def start(self, *order, **more):
        """It runs well, or it ends with a reason and leaves nothing."""
        if self.lb1.is_running:
            self.ends_well()
        self.version = 0
        self.lb1.configure(TEXTS[0])
        self.write_order(*order, **more)
        said = len(self.lb1.log)
        self.lb1.launch()
        return self._judge_start(said)

    def reload(self, *order, **more):
        """All of the new file or all of the old one, and the next reload works."""
        self.is_fresh()
        self.arm(*order, **more)
        before, self.version = self.version, 1 - self.version
        code, said = self.lb1.reload(TEXTS[self.version])
        if code:
            assert said.strip(), "a refusal says why"
            self.answers()
            wait_for(self.held, lambda held: held in VIPS, 10, "the addresses of one of the files")
        else:
            wait_for(self.held, VIPS[self.version], PATIENCE, "the addresses of the new file")
        counted = self.disarm()
        if code and self.held() == VIPS[before]:
            self.version = before
        self.is_well()
        return counted

    def takeover(self, *order, **more):
        """The other master falls silent; the addresses come."""
        self.is_fresh()
        self.better.speaks.set()
        wait_for(self.held, set(), 10, "the better router has everything")
        self.arm(*order, **more)
        self.better.speaks.clear()
        wait_for(self.held, VIPS[self.version], PATIENCE, "the addresses come")
        counted = self.disarm()
        self.is_well()
        return counted

    def _judge_start(self, said):
        """It runs well, or it ends with a reason and, when what an earlier one left has passed, with nothing."""
        wait_until(lambda: "READY=1" in self.lb1.notifications() or not self.lb1.is_running, 2 * PATIENCE, "READY or the end")
        if self.lb1.is_running:
            wait_for(self.held, VIPS[self.version], 10, "the addresses of the file")
            counted = self.disarm()
            self.is_well()
            assert self.lifetimes() == {FOREVER}, "what was left is ours for good"
            return counted
        assert self.lb1.process.returncode not in (0, 99), "a failed start says so"
        if self.lb1.process.returncode != LOADER and self.failed().number != "1":
            assert self.lb1.log[said:].strip(), "a failed start says why"
        wait_for(self.held, set(), PATIENCE, "the kernel removes what was left")
        self.nothing_is_left()
        return 0

    def stop(self, *order, **more):
        """It ends in time, and nothing is left."""
        self.is_fresh()
        self.arm(*order, **more)
        self.ends_well()
        counted = self.report("counted")
        return int(counted[-1][1]) if counted else 0

    def _leaves(self):
        self.lb1.process.send_signal(signal.SIGQUIT)
        wait_until(lambda: not self.lb1.is_running, PATIENCE, "the end after SIGQUIT")
        assert self.lb1.worker_pids() == {}

    def leave(self, *order, **more):
        """QUIT: whatever came of it, the next daemon has the addresses for good."""
        self.is_fresh()
        self.arm(*order, **more)
        self._leaves()
        counted = self.report("counted")
        self.forget_orders()
        said = len(self.lb1.log)
        self.lb1.launch()
        self._judge_start(said)
        assert self.lb1.is_running
        return int(counted[-1][1]) if counted else 0

    def adopt(self, *order, **more):
        """The start after a QUIT: well, or with a reason, and nothing stays for ever."""
        if not self.lb1.is_running:
            self.begin_anew()
        self._leaves()
        self.write_order(*order, **more)
        said = len(self.lb1.log)
        self.lb1.launch()
        return self._judge_start(said)

    def upgrade(self, *order, **more):
        """The installed build takes over, or the old one goes on and says why not. Only when the new one does not even get
        its libraries there is no supervisor any more, and its workers release."""
        self.is_fresh()
        self.arm(*order, **more)
        before = len(self.lb1.log)
        code, said = self.lb1.ctl_status("upgrade")
        assert code == 0 or said.strip(), "a failed upgrade says why"
        if "error while loading shared libraries" in self.lb1.log[before:] and order[0] == "supervisor":
            wait_until(lambda: not self.lb1.is_running, PATIENCE, "the end of those who are left")
            self.nothing_is_left()
            return 0
        self.answers()
        counted = self.disarm()
        wait_for(self.held, VIPS[self.version], PATIENCE, "the addresses are there")
        self.is_well()
        return counted
