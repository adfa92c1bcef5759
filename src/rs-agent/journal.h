/* The journal of lbha-rs: the lines of an owned file (net/owned.h) under a head that says of which
 * boot and network namespace they speak. Pure.
 *
 *   boot 6c0a… netns 4026531840
 *   + sysctl net/ipv4/conf/all/arp_ignore 0 1
 *   + address 1 lo 192.168.8.200/32
 *
 * What another boot had is gone with it; nothing of that is to be undone. */
#ifndef LBHA_RS_AGENT_JOURNAL_H
#define LBHA_RS_AGENT_JOURNAL_H

#include <stdint.h>

#include "net/owned.h"

struct arena;

#define JOURNAL_BOOT 64

/* Where a journal holds. */
struct journal_place {
	char boot[JOURNAL_BOOT]; /* /proc/sys/kernel/random/boot_id */
	uint64_t netns;          /* inode of the network namespace */
};

enum journal_standing {
	JOURNAL_NONE, /* no file, or nothing in it */
	JOURNAL_CURRENT,
	JOURNAL_OTHER_BOOT,  /* stale: to be thrown away */
	JOURNAL_OTHER_NETNS, /* somebody else's: not to be touched */
	JOURNAL_UNREADABLE,  /* no head: not written by us */
};

/* The head as the record of an OWNED_OTHER line; text in the arena, NULL when out of memory. */
const char *journal_head(struct arena *arena, const struct journal_place *here);

/* Finds the head among the records. `set` is what owned_parse gave. */
enum journal_standing journal_judge(const struct owned_set *set, const struct journal_place *here);

/* Whether anything but the head (and lines not understood) is in it. */
bool journal_is_empty(const struct owned_set *set);

#endif
