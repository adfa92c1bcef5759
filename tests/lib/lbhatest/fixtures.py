"""The pytest side: the fixture `lab`, the report of what every host knew when a test failed, and a time limit per test.

A test that may take longer than a minute says so: @pytest.mark.limit(seconds). One that keeps a CPU busy or floods says
so too, @pytest.mark.alone: others that run beside it would be late.
"""
import os
import re
import signal

import pytest

from .lab import Lab
from .waiting import patience

LIMIT = 60


class TooLong(Exception):
    """Not an AssertionError: no wait may take it for a value that is not there yet."""


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): the test may take this long")
    config.addinivalue_line("markers", "alone: the test loads the machine; no other may run beside it")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    marker = item.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else LIMIT) * patience()

    def too_long(*_):
        raise TooLong(f"the test took longer than {seconds:g}s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def lab(request):
    """The network of one test."""
    with Lab(request.node.name) as one:
        request.node.lab = one
        yield one


def lab_of(item):
    return getattr(item, "lab", None) or getattr(item.module, "shared_lab", None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    lab_used = lab_of(item)
    if not report.failed or lab_used is None or call.when == "teardown":
        return
    report.sections.append(("what every host knew", lab_used.report()))
    kept = os.environ.get("LBHA_LAB_OUTPUT")
    if kept:
        lab_used.keep(os.path.join(kept, re.sub(r"[^\w.-]+", "_", item.nodeid)))
