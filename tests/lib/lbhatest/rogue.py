"""Servers that behave exactly as badly as they are told, for tests of those who talk to them.

    with Server(says(b"HTTP/1.1 200 OK\\r\\n", then=resets)) as server:
        ... server.target, server.requests, server.most_open

A behaviour is a function of one connection, which has a thread of its own; it ends the connection by returning. Those that
are given something (says, drips, dialogue …) return a behaviour. Everything ends with the server, whatever a behaviour does.
"""
import contextlib
import random
import re
import socket
import ssl
import struct
import threading
import time

from .waiting import wait_until


class Connection:
    """What a behaviour works with. `heard` is all that was read from the client."""

    def __init__(self, server, socket_):
        self.server, self.socket = server, socket_
        self.heard = b""

    def hear(self, size=65536):
        """What comes next; nothing when the client has gone."""
        try:
            data = self.socket.recv(size)
        except OSError:
            return b""
        self.heard += data
        return data

    def hear_until(self, wanted, begin=0):
        """Read until `wanted` (bytes or a compiled regular expression) is there behind `begin`; where it ends, None if it never came."""
        while True:
            if isinstance(wanted, bytes):
                at = self.heard.find(wanted, begin)
                end = at + len(wanted) if at >= 0 else None
            else:
                found = wanted.search(self.heard, begin)
                end = found.end() if found else None
            if end is not None or not self.hear():
                return end

    def request(self):
        """Read up to the end of the headers of HTTP; what came, also when the client has gone."""
        self.hear_until(b"\r\n\r\n")
        self.server.requests.append(self.heard)
        return self.heard

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

    def half_close(self):
        """Say that no more will come. (With TLS: below it, without its farewell.)"""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_WR)

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

    def start_tls(self, context):
        """The server's side of a handshake; False when it came to nothing. What the client sent without waiting is lost."""
        try:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False,
                                              suppress_ragged_eofs=False)
            self.server.adopt(self.socket)
            self.socket.do_handshake()
        except (OSError, ValueError):
            return False
        return True


class Server:
    """Listens on loopback (or on an address of a host) and runs behaviour(connection) for each connection.

    `tls` (an ssl.SSLContext) comes before the behaviour; handshakes that fail are counted in `handshakes_failed`.
    """

    def __init__(self, behaviour, address="127.0.0.1", port=0, host=None, tls=None):
        self.behaviour, self.tls, self.closing = behaviour, tls, threading.Event()
        self.requests, self.begun, self.peers = [], [], []
        self.open = self.most_open = self.handshakes_failed = 0
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
        wait_until(self._all_gone, what="the end of all behaviours")

    def _all_gone(self):
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            return not self.open

    def adopt(self, socket_):
        """A connection goes on with another socket."""
        with self.lock:
            self.connections.add(socket_)

    def _accept(self):
        while True:
            try:
                socket_, peer = self.socket.accept()
            except OSError:
                return
            socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.begun.append(time.monotonic())
                self.peers.append(peer[0])
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                self.connections.add(socket_)
            threading.Thread(target=self._serve, args=(socket_,), daemon=True).start()

    def _serve(self, socket_):
        connection = Connection(self, socket_)
        try:
            with contextlib.suppress(OSError):
                if self.tls and not connection.start_tls(self.tls):
                    self.handshakes_failed += 1
                else:
                    self.behaviour(connection)
        finally:
            connection.socket.close()
            with self.lock:
                self.open -= 1
                self.connections -= {socket_, connection.socket}


# ---- who does not answer ----

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


def silent(connection):
    """Accepts, reads, and says nothing."""
    connection.wait_gone()


stays = silent


def closes(_connection):
    """At once, orderly unless something lies unread."""


def resets(connection):
    connection.reset()


def resets_later(connection):
    """When the client has had the time to see that it was accepted: else the reset is all that it sees."""
    connection.server.closing.wait(0.1)
    connection.reset()


def half_closes(connection):
    """Sends no more, and goes on reading."""
    connection.half_close()
    connection.wait_gone()


# ---- who answers badly ----

def says(data, then=closes):
    """Sends this without having been asked."""
    def behaviour(connection):
        if connection.send(data):
            then(connection)
    return behaviour


def drips(data, every=1.0, then=stays):
    """A byte at a time."""
    def behaviour(connection):
        if connection.drip(data, every):
            then(connection)
    return behaviour


def floods(head=b"", piece=bytes(65536), most=100 << 20):
    """`head`, then `piece` again and again until that makes `most` bytes (None: without end) or the client has gone."""
    def behaviour(connection):
        sent = 0
        if connection.send(head):
            while (most is None or sent < most) and not connection.server.closing.is_set() and connection.send(piece):
                sent += len(piece)
    return behaviour


def garbage(size=4096, seed=1, then=closes):
    """Bytes that mean nothing, the same for the same seed."""
    return says(random.Random(seed).randbytes(size), then)


def closes_after(count, then=closes):
    """When it has read so many bytes."""
    def behaviour(connection):
        while len(connection.heard) < count and connection.hear(count - len(connection.heard)):
            pass
        then(connection)
    return behaviour


# ---- who follows a script ----

def asked(wanted, then):
    """Waits until the client has sent this (bytes or a regular expression), then behaves like `then`."""
    return dialogue((wanted, then))


def dialogue(*steps, then=closes):
    """Pairs of what to wait for and what to do then: bytes (searched behind what the last step found), a compiled regular
    expression, or None for nothing; and bytes to send, a behaviour, or None. When a step's words never come it is over."""
    def behaviour(connection):
        at = 0
        for wanted, reply in steps:
            if wanted is not None:
                at = connection.hear_until(wanted, at)
            if at is None:
                return
            if callable(reply):
                reply(connection)
            elif reply is not None and not connection.send(reply):
                return
        then(connection)
    return behaviour


def in_pieces(data, at, pause=0.02, then=stays):
    """In two segments, cut at this byte."""
    def behaviour(connection):
        if connection.send(data[:at]) and not connection.server.closing.wait(pause) and connection.send(data[at:]):
            then(connection)
    return behaviour


# ---- who speaks HTTP, more or less ----

END_OF_HEADERS = re.compile(rb"\r\n\r\n")


def requested(then):
    """Reads a request of HTTP (kept in server.requests), then behaves like `then`."""
    def behaviour(connection):
        connection.request()
        then(connection)
    return behaviour


def answer(status="200 OK", body=b"fine", headers=b""):
    """Read the request, answer like this, wait for the client to close."""
    head = b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n"
    return requested(says(head + body, stays))


def server_context(certificate, key=None, minimum=None, maximum=None, alpn=()):
    """What `tls` of a Server is given; versions as ssl.TLSVersion."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if minimum and minimum < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    context.load_cert_chain(certificate, key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
