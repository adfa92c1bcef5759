"""Certificates and keys that lbha.conf names, from the file through the whole of lbhad to the handshake of a probe.

The checks are those of etc/examples/https-checks.conf; where this kernel has no IPVS a tracker listens to them, not a service.
"""
import os
import shutil
import ssl

import pytest

from lbhatest import wait_for, wait_until
from lbhatest.authority import Authority, CheckFiles
from lbhatest.examples import example
from lbhatest.rogue import Server, answer, server_context

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

SERVER = "192.168.8.20"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("files"), "good")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("strange"), "strange")


def tracking():
    """The example, with its checks of one server as trackers."""
    text = example("https-checks").split("services:")[0]
    text = text.replace("    virtual_addresses:", "    track: [{check: health, weight: -10}, {check: certificate, weight: -20}]\n"
                        "    virtual_addresses:")
    for kind in "http", "tls":
        text = text.replace(f"    type: {kind}\n", f"    type: {kind}\n    address: {SERVER}\n    port: 443\n    rise: 1\n"
                            "    fall: 1\n")
    return text.replace("interval: 1m", "interval: 500ms").replace("path: /health", "path: /health\n    interval: 500ms")


@pytest.fixture
def net(lab, ca):
    """lb1 with its three files, and a web server that wants a certificate of the same CA."""
    lan = lab.segment("lan", "192.168.8.0/24")
    lb1 = lab.director("lb1", (lan, "192.168.8.10"), config=tracking())
    lb1.files = CheckFiles(lb1, ca)
    context = server_context(ca.signed("DNS:shop.example"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.certificate)
    with Server(answer(), SERVER, 443, host=lab.host("a", (lan, SERVER)), tls=context) as server:
        lb1.server = server
        yield lb1


def states(director):
    return {one["name"]: one["state"] for one in director.vrrp()["trackers"]}


def test_the_files_of_the_example_reach_the_handshake_and_a_reload_brings_new_ones(net, ca, stranger):
    net.start()
    wait_for(lambda: states(net), {"health": "up", "certificate": "up"}, what="both checks pass")
    assert net.vrrp()["priority"] == 100
    assert any(one.startswith(b"GET /health HTTP/1.1\r\n") for one in net.server.requests)

    net.files.put(stranger.certificate, "ca.pem")
    assert states(net) == {"health": "up", "certificate": "up"}, "before a reload nothing is read"
    assert net.reload()[0] == 0
    wait_for(lambda: states(net), {"health": "down", "certificate": "down"}, what="a CA that has not signed the server")
    assert all("issuer not known" in one["reason"] for one in net.vrrp()["trackers"])

    net.files.put(ca.certificate, "ca.pem")
    net.files.put_ours(stranger)
    assert net.reload()[0] == 0
    wait_until(lambda: all("refuses our certificate" in one["reason"] for one in net.vrrp()["trackers"]),
               what="a server that does not know who has signed ours")


@pytest.mark.parametrize("spoil, words", [
    (lambda files: os.chmod(os.path.join(files.folder, "director.key"), 0o644), "director.key"),
    (lambda files: os.unlink(os.path.join(files.folder, "ca.pem")), "ca.pem"),
    (lambda files: shutil.copyfile(os.path.join(files.folder, "ca.pem"), os.path.join(files.folder, "director.pem")), "key"),
], ids=["a key that others can read", "no CA", "a certificate of another key"])
def test_a_file_that_is_no_good_keeps_the_generation_in_force(net, spoil, words):
    net.start()
    wait_for(lambda: states(net), {"health": "up", "certificate": "up"}, what="both checks pass")
    spoil(net.files)
    code, said = net.reload()
    assert code == 1 and words in said and "lbha.conf:" in said, said
    served = len(net.server.requests)
    wait_until(lambda: len(net.server.requests) > served + 1, what="probes going on")
    assert states(net) == {"health": "up", "certificate": "up"}


def test_the_private_key_is_shown_nowhere(net):
    net.start()
    wait_for(lambda: states(net), {"health": "up", "certificate": "up"}, what="both checks pass")
    with open(os.path.join(net.files.folder, "director.key"), encoding="ascii") as file:
        secret = file.read().splitlines()[1]
    assert secret not in net.ctl("config") + net.ctl("status", "--json") + net.log
