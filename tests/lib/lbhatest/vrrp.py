"""VRRP adverts, as they were captured: versions 2 and 3, IPv4 and IPv6, behind an authentication header too."""
import collections
import ipaddress
import struct

from .capture import IPV4, IPV6

VRRP, AH = 112, 51
# what tcpdump calls all of them
ANY_ADVERT = "ip proto 112 or ip proto 51 or ip6 proto 112"

Advert = collections.namedtuple("Advert", "when source router priority interval addresses version")
Reign = collections.namedtuple("Reign", "source priority first last adverts")


def message_of(frame):
    """The VRRP message in a frame, or None."""
    if frame.protocol not in (VRRP, AH):
        return None
    message = frame.payload[(frame.payload[0] & 15) * 4:] if frame.ethertype == IPV4 else frame.payload[40:]
    if frame.protocol == AH:
        return message[(message[1] + 2) * 4:] if message[0] == VRRP else None
    return message


def read_advert(frame):
    """The Advert in a frame, or None where there is none, or a malformed one."""
    message = message_of(frame) if frame.ethertype in (IPV4, IPV6) else None
    if not message or len(message) < 8 or message[0] not in (0x21, 0x31):
        return None
    version = message[0] >> 4
    _, router, priority, count, interval = struct.unpack("!BBBBH", message[:6])
    seconds = float(interval & 0xff) if version == 2 else (interval & 0xfff) / 100
    size = 4 if frame.ethertype == IPV4 else 16
    if len(message) < 8 + size * count:
        return None
    addresses = [str(ipaddress.ip_address(message[at:at + size])) for at in range(8, 8 + size * count, size)]
    return Advert(frame.when, frame.ip_addresses[0], router, priority, seconds, addresses, version)


def adverts(capture):
    return [advert for advert in map(read_advert, capture.frames) if advert]


LAST_WORD = 0.05


def is_last_word(advert, found):
    """A deposed master's answer to the better one that just appeared; not a claim, the VIP is gone from there already."""
    return (len(found) > 1 and advert.source == found[-2].source and advert.priority < found[-1].priority
            and advert.when - found[-1].first < LAST_WORD)


def reigns(all_adverts):
    """Who spoke as MASTER, one after another. Priority 0 is a farewell, no claim. Two masters at once show as A B A B."""
    found = []
    for advert in all_adverts:
        if advert.priority == 0 or is_last_word(advert, found):
            continue
        if found and found[-1].source == advert.source:
            found[-1] = found[-1]._replace(last=advert.when, adverts=found[-1].adverts + 1)
        else:
            found.append(Reign(advert.source, advert.priority, advert.when, advert.when, 1))
    return found


def masters(all_adverts):
    return [reign.source for reign in reigns(all_adverts)]


def longest_silence(all_adverts):
    """The longest time between two adverts, in seconds."""
    times = [advert.when for advert in all_adverts]
    return max((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)
