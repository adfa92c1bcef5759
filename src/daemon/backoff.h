/* What is decided about a worker that died, hangs or cannot be started. Pure. */
#ifndef LBHA_DAEMON_BACKOFF_H
#define LBHA_DAEMON_BACKOFF_H

#include <stdbool.h>

#include "base/nstime.h"

#define BACKOFF_AT_ONCE 3 /* deaths in a row that cost no waiting */

/* How many deaths in a row the present one makes, after so many before it: a minute of life forgives. */
unsigned backoff_deaths(unsigned before, nstime lived);
/* How long the next start waits after so many deaths in a row: not at all, then 1, 2, 4 … 30 s. */
nstime backoff_wait(unsigned deaths);

/* A heartbeat that is older than this is a hang: 10 s; for vrrp, whose shortest advert interval is `quickest` (0: none,
 * or another worker), what the first of its backups waits, but at least 3 s: a busy machine is no reason to kill it. */
nstime backoff_stale(nstime quickest);

/* Whether a vrrp worker that is started at `start` could no longer go on as MASTER: it lived until `alive`, and goes on
 * only while its last advert is younger than two intervals. */
bool backoff_is_too_late(nstime alive, nstime quickest, nstime start);

#endif
