"""The steps of scripts/test: what is built, what is run, what is counted.

A step runs commands, writes what they print to build-test/logs/STEP.log, and counts tests. Steps that only need a CPU run
two at a time, each with one job (the longest with two: it goes on when the others are done); those with timing or a virtual
machine in them run alone. A step that breaks (does not compile, cannot boot, takes too long) counts as one failure. The
others go on.

Counted are single tests: libcheck's inside each test program of `make check`, pytest's by their report.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
WORK = os.environ.get("LBHA_TEST_FOLDER", os.path.join(ROOT, "build-test"))
SOURCE = os.path.join(WORK, "source")
LOGS = os.path.join(WORK, "logs")
PYTHON = "/usr/bin/python3"
NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

printing = threading.Lock()
running = set()    # process groups that a sudden end must not leave behind


def say(text):
    with printing:
        print(text, flush=True)


class Broken(Exception):
    """A step could not do what it is there for; args[0] says why, with what was printed last."""


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


# --- running ----------------------------------------------------------------------------------------------------------

class Step:
    """name, a sentence, the function that does it, whether it must run alone, jobs of make, whether only --long wants it."""

    def __init__(self, name, about, work, alone=True, jobs=None, long=False, limit=900):
        self.name, self.about, self.work, self.alone, self.long, self.limit = name, about, work, alone, long, limit
        self.counts, self.seconds, self.details = Counts(), 0.0, ""
        self.log = os.path.join(LOGS, name + ".log")
        self.jobs = jobs or (2 if alone else 1)

    def folder(self):
        path = os.path.join(WORK, self.name)
        os.makedirs(path, exist_ok=True)
        return path

    def take_longer(self, times):
        """Where that cannot be done in the usual time."""
        self.deadline += (times - 1) * self.limit
        self.limit *= times

    def run(self, *command, cwd=None, env=None, live=False, check=True):
        """Run a command to its end, within the step's time. Returns its exit code; a failure breaks the step."""
        left = self.deadline - time.monotonic()
        with open(self.log, "a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            process = subprocess.Popen(command, cwd=cwd or ROOT, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE if live else log, stderr=subprocess.STDOUT,
                                       env=dict(os.environ, **(env or {})), start_new_session=True)
            running.add(process.pid)
            timer = threading.Timer(max(left, 1), end_group, [process.pid])
            timer.start()
            try:
                if live:
                    pass_on(process.stdout, log)
                code = process.wait()
            finally:
                timer.cancel()
                if process.poll() is None:
                    end_group(process.pid)
                    process.wait()
                running.discard(process.pid)
        if time.monotonic() >= self.deadline:
            raise Broken(f"stopped: it took longer than {self.limit} s\n{tail(self.log)}")
        if check and code:
            raise Broken(f"`{' '.join(command)}` ended with {code}\n{complaints(self.log)}")
        return code

    def execute(self):
        started = time.monotonic()
        self.deadline = started + self.limit
        open(self.log, "w").close()
        try:
            self.counts = self.work(self)
        except Broken as problem:
            self.counts.failed += 1
            self.details += str(problem)
        self.seconds = time.monotonic() - started
        mark = "FAIL" if self.counts.failed else "ok"
        say(f"{mark:5} {self.name:10} {self.about:55} {str(self.counts):36} {self.seconds:5.0f} s")
        if self.counts.failed:
            say(indent(self.details))
        return self


def end_group(pid):
    """Ask first: the guest has a machine to stop and folders to remove."""
    try:
        os.killpg(pid, signal.SIGTERM)
        for _ in range(30):
            time.sleep(0.1)
            os.killpg(pid, 0)
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_everything(number, _):
    """Interrupted: end what was started, at once. The steps run in threads, which an exception would not reach."""
    for pid in list(running):
        end_group(pid)
    print("test: interrupted", file=sys.stderr, flush=True)
    os._exit(128 + number)


def pass_on(stream, log):
    """To the screen and to the log, piece by piece: dots must appear when they happen."""
    while True:
        data = os.read(stream.fileno(), 65536).decode(errors="replace")
        if not data:
            return
        log.write(data)
        log.flush()
        with printing:
            sys.stdout.write(data)
            sys.stdout.flush()


def tail(path, lines=60):
    with open(path, errors="replace") as file:
        return "".join(file.readlines()[-lines:])


