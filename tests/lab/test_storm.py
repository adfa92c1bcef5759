"""Whatever happens to one of two directors, in any order: clients see at most what is promised, no two masters last, and the
tables are what the file and the servers say. See lbhatest/storm.py for the promises.

LBHA_SEED repeats a run, LBHA_SECONDS says how long (60; --long has a step of ten minutes), LBHA_STEPS=stop,crash takes these alone, LBHA_FIRST
begins with that step.
"""
import os
import random
import time

import pytest

from lbhatest.storm import Storm

SECONDS = float(os.environ.get("LBHA_SECONDS", 60))


@pytest.mark.limit(120 + SECONDS)
def test_nothing_is_lost_whatever_happens_to_a_director(lab):
    seed = int(os.environ.get("LBHA_SEED", random.randrange(1 << 32)))
    number, names = int(os.environ.get("LBHA_FIRST", 0)), os.environ.get("LBHA_STEPS")
    print(f"LBHA_SEED={seed}")
    storm = Storm(lab, seed)
    with storm.running():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            storm.take(number, names and names.split(","))
            number += 1
