"""Events: what changed, once each and in order, and nothing that did not; read on by number, or followed."""
import json

from lbhatest import wait_for, wait_until
from lbhatest.director import program
from vrrp_pair import LB2, Pair, config


def events(director, since=0):
    return [json.loads(line) for line in director.ctl("events", "--json", "--since", str(since)).splitlines()]


def changes(director, since=0):
    return [(one["object"], one["old"], one["new"]) for one in events(director, since) if one["event"] == "vrrp_state"]


class Follower:
    """`lbhactl events --follow` on a director's host."""

    def __init__(self, director, *words):
        self.path = director.host.log_file("follow")
        with open(self.path, "wb") as out:
            self.process = director.host.start(program("lbhactl"), "--socket", director.socket, "events", "--follow", *words,
                                               stdout=out, stderr=out, env=director.environment())

    @property
    def lines(self):
        with open(self.path) as file:
            return file.read().splitlines()

    @property
    def seen(self):
        return [json.loads(line) for line in self.lines]

    def wait(self, kind, new, within=10):
        wait_until(lambda: any((one["event"], one["new"]) == (kind, new) for one in self.seen), within, f"{kind} {new} is told")


def test_a_takeover_is_told_as_it_happens_and_can_be_read_again_by_number(lab):
    pair = Pair(lab).start()
    told = Follower(pair.lb2, "--json", "--since", "0")
    told.wait("vrrp_state", "BACKUP")
    pair.lb1.crash()
    told.wait("vrrp_state", "MASTER")
    pair.lb1.start()
    pair.wait_roles("MASTER", "BACKUP")
    wait_for(lambda: [one["new"] for one in told.seen if one["event"] == "vrrp_state"], ["BACKUP", "MASTER", "BACKUP"],
             what="three changes")
    seen = [one for one in told.seen if one["event"] == "vrrp_state"]
    assert [one["seq"] for one in told.seen] == sorted({one["seq"] for one in told.seen})
    assert list(seen[1])[:7] == ["seq", "time", "event", "object", "old", "new", "reason"]
    assert seen[1]["reason"].startswith("no advert from 192.168.8.10 for 3")
    assert seen[1]["master_address"] == LB2 and seen[1]["missed"] == 0
    assert changes(pair.lb2, seen[0]["seq"]) == [("public", "BACKUP", "MASTER"), ("public", "MASTER", "BACKUP")]
    assert changes(pair.lb2, seen[2]["seq"]) == []
    words = pair.lb2.ctl("events")
    assert "UTC vrrp_state public: BACKUP → MASTER: no advert from 192.168.8.10 for 3" in words


def test_a_follower_goes_on_over_a_control_worker_that_is_replaced(lab):
    pair = Pair(lab).start()
    told = Follower(pair.lb2, "--json")
    wait_until(lambda: "events" in pair.lb2.host.run("sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '"), what="it runs")
    pair.lb1.crash()
    told.wait("vrrp_state", "MASTER")
    pid = pair.lb2.kill_worker("control")
    wait_until(lambda: pair.lb2.worker("control")["pid"] not in (0, pid), 10, "another control worker")
    pair.lb1.start()
    told.wait("vrrp_state", "BACKUP")
    kinds = [one["event"] for one in told.seen]
    assert kinds.count("vrrp_state") == 2, told.lines
    assert "missed" not in kinds and [one["seq"] for one in told.seen] == sorted({one["seq"] for one in told.seen})
    assert told.process.poll() is None


def numbers(lines):
    return [one["seq"] for one in lines]


def test_a_follower_goes_on_over_a_restart_and_an_upgrade_without_a_gap(lab):
    """Nothing is lost or told twice: what it printed is what the daemon kept, number for number."""
    pair = Pair(lab)
    pair.lb1.install().start()
    pair.lb1.wait_role("MASTER")
    first = numbers(events(pair.lb1))[0]
    told = Follower(pair.lb1, "--json", "--since", "0")
    told.wait("vrrp_state", "MASTER")
    pair.lb1.detach()
    pair.lb1.start()
    pair.lb1.reload(config(first=160))
    told.wait("reload", events(pair.lb1)[-1]["new"])
    pair.lb1.install()
    assert pair.lb1.ctl_status("upgrade")[0] == 0
    pair.lb1.reload(config(first=170))
    wait_until(lambda: told.seen[-1]["seq"] == events(pair.lb1)[-1]["seq"] and told.seen[-1]["event"] == "reload", 15, "the last event")
    kept = events(pair.lb1)
    assert "missed" not in {one["event"] for one in told.seen + kept}
    assert numbers(told.seen) == numbers(kept) == list(range(first, first + len(kept)))
    assert "upgrade" in {one["event"] for one in kept} and told.process.poll() is None


def test_a_follower_says_that_it_missed_something_when_nobody_knows_what(lab):
    pair = Pair(lab)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    told = Follower(pair.lb1, "--json", "--since", "0")
    told.wait("vrrp_state", "MASTER")
    before = len(told.seen)
    pair.lb1.process.kill()  # the supervisor; its workers release and end
    pair.lb1.process.wait(timeout=20)
    pair.lb1.start()
    pair.lb1.wait_role("MASTER")
    wait_until(lambda: ("vrrp_state", "MASTER") in [(one["event"], one["new"]) for one in told.seen[before:]], 10, "events of the next daemon")
    after = told.seen[before:]
    assert (after[0]["event"], after[0]["missed"]) == ("missed", None)
    assert [one["event"] for one in after].count("missed") == 1
    assert numbers(after[1:]) == numbers(events(pair.lb1)) and told.process.poll() is None


def test_a_worker_that_begins_anew_invents_no_event(lab):
    pair = Pair(lab).start()
    last = events(pair.lb1)[-1]["seq"]
    for name in ("vrrp", "vrrp"):
        pid = pair.lb1.kill_worker(name)
        wait_until(lambda: pair.lb1.worker(name)["pid"] not in (0, pid), 10, f"another {name} worker")
        wait_for(lambda: pair.lb1.vrrp()["reason_code"], "resumed", 10)
    assert [one["event"] for one in events(pair.lb1, last)] == ["worker_restart"] * 2
    pid = pair.lb1.kill_worker("control")
    wait_until(lambda: pair.lb1.worker("control")["pid"] not in (0, pid), 10, "another control worker")
    assert changes(pair.lb1, last) == []
    # what it told before is gone, and whoever asks for it is told so
    assert [one["event"] for one in events(pair.lb1, last)][0] == "missed"
    assert pair.lb1.role() == "MASTER" and pair.lb2.vrrp()["transitions"] == 1


def test_reloads_are_told_with_their_result(lab):
    pair = Pair(lab).start()
    last = events(pair.lb1)[-1]["seq"]
    assert pair.lb1.reload(config(first=160))[0] == 0
    assert pair.lb1.reload("cluster: 7\n")[0] == 1
    wait_for(lambda: [(one["event"], one["result"], one["new"]) for one in events(pair.lb1, last)],
             [("reload", "applied", "2"), ("reload", "refused", "2")])
    assert 'no "directors"' in events(pair.lb1, last)[1]["reason"]


def test_a_number_that_is_none_is_refused(lab):
    pair = Pair(lab)
    pair.lb1.start()
    for word in ("-1", "x", "1x", ""):
        code, output = pair.lb1.ctl_status("events", f"--since={word}")
        assert (code, output) == (2, f'lbhactl: "{word}" is no number of an event\n')
    code, output = pair.lb1.ctl_status("status", "--follow")
    assert (code, output) == (2, "lbhactl: status has no --follow\n")