def complaints(path):
    """The lines of a build log that matter: errors with what belongs to them, else the end."""
    with open(path, errors="replace") as file:
        lines = file.readlines()
    found = [index for index, line in enumerate(lines) if re.search(r"\b(error|Error|undefined reference|ERROR)\b", line)]
    if not found:
        return "".join(lines[-60:])
    wanted = sorted({near for index in found[:20] for near in range(max(index - 2, 0), min(index + 5, len(lines)))})
    return "".join(lines[index] for index in wanted)


def indent(text):
    return "\n".join("      | " + line for line in text.rstrip().splitlines())


# --- counting ---------------------------------------------------------------------------------------------------------

def count_make_check(step, folder):
    """One count per test of libcheck, one per other test program. The logs of those that failed become the details."""
    counts = Counts()
    for trs in sorted(glob.glob(os.path.join(folder, "**/*.trs"), recursive=True)):
        with open(trs) as file:
            results = re.findall(r"^:test-result: (\w+)", file.read(), re.M)
        log = trs[:-4] + ".log"
        with open(log, errors="replace") as file:
            text = file.read()
        inner = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", text, re.M)
        bad = sum(result in ("FAIL", "ERROR", "XPASS") for result in results)
        if inner:
            failed = sum(int(failures) + int(errors) for _, failures, errors in inner)
            counts.add(Counts(sum(int(checks) for checks, _, _ in inner) - failed, max(failed, bad)))
        else:
            counts.add(Counts(sum(result in ("PASS", "XFAIL") for result in results), bad, results.count("SKIP")))
        if bad:
            step.details += f"--- {os.path.relpath(log, folder)}\n" + "".join(text.splitlines(True)[-120:])
    return counts


def count_pytest(folder):
    """All the reports that the runs of a step have left."""
    counts = Counts()
    reports = glob.glob(os.path.join(folder, "report*.xml"))
    if not reports:
        raise Broken("pytest left no report")
    for suite in (suite for report in reports for suite in elements(report, "testsuite")):
        number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        counts.add(Counts(number["tests"] - failed - number["skipped"], failed, number["skipped"]))
    return counts


def elements(report, name):
    return xml.etree.ElementTree.parse(report).getroot().iter(name)


def test_of(case):
    """A case of a report as pytest takes it: its file, classes and name; None when it is none (a file that cannot be read)."""
    words = (case.get("classname") or "").split(".")
    for count in range(len(words), 0, -1):
        path = "/".join(words[:count]) + ".py"
        if os.path.isfile(os.path.join(ROOT, path)):
            return "::".join([path, *words[count:], case.get("name")])
    return None


def complaints_of(report):
    """{test as pytest takes it: what it complained of} of those of a report that failed."""
    found = {}
    for case in elements(report, "testcase"):
        name = test_of(case)
        for problem in [*case.findall("failure"), *case.findall("error")] if name else []:
            found.setdefault(name, []).append(problem.get("message") or "")
    return found


# --- the source -------------------------------------------------------------------------------------------------------

