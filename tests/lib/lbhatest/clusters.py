"""Clusters to draw: statuses as lbhad tells them, with the members that the page reads."""
import copy
import datetime

START = datetime.datetime(2026, 3, 1, 8, 15, tzinfo=datetime.timezone.utc)


def stamp(moment):
    return moment.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def before(seconds):
    return stamp(now() - datetime.timedelta(seconds=seconds))


def server(address, weight=1, health="up", active=0, name=None, reason="passed", since=86400, **more):
    host = address.rsplit(":", 1)[0]
    return {"name": name or host, "address": address, "forwarding": "dr", "health": health, "admin": "enabled", "weight": weight,
            "configured_admin": "enabled", "configured_weight": weight, "deadline": None, "told": None, "overrides": [],
            "effective_weight": weight if health == "up" else 0, "reason": reason, "since": before(since),
            "checks": [{"type": "http", "result": "passed" if health == "up" else "failed", "reason": "passed", "detail": "200 OK",
                        "latency_ms": 1.2, "time": before(1), "target": address, "told": None}],
            "connections": {"active": active, "inactive": 2 * active, "persistent": 0},
            "stats": {"connections": 0, "packets_in": 0, "packets_out": 0, "bytes_in": 0, "bytes_out": 0}, **more}


def drained(one, by="root", comment="new disk"):
    override = {"object": f"web/{one['name']}", "kind": "state", "value": "drained", "by": by, "comment": comment,
                "since": before(180), "until": None, "configured": True, "configured_value": "enabled", "deadline": None}
    return {**one, "admin": "drained", "effective_weight": 0, "overrides": [override]}


def service(name, listen, servers, state="up", reason="", **more):
    have = sum(one["weight"] for one in servers if one["health"] == "up")
    return {"name": name, "state": state, "reason": reason, "listen": [listen], "fwmark": None, "protocol": "tcp",
            "scheduler": "wlc", "forwarding": "dr", "quorum": {"needed": 1, "have": have}, "real_servers": servers,
            "sorry_server": None, "leaving": [], "programmed": True, "weight_factor": 1, "since": before(86400),
            "stats": {"connections": 0, "packets_in": 0, "packets_out": 0, "bytes_in": 0, "bytes_out": 0}, **more}


def instance(name, addresses, state="MASTER", priority=150, **more):
    return {"name": name, "state": state, "reason": "no advert from 192.168.8.11 for 3.6s (prio 100)", "since": before(86400),
            "priority": priority, "base_priority": priority, "configured_priority": priority, "virtual_router_id": 51,
            "family": "ipv4", "version": 3, "interface": "eth0", "virtual_addresses": addresses,
            "master_address": "192.168.8.10", "transitions": 1, "sent": 100, "received": 3, "dropped": {}, "faults": [],
            "trackers": [], "reason_code": "silence", "competing_master": False, "master_priority": priority,
            "competitor_address": None, "competitor_priority": 0, "no_peer_heard": False, "dropped_from": {}, "dropped_at": {},
            "other_addresses": 0, "other_addresses_from": None, "repairs": 0, "contested": False, "maintenance": False,
            "repair": None, "missing": None, "lateness_ms": {}, "advert_interval": 1.0, "preempt": True, "sync_group": None,
            **more}


def status(vrrp, services, **more):
    directors = [{"name": "lb1", "address": "192.168.8.10"}, {"name": "lb2", "address": "192.168.8.11"}]
    workers = [{"name": name, "pid": 100, "restarts": 0, "state": "running", "deaths": 0, "reason": None, "next_start": None}
               for name in ("control", "check", "ipvs", "vrrp")]
    return {"cluster": "shop", "node": "lb1", "version": "0.1.0", "build": None, "generation": 3, "started": before(4 * 86400),
            "ready": True, "maintenance": False, "workers": workers,
            "reload": {"time": before(7200), "result": "applied", "errors": []},
            "upgrade": {"time": None, "result": "none", "from": None, "errors": []}, "vrrp": vrrp, "sync_groups": [],
            "services": services, "overrides": [], "overrides_error": None,
            "ipvs": {"available": True, "operations": 7, "repairs": 0, "last_read_back": before(0), "ready": True, "error": None,
                     "sync": None, "contested": None}, "time": before(0), "directors": directors, **more}


# ---- clusters -----------------------------------------------------------------------------------------------------

def textbook():
    """One service, two servers, two directors."""
    return status([instance("public", ["192.168.8.200/24"])],
                  [service("web", "192.168.8.200:80", [server("192.168.8.20:80", active=41), server("192.168.8.30:80", active=38)])])


def shop():
    """Three services, well."""
    webs = [server(f"192.168.8.{20 + 10 * i}:80", weight=2 - i % 2, active=30 + 7 * i, name=name)
            for i, name in enumerate(("anna", "bert", "carl"))]
    apis = [server(f"192.168.8.{60 + i}:8443", active=12 + i) for i in range(2)]
    return status([instance("public", ["192.168.8.200/24", "192.168.8.201/32"])],
                  [service("web", "192.168.8.200:80", webs), service("api", "192.168.8.201:8443", apis)])


def link(kind, name, state, since, reason, leads_to=None):
    """One link of a chain of causes."""
    return {"kind": kind, "object": name, "state": state, "since": before(since), "reason": reason, "leads_to": leads_to}


