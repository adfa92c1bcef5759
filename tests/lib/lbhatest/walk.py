"""A page of doc/guide, walked: its commands are run one after the other on the hosts that their prompts name, and what the page
shows behind a command is what comes, in shape.

In shape: numbers, times and widths of columns are free; each line that is shown comes, in this order, and others may come
between only where the page has a line "…". A command that only looks is asked again until it shows that: between a cause and
its effect there may be seconds. Its exit status is 0 unless the page says `# exit status N` behind it.

  ```console              is walked; with `# not here` behind a prompt that line is only for people
  ```diff NAME.conf       makes the directors' lbha.conf that example with this change
  ```yaml                 is the lbha.conf of everybody from then on
  <!-- HOST# COMMAND -->  is run, too: the fault that the page is about, and the way back from it
"""
import os
import re
import shlex

from .examples import example
from .pages import PROMPT, blocks_of, changed
from .waiting import wait_until

LOOKS = re.compile(r"^(lbhactl( --json)? (status|vrrp|services|events|overrides|connections|plan|top|doctor|export)|lbha-rs (status|doctor)|"
                   r"ipvsadm -(L|S)|ip |nft list|curl |grep |journalctl|systemctl (status|is-active)|lbhactl ping|sysctl -n)")
FREE = [(re.compile(r"\x1b\[[0-9;]*m"), ""),
        (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?|\d\d:\d\d:\d\d(\.\d+)?"), "<time>"),
        (re.compile(r"(?<![\w.:])(\d+(\.\d+)?(us|ms|s|m|h|d) ?)+(?!\w)"), "<while>"),
        (re.compile(r"(?<![\w.:/])\d+(\.\d+)?[kMG]?(?![\w:/]|\.\d)"), "<number>"),
        (re.compile(r":\d+:\d+: "), ":<place>: "), (re.compile(r"--+"), "--"), (re.compile(r"\s+"), " ")]


def shape(line):
    for pattern, word in FREE:
        line = pattern.sub(word, line)
    return line.strip()


def has_shape(said, shown):
    """Whether lines came as they are shown."""
    said, shown = ([shape(line) for line in lines if line.strip()] for lines in (said, shown))
    return fits(said, shown)


def fits(said, shown):
    if not shown:
        return not said
    if shown[0] == "…":
        return any(fits(said[skip:], shown[1:]) for skip in range(len(said) + 1))
    return bool(said) and said[0] == shown[0] and fits(said[1:], shown[1:])


class Step:
    """A command with what is shown behind it (nothing: anything may come)."""

    def __init__(self, line, host, command):
        self.line, self.host, self.shown = line, host, []
        self.command, _, remark = command.partition(" # ") if " # " in command else (command, "", "")
        self.command, self.remark = self.command.strip(), remark.strip()
        code = re.search(r"exit status (\d+)", remark)
        self.codes = {int(code.group(1))} if code else {0, 4} if self.command == "lbhactl status" else {0}

    def may_fail_first(self):
        return bool(LOOKS.match(self.command))

    def __str__(self):
        return f"{self.host}# {self.command}"


def steps_of(block):
    """The commands of a session."""
    steps = []
    for offset, line in enumerate(block[2], 1):
        prompt = PROMPT.match(line)
        if prompt:
            steps.append(Step(block[0] + offset, prompt.group(1), prompt.group(2)))
        elif steps:
            steps[-1].shown += [line] if line.strip() else []
    return [step for step in steps if not step.remark.startswith("not here")]


def unseen(text):
    """As blocks, the commands that readers do not see."""
    return [(number, "console", ["", line.strip()[5:-4].strip()]) for number, line in enumerate(text.split("\n"))
            if line.startswith("<!-- ") and line.endswith(" -->")]


class Walk:
    """LBHA_WALK=record prints what comes instead, for whoever writes a page.

    hosts: {name: object with ask(*words) → (exit code, text) and write(path, text, mode)}; directors: names among them."""

    CONFIG = "/etc/lbha/lbha.conf"

    def __init__(self, page, hosts, directors, within=10, everybody=()):
        self.page, self.hosts, self.directors, self.within, self.everybody = page, hosts, directors, within, everybody
        with open(page, encoding="utf-8") as file:
            text = file.read()
        self.blocks = sorted(blocks_of(text)[0] + unseen(text))
        self.walked, self.stories = 0, []

    def where(self, step):
        return f"{self.page}:{step.line}: {step}"

    def walk(self):
        """All of the page, though something in it be false; returns how many commands were run."""
        for block in self.blocks:
            kind, *words = block[1].split() or [""]
            if kind == "diff":
                self.change(block, words[0])
            elif kind == "yaml" and not words:
                for name in self.everybody:
                    self.hosts[name].write(self.CONFIG, "\n".join(block[2]) + "\n", 0o600)
            elif kind == "console":
                for step in steps_of(block):
                    self.do(step)
        assert not self.stories, "\n\n".join(self.stories)
        return self.walked

    def change(self, block, name):
        text = changed(example(name.removesuffix(".conf")), block[2])
        assert text is not None, f"{self.page}:{block[0]}: {name} has not the lines that are changed"
        for director in self.directors:
            self.hosts[director].write(self.CONFIG, text, 0o600)

    def do(self, step):
        assert step.host in self.hosts, f"{self.where(step)}: there is no such host here"
        last = [None, ""]

        def done():
            last[:] = self.hosts[step.host].ask("bash", "-c", step.command)
            return last[0] in step.codes and (not step.shown or has_shape(last[1].splitlines(), step.shown))

        self.walked += 1
        if os.environ.get("LBHA_WALK") == "record":
            done()
            print(f"{step}\n{last[1]}", end="" if last[0] in step.codes else f"[{last[0]}]\n", flush=True)
            return
        if done():
            return
        try:
            assert step.may_fail_first()
            wait_until(done, self.within, str(step), every=0.5)
        except AssertionError:
            self.stories.append(self.story(step, last))

    def story(self, step, last):
        return (f"{self.where(step)}\nended with {last[0]} ({' or '.join(map(str, sorted(step.codes)))} is expected) and said\n{last[1]}"
                + ("\nshown is\n" + "\n".join(step.shown) if step.shown else ""))


class Plain:
    """A host without a service manager, as a machine of its own: its own /etc, /var/lib, and the programs of the build."""

    OWN = """mkdir -p /run/etc/lbha /run/lib && cd /etc && cp -a passwd group nsswitch.conf ld.so.cache iproute2 /run/etc
mount --bind /run/etc /etc && mount --bind /run/lib /var/lib"""

    def __init__(self, host, programs):
        self.host, self.programs = host, programs
        host.run("bash", "-c", self.OWN)

    def ask(self, *words):
        return self.host.status_of("env", f"PATH={self.programs}:/usr/sbin:/usr/bin:/sbin:/bin", *words, cwd="/")

    def write(self, path, text, mode=0o644):
        self.host.run("bash", "-c", f"umask 077 && cat >{shlex.quote(path)} && chmod {mode:o} {shlex.quote(path)}", input=text)
