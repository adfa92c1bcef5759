/* From one ipvs worker to the next: a state as records (ipvs/carry.h), and what a predecessor left taken up by a
 * state under a model of its own, maybe another, as a reload does. */
#ifndef LBHA_IPVS_INHERIT_H
#define LBHA_IPVS_INHERIT_H

#include <stddef.h>

#include "ipvs/carry.h"
#include "ipvs/contest.h"

struct arena;
struct ipvs_state;

/* What of a carry is no part of a state. */
struct ipvs_inherited {
	struct ipvs_carry_worker worker;
	struct ipvs_carry_contest *contests;
	size_t contest_count;
};

/* Bytes that ipvs_leave() needs at most. */
size_t ipvs_leave_size(const struct ipvs_state *state);
/* A whole carry, head and all. What is contested longer ago than it counts is left out. */
void ipvs_leave(struct writer *out, const struct ipvs_state *state, const struct ipvs_carry_worker *worker,
		const struct contests *contests, nstime now);

/* Takes up the records behind the head, before the state's first desired table is made; probes of which nothing was
 * left and that are initially up count as up, as after a reload. `arena` is that of the state. What is malformed is
 * passed over. -ENOMEM. */
int ipvs_inherit(struct arena *arena, struct ipvs_state *state, struct reader *in, nstime now,
		 struct ipvs_inherited *out);

#endif
