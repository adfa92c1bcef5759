"""What was imported means the same: a pair of keepalived, the pair of lbhad that `lbhactl import keepalived` makes of its
files, and both mixed pairs go through the same faults, and after each one the same director has the same addresses."""
import os
import subprocess
import tempfile

import pytest

from lbhatest import wait_for
from lbhatest.director import Director, program
from lbhatest.vrrp import adverts, longest_silence, masters

LB = {"lb1": ("192.168.8.10", "10.0.0.10"), "lb2": ("192.168.8.11", "10.0.0.11")}
DEPLOYMENTS = ["keepalived-keepalived", "lbhad-lbhad", "keepalived-lbhad", "lbhad-keepalived"]

GLOBAL = """global_defs {
    script_user root
    enable_script_security
    vrrp_version 3
}
$ADVERT=0.2
"""
ADVERT = 0.2

PLAIN = GLOBAL + """
vrrp_instance public {
    @lb1 state MASTER
    @lb2 state BACKUP
    interface eth0
    virtual_router_id 51
    @lb1 priority 150
    @lb2 priority 100
    advert_int $ADVERT
    virtual_ipaddress {
        192.168.8.200/24
        192.168.8.201/32 dev eth0
    }
    virtual_ipaddress_excluded {
        10.0.0.77/32 dev eth1
    }
    notify FOLDER/told
}
"""

NO_PREEMPTION = GLOBAL + """
vrrp_instance public {
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    @lb1 priority 150
    @lb2 priority 100
    advert_int $ADVERT
    unicast_src_ip OWN
    unicast_peer {
        @lb1 192.168.8.11
        @lb2 192.168.8.10
    }
    virtual_ipaddress {
        192.168.8.200/24
    }
}
"""

TRACKED = GLOBAL + """
vrrp_script ready {
    script "/usr/sbin/ip link show dev ready"
    interval 1
    weight 20
}
vrrp_instance public {
    interface eth0
    virtual_router_id 51
    @lb1 priority 110
    @lb2 priority 100
    advert_int $ADVERT
    track_script {
        ready
    }
    track_interface {
        eth1 weight -15
    }
    virtual_ipaddress {
        192.168.8.200/24
    }
}
"""

GROUPED = GLOBAL + """
vrrp_sync_group gateway {
    group {
        outside
        inside
    }
}
$INSTANCE= \\
vrrp_instance ${NAME} { \\
    interface ${DEV} \\
    virtual_router_id ${ID} \\
    @lb1 priority 150 \\
    @lb2 priority 100 \\
    advert_int $ADVERT \\
    virtual_ipaddress { \\
        ${VIP}/24 \\
    } \\
}

$NAME=outside
$DEV=eth0
$ID=51
$VIP=192.168.8.200
$INSTANCE
$NAME=inside
$DEV=eth1
$ID=52
$VIP=10.0.0.200
$INSTANCE
"""

ALL = {"192.168.8.200", "192.168.8.201", "10.0.0.77"}
ONE = {"192.168.8.200"}
BOTH = {"192.168.8.200", "10.0.0.200"}

# What is done, and who has the addresses then.
STORIES = {
    "plain": (PLAIN, ALL, [("start lb1", "lb1"), ("start lb2", "lb1"), ("stop lb1", "lb2"), ("start lb1", "lb1"),
                           ("unplug lb1 eth0", "lb2"), ("plug lb1 eth0", "lb1"), ("crash lb1", "lb2")]),
    "no preemption": (NO_PREEMPTION, ONE, [("start lb1", "lb1"), ("start lb2", "lb1"), ("stop lb1", "lb2"), ("start lb1", "lb2"),
                                           ("unplug lb2 eth0", "lb1")]),
    "tracked": (TRACKED, ONE, [("ready lb1", None), ("start lb1", "lb1"), ("start lb2", "lb1"), ("unplug lb1 eth1", "lb1"),
                               ("ready lb2", "lb2"), ("unready lb2", "lb1"), ("unready lb1", "lb2")]),
    "grouped": (GROUPED, BOTH, [("start lb1", "lb1"), ("start lb2", "lb1"), ("unplug lb1 eth1", "lb2"), ("plug lb1 eth1", "lb1"),
                                ("stop lb1", "lb2")]),
}


