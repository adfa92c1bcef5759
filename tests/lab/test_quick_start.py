"""A first-time walk: doc/guide/quick-start.md by its commands alone, on machines that have never heard of lbha. Packages are
those that the step `packages` of scripts/test has built, each machine is a clean Debian (lbhatest.debian)."""
import os

import pytest

from lbhatest.debian import DebianMachine, clean_root
from lbhatest.director import build_folder
from lbhatest.examples import example
from lbhatest.walk import Plain, Walk

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PAGE = os.path.join(SOURCE, "doc/guide/quick-start.md")


class BuildMachine:
    """The packages are there already: a command is right if it is what has made them."""

    BY_OTHERS = "apt build-dep ."  # a machine that builds has them

    def ask(self, *words):
        with open(os.path.join(SOURCE, "tests/packages/make")) as file:
            return (0, "") if words[-1] == self.BY_OTHERS or words[-1] in file.read() else (1, "this is not how they are built")


@pytest.fixture(scope="module")
def hosts(module_lab):
    clean_root()
    lab = module_lab
    lan = lab.segment("lan", "192.168.8.0/24")
    machines = {}
    for name, address in (("lb1", "192.168.8.10"), ("lb2", "192.168.8.11"), ("a", "192.168.8.20"), ("b", "192.168.8.30")):
        machines[name] = DebianMachine(lab.host(name, (lan, address)))
        lab.reporters.append((name, machines[name].report))
    for name in "a", "b":
        lab.serve(machines[name].host)
    client = Plain(lab.client("client", lan, "192.168.8.100").host, build_folder())
    yield {**machines, "client": client, "build": BuildMachine()}
    for machine in machines.values():
        machine.close()


@pytest.mark.limit(100)
def test_from_clean_machines_to_a_working_pair_and_back(hosts):
    links = {name: hosts[name].host.addresses("lo") for name in ("lb1", "lb2", "a", "b")}
    tables = {name: hosts[name].host.run("ipvsadm", "-Sn") for name in ("lb1", "lb2")}
    walk = Walk(PAGE, hosts, ("lb1", "lb2"), everybody=("lb1", "lb2", "a", "b"))
    whole = [line for line in example("dr-pair").splitlines() if not line.startswith("#")]
    assert [line for block in walk.blocks if block[1] == "yaml" for line in block[2]] == whole, "the change is one of this example"
    assert walk.walk() > 25
    assert {name: hosts[name].host.addresses("lo") for name in links} == links
    assert {name: hosts[name].host.run("ipvsadm", "-Sn") for name in tables} == tables
