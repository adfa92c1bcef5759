"""Configurations at random, each related to the one before: names, numbers, addresses and interfaces come from small pools, so
that between two of them instances are renamed, swap their numbers, hand addresses on, change interfaces and groups.

One generator for all that reloads at random: between namespaces without services, in the lab with them.
"""
import json
import os

HEAD = """
directors:
  lb1: {{address: 192.168.8.10, interfaces: {interfaces}}}
global:
  log: {{level: {level}, format: {format}}}
{globals}defaults:
  vrrp: {{advert_interval: 100ms, carrier_settle: 0s, announce: {{count: 1, again_after: 0s}}}}
  check: {{interval: 500ms, timeout: 400ms, rise: 1, fall: 1, initial: up}}
"""
LINKS = ["eth0", "eth1"]
LOGICAL = [{}, {"lan": "eth0", "dmz": "eth1"}, {"outside": "eth0", "inside": "eth1"}, {"inside": "eth0", "lan": "eth1"}]
NAMES = ["public", "inside", "third", "fourth", "fifth"]
NUMBERS = [51, 52, 53]
IPV4 = [f"192.168.8.{last}" for last in range(200, 208)]
IPV6 = [f"2001:db8:8::{last}" for last in range(200, 208)]
GROUPS = ["gateway", "pair"]
CHECKS = ["gate", "disk", "link"]
SCHEDULERS = ["rr", "wrr", "wlc", "sh", "mh", "lc"]
SERVICES = ["web", "mail", "shop", "dns"]
LISTENERS = [f"192.168.8.{last}:{port}" for last in (200, 201) for port in (80, 81)] + ["192.168.8.202:53"]
SERVERS = [f"192.168.8.{last}" for last in range(20, 28)]
POOLS = ["old", "new"]


