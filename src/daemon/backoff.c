/* See the header. */
#include "daemon/backoff.h"

#define FIRST NSTIME_S
#define MOST (30 * NSTIME_S)
#define FORGIVEN (60 * NSTIME_S)
#define STALE (10 * NSTIME_S)
#define STALE_LEAST (3 * NSTIME_S)
#define USUAL_INTERVAL NSTIME_S /* until it is known */

unsigned backoff_deaths(unsigned before, nstime lived)
{
	return lived > FORGIVEN ? 1 : before + 1;
}

nstime backoff_wait(unsigned deaths)
{
	nstime wait = FIRST;

	if (deaths <= BACKOFF_AT_ONCE)
		return 0;
	for (unsigned i = BACKOFF_AT_ONCE + 1; i < deaths && wait < MOST; i++)
		wait *= 2;
	return nstime_min(wait, MOST);
}

nstime backoff_stale(nstime quickest)
{
	return quickest ? nstime_max(STALE_LEAST, nstime_min(STALE, 3 * quickest)) : STALE;
}

bool backoff_is_too_late(nstime alive, nstime quickest, nstime start)
{
	return start >= alive + 2 * (quickest ? quickest : USUAL_INTERVAL);
}
