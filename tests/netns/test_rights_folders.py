"""The folders in which lbhad writes: what somebody else may have put there, or above, is refused with its reason, never followed,
and waits for nothing."""
import os
import socket
import stat

import pytest

from lbhatest import wait_until

STRANGER = 61000
CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: 192.168.8.200/24, carrier_settle: 0s}
"""
SECRET = "what stood in the file before\n"


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=CONFIG)


def victim(director):
    path = director.host.log_file("victim")
    with open(path, "w", encoding="ascii") as file:
        file.write(SECRET)
    os.chmod(path, 0o600)
    return path


def plant(director, path, kind):
    if kind == "link":
        os.symlink(victim(director), path)
    elif kind == "broken link":
        os.symlink(director.host.log_file("nowhere"), path)
    elif kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        os.mkdir(path, 0o700)
    elif kind == "hard link":
        os.link(victim(director), path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(path)
    elif kind == "other owner":
        open(path, "x", encoding="ascii").close()
        os.chown(path, STRANGER, STRANGER)
    elif kind == "writable":
        open(path, "x", encoding="ascii").close()
        os.chmod(path, 0o622)


def untouched(director):
    """Nothing was written through a link, nor made where a broken one leads."""
    path = director.host.log_file("victim")
    return not os.path.exists(director.host.log_file("nowhere")) and \
        (not os.path.exists(path) or (open(path, encoding="ascii").read() == SECRET and stat.S_IMODE(os.stat(path).st_mode) == 0o600))


def refuses_to_start(director):
    director.launch()
    wait_until(lambda: not director.is_running, 10, "lbhad ends")
    assert director.process.returncode == 1
    assert untouched(director)
    return director.log


KINDS = {"link": "is a symbolic link", "broken link": "is a symbolic link", "pipe": "is no file", "folder": "is no file",
         "socket": "is no file", "hard link": "has another name", "other owner": "belongs to another user",
         "writable": "can be written by others"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["lock", "owned"])
def test_what_is_no_file_of_ours_ends_the_start(lb1, name, kind):
    os.mkdir(lb1.run_dir, 0o755)
    plant(lb1, os.path.join(lb1.run_dir, name), kind)
    assert f"{lb1.run_dir}/{name}: {KINDS[kind]}" in refuses_to_start(lb1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "broken link"])
def test_overrides_that_are_no_file_of_ours_are_not_believed(lb1, kind):
    os.mkdir(lb1.state_dir, 0o755)
    plant(lb1, os.path.join(lb1.state_dir, "overrides"), kind)
    lb1.start()
    assert f"it {KINDS[kind]}" in lb1.log or (kind == "socket" and "overrides is not in force" in lb1.log)
    lb1.ctl_status("priority", "public", "120")
    assert untouched(lb1)


@pytest.mark.parametrize("kind", ["link", "broken link", "pipe", "hard link", "other owner", "socket"])
def test_what_lies_where_a_new_file_is_to_be_made_goes(lb1, kind):
    os.mkdir(lb1.run_dir, 0o755)
    os.mkdir(lb1.state_dir, 0o755)
    for path in (os.path.join(lb1.run_dir, "control.sock"), os.path.join(lb1.run_dir, "owned.new"),
                 os.path.join(lb1.run_dir, "handover"), os.path.join(lb1.state_dir, "overrides.new")):
        with_victim = kind in ("link", "hard link") and os.path.exists(lb1.host.log_file("victim"))
        if with_victim:
            (os.symlink if kind == "link" else os.link)(lb1.host.log_file("victim"), path)
        else:
            plant(lb1, path, kind)
    lb1.start()
    lb1.ctl("priority", "public", "120")
    assert stat.S_ISSOCK(os.lstat(lb1.socket).st_mode)
    assert stat.S_ISREG(os.lstat(os.path.join(lb1.state_dir, "overrides")).st_mode)
    assert untouched(lb1)
    lb1.stop()


def test_a_folder_in_the_socket_s_place_is_told(lb1):
    os.makedirs(os.path.join(lb1.run_dir, "control.sock", "x"))
    assert "control.sock is in the way" in refuses_to_start(lb1)


# ---- the folder and those above it --------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode, owner, words", [(0o777, 0, "can be written by everybody"), (0o1777, 0, "can be written by everybody"),
                                                (0o775, STRANGER, "belongs to another user")])
def test_a_folder_that_others_can_write_ends_the_start(lb1, mode, owner, words):
    os.mkdir(lb1.run_dir)
    os.chmod(lb1.run_dir, mode)
    os.chown(lb1.run_dir, owner, STRANGER)
    assert f"{lb1.run_dir}: {words}" in refuses_to_start(lb1)


@pytest.mark.parametrize("mode, owner, words", [(0o777, 0, "can be written by everybody"), (0o775, 0, "can be written by its group"),
                                                (0o755, STRANGER, "belongs to another user")])
def test_a_folder_below_one_that_others_can_write_ends_the_start(lb1, mode, owner, words):
    above = lb1.host.log_file("above")
    os.makedirs(os.path.join(above, "run"), 0o755)
    lb1.run_dir = os.path.join(above, "run")
    os.chown(above, owner, STRANGER)
    os.chmod(above, mode)
    assert f"{above}: {words}" in refuses_to_start(lb1)


def test_a_link_of_somebody_else_to_the_folder_is_not_followed(lb1):
    """Also where everybody may make one, as in /tmp, and nobody may replace what is another's."""
    shared, real = lb1.host.log_file("shared"), lb1.host.log_file("real")
    os.mkdir(shared)
    os.chmod(shared, 0o1777)
    os.mkdir(real, 0o755)
    lb1.run_dir = os.path.join(shared, "run")
    os.symlink(real, lb1.run_dir)
    os.chown(lb1.run_dir, STRANGER, STRANGER, follow_symlinks=False)
    assert f"{lb1.run_dir}: belongs to another user" in refuses_to_start(lb1)
    assert not os.listdir(real)


def test_what_is_ours_below_a_sticky_folder_is_ours(lb1):
    shared = lb1.host.log_file("shared")
    os.mkdir(shared)
    os.chmod(shared, 0o1777)
    lb1.run_dir = os.path.join(shared, "run")
    lb1.socket = os.path.join(lb1.run_dir, "control.sock")
    lb1.start()


def test_a_link_of_roots_is_followed(lb1):
    """As /var/run is one."""
    real = lb1.host.log_file("real")
    os.mkdir(real, 0o755)
    os.symlink(real, lb1.run_dir)
    lb1.start()
    assert "owned" in os.listdir(real)


def test_only_the_last_folder_is_made(lb1):
    lb1.run_dir = os.path.join(lb1.host.log_file("missing"), "run")
    assert f"{os.path.dirname(lb1.run_dir)}: No such file" in refuses_to_start(lb1)


def test_folders_and_files_have_their_modes_whatever_the_umask(lb1):
    old = os.umask(0)
    try:
        lb1.start()
    finally:
        os.umask(old)
    modes = {name: stat.S_IMODE(os.stat(os.path.join(lb1.run_dir, name)).st_mode) for name in ("", "lock", "owned", "control.sock")}
    assert modes == {"": 0o755, "lock": 0o600, "owned": 0o600, "control.sock": 0o660}
    lb1.stop()
    os.umask(0o777)
    try:
        lb1.start()
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(lb1.socket).st_mode) == 0o660
