"""Waiting for something to become true, with a deadline, and saying what was seen instead when it does not.

Tests never sleep and hope. Deadlines are given as on a machine of its own; under emulation they are stretched.
"""
import os
import time

# How many times longer everything may take where the lab is emulated.
PATIENCE = {"tcg": 5.0}


def patience():
    return PATIENCE.get(os.environ.get("LBHA_LAB", ""), 1.0)


def shown(value, limit=600):
    text = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
    return text if len(text) <= limit else text[:limit] + " …"


class Watch:
    """Remembers the different values that were seen, and when each was first seen."""

    def __init__(self):
        self.started = time.monotonic()
        self.values = []

    def saw(self, value):
        text = shown(value)
        if not self.values or self.values[-1][1] != text:
            self.values.append((time.monotonic() - self.started, text))

    def story(self, last=8):
        lines = [f"  at {when:6.2f}s  {text}" for when, text in self.values[-last:]]
        if len(self.values) > last:
            lines.insert(0, f"  ({len(self.values) - last} earlier values left out)")
        return "\n".join(lines) or "  nothing at all"


def poll(read, is_enough, within, what, every):
    watch = Watch()
    deadline = watch.started + within * patience()
    while True:
        good = False
        try:
            value = read()
            good = is_enough(value)
        except (OSError, LookupError, ValueError, AssertionError, StopIteration) as problem:
            value = problem
        watch.saw(value)
        if good:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {within * patience():g}s; what was seen:\n{watch.story()}")
        time.sleep(every)


def wait_until(condition, within=5, what="a condition", every=0.02):
    """Call condition() until it is true, and return what it returned. An exception in it counts as "not yet"."""
    return poll(condition, bool, within, what, every)


def wait_for(read, wanted, within=5, what=None, every=0.02):
    """Read a value until it is the wanted one (or satisfies it, if that is a function). Tells all values seen."""
    if callable(wanted):
        return poll(read, wanted, within, what or "a value", every)
    return poll(read, lambda value: value == wanted, within, what or f"waiting for {wanted!r}", every)
