/* Wall time as text: RFC 3339 in UTC with milliseconds, "2026-01-02T03:04:05.678Z". For display and
 * for what must outlive the machine's clock; points of our own are CLOCK_MONOTONIC (nstime.h). */
#ifndef LBHA_BASE_WALLTIME_H
#define LBHA_BASE_WALLTIME_H

#include "base/nstime.h"

#define WALLTIME_TEXT 32 /* room for a time, with the zero */

/* Writes nanoseconds since the epoch (before it: as the epoch), cut to milliseconds. Returns out.
 */
const char *walltime_format(nstime since_epoch, char *out);

/* Reads what walltime_format writes, and nothing else. -EINVAL; -ERANGE beyond the year 2262, where
 * nstime ends. */
int walltime_parse(const char *text, nstime *out);

#endif
