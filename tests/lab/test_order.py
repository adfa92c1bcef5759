"""Schedulers that choose by a table: two directors choose the same server for the same client, whatever each has been
through. The kernel fills those tables in the order in which servers were added."""
import socket

import pytest

from lbhatest import Lab, wait_for, wait_until

VIPS = {"lb1": "192.168.8.200", "lb2": "192.168.8.201"}
SERVERS = {name: f"192.168.8.{20 + number}" for number, name in enumerate("abcd")}
CLIENTS = [f"192.168.8.{100 + number}" for number in range(12)]
WEIGHTS = {"a": 1, "b": 2, "c": 1, "d": 3}
PORTS = {"mh": 80, "sh": 81}


def config(vip, servers):
    """A service for each scheduler."""
    lines = "directors:\n  lb1: {address: 192.168.8.10}\n  lb2: {address: 192.168.8.11}\n"
    lines += "global: {ipvs: {read_back: 2s, on_stop: keep}}\n"
    lines += "defaults: {check: {type: tcp, interval: 500ms, timeout: 400ms, rise: 1, fall: 1, port: 80}}\nservices:\n"
    for scheduler, port in PORTS.items():
        lines += f"  - name: {scheduler}\n    listen: {vip}:{port}\n    scheduler: {scheduler}\n    check: {{type: tcp}}\n"
        lines += "    real_servers:\n" + "".join(
            f"      - {{address: {SERVERS[name]}, weight: {WEIGHTS[name]}}}\n" for name in servers)
    return lines


class Network:
    def __init__(self, lab):
        lan = lab.segment("lan", "192.168.8.0/24")
        self.servers = {}
        for name, address in SERVERS.items():
            server = self.servers[name] = lab.real_server(name, lan, address)
            for vip in VIPS.values():
                server.hold(vip)
            lab.serve(server.host, 81)
        self.client = lab.client("client", lan, CLIENTS[0])
        self.client.host.ip(*(f"addr add {address}/24 dev eth0" for address in CLIENTS[1:]))
        self.directors = [lab.director(name, (lan, f"192.168.8.{10 + number}"), config=config(vip, "abcd"))
                          for number, (name, vip) in enumerate(VIPS.items())]
        for director, vip in zip(self.directors, VIPS.values()):
            director.host.ip(f"addr add {vip}/32 dev eth0")

    def reload(self, director, servers, up=None):
        assert director.reload(config(VIPS[director.node], servers))[0] == 0
        self.wait_for(director, up or servers)

    def wait_for(self, director, servers):
        wanted = {f"{SERVERS[name]}:{port}" for name in servers for port in PORTS.values()}
        wait_for(lambda: {address for service in director.ipvs().values()
                          for address, weight in service.weights.items() if weight}, wanted, 6, f"the servers of {director}")

    def choices(self, director):
        """{(scheduler, client): server}"""
        vip = VIPS[director.node]
        return {(scheduler, client): self.client.get(vip, port=port, source=client).body
                for scheduler, port in PORTS.items() for client in CLIENTS}


def listed(director):
    """The servers as the kernel lists them, the latest first, without doubles."""
    rows = director.host.run("cat", "/proc/net/ip_vs").splitlines()
    services, last = {}, None
    for row in rows[3:]:
        words = row.split()
        if words[0] == "TCP":
            last = services.setdefault(int(words[1].split(":")[1], 16), [])
        else:
            last.append("abcd"[int(words[1].split(":")[0][-2:], 16) - 20])
    return services


@pytest.fixture(scope="module")
def network(request):
    with Lab("test_order") as lab:
        request.module.shared_lab = lab
        yield Network(lab)


def test_directors_with_different_histories_choose_alike(network):
    """One begins with all servers; the other gets them in another order, loses one for a while and another for good, and is
    killed in between."""
    lb1, lb2 = network.directors
    lb1.start()
    network.wait_for(lb1, "abcd")
    lb2.configure(config(VIPS["lb2"], "d"))
    lb2.start()
    network.wait_for(lb2, "d")
    network.reload(lb2, "db")
    lb2.crash()
    lb2.configure(config(VIPS["lb2"], "dba"))
    lb2.start()
    network.wait_for(lb2, "dba")
    network.servers["b"].web.stop()
    wait_until(lambda: SERVERS["b"] + ":80" not in lb2.ipvs()[f"tcp {VIPS['lb2']}:80"], 8, "b is gone")
    network.reload(lb2, "dabc", up="dac")
    network.servers["b"].web.start()
    for director in network.directors:
        network.wait_for(director, "abcd")
        wait_for(lambda: listed(director), {port: list("dcba") for port in PORTS.values()}, 6, f"the order on {director}")
        assert director.ctl("plan") == ""
    first, second = [network.choices(director) for director in network.directors]
    assert first == second
    assert set(first.values()) == set("abcd")


class Halfway:
    """A client in the middle of its request."""

    def __init__(self, network, source):
        with network.client.host.inside():
            self.socket = socket.create_connection((VIPS["lb1"], 80), timeout=10, source_address=(source, 0))
        self.socket.send(b"GET / HTTP/1.1\r\n")

    def finish(self):
        self.socket.send(b"\r\n")
        answer = b""
        while more := self.socket.recv(4096):
            answer += more
        self.socket.close()
        return answer.rpartition(b"\r\n\r\n")[2].decode()


def test_a_server_added_in_the_midst_costs_the_others_no_connection(network):
    """Those behind it are taken out and put in again."""
    lb1 = network.directors[0]
    network.reload(lb1, "acd")
    wait_for(lambda: lb1.host.sysctl("net.ipv4.vs.expire_nodest_conn"), "1")
    clients = [Halfway(network, source) for source in CLIENTS]
    before = lb1.status()["ipvs"]["operations"]
    network.reload(lb1, "abcd")
    assert lb1.status()["ipvs"]["operations"] - before == 2 * (1 + 2 * 2)
    wait_for(lambda: listed(lb1)[80], list("dcba"))
    assert {client.finish() for client in clients} == set("acd")
    assert lb1.host.sysctl("net.ipv4.vs.expire_nodest_conn") == "1"
    before = lb1.status()["ipvs"]["repairs"]
    lb1.host.run("ipvsadm", "-d", "-t", "192.168.8.200:80", "-r", SERVERS["a"])
    lb1.host.run("ipvsadm", "-a", "-t", "192.168.8.200:80", "-r", SERVERS["a"], "-w", 1, check=False)  # or lbha was there first
    wait_for(lambda: listed(lb1)[80], list("dcba"), 6, "somebody else's order is put right")
    assert lb1.status()["ipvs"]["repairs"] > before
