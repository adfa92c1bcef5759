"""keepalived and FRR as the other router, in every mode that both sides speak, both ways round.

One test is one story (see vrrp_peers.tell): both start, a planned stop, a return, a crash, a return, a partition and its end;
after each of these one master, with all addresses, known to clients, in time.
"""
import collections
import os

import pytest

from lbhatest import frr
from lbhatest.machine import BareTimer
from vrrp_peers import LB1, LB1_V6, PEER, PEER_V6, VIPS_V4, VIPS_V6, Meeting, Stories, tell, tell_of_group

AT_ONCE = 8

# `ours` are keys of lbha.conf for the instance, `theirs` words of keepalived's instance
Mode = collections.namedtuple("Mode", "version interval vips ours theirs", defaults=("", ""))


def unicast(ours, theirs, transport="unicast", min_ttl=255):
    """(our words, keepalived's)"""
    return (f"transport: {transport}\nsource: \"{ours}\"\nunicast: {{peers: [\"{theirs}\"], min_ttl: {min_ttl}}}",
            f"unicast_src_ip {theirs}\n\tunicast_peer {{\n\t\t{ours}\n\t}}")


def authentication(kind):
    return (f"authentication: {{type: {kind}, key: s3cret}}",
            f"authentication {{\n\t\tauth_type {kind.upper()}\n\t\tauth_pass s3cret\n\t}}")


KEEPALIVED = {
    "v3": Mode(3, 0.1, VIPS_V4),
    "v3 ipv6": Mode(3, 0.1, VIPS_V6),
    "v3 unicast": Mode(3, 0.1, VIPS_V4, *unicast(LB1, PEER)),
    # its hop limit is the kernel's unless it is told another
    "v3 ipv6 unicast": Mode(3, 0.1, VIPS_V6, *unicast(LB1_V6, PEER_V6, min_ttl=64)),
    # a migration: we speak both, it does not yet, or not any more
    "v3 both, it multicast": Mode(3, 0.1, VIPS_V4, unicast(LB1, PEER, "both")[0]),
    "v3 both, it unicast": Mode(3, 0.1, VIPS_V4, *unicast(LB1, PEER, "both")),
    "v3 both with virtual MAC": Mode(3, 0.1, VIPS_V4, "virtual_mac: true", "use_vmac"),
    "v3 we with virtual MAC": Mode(3, 0.1, VIPS_V4, "virtual_mac: true"),
    "v3 ipv6 both with virtual MAC": Mode(3, 0.1, VIPS_V6, "virtual_mac: true", "use_vmac"),
    "v2": Mode(2, 1, VIPS_V4),
    "v2 unicast": Mode(2, 1, VIPS_V4, *unicast(LB1, PEER)),
    "v2 pass": Mode(2, 1, VIPS_V4, *authentication("pass")),
    "v2 ah": Mode(2, 1, VIPS_V4, *authentication("ah")),
    "v2 ah unicast": Mode(2, 1, VIPS_V4, *map("\n".join, zip(authentication("ah"), unicast(LB1, PEER)))),
}

FRR = {
    "v3": Mode(3, 0.1, VIPS_V4),
    "v3 with virtual MAC": Mode(3, 0.1, VIPS_V4, "virtual_mac: true"),
    "v3 ipv6 with virtual MAC": Mode(3, 0.1, VIPS_V6, "virtual_mac: true"),
    "v3 ipv6": Mode(3, 0.1, VIPS_V6),
    "v2": Mode(2, 1, VIPS_V4),
}

TABLE = {f"{peer}-{name}-{first}": (peer, mode, first)
         for peer, modes in (("keepalived", KEEPALIVED), ("frr", FRR)) for name, mode in modes.items()
         for first in ("ours", "theirs")}
TABLE.update({f"keepalived-sync group-{first}": ("keepalived", None, first) for first in ("ours", "theirs")})


def missing(peer):
    if peer == "frr" and not os.path.exists(os.path.join(frr.FOLDER, "vrrpd")):
        return "there is no vrrpd here"
    return None


def story(peer, mode, first):
    def keepalived(lab, place, priority):
        return lab.keepalived("peer", place, vips=mode.vips, priority=priority, advert=mode.interval, version=mode.version,
                              more=mode.theirs)

    def vrrpd(lab, place, priority):
        return lab.frr("peer", place, vips=mode.vips, priority=priority, advert=mode.interval, version=mode.version)

    def told(lab):
        if not mode:
            return tell_of_group(lab, first)
        meeting = Meeting(lab, first, mode.version, mode.interval, mode.vips, keepalived if peer == "keepalived" else vrrpd,
                          mode.ours)
        return tell(meeting)

    return told


@pytest.fixture(scope="module")
def stories(request):
    """Begins those of all selected tests of this file."""
    with BareTimer() as timer:
        told = Stories(AT_ONCE, timer)
        keys = [item.callspec.params["key"] for item in request.session.items
                if item.path == request.path and "key" in getattr(getattr(item, "callspec", None), "params", {})]
        # the long ones first
        for key in sorted(keys, key=lambda key: -TABLE[key][1].interval if TABLE[key][1] else 0):
            if not missing(TABLE[key][0]):
                told.begin(key, story(*TABLE[key]))
        yield told
        told.close()


@pytest.mark.limit(180)
@pytest.mark.parametrize("key", TABLE)
def test_one_master_at_any_time_and_in_time(stories, request, key):
    if missing(TABLE[key][0]):
        pytest.skip(missing(TABLE[key][0]))
    try:
        stories.end(key, request.node)
    finally:
        request.addfinalizer(lambda: stories.forget(key))
