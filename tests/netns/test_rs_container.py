"""lbha-rs where little is allowed: with CAP_NET_ADMIN alone, with a read-only /proc/sys, in user namespaces, and with a
configuration whose secrets it may not read. What it cannot do it says before it does anything."""
import os
import re
import shlex
import subprocess

import pytest

from lbhatest.director import program
from test_rs import REAL, VIP, configured, journal, state
from test_rs import lan, server  # noqa: F401: fixtures

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

DROPPED = ("setpriv", "--bounding-set=-net_admin")
NET_ADMIN_ALONE = ("setpriv", "--bounding-set=-all,+net_admin", "--no-new-privs")


def within(server, prefix, *words):  # noqa: F811
    """lbha-rs started by way of another program."""
    return server.host.status_of(*prefix, program("lbha-rs"), *words, "--state-dir", server.host.log_file("rs-state"))


def lock_sysctls(server):  # noqa: F811
    server.host.run("mount", "--bind", "/proc/sys", "/proc/sys")
    server.host.run("mount", "-o", "remount,bind,ro", "/proc/sys")


# ---- a read-only /proc/sys ----

def test_sysctls_that_cannot_be_written_are_named_with_what_to_do(server):  # noqa: F811
    server.host.sysctl("net.ipv4.conf.lo.arp_ignore", 1)
    before = state(server.host)
    lock_sysctls(server)
    code, said = server.lbha_rs("setup", *configured(server))
    assert code == 1 and "Read-only file system" in said and "or use --arp filter" in said and "nothing was changed" in said
    assert re.findall(r"--sysctl (\S+=\d)", said) == ["net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2",
                                                      "net.ipv4.conf.lo.arp_announce=2"], "one is as it must be already"
    assert state(server.host) == before and not os.path.exists(journal(server))
    code, said = server.lbha_rs("setup", "--dry-run", *configured(server))
    assert code == 0 and "sysctls cannot be written here" in said and "add 192.168.8.200/32 to lo" in said


def test_sysctls_that_are_right_already_need_not_be_written(server):  # noqa: F811
    lock_sysctls(server)
    for where in "all", "lo":
        server.host.sysctl(f"net.ipv4.conf.{where}.arp_ignore", 1)
        server.host.sysctl(f"net.ipv4.conf.{where}.arp_announce", 2)
    before = state(server.host)
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert server.lbha_rs("status", *configured(server))[0] == 0
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before


def test_the_filter_needs_no_sysctl(server):  # noqa: F811
    lock_sysctls(server)
    before = state(server.host)
    assert server.lbha_rs("setup", "--arp", "filter", *configured(server))[0] == 0
    assert server.lbha_rs("status", *configured(server))[0] == 0
    assert server.lbha_rs("teardown")[0] == 0
    assert state(server.host) == before


def test_teardown_undoes_what_it_can_where_sysctls_were_locked_since(server):  # noqa: F811
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    lock_sysctls(server)
    code, said = server.lbha_rs("teardown")
    assert code == 1 and "cannot put net.ipv4.conf.all.arp_ignore back" in said and "Read-only file system" in said
    assert not server.host.has_address(VIP) and server.host.sysctl("net.ipv4.conf.all.arp_ignore") == "1"
    server.host.run("umount", "/proc/sys")
    assert server.lbha_rs("teardown")[0] == 0
    assert server.host.sysctl("net.ipv4.conf.all.arp_ignore") == "0" and not os.path.exists(journal(server))


# ---- capabilities and namespaces ----

@pytest.mark.parametrize("how", ["sysctl", "filter"])
def test_cap_net_admin_alone_is_enough(server, how):  # noqa: F811
    before = state(server.host)
    assert within(server, NET_ADMIN_ALONE, "setup", "--arp", how, *configured(server))[0] == 0
    assert within(server, NET_ADMIN_ALONE, "status", *configured(server))[0] == 0
    assert within(server, NET_ADMIN_ALONE, "teardown")[0] == 0
    assert state(server.host) == before


def test_without_cap_net_admin_it_says_so_before_anything_and_still_looks(server):  # noqa: F811
    before = state(server.host)
    code, said = within(server, DROPPED, "setup", *configured(server))
    assert code == 1 and "CAP_NET_ADMIN is missing" in said and "nothing was changed" in said
    assert state(server.host) == before and not os.path.exists(journal(server))
    assert within(server, DROPPED, "status", *configured(server))[0] == 3
    assert server.lbha_rs("setup", *configured(server))[0] == 0
    assert within(server, DROPPED, "status", *configured(server))[0] == 0
    during = state(server.host)
    code, said = within(server, DROPPED, "teardown")
    assert code == 1 and "CAP_NET_ADMIN is missing" in said and state(server.host) == during


def test_root_of_a_user_namespace_has_no_say_in_anothers_network(server):  # noqa: F811
    before = state(server.host)
    code, said = within(server, ("unshare", "--user", "--map-root-user"), "setup", *configured(server))
    assert code == 1 and "belongs to another user namespace" in said and "nothing was changed" in said
    assert state(server.host) == before


