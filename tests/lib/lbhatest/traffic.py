"""Web servers and clients. Both live in the test process and open their sockets on the host they belong to.

A fetch is a small state machine on a non-blocking socket. client.get() drives one of them to its end; Fetching starts one
at every tick, whatever became of those before, so that a retransmission timer in one connection never hides when the
service was back for the next one.
"""
import collections
import errno
import ipaddress
import os
import selectors
import socket
import threading
import time

from .waiting import patience

IP_FREEBIND = 15


def family_of(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


# --- servers ----------------------------------------------------------------------------------------------------------

class WebServer:
    """An HTTP server with one page, by default the name of its host. One thread, one connection per request.

    stop() closes the port (clients are refused); pause() leaves it open and answers nobody, as a hung server does.
    """

    def __init__(self, host, port=80, body=None, address="::"):
        self.host, self.port, self.address = host, port, address
        self.body = host.name if body is None else body
        self.status = "200 OK"
        self.requests = 0
        self.paused = False
        self.thread = None
        host.servers.append(self)
        self.start()

    def __str__(self):
        return f"web server on {self.host.name} port {self.port}"

    def start(self):
        assert self.thread is None, f"{self} runs"
        with self.host.inside():
            self.listener = socket.socket(family_of(self.address), socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((self.address, self.port))
            self.listener.listen(256)
        self.listener.setblocking(False)
        self.wakeup, self.waker = socket.socketpair()
        self.paused = False
        self.thread = threading.Thread(target=self._serve, name=str(self), daemon=True)
        self.thread.start()

    def stop(self):
        if self.thread:
            self.waker.send(b"x")
            self.thread.join()
            self.thread = None
            self.waker.close()
            self.wakeup.close()

    close = stop

    def pause(self):
        self.paused = True
        self._order(b"p")

    def resume(self):
        self.paused = False
        self._order(b"r")

    def _order(self, order):
        self.waker.send(order)
        self.waker.recv(1)    # it is obeyed when we return

    def answer(self):
        body = self.body.encode()
        return (f"HTTP/1.1 {self.status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
                f"Connection: close\r\n\r\n").encode() + body

    def _serve(self):
        open_sockets = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self.wakeup, selectors.EVENT_READ)
            selector.register(self.listener, selectors.EVENT_READ)
            running = True
            while running:
                for key, _ in selector.select():
                    if key.fileobj is self.wakeup:
                        running = not self._woken(selector)
                    elif key.fileobj is self.listener:
                        self._accept(selector, open_sockets)
                    else:
                        self._converse(selector, open_sockets, key.fileobj)
        self.listener.close()
        for connection in open_sockets:
            connection.close()

    def _woken(self, selector):
        """True if it is time to stop. While paused only the waker is listened to."""
        order = self.wakeup.recv(1)
        if order == b"p" and self.listener in selector.get_map():
            selector.unregister(self.listener)
        elif order == b"r" and self.listener not in selector.get_map():
            selector.register(self.listener, selectors.EVENT_READ)
        self.wakeup.send(b"k")
        return order == b"x"

    def _accept(self, selector, open_sockets):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        open_sockets[connection] = b""
        selector.register(connection, selectors.EVENT_READ)

    def _converse(self, selector, open_sockets, connection):
        try:
            data = connection.recv(4096)
            open_sockets[connection] += data
            if data and b"\r\n\r\n" not in open_sockets[connection]:
                return
            if data:
                self.requests += 1
                connection.send(self.answer())
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        selector.unregister(connection)
        del open_sockets[connection]
        connection.close()

    def summary(self):
        state = "paused" if self.paused else "running" if self.thread else "stopped"
        return f"{state}, {self.requests} requests, answers {self.status!r} with {self.body!r}"


# --- clients ----------------------------------------------------------------------------------------------------------

class Answer:
    """What became of one fetch: status and body, or an error; seconds says how long it took."""

    def __init__(self, status, body, seconds, error):
        self.status, self.body, self.seconds, self.error = status, body, seconds, error

    @property
    def ok(self):
        return self.error is None and 200 <= self.status < 300

    @property
    def was_cut(self):
        """The connection was made, and reset before the answer came."""
        return self.error == os.strerror(errno.ECONNRESET)

    def __repr__(self):
        what = self.error or f"{self.status} {self.body!r}"
        return f"<{what} after {self.seconds * 1000:.1f} ms>"


class Fetch:
    """One HTTP request over a new connection. step() when its socket is ready; answer is set when it is over."""

    def __init__(self, address, port, path, timeout, source=None):
        self.started = time.monotonic()
        self.deadline = self.started + timeout
        self.answer = None
        self.received = b""
        self.request = (f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").encode()
        self.events = selectors.EVENT_WRITE
        self.socket = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.socket.setblocking(False)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect((address, port))
        except BlockingIOError:
            pass
        except OSError as problem:
            self._end(error=str(problem))

    def _end(self, status=None, body=None, error=None):
        self.answer = Answer(status, body, time.monotonic() - self.started, error)
        self.finished = time.monotonic()
        self.socket.close()

    def step(self):
        try:
            if self.request:
                problem = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if problem:
                    raise OSError(problem, "connect: " + os.strerror(problem))
                self.socket.send(self.request)
                self.request, self.events = None, selectors.EVENT_READ
                return
            data = self.socket.recv(65536)
            self.received += data
            if not data:
                self._parse()
        except BlockingIOError:
            pass
        except OSError as problem:
            self._end(error=problem.strerror or str(problem))

    def _parse(self):
        head, _, body = self.received.partition(b"\r\n\r\n")
        words = head.split(None, 2)
        if len(words) < 2 or not words[1].isdigit():
            self._end(error=f"no HTTP answer: {self.received[:60]!r}")
        else:
            self._end(int(words[1]), body.decode(errors="replace"))

    def give_up(self):
        phase = "connecting" if self.request else "waiting for the answer"
        self._end(error=f"time out while {phase}")


def drive(fetches, until):
    """Step those fetches whose sockets are ready, until one needs nothing more or the time is `until`."""
    with selectors.PollSelector() as selector:
        for fetch in fetches:
            selector.register(fetch.socket, fetch.events, fetch)
        limit = min([until] + [fetch.deadline for fetch in fetches])
        for key, _ in selector.select(max(0, limit - time.monotonic())):
            key.data.step()
    now = time.monotonic()
    for fetch in fetches:
        if fetch.answer is None and now >= fetch.deadline:
            fetch.give_up()


class Client:
    """A browser on a host."""

    def __init__(self, host):
        self.host = host

    def get(self, address, port=80, path="/", timeout=2, source=None):
        with self.host.inside():
            fetch = Fetch(address, port, path, timeout * patience(), source)
        while fetch.answer is None:
            drive([fetch], fetch.deadline)
        return fetch.answer

    def get_many(self, count, address, **options):
        """The answers of so many fetches, one after another."""
        return [self.get(address, **options) for _ in range(count)]

    def fetching(self, address, port=80, path="/", every=None, timeout=5):
        """`with client.fetching(vip) as fetching:` fetches all the time, at a fixed beat, until the block ends."""
        return Fetching(self.host, address, port, path, every or 0.02 * patience(), timeout * patience())


class Fetching:
    """A client that fetches at a fixed beat. It counts ok and failed (and of those cut: reset while the answer was awaited),
    errors, served_by, longest_gap_ms, slowest_ms.

    The longest gap is the longest time without a good answer, from the first good answer to the end. It can be read in
    the block too.
    """

    def __init__(self, host, address, port, path, every, timeout):
        self.host, self.every = host, every
        self.target = (address, port, path, timeout)
        self.ok = self.failed = self.cut = 0
        self.served_by = collections.Counter()
        self.errors = []
        self.slowest_ms = 0.0
        self._gap = 0.0
        self._last_good = None
        self._ended = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetching", daemon=True)
        self._problem = None

    def __enter__(self):
        self._thread.start()
        deadline = time.monotonic() + self.target[3]
        while self.ok == 0 and self.failed == 0 and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        return self

    def __exit__(self, *_):
        self._ended = time.monotonic()
        self._stop.set()
        self._thread.join()
        if self._problem:
            raise self._problem

    @property
    def longest_gap_ms(self):
        """Includes the gap that is still open, or was when the block ended: what was under way then may last longer."""
        open_gap = 0.0 if self._last_good is None else (self._ended or time.monotonic()) - self._last_good
        return round(max(self._gap, open_gap) * 1000, 1)

    def forget(self):
        """Begin to count anew; what is under way still counts."""
        self.ok = self.failed = self.cut = 0
        self.served_by.clear()
        self.errors.clear()
        self.slowest_ms = self._gap = 0.0

    def _run(self):
        try:
            with self.host.inside():
                self._loop()
        except Exception as problem:  # shown by the main thread
            self._problem = problem

    def _loop(self):
        pending = []
        next_start = time.monotonic()
        while pending or not self._stop.is_set():
            now = time.monotonic()
            if now >= next_start and not self._stop.is_set():
                pending.append(Fetch(*self.target))
                next_start = max(next_start + self.every, now)
            drive([fetch for fetch in pending if fetch.answer is None],
                  time.monotonic() + 0.05 if self._stop.is_set() else next_start)
            for fetch in [fetch for fetch in pending if fetch.answer is not None]:
                pending.remove(fetch)
                self._count(fetch)

    def _count(self, fetch):
        answer = fetch.answer
        if not answer.ok:
            self.failed += 1
            self.cut += answer.was_cut
            if len(self.errors) < 20:
                self.errors.append(answer)
            return
        when = min(fetch.finished, self._ended or fetch.finished)  # nothing is begun after the end that could be answered
        if self._last_good is not None:
            self._gap = max(self._gap, when - self._last_good)
        self._last_good = when
        self.ok += 1
        self.served_by[answer.body] += 1
        self.slowest_ms = max(self.slowest_ms, round(answer.seconds * 1000, 1))

    def __repr__(self):
        errors = "".join(f"; {error}" for error in self.errors[:3])
        return (f"<{self.ok} ok, {self.failed} failed, longest gap {self.longest_gap_ms} ms, "
                f"slowest {self.slowest_ms} ms, served by {dict(self.served_by)}{errors}>")
