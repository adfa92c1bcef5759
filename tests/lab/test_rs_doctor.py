"""lbha-rs doctor at the end of a tunnel, which this machine's own kernel may not have: each illness is named, and the
command that is printed mends it."""
import json
import os

import pytest

from lbhatest import Lab
from lbhatest.director import program

VIP, FAR = "172.30.0.200", "10.9.0.20"
CONFIG = f"""
directors: {{lb1: {{address: 172.30.0.10}}}}
services:
  - {{name: ipip, listen: "{VIP}:80", forwarding: tunnel, tunnel: {{type: ipip}}, real_servers: [{FAR}]}}
  - {{name: gre, listen: "{VIP}:81", forwarding: tunnel, tunnel: {{type: gre, checksum: csum}}, real_servers: [{FAR}]}}
  - {{name: gue, listen: "{VIP}:82", forwarding: tunnel, tunnel: {{type: gue, port: 6080}}, real_servers: [{FAR}]}}
"""


class Ward:
    def __init__(self, lab):
        self.lan = lab.segment("far", "10.9.0.0/24")
        lab.host("router", (self.lan, "10.9.0.1"))
        self.host = lab.host("far", (self.lan, FAR))
        self.host.route("default via 10.9.0.1")
        for port in (80, 81, 82):
            lab.serve(self.host, port)
        self.file = self.host.log_file("lbha.conf")
        with open(self.file, "w") as file:
            file.write(CONFIG)

    def rs(self, *words):
        return self.host.status_of(program("lbha-rs"), *words, "-f", self.file, "--state-dir",
                                   self.host.log_file("rs-state"))

    def doctor(self):
        code, said = self.rs("doctor", "--json")
        found = json.loads(said)["findings"]
        return code, [one for one in found if one["severity"] != "ok"], found

    def run(self, command):
        path = f"{os.path.dirname(program('lbha-rs'))}:{os.environ['PATH']}"
        return self.host.run("sh", "-c", command, env={**os.environ, "PATH": path})


@pytest.fixture(scope="module")
def ward(request):
    with Lab("test_rs_doctor") as lab:
        request.module.shared_lab = lab
        ward = Ward(lab)
        code, said = ward.rs("setup")
        assert code == 0, said
        yield ward


FIREWALL = """table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        tcp dport { 80, 81, 82 } accept
        ip protocol gre accept
        udp dport 6080 accept
    }
}"""


def assert_named_and_mended(ward, sentences):
    """The guest is slow, so several illnesses are looked for at once."""
    code, ill, found = ward.doctor()
    for sentence in sentences:
        assert [one for one in ill if one["text"].startswith(sentence)], (sentence, found)
    for command in dict.fromkeys(one["command"] for one in ill):
        ward.run(command)
    code, ill, found = ward.doctor()
    assert (code, ill) == (0, []), found


def test_the_commands_that_are_printed_mend_tunnels(ward):
    ward.host.ip("link set lbha-gre down")
    ward.host.sysctl("net.ipv4.conf.all.rp_filter", 1)
    ward.host.sysctl("net.ipv4.conf.lbha-ipip.rp_filter", 1)
    ward.host.run("ip", "fou", "del", "port", "6080")
    ward.host.run("nft", "-f", "-", input=FIREWALL)
    assert_named_and_mended(ward, [
        f"lbha-gre, the end of the tunnel for {VIP}, is down", "rp_filter in effect on lbha-ipip is 1",
        "nobody takes GUE off UDP port 6080",
        f"the policy of chain input of table inet filter drops what carries packets for {VIP} (protocol 4 to {FAR})"])
    ward.host.ip("link del lbha-ipip")
    assert_named_and_mended(ward, [f"no interface of type ipip at {FAR} takes packets for {VIP}"])


def test_the_advice_about_sizes_is_taken_once(ward):
    advice = {one["command"] for one in ward.doctor()[2] if one["subject"] == "tunnel" and one["command"]}
    assert f"ip route change default via 10.9.0.1 dev eth0 advmss {1500 - 20 - 12 - 40}" in advice
    ward.run(min(advice))
    assert not [one for one in ward.doctor()[2] if one["subject"] == "tunnel" and one["command"]]
