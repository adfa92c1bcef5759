"""The networks of etc/examples, built as their configuration says."""
import os
import signal

from .state import Untouched
from .waiting import wait_until

EXAMPLES = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../etc/examples"))


def example_file(name):
    return os.path.join(EXAMPLES, name + ".conf")


def example(name, **changes):
    """The text of an example. Changes replace words: example("dr-pair", **{"advert_interval: 1s": "…"})."""
    with open(example_file(name)) as file:
        text = file.read()
    for old, new in changes.items():
        assert old in text, f"{name} does not say {old!r}"
        text = text.replace(old, new)
    return text


def is_at_work(director, role):
    status = director.status()
    return all(one["state"] == role for one in status["vrrp"]) and all(one["state"] == "up" for one in status["services"])


class OneFile:
    """Hosts that have nothing but their own addresses and routes, and one file for all of them: `lbhad -f` on the directors,
    `lbha-rs setup -f` on the servers. Undone, each of them is as it was before.

    `with OneFile(path, directors, servers):` looks at the hosts, runs all, undoes it and looks again.
    """

    def __init__(self, path, directors, servers):
        self.path, self.directors, self.servers, self.before = path, directors, servers, None

    def look(self):
        self.before = Untouched(*(one.host for one in self.directors + self.servers))

    def text(self):
        with open(self.path) as file:
            return file.read()

    def lbha_rs(self, server, *words):
        code, said = server.lbha_rs(*words)
        assert code == 0, f"lbha-rs {' '.join(words)} on {server.name} ended with {code}:\n{said}"
        return said

    def set_up(self):
        for server in self.servers:
            self.lbha_rs(server, "setup", "-f", self.path)

    def wait(self):
        """The first director leads, the other one does not; all servers are up."""
        for director, role in zip(self.directors, ("MASTER", "BACKUP")):
            wait_until(lambda director=director, role=role: is_at_work(director, role), 20, f"{director} is {role}, servers are up")

    def start(self):
        for director in self.directors:
            director.configure(self.text())
            director.launch()
        self.set_up()
        self.wait()

    def change(self, path):
        """Another file for all of them, while they are at work."""
        self.path = path
        self.set_up()
        for director in self.directors:
            code, said = director.reload(self.text())
            assert code == 0, said
        self.wait()

    def undo(self):
        running = [director for director in self.directors if director.is_running]
        for director in running:
            director.process.send_signal(signal.SIGTERM)
        for server in self.servers:
            self.lbha_rs(server, "teardown")
        for director in running:
            wait_until(lambda director=director: not director.is_running, 10, f"{director} ends after SIGTERM")
            assert director.process.returncode == 0
        self.before.check()

    def __enter__(self):
        self.look()
        self.start()
        return self

    def __exit__(self, kind, *_):
        if not kind:
            self.undo()
            return
        for director in self.directors:
            director.forget()
        for server in self.servers:
            server.lbha_rs("teardown")


class WebCluster:
    """Directors, two web servers that lbha-rs sets up from the same file, and a client, all on one segment."""

    def __init__(self, lab, text, network, vip, directors, servers, client):
        self.lab, self.vip = lab, vip
        self.service = f"tcp {vip}:80"
        self.lan = lab.segment("lan", network)
        self.directors = [lab.director(name, (self.lan, address), config=text) for name, address in directors.items()]
        self.servers = [lab.real_server(name, self.lan, address) for name, address in servers.items()]
        self.client = lab.client("client", self.lan, client)
        self.heard = self.client.host.capture("ip proto 112")
        self.config = os.path.join(lab.folder, "lbha.conf")
        with open(self.config, "w") as file:
            file.write(text)
        self.file = OneFile(self.config, self.directors, self.servers)
        self.is_set_up = False

    def in_table(self, director):
        """The servers that the director's kernel balances to, without their ports, for new connections."""
        weights = director.ipvs().get(self.service)
        return {address.split(":")[0] for address, weight in weights.weights.items() if weight} if weights else set()

    def wait_in_table(self, director, servers, within=10):
        wanted = {server.host.address() for server in servers}
        wait_until(lambda: self.in_table(director) == wanted, within,
                   f"{director} balances to {sorted(wanted)}")

    def set_up(self):
        """The servers, once."""
        if not self.is_set_up:
            self.file.set_up()
            self.is_set_up = True

    def start(self):
        """Peace: all directors run, the first is MASTER, every server is in each table; adverts are heard from now on."""
        self.set_up()
        for director in self.directors:
            if not director.is_running:
                director.start()
        self.directors[0].wait_role("MASTER", within=15)
        for director in self.directors[1:]:
            director.wait_role("BACKUP")
        for director in self.directors:
            self.wait_in_table(director, self.servers)
        self.heard.clear()
        wait_until(lambda: self.heard.frames, what="an advert of the master")
        return self
