"""A system call of the ipvs worker fails, with real IPVS: the table is that of the last file in the end, and nothing is stuck.
Which calls is left to chance (LBHA_SEED); see tests/netns/test_syscalls.py for all else."""
import os
import random

import pytest

from lbhatest import wait_for
from lbhatest.syscalls import Injected

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
global:
  ipvs: {read_back: 60s}
services:
  - {name: web, listen: '192.168.8.200:80', scheduler: rr, forwarding: nat, real_servers: [%s]}
  - {name: %s, listen: ['192.168.8.200:8080', '192.168.8.200:8443'], group: true, scheduler: rr, forwarding: nat,
     real_servers: [10.0.0.1]}
"""

TEXTS = [CONFIG % ("10.0.0.1, 10.0.0.2", "old"), CONFIG % ("10.0.0.2, 10.0.0.3", "new")]
SERVERS = [{"10.0.0.1", "10.0.0.2"}, {"10.0.0.2", "10.0.0.3"}]
RELOADS, STARTS = (40, 3), (250, 1)  # calls that there are, about; how many of them fail, one after the other


def programmed(director):
    """The servers of web that the kernel has."""
    return {line.split()[1].split(":")[0] for line in director.host.run(
            "ipvsadm", "-Ln", "-t", "192.168.8.200:80", check=False).splitlines() if "->" in line and "Remote" not in line}


@pytest.mark.limit(120)
def test_a_call_of_the_ipvs_worker_that_fails_leaves_the_table_of_the_last_file(lab):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    print(f"LBHA_SEED={seed}")
    chance = random.Random(seed)
    lb1 = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=TEXTS[0])
    injected = Injected(lb1)
    injected.write_order("ipvs", 0)

    def is_well(version):
        wait_for(lambda: {worker["state"] for worker in lb1.status()["workers"]}, {"running"}, 20, "all workers run")
        code, said = lb1.reload(TEXTS[version])
        assert code == 0, said
        wait_for(lambda: programmed(lb1), SERVERS[version], 10, "the table of the last file")

    lb1.start(within=30)
    for number in range(RELOADS[1]):
        injected.arm("ipvs", chance.randint(1, RELOADS[0]), chance.randrange(4))
        code, said = lb1.reload(TEXTS[1])
        assert code == 0 or said.strip()
        injected.disarm()
        print(injected.failed())
        is_well(number % 2)
        is_well(0)
    for _ in range(STARTS[1]):
        assert lb1.stop(within=20) == 0
        assert programmed(lb1) == set() and lb1.rules() is None
        injected.write_order("ipvs", chance.randint(1, STARTS[0]), chance.randrange(4))
        lb1.start(within=30)
        injected.disarm()
        print(injected.failed())
        is_well(1)
