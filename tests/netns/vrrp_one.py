"""One director with one address, whose other one may come: for tests of the daemon rather than of VRRP."""
import pytest

VIP = "192.168.8.200"

CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
"""


@pytest.fixture
def lan(lab):
    return lab.segment("lan", "192.168.8.0/24")


@pytest.fixture
def lb1(lab, lan):
    return lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)
