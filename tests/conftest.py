"""Tests between namespaces (netns) and in the lab (lab) share tests/lib."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from lbhatest.fixtures import *  # noqa: E402,F401,F403: fixtures and hooks
