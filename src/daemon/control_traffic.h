/* Traffic as control knows it of a service or a server: totals that never go down, also when the ipvs
 * worker begins anew with what the kernel has counted, and what came since an operator's `zero`, which
 * changes nothing but that: totals and the kernel go on. Pure. */
#ifndef LBHA_DAEMON_CONTROL_TRAFFIC_H
#define LBHA_DAEMON_CONTROL_TRAFFIC_H

#include "base/nstime.h"
#include "config/facts.h"

struct traffic_seen {
	struct traffic total;
	struct traffic told;   /* by the worker, last */
	struct traffic zero;   /* the total at the last zero */
	nstime zeroed;         /* 0: never */
};

/* What the worker says. Where it says less than before, it has begun anew: counting goes on from
 * there. */
void traffic_take(struct traffic_seen *seen, const struct traffic *told);

void traffic_zero(struct traffic_seen *seen, nstime now);
struct traffic traffic_since_zero(const struct traffic_seen *seen);

#endif