class Anything:
    """The source: `dice` is a random.Random, `folder` holds the files that checks look for (all there)."""

    def __init__(self, dice, folder, vrrp=True, services=False):
        self.dice, self.folder, self.vrrp, self.services = dice, folder, vrrp, services
        for name in "a", "b":
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                open(path, "w").close()
        self.parts = {}
        for part in self.makers():
            self.parts[part] = self.makers()[part]()

    def makers(self):
        """Parts of a configuration; each can be drawn anew while the others stay."""
        return {"world": self.world, "instances": self.instances, "groups": self.groups, "checks": self.checks,
                "services": self.draw_services}

    def next(self):
        """The text of another configuration; sometimes of the same."""
        makers = self.makers()
        for part in self.dice.sample(sorted(makers), self.dice.choice([0, 1, 1, 1, 2, len(makers)])):
            self.parts[part] = makers[part]()
        if self.parts["instances"] and self.dice.random() < 0.4:
            self.change_one(self.dice.choice(self.parts["instances"]))
        return self.text()

    # --- parts ---

    def some(self, pool, least=0, most=None):
        return self.dice.sample(pool, self.dice.randint(least, len(pool) if most is None else most))

    def world(self):
        return {"logical": self.dice.choice(LOGICAL), "level": self.dice.choice(["info", "debug", "warning"]),
                "format": self.dice.choice(["text", "text", "json"]), "script": self.dice.choice(["lbha-script", "nobody"]),
                "ready": self.dice.choice(["30s", "20s"])}

    def checks(self):
        """By name: what file it looks for. The same under two names is one probe."""
        return {name: self.dice.choice("ab") for name in self.some(CHECKS)}

    def instances(self):
        if not self.vrrp:
            return []
        places = self.some([(link, number, family) for link in LINKS for number in NUMBERS for family in (4, 4, 6)], 0, 4)
        seen, found, ipv4, ipv6 = set(), [], self.some(IPV4, len(IPV4)), self.some(IPV6, len(IPV6))
        for name, place in zip(self.some(NAMES, len(NAMES)), places):
            if place not in seen:
                found.append(self.instance(name, place, ipv4, ipv6))
            seen.add(place)
        return found

    def instance(self, name, place, ipv4, ipv6):
        """It takes its addresses out of those that are left."""
        link, number, family = place
        own, others = (ipv4, ipv6) if family == 4 else (ipv6, ipv4)
        own_link = self.dice.random() < 0.15
        vips = [self.vip(own.pop(), link)]
        vips += [self.vip(own.pop(), link) for _ in range(self.dice.choice([0, 0, 1, 2])) if len(own) > 4]
        if len(others) > 4 and self.dice.random() < 0.3:
            vips.append(dict(self.vip(others.pop(), link), advertise=False))
        return {"name": name, "interface": link, "virtual_router_id": number, "priority": self.dice.choice([50, 100, 200]),
                "virtual_mac": own_link, "accept": self.dice.random() < 0.8, "vips": vips,
                "track": self.dice.choice([None, None, "interface", "check"]), "route": self.dice.choice([None, None, 0, 5]),
                "preempt": self.dice.random() < 0.8, "to": f"203.0.{number}.{16 * (family + LINKS.index(link))}/28"}

    def vip(self, address, link):
        dice, ipv4 = self.dice, ":" not in address
        where = dice.choice([link] * 4 + LINKS)
        return {"address": f"{address}/{self.length(address, where)}", "interface": where,
                "label": dice.choice([None, None, f"{where}:1"]) if ipv4 else None,
                "noprefixroute": dice.random() < 0.2, "advertise": True}

    def length(self, address, link):
        """Where no address of the host is the first of its network, the first to come would be, and that is chance."""
        if ":" in address:
            return self.dice.choice([64, 128])
        return self.dice.choice([24, 32]) if link == "eth0" else 32

    def change_one(self, instance):
        what = self.dice.choice(["priority", "vips", "accept", "preempt"])
        if what == "vips":
            for vip in instance["vips"]:
                address = vip["address"].split("/")[0]
                vip["address"] = f"{address}/{self.length(address, vip['interface'])}"
        else:
            instance[what] = self.dice.choice([50, 100, 150]) if what == "priority" else not instance[what]

    def groups(self):
        return {name: self.some(NAMES, 2, 3) for name in self.some(GROUPS, 0, 1)}

    def draw_services(self):
        if not self.services:
            return None
        pools = {name: [self.server(one) for one in self.some(SERVERS, 1, 5)] for name in POOLS}
        return {"pools": pools, "list": [self.service(name, at) for name, at in zip(self.some(SERVICES, 0), self.some(LISTENERS, len(LISTENERS)))]}

    def server(self, address):
        return {"address": address, "weight": self.dice.choice([0, 1, 1, 2, 10]), "state": self.dice.choice(["enabled"] * 4 + ["drained"])}

    def service(self, name, at):
        return {"name": name, "listen": at, "protocol": "udp" if at.endswith(":53") else "tcp",
                "scheduler": self.dice.choice(SCHEDULERS), "forwarding": self.dice.choice(["dr", "dr", "nat"]),
                "pool": self.dice.choice(POOLS), "check": self.dice.choice([None] + CHECKS),
                "persistence": self.dice.choice([None, None, "300s"])}

    # --- the file ---

    def name_of(self, link):
        logical = self.parts["world"]["logical"]
        return next((name for name, target in logical.items() if target == link), link)

    def text(self):
        world = self.parts["world"]
        lines = [HEAD.format(interfaces=json.dumps(world["logical"]), level=world["level"], format=world["format"],
                             globals=f"  users: {{script: {world['script']}}}\n  ready_timeout: {world['ready']}\n")]
        lines += self.section("vrrp", [self.instance_text(one) for one in self.parts["instances"]])
        lines += self.section("sync_groups", [{"name": name, "instances": there} for name, there in self.members().items()])
        lines += ["checks: " + json.dumps({name: {"type": "file", "path": os.path.join(self.folder, file)}
                                           for name, file in self.parts["checks"].items()})] if self.parts["checks"] else []
        lines += self.service_lines()
        return "\n".join(lines) + "\n"

    @staticmethod
    def section(name, rows):
        return [f"{name}:"] + [f"  - {json.dumps(row)}" for row in rows] if rows else []

    def members(self):
        """{group: those of its instances that there are}, if they are enough for one."""
        names = {one["name"] for one in self.parts["instances"]}
        found = {name: [one for one in members if one in names] for name, members in self.parts["groups"].items()}
        return {name: there for name, there in found.items() if len(there) > 1}

    def instance_text(self, one):
        row = {key: one[key] for key in ("name", "virtual_router_id", "priority", "virtual_mac", "accept", "preempt")}
        row["interface"] = self.name_of(one["interface"])
        row["virtual_addresses"] = [self.vip_text(vip, one) for vip in one["vips"]]
        if any(one["name"] in there for there in self.members().values()):
            row.update(priority=100, preempt=True)  # the members of a group have one
        elif one["track"] == "interface":
            row["track"] = [{"interface": self.name_of(LINKS[one["interface"] == "eth0"]), "weight": -10}]
        elif one["track"] and self.parts["checks"]:
            row["track"] = [{"check": sorted(self.parts["checks"])[0], "weight": -20}]
        if one["route"] is not None:
            row["routes"] = [{"to": one["to"], "dev": self.name_of(one["interface"]), "metric": one["route"]}]
        return row

    def vip_text(self, vip, one):
        row = {key: value for key, value in vip.items() if value is not None and key != "interface"}
        if one["virtual_mac"]:
            row.update(address=vip["address"].replace("/24", "/32"))
        if vip["interface"] != one["interface"]:
            row["interface"] = self.name_of(vip["interface"])
        return row

    def service_lines(self):
        services = self.parts["services"]
        if not services or not services["list"]:
            return []
        rows = []
        for one in services["list"]:
            row = {key: one[key] for key in ("name", "listen", "protocol", "scheduler", "forwarding") if one[key]}
            row["real_servers"] = one["pool"]
            if one["check"] in self.parts["checks"]:
                row["check"] = one["check"]
            if one["persistence"]:
                row["persistence"] = one["persistence"]
            rows.append(row)
        used = {one["pool"] for one in services["list"]}
        return ["pools: " + json.dumps({name: servers for name, servers in services["pools"].items() if name in used})] + self.section(
            "services", rows)


# --- how a director stands, without what time and history did ---

PASSING = {"pid", "restarts", "since", "started", "time", "reason", "reason_code", "transitions", "sent", "received", "dropped",
           "dropped_from", "dropped_at", "lateness_ms", "generation", "operations", "repairs", "repair", "last_read_back", "reload",
           "no_peer_heard", "latency_ms", "stats", "connections", "other_addresses", "other_addresses_from"}


def lasting(value):
    """What of `lbhactl status --json` does not depend on what was before."""
    if isinstance(value, dict):
        return {key: lasting(one) for key, one in value.items() if key not in PASSING}
    return [lasting(one) for one in value] if isinstance(value, list) else value
