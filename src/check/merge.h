/* What a reload does to probes: those whose key stays keep their timers, counters and verdict, the
 * others start or stop. A probe's key is the hash of all that decides its verdict (config/model.h);
 * its index means nothing across generations. */
#ifndef LBHA_CHECK_MERGE_H
#define LBHA_CHECK_MERGE_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct probe;

#define MERGE_NONE UINT32_MAX

/* Two maps between old and new indices, made together: from[new] = old, to[old] = new, MERGE_NONE
 * for those that have no partner. Every probe has at most one. */
struct merge {
	uint32_t *from, *to;
	size_t kept, added, removed;
};

/* -ENOMEM when the arena is exhausted. */
int merge_probes(const struct probe *old, size_t old_count, const struct probe *fresh,
		 size_t fresh_count, struct arena *arena, struct merge *out);

#endif
