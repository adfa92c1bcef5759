"""What `lbhactl import ipvsadm` writes means the same: both tables, line by line."""
import pytest

from lbhatest import wait_for
from lbhatest.director import program

VIP = "192.168.8.200"
HEAD = "directors:\n  lb1: {address: 192.168.8.10}\n"

# Everything that ipvsadm can say of a service and a server.
TABLE = """\
-A -t 192.168.8.200:80 -s wlc
-a -t 192.168.8.200:80 -r 192.168.8.20:80 -g -w 1
-a -t 192.168.8.200:80 -r 192.168.8.31:80 -g -w 3 -x 100 -y 50
-a -t 192.168.8.200:80 -r 192.168.8.32:80 -g -w 0 -x 70
-A -t 192.168.8.200:443 -s sh -b sh-fallback,sh-port -p 60 -M 255.255.255.0
-a -t 192.168.8.200:443 -r 192.168.8.20:8443 -m -w 1
-A -t 192.168.8.200:81 -s sh
-a -t 192.168.8.200:81 -r 192.168.8.20:81 -g -w 1
-A -t 192.168.8.200:82 -s mh -b mh-fallback,mh-port
-a -t 192.168.8.200:82 -r 192.168.8.20:82 -g -w 1
-A -t 192.168.8.201:0 -s rr -p 90
-a -t 192.168.8.201:0 -r 192.168.8.20:0 -g -w 1
-A -u 192.168.8.200:5060 -s rr -p 300 -M 255.255.0.0 --pe sip
-a -u 192.168.8.200:5060 -r 192.168.8.20:5060 -g -w 1
-A -u 192.168.8.200:53 -s rr -o
-a -u 192.168.8.200:53 -r 192.168.8.20:53 -g -w 1
-A --sctp-service 192.168.8.200:99 -s lc
-a --sctp-service 192.168.8.200:99 -r 192.168.8.20:99 -g -w 1
-A -f 7 -s wrr -p 120
-a -f 7 -r 192.168.8.20:0 -g -w 2
-A -f 7 -6 -s wrr -p 120 -M 64
-a -f 7 -6 -r [2001:db8::20]:0 -g -w 1
-A -t [2001:db8::200]:80 -s sed
-a -t [2001:db8::200]:80 -r [2001:db8::30]:8080 -m -w 2
-A -t 192.168.8.200:83 -s nq
-a -t 192.168.8.200:83 -r 192.168.8.20:83 -i -w 1
-a -t 192.168.8.200:83 -r 192.168.8.31:83 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 192.168.8.200:83 -r 192.168.8.32:83 -i -w 1 --tun-type gue --tun-port 6081 --tun-remcsum
-a -t 192.168.8.200:83 -r 192.168.8.33:83 -i -w 1 --tun-type gre --tun-csum
-a -t 192.168.8.200:83 -r 192.168.8.34:84 -m -w 1
"""


def save(host):
    return sorted(line.rstrip() for line in host.run("ipvsadm", "-Sn").splitlines() if line.strip())


@pytest.fixture
def director(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    director = lab.director("lb1", (lan, "192.168.8.10", "2001:db8::10/64"), config=HEAD)
    for name, address in ("a", "192.168.8.20"), ("b", "192.168.8.21"):
        lab.real_server(name, lan, address)
    return director


def take_over(director, kind, path):
    """lbhad runs with what the import wrote in the place of whoever had the table."""
    code, written = director.host.status_of("sh", "-c", f"{program('lbhactl')} import {kind} {path} 2>/dev/null")
    assert code == 0, written
    director.configure(HEAD + written)
    code, said = director.host.status_of(program("lbhad"), "--check", "-f", director.config_file)
    assert code == 0, said
    director.start(within=20)


def test_what_ipvsadm_restores_and_what_lbhad_programs_from_it_is_the_same_table(director):
    director.host.run("ipvsadm", "-R", input=TABLE)
    saved = save(director.host)
    assert len(saved) == len(TABLE.splitlines())
    path = director.host.log_file("table")
    with open(path, "w") as file:
        file.write("\n".join(director.host.run("ipvsadm", "-Sn").splitlines()) + "\n")
    director.host.run("ipvsadm", "-C")
    take_over(director, "ipvsadm", path)
    wait_for(lambda: save(director.host), saved, 10, "the table that ipvsadm had")
