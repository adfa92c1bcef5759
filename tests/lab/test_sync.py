"""dr-pair-sync from etc/examples: two directors that tell each other of connections, and clients in the middle of a download.

The servers answer clients directly, so only the clients' packets pass a director: the first of them that reaches one that
does not know the connection is answered with a reset.
"""
import re

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.examples import WebCluster, example
from lbhatest.stream import PORT, VIP, Download, Stream

STREAM = f"""
  - {{name: stream, listen: '{VIP}:{PORT}', scheduler: rr, real_servers: [192.168.8.20, 192.168.8.30]}}
"""
LAN = {"network": "192.168.8.0/24", "vip": VIP, "client": "192.168.8.100",
       "servers": {"a": "192.168.8.20", "b": "192.168.8.30"}}
DEFAULTS = "group=224.0.0.81, port=8848, ttl=1"


class Pair:
    def __init__(self, lab):
        self.text = example("dr-pair-sync") + STREAM
        self.cluster = WebCluster(lab, self.text, directors={"lb1": "192.168.8.10", "lb2": "192.168.8.11"}, **LAN)
        self.lb1, self.lb2 = self.cluster.directors
        self.cluster.set_up()
        for server in self.cluster.servers:
            Stream(server.host)

    def start(self):
        """Peace, lb1 leads."""
        for director in self.cluster.directors:
            director.host.plug()
            director.configure(self.text)
            if director.is_running:
                director.reload()
            else:
                director.start()
        wait_until(lambda: {self.lb1.role(), self.lb2.role()} == {"MASTER", "BACKUP"}, 20, "one leads")
        wait_until(lambda: self.lb1.status()["ipvs"]["ready"], 20, "a table that is ready: nobody claims before")
        if self.lb1.role() != "MASTER":
            self.lb1.ctl("claim", "public")
        self.roles("master", "backup")
        return self

    def roles(self, one, two):
        wait_for(lambda: (running(self.lb1), running(self.lb2)), ([one], [two]), 10, "the daemons of lb1 and lb2")

    def download(self, receiver):
        """One that the other director has heard of."""
        download = Download(self.cluster.client)
        download.goes_on()
        wait_until(lambda: download.is_known_to(receiver), 10, f"{receiver} has heard of the connection")
        return download


def daemons(director):
    """{"master": "mcast=eth0, syncid=51, …"}"""
    return dict(re.findall(r"(\w+) sync daemon \((.*)\)", director.host.run("ipvsadm", "-L", "--daemon")))


def running(director):
    return sorted(daemons(director))


def sync_of(director):
    return director.status()["ipvs"]["sync"]


@pytest.fixture(scope="module")
def shared(request):
    with Lab("test_sync") as lab:
        request.module.shared_lab = lab
        yield Pair(lab)


@pytest.fixture
def pair(shared):
    return shared.start()


def test_the_daemons_follow_the_instance(pair):
    """As the file has them, told by status; the second reload finds nothing to do."""
    assert daemons(pair.lb1) == {"master": f"mcast=eth0, syncid=51, maxlen=1472, {DEFAULTS}"}
    assert daemons(pair.lb2) == {"backup": f"mcast=eth0, syncid=51, maxlen=1472, {DEFAULTS}"}
    assert sync_of(pair.lb1) == {"role": "master", "interface": "eth0", "id": 51, "follow": "public", "error": None}
    assert sync_of(pair.lb2)["role"] == "backup"
    assert pair.lb1.ctl("plan") == "" and pair.lb2.ctl("plan") == ""
    done = pair.lb1.status()["ipvs"]["operations"]
    assert pair.lb1.reload()[0] == 0
    assert pair.lb1.status()["ipvs"]["operations"] == done


def test_a_download_outlives_a_planned_stop_and_the_return(pair):
    download = pair.download(pair.lb2)
    assert pair.lb1.stop() == 0
    assert running(pair.lb1) == []
    pair.lb2.wait_role("MASTER")
    download.goes_on()
    pair.lb1.start()
    pair.roles("backup", "master")
    download.goes_on(100)
    wait_until(lambda: download.is_known_to(pair.lb1), 30, "lb1 has heard of the connection")
    pair.lb1.ctl("claim", "public")
    pair.roles("master", "backup")
    download.goes_on()


def test_a_download_outlives_a_crash_of_the_master(pair):
    """All processes and the cable at once. The daemon of the kernel outlives ours; the next lbhad finds it and makes it
    what it should be."""
    download = pair.download(pair.lb2)
    pair.lb1.crash()
    pair.lb1.host.unplug()
    pair.lb2.wait_role("MASTER", within=8)
    download.goes_on()
    assert running(pair.lb1) == ["master"]
    pair.lb1.host.plug()
    pair.lb1.start()
    pair.roles("backup", "master")
    assert pair.lb1.status()["ipvs"]["operations"] == 2
    download.goes_on()