def broken():
    """The same, on a bad night."""
    one = shop()
    web, api = one["services"]
    web["real_servers"][1] = server("192.168.8.30:80", name="bert", health="down", since=12, reason="connect: refused")
    web["real_servers"][2] = drained(web["real_servers"][2])
    web.update(state="degraded", reason="bert 192.168.8.30:80 is down: connect: refused", quorum={"needed": 2, "have": 2},
               since=before(12))
    for down in range(2):
        api["real_servers"][down] = server(f"192.168.8.{60 + down}:8443", health="down", reason="http: 503 Service Unavailable",
                                           since=75)
    api.update(state="sorry", reason="0 of 1 needed is up: the sorry server answers", quorum={"needed": 1, "have": 0},
               sorry_server=server("192.168.8.9:80", name="sorry", active=25, since=75))
    web["cause"] = [link("server", "web/bert", "down", 12, "connect: refused", 1), link("service", "web", "degraded", 12, web["reason"])]
    api["cause"] = [*(link("server", f"api/192.168.8.{60 + down}", "down", 75, "http: 503 Service Unavailable", 2) for down in range(2)),
                    link("service", "api", "sorry", 75, api["reason"])]
    tracker = {"name": "api", "state": "down", "weight": -60, "reason": "below quorum for 45s", "kind": "service", "effect": -60,
               "since": before(30)}
    one["vrrp"] = [instance("public", ["192.168.8.200/24", "192.168.8.201/32"], "BACKUP", 90, base_priority=150, trackers=[tracker],
                            reason="192.168.8.11 advertises 100 > 90", master_address="192.168.8.11", master_priority=100,
                            since=before(30),
                            cause=[*(link("server", f"api/192.168.8.{60 + down}", "down", 75, "http: 503 Service Unavailable", 2)
                                     for down in range(2)),
                                   link("service", "api", "sorry", 75, "0 of 1 needed is up", 3),
                                   link("instance", "public", "BACKUP", 30, "192.168.8.11 advertises 100 > 90; 90 = 150 - 60 (api)")])]
    return one


def large(services=50, servers=20):
    """As many services with as many servers; one in seven services has something."""
    many = []
    for number in range(services):
        of = [server(f"10.1.{number}.{i + 1}:8080", active=(7 * i + number) % 40) for i in range(servers)]
        fields = {}
        if number % 7 == 3:
            of[-1].update(health="down", effective_weight=0, reason="tcp: no answer within 2s", since=before(600))
            fields = {"state": "degraded", "reason": f"{of[-1]['name']} is down: tcp: no answer within 2s"}
        if number == 17:
            for one in of:
                one.update(health="down", effective_weight=0, reason="connect: refused", since=before(42))
            fields = {"state": "down", "reason": "no server is up"}
        many.append(service(f"shop-{number:02}", f"192.168.8.{100 + number % 100}:80", of, **fields))
    return status([instance("public", [f"192.168.8.{100 + number}/32" for number in range(min(services, 100))])], many)


HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "\"'`><svg onload=alert(3)>", "\u202eevil\u202c",
           "\U0001f4a5\U0001f468\u200d\U0001f469\u200d\U0001f467 caf\u00e9", "x" * 4096, "{{7*7}}${7*7}", "__proto__")


def hostile():
    """Names, reasons and addresses that would like to be something else."""
    one = shop()
    many = []
    for number, name in enumerate(HOSTILE):
        servers = [server(name, name=name, health="down", reason=name), server(f"10.0.0.{number}:80", name=name)]
        many.append(service(name, name, servers, "degraded", name, scheduler=name))
    one["vrrp"] = [instance(name, [name], "FAULT", reason=name, missing=name, faults=[name], master_address=name,
                            trackers=[{"name": name, "state": "down", "weight": -1, "reason": name, "kind": "check", "effect": -1,
                                       "since": None}]) for name in HOSTILE]
    one.update(cluster=HOSTILE[1], node=HOSTILE[0], services=many,
               directors=[{"name": name, "address": name} for name in HOSTILE])
    return one


# ---- life -----------------------------------------------------------------------------------------------------------

def go_on(one, seconds, per_second=7.0):
    """The same cluster that much later: what is in use has had traffic, and counters are read just now."""
    later = copy.deepcopy(one)
    for of in later["services"]:
        of["stats"] = dict.fromkeys(of["stats"], 0)
        everybody = of["real_servers"] + ([of["sorry_server"]] if of["sorry_server"] else [])
        for number, each in enumerate(everybody):
            count = int(seconds * per_second * each["connections"]["active"] / 10)
            each["stats"] = {"connections": count, "packets_in": 9 * count, "packets_out": 0, "bytes_in": count * (4100 + 90 * number),
                             "bytes_out": 0}
            of["stats"] = {name: value + each["stats"][name] for name, value in of["stats"].items()}
    later["time"] = later["ipvs"]["last_read_back"] = before(0)
    return later


class Told:
    """Answers of a control socket for a cluster that lives: `cluster` may be changed at any time, and so may `events`."""

    def __init__(self, cluster):
        self.began = now()
        self.cluster, self.events = cluster, []

    def __getitem__(self, request):
        return {"status": self.status, "events": self.since, "ping": {"protocol": 1, "ready": True}}[request]

    def status(self, _):
        return go_on(self.cluster, (now() - self.began).total_seconds() + 1000)

    def since(self, request):
        return {"events": [one for one in self.events if one["seq"] > request.get("since", 0)],
                "last": self.events[-1]["seq"] if self.events else 100}

    def happen(self, kind, name, old, new, reason="", seconds=0, **more):
        """An event, so many seconds ago."""
        self.events.append(event(101 + len(self.events), kind, name, old, new, reason, seconds, **more))


def event(number, kind, name, old, new, reason="", seconds=0, **more):
    return {"seq": number, "time": before(seconds), "event": kind, "object": name, "old": old, "new": new, "reason": reason, **more}
