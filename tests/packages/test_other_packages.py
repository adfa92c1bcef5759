"""What takes minutes and is for --long: an rpm, a container, Debian packages by themselves in a clean root, and once more."""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from lbhatest.debian import clean_root, packages_folder

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
LONG = bool(os.environ.get("LBHA_LONG"))


def run(*command, **settings):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **settings)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def tarball():
    [name] = [name for name in os.listdir(packages_folder()) if ".tar." in name]
    return os.path.join(packages_folder(), name)


def debs(release=1):
    folder = os.path.join(packages_folder(), "debs")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if f"-{release}_" in name]


def unpacked(folder):
    """The source from the tarball."""
    os.makedirs(folder)
    run("tar", "-C", folder, "--strip-components=1", "-xf", tarball())
    return folder


def files_of(deb):
    said = run("dpkg-deb", "-c", deb)
    return {line.split(" ./", 1)[1].removesuffix(".gz") for line in said.splitlines() if not line.startswith("d")}


def test_the_version_of_the_rpm_is_that_of_configure():
    with open(os.path.join(SOURCE, "configure.ac")) as file:
        version = re.search(r"AC_INIT\(\[lbha\], \[([^]]+)\]", file.read()).group(1)
    with open(os.path.join(SOURCE, "packaging/lbha.spec")) as file:
        assert re.search(r"^Version: +(\S+)$", file.read(), re.M).group(1) == version


@pytest.mark.limit(1800)
class Long:
    def test_the_rpms_have_what_the_debian_packages_have(self, tmp_path):
        (tmp_path / "SOURCES").mkdir()
        shutil.copy(tarball(), tmp_path / "SOURCES")
        run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {tmp_path}", "--define", "_smp_mflags -j2",
            os.path.join(SOURCE, "packaging/lbha.spec"))
        in_rpms, in_debs = set(), set()
        for folder, _, names in os.walk(tmp_path / "RPMS"):
            for name in names:
                listed = run("rpm", "-qp", "--nosignature", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]", os.path.join(folder, name))
                in_rpms |= {line.split(" /", 1)[1].removesuffix(".gz") for line in listed.splitlines() if not line.startswith("d")}
        for deb in debs():
            in_debs |= files_of(deb)
        debians_own = re.compile(r"usr/share/(lintian|doc)/|etc/needrestart/")
        elsewhere = {"lib/systemd": "usr/lib/systemd", "usr/share/zsh/vendor-completions": "usr/share/zsh/site-functions"}
        for debians, rpms in elsewhere.items():
            in_debs = {re.sub(f"^{debians}/", f"{rpms}/", name) for name in in_debs}
        assert {name for name in in_rpms if not debians_own.match(name)} == {name for name in in_debs if not debians_own.match(name)}

    def test_the_same_source_makes_the_same_packages_again(self, tmp_path):
        """In another folder, by another user's locale, and later."""
        source = unpacked(tmp_path / "elsewhere" / "lbha")
        run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=source,
            env=dict(os.environ, DEB_BUILD_OPTIONS="parallel=2 noautodbgsym nocheck", LC_ALL="C.UTF-8", TZ="Asia/Tokyo"))
        again = {name: hashlib.sha256((tmp_path / "elsewhere" / name).read_bytes()).hexdigest()
                 for name in os.listdir(tmp_path / "elsewhere") if name.endswith(".deb")}
        assert again == {os.path.basename(deb): hashlib.sha256(open(deb, "rb").read()).hexdigest() for deb in debs()}

    def test_what_is_named_for_building_is_enough(self, tmp_path):
        """A root with Build-Depends and nothing else of use."""
        run("dpkg-source", "--before-build", ".", cwd=unpacked(tmp_path / "lbha"))
        sources = tmp_path / "sources"
        sources.write_text(run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                               "Created-By: Packages", "Origin: Debian"))
        run("mmdebstrap", "--quiet", "--variant=buildd", f"--customize-hook=copy-in {tmp_path}/lbha /root",
            '--customize-hook=chroot "$1" sh -ec "cd /root/lbha && apt-get build-dep -qy --no-install-recommends -P nocheck ./"',
            '--customize-hook=chroot "$1" sh -ec "cd /root/lbha && DEB_BUILD_OPTIONS=\'nocheck noautodbgsym parallel=2\' '
            'DEB_BUILD_PROFILES=nocheck dpkg-buildpackage -us -uc -b"',
            "--format=null", "", "-", str(sources), cwd=tmp_path)

    def test_a_container_has_the_director(self, tmp_path):
        """From packages that are there and a base without a network. Without a podman that can build it is skipped."""
        if not shutil.which("podman"):
            pytest.skip("there is no podman")
        source = unpacked(tmp_path / "lbha")
        os.makedirs(source / "packages")
        for deb in debs():
            shutil.copy(deb, source / "packages")
        with tempfile.TemporaryDirectory(prefix="lbha-") as store:   # podman wants its name to be short
            self.container(tmp_path, source, ["podman", "--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", "vfs",
                                              "--cgroup-manager", "cgroupfs"])

    def container(self, tmp_path, source, podman):
        base = tmp_path / "base.tar"
        run("tar", "-C", clean_root(), "-cf", str(base), ".")
        try:
            run(*podman, "import", "-q", str(base), "lbha-base")
        except AssertionError as why:
            pytest.skip(f"podman does not work here: {why}")
        run(*podman, "build", "--isolation", "chroot", "--build-arg", "BASE=localhost/lbha-base", "-f", "packaging/Containerfile",
            "-t", "lbha", ".", cwd=source)
        root = run(*podman, "image", "mount", "localhost/lbha").strip()
        try:
            assert run("chroot", root, "/usr/sbin/lbhad", "--version").startswith("lbhad ")
            users = run("chroot", root, "cat", "/etc/passwd")
            assert all(re.search(f"^{user}:", users, re.M) for user in ("lbha", "lbha-check", "lbha-vrrp", "lbha-ipvs"))
            assert os.access(root + "/usr/libexec/lbha/lbha-checkd", os.X_OK) and not os.listdir(root + "/etc/lbha")
        finally:
            run(*podman, "image", "unmount", "localhost/lbha")


if LONG:
    class TestLong(Long):
        pass
