"""What people type wrong, and what they are told: where it stands, what it is, and what to write instead."""
import os
import re

import pytest

from lbhatest.authority import Authority, CheckFiles
from lbhatest.director import program
from lbhatest.examples import EXAMPLES, example

GOOD = """cluster: shop
directors:
  lb1: {address: 192.168.8.10, priority: 150, interfaces: {lan: eth0}}
vrrp:
  - name: public
    interface: lan
    virtual_router_id: 51
    virtual_addresses: [192.168.8.200/24]
services:
  - name: web
    listen: 192.168.8.200:80
    scheduler: rr
    check: {type: tcp}
    real_servers:
      - 192.168.8.20
"""


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=GOOD)


def checked(director, text=None):
    """(exit code, what was said) of lbhad --check."""
    if text is not None:
        director.configure(text)
    return director.host.status_of(*director.command("--check"), env=director.environment())


def line_of(text, part):
    return 1 + text[:text.index(part)].count("\n")


def test_a_good_file_is_accepted(lb1):
    assert checked(lb1) == (0, "")


@pytest.mark.parametrize("name", sorted(name[:-5] for name in os.listdir(EXAMPLES) if name.endswith(".conf")))
def test_every_example_is_accepted_without_a_warning(lb1, name, tmp_path):
    lb1.configure(example(name))
    with open(os.path.join(os.path.dirname(lb1.config_file), "vrrp.key"), "w") as key:
        os.fchmod(key.fileno(), 0o600)
        key.write("only8byt\n")
    CheckFiles(lb1, Authority(tmp_path, "any"))
    for_every_node = [program("lbhad"), "--check", "-f", lb1.config_file]
    assert lb1.host.status_of(*for_every_node) == (0, "")


@pytest.mark.parametrize("right, wrong, words", [
    ("scheduler: rr", "schedular: rr", ["unknown key", 'did you mean "scheduler"']),
    ("scheduler: rr", "scheduler: round-robin", ["scheduler"]),
    ("- 192.168.8.20", "- 192.168.8.256", ["192.168.8.256"]),
    ("virtual_router_id: 51", "virtual_router_id: 0", ["virtual_router_id"]),
    ("virtual_router_id: 51", "virtual_router_id: 256", ["virtual_router_id"]),
    ("virtual_addresses: [192.168.8.200/24]", "virtual_addresses: [192.168.8.200/24, 192.168.8.200/24]", ["192.168.8.200"]),
    ("- 192.168.8.20", "- 192.168.8.20:8080", ["8080", "dr"]),
    ("check: {type: tcp}", "check: {type: tcp, interval: 5}", ["interval"]),
    ("interface: lan", "interface:", ["interface"]),
    ("priority: 150", "priority: high", ["priority"]),
], ids=["misspelt key", "unknown scheduler", "bad address", "router id 0", "router id 256", "an address twice",
        "port mapping in dr", "duration without a unit", "key without a value", "word for a number"])
def test_an_error_names_the_place_and_the_matter(lb1, right, wrong, words):
    assert right in GOOD
    text = GOOD.replace(right, wrong)
    code, said = checked(lb1, text)
    assert code == 1
    line = line_of(text, wrong)
    assert re.search(rf"lbha\.conf:{line}:\d+: error: ", said), said
    for word in words:
        assert word in said


def test_all_errors_come_at_once_and_are_counted(lb1):
    text = (GOOD.replace("scheduler", "schedular").replace("virtual_router_id: 51", "virtual_router_id: 0")
            .replace("192.168.8.20\n", "192.168.8.256\n"))
    code, said = checked(lb1, text)
    assert code == 1
    assert said.count(": error: ") == 3
    assert re.match(r"3 errors", said.strip().splitlines()[-1])


def test_one_address_in_two_instances_is_an_error(lb1):
    text = GOOD.replace("services:", """  - name: second
    interface: lan
    virtual_router_id: 52
    virtual_addresses: [192.168.8.200/24]
services:""")
    code, said = checked(lb1, text)
    assert code == 1 and "192.168.8.200" in said


def test_a_file_that_is_not_there_is_said_so(lb1):
    os.unlink(lb1.config_file)
    code, said = checked(lb1)
    assert code == 2
    assert lb1.config_file in said and "No such file" in said


def test_a_file_that_is_no_yaml_is_said_so(lb1):
    code, said = checked(lb1, "vrrp: [\n")
    assert code == 1
    assert re.search(r"lbha\.conf:\d+:\d+: error: ", said)
