/* The supervisor's overrides as the control worker knows them: of the daemon, not of the model, so
 * they may be about objects that the model has not. A row is taken with each fact; when the round
 * is complete (SYNC of the supervisor) what has changed since the last one becomes events. */
#ifndef LBHA_DAEMON_CONTROL_OVERRIDES_H
#define LBHA_DAEMON_CONTROL_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/facts.h"

struct event_sink;

struct override_row {
	bool known;
	struct override override;
};

struct override_mirror {
	struct override_row *rows;
	size_t room, count;    /* count: as the daemon says, known or not */
	struct override *told; /* as they were at the last SYNC */
	size_t told_count;
	bool synced;
};

/* All zero is empty. */
void override_mirror_fini(struct override_mirror *mirror);

/* The daemon says how many there are: what was known beyond is of the past. */
void override_mirror_count(struct override_mirror *mirror, size_t count);
/* False: out of memory, or beyond any number that there can be. */
bool override_mirror_take(struct override_mirror *mirror, const struct fact_override *fact);
/* One of them, below mirror->count; NULL while it is not known. */
const struct override *override_mirror_row(const struct override_mirror *mirror, size_t number);

/* All are told; `sink` may be NULL. `wall` is clock_wall_offset(). */
void override_mirror_sync(struct override_mirror *mirror, const struct event_sink *sink, nstime now,
			  nstime wall);

#endif
