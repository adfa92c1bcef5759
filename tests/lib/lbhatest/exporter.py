"""lbha-exporter by hand, a control socket that answers what a test wants, and a reader of Prometheus' text format."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading

from .director import build_folder, program
from .waiting import wait_until

PORT = 9480


class FakeControl:
    """Listens as lbhad would. `answers` has the results of requests by name; None: that one is never answered; a function is
    called with the request. After bytes that do not end a line it hangs up."""

    def __init__(self, path, answers):
        self.path, self.answers, self.asked, self.clients = path, answers, [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        os.chmod(path, 0o777)
        self.stopped, self.stop = os.pipe()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        rests = {}
        while True:
            ready, _, _ = select.select([self.stopped, self.listener, *rests], [], [])
            if self.stopped in ready:
                break
            for one in ready:
                if one is self.listener:
                    client, _ = self.listener.accept()
                    rests[client] = b""
                    continue
                try:
                    got = one.recv(65536)
                except ConnectionError:
                    got = b""
                if not got:
                    one.close()
                    del rests[one]
                    continue
                *lines, rests[one] = (rests[one] + got).split(b"\n")
                for line in lines:
                    if not self._answer(one, json.loads(line)):
                        one.close()
                        del rests[one]
                        break
        for client in rests:
            client.close()
        self.listener.close()

    def _answer(self, client, request):
        self.asked.append(request["request"])
        answer = self.answers[request["request"]]
        answer = answer(request) if callable(answer) else answer
        if answer is not None:
            raw = answer if isinstance(answer, bytes) else json.dumps({"ok": True, "result": answer}, separators=(",", ":")).encode() + b"\n"
            client.sendall(raw)
            return raw.endswith(b"\n")
        return True

    def close(self):
        os.write(self.stop, b"x")
        self.thread.join()
        os.close(self.stop)
        os.close(self.stopped)
        os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Served:
    """What is served on a host of the lab, for clients on that host."""

    def __init__(self, host, listen=f"127.0.0.1:{PORT}"):
        self.host, self.listen = host, listen
        self.address, self.port = listen.rsplit(":", 1)[0].strip("[]"), int(listen.rsplit(":", 1)[1])

    def dial(self, timeout=30):
        return dial(self.host, self.address, self.port, timeout)

    def get(self, path, method="GET", timeout=30, **headers):
        return get(self.host, self.address, self.port, path, method, timeout, **headers)

    def scrape(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return Metrics(answer.text)


class Exporter(Served):
    """The program, started by hand."""

    def __init__(self, host, control, listen=f"127.0.0.1:{PORT}"):
        super().__init__(host, listen)
        self.log_file = host.log_file("exporter.log")
        with open(self.log_file, "ab") as log:
            self.process = host.start(program("lbha-exporter"), "--socket", control, "--listen", listen,
                                      stdout=log, stderr=log, env=dict(os.environ, LBHA_LIBEXECDIR=build_folder()))
        wait_until(lambda: "serving" in self.log or self.process.poll() is not None, what="the exporter serves")
        assert self.process.poll() is None, self.log

    @property
    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def dial(host, address, port, timeout=30):
    with host.inside():
        client = socket.create_connection((address, port), timeout=timeout)
    return client


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def get(host, address, port, path, method="GET", timeout=30, **headers):
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    connection.sock = dial(host, address, port, timeout)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+0-9.e]+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
TYPES = ("counter", "gauge", "histogram")


class Metrics:
    """Text of Prometheus' format 0.0.4, held to its rules: all of a family together behind its one HELP and TYPE, no sample
    twice, nothing that is not understood, counters named _total, histograms whole."""

    def __init__(self, text):
        self.text, self.types, self.samples = text, {}, {}
        family = None
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family, words = line[7:].split(" ", 1)
                assert family not in self.types and words, line
                self.types[family] = None
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == family and self.types[name] is None and kind in TYPES, line
                assert (kind == "counter") == name.endswith("_total"), line
                self.types[name] = kind
            else:
                self._sample(line, family)
        assert all(self.types.values())
        self._histograms()

    def _sample(self, line, family):
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match.groups()
        own = (family, family + "_bucket", family + "_sum", family + "_count")
        assert name in (own if self.types[family] == "histogram" else own[:1]), f"{line!r} stands in {family}"
        pairs = LABEL.findall(labels or "")
        assert "".join(f'{n}="{v}",' for n, v in pairs) == (labels + "," if labels else ""), f"labels: {line!r}"
        assert len({n for n, _ in pairs}) == len(pairs), f"a label twice: {line!r}"
        unescape = lambda text: re.sub(r'\\(.)', lambda one: "\n" if one[1] == "n" else one[1], text)
        key = (name, frozenset((n, unescape(v)) for n, v in pairs))
        assert key not in self.samples, f"twice: {line!r}"
        self.samples[key] = float(value)

    def _histograms(self):
        rows = {}
        for (name, labels), value in self.samples.items():
            family = name.removesuffix("_bucket")
            if family != name and self.types.get(family) == "histogram":
                bound = dict(labels)["le"]
                rows.setdefault((family, frozenset(l for l in labels if l[0] != "le")), []).append((float(bound), value))
        for (family, labels), buckets in rows.items():
            buckets.sort()
            counts = [count for _, count in buckets]
            assert counts == sorted(counts) and buckets[-1][0] == float("inf"), (family, buckets)
            assert self.samples[family + "_count", labels] == counts[-1]
            assert (family + "_sum", labels) in self.samples

    def get(self, name, **labels):
        """The value of the one sample with these labels among its own; None: there is none."""
        found = [value for (one, own), value in self.samples.items() if one == name and set(labels.items()) <= own]
        assert len(found) <= 1, f"{len(found)} of {name} {labels}"
        return found[0] if found else None

    def labels(self, name):
        return [dict(own) for (one, own) in self.samples if one == name]

    def promtool(self):
        """What promtool has to say, where it is installed: nothing, when all is well."""
        done = subprocess.run(["promtool", "check", "metrics"], input=self.text, text=True, capture_output=True, check=False)
        return done.stdout + done.stderr + (f"exit {done.returncode}" if done.returncode else "")
