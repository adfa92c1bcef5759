"""Pages of doc/guide about a pair at work, walked command by command (lbhatest.walk): the pair of dr-pair, whose directors have
a real systemd and lbha.service, and whose servers are set up by lbha-rs from the same file."""
import os

import pytest

from lbhatest import wait_until
from lbhatest.director import build_folder
from lbhatest.examples import example
from lbhatest.systemd import Systemd
from lbhatest.walk import Plain, Walk

GUIDE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../doc/guide"))
CONFIG = example("dr-pair")


@pytest.fixture(scope="module")
def hosts(module_lab):
    lab = module_lab
    lan = lab.segment("lan", "192.168.8.0/24")
    directors = {name: Systemd(lab.host(name, (lan, address)), CONFIG)
                 for name, address in (("lb1", "192.168.8.10"), ("lb2", "192.168.8.11"))}
    for name, director in directors.items():
        lab.reporters.append((name, director.report))
    others = {name: Plain(lab.real_server(name, lan, address).host, build_folder())
              for name, address in (("a", "192.168.8.20"), ("b", "192.168.8.30"))}
    others["client"] = Plain(lab.client("client", lan, "192.168.8.100").host, build_folder())
    for name in "a", "b":
        others[name].write(Walk.CONFIG, CONFIG, 0o600)
    yield {**directors, **others}
    for director in directors.values():
        director.close()


@pytest.fixture
def at_work(hosts):
    """Both directors run with the file of the network, lb1 is MASTER, both servers are set up and up."""
    for name in "a", "b":
        assert hosts[name].ask("lbha-rs", "setup")[0] == 0
    for name in "lb1", "lb2":
        hosts[name].write(Walk.CONFIG, CONFIG, 0o600)
        hosts[name].run("systemctl", "reload-or-restart", "lbha")
    wait_until(lambda: (hosts["lb1"].role(), hosts["lb2"].role()) == ("MASTER", "BACKUP"), 15, "lb1 is MASTER")
    wait_until(lambda: all(hosts[name].status()["services"][0]["state"] == "up" for name in ("lb1", "lb2")), 15, "web is up")
    return hosts


@pytest.mark.limit(150)
@pytest.mark.parametrize("page", ["operations", "security", "scale", "troubleshooting"])
def test_every_command_of_the_page_does_what_it_says(at_work, page):
    walk = Walk(os.path.join(GUIDE, page + ".md"), at_work, ("lb1", "lb2"))
    assert walk.walk() >= 2
