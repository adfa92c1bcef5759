"""Connections that last: servers that send numbered lines for ever, and clients in the middle of such a download."""
import contextlib
import socket
import threading
import time

from .waiting import patience

VIP, PORT = "192.168.8.200", 81


class Stream:
    """A server that sends numbered lines for as long as anybody listens."""

    def __init__(self, host):
        with host.inside():
            self.listener = socket.create_server(("0.0.0.0", PORT))
        threading.Thread(target=self._serve, daemon=True).start()
        host.servers.append(self)

    def close(self):
        self.listener.close()

    def summary(self):
        return "sends lines"

    def _serve(self):
        clients = {}
        self.listener.setblocking(False)
        while self.listener.fileno() >= 0:
            try:
                client, _ = self.listener.accept()
                clients[client] = 0
            except BlockingIOError:
                pass
            except OSError:
                return
            for client in list(clients):
                try:
                    client.send(b"%d\n" % clients[client])
                    clients[client] += 1
                except OSError:
                    del clients[client]
            time.sleep(0.05)


class Download:
    """A client in the middle of it, with every line in its place."""

    def __init__(self, client, vip=VIP):
        self.client = client
        with client.host.inside():
            self.socket = socket.create_connection((vip, PORT), timeout=6 * patience())
        self.port = self.socket.getsockname()[1]
        self.file = self.socket.makefile("rb")
        self.number = 0

    def goes_on(self, count=40):
        """Up to a line that was sent after now, and so many more."""
        for _ in range(count):
            assert int(self.file.readline()) == self.number
            self.number += 1

    def catches_up(self):
        """All that has come, and two lines more."""
        self.socket.setblocking(False)
        with contextlib.suppress(OSError):
            while True:
                line = self.file.peek(1)
                if not line:
                    break
                self.socket.settimeout(6 * patience())
                self.goes_on(1)
                self.socket.setblocking(False)
        self.socket.settimeout(6 * patience())
        self.goes_on(2)

    def is_known_to(self, director):
        return f"{self.client.host.address()}:{self.port} " in director.host.run("ipvsadm", "-Lnc")

    def close(self):
        self.file.close()
        self.socket.close()
