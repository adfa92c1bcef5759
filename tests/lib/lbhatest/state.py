"""What a host is made of, as far as lbhad and lbha-rs may touch it: to say that both left it as they found it."""
import concurrent.futures
import difflib
import os
import re

from .waiting import wait_for

LOOK = """ip -d -o -batch - 2>/dev/null <<END
link
addr
route show table all
neigh show nud permanent
rule
fou show
END
ipvsadm -Sn
nft list ruleset"""
PASSING = re.compile(r" valid_lft .*|(?<=@)if[0-9]+(?=:)")    # lifetimes, and which port of the switch a cable is in
SYSCTLS = ("net/ipv4/ip_forward", "net/ipv4/conf", "net/ipv6/conf", "net/ipv4/vs")
OF_MODULES = ("lblc_expiration", "lblcr_expiration")


def sysctls_below(path):
    """Lines name = value; what cannot be read has no value to lose, and what came with a module stays with it."""
    for folder, _, names in os.walk(path):
        for name in names:
            if name in OF_MODULES:
                continue
            try:
                with open(os.path.join(folder, name)) as file:
                    yield f"{folder.removeprefix('/proc/sys/')}/{name} = {file.read().strip()}"
            except OSError:
                continue


def read_sysctls():
    for name in SYSCTLS:
        path = "/proc/sys/" + name
        if os.path.isdir(path):
            yield from sorted(sysctls_below(path))
        elif os.path.exists(path):
            with open(path) as file:
                yield f"{name} = {file.read().strip()}"


def state_of(host):
    """Links, addresses, routes, rules, sysctls, the IPVS table and nftables' rules, as lines."""
    with host.inside():
        lines = list(read_sysctls())
    told = host.run("sh", "-c", LOOK, check=False)
    return lines + [PASSING.sub("", line).rstrip() for line in told.splitlines()]


def states_of(hosts):
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        return dict(zip(hosts, threads.map(state_of, hosts)))


def changes(before, after):
    """What is different, as the lines of a diff without its context; empty: nothing."""
    return [line for line in difflib.unified_diff(before, after, "before", "after", lineterm="", n=0)
            if not line.startswith(("@@", "---", "+++"))]


def is_settled(lines):
    """The kernel has seen the carrier of every cable, and given each interface its link-local address."""
    cables = [line for line in lines if re.match(r"[0-9]+: eth[0-9]", line) and "link/ether" in line]
    return all("state UP" in line for line in cables) and sum("inet6 fe80:" in line for line in lines) >= len(cables)


class Untouched:
    """Hosts that shall be as they are now."""

    def __init__(self, *hosts):
        self.before = wait_for(lambda: states_of(hosts), lambda states: all(map(is_settled, states.values())), what="settled hosts")

    def check(self):
        """Fails with all that is different on any of them."""
        found = [f"{host.name}: {change}" for host, after in states_of(self.before).items()
                 for change in changes(self.before[host], after)]
        assert not found, "not as before:\n" + "\n".join(found)
