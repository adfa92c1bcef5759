/* How long probes took, by service and type of check: what the check worker counts for each probe, added up where it is asked
 * about, so that totals stay when a server goes. A probe that several services share counts for each of them. A worker
 * that begins anew begins at nothing, and so does what it says of probes to a control worker that begins anew: these
 * totals never take in what was there before. Pure. */
#ifndef LBHA_DAEMON_CONTROL_TIMES_H
#define LBHA_DAEMON_CONTROL_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "config/facts.h"
#include "config/model.h"

struct arena;

struct times_row {
	enum check_type type;
	uint64_t count[PROBE_TIMES], sum; /* sum: nanoseconds */
};

/* Of a service: one row for each type that its servers are checked with. */
struct times_rows {
	struct times_row *rows;
	size_t count;
};

struct times {
	uint32_t *first;         /* by probe: its first place in users; and behind the last probe the end */
	uint32_t *users;         /* services, by their indices */
	struct times_rows *services;
};

/* -ENOMEM. */
int times_init(struct times *times, struct arena *arena, const struct model *model);

/* A probe's counts, after those of before (NULL: none are known). */
void times_learn(struct times *times, const struct model *model, uint32_t probe, const struct probe_times *before,
		 const struct probe_times *now);

/* What was known of a service goes on in the next generation. */
void times_carry(struct times_rows *next, const struct times_rows *old);

#endif
