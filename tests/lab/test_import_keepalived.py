"""keepalived and lbhad on the imported file program the same table, with servers that answer, and that no longer do."""
import os
import subprocess

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.director import Director, program

TIMES = "delay_loop 1\n    connect_timeout 1\n    retry 1\n    delay_before_retry 1\n"
TCP = "TCP_CHECK {\n        }"
HTTP = "HTTP_GET {\n            url {\n                path /\n                status_code 200\n            }\n        }"

CONFIG = f"""
# b never answers; a does until it is told not to
virtual_server 192.168.8.200 80 {{
    {TIMES}
    lb_algo wrr
    lb_kind DR
    protocol TCP
    real_server 192.168.8.20 80 {{
        weight 3
        {TCP}
    }}
    real_server 192.168.8.30 80 {{
        {TCP}
    }}
}}
virtual_server 192.168.8.200 8080 {{
    {TIMES}
    lb_algo sh
    sh-port
    lb_kind NAT
    protocol TCP
    persistence_timeout 120
    persistence_granularity 255.255.255.0
    sorry_server 192.168.8.9 8081
    inhibit_on_failure
    real_server 192.168.8.20 80 {{
        {HTTP}
    }}
    real_server 192.168.8.30 80 {{
        weight 2
        {HTTP}
    }}
}}
virtual_server fwmark 7 {{
    {TIMES}
    alpha
    lb_algo wlc
    lb_kind DR
    persistence_timeout 60
    real_server 192.168.8.20 80 {{
        {TCP}
    }}
    real_server 192.168.8.30 80 {{
        {TCP}
    }}
}}
virtual_server_group MANY {{
    192.168.8.201-203 80
    192.168.8.204 8080
}}
virtual_server group MANY {{
    {TIMES}
    lb_algo rr
    lb_kind NAT
    protocol TCP
    quorum 2
    sorry_server 192.168.8.9 80
    real_server 192.168.8.20 80 {{
        weight 2
        {TCP}
    }}
    real_server 192.168.8.30 80 {{
        {TCP}
    }}
}}
virtual_server 192.168.8.200 53 {{
    {TIMES}
    lb_algo rr
    ops
    lb_kind TUN
    protocol UDP
    real_server 192.168.8.20 53 {{
        weight 5
    }}
    real_server 192.168.8.30 53 {{
        lvs_method DR
    }}
}}
virtual_server 2001:db8:8::200 80 {{
    {TIMES}
    lb_kind NAT
    lb_algo lc
    protocol TCP
    real_server 2001:db8:8::20 8080 {{
        uthreshold 100
        lthreshold 50
    }}
}}
"""


class Bench:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.host = lab.host("lb", (lan, "192.168.8.10"))
        self.host.ip("addr add 2001:db8:8::10/64 dev eth0 nodad")
        self.a = lab.host("a", (lan, "192.168.8.20"))
        lab.host("b", (lan, "192.168.8.30"))
        self.lab, self.server = lab, None
        self.heal()
        self.config = os.path.join(lab.folder, "keepalived.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG)

    def heal(self):
        self.server = self.lab.serve(self.a, 80)

    def fail(self):
        self.server.stop()

    def table(self):
        return sorted(self.host.run("ipvsadm", "-Sn").splitlines())

    def settled(self, count):
        """The table once it has so many servers and stays so."""
        seen = []

        def is_still():
            seen.append(self.table())
            return sum(line.startswith("-a") for line in seen[-1]) == count and len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

        wait_until(is_still, 40, what=f"a table with {count} servers")
        return seen[-1]


@pytest.fixture(scope="module")
def bench():
    with Lab("import") as lab:
        yield Bench(lab)


# Servers in the table: with a alive (DR 1; NAT 2, of which b has weight 0; fwmark 1; four listeners 1 each; UDP 2; IPv6 1), and with a dead:
# of DR none, of NAT the sorry server beside both, of the mark none, of the listeners the sorry server each.
ALIVE, DEAD = 1 + 2 + 1 + 4 + 2 + 1, 3 + 4 + 2 + 1


def through_life(bench):
    """The tables with a alive, and dead."""
    tables = [bench.settled(ALIVE)]
    bench.fail()
    return tables + [bench.settled(DEAD)]


def test_the_imported_file_programs_the_same_table(bench):
    log = bench.host.log_file("keepalived.log")
    with open(log, "ab") as file:
        process = bench.host.start("keepalived", "-C", "-n", "-l", "-f", bench.config, "-p", log + ".pid", "-c", log + ".checkers.pid",
                                   stdout=file, stderr=file)
    theirs = through_life(bench)
    process.terminate()
    process.wait(timeout=30)
    wait_for(bench.table, [], 10, what="keepalived took its table with it")
    bench.heal()
    done = subprocess.run([program("lbhactl"), "import", "keepalived", f"lb={bench.config}"], capture_output=True, text=True, check=True)
    director = Director(bench.host, done.stdout)
    director.start(within=30)
    assert through_life(bench) == theirs
    assert director.stop() == 0
