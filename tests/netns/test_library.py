"""The library that all these tests stand on: does it show what is there, and does it notice what is not?"""
import os
import subprocess
import sys
import time

import pytest

from lbhatest import Lab, wait_for, wait_until

VIP = "192.168.8.200"


def test_a_client_gets_the_page_of_a_server_on_its_segment(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    answer = client.get("192.168.8.20")
    assert (answer.status, answer.body) == (200, "a")


def test_a_stopped_server_refuses_a_paused_one_is_silent_and_an_absent_one_is_unreachable(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    a.web.stop()
    assert "refused" in client.get("192.168.8.20").error
    a.web.start()
    assert client.get("192.168.8.20").ok
    a.web.pause()
    assert "time out while waiting" in client.get("192.168.8.20", timeout=0.2).error
    a.web.resume()
    assert client.get("192.168.8.20").ok
    assert "time out while connecting" in client.get("192.168.8.99", timeout=0.2).error


def test_fetching_measures_the_gap_and_counts_the_failures(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    with client.fetching("192.168.8.20", every=0.01) as fetching:
        wait_until(lambda: fetching.ok > 20, what="20 good answers")
        assert fetching.longest_gap_ms < 150
        a.web.stop()
        began = time.monotonic()
        wait_until(lambda: fetching.failed >= 25, what="25 failures")
        a.web.start()
        outage_ms = (time.monotonic() - began) * 1000
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 10, what="good answers again")
    assert fetching.failed >= 25
    assert outage_ms - 30 < fetching.longest_gap_ms < outage_ms + 150
    assert set(fetching.served_by) == {"a"}


def test_a_fetch_that_began_in_an_outage_does_not_hide_when_it_ended(lab):
    """A lost SYN is sent again after a second; the next fetch is answered at once."""
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    with client.fetching("192.168.8.20", every=0.01) as fetching:
        began = time.monotonic()
        a.host.cut_off()
        time.sleep(0.3)    # the outage itself
        a.host.join_again()
        outage_ms = (time.monotonic() - began) * 1000
        wait_until(lambda: fetching.slowest_ms > 900, what="a fetch that needed its second SYN")
    assert fetching.failed == 0
    assert 250 < fetching.longest_gap_ms < outage_ms + 250


def test_a_fetch_that_hangs_on_is_no_gap_while_others_are_answered(lab):
    """A connection to a director that died is answered by nobody, long after another one has taken over."""
    lan = lab.segment("lan", "192.168.8.0/24")
    a, b = lab.host("a", (lan, "192.168.8.20")), lab.host("b", (lan, "192.168.8.21"))
    web = lab.serve(a)
    lab.serve(b)
    client = lab.client("client", lan, "192.168.8.100")
    with client.fetching("192.168.8.20", every=0.01, timeout=3) as fetching:
        wait_until(lambda: fetching.ok > 20, what="good answers")
        web.pause()
        wait_until(lambda: fetching.longest_gap_ms > 50, what="fetches that hang")
        a.cut_off()
        b.ip("addr add 192.168.8.20/24 dev eth0")
        client.host.ip("neigh flush dev eth0")
        wait_until(lambda: fetching.served_by["b"] > 20, what="good answers from the other one")
    assert fetching.failed > 0
    assert fetching.longest_gap_ms < 1500


def test_an_answer_that_comes_when_nothing_is_asked_any_more_ends_no_gap(lab):
    """A fetch whose first SYN was lost in an outage is answered a second later, when others had long been answered."""
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    with client.fetching("192.168.8.20", every=0.01) as fetching:
        wait_until(lambda: fetching.ok > 20, what="good answers")
        a.host.cut_off()
        wait_until(lambda: fetching.longest_gap_ms > 300, what="an outage that is none of the machine's own")
        a.host.join_again()
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 10, what="good answers again")
    assert fetching.slowest_ms > 900
    assert fetching.longest_gap_ms < 900


def test_an_unplugged_host_has_no_carrier_and_a_cut_off_one_has(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.host("a", (lan, "192.168.8.20"))
    assert "LOWER_UP" in a.run("ip", "link", "show", "eth0")
    a.unplug()
    wait_until(lambda: "NO-CARRIER" in a.run("ip", "link", "show", "eth0"), what="no carrier")
    a.plug()
    a.cut_off()
    wait_until(lambda: "LOWER_UP" in a.run("ip", "link", "show", "eth0"), what="carrier")


def test_a_capture_has_what_was_sent_and_received_and_nothing_else(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    arp = a.host.capture("arp")
    web = a.host.capture("tcp port 80")
    other = a.host.capture("udp")
    assert client.get("192.168.8.20").ok
    asked = arp.wait(lambda frame: frame.is_arp_request and frame.arp_target == "192.168.8.20")
    assert asked.direction == "in" and asked.src == client.host.mac()
    replied = arp.wait(lambda frame: frame.is_arp_reply and frame.direction == "out")
    assert replied.arp_sender == (a.host.mac(), "192.168.8.20")
    assert {frame.ip_addresses for frame in web.frames} == {
            ("192.168.8.100", "192.168.8.20"), ("192.168.8.20", "192.168.8.100")}
    assert other.frames == []


def test_a_host_without_power_is_silent_and_comes_back_bare(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    a = lab.real_server("a", lan, "192.168.8.20")
    client = lab.client("client", lan, "192.168.8.100")
    sleeper = a.host.start("sleep", "1000")
    a.host.ip(f"addr add {VIP}/32 dev lo")
    a.host.power_off()
    assert sleeper.poll() is not None
    assert not client.get("192.168.8.20", timeout=0.2).ok
    a.host.power_on()
    assert not a.host.has_address(VIP)
    a.web.start()
    assert client.get("192.168.8.20").ok


def test_a_wait_that_fails_tells_what_was_seen():
    values = iter("abc")
    with pytest.raises(AssertionError) as failure:
        wait_for(lambda: next(values, "d"), "z", within=0.2, what="the letter z")
    text = str(failure.value)
    assert "the letter z: not within" in text
    assert all(repr(letter) in text for letter in "abcd")


CRASHING = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from lbhatest import Lab
lab = Lab()
a = lab.host("a", (lab.segment("lan", "10.0.0.0/24"), "10.0.0.1"))
process = a.start("sleep", "1000")
print(process.pid, a.pid, lab.switch.pid, lab.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_when_the_test_process_is_killed():
    links = subprocess.run(["ip", "link"], stdout=subprocess.PIPE, check=True).stdout
    lib = os.path.join(os.path.dirname(__file__), "../lib")
    killed = subprocess.run([sys.executable, "-c", CRASHING, lib], stdout=subprocess.PIPE, text=True, check=False)
    *pids, folder = killed.stdout.split()
    assert len(pids) == 3
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="all processes gone")
    assert subprocess.run(["ip", "link"], stdout=subprocess.PIPE, check=True).stdout == links
    Lab().close()
    assert not os.path.exists(folder), "the next test process sweeps what the killed one could not"


def test_a_keepalived_pair_moves_the_vip_when_the_master_is_killed(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    one = lab.keepalived("one", (lan, "192.168.8.10"), vips=f"{VIP}/24", priority=150, advert=0.1)
    two = lab.keepalived("two", (lan, "192.168.8.11"), vips=f"{VIP}/24", priority=100, advert=0.1)
    client = lab.client("client", lan, "192.168.8.100")
    one.start().wait_master()
    two.start()
    garp = client.host.capture("arp")
    wait_until(lambda: garp.where(lambda frame: frame.arp_sender == (one.host.mac(), VIP)), within=10,
               what="one announces the VIP")
    assert not two.is_master
    one.host.power_off()
    two.wait_master()
    garp.wait(lambda frame: frame.arp_sender == (two.host.mac(), VIP))


def test_a_host_outlives_its_orphans_and_reaps_them(lab):
    a = lab.host("a")
    orphan = a.run("sh", "-c", "sleep 0.1 >/dev/null 2>&1 & echo $!").strip()
    wait_until(lambda: orphan not in a.run("ps", "-e", "-o", "pid=").split(), what="the orphan is reaped")
    assert a.run("echo", "still here") == "still here\n"