class Keepalived:
    def __init__(self, host, config):
        self.host, self.config, self.process = host, config, None

    def start(self):
        with open(self.host.log_file("keepalived.log"), "ab") as log:
            self.process = self.host.start("keepalived", "-P", "-n", "-l", "-D", "-i", self.host.name, "-f", self.config,
                                           "-p", self.host.log_file("keepalived.pid"), "-r", self.host.log_file("vrrp.pid"),
                                           stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Story:
    """lb1 and lb2 on two segments, each of them keepalived or lbhad, from the same keepalived.conf."""

    def __init__(self, lab, text, programs, folder):
        lan, dmz = lab.segment("lan", "192.168.8.0/24"), lab.segment("dmz", "10.0.0.0/24")
        self.folder, self.routers, files = folder, {}, []
        for node, (outside, inside) in LB.items():
            files.append(os.path.join(folder, f"{node}.conf"))
            with open(files[-1], "w", encoding="utf-8") as file:
                file.write(text.replace("FOLDER", folder).replace("OWN", outside))
        imported = self.config = self.imported(files)
        self.lan = lan
        for (node, (outside, inside)), path, name in zip(LB.items(), files, programs.split("-")):
            places = (lan, outside), (dmz, inside)
            if name == "lbhad":
                self.routers[node] = lab.director(node, *places, config=imported)
            else:
                self.routers[node] = Keepalived(lab.host(node, *places), path)

    @staticmethod
    def imported(files):
        done = subprocess.run([program("lbhactl"), "import", "keepalived", *(f"{node}={path}" for node, path in zip(LB, files))],
                              capture_output=True, text=True, check=True)
        assert ": warning:" not in done.stderr, done.stderr
        return done.stdout

    def do(self, what, node, more=None):
        router = self.routers[node]
        if what in ("start", "stop"):
            getattr(router, what)()
        elif what == "crash":
            router.host.kill_everything()
        elif what in ("plug", "unplug"):
            router.host.ip(f"link set {more} {'up' if what == 'plug' else 'down'}")
        elif what == "ready":
            router.host.ip("link add ready type bridge")
        else:
            router.host.ip("link del ready")

    def holders(self, vips):
        return {node: {one.split("/")[0] for one in router.host.addresses()} & vips for node, router in self.routers.items()}

    def told(self, node):
        path = os.path.join(self.folder, f"told-{node}")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return file.read().split("\n")[-2]


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="lbha-import-") as path:
        os.chmod(path, 0o755)
        with open(os.path.join(path, "told"), "w", encoding="utf-8") as file:
            # a host's own name is not in its namespaces: the address tells which one it is
            file.write(f'#!/bin/sh\nif ip -o addr show | grep -q " {LB["lb1"][0]}/"; then n=lb1; else n=lb2; fi\n'
                       f'echo "$*" >> {path}/told-$n\n')
        os.chmod(os.path.join(path, "told"), 0o755)
        yield path


@pytest.mark.parametrize("name, programs", [(name, programs) for name in STORIES for programs in DEPLOYMENTS
                                            if name in ("plain", "grouped") or programs in DEPLOYMENTS[:2]])
def test_whoever_runs_it_the_same_director_has_the_addresses(lab, folder, name, programs):
    text, vips, steps = STORIES[name]
    story = Story(lab, text, programs, folder)
    gone = set()
    for step, holder in steps:
        what, node, *more = step.split()
        story.do(what, node, *more)
        # what a program that was killed left behind goes with its machine
        gone = gone | {node} if what == "crash" else gone
        if not holder:
            continue
        wanted = {one: vips if one == holder else set() for one in LB if one not in gone}
        wait_for(lambda wanted=wanted: {one: held for one, held in story.holders(vips).items() if one in wanted}, wanted, 12,
                 f"{programs}, {step}: addresses at {holder}")
    if name == "plain":
        wait_for(lambda: story.told("lb2"), "INSTANCE public MASTER 100", 5, what="lb2's notify script knows that it is MASTER")


def is_known_to_keepalived(director):
    """What is in force, exported, is a file that keepalived takes and that has the same router in it."""
    path = director.host.log_file("exported.conf")
    with open(path, "w", encoding="utf-8") as file:
        done = subprocess.run(director.ctl_command("export", "keepalived"), stdout=file, stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr.startswith("warning: notify: "), done.stderr
    code, said = director.host.status_of("keepalived", "-t", "-f", path)
    assert code in (0, 4), said
    with open(path, encoding="utf-8") as file:
        words = file.read().split()
    for keyword, value in ("virtual_router_id", "51"), ("priority", "100"), ("advert_int", "0.2"), ("version", "3"):
        assert words[words.index(keyword) + 1] == value
    assert {"192.168.8.200/24", "192.168.8.201/32", "10.0.0.77/32"} <= set(words)


def test_a_live_pair_moves_one_director_after_the_other(lab, folder):
    """As doc/guide/migration.md says: the BACKUP first, where nothing moves; then the MASTER, by keepalived's own farewell;
    and from lbhad to lbhad without a gap."""
    story = Story(lab, PLAIN, "keepalived-keepalived", folder)
    watcher = lab.host("watcher", (story.lan, "192.168.8.99"))
    first, second = story.routers["lb1"], story.routers["lb2"]
    first.start()
    wait_for(lambda: story.holders(ALL)["lb1"], ALL, 12, what="lb1 is MASTER")
    second.start()
    capture = watcher.capture("ip proto 112")
    wait_for(lambda: len(adverts(capture)) > 5, True, what="adverts")
    second.stop()
    director = Director(second.host, story.config)
    director.start()
    wait_for(lambda: director.vrrp()["master_address"], LB["lb1"][0], 12, what="lbhad on lb2 hears keepalived on lb1")
    assert masters(adverts(capture)) == [LB["lb1"][0]]
    is_known_to_keepalived(director)
    # carrier_settle: it claims nothing in its first two seconds
    wait_for(lambda: director.vrrp()["received"] > 2 / ADVERT + 1, True, 12, what="lb2 has listened")
    first.stop()
    wait_for(lambda: story.holders(ALL), {"lb1": set(), "lb2": ALL}, 12, what="lb2 has the addresses")
    other = Director(first.host, story.config)
    other.start()
    wait_for(lambda: story.holders(ALL), {"lb1": ALL, "lb2": set()}, 20, what="lb1 has them back")
    assert masters(adverts(capture)) == [LB["lb1"][0], LB["lb2"][0], LB["lb1"][0]]
    # keepalived's farewell, a skew, and then nobody waits longer than a BACKUP would
    assert longest_silence(adverts(capture)) < 3 * ADVERT + 0.5
