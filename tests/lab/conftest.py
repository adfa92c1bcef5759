"""The networks of etc/examples that lab tests share: built once per module, brought back to peace before each test."""
import pytest

from lbhatest import Lab
from lbhatest.examples import WebCluster, example

LAN = {"network": "192.168.8.0/24", "vip": "192.168.8.200", "client": "192.168.8.100",
       "servers": {"a": "192.168.8.20", "b": "192.168.8.30"}}


@pytest.fixture(scope="module")
def module_lab(request):
    with Lab(request.module.__name__) as lab:
        request.module.shared_lab = lab
        yield lab


@pytest.fixture(scope="module")
def dr_single(module_lab):
    cluster = WebCluster(module_lab, example("dr-single"), directors={"lb1": "192.168.8.10"}, **LAN)
    cluster.file.look()
    return cluster.start()


@pytest.fixture(scope="module")
def pair_of_module(module_lab):
    cluster = WebCluster(module_lab, example("dr-pair"), directors={"lb1": "192.168.8.10", "lb2": "192.168.8.11"}, **LAN)
    cluster.file.look()
    return cluster


@pytest.fixture
def dr_pair(pair_of_module):
    return pair_of_module.start()


@pytest.fixture
def dr_136(lab):
    cluster = WebCluster(lab, example("dr-136"), network="192.168.136.0/24", vip="192.168.136.200",
                         client="192.168.136.10", directors={"director": "192.168.136.100"},
                         servers={"one": "192.168.136.120", "two": "192.168.136.130"})
    cluster.file.look()
    return cluster.start()