def source_files():
    """The files of the repository that git knows or would take; without git, all that does not look built."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().split("\0")
    else:
        names = [os.path.relpath(os.path.join(where, name), ROOT)
                 for where, folders, files in os.walk(ROOT) for name in files
                 if not re.search(r"/(build|\.git|autom4te)", where + "/")
                 and not re.search(r"\.(o|a|log|trs|pyc)$|^(Makefile|config\.(h|log|status))$", name)]
    return sorted(name for name in names if name and os.path.isfile(os.path.join(ROOT, name)))


def take_source(step):
    """A copy of the source to build from: whatever was configured or built in the tree itself is of no account."""
    manifest = os.path.join(WORK, "manifest")
    before = set()
    if os.path.exists(manifest):
        with open(manifest) as file:
            before = set(file.read().splitlines())
    names = source_files()
    for name in before - set(names):
        if os.path.exists(os.path.join(SOURCE, name)):
            os.unlink(os.path.join(SOURCE, name))
    for name in names:
        source, target = os.path.join(ROOT, name), os.path.join(SOURCE, name)
        status = os.stat(source)
        if os.path.exists(target):
            old = os.stat(target)
            if (old.st_mtime_ns, old.st_size, old.st_mode) == (status.st_mtime_ns, status.st_size, status.st_mode):
                continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)
    with open(manifest, "w") as file:
        file.write("\n".join(names) + "\n")
    step.run("autoreconf", "-fi" if not os.path.exists(os.path.join(SOURCE, "configure")) else "-i", cwd=SOURCE)
    return Counts()


# --- the steps --------------------------------------------------------------------------------------------------------

def configure_and_make(step, options, env=None, targets=("all",)):
    folder = step.folder()
    configure = os.path.join(SOURCE, "configure")
    status = os.path.join(folder, "config.status")
    if not os.path.exists(status) or os.path.getmtime(status) < os.path.getmtime(configure):
        step.run(configure, *options, cwd=folder, env=env)
    for target in targets:
        step.run("make", f"-j{step.jobs}", target, cwd=folder)
    return folder


def check(step, options, env=None):
    """Build, then make check; its single failures are counted, they do not break the step."""
    folder = configure_and_make(step, options, env)
    for old in glob.glob(os.path.join(folder, "**/*.trs"), recursive=True):
        os.unlink(old)
    code = step.run("make", f"-j{step.jobs}", "-k", "check", cwd=folder, env=env, check=False)
    counts = count_make_check(step, folder)
    if code and not counts.failed:
        raise Broken(f"`make check` ended with {code} though no test failed\n{complaints(step.log)}")
    if not counts.passed:
        raise Broken("`make check` ran no test")
    return counts


# Of the fuzz targets; their mutations are for gcc's build and for the sanitizers'.
CORPUS_ONLY = {"FUZZ_SECONDS": "0"}


def gcc(step):
    return check(step, ["CC=gcc", "--enable-werror"])


# How fast these two run is of no account, and half of what they cost is the compiler. (With -O1 gcc warns of what -O2 knows to
# be well.)
def clang(step):
    return check(step, ["CC=clang", "CFLAGS=-O1", "--enable-werror"], CORPUS_ONLY)


def sanitizers(step):
    return check(step, ["CC=gcc", "CFLAGS=-O1 -g1", "--enable-sanitizers"],
                 {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"})


def packages(step):
    """From the tarball, with its own `make check` in the course of it: what is missing there is missing here."""
    step.run("tests/packages/make", step.folder(), env={
        **CORPUS_ONLY, "LBHA_BUILD": gcc_build(), "DEB_BUILD_OPTIONS": f"parallel={step.jobs} noautodbgsym"})
    return Counts(passed=1)


def packages_folder():
    return os.path.join(WORK, "packages")


def installed(step):
    """What the packages are, and what they do on clean machines, which only root can make."""
    return pytest_here(step, "tests/packages", "gcc", LBHA_PACKAGES=packages_folder())


def pytest_command(report, *folders, options=()):
    standard = ["-p", "no:cacheprovider", "-q", "--junitxml", report, "--tb=short", "-rs"]
    return [PYTHON, "-m", "pytest", *standard, *options, *folders]


def build_of(name):
    folder = os.path.join(WORK, name)
    if not os.access(os.path.join(folder, "config.status"), os.R_OK):
        raise Broken(f"there is no {name} build (step {name})")
    return folder


def gcc_build():
    return build_of("gcc")


def has_tests(folder):
    return bool(glob.glob(os.path.join(ROOT, folder, "test_*.py")))


# Tests between namespaces mostly wait: four files at a time. Those that load the machine (marked `alone`) have it to
# themselves afterwards.
TOGETHER = ["-p", "xdist", "-n", "4", "--dist", "loadfile", "-m", "not alone"]
ALONE = ["-m", "alone"]
NO_TESTS = 5
# In the guest there are two processors, and tests wait more than they work.
TOGETHER_IN_GUEST = ["-p", "xdist", "-n", "2", "--dist", "loadfile"]
# One that failed beside others, on a machine that had no time for it, may try again when it is alone. Where many fail, it is
# not the time that they lack.
SECOND_TRIES = 8
AGAIN_SECONDS = 300  # for these, in the guest
# What takes its time natively with three workers, in the guest with two, and there without KVM, where tests have the same patience.
IN_GUEST_TIMES, EMULATED_TIMES = 2, 5


def fresh_output(step):
    output = os.path.join(WORK, step.name)
    shutil.rmtree(output, ignore_errors=True)
    os.makedirs(output)
    say(f"      {step.name}: {step.about}")
    return output


def pytest_result(step, output, codes, forgiven=Counts()):
    for code in codes:
        if code not in (0, 1, NO_TESTS):
            raise Broken(f"it ended with {code} before all tests had run\n{tail(step.log, 20)}")
    counts = count_pytest(output)
    if any(code == 1 for code in codes) and not counts.failed:
        raise Broken("pytest ended with 1 though no test failed")
    counts.add(forgiven)
    if not counts.passed:
        raise Broken("no test has passed")
    if counts.failed:
        step.details = f"what every host knew stands above and in {os.path.relpath(output, ROOT)}"
    return counts


def pytest_here(step, folder, build, **settings):
    """pytest over a folder as root; what failed tests left behind comes to build-test/STEP."""
    output = fresh_output(step)
    env = dict(NO_PLUGINS, LBHA_BUILD=build_of(build), LBHA_LAB_OUTPUT=output, **settings)
    reports = {name: os.path.join(output, f"report-{name}.xml") for name in ("together", "alone")}
    codes = [step.run(*pytest_command(reports[name], folder, options=options), env=env, live=True, check=False)
             for name, options in (("together", TOGETHER), ("alone", ALONE))]

    def again(report, names, where):
        return step.run(*pytest_command(report, *names), env=dict(env, LBHA_LAB_OUTPUT=where), live=True, check=False)

    return pytest_result(step, output, codes, try_again(step, output, reports["together"], again))


def try_again(step, output, report, again):
    """Tests that failed beside others run once more, one after the other: again(report, names, folder for what they leave)
    returns pytest's exit code. Returns what that changes in the counts."""
    first = complaints_of(report) if os.path.exists(report) else {}
    if not 0 < len(first) <= SECOND_TRIES:
        return Counts()
    say(f"      {step.name}: {len(first)} failed beside others, and may try again alone")
    folder = os.path.join(output, "again")
    os.makedirs(folder)
    second = os.path.join(folder, "second.xml")
    code = again(second, list(first), folder)
    if code not in (0, 1):
        raise Broken(f"the second try ended with {code} before all its tests had run\n{tail(step.log, 20)}")
    return forgiven(first, second)


