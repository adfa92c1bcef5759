/* See the header. */
#include "ctl/drops.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/walltime.h"
#include "ctl/paper.h"

static const struct drop_words table[] = {
	{"ttl", "TTL or hop limit too low",
	 "it came through a router, or the peer sends with another TTL (unicast.min_ttl)", true},
	{"version", "another version of VRRP", "`version` must be the same on all routers", true},
	{"type", "no advertisement", "", false},
	{"length", "cut short, or longer than it may be", "", false},
	{"checksum", "wrong checksum", "damaged on the way, or a peer that computes it otherwise",
	 true},
	{"virtual_router_id", "for virtual routers that this interface has not",
	 "others use the segment too, or `virtual_router_id` differs", false},
	{"transport", "unicast where multicast is wanted, or the reverse",
	 "`transport` or `multicast_group` differs; `transport: both` takes either", true},
	{"own", "from our own address", "somebody else has this address, or sends our packets back",
	 true},
	{"source", "unicast from a router that is no peer",
	 "unicast.peers must name it, and its own source address be that one", true},
	{"auth_type", "another kind of authentication",
	 "`authentication` must be the same on all routers", true},
	{"auth", "wrong password", "the keys of `authentication` differ", true},
	{"replay", "seen before (AH counter)",
	 "packets are sent again, or a peer's counter began anew and its down timer still runs",
	 false},
	{"interval", "another advert_interval", "version 2 wants it the same on all routers", true},
	{"header", "no well-formed packet", "", false},
	{"queue", "lost before they were read", "more came than this machine could read", false},
};

const struct drop_words *drop_words(const char *reason)
{
	static struct drop_words unknown;

	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].reason, reason))
			return &table[i];
	unknown = (struct drop_words){.reason = reason, .what = reason, .look = ""};
	return &unknown;
}

const struct drop_words *drops_mismatch(const json_t *instance, nstime now, nstime recent)
{
	const json_t *counts = json_object_get(instance, "dropped"),
		     *times = json_object_get(instance, "dropped_at");
	const struct drop_words *found = NULL;
	long long most = 0;

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		long long count = json_number(counts, table[i].reason);
		nstime time;

		if (!table[i].is_mismatch || count <= most ||
		    walltime_parse(json_text(times, table[i].reason), &time) ||
		    time < now - recent)
			continue;
		found = &table[i];
		most = count;
	}
	return found;
}
