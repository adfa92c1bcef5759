"""A preferred director that comes back leaves the address where it is until it can serve.

No request fails for want of a table. A connection that is open at the very moment at which the address moves is cut, as
everywhere in this version (see test_dr_pair.py).
"""
from lbhatest import wait_for, wait_until
from lbhatest.examples import WebCluster, example
from lbhatest.vrrp import adverts

NOWHERE = "02:00:00:00:00:99"
UNREADY = "192.168.8.11 advertises 100 < 150, not preempting before table and tracked checks are ready"


def test_a_preferred_director_that_reboots_does_not_preempt_before_its_table_is_ready(lab):
    text = example("dr-pair", **{"interval: 1s, timeout: 1s, rise: 2, fall: 3": "interval: 30s, timeout: 25s, fall: 1"})
    cluster = WebCluster(lab, text, "192.168.8.0/24", "192.168.8.200", {"lb1": "192.168.8.10", "lb2": "192.168.8.11"},
                         {"a": "192.168.8.20", "b": "192.168.8.30"}, "192.168.8.100").start()
    lb1, lb2 = cluster.directors
    lb1.host.power_off()
    lb2.wait_role("MASTER")
    lb1.host.power_on()
    # its probe of one server gets no answer: no verdict, no table
    lb1.host.ip(f"neigh replace {cluster.servers[0].host.address()} lladdr {NOWHERE} dev eth0 nud permanent")
    with cluster.client.fetching(cluster.vip, every=0.05) as fetching:
        wait_until(lambda: fetching.ok > 20, within=10, what="answers through lb2")
        fetching.forget()
        lb1.start()
        wait_for(lambda: lb1.vrrp()["reason"], UNREADY, within=10, what="why lb1 waits")
        seen = len(adverts(cluster.heard))
        wait_until(lambda: len(adverts(cluster.heard)) >= seen + 5, within=10, what="five adverts of lb2")
        assert (lb1.role(), lb2.role()) == ("BACKUP", "MASTER")
        assert fetching.failed == 0, fetching
        lb1.host.ip(f"neigh del {cluster.servers[0].host.address()} dev eth0")
        lb1.wait_role("MASTER", within=30)
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 20, within=10, what="answers through lb1")
    assert fetching.failed == fetching.cut <= 1, fetching
    assert cluster.in_table(lb1) == {server.host.address() for server in cluster.servers}
