"""How scripts/test counts: a test that failed beside others may try once more, alone; what could not be done is no success."""
import importlib.machinery
import importlib.util
import os
import subprocess

import pytest

import steps

FILE = """
import os, pytest

def ran(name):
    with open({folder!r} + "/" + name, "a+") as file:
        file.write("x")
        file.seek(0)
        return len(file.read())

def test_good():
    ran("good")

@pytest.mark.parametrize("how", ["late [at first]"])
def test_that_is(how):
    assert ran("late") == 2, "no time"

@pytest.mark.parametrize("number", range({bad}))
def test_bad(number):
    assert ran(f"bad{{number}}") == 0, "never right"

class TestClass:
    class TestInner:
        def test_deep(self):
            assert ran("deep") == 2, "no time"
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """run(bad) with so many tests that never pass: the counts, how often each test ran, and what was said."""
    for name, value in ("ROOT", tmp_path), ("WORK", tmp_path / "work"), ("LOGS", tmp_path / "work/logs"):
        monkeypatch.setattr(steps, name, str(value))
    for folder in "tests/netns", "work/gcc", "work/logs", "ran":
        os.makedirs(tmp_path / folder)
    (tmp_path / "work/gcc/config.status").touch()
    said = []
    monkeypatch.setattr(steps, "say", said.append)

    def run(bad):
        (tmp_path / "tests/netns/test_some.py").write_text(FILE.format(folder=str(tmp_path / "ran"), bad=bad))
        step = steps.Step("netns", "some tests", steps.netns, limit=200)
        step.execute()
        ran = {name: len((tmp_path / "ran" / name).read_text()) for name in os.listdir(tmp_path / "ran")}
        return step.counts, ran, [line.strip() for line in said]

    return run


def test_what_failed_beside_others_and_passes_alone_is_told_and_counts_as_passed(suite):
    counts, ran, said = suite(1)
    assert str(counts) == "3 passed, 1 failed, 0 skipped"
    assert ran == {"good": 1, "late": 2, "deep": 2, "bad0": 2}
    told = [line for line in said if line.startswith("failed beside others, passed alone: ")]
    assert len(told) == 2 and "test_that_is[late [at first]]: AssertionError: no time" in told[1]
    assert "::TestClass::TestInner::test_deep: AssertionError: no time" in told[0]


def test_where_many_fail_none_tries_again(suite):
    counts, ran, _ = suite(steps.SECOND_TRIES)
    assert str(counts) == f"1 passed, {steps.SECOND_TRIES + 2} failed, 0 skipped"
    assert set(ran.values()) == {1}


@pytest.mark.parametrize("code", [2, 4, 5, 124])
def test_a_second_try_that_did_not_run_breaks_the_step(suite, tmp_path, code):
    (tmp_path / "tests/netns/test_some.py").touch()
    report = tmp_path / "report.xml"
    report.write_text('<testsuite><testcase classname="tests.netns.test_some" name="test_x"><failure message="no"/></testcase></testsuite>')
    step = steps.Step("netns", "some tests", steps.netns)
    open(step.log, "w").close()
    with pytest.raises(steps.Broken, match=f"ended with {code}"):
        steps.try_again(step, str(tmp_path), str(report), lambda *_: code)


@pytest.mark.parametrize("emulated", [False, True])
def test_the_guest_has_more_time_than_the_machine_itself(suite, monkeypatch, emulated):
    def work(step):
        seen.append((step.limit, round(step.deadline - started)))
        return steps.Counts(passed=1)

    seen, started = [], steps.time.monotonic()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(steps, "is_emulated", lambda _: emulated)
    monkeypatch.setattr(steps, "pytest_in_guest", lambda step, *_, **more: work(step))
    steps.Step("netns", "some tests", steps.netns, limit=100).execute()
    assert seen == [(1000, 1000) if emulated else (200, 200)]


# --- the lab, natively ---

def test_a_sysctl_that_the_lab_needs_is_put_back_whatever_happens(lab):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab/guest")
    loader = importlib.machinery.SourceFileLoader("guest", path)
    guest = importlib.util.module_from_spec(importlib.util.spec_from_loader("guest", loader))
    loader.exec_module(guest)
    host = lab.host("one")

    def value():
        return host.run("cat", "/proc/sys/net/ipv4/conf/all/rp_filter").strip()

    before = value()
    with host.inside(), pytest.raises(KeyboardInterrupt):
        with guest.sysctl("net/ipv4/conf/all/rp_filter", "2\n"):
            assert value() == "2" != before
            raise KeyboardInterrupt
    assert value() == before
    with guest.sysctl("net/no/such", "1\n"):
        pass


# --- packages ---

MAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../packages/make")


@pytest.fixture
def make_root(tmp_path):
    """make_root(**environment): `tests/packages/make FOLDER root` for a package whose dependency nobody has; BARE is the exit
    code for a root without it."""
    for folder in "deb/DEBIAN", "debs", "bin":
        os.makedirs(tmp_path / folder)
    (tmp_path / "deb/DEBIAN/control").write_text("Package: lbha\nVersion: 1-1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
                                                 "Depends: libc6 (>= 2), misspelt | other, lbha-else\n")
    subprocess.run(["dpkg-deb", "-b", tmp_path / "deb", tmp_path / "debs/lbha_1-1_all.deb"], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "bin/mmdebstrap").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\ncase "$*" in *essential*) exit "${BARE-0}" ;; esac\nexit 25\n')
    (tmp_path / "bin/mmdebstrap").chmod(0o755)

    def run(**environment):
        done = subprocess.run([MAKE, tmp_path, "root"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env=dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}", **environment))
        reason = tmp_path / "no-root"
        return done.returncode, done.stdout, reason.read_text() if reason.exists() else None

    return run


def test_a_root_that_cannot_be_made_is_a_failure(make_root, tmp_path):
    code, said, reason = make_root()
    assert code == 25 and reason is None and not (tmp_path / "root").exists()
    assert "--include=systemd,iproute2,procps,libc6,misspelt\n" in said


def test_a_machine_that_can_make_no_root_at_all_is_told_from_it(make_root):
    code, said, reason = make_root(BARE="25")
    assert code == 0 and "not even with Debian's essential packages" in reason and reason in said


def test_that_there_is_no_archive_must_be_said(make_root):
    code, _, reason = make_root(LBHA_NO_ARCHIVE="1")
    assert code == 0 and "LBHA_NO_ARCHIVE" in reason
