"""The networks of etc/examples, built as their configuration says."""
import os

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


class WebCluster:
    """Directors, two web servers that lbha-rs set up from the same file, and a client, all on one segment."""

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
        for server in self.servers:
            code, said = server.lbha_rs("setup", "-f", self.config)
            assert code == 0, f"lbha-rs setup on {server.name} ended with {code}:\n{said}"

    def in_table(self, director):
        """The servers that the director's kernel balances to, without their ports, for new connections."""
        weights = director.ipvs().get(self.service)
        return {address.split(":")[0] for address, weight in weights.weights.items() if weight} if weights else set()

    def wait_in_table(self, director, servers, within=10):
        wanted = {server.host.address() for server in servers}
        wait_until(lambda: self.in_table(director) == wanted, within,
                   f"{director} balances to {sorted(wanted)}")

    def start(self):
        """Peace: all directors run, the first is MASTER, every server is in each table; adverts are heard from now on."""
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
