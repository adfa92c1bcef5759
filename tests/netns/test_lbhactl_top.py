"""lbhactl top on a terminal and without one; this kernel has no IPVS: what goes through it is for tests/lab."""
import os
import pty
import signal
import termios

import pytest

from lbhatest import wait_until

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.168.8.200/32]}
"""


@pytest.fixture
def lb1(lab):
    director = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config=CONFIG)
    director.start()
    return director


class Terminal:
    """lbhactl on a terminal of 24 lines and 80 columns."""

    def __init__(self, director, *words, term="xterm", before=()):
        self.here, there = pty.openpty()
        termios.tcsetwinsize(there, (24, 80))
        self.before = termios.tcgetattr(there)
        env = {**os.environ, "TERM": term}
        self.process = director.host.start(*before, *director.ctl_command(*words), stdin=there, stdout=there, stderr=there,
                                           env={key: value for key, value in env.items() if value is not None})
        self.there, self.text = there, ""
        os.set_blocking(self.here, False)

    def read(self):
        try:
            self.text += os.read(self.here, 65536).decode(errors="replace")
        except BlockingIOError:
            pass
        return self.text

    def wait(self, *words):
        wait_until(lambda: all(word in self.read() for word in words), 10, f"{words} on the terminal: {self.text}")

    def press(self, key):
        self.text = ""
        os.write(self.here, key.encode())

    def settings(self):
        return termios.tcgetattr(self.there)[:4]

    def ended(self):
        """With 0, the screen and the terminal's settings given back."""
        assert self.process.wait(10) == 0
        assert self.read().endswith("\033[?25h\033[?1049l")
        assert self.settings() == self.before[:4]


def test_keys_sort_and_quit(lb1):
    terminal = Terminal(lb1, "top")
    terminal.wait("\033[?1049h", "0 services by active connections", "q quit")
    assert terminal.settings() != terminal.before[:4]
    terminal.press("n")
    terminal.wait("by name")
    for key, shown in ((">", "by active connections"), ("\033[C", "by new connections"), ("<<<<", "by name"), ("\033OC", "by active"),
                       ("oo", "by bytes out"), ("r", "by bytes out, reversed"), ("\033[D", "by bytes in, reversed"), ("r", "by bytes in\033[K")):
        terminal.press(key)
        terminal.wait(shown)
    terminal.press("x\033q")  # keys of no meaning do nothing, and none is lost behind them
    terminal.ended()


def test_another_size_is_drawn_at_once_and_a_narrow_terminal_cuts_lines(lb1):
    terminal = Terminal(lb1, "top")
    terminal.wait("\033[?7l", "by active connections")
    terminal.text = ""
    termios.tcsetwinsize(terminal.there, (10, 40))
    terminal.process.send_signal(signal.SIGWINCH)
    terminal.wait("by active connections", "q quit")
    terminal.press("q")
    terminal.ended()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_terminal_back(lb1, number):
    terminal = Terminal(lb1, "top")
    terminal.wait("by active connections")
    terminal.process.send_signal(number)
    terminal.ended()


def test_the_terminal_is_given_back_when_the_daemon_ends(lb1):
    terminal = Terminal(lb1, "top")
    terminal.wait("by active connections")
    lb1.stop()
    assert terminal.process.wait(10) == 1
    assert terminal.settings() == terminal.before[:4]
    terminal.wait("\033[?25h\033[?1049l", "lbhactl: ")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again(lb1):
    script = '"$@"; echo "the shell"; read -r; fg'
    terminal = Terminal(lb1, "top", before=("setsid", "--ctty", "bash", "-mc", script, "bash"))
    terminal.wait("\033[?1049h", "by active connections")
    terminal.press("\x1a")
    terminal.wait("\033[?7h\033[?25h\033[?1049l", "the shell")
    assert terminal.settings() == terminal.before[:4]
    terminal.press("\n")
    terminal.wait("\033[?1049h\033[?25l\033[?7l", "by active connections")
    assert terminal.settings() != terminal.before[:4]
    terminal.press("n")
    terminal.wait("by name")
    terminal.press("\x1a")  # not only the first time
    terminal.wait("\033[?1049l")
    assert terminal.process.wait(10) != 0  # the shell's script ends there


def test_whoever_goes_on_after_a_stop_takes_the_terminal_again(lb1):
    terminal = Terminal(lb1, "top")
    terminal.wait("by active connections")
    raw = terminal.settings()
    terminal.process.send_signal(signal.SIGSTOP)
    termios.tcsetattr(terminal.there, termios.TCSANOW, terminal.before)
    terminal.text = ""
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait("\033[?1049h", "by active connections")
    assert terminal.settings() == raw
    terminal.press("q")
    terminal.ended()


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_that_takes_no_escapes_gets_one_table(lb1, term):
    terminal = Terminal(lb1, "top", term=term)
    assert terminal.process.wait(10) == 0
    assert "SERVICE, SERVER" in terminal.read() and "\033" not in terminal.text


def test_what_is_no_terminal_gets_one_table(lb1):
    said = lb1.ctl("top", "--once")
    assert said.splitlines()[1].split() == ["SERVICE,", "SERVER", "STATE", "ACTIVE", "INACT", "NEW/s", "IN", "B/s",
                                            "OUT", "B/s"]
    assert "\033" not in said and max(map(len, said.splitlines())) <= 80
