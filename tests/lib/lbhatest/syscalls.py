"""A director whose system calls fail as a test orders it: lbhad under syscall-fault (tests/netns/syscall_fault.c)."""
import collections
import os
import signal

from .director import program
from .waiting import wait_until

ARM, END = signal.SIGRTMIN, signal.SIGRTMIN + 1

Fault = collections.namedtuple("Fault", "role number call error")


class Injected:
    """Of a director that is not started yet."""

    def __init__(self, director):
        self.director = director
        self.order_file, self.report_file = director.host.log_file("order"), director.host.log_file("report")
        command, environment = director.command, director.environment
        director.command = lambda *more: [program("syscall-fault"), self.order_file, self.report_file, *command(*more)]
        director.environment = lambda **more: environment(ASAN_OPTIONS="detect_leaks=0", **more)  # it is a tracer of its own

    def write_order(self, role, number, error=0, times=1, call="", first=-1, third=-1):
        """See syscall_fault.c."""
        with open(self.order_file, "w") as file:
            file.write(f"{role} {number} {error} {times} {call} " + (f"{first} {third}\n" if call else "\n"))

    def report(self, word):
        """The lines of the report that begin so, as lists of the words behind it."""
        with open(self.report_file) as file:
            return [line.split()[1:] for line in file if line.split()[0] == word]

    def arm(self, *order, **more):
        self.write_order(*order, **more)
        before = len(self.report("armed"))
        self.director.process.send_signal(ARM)
        wait_until(lambda: len(self.report("armed")) > before or not self.director.is_running, 5, "the order is read")

    def disarm(self):
        """How many calls were counted."""
        if self.director.is_running and os.path.exists(self.order_file):
            before = len(self.report("counted"))
            self.director.process.send_signal(END)
            wait_until(lambda: len(self.report("counted")) > before or not self.director.is_running, 5, "the order is over")
        counted = self.report("counted")
        return int(counted[-1][1]) if counted else 0

    def forget_orders(self):
        if os.path.exists(self.order_file):
            os.unlink(self.order_file)

    def failed(self):
        """What failed first by the last order."""
        found = None
        with open(self.report_file) as file:
            for word, *more in map(str.split, file):
                if word == "armed":
                    found = None
                elif word == "failed" and not found:
                    found = Fault(*more)
        return found
