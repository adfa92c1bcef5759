"""VRRP version 3 adverts, as they were captured."""
import collections
import struct

VRRP = 112

Advert = collections.namedtuple("Advert", "when source router priority interval addresses")
Reign = collections.namedtuple("Reign", "source priority first last adverts")


def read_advert(frame):
    """The Advert in an IPv4 frame, or None."""
    if frame.protocol != VRRP:
        return None
    header = (frame.payload[0] & 15) * 4
    kind, router, priority, count, interval = struct.unpack("!BBBBH", frame.payload[header:header + 6])
    if kind != 0x31:
        return None
    first = header + 8
    addresses = [".".join(map(str, frame.payload[at:at + 4])) for at in range(first, first + 4 * count, 4)]
    return Advert(frame.when, frame.ip_addresses[0], router, priority, (interval & 0xfff) / 100, addresses)


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
