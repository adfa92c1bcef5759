/* Durations as people write them: a number (a fraction is fine) and a unit us, ms, s, m, h or d; several in a
 * row ("1m30s"); plain "0". interface.md section 7. */
#ifndef LBHA_BASE_DURATION_H
#define LBHA_BASE_DURATION_H

#include "base/nstime.h"

#define DURATION_TEXT 48

/* -EINVAL when it is no duration, -EDOM when the unit is missing, -ERANGE when it does not fit (292 years). */
int duration_parse(const char *text, nstime *out);

/* The shortest exact text, e.g. "1m30s", "250ms", "1.5ms", "0s"; parses back to the same value when that is a
 * whole number of microseconds. "forever" for NSTIME_NEVER. `out` has DURATION_TEXT bytes. */
const char *duration_format(nstime duration, char *out);

/* For people: two significant parts at most ("3.6s", "12ms", "2m5s", "3h20m"). */
const char *duration_about(nstime duration, char *out);

#endif
