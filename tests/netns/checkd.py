"""lbha-checkd alone, driven by tests/unit/checkd_driver.c, and servers that misbehave as told."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

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


class Connection:
    """What a script of a server works with."""

    def __init__(self, server, socket_):
        self.server, self.socket = server, socket_

    def request(self):
        """Read up to the end of the headers; what came, also when the client has gone."""
        data = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data:
                more = self.socket.recv(65536)
                if not more:
                    break
                data += more
        self.server.requests.append(data)
        return data

    def send(self, data):
        """False when the client has gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def drip(self, data, every=0.05):
        for byte in data:
            if not self.send(bytes([byte])) or self.server.closing.wait(every):
                return False
        return True

    def wait_gone(self):
        """Until the client closes (True) or resets (False)."""
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            return False
        return True

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Server:
    """Listens on loopback (or where told) and runs script(connection) for each connection in a thread of its own."""

    def __init__(self, script, address="127.0.0.1", port=0, host=None):
        self.script, self.closing = script, threading.Event()
        self.requests, self.begun, self.peers = [], [], []
        self.open = self.most_open = 0
        self.lock = threading.Lock()
        self.connections = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with host.inside() if host else contextlib.nullcontext():
            self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(256)
        self.port = self.socket.getsockname()[1]
        self.target = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def __enter__(self):
        return self

    def refuse(self):
        """Listen no more; connections that stand are left alone."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def __exit__(self, *_):
        self.closing.set()
        self.refuse()
        with self.lock:
            left = list(self.connections)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: not self.connections, what="the end of all scripts")

    def _accept(self):
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.begun.append(time.monotonic())
                self.peers.append(peer[0])
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with contextlib.suppress(OSError):
                self.script(Connection(self, connection))
        finally:
            connection.close()
            with self.lock:
                self.open -= 1
                self.connections.discard(connection)


def refusing_port():
    """A port of loopback on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def full_backlog():
    """A listener that accepts nobody and whose queue is full: SYNs are dropped. Gives the target."""
    with contextlib.ExitStack() as kept:
        listener = kept.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            one = kept.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect(listener.getsockname())
            except TimeoutError:
                break
        yield "127.0.0.1:%d" % listener.getsockname()[1]


def answer(status="200 OK", body=b"fine", headers=b""):
    """A script: read the request, answer like this, close."""
    def script(connection):
        connection.request()
        connection.send(b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n" + body)
        connection.wait_gone()
    return script
