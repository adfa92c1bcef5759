"""A Debian machine on a host: a clean root made by mmdebstrap (tests/packages/make) under an overlay of its own, in which a real
systemd is the first process. Nothing of the machine that runs the tests is in it but the packages and the kernel. Of the units
that Debian brings there are those that lbha.service reaches (lbhatest.systemd); a boot of all takes the lab a minute."""
import os
import shlex

import pytest

from .systemd import JOURNAL, UNITS, Systemd

# The root is shared and stays as it is. Of sysctls only those of the host's network can be written.
INNER = """
root=/run/root
mkdir -p $root /run/overlay
mount -t tmpfs overlay /run/overlay
mkdir /run/overlay/upper /run/overlay/work
mount -t overlay -o lowerdir={root},upperdir=/run/overlay/upper,workdir=/run/overlay/work overlay $root
umount /sys/fs/cgroup
mount -t proc proc $root/proc
mount --bind $root/proc/sys $root/proc/sys
mount --bind $root/proc/sys/net $root/proc/sys/net
mount -o remount,bind,ro $root/proc/sys
mount --bind /sys $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/dev
for node in null zero full random urandom tty; do touch $root/dev/$node; mount --bind /dev/$node $root/dev/$node; done
mkdir $root/dev/pts $root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
mount -t tmpfs -o mode=755 tmpfs $root/run
mkdir $root/run/units $root/run/units/sysinit.target.wants
for unit in {units}; do cp -P $root/lib/systemd/system/$unit $root/run/units; done
for unit in {journal}; do ln -s ../$unit $root/run/units/sysinit.target.wants; done
mount --bind $root/run/units $root/lib/systemd/system
mkdir -p $root/root/packages $root/lib/modules
mount --bind {packages} $root/root/packages
[ ! -d /lib/modules ] || mount --bind /lib/modules $root/lib/modules
echo {host} >$root/etc/hostname
echo 0123456789abcdef0123456789abcdef >$root/etc/machine-id
printf '[Journal]\\nReadKMsg=no\\nAudit=no\\nStorage=volatile\\n' >$root/etc/systemd/journald.conf
cd $root
mkdir old
pivot_root . old
umount -l /old
rmdir /old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \\
	container=lbha-test /lib/systemd/systemd --unit=basic.target --show-status=no --log-target=journal
"""


def packages_folder():
    """Where tests/packages/make has put packages; without it there is nothing to test."""
    folder = os.environ.get("LBHA_PACKAGES")
    if not folder:
        pytest.skip("LBHA_PACKAGES names no folder that tests/packages/make has filled")
    return os.path.realpath(folder)


def clean_root():
    """The root beside the packages. That none could be expected is a reason to skip a test; that it is not there is none."""
    root, reason = (os.path.join(packages_folder(), name) for name in ("root", "no-root"))
    if os.path.exists(reason):
        with open(reason) as file:
            pytest.skip(file.read().strip())
    assert os.path.isdir(root), "tests/packages/make has made no clean root; its log says why"
    return root


def package_file(name, release=1):
    """The file of a package, as the machines see it."""
    folder = os.path.join(packages_folder(), "debs")
    found = [file for file in os.listdir(folder) if file.startswith(f"{name}_") and f"-{release}_" in file]
    assert len(found) == 1, f"{name} was not built: {sorted(os.listdir(folder))}"
    return "/root/packages/" + found[0]


class DebianMachine(Systemd):
    """One clean machine; packages lie in /root/packages."""

    def inner_script(self):
        return INNER.format(root=shlex.quote(clean_root()), host=shlex.quote(self.name),
                            packages=shlex.quote(os.path.join(packages_folder(), "debs")), journal=" ".join(JOURNAL[:3]),
                            units=" ".join([f"{unit}.target" for unit in UNITS] + JOURNAL))

    def start(self, *words, **popen):
        return super().start("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                             "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *words, **popen)

    def install(self, *names, release=1):
        """What it says; apt-get finds all that they depend on in the root."""
        return self.run("apt-get", "-qy", "--no-install-recommends", "install",
                        *[package_file(name, release) for name in names])

    def files(self):
        """All that is on the disk but what changes by itself."""
        changing = ["/var/log/*", "/var/cache/*", "/var/lib/dpkg/*", "/var/lib/apt/*"]
        return set(self.run("find", "/", "-xdev", "-not", "-type", "d",
                            *[word for path in changing for word in ("-not", "-path", path)]).split("\n"))
