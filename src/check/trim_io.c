/* See the header. */
#include "check/trim_io.h"

#include <malloc.h>

#define REST (5 * NSTIME_S) /* longer than most timeouts; and no more often than that in a rush that lasts */

static void trim_now(void *ctx)
{
	(void)ctx;
	malloc_trim(0);
}

int trim_init(struct trim *trim, struct loop *loop)
{
	return timer_init(loop, &trim->timer, LOOP_NORMAL, trim_now, trim);
}

void trim_fini(struct trim *trim)
{
	timer_fini(&trim->timer);
}

void trim_later(struct trim *trim)
{
	if (!timer_armed(&trim->timer))
		timer_at(&trim->timer, clock_now() + REST);
}