def test_root_of_a_user_namespace_sets_up_its_own_network(server):  # noqa: F811
    words = shlex.join([program("lbha-rs"), "--vip", VIP, "--state-dir", server.host.log_file("rs-inner")])
    script = f"""ip link set lo up; ip link add eth0 type veth peer name far; ip link set eth0 up; ip addr add {REAL}/24 dev eth0
        for how in sysctl filter; do
            {words} setup --arp $how || exit 1
            {words} status && ip addr show lo | grep -q {VIP} || exit 2
        done
        {words} teardown && cat /proc/sys/net/ipv4/conf/all/arp_ignore; ip addr show lo | grep {VIP}; nft list ruleset"""
    output = server.host.run("unshare", "--user", "--map-root-user", "--net", "sh", "-c", script)
    assert output.endswith("not set up\n0\n") and output.count("in place") == 4


def test_without_proc_it_says_what_it_needs(server):  # noqa: F811
    code, said = within(server, ("unshare", "--mount", "sh", "-c", 'while umount -l /proc 2>/dev/null; do :; done; exec "$@"', "sh"), "setup", "--vip", VIP)
    assert code == 1 and "needs /proc to be mounted" in said and not server.host.has_address(VIP)


def test_a_state_folder_that_cannot_be_made_is_told(server):  # noqa: F811
    place = server.host.log_file("locked")
    os.mkdir(place)
    server.host.run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place)
    code, said = server.host.status_of(program("lbha-rs"), "setup", "--vip", VIP, "--state-dir", place + "/state")
    assert code == 1 and "give another with --state-dir" in said and not server.host.has_address(VIP)


# ---- secrets ----

SECRETS = """
directors:
  lb1: {{address: 192.168.8.10}}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    version: 2
    virtual_addresses: [192.168.8.200/24]
    authentication: {{type: pass, key: {key}}}
services:
  - name: web
    listen: 192.168.8.200:80
    real_servers: [{{address: 192.168.8.20}}]
"""


@pytest.mark.parametrize("kind", ["fifo", "absent", "unreadable", "folder"])
def test_files_of_secrets_are_not_opened(server, kind):  # noqa: F811
    """A reader of the fifo would wait for ever, and be ended by the test's own limit; the others would be errors."""
    secret = server.host.log_file("secret")
    {"fifo": lambda: os.mkfifo(secret), "absent": lambda: None, "folder": lambda: os.mkdir(secret),
     "unreadable": lambda: open(secret, "w").close() or os.chmod(secret, 0)}[kind]()
    opened = os.stat(secret).st_atime_ns if kind == "unreadable" else None
    config = configured(server, SECRETS, key="{file: %s}" % secret)
    for command in "setup", "status", "teardown":
        code, said = within(server, NET_ADMIN_ALONE, command, *(config if command != "teardown" else ()))
        assert code == 0, said
    assert opened is None or os.stat(secret).st_atime_ns == opened


def test_a_secret_in_the_file_is_never_shown(server):  # noqa: F811
    config = configured(server, SECRETS, key="s3cr3t7")
    os.chmod(config[1], 0o600)
    said = "".join(server.lbha_rs(*words, *config)[1] for words in (
        ("setup", "--dry-run", "--json"), ("setup",), ("status", "--json"), ("doctor", "--json"), ("teardown", "--dry-run")))
    text = configured(server, SECRETS.replace("version: 2", "version: 7"), key="s3cr3t7")
    said += server.lbha_rs("setup", *text)[1]
    assert "version" in said and "s3cr3t" not in said
    with open(journal(server)) as file:
        assert "s3cr3t" not in file.read()


# ---- light ----

def test_it_maps_no_library_that_is_not_its_own_business():
    """No TLS, no HTTP, no nftables, no event loop: it runs in the smallest of containers."""
    loaded = {line.split()[0].split(".so")[0] for line in
              subprocess.run(["ldd", program("lbha-rs")], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()}
    sanitizers = {"libasan", "libubsan", "libstdc++", "libgcc_s", "libpthread", "librt", "libdl", "libresolv"}
    assert loaded - sanitizers <= {"linux-vdso", "libc", "libm", "libyaml-0", "libnl-3", "libjansson",
                                   "/lib64/ld-linux-x86-64", "/lib/ld-linux-aarch64"}


def is_sanitized():
    with open(program("lbha-rs"), "rb") as file:
        return b"__asan_init" in file.read()


@pytest.mark.skipif("is_sanitized()", reason="the sanitizer's own memory is limited with it")
def test_two_megabytes_of_memory_of_its_own_are_plenty(server):  # noqa: F811
    """The kernel counts what is private and can be written, touched or not."""
    many = ["--vip", "192.0.2.1"] + [word for number in range(2, 60) for word in ("--vip", f"192.0.2.{number}")]
    limit = ("prlimit", f"--data={2 << 20}")
    for words in (("setup", *configured(server)), ("setup", *many), ("status", "--json", *many), ("teardown",)):
        code, said = within(server, limit, *words)
        assert code == 0, said
