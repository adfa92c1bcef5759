"""lbha-checkd alone, driven by tests/unit/checkd_driver.c. Servers that misbehave as told: lbhatest.rogue."""
import contextlib
import json
import os
import subprocess
import threading

from lbhatest import wait_until
from lbhatest.director import program

NOBODY = 65534


class Checkd:
    """The check worker under its driver; as nobody when we are root, unless told otherwise. What it says is in `said`."""

    def __init__(self, host=None, files=0, environment=None, as_nobody=True):
        command = [program("checkd-driver"), "--files", str(files)]
        if os.geteuid() == 0 and as_nobody:
            command += ["--uid", str(NOBODY)]
        command.append(program("lbha-checkd"))
        options = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       env=dict(os.environ, **(environment or {})))
        self.process = host.start(*command, **options) if host else subprocess.Popen(command, **options)
        self.said, self.errors = [], []
        self.readers = [threading.Thread(target=self._read, args=(self.process.stdout, self._said)),
                        threading.Thread(target=self._read, args=(self.process.stderr, self.errors.append))]
        for reader in self.readers:
            reader.start()
        self.generation = 0

    def _read(self, stream, take):
        for line in stream:
            take(line)

    def _said(self, line):
        self.said.append(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        """The supervisor goes without a word; returns when the worker has gone, too."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            for reader in self.readers:
                reader.join()

    def tell(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def _prepare(self, word, lines):
        before = len(self.said)
        self.tell(*lines, word)
        return wait_until(lambda: [one for one in self.said[before:] if "prepared" in one], what="an answer to prepare")[0]

    def load(self, *lines):
        """The next generation: PREPARE, COMMIT, APPLIED. Returns the lines of the plan."""
        answer = self._prepare("commit", lines)
        assert answer["prepared"], answer
        self.generation += 1
        number = wait_until(lambda: [one for one in self.said if "committed" in one][self.generation - 1:], what="a commit")
        wait_until(lambda: {"sync": number[0]["committed"]} in self.said, what="all facts")
        return answer["lines"]

    def plan(self, *lines):
        return self._prepare("plan", lines)["lines"]

    def release(self):
        self.tell("release")
        wait_until(lambda: {"exited": 0} in self.said, what="the end of the worker")

    def leave_carry(self, path):
        """LEAVE: what the worker hands over is in that file. Returns its size."""
        self.tell(f"leave {path}")
        wait_until(lambda: {"exited": 0} in self.said, what="the end of the worker")
        return next(one["left"] for one in self.said if "left" in one)

    def inherit(self, path, *lines):
        """As load, with what a predecessor left in that file."""
        self.tell(f"inherit {path}")
        return self.load(*lines)

    @property
    def pid(self):
        return next(one["pid"] for one in list(self.said) if "pid" in one)

    def facts(self, **wanted):
        return [one for one in list(self.said) if "verdict" in one and all(one[key] == wanted[key] for key in wanted)]

    def fact(self, **wanted):
        """The latest one."""
        facts = self.facts(**wanted)
        return facts[-1] if facts else None

    def wait_fact(self, within=5, what="a fact", **wanted):
        """The first fact with these values since the worker was started."""
        return wait_until(lambda: self.facts(**wanted), within, f"{what} {wanted}; errors: {self.errors[-5:]}")[0]

    def wait_next(self, within=5, **wanted):
        """A fact with these values that is said from now on."""
        before = len(self.facts(**wanted))
        return wait_until(lambda: self.facts(**wanted)[before:], within, f"another fact {wanted}")[0]

    def ended_first(self, **wanted):
        """The first fact about a probe that has ended."""
        return wait_until(lambda: [one for one in self.facts(**wanted) if one["reason"] != "none"], 5,
                          f"an ended probe {wanted}; errors: {self.errors[-5:]}")[0]
