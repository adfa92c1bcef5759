"""keepalived's VRRP part as a peer on a host of its own (its checker needs a kernel with IPVS; VRRP runs anywhere)."""
import signal

from .waiting import wait_for

GLOBAL = """global_defs {{
	router_id {name}
	vrrp_version {version}
	vrrp_garp_master_delay 1
	script_user root
}}
"""

INSTANCE = """vrrp_instance {instance} {{
	state BACKUP
	interface {interface}
	virtual_router_id {vrid}
	priority {priority}
	advert_int {advert}
	{more}
	virtual_ipaddress {{
		{vips}
	}}
}}
"""


class Keepalived:
    """One instance, described by the settings; `others` are more of them, as dictionaries of those settings that differ,
    and `group` names a sync group of all."""

    def __init__(self, host, vips, version=3, others=(), group=None, details=True, **settings):
        self.host, self.process = host, None
        self.words = ["-D"] if details else []  # it then logs each address that it announces
        self.config = host.log_file("keepalived.conf")
        self.log = host.log_file("keepalived.log")
        first = {"vips": vips, "vrid": 51, "priority": 100, "advert": 1, "interface": "eth0", "instance": "public",
                 "more": "", **settings}
        instances = [first, *({**first, **other} for other in others)]
        with open(self.config, "w") as file:
            file.write(GLOBAL.format(name=host.name, version=version))
            if group:
                names = "\n\t\t".join(one["instance"] for one in instances)
                file.write(f"vrrp_sync_group {group} {{\n\tgroup {{\n\t\t{names}\n\t}}\n}}\n")
            for one in instances:
                addresses = [one["vips"]] if isinstance(one["vips"], str) else one["vips"]
                file.write(INSTANCE.format(**{**one, "vips": "\n\t\t".join(addresses)}))
        self.vips = [vips] if isinstance(vips, str) else list(vips)

    def __repr__(self):
        return f"<keepalived on {self.host.name}>"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = self.host.start("keepalived", "-P", "-n", "-l", *self.words, "-f", self.config,
                                           "-p", self.host.log_file("keepalived.pid"),
                                           "-r", self.host.log_file("vrrp.pid"), stdout=log, stderr=log)
        return self

    @property
    def is_master(self):
        return self.host.has_address(self.vips[0])

    def wait_master(self, within=6):
        wait_for(lambda: self.is_master, True, within, f"{self} as MASTER")

    def wait_backup(self, within=6):
        wait_for(lambda: self.is_master, False, within, f"{self} as BACKUP")

    def stop(self):
        """A planned stop: keepalived says goodbye with priority 0."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def crash(self):
        self.host.kill_everything()
        self.process.wait(timeout=20)

    def summary(self):
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-40:])
