"""What scripts/demo shows: the cluster of etc/examples/dr-pair.conf, what happens to it, and what its client notices.

Every sentence that is printed was checked before: a demonstration that did not see what it promises ends with an error
and with all that the hosts knew.
"""
import os
import platform
import pwd
import subprocess
import sys
import tempfile
import time

from lbhatest import Lab, wait_until
from lbhatest.examples import WebCluster, example

VIP = "192.168.8.200"
COLOUR = bool(os.environ.get("LBHA_DEMO_COLOUR"))
PICTURE = """
       client                     lb1            lb2              web a          web b
     192.168.8.100                .10            .11               .20            .30
         │                         │              │                 │              │
    ─────┴─────────────────────────┴──────┬───────┴─────────────────┴──────────────┴─────
                                192.168.8.200:80, the address that must never be away
"""

beginning = time.monotonic()


def styled(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text):
    print("\n" + styled("1", text), flush=True)


def saw(text):
    print(f"  {styled('32', '✓')} {text}", flush=True)


def seconds(value):
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def gap(fetching):
    """What the client noticed. Only a connection that was open when the address moved may have been cut."""
    assert fetching.failed == fetching.cut <= 1, fetching
    lost = "one open connection was cut" if fetching.cut else "no request failed"
    return f"{lost}, longest gap {styled('1', seconds(fetching.longest_gap_ms / 1000))}"


def since(moment):
    return seconds(time.monotonic() - moment)


def borrow_users():
    """The daemon's users, in this mount namespace only: what the machine knows of users is not touched."""
    names, missing = {user.pw_name for user in pwd.getpwall()}, []
    for name in "lbha", "lbha-check", "lbha-vrrp", "lbha-ipvs", "lbha-script":
        if name not in names:
            missing.append(name)
    taken = {user.pw_uid for user in pwd.getpwall()} | {user.pw_gid for user in pwd.getpwall()}
    free = (number for number in range(999, 100, -1) if number not in taken)
    numbers = {name: next(free) for name in missing}
    for file, line in ("passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"), ("group", "{0}:x:{1}:\n"):
        with open(f"/etc/{file}") as old, tempfile.NamedTemporaryFile("w", prefix="lbha-", delete=False) as new:
            new.write(old.read() + "".join(line.format(name, number) for name, number in numbers.items()))
        os.chmod(new.name, 0o644)
        subprocess.run(["mount", "--bind", new.name, f"/etc/{file}"], check=True)
        os.unlink(new.name)


def settled(cluster, fetching, count=25):
    """Some more good answers: whatever was going to fail has had its chance."""
    good = fetching.ok
    wait_until(lambda: fetching.ok > good + count, within=10, what="the client goes on")


def table(cluster, director):
    service = director.ipvs()[cluster.service]
    names = {server.host.address(): server.name for server in cluster.servers}
    return ", ".join(f"{names[address.split(':')[0]]} (weight {one.weight})" for address, one in sorted(service.items()))


def start(cluster):
    title("Both directors start from one file, etc/examples/dr-pair.conf; lbha-rs gave the web servers the address, silently.")
    began = time.monotonic()
    cluster.start()
    lb1 = cluster.directors[0]
    saw(f"after {since(began)} lb1 is MASTER and holds {VIP}, lb2 is BACKUP and has the same table:")
    saw(f"{VIP}:80, {lb1.ipvs()[cluster.service].scheduler} → {table(cluster, lb1)}")
    answers = " ".join(answer.body for answer in cluster.client.get_many(8, VIP))
    assert answers in ("a b a b a b a b", "b a b a b a b a"), answers
    saw(f"the client asks eight times and is answered by  {answers}")


