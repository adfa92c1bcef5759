/* See the header. The bucket's level is the time from `paid` to now, in gaps. */
#include "net/pace.h"

static nstime paid_since(const struct pace *pace, nstime now)
{
	return nstime_max(pace->paid, now - (nstime)pace->burst * pace->gap);
}

unsigned pace_allowed(const struct pace *pace, nstime now)
{
	nstime level = now - paid_since(pace, now);

	return level > 0 ? (unsigned)(level / pace->gap) : 0;
}

void pace_spend(struct pace *pace, nstime now, unsigned count)
{
	pace->paid = nstime_min(paid_since(pace, now) + (nstime)count * pace->gap, now);
}

nstime pace_due(const struct pace *pace, nstime now, unsigned count)
{
	return nstime_max(now, paid_since(pace, now) + (nstime)count * pace->gap);
}
