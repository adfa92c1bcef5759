/* Rounds of announcements: who may announce how much next on one interface. Pure.
 *
 * A round goes once over all addresses that a router has on the interface. The first one after a
 * takeover is urgent: as fast as the interface takes it. All others (repeats, refreshes, after a
 * competitor, after a repair) together keep to ROUNDS_RATE frames per second, whatever neighbours
 * provoke. Routers take turns, a part of a round each, so that one with a thousand addresses does
 * not keep out one with a single address. A round that comes due while the last one of the same
 * router still goes is done after it.
 *
 * A router that leaves MASTER stops its rounds: nothing of them is left. */
#ifndef LBHA_VRRP_ROUNDS_H
#define LBHA_VRRP_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/nstime.h"
#include "net/pace.h"

/* 4000 frames of 84 bytes on the wire are 2.7 Mbit/s, and well below what the slow path of a switch
 * takes; 255 addresses are announced within 64 ms, 2000 within half a second. */
#define ROUNDS_RATE 4000
#define ROUNDS_BURST 256

struct round {
	size_t count;        /* addresses */
	size_t next;         /* how far it is */
	unsigned owed;       /* rounds to be done after this one */
	bool queued, urgent;
	struct round *after; /* in the queue */
};

struct round_queue {
	struct round *first, *last;
};

struct rounds {
	struct round_queue urgent, others;
	struct pace pace;
};

void rounds_init(struct rounds *rounds);

/* A round of a router: begun, or owed when one is under way (at most `most` of them). An urgent one
 * begins anew what was not urgent. */
void rounds_start(struct rounds *rounds, struct round *round, bool urgent, unsigned most);
void rounds_stop(struct rounds *rounds, struct round *round);

/* Whose turn it is, and how many addresses from round->next on, `most` at most. NULL: nobody's
 * now. */
struct round *rounds_next(const struct rounds *rounds, nstime now, size_t most, size_t *count);
/* These were sent (or passed over): it is the next router's turn. 0 is fine. */
void rounds_sent(struct rounds *rounds, struct round *round, nstime now, size_t count);

/* When rounds_next has something for a part of `most`; NSTIME_NEVER: nothing is to be done. */
nstime rounds_due(const struct rounds *rounds, nstime now, size_t most);

#endif
