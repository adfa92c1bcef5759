"""Who may ask on the control socket and who may command: root, and groups by what the kernel knows of a client. Groups are numbers
here, of which nobody else has heard."""
import os
import socket
import stat

import pytest

from lbhatest import wait_until

DONE, FAILED = 0, 1
READERS, WRITERS, OTHERS = 61001, 61002, 61003
STRANGER = 61000

CONFIG = """
directors:
  lb1: {address: 192.168.8.10}
vrrp:
  - {name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: 192.168.8.200/24, carrier_settle: 0s}
"""
GROUPS = CONFIG + f'global: {{control: {{read_group: "{READERS}", write_group: "{WRITERS}"}}}}\n'


@pytest.fixture
def lb1(lab):
    lan = lab.segment("lan", "192.168.8.0/24")
    return lab.director("lb1", (lan, "192.168.8.10"), config=GROUPS)


def may_ask(director, group, *groups):
    code, said = director.ctl_as(STRANGER, group, "ping", groups=groups)
    assert code == DONE or "not permitted" in said, said
    return code == DONE


def may_command(director, group, *groups):
    code, said = director.ctl_as(STRANGER, group, "priority", "public", "auto", groups=groups)
    assert code == DONE or "not permitted" in said, said
    return code == DONE


def socket_mode(director):
    about = os.stat(os.path.join(director.run_dir, "control.sock"))
    return stat.S_IMODE(about.st_mode), about.st_gid


def test_a_group_may_ask_and_another_may_command(lb1):
    lb1.start()
    assert may_ask(lb1, READERS) and not may_command(lb1, READERS)
    assert may_ask(lb1, WRITERS) and may_command(lb1, WRITERS)
    assert not may_ask(lb1, OTHERS) and not may_command(lb1, OTHERS)
    assert not may_ask(lb1, "lbha") # is named no more
    assert lb1.ctl_as("lbha", "lbha", "ping")[0] == DONE # the daemon's own user


def test_the_other_groups_of_a_client_count_as_its_own(lb1):
    lb1.start()
    many = range(62000, 62100) # more than there is room for at the first try
    assert may_command(lb1, OTHERS, WRITERS) and may_command(lb1, OTHERS, *many, WRITERS)
    assert may_ask(lb1, OTHERS, READERS) and not may_command(lb1, OTHERS, *many, READERS)
    assert not may_ask(lb1, OTHERS, *many)


def test_a_refusal_says_who_might(lb1):
    lb1.start()
    code, said = lb1.ctl_as(STRANGER, READERS, "drain", "--all", "192.0.2.1")
    assert code == FAILED and f"drain needs write access: root or group {WRITERS}" in said
    code, said = lb1.ctl_as(STRANGER, OTHERS, "status")
    assert code == FAILED and "not permitted: root, and who is in a group of global.control, may ask" in said
    assert f"drain asked for by user {STRANGER}" in lb1.log


def test_a_stranger_takes_no_place_from_anybody(lb1):
    lb1.start()
    asking = socket.socket(socket.AF_UNIX)
    asking.connect(lb1.socket)
    for _ in range(100):
        assert not may_ask(lb1, OTHERS)
    asking.sendall(b'{"request":"ping"}\n')
    asking.settimeout(5)
    assert b'"ok":true' in asking.recv(1000)
    asking.close()


def test_a_reload_changes_groups_and_drops_nobody(lb1):
    lb1.start()
    follower = socket.socket(socket.AF_UNIX)
    follower.connect(lb1.socket)
    follower.settimeout(5)
    lb1.configure(GROUPS.replace(str(WRITERS), str(OTHERS)))
    assert lb1.reload()[0] == DONE
    wait_until(lambda: may_command(lb1, OTHERS), 5, "the new group may command")
    assert not may_command(lb1, WRITERS)
    lb1.configure(CONFIG)
    assert lb1.reload()[0] == DONE
    wait_until(lambda: may_ask(lb1, "lbha"), 5, "the daemon's group may ask")
    assert not may_command(lb1, "lbha") and not may_ask(lb1, READERS)
    follower.sendall(b'{"request":"ping"}\n')
    assert b'"ok":true' in follower.recv(1000)
    follower.close()


def test_the_rights_of_an_open_connection_are_those_of_now(lb1):
    lb1.start()
    pair = os.pipe()
    pid = os.fork()
    if not pid: # as a writer, who goes on after the reload that takes it away
        os.setgroups([])
        os.setgid(WRITERS)
        os.setuid(STRANGER)
        client = socket.socket(socket.AF_UNIX)
        client.connect(lb1.socket)
        client.sendall(b'{"request":"ping"}\n')
        os.write(pair[1], client.recv(1000))
        os.kill(os.getpid(), 19)
        client.sendall(b'{"request":"reload"}\n')
        os.write(pair[1], client.recv(1000))
        os._exit(0)
    try:
        assert b'"ok":true' in os.read(pair[0], 1000)
        os.waitpid(pid, os.WUNTRACED)
        lb1.configure(GROUPS.replace(str(WRITERS), str(OTHERS)))
        assert lb1.reload()[0] == DONE
        wait_until(lambda: may_command(lb1, OTHERS), 5, "the new group may command")
        os.kill(pid, 18)
        assert b"not permitted" in os.read(pair[0], 1000)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_the_file_is_open_to_all_only_where_two_groups_must_get_in(lb1):
    lb1.start()
    assert socket_mode(lb1) == (0o666, READERS)
    lb1.configure(GROUPS.replace(str(WRITERS), str(READERS)))
    assert lb1.reload()[0] == DONE
    assert socket_mode(lb1) == (0o660, READERS)
    assert may_command(lb1, READERS)
    code, said = lb1.ctl_as(STRANGER, OTHERS, "ping")
    assert code == FAILED and "not permitted to open" in said


def test_a_group_that_there_is_not_is_refused_with_the_command_that_makes_it(lb1):
    lb1.start()
    lb1.configure(CONFIG + "global: {control: {write_group: nobody-knows}}\n")
    code, said = lb1.reload()
    assert code == FAILED and "there is no group nobody-knows (global.control.write_group)" in said and "groupadd" in said
    assert lb1.status()["generation"] == 1 and may_command(lb1, WRITERS)


def test_a_new_control_worker_knows_the_groups(lb1):
    lb1.start()
    old = lb1.worker("control")["pid"]
    lb1.host.run("kill", "-KILL", str(old))
    wait_until(lambda: lb1.worker("control")["pid"] != old, 10, "another control worker")
    assert may_command(lb1, WRITERS) and not may_ask(lb1, OTHERS)