def forgiven(first, report):
    """Those of the first run's failures that have passed in the second one's report."""
    counts = Counts()
    still = complaints_of(report) if os.path.exists(report) else first
    ran = {test_of(case) for case in elements(report, "testcase")
           if not case.findall("skipped")} if os.path.exists(report) else set()
    for name in sorted(ran & set(first) - set(still)):
        say(f"      failed beside others, passed alone: {name}: {'; '.join(first[name])[:300]}")
        counts.add(Counts(passed=1, failed=-len(first[name])))
    return counts


def pytest_in_guest(step, folder, extra=(), build="gcc", **settings):
    output = fresh_output(step)

    def run(seconds, output, report, names, options=()):
        command = pytest_command(f"$LBHA_LAB_OUTPUT/{report}", *map(shlex.quote, names), options=options)
        return step.run("tests/lab/guest", "--timeout", str(int(seconds)), "--output", output, *extra, "--", "sh", "-c",
                        "scripts/add-users && exec " + " ".join(command),
                        env=dict(NO_PLUGINS, LBHA_BUILD=build_of(build), **settings),
                        live=True, check=False)

    def again(report, names, where):
        return run(AGAIN_SECONDS, where, os.path.basename(report), names)

    code = run(step.limit - AGAIN_SECONDS - 60, output, "report.xml", [folder], TOGETHER_IN_GUEST)
    return pytest_result(step, output, [code], try_again(step, output, os.path.join(output, "report.xml"), again))


def is_emulated(step):
    """Whether the guest here is one without KVM, which only a guest that has booted knows."""
    code = step.run("tests/lab/guest", "--timeout", "200", "--", "sh", "-c", '[ "$LBHA_LAB" != tcg ]', check=False)
    if code not in (0, 1):
        raise Broken(f"there is no guest: it ended with {code}\n{tail(step.log, 20)}")
    return code == 1


def between_namespaces(step, build):
    if os.geteuid() != 0:
        step.take_longer(IN_GUEST_TIMES * (EMULATED_TIMES if is_emulated(step) else 1))
        return pytest_in_guest(step, "tests/netns", build=build)
    return pytest_here(step, "tests/netns", build)


def netns(step):
    """Natively, where their timing means something; without root the guest has to do."""
    return between_namespaces(step, "gcc")


def netns_sanitized(step):
    """The same daemons with the sanitizers in them: a report ends a worker, and the tests notice."""
    return between_namespaces(step, "sanitizers")


def busy(step):
    if os.geteuid() != 0:
        raise Broken("measures time, so it wants to be root here and not a guest")
    return pytest_here(step, "tests/netns/test_vrrp_busy.py", "gcc", LBHA_SECONDS="60")


