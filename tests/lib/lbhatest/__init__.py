"""What the namespace tests (tests/netns), the lab tests (tests/lab) and scripts/demo are written with.

Hosts are namespaces that die with the test process; see hosts.py. Lab, in lab.py, is what a test gets as its fixture.
"""
from .capture import Capture, Frame
from .director import Director
from .frr import Frr
from .hosts import Host, Segment
from .ipvs import Destination, Table
from .keepalived import Keepalived
from .lab import Lab
from .traffic import Answer, Client, Fetching, WebServer
from .waiting import patience, wait_for, wait_until
