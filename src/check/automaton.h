/* From probe results to a verdict: rise and fall.
 *
 *  - The first probe ever passed makes the verdict up, whatever `rise` says.
 *  - After that: `fall` failures in a row make it down, `rise` passes in a row make it up again.
 *  - Before any probe passed, the verdict is unknown (initial: down) or up (initial: up) until
 *    `fall` failures in a row make it down. So a check worker that was just replaced takes no
 *    server away for one lost packet; and a server that fails at start is not waited for long:
 *    while the verdict is unknown, failures are probed again after a second.
 *  - With `suppress`, who goes down again soon after it came up is kept down that long whatever its
 *    probes say, twice as long the next time, and so on, at most `max_suppress`. The first fall costs
 *    nothing, and after `max_suppress` of being up without a fall it is the first again.
 *  - What went wrong here (RESOURCES, LOCAL) neither counts nor breaks a row; lack of resources
 *    makes probing slower.
 *
 * interface.md section "Checks". Values only: the caller keeps one automaton per probe. */
#ifndef LBHA_CHECK_AUTOMATON_H
#define LBHA_CHECK_AUTOMATON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/facts.h"

struct check;

struct automaton {
	enum verdict verdict;
	nstime since;            /* when the verdict came to be; 0: no verdict yet */
	uint32_t passed, failed; /* in a row, at most one of them not 0 */
	bool proven;             /* a probe has passed before */
	uint8_t starved;         /* probes in a row that ended for RESOURCES */
	uint8_t falls;           /* from up to down since it was up for max_suppress */
	nstime suppressed;       /* until then it is not up; 0: nothing keeps it down */
};

struct automaton automaton_start(const struct check *check, nstime now);

/* A probe has ended; true when the verdict changed. */
bool automaton_step(struct automaton *automaton, const struct check *check,
		    enum probe_reason reason, nstime now);

/* For how long the last fall keeps it down; 0: it does not. */
nstime automaton_suppress(const struct automaton *automaton, const struct check *check);

/* How long after the start of the last probe the next one is due (before jitter): the interval,
 * retry_interval after a failure that is not yet down, at most a second while failing without a
 * verdict, and up to 8 times as long while resources lack. */
nstime automaton_delay(const struct automaton *automaton, const struct check *check);

#endif