def syscalls(step):
    """A start, a reload, a takeover and a stop for each call that a worker makes in it; how far it is stands in `progress`."""
    if os.geteuid() != 0:
        raise Broken("traces daemons in namespaces, so it wants to be root here")
    output = fresh_output(step)
    report = os.path.join(output, "report.xml")
    code = step.run(*pytest_command(report, "tests/netns/test_syscalls.py", options=["-p", "xdist", "-n", "2", "-s"]),
                    env=dict(NO_PLUGINS, LBHA_BUILD=gcc_build(), LBHA_LAB_OUTPUT=output, LBHA_SYSCALLS="all"), live=True,
                    check=False)
    return pytest_result(step, output, [code])


def crash(step):
    return pytest_here(step, "tests/netns/test_crash_random.py", "gcc", LBHA_SECONDS="300")


def lab(step):
    packages = {"LBHA_PACKAGES": packages_folder()} if os.path.isdir(packages_folder()) else {}
    return pytest_in_guest(step, "tests/lab", extra=["--force-guest"] if options.force_guest else [], **packages)


def soak(step):
    """Half an hour of reloads, flaps and strangers at the table; LBHA_SECONDS and LBHA_SEED are handed on."""
    extra = ["--force-guest"] if options.force_guest else []
    code = step.run("tests/lab/guest", "--timeout", str(int(step.limit - 30)), *extra, "--", "sh", "-c",
                    "scripts/add-users && exec tests/long/soak", env={"LBHA_BUILD": gcc_build()}, live=True, check=False)
    return Counts(failed=1) if code else Counts(passed=1)


def storm(step):
    """What the lab does for a minute; LBHA_SECONDS and LBHA_SEED are handed on."""
    return pytest_in_guest(step, "tests/lab/test_storm.py", extra=["--force-guest"] if options.force_guest else [],
                           LBHA_SECONDS=os.environ.get("LBHA_SECONDS", "600"))


def unit_programs(folder):
    """The test programs of make check that libcheck drives."""
    for trs in sorted(glob.glob(os.path.join(folder, "*.trs"))):
        with open(trs[:-4] + ".log", errors="replace") as file:
            if "Checks:" in file.read():
                yield trs[:-4]


# They start real workers from descriptors (fexecve), which valgrind cannot follow.
NOT_UNDER_VALGRIND = {"test-workers", "test-leave"}


def valgrind(step):
    counts = Counts()
    for program in unit_programs(gcc_build()):
        if os.path.basename(program) in NOT_UNDER_VALGRIND:
            continue
        code = step.run("valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
                        program, cwd=gcc_build(), check=False,
                        env={"CK_TIMEOUT_MULTIPLIER": "50", "top_srcdir": SOURCE, "srcdir": SOURCE,
                             "top_builddir": gcc_build()})
        counts.add(Counts(failed=1) if code else Counts(passed=1))
        if code:
            step.details += f"--- {os.path.basename(program)} under valgrind\n{tail(step.log)}"
    return counts


def valgrind_workers(step):
    """The tests between namespaces with every worker under valgrind (tests/long/under_valgrind.c). Counted are processes: one
    of which valgrind has something to say has failed. Tests that fail are not counted: workers are up to fifty times slower,
    so what is about time cannot pass; but most must."""
    hook, logs, output = (os.path.join(WORK, "valgrind-workers" + name) for name in (".o", ".logs", ".output"))
    shutil.rmtree(logs, ignore_errors=True)
    os.makedirs(logs)
    os.chmod(logs, 0o1777)  # workers have users of their own
    os.makedirs(output, exist_ok=True)
    step.run("gcc", "-O1", "-g", "-c", os.path.join(SOURCE, "tests/long/under_valgrind.c"), "-o", hook)
    # as a sanitizer valgrind asks the kernel for what no sandbox allows
    folder = configure_and_make(step, ["CC=gcc", "CPPFLAGS=-D__SANITIZE_ADDRESS__=1", "CFLAGS=-O1 -g",
                                       "LDFLAGS=-Wl,--wrap=main", f"LIBS={hook}"])
    step.run(*pytest_command(os.path.join(output, "report.xml"), "tests/netns", options=TOGETHER), live=True, check=False,
             env=dict(NO_PLUGINS, LBHA_BUILD=folder, LBHA_LAB_OUTPUT=output, LBHA_VALGRIND_LOGS=logs))
    tests = count_pytest(output)
    counts = Counts()
    for log in sorted(glob.glob(os.path.join(logs, "*"))):
        bad = os.path.getsize(log) > 0
        counts.add(Counts(failed=1) if bad else Counts(passed=1))
        if bad:
            step.details += f"--- {os.path.basename(log)}\n{tail(log)}"
    if tests.passed < tests.failed:
        raise Broken(f"most tests failed, so little was seen: {tests}")
    return counts


