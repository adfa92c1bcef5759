"""Keys of version 2: a file that only root can read reaches the vrrp worker, and nobody else ever sees what is in it."""
import glob
import os

import pytest

from lbhatest import wait_until

SECRET = "hush-it!"
CONFIG = """
directors:
  lb1: {address: 192.168.8.10, priority: 150}
  lb2: {address: 192.168.8.11, priority: 100}
vrrp:
  - name: public
    interface: eth0
    version: 2
    virtual_router_id: 51
    carrier_settle: 0s
    virtual_addresses: 192.168.8.200/24
    authentication: {type: pass, key: KEY}
"""


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)


def write_key(director, text, mode):
    path = os.path.join(os.path.dirname(director.config_file), "vrrp.key")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def with_file(director, mode=0o600):
    write_key(director, SECRET + "\n", mode)
    director.configure(CONFIG.replace("KEY", "{file: vrrp.key}"))


def checked(director):
    return director.host.status_of(*director.command("--check"), env=director.environment())


def files_that_hold(folder, text):
    return [path for path in glob.glob(os.path.join(folder, "**"), recursive=True)
            if os.path.isfile(path) and text.encode() in open(path, "rb").read()]


def test_a_key_in_a_file_of_roots_is_loaded_and_shown_nowhere(lb1):
    with_file(lb1)
    lb1.start()
    shown = lb1.ctl("config") + lb1.ctl("status", "--json")
    assert 'key: "***"' in shown
    assert SECRET not in shown and SECRET not in lb1.log
    assert not files_that_hold(lb1.run_dir, SECRET)


def test_a_new_key_is_told_without_it(lb1):
    with_file(lb1)
    lb1.start()
    write_key(lb1, "another!", 0o600)
    plan = lb1.ctl("plan")
    assert plan.strip() == "public: authentication.key changes"
    assert lb1.reload()[0] == 0
    assert lb1.ctl("plan") == ""
    assert "another!" not in lb1.log


def test_the_same_key_again_is_no_change(lb1):
    with_file(lb1)
    lb1.start()
    assert lb1.ctl("plan") == ""


@pytest.mark.parametrize("mode, words", [(0o644, "chmod o-r"), (0o660, "chmod go-w")])
def test_a_key_that_others_can_read_or_change_is_refused(lb1, mode, words):
    with_file(lb1, mode)
    code, said = checked(lb1)
    assert code == 1 and words in said and "vrrp.key" in said and SECRET not in said
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1
    assert words in lb1.log and SECRET not in lb1.log


def test_a_key_that_is_away_at_a_reload_leaves_the_old_one_in_force(lb1):
    with_file(lb1)
    lb1.start()
    os.unlink(os.path.join(os.path.dirname(lb1.config_file), "vrrp.key"))
    code, said = lb1.reload()
    assert code == 1 and "vrrp.key" in said
    assert lb1.status()["generation"] == 1


def test_a_key_in_the_configuration_wants_a_file_that_others_cannot_read(lb1):
    lb1.configure(CONFIG.replace("KEY", SECRET))
    os.chmod(lb1.config_file, 0o644)
    code, said = checked(lb1)
    assert code == 1 and "chmod o-r" in said and SECRET not in said
    lb1.launch()
    wait_until(lambda: not lb1.is_running, 10, "lbhad ends")
    assert lb1.process.returncode == 1 and "chmod o-r" in lb1.log
    os.chmod(lb1.config_file, 0o640)
    assert checked(lb1)[0] == 0
    lb1.start()
    assert SECRET not in lb1.log


# ---- all that prints -------------------------------------------------------------------------------------------------

WRONG = ["[K]", "[K, K]", "{K: 1}", "{fil: K}", "{file: a, x: K}", "*K", "!K", "!!K x", "&K", "&K x, key: x", '"K\\u0001"', "K" * 20,
         '"${K"', '"K${NOBODY_HAS_THIS}"', "'K'x", "'K", '"K', "K: 3", "@K", "`K", "%K", "{file: [K]}", "{file: /dev/null, file: K}",
         "K, key: K", "K, kye: K"]


@pytest.mark.parametrize("value", WRONG)
def test_no_error_of_the_file_quotes_a_key(lb1, value):
    lb1.configure(CONFIG.replace("KEY", value.replace("K", "hushhush")))
    code, said = checked(lb1)
    assert code == 1 and "hushhush" not in said, said


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_prints_shows_a_key_old_new_or_refused(lb1, form):
    """At the level debug: logs, snapshots, status, plans, events, facts in traffic with others, core files' stuff: arguments and
    environment."""
    log = f"\nglobal: {{log: {{level: debug, format: {form}}}}}\n"
    keys = [SECRET, "another!", "refused!"]
    write_key(lb1, keys[0] + "\n", 0o600)
    lb1.configure(CONFIG.replace("KEY", "{file: vrrp.key}") + log)
    lb1.start()
    lb1.wait_role("MASTER")
    events = lb1.host.start(*lb1.ctl_command("events", "--follow"), stdout=open(lb1.host.log_file("events"), "wb"))
    shown = [lb1.ctl(*words) for words in (("config",), ("status",), ("status", "--json"), ("vrrp",), ("vrrp", "--json"),
                                           ("overrides",), ("events",), ("config", "--json"))]
    write_key(lb1, keys[1], 0o600)
    shown += [lb1.ctl("plan"), lb1.ctl("plan", "--json"), lb1.reload()[1], lb1.ctl("status", "--json")]
    write_key(lb1, keys[2], 0o644)
    shown += [lb1.ctl_status("plan")[1], lb1.reload()[1], checked(lb1)[1], lb1.ctl("status", "--json")]
    write_key(lb1, keys[2] + "and much too long for a key of version 2", 0o600)
    shown += [lb1.reload()[1], checked(lb1)[1], lb1.ctl_status("doctor")[1]]
    os.kill(lb1.process.pid, 10) # USR1
    wait_until(lambda: "restarts" in lb1.log, 5, "the snapshot")
    for pids in lb1.worker_pids().values():
        for name in "cmdline", "environ":
            shown.append(open(f"/proc/{pids[0]}/{name}", "rb").read().decode(errors="replace"))
    lb1.stop()
    events.terminate()
    events.wait()
    shown += [lb1.log, open(lb1.host.log_file("events"), encoding="utf-8").read()]
    for key in keys:
        assert not [text for text in shown if key in text]
        for folder in lb1.run_dir, lb1.state_dir:
            assert not files_that_hold(folder, key)
