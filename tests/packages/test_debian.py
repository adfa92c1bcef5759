"""The Debian packages on clean machines: what installing, upgrading, removing and purging do and do not do."""
import os
import re
import subprocess

import pytest

from lbhatest import Lab, wait_for, wait_until
from lbhatest.debian import DebianMachine, clean_root, packages_folder
from lbhatest.systemd import CannotBoot, Systemd

VIP = "192.168.8.200"
CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - name: public
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
"""
WRONG = CONFIG.replace("carrier_settle", "carier_settle")
SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


class Network:
    """A clean machine lb1 and, on the same wire, an lb2 that would take over if it heard nothing for 0.4 s."""

    def __init__(self, lab):
        self.lab = lab
        self.lan = lab.segment("lan", "192.168.8.0/24")
        self.host = lab.host("lb1", (self.lan, "192.168.8.10"))
        self.lb1 = None

    def clean(self):
        if self.lb1:
            self.lb1.close()
        try:
            self.lb1 = DebianMachine(self.host)
        except CannotBoot as why:
            pytest.skip(f"systemd does not run here: {why}")
        return self.lb1


@pytest.fixture(scope="module")
def network(request):
    if os.geteuid() != 0:
        pytest.skip("makes namespaces")
    clean_root()
    with Lab(request.module.__name__) as lab:
        request.module.shared_lab = lab
        yield Network(lab)


@pytest.fixture(scope="module")
def lb2(network):
    director = network.lab.director("lb2", (network.lan, "192.168.8.11"), config=CONFIG)
    yield director
    director.stop()


@pytest.fixture
def clean(network):
    """A machine on which lbha never was."""
    return network.clean()


def ask(lb1, *words):
    return lb1.ask(*words)[1].strip()


def started(lb1):
    lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    lb1.run("systemctl", "start", "lbha")
    wait_for(lb1.role, "MASTER", 8)


@pytest.fixture
def running(clean):
    clean.install("lbha")
    started(clean)
    yield clean
    clean.ask("systemctl", "stop", "lbha")


# --- what they are ----------------------------------------------------------------------------------------------------

def test_the_version_is_that_of_configure():
    with open(os.path.join(SOURCE, "configure.ac")) as file:
        version = re.search(r"AC_INIT\(\[lbha\], \[([^]]+)\]", file.read()).group(1)
    with open(os.path.join(SOURCE, "debian/changelog")) as file:
        assert re.match(r"lbha \(([^)]+)\) ", file.readline()).group(1).rsplit("-", 1)[0] == version


def test_the_tarball_has_every_file_of_the_source():
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files"], cwd=SOURCE, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("the source is not under git")
    [tarball] = [name for name in os.listdir(packages_folder()) if ".tar." in name]
    packed = subprocess.run(["tar", "-tf", os.path.join(packages_folder(), tarball)], capture_output=True, text=True, check=True)
    there = {name.partition("/")[2] for name in packed.stdout.splitlines()}
    missing = set(listed.stdout.splitlines()) - there - {".gitignore", ".clang-format", ".gitattributes"}
    assert not missing, "missing in the tarball; EXTRA_DIST is where they belong"


def test_lintian_has_nothing_to_say():
    debs = os.path.join(packages_folder(), "debs")
    done = subprocess.run(["lintian", "--allow-root", "--pedantic", "-EI", "--fail-on", "error,warning,info,pedantic",
                           *[os.path.join(debs, name) for name in sorted(os.listdir(debs)) if "-1_" in name]],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# --- installing -------------------------------------------------------------------------------------------------------

def test_installing_starts_nothing_and_enables_it_for_when_there_is_a_configuration(clean):
    clean.install("lbha")
    assert clean.shows("ActiveState") == "inactive" and not clean.processes()
    assert ask(clean, "systemctl", "is-enabled", "lbha") == "enabled"
    assert clean.ask("systemctl", "is-failed", "lbha")[1].strip() == "inactive"
    assert clean.run("ls", "-A", "/etc/lbha") == ""
    users = {line.split(":")[0] for line in clean.run("cat", "/etc/passwd").splitlines() if line.startswith("lbha")}
    assert users == {"lbha", "lbha-check", "lbha-vrrp", "lbha-ipvs", "lbha-script", "lbha-exporter"}


def test_a_configuration_is_all_that_is_missing(clean):
    clean.install("lbha")
    clean.run("cp", "/usr/share/doc/lbha/examples/dr-pair.conf", "/root/all.conf")
    assert clean.ask("lbhad", "--check", "-f", "/root/all.conf") == (0, "")
    started(clean)
    assert clean.host.has_address(VIP) and clean.status()["ready"]
    users = set(clean.run("ps", "-eo", "user:32,comm").split())
    assert {"lbha", "lbha-check", "lbha-vrrp"} <= users


def test_what_the_package_says_of_itself_holds(clean):
    """debian/tests, as autopkgtest would run it."""
    clean.install("lbha", "lbha-rs")
    with open(os.path.join(SOURCE, "debian/tests/smoke")) as file:
        clean.write("/root/smoke", file.read(), 0o755)
    clean.run("/root/smoke")


def test_a_file_that_was_there_first_is_in_force_at_once(clean):
    clean.write(Systemd.CONFIG, CONFIG, 0o600)
    clean.install("lbha")
    wait_for(lambda: clean.shows("ActiveState"), "active", 5)
    wait_for(clean.role, "MASTER", 8)
    clean.run("systemctl", "stop", "lbha")


def test_a_wrong_file_does_not_fail_the_installation_and_starts_nothing(clean):
    clean.write(Systemd.CONFIG, WRONG, 0o600)
    said = clean.install("lbha")
    assert "lbha: it did not start; `journalctl -u lbha` and `lbhad --check` say why" in said
    clean.run("systemctl", "stop", "lbha")  # it is tried again a few times
    assert "ii" in clean.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "lbha")
    assert 'did you mean "carrier_settle"?' in clean.journal()


def test_one_that_was_removed_and_comes_again_is_at_work_again(running):
    """To dpkg the version that was removed is one that came before, as in an upgrade."""
    running.run("apt-get", "-qy", "remove", "lbha")
    assert not running.processes() and running.ask("ls", Systemd.CONFIG)[0] == 0
    running.install("lbha")
    wait_for(running.role, "MASTER", 8)
    assert running.shows("ActiveState") == "active"
    assert running.ask("ls", "/run/lbha.install")[0] == 2


def test_lbha_rs_needs_nothing_of_lbha_and_undoes_what_it_did_when_it_goes(clean):
    before = clean.host.addresses("lo")
    clean.install("lbha-rs")
    clean.run("lbha-rs", "setup", "--vip", VIP, "--persist")
    assert clean.host.has_address(VIP) and clean.run("lbha-rs", "status")
    assert ask(clean, "systemctl", "is-enabled", "lbha-rs") == "enabled"
    clean.install("lbha-rs", release=2)
    assert clean.host.has_address(VIP)
    clean.run("apt-get", "-qy", "purge", "lbha-rs")
    assert clean.host.addresses("lo") == before
    assert clean.ask("ls", "/etc/systemd/system/lbha-rs.service", "/var/lib/lbha")[0] == 2


def test_lbha_rs_leaves_the_folder_to_a_director_on_the_same_machine(running):
    running.install("lbha-rs")
    running.run("rm", "-f", "/var/lib/lbha/overrides")
    running.run("apt-get", "-qy", "purge", "lbha-rs")
    running.run("lbhactl", "priority", "public", "120")
    assert "120" in running.run("cat", "/var/lib/lbha/overrides"), "what operators say is written down as before"


# --- upgrading --------------------------------------------------------------------------------------------------------

def test_an_upgrade_loses_no_advert_no_address_and_no_process(running, lb2):
    lb1 = running
    lb2.start()
    lb2.wait_role("BACKUP")
    transitions, pid = lb2.vrrp()["transitions"], lb1.main_pid
    lb1.run("lbhactl", "priority", "public", "120")
    monitor = lb1.host.start("ip", "monitor", "address", stdout=open(lb1.host.log_file("monitor"), "wb"))
    said = lb1.install("lbha", release=2)
    assert "goes on with the new program" in said
    monitor.terminate()
    monitor.wait()
    assert lb1.main_pid == pid and lb1.role() == "MASTER" and lb1.shows("ActiveState") == "active"
    assert open(lb1.host.log_file("monitor")).read() == "", "nothing happened to an address"
    assert lb2.vrrp()["transitions"] == transitions and "MASTER" not in lb2.log.split("BACKUP")[-1]
    assert lb1.status()["vrrp"][0]["priority"] == 120, "overrides stay"
    assert "(deleted)" not in lb1.run("readlink", f"/proc/{pid}/exe")
    assert "NeedDaemonReload=no" in lb1.run("systemctl", "show", "-p", "NeedDaemonReload", "lbha")


def test_an_upgrade_that_the_new_program_refuses_is_told_and_the_old_one_goes_on(running):
    lb1, pid, workers = running, running.main_pid, running.status()["workers"]
    lb1.write(Systemd.CONFIG, WRONG, 0o600)
    said = lb1.install("lbha", release=2)
    assert "does NOT use the new program" in said and 'did you mean "carrier_settle"?' in said
    assert "run `lbhactl upgrade`" in said
    assert lb1.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "lbha").strip() == "ii"
    assert lb1.main_pid == pid and lb1.role() == "MASTER" and lb1.status()["workers"] == workers
    assert "(deleted)" in lb1.run("readlink", f"/proc/{pid}/exe")
    lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    lb1.run("lbhactl", "upgrade")
    assert "(deleted)" not in lb1.run("readlink", f"/proc/{pid}/exe") and lb1.role() == "MASTER"


def test_an_upgrade_does_not_start_what_an_operator_stopped(running):
    running.run("systemctl", "stop", "lbha")
    running.install("lbha", release=2)
    assert running.shows("ActiveState") == "inactive" and not running.host.has_address(VIP)


@pytest.mark.limit(120)
def test_after_an_update_of_libraries_needrestarts_script_has_all_processes_map_the_new_ones(clean, lb2):
    """Files of libraries are replaced as dpkg does it. What needrestart looks for is what is looked for here."""
    lb1 = clean
    lb1.install("lbha", "lbha-exporter")
    lb1.write(Systemd.CONFIG, CONFIG + 'global: {exporter: {listen: "127.0.0.1:9480"}}\n', 0o600)
    lb1.run("systemctl", "start", "lbha")
    wait_for(lb1.role, "MASTER", 8)
    exporter = "pgrep -x lbha-exporter"
    wait_until(lambda: lb1.ask("sh", "-c", exporter)[0] == 0, 8, "the exporter runs")
    if not lb2.is_running:
        lb2.start()
    lb2.wait_role("BACKUP")
    transitions, pid, before = lb2.vrrp()["transitions"], lb1.main_pid, len(lb1.processes())
    group = "/sys/fs/cgroup/system.slice/lbha.service/cgroup.procs"
    maps = f"cat $(sed 's,.*,/proc/&/maps,' {group}) | grep '\\.so'"
    libraries = set(re.findall(r"\s(/\S*\.so\S*)", lb1.run("sh", "-c", maps)))
    assert all(any(f"/lib{name}" in one for one in libraries) for name in ("ssl", "curl", "event", "jansson", "c.so")), libraries
    for one in libraries:
        lb1.run("sh", "-c", 'cp -a "$0" "$0.new" && mv "$0.new" "$0"', one)
    old = f"grep -l '\\.so.*(deleted)' $(sed 's,.*,/proc/&/maps,' {group})"
    assert len(lb1.run("sh", "-c", old).split()) == before
    lb1.run("/etc/needrestart/restart.d/lbha.service")
    wait_until(lambda: lb1.ask("sh", "-c", old) == (1, ""), 15, "nobody maps what is gone")
    wait_until(lambda: len(lb1.processes()) == before, 15, "all of them are there")
    assert lb1.ask("sh", "-c", exporter)[0] == 0
    assert lb1.main_pid == pid and lb1.role() == "MASTER" and lb2.vrrp()["transitions"] == transitions
    lb1.run("systemctl", "stop", "lbha")


# --- going ------------------------------------------------------------------------------------------------------------

def test_removing_it_releases_what_it_has_and_a_purge_leaves_nothing_but_users_and_the_operators_file(network):
    lb1 = network.clean()
    before = lb1.files()
    lb1.install("lbha")
    started(lb1)
    lb1.run("lbhactl", "priority", "public", "120")
    lb1.run("apt-get", "-qy", "remove", "lbha")
    wait_until(lambda: not lb1.host.has_address(VIP), 5, "the address is gone")
    assert not lb1.processes() and "public: MASTER → INIT: released" in lb1.journal()
    assert lb1.run("cat", "/var/lib/lbha/overrides")
    lb1.run("apt-get", "-qy", "purge", "lbha")
    left = lb1.files() - before
    assert left <= {"/etc/lbha/lbha.conf", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"}, left
    assert lb1.ask("ls", "/var/lib/lbha", "/usr/libexec/lbha", "/usr/share/doc/lbha")[0] == 2
    lb1.run("rm", "-r", "/etc/lbha")


def test_a_director_that_was_started_by_hand_goes_with_the_package(clean):
    lb1 = clean
    lb1.install("lbha")
    lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    lb1.run("lbhad", "--daemon")
    wait_for(lb1.role, "MASTER", 8)
    assert lb1.shows("ActiveState") == "inactive"
    lb1.run("apt-get", "-qy", "remove", "lbha")
    wait_until(lambda: not lb1.host.has_address(VIP), 5, "the address is gone")
    assert lb1.ask("pgrep", "lbha")[0] == 1


def test_a_purge_takes_nothing_from_a_director_of_another_installation(clean):
    lb1 = clean
    lb1.install("lbha")
    lb1.write(Systemd.CONFIG, CONFIG, 0o600)
    lb1.run("apt-get", "-qy", "remove", "lbha")
    lb1.run("mkdir", "-p", "/run/lbha")
    holder = lb1.start("flock", "/run/lbha/lock", "sleep", "60")
    wait_until(lambda: lb1.ask("flock", "-n", "/run/lbha/lock", "true")[0] == 1, 5, "somebody has the lock")
    said = lb1.run("apt-get", "-qy", "purge", "lbha")
    assert "stay: a director runs" in said and lb1.run("ls", "/run/lbha").strip() == "lock"
    holder.kill()
    holder.wait()