def fuzz(step):
    folder = configure_and_make(step, ["CC=clang", "--enable-werror", "--enable-fuzzer"])
    step.run("make", f"-j{step.jobs}", "check", "TESTS=tests/fuzz/run-targets", cwd=folder,
             env={"FUZZ_SECONDS": os.environ.get("FUZZ_SECONDS", "300")})
    return Counts(passed=1)


def long_targets(step):
    """`make long` of every part that has something which takes hours."""
    if subprocess.run(["make", "-n", "long"], cwd=gcc_build(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode:
        raise Broken("the build has no target `long`")
    step.run("make", "long", cwd=gcc_build(), live=True)
    return Counts(passed=1)


STEPS = [
    Step("source", "copy of the source, autoreconf", take_source, limit=120),
    Step("gcc", "gcc -Werror, make check", gcc),
    Step("clang", "clang -Werror, make check", clang, alone=False),
    Step("sanitizers", "address and undefined behaviour sanitizers, make check", sanitizers, alone=False,
         jobs=2),
    Step("packages", "the tarball, and Debian packages from it", packages, alone=False, jobs=2, limit=1500),
    Step("installed", "packages on clean machines", installed),
    Step("netns", "real daemons between network namespaces", netns, limit=1200),
    Step("lab", "whole clusters with real IPVS", lab, limit=1500),
    Step("netns-san", "the same with sanitized daemons", netns_sanitized, long=True, limit=3600),
    Step("syscalls", "every system call of every flow fails once", syscalls, long=True, limit=3 * 3600),
    Step("soak", "half an hour of reloads, flaps and strangers at the table", soak, long=True, limit=3000),
    Step("storm", "ten minutes of whatever may befall one of two directors", storm, long=True, limit=1500),
    Step("busy", "no flap in 60 s at 10 ms while every processor is busy", busy, long=True, limit=1800),
    Step("crash", "anybody of two directors dies or hangs at any moment, for five minutes", crash, long=True, limit=1800),
    Step("valgrind", "unit tests under valgrind", valgrind, long=True, limit=7200),
    Step("valgrind-workers", "tests between namespaces, workers under valgrind", valgrind_workers, long=True, limit=4 * 3600),
    Step("fuzz", "libFuzzer on every target", fuzz, long=True, limit=6 * 3600),
    Step("long", "make long: simulations and properties with many seeds", long_targets, long=True, limit=6 * 3600),
]


def run_steps(steps):
    """In order; neighbours that need not be alone run two at a time. Without a source nothing else can run."""
    waiting = list(steps)
    while waiting:
        group = [waiting.pop(0)]
        while waiting and not group[0].alone and not waiting[0].alone:
            group.append(waiting.pop(0))
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(Step.execute, group))
        if group[0].name == "source" and group[0].counts.failed:
            return


def parse_arguments():
    parser = argparse.ArgumentParser(prog="test", description="Build lbha and run everything that proves it.")
    parser.add_argument("--long", action="store_true", help="add what takes hours")
    parser.add_argument("--only", metavar="STEP[,STEP]", help="these steps, on what earlier ones left in build-test/")
    parser.add_argument("--force-guest", action="store_true", help="lab tests in the guest even if this kernel has IPVS")
    parser.add_argument("--list", action="store_true", help="name the steps")
    return parser.parse_args()


def main():
    if options.list:
        for step in STEPS:
            print(f"{step.name:10} {step.about}{' (--long)' if step.long else ''}")
        return 0
    chosen = [step for step in STEPS if options.long or not step.long]
    if options.only:
        names = options.only.split(",")
        unknown = set(names) - {step.name for step in STEPS}
        if unknown:
            print(f"test: no step {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
            return 2
        chosen = [step for step in STEPS if step.name in names or step.name == "source"]
    if options.long:
        os.environ["LBHA_LONG"] = "1"
    os.makedirs(LOGS, exist_ok=True)
    os.makedirs(SOURCE, exist_ok=True)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, end_everything)
    started = time.monotonic()
    run_steps(chosen)
    total = Counts()
    for step in chosen:
        total.add(step.counts)
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    say(f"took {minutes} min {seconds} s; logs are in {os.path.relpath(LOGS, ROOT)}")
    say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    options = parse_arguments()
    sys.exit(main())
