"""dr-pair from etc/examples: two directors, two web servers, and a client that fetches all the time.

A connection that is open at the very moment at which the address moves is cut: the new master's kernel does not know it
(until connection sync is configured). Everything else that fails is a fault.
"""
from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters

LB1, LB2 = "192.168.8.10", "192.168.8.11"


def who_led(cluster):
    return masters(adverts(cluster.heard))


def goes_on(fetching, count=20):
    good = fetching.ok
    wait_until(lambda: fetching.ok > good + count, what="good answers")


def test_both_directors_have_the_table_and_one_has_the_vip(dr_pair):
    lb1, lb2 = dr_pair.directors
    assert lb1.ipvs() == lb2.ipvs()
    assert lb1.holds(dr_pair.vip) and not lb2.holds(dr_pair.vip)
    assert {answer.body for answer in dr_pair.client.get_many(4, dr_pair.vip)} == {"a", "b"}
    assert who_led(dr_pair) == [LB1]


def test_killed_workers_cost_no_request_no_vip_and_no_table_entry(dr_pair):
    """kill -9 of each worker of the MASTER in turn."""
    lb1, lb2 = dr_pair.directors
    table = lb1.ipvs()
    with dr_pair.client.fetching(dr_pair.vip) as fetching:
        for worker in "control", "check", "ipvs", "vrrp":
            old = lb1.kill_worker(worker)
            wait_until(lambda: lb1.worker(worker)["pid"] not in (0, old), within=10, what=f"a new {worker} worker")
            goes_on(fetching)
            assert lb1.ipvs() == table and lb1.holds(dr_pair.vip), f"after the end of the {worker} worker"
        count = len(adverts(dr_pair.heard))
        wait_until(lambda: len(adverts(dr_pair.heard)) > count + 3, within=8, what="more adverts")
    assert fetching.failed == 0, fetching
    assert who_led(dr_pair) == [LB1]
    assert lb2.role() == "BACKUP"


def test_a_planned_stop_of_the_master_refuses_nobody(dr_pair):
    lb1, lb2 = dr_pair.directors
    with dr_pair.client.fetching(dr_pair.vip) as fetching:
        assert lb1.stop() == 0
        lb2.wait_role("MASTER")
        goes_on(fetching)
    assert fetching.failed == fetching.cut <= 1, fetching
    assert not lb1.holds(dr_pair.vip) and lb2.holds(dr_pair.vip)
    assert lb1.ipvs() == {}
    assert who_led(dr_pair) == [LB1, LB2]


def test_a_master_without_power_is_succeeded_and_returns_with_its_table_ready(dr_pair):
    lb1, lb2 = dr_pair.directors
    lb1.host.power_off()
    lb2.wait_role("MASTER", within=6)
    wait_until(lambda: dr_pair.client.get(dr_pair.vip).ok, what="answers through lb2")
    with dr_pair.client.fetching(dr_pair.vip) as fetching:
        lb1.host.power_on()
        lb1.start()
        lb1.wait_role("MASTER", within=20)
        assert dr_pair.in_table(lb1) == {"192.168.8.20", "192.168.8.30"}
        lb2.wait_role("BACKUP")
        goes_on(fetching)
    assert fetching.failed == fetching.cut <= 1, fetching
    assert who_led(dr_pair) == [LB1, LB2, LB1]


def test_a_killed_master_is_succeeded_and_takes_up_its_table_again(dr_pair):
    lb1, lb2 = dr_pair.directors
    lb1.crash()
    lb2.wait_role("MASTER", within=6)
    wait_until(lambda: dr_pair.client.get(dr_pair.vip).ok, what="answers through lb2")
    lb1.start()
    lb1.wait_role("MASTER", within=20)
    lb2.wait_role("BACKUP")
    assert dr_pair.client.get(dr_pair.vip).ok


def test_a_master_whose_cable_is_pulled_is_succeeded_and_returns(dr_pair):
    lb1, lb2 = dr_pair.directors
    lb1.host.unplug()
    lb2.wait_role("MASTER", within=6)
    wait_until(lambda: dr_pair.client.get(dr_pair.vip).ok, what="answers through lb2")
    wait_for(lb1.role, "FAULT", what="lb1 knows why")
    lb1.host.plug()
    lb1.wait_role("MASTER", within=20)
    lb2.wait_role("BACKUP")
    assert dr_pair.client.get(dr_pair.vip).ok
    assert who_led(dr_pair) == [LB1, LB2, LB1]


def test_afterwards_every_host_of_the_pair_is_as_before(dr_pair):
    dr_pair.file.undo()
