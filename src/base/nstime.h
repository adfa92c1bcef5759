/* Time as one type: nanoseconds, signed, in 64 bits. A point in time is CLOCK_MONOTONIC (the same in every
 * process of the machine, so it may travel in messages); a duration is the difference of two points. The
 * wire's centiseconds live in the packet codecs only. */
#ifndef LBHA_BASE_NSTIME_H
#define LBHA_BASE_NSTIME_H

#include <stdint.h>

typedef int64_t nstime;

#define NSTIME_US ((nstime)1000)
#define NSTIME_MS ((nstime)1000000)
#define NSTIME_S ((nstime)1000000000)
#define NSTIME_NEVER INT64_MAX /* a deadline that does not come; a duration without end */

/* The earlier and the later of two points. */
static inline nstime nstime_min(nstime a, nstime b)
{
	return a < b ? a : b;
}

static inline nstime nstime_max(nstime a, nstime b)
{
	return a > b ? a : b;
}

/* point + duration without overflow: NSTIME_NEVER absorbs. */
static inline nstime nstime_after(nstime point, nstime duration)
{
	return duration >= NSTIME_NEVER - point ? NSTIME_NEVER : point + duration;
}

#endif
