/* A token bucket: how many frames may go now, so that over time no more than one per `gap` goes and
 * at most `burst` at once. Pure: one point in time is all it remembers. */
#ifndef LBHA_NET_PACE_H
#define LBHA_NET_PACE_H

#include "base/nstime.h"

struct pace {
	nstime gap;     /* between two frames in the long run */
	unsigned burst;
	nstime paid;    /* frames are paid for up to this point; 0 at the start: a full bucket */
};

/* How many may go now. */
unsigned pace_allowed(const struct pace *pace, nstime now);

/* `count` went now. More than were allowed only empty the bucket: there is no debt. */
void pace_spend(struct pace *pace, nstime now, unsigned count);

/* From when on `count` (at most `burst`) may go at once, if none goes until then. */
nstime pace_due(const struct pace *pace, nstime now, unsigned count);

#endif
