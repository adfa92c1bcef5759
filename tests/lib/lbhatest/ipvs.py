"""The kernel's IPVS table, as ipvsadm saves it."""
import collections

FORWARDING = {"-g": "dr", "-m": "nat", "-i": "tunnel"}
KINDS = {"-t": "tcp", "-u": "udp", "--sctp-service": "sctp", "-f": "fwmark"}

Destination = collections.namedtuple("Destination", "forwarding weight")


class Service(dict):
    """{"192.168.8.20:80": Destination(forwarding, weight)}, with the scheduler and ipvsadm's further options."""

    def __init__(self, scheduler, options):
        super().__init__()
        self.scheduler, self.options = scheduler, options

    @property
    def weights(self):
        return {address: destination.weight for address, destination in self.items()}

    def __repr__(self):
        return f"{self.scheduler}{self.options or ''} {dict(self)}"


class Table(dict):
    """{"tcp 192.168.8.200:80": Service}, parsed from `ipvsadm -Sn`."""

    def __init__(self, text):
        super().__init__()
        for line in text.splitlines():
            words = line.split()
            if not words:
                continue
            name = f"{KINDS[words[1]]} {words[2]}"
            options = dict(self._options(words[3:]))
            if words[0] == "-A":
                self[name] = Service(options.pop("-s"), options)
            else:
                forwarding = next(FORWARDING[word] for word in words if word in FORWARDING)
                self[name][options["-r"]] = Destination(forwarding, int(options["-w"]))

    @staticmethod
    def _options(words):
        """Pairs of option and value; an option without a value has True."""
        for index, word in enumerate(words):
            if word.startswith("-"):
                value = words[index + 1] if index + 1 < len(words) else "-"
                yield word, True if value.startswith("-") else value


def read_table(host):
    return Table(host.run("ipvsadm", "-Sn"))
