"""From one way of travelling to the other while in service: both directors to `both`, then both to the new one."""
import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, VIP, Pair, address_changes, config


@pytest.mark.parametrize("before, after", [("multicast", "unicast"), ("unicast", "multicast")])
def test_a_pair_changes_its_transport_and_nothing_moves(lab, before, after):
    pair = Pair(lab, more=f"transport: {before}").start()
    transitions = {one: one.vrrp()["transitions"] for one in (pair.lb1, pair.lb2)}
    with address_changes(pair.lb1.host) as first, address_changes(pair.lb2.host) as second:
        for transport in "both", after:
            for director in pair.lb2, pair.lb1:
                director.configure(config(more=f"transport: {transport}"))
                assert f"transport {'both' if transport == after else before} → {transport}" in director.ctl("plan")
                assert director.reload()[0] == 0
        group = pair.watcher.capture("ip proto 112 and ip multicast")
        received, sent = pair.lb2.vrrp()["received"], pair.lb1.vrrp()["sent"]
        wait_until(lambda: pair.lb1.vrrp()["sent"] > sent + 10, what="lb1 goes on sending")
        wait_until(lambda: pair.lb2.vrrp()["received"] > received + 10, what="lb2 goes on hearing")
    assert not first and not second
    assert {one: one.vrrp()["transitions"] for one in transitions} == transitions
    assert set(masters(adverts(pair.adverts))) <= {LB1}
    wait_for(lambda: bool(adverts(group)), after == "multicast", what="multicast on the wire, or none")
    assert pair.lb1.holds(VIP) and not pair.lb2.holds(VIP)
