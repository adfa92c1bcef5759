"""An upgrade with real IPVS: no connection is cut, nothing is programmed, no verdict is lost; also when it comes to nothing."""
import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.stream import Download
from test_restart import VIP, Network, known


@pytest.fixture(scope="module")
def network(request):
    with Lab("test_upgrade") as lab:
        request.module.shared_lab = lab
        network = Network(lab)
        network.lb1.install()
        yield network.start()


def test_an_upgrade_cuts_no_connection_and_programs_nothing(network):
    lb1 = network.lb1
    wait_for(lambda: set(known(lb1).values()), {"up"}, 10)
    lb1.ctl("drain", "web", "192.168.8.30")
    wait_for(lambda: lb1.server("192.168.8.30", "web")["effective_weight"], 0, 10)
    before, rules, operations = lb1.ipvs(), lb1.rules(), lb1.status()["ipvs"]["operations"]
    download = Download(network.client)
    with network.client.fetching(VIP) as fetching:
        download.goes_on()
        for checkd, status in ("/bin/false", 1), ("next-lbha-checkd", 0):   # refused, then done
            lb1.install("next-lbhad", checkd)
            code, said = lb1.ctl_status("upgrade")
            assert code == status, said
            assert lb1.ipvs() == before and lb1.rules() == rules
            download.goes_on()
        wait_for(lambda: lb1.status()["build"], "next+1", 10)
        wait_for(lambda: set(known(lb1).values()), {"up"}, 1)
        good = fetching.ok
        wait_until(lambda: fetching.ok > good + 20, what="good answers")
    assert fetching.failed == 0, fetching
    assert lb1.role() == "MASTER" and lb1.vrrp()["transitions"] <= 2
    assert lb1.status()["ipvs"]["operations"] == operations
    assert lb1.server("192.168.8.30", "web")["admin"] == "drained"
    assert lb1.ipvs() == before and lb1.rules() == rules
    download.socket.close()
