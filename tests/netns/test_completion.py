"""Completion as bash, zsh and fish do it, with names from a daemon; what the files for lbhad and lbha-rs know is what --help says."""
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import time

import pytest

from lbhatest import wait_until
from lbhatest.director import build_folder, program
from test_lbhactl_alone import FakeDaemon, answer

FOLDER = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "etc", "completion"))
NAMES = {"instances": ["public", "inside"], "checks": ["gateway"],
         "services": [{"name": "web", "servers": ["192.168.8.20", "192.168.8.30:80", "a b"]}, {"name": "shop; rm -rf ~", "servers": ["2001:db8::20"]},
                      {"name": "tab\there", "servers": ["c"]}]}


def needs(shell):
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")


def environment(**more):
    return dict(os.environ, PATH=build_folder() + ":" + os.environ["PATH"], LC_ALL="C.UTF-8", **more)


@pytest.fixture
def daemon(tmp_path):
    made = FakeDaemon(tmp_path / "socket", answer(NAMES))
    yield made
    made.close()


# --- what lbhactl says ---

def said(*words):
    done = subprocess.run([program("lbhactl"), "--complete", *words], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_commands_options_and_words_come_from_the_tables(tmp_path):
    none = f"--socket={tmp_path}/none"
    assert {"status", "drain", "export", "overrides"} <= set(said("")) and len(set(said(""))) == len(said(""))
    assert said("sta") == ["status"] and said("frob") == []
    assert said(none, "maintenance", "") == ["on", "off"] and said("maintenance", "o", "") == []
    assert said("overrides", "") == ["load"] and said("plan", "") == [":files"] == said("overrides", "load", "")
    assert {"--timeout", "--comment", "--all", "--json"} <= set(said("drain", "--")) and "--since" not in said("drain", "--")
    assert said("--color", "a") == ["auto", "always"] and said("--color=n") == ["--color=never"]
    assert said("drain", "--timeout", "") == [] and said("--socket", "") == [":files"]


def test_without_a_daemon_there_are_no_names_and_no_noise(tmp_path):
    for words in ("vrrp",), ("drain", "web"), ("services",):
        begin = time.monotonic()
        assert said("--socket", str(tmp_path / "none"), *words, "") == []
        assert time.monotonic() - begin < 2


def test_a_daemon_that_hangs_is_not_waited_for(tmp_path):
    hung = FakeDaemon(tmp_path / "socket", None)
    begin = time.monotonic()
    assert said("--socket", hung.path, "vrrp", "") == []
    assert time.monotonic() - begin < 3
    hung.close()


def test_names_of_a_daemon_are_those_of_the_place(daemon):
    at = f"--socket={daemon.path}"
    assert said(at, "vrrp", "") == ["public", "inside"] and said(at, "release", "p") == ["public"]
    assert said(at, "services", "") == ["web", "shop; rm -rf ~"], "what would break a line is left out"
    assert said(at, "drain", "web", "") == ["192.168.8.20", "192.168.8.30:80", "a b"]
    assert said(at, "drain", "--all", "2") == ["2001:db8::20"]
    assert said(at, "weight", "web", "a b", "") == ["auto"]
    assert json.loads(daemon.heard[0]) == {"request": "names"}


def test_names_of_the_real_daemon(lab):
    lb1 = lab.director("lb1", (lab.segment("lan", "192.168.8.0/24"), "192.168.8.10"), config="""
directors: {lb1: {address: 192.168.8.10}}
checks: {gateway: {type: icmp, address: 192.168.8.1}}
vrrp: [{name: public, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.168.8.200/24], track: [{check: gateway, weight: -1}]}]
""")
    lb1.start()
    assert lb1.host.run(program("lbhactl"), "--complete", "--socket", lb1.socket, "vrrp", "") == "public\tinstance\n"
    assert "gateway\tcheck\n" in lb1.host.run(program("lbhactl"), "--complete", "--socket", lb1.socket, "check", "")


# --- bash ---

def bash(line, name="lbhactl", folder=None):
    """What the function makes of a line; words are broken as readline does."""
    words = [word for word in re.findall(r"(?:\\.|[^\s:=])+|[:=]", line)] + ([""] if line.endswith(" ") else [])
    script = f"""source {FOLDER}/bash/{name}
COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}
COMP_WORDS=({' '.join(map(shlex.quote, words))})
_{name.replace('-', '_')} {name}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=20, check=True, env=environment(), cwd=folder)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


@needs("bash")
def test_bash_completes(daemon, tmp_path):
    at = f"lbhactl --socket {daemon.path}"
    assert bash("lbhactl maint") == ["maintenance"]
    assert bash(f"{at} vrrp ") == ["public", "inside"]
    assert bash(f"{at} services s") == [r"shop\;\ rm\ -rf\ ~"]
    assert bash(f"{at} drain web a") == [r"a\ b"]
    # bash has "192.168.8.30", ":" and "8" for three words, and replaces the last
    assert bash(f"{at} drain web 192.168.8.30:8") == ["80"]
    assert bash(f"{at} drain --all 2001:db") == ["db8::20"]
    assert bash("lbhactl --color=al") == ["always"]
    (tmp_path / "new one.conf").write_text("")
    assert bash("lbhactl plan new", folder=tmp_path) == ["new one.conf"]


def options_of_help(name):
    shown = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", shown)) | {"help", "version"}


@needs("bash")
@pytest.mark.parametrize("name", ["lbhad", "lbha-rs"])
def test_bash_completes_the_options_of_help(name, tmp_path):
    assert set(bash(f"{name} --", name)) == {f"--{option}" for option in options_of_help(name)}
    (tmp_path / "lbha.conf").write_text("")
    assert bash(f"{name} -f lb", name, tmp_path) == ["lbha.conf"]
    if name == "lbha-rs":
        assert bash("lbha-rs st", name) == ["status"] and bash("lbha-rs setup --forwarding t", name) == ["tunnel"]


@pytest.mark.parametrize("name", ["lbhad", "lbha-rs"])
def test_zsh_and_fish_know_the_options_of_help(name):
    with open(f"{FOLDER}/zsh/_{name}") as file:
        assert set(re.findall(r"--([a-z][a-z-]+)(?=\[|\}')", file.read())) == options_of_help(name)
    with open(f"{FOLDER}/fish/{name}.fish") as file:
        assert set(re.findall(r" -l ([a-z][a-z-]+)", file.read())) == options_of_help(name)


# --- fish ---

def fish(line, folder, name="lbhactl"):
    done = subprocess.run(["fish", "--no-config", "-c", f"source {FOLDER}/fish/{name}.fish; complete -C {shlex.quote(line)}"],
                          capture_output=True, text=True, timeout=20, check=True, cwd=folder,
                          env=environment(HOME=str(folder), XDG_CONFIG_HOME=str(folder), XDG_DATA_HOME=str(folder)))
    return [one.split("\t")[0] for one in done.stdout.splitlines()]


@needs("fish")
def test_fish_completes(daemon, tmp_path):
    at = f"lbhactl --socket {daemon.path}"
    assert fish("lbhactl maint", tmp_path) == ["maintenance"]
    assert sorted(fish(f"{at} vrrp ", tmp_path)) == ["inside", "public"]
    assert fish(f"{at} drain web 192.168.8.3", tmp_path) == ["192.168.8.30:80"]
    assert {"--timeout", "--comment"} <= set(fish("lbhactl drain --", tmp_path))
    (tmp_path / "new.conf").write_text("")
    assert fish("lbhactl plan new", tmp_path) == ["new.conf"]
    assert fish("lbha-rs te", tmp_path, "lbha-rs") == ["teardown"] and fish("lbhad --wi", tmp_path, "lbhad") == ["--withdraw"]


# --- zsh ---

class Zsh:
    """An interactive zsh on a terminal. ^X shows what the line has become."""

    def __init__(self, folder):
        self.pid, self.here = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment(TERM="dumb", PS1="> ", HOME=str(folder)))
        os.set_blocking(self.here, False)
        self.text = ""
        self.say(f"fpath=({FOLDER}/zsh $fpath); autoload -Uz compinit; compinit -u -D; setopt no_beep no_always_last_prompt; "
                 "show() { print -r -- \"<<$BUFFER>>\"; BUFFER= }; zle -N show; bindkey '^X' show; print rea''dy\n")
        self.wait("ready")

    def say(self, text):
        self.text = ""
        os.write(self.here, text.encode())

    def read(self):
        try:
            self.text += os.read(self.here, 65536).decode(errors="replace")
        except BlockingIOError:
            pass
        return self.text

    def wait(self, words):
        wait_until(lambda: words in self.read(), 20, f"{words!r} on the terminal: {self.text!r}")

    def completed(self, line):
        """The line after Tab."""
        self.say(line + "\t\x18")
        self.wait(">>")
        return re.search(r"<<(.*)>>", self.text).group(1)

    def end(self):
        os.close(self.here)
        os.waitpid(self.pid, 0)


@pytest.fixture
def zsh(tmp_path):
    shell = Zsh(tmp_path)
    yield shell
    shell.end()


@needs("zsh")
def test_zsh_completes(daemon, zsh, tmp_path):
    at = f"lbhactl --socket {daemon.path}"
    assert zsh.completed("lbhactl maint") == "lbhactl maintenance "
    assert zsh.completed(f"{at} vrrp pub") == f"{at} vrrp public "
    assert zsh.completed(f"{at} drain web 192.168.8.3") == f"{at} drain web 192.168.8.30:80 "
    assert zsh.completed(f"{at} services sh") == f"{at} services shop\\;\\ rm\\ -rf\\ \\~ "
    assert zsh.completed("lbhactl drain --ti") == "lbhactl drain --timeout "
    (tmp_path / "new.conf").write_text("")
    assert zsh.completed("lbhactl plan ne") == "lbhactl plan new.conf "
    assert zsh.completed("lbhad --wi") == "lbhad --withdraw "
    assert zsh.completed("lbha-rs tear") == "lbha-rs teardown "