def lose_a_web_server(cluster, fetching):
    lb1, a = cluster.directors[0], cluster.servers[0]
    title("The web server on a is stopped, and started again.")
    fetching.forget()
    began = time.monotonic()
    a.web.stop()
    cluster.wait_in_table(lb1, cluster.servers[1:])
    saw(f"out of the table after {since(began)}: {lb1.server('a')['reason']}; until then "
        f"{fetching.failed} of {fetching.ok + fetching.failed} requests met it")
    settled(cluster, fetching)
    began = time.monotonic()
    a.web.start()
    cluster.wait_in_table(lb1, cluster.servers)
    saw(f"back in the table after {since(began)}, when two checks in a row had passed")


def lose_power(cluster, fetching):
    """A fetch that begins while nobody answers only waits; its SYN is sent again."""
    lb1, lb2 = cluster.directors
    title("lb1, the master, loses power.")
    fetching.forget()
    began = time.monotonic()
    lb1.host.power_off()
    wait_until(lambda: lb2.holds(VIP), within=8, what="lb2 holds the address")
    saw(f"lb2 holds {VIP} after {since(began)} (three adverts of 1 s, and its skew)")
    lb2.wait_role("MASTER")
    settled(cluster, fetching)
    saw(f"the client: {gap(fetching)}")


def come_back(cluster, fetching):
    lb1, lb2 = cluster.directors
    title("lb1 comes back. It has the higher priority, but first its table must be complete.")
    fetching.forget()
    began = time.monotonic()
    lb1.host.power_on()
    lb1.start()
    lb1.wait_role("MASTER", within=25)
    lb2.wait_role("BACKUP")
    settled(cluster, fetching)
    saw(f"MASTER again after {since(began)}; the client: {gap(fetching)}")


def kill_a_worker(cluster, fetching):
    lb1 = cluster.directors[0]
    title("On lb1 the process that speaks VRRP is killed with kill -9.")
    fetching.forget()
    began = time.monotonic()
    old = lb1.kill_worker("vrrp")
    wait_until(lambda: lb1.worker("vrrp")["pid"] not in (0, old), what="a new vrrp worker")
    took = since(began)
    settled(cluster, fetching, 50)
    assert lb1.role() == "MASTER" and cluster.directors[1].role() == "BACKUP"
    saw(f"a new one runs after {took}, lb1 is still MASTER; the client: {gap(fetching)}")


def planned_stop(cluster, fetching):
    lb1, lb2 = cluster.directors
    title("lb1 is stopped for maintenance. It hands over before it lets go.")
    fetching.forget()
    assert lb1.stop() == 0
    lb2.wait_role("MASTER")
    settled(cluster, fetching, 50)
    saw(f"lb2 is MASTER; the client: {gap(fetching)}")
    assert lb1.ipvs() == {} and not lb1.holds(VIP)
    saw("on lb1 nothing is left in the kernel: no address, no table")


def show():
    where = {"native": "on this machine", "kvm": "in a virtual machine",
             "tcg": "in an emulated machine, some ten times slower than a real one"}[os.environ.get("LBHA_LAB", "native")]
    print(styled("1", "lbha") + f": a pair of directors, Linux {platform.release()}, {where}")
    print(PICTURE.rstrip("\n"))
    borrow_users()
    with Lab("demo") as lab:
        try:
            cluster = WebCluster(lab, example("dr-pair"), network="192.168.8.0/24", vip=VIP, client="192.168.8.100",
                                 directors={"lb1": "192.168.8.10", "lb2": "192.168.8.11"},
                                 servers={"a": "192.168.8.20", "b": "192.168.8.30"})
            start(cluster)
            with cluster.client.fetching(VIP) as fetching:
                print(f"\n  From here on the client fetches every {fetching.every * 1000:.0f} ms.")
                for act in lose_a_web_server, lose_power, come_back, kill_a_worker, planned_stop:
                    act(cluster, fetching)
        except Exception as problem:
            print(f"\ndemo: it did not go as it should: {problem}\n", file=sys.stderr)
            print(lab.report(), file=sys.stderr)
            return 1
    kept = "" if where.startswith("on") else " (its kernel stays in a cache for the next time)"
    print(f"\nThat took {time.monotonic() - beginning:.0f} s. Everything is gone again{kept}. Next: README.md, and ./scripts/test.",
          flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(show())