def test_what_somebody_else_stops_or_changes_is_repaired(pair):
    pair.lb1.configure(pair.text.replace("follow: public}", "follow: public}\n    read_back: 1s"))
    assert pair.lb1.reload()[0] == 0
    repairs = pair.lb1.status()["ipvs"]["repairs"]
    pair.lb1.host.run("ipvsadm", "--stop-daemon", "master")
    wait_for(lambda: running(pair.lb1), ["master"], 5)
    wait_for(lambda: pair.lb1.status()["ipvs"]["repairs"], repairs + 1)
    assert "repaired: ipvsadm --start-daemon master --mcast-interface eth0 --syncid 51" in pair.lb1.log


def test_another_id_is_a_stop_and_a_start_and_told_by_plan(pair):
    pair.lb1.configure(pair.text.replace("id: 51, follow", "id: 52, follow"))
    assert pair.lb1.ctl("plan").splitlines() == [
        "ipvsadm --stop-daemon master",
        "ipvsadm --start-daemon master --mcast-interface eth0 --syncid 52 --mcast-group 224.0.0.81 --mcast-port 8848 "
        "--mcast-ttl 1"]
    assert pair.lb1.reload()[0] == 0
    assert daemons(pair.lb1)["master"].startswith("mcast=eth0, syncid=52")


def test_a_reload_that_brings_it_knows_the_role_at_once(pair):
    """No service and no probe of the old file cared for the instance. One operation, on each director the right one."""
    sync = re.search("^global:\n  ipvs:\n    sync: .*\n", pair.text, re.M)[0]
    for director, role in (pair.lb1, "master"), (pair.lb2, "backup"):
        assert director.reload(pair.text.replace(sync, ""))[0] == 0
        wait_for(lambda director=director: running(director), [], 5)
        director.configure(pair.text)
        plan = director.ctl("plan").splitlines()
        assert len(plan) == 1 and plan[0].startswith(f"ipvsadm --start-daemon {role} --mcast-interface eth0"), plan
        before = director.status()["ipvs"]["operations"]
        assert director.reload()[0] == 0
        wait_for(lambda director=director: sync_of(director)["role"], role)
        assert running(director) == [role] and director.status()["ipvs"]["operations"] == before + 1


def test_a_killed_worker_touches_nothing(pair):
    old = pair.lb1.kill_worker("ipvs")
    wait_until(lambda: pair.lb1.worker("ipvs")["pid"] not in (0, old), within=10)
    wait_for(lambda: sync_of(pair.lb1)["role"], "master")
    assert pair.lb1.status()["ipvs"]["operations"] == 0
    assert running(pair.lb1) == ["master"]


def test_a_stop_leaves_none_or_keeps_it(pair):
    pair.lb1.configure(pair.text.replace("follow: public}", "follow: both}"))
    assert pair.lb1.reload()[0] == 0
    wait_for(lambda: running(pair.lb1), ["backup", "master"])
    assert sync_of(pair.lb1)["role"] == "both"
    assert pair.lb1.stop() == 0
    assert running(pair.lb1) == []
    pair.lb1.configure(pair.text.replace("follow: public}", "follow: both}\n    on_stop: keep"))
    pair.lb1.start()
    wait_for(lambda: running(pair.lb1), ["backup", "master"])
    assert pair.lb1.stop() == 0
    assert running(pair.lb1) == ["backup", "master"]


def test_an_interface_that_is_not_there_is_waited_for(pair):
    """And one that is made anew is another, though the kernel shows the old name."""
    text = pair.text.replace("interface: lan, id: 51, follow: public}", "interface: sync0, id: 51, follow: public}\n    read_back: 1s")
    link = ("link add sync0 type dummy", "link set sync0 up", "addr add 10.9.9.1/24 dev sync0")
    pair.lb1.configure(text)
    assert pair.lb1.reload()[0] == 0
    wait_for(lambda: sync_of(pair.lb1)["error"], "interface sync0 does not exist")
    assert "connections are not synchronised: interface sync0 does not exist" in pair.lb1.ctl("status")
    pair.lb1.host.ip(*link)
    wait_until(lambda: daemons(pair.lb1).get("master", "").startswith("mcast=sync0"), 12)
    wait_for(lambda: sync_of(pair.lb1)["error"], None)
    pair.lb1.host.ip("link del sync0")
    wait_for(lambda: sync_of(pair.lb1)["error"], "interface sync0 does not exist", 6)
    before = pair.lb1.status()["ipvs"]["operations"]
    pair.lb1.host.ip(*link)
    wait_for(lambda: sync_of(pair.lb1)["error"], None, 12)
    assert pair.lb1.status()["ipvs"]["operations"] > before
    assert daemons(pair.lb1)["master"].startswith("mcast=sync0")
