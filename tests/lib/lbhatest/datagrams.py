"""Servers that speak UDP exactly as badly as they are told, for tests of those who ask them.

    with Datagrams(lambda asked: [asked.data, asked.after(0.5, b"late")]) as server:
        ... server.target, server.heard

The behaviour is called for each datagram and gives what is sent back to its sender.
"""
import contextlib
import heapq
import itertools
import socket
import threading
import time


class Asked:
    """A datagram that came in; the `number`th, from 1."""

    def __init__(self, server, data, peer, number):
        self.server, self.data, self.peer, self.number = server, data, peer, number

    def after(self, seconds, data):
        """Sent so much later, to who asked now, whoever asks until then."""
        self.server.later(seconds, self.server.socket, data, self.peer)

    def from_another_port(self, data):
        """Sent by somebody else."""
        self.server.other.sendto(data, self.peer)


class Datagrams:
    """Listens on loopback (or on an address of a host). `heard` is all that came, as Asked."""

    def __init__(self, behaviour, address="127.0.0.1", port=0, host=None):
        self.behaviour, self.heard, self.closing = behaviour, [], threading.Event()
        self.due, self.order = [], itertools.count()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with host.inside() if host else contextlib.nullcontext():
            self.socket, self.other = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
        self.socket.bind((address, port))
        self.other.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self.target = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def later(self, seconds, socket_, data, peer):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.order), socket_, data, peer))

    def _send_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            _, _, socket_, data, peer = heapq.heappop(self.due)
            with contextlib.suppress(OSError):
                socket_.sendto(data, peer)

    def _run(self):
        self.socket.settimeout(0.01)
        while not self.closing.is_set():
            self._send_due()
            try:
                data, peer = self.socket.recvfrom(65536)
            except OSError:  # nothing came, or a port is closed
                continue
            asked = Asked(self, data, peer, len(self.heard) + 1)
            self.heard.append(asked)
            for answer in self.behaviour(asked) or []:
                if answer is not None:
                    with contextlib.suppress(OSError):
                        self.socket.sendto(answer, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()
        self.socket.close()
        self.other.close()


def nobody(address="127.0.0.1"):
    """A target on which nobody listens."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((address, 0))
        return f"[{address}]:{one.getsockname()[1]}" if ":" in address else f"{address}:{one.getsockname()[1]}"
