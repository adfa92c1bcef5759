/* When things are due: a heap of numbered items by time, and the rules for starting times.
 *
 * An item (0..room-1) has at most one due time. Setting, moving, removing and taking cost O(log n)
 * and allocate nothing: the memory is given once. Used for the starts of probes (items: probes) and
 * their deadlines (items: slots).
 *
 * Starting times: the first start is spread over min(interval, 1 s) by the probe's key, so that the
 * same file spreads the same way on every director and reload; the one after that hurry comes anywhere
 * within the interval, so that thousands which began in one second are spread over all of it from then
 * on; later ones come early by up to 1/16 of the interval, at random, so that probes and directors do
 * not march in step. The interval is thus an upper bound: fall × interval + timeout holds as the time to
 * notice. A start that comes late does not delay those after it, or a process that was held up would
 * have all its probes in step. */
#ifndef LBHA_CHECK_SCHEDULE_H
#define LBHA_CHECK_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"

#define SCHEDULE_HURRY NSTIME_S /* first starts are spread over that at most */

struct schedule {
	nstime *due;     /* by item; valid while the item is in the heap */
	uint32_t *heap;  /* items, the earliest first */
	uint32_t *place; /* by item: its place in the heap + 1, 0: not in it */
	uint32_t count, room;
};

/* Bytes of memory that a schedule of `room` items needs. */
size_t schedule_size(uint32_t room);
/* An empty schedule over `memory`: schedule_size(room) zeroed bytes, aligned for nstime, that
 * outlive it. */
void schedule_init(struct schedule *schedule, void *memory, uint32_t room);

/* Sets or moves an item's time; NSTIME_NEVER removes it. */
void schedule_set(struct schedule *schedule, uint32_t item, nstime due);
/* The item's time; NSTIME_NEVER when it has none. */
nstime schedule_due(const struct schedule *schedule, uint32_t item);
/* The earliest time; NSTIME_NEVER when nothing is due ever. */
nstime schedule_next(const struct schedule *schedule);
/* Takes the earliest item out if it is due at `now`; false: nothing is. `due` (may be NULL) is its
 * time. */
bool schedule_take(struct schedule *schedule, nstime now, uint32_t *item, nstime *due);

/* When the probe of this key starts first: from `now` to now + min(interval, 1 s). In no hurry, because
 * nobody waits for its verdict (initial: up): to now + interval, so that a large site is not probed
 * all at once while it starts. */
nstime schedule_first(uint64_t key, nstime interval, bool hurry, nstime now);
/* When it starts after a hurry: up to `delay` after its planned start, by `random` (any 64 bits); never in
 * the past. */
nstime schedule_settle(nstime planned, nstime delay, uint64_t random, nstime now);
/* When it starts next: `delay` after its planned start, less jitter made of `random`; never in the past,
 * since probes do not overlap and missed ones are not made up for. */
nstime schedule_again(nstime planned, nstime delay, uint64_t random, nstime now);
/* The planned start of a probe that was due at `due` and starts now: that, or as many intervals later as
 * were missed. */
nstime schedule_planned(nstime due, nstime interval, nstime now);

#endif
