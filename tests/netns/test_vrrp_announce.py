"""Gratuitous ARP and neighbour advertisements: one stream of them, in the right measure, from the master alone."""
import time

from lbhatest import wait_for, wait_until
from vrrp_pair import VIP, Pair


def announcements(capture, mac=None):
    """The gratuitous ARP requests, of one sender if its MAC is given."""
    return [frame for frame in capture.frames if frame.is_arp_request and frame.arp_sender[1] == frame.arp_target
            and mac in (None, frame.arp_sender[0])]


def fail_over(pair, old, new):
    """A crash of the link of one director, until the other is MASTER, and back."""
    old.host.unplug()
    new.wait_role("MASTER")
    old.host.plug()
    old.wait_role("MASTER")
    new.wait_role("BACKUP")


def test_after_several_failovers_there_is_one_stream_of_announcements(lab):
    """keepalived kept the timers of states it had left: each failover added a stream (research, bug 5.2)."""
    pair = Pair(lab, more="announce: {count: 3, interval: 50ms, again_after: 300ms, refresh: 800ms}").start()
    for _ in range(4):
        fail_over(pair, pair.lb1, pair.lb2)
    time.sleep(0.8)  # the bursts of the last takeover are over
    arp = pair.watcher.capture("arp")
    time.sleep(4)
    found = announcements(arp)
    assert {frame.arp_sender[0] for frame in found} == {pair.lb1.host.mac()}
    # every 700 to 900 ms: 4 to 6 in four seconds
    assert 4 <= len(found) <= 6, [round(frame.when - found[0].when, 3) for frame in found]


def test_a_takeover_announces_a_burst_and_again_later(lab):
    pair = Pair(lab, more="announce: {count: 3, interval: 100ms, again_after: 1s, refresh: 0s}")
    arp = pair.watcher.capture("arp")
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: len(announcements(arp)) >= 6, within=4, what="two bursts of three")
    time.sleep(0.5)
    times = [frame.when for frame in announcements(arp)]
    assert len(times) == 6
    assert 0.9 < times[3] - times[0] < 1.4


def test_the_first_round_goes_at_once_and_repeats_keep_to_the_rate(lab):
    """1200 frames of repeats may not be faster than 4000 per second, but for what the bucket holds."""
    many = [f"10.{n // 200}.{n % 200}.1/32" for n in range(250)]
    pair = Pair(lab, addresses=", ".join(many), more="announce: {count: 20, interval: 10ms, again_after: 0s, refresh: 0s}")
    arp = pair.watcher.capture("arp")
    pair.lb1.start()
    wait_until(lambda: len(announcements(arp)) == 20 * 250, within=5, what="all twenty rounds")
    times = [frame.when for frame in announcements(arp)]
    first = {frame.arp_target for frame in announcements(arp)[:250]}
    assert len(first) == 250, "all once before any twice"
    seconds = times[-1] - times[0]
    assert 0.9 * (19 * 250 - 256) / 4000 < seconds < 1.5 * (19 * 250) / 4000, seconds


def test_who_gives_up_announces_no_more(lab):
    """Whoever announced after its successor would draw the traffic back."""
    pair = Pair(lab, more="announce: {count: 100, interval: 10ms, again_after: 0s, refresh: 100ms}").start()
    arp = pair.watcher.capture("arp")
    wait_until(lambda: announcements(arp), what="lb1 announces")
    pair.lb1.stop()
    pair.lb2.wait_role("MASTER")
    wait_until(lambda: len(announcements(arp, pair.lb2.host.mac())) > 10, what="lb2 announces")
    successor = announcements(arp, pair.lb2.host.mac())[0].when
    late = [frame for frame in announcements(arp, pair.lb1.host.mac()) if frame.when > successor]
    assert not late
    wait_for(lambda: pair.lb1.holds(VIP), False, what="the VIP is gone from lb1")
