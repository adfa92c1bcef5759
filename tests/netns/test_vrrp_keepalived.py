"""keepalived as the other director, both ways round: one master at any time, and takeover in both directions."""
import pytest

from lbhatest import wait_for, wait_until
from lbhatest.vrrp import adverts, masters
from vrrp_pair import LB1, LB2, VIP, config


class Mixed:
    """lb1 runs lbha, ka runs keepalived; `ours` and `theirs` are their priorities. Adverts each second."""

    def __init__(self, lab, ours, theirs):
        self.lan = lab.segment("lan", "192.168.8.0/24")
        self.lb1 = lab.director("lb1", (self.lan, LB1), config=config(first=ours, interval="1s"))
        self.ka = lab.keepalived("ka", (self.lan, LB2), vips=f"{VIP}/24", priority=theirs, advert=1)
        self.watcher = lab.host("watcher", (self.lan, "192.168.8.99"))
        self.adverts = self.watcher.capture("ip proto 112")

    def holders(self):
        return [name for name, holds in (("lb1", self.lb1.holds(VIP)), ("ka", self.ka.is_master)) if holds]

    def wait_holders(self, *names, within=6):
        wait_for(self.holders, list(names), within, "who has the VIP")

    def some_adverts(self, count=3):
        seen = len(adverts(self.adverts))
        wait_until(lambda: len(adverts(self.adverts)) >= seen + count, what="more adverts", within=count + 2)


@pytest.fixture
def mixed(lab, request):
    return Mixed(lab, *request.param)


lbha_first = pytest.mark.parametrize("mixed", [(150, 100)], indirect=True, ids=["lbha preferred"])
keepalived_first = pytest.mark.parametrize("mixed", [(100, 150)], indirect=True, ids=["keepalived preferred"])


@lbha_first
def test_started_together_the_preferred_lbha_is_the_only_master(mixed):
    mixed.lb1.launch()
    mixed.ka.start()
    mixed.wait_holders("lb1")
    mixed.some_adverts()
    assert masters(adverts(mixed.adverts)) == [LB1]
    assert mixed.lb1.vrrp()["received"] == 0


@keepalived_first
def test_started_together_the_preferred_keepalived_is_the_only_master(mixed):
    mixed.lb1.launch()
    mixed.ka.start()
    mixed.wait_holders("ka")
    mixed.some_adverts()
    assert masters(adverts(mixed.adverts)) == [LB2]
    assert mixed.lb1.vrrp()["reason"] == f"{LB2} advertises 150 > 100"
    assert not any(mixed.lb1.vrrp()["dropped"].values())
    assert "advertises other" not in mixed.lb1.log


@lbha_first
def test_keepalived_takes_over_from_lbha_and_gives_back(mixed):
    mixed.lb1.start()
    mixed.wait_holders("lb1")
    mixed.ka.start()
    mixed.some_adverts()
    assert mixed.lb1.stop() == 0  # released
    mixed.wait_holders("ka", within=2)
    mixed.lb1.start()
    mixed.wait_holders("lb1")
    mixed.some_adverts()
    assert masters(adverts(mixed.adverts)) == [LB1, LB2, LB1] or (
            # keepalived answers our first advert with a last one of its own
            masters(adverts(mixed.adverts)) == [LB1, LB2, LB1, LB2, LB1])
    mixed.lb1.host.cut_off()  # as good as a crash, for the others
    wait_for(lambda: mixed.ka.is_master, True, what="keepalived has taken over")


@keepalived_first
def test_lbha_takes_over_from_keepalived_and_gives_back(mixed):
    mixed.ka.start()
    mixed.wait_holders("ka")
    mixed.lb1.start()
    mixed.some_adverts()
    mixed.ka.stop()  # priority 0
    mixed.wait_holders("lb1", within=2)
    assert mixed.lb1.vrrp()["reason"] == f"{LB2} gave up"
    mixed.ka.start()
    mixed.wait_holders("ka")
    assert mixed.lb1.role() == "BACKUP"
    mixed.some_adverts()
    mixed.ka.host.power_off()
    mixed.lb1.wait_role("MASTER")
    assert mixed.lb1.vrrp()["reason"].startswith(f"no advert from {LB2} for 3.")


@lbha_first
def test_after_a_partition_one_master_remains(mixed):
    mixed.lb1.start()
    mixed.wait_holders("lb1")
    mixed.ka.start()
    mixed.some_adverts()
    mixed.lb1.host.cut_off()
    mixed.wait_holders("lb1", "ka")
    mixed.lb1.host.join_again()
    mixed.wait_holders("lb1", within=3)
    mixed.some_adverts()
    assert masters(adverts(mixed.adverts))[-1] == LB1
