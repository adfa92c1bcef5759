/* Trackers: what else must work for a director to be a good MASTER, and what it costs when it does
 * not. Pure. The rules:
 *
 *  - Everything is computed from levels: priority and faults are functions of the states of all
 *    trackers as they are now. Nothing is counted up or down, so nothing can be lost.
 *  - A weight below zero is added while the tracker is down, one above zero while it is up. The sum
 *    is added to the base priority and the result kept within 1..254; 255 (owner) is never altered.
 *  - Without a weight, down is a FAULT; its text names all trackers that are.
 *  - Unknown (nothing was heard yet) adds nothing and is no fault.
 *  - A source that falls silent, or has only just begun, does not change what was known.
 *  - A change of an interface counts when it has lasted up_delay or down_delay; the first sight of
 *    it counts at once.
 *  - A service is below its quorum for all directors, mostly: its servers are the same. But they
 *    learn it one after another, and whoever lowers its priority first would lose the addresses
 *    for that while. So what may move them must have lasted `hold`: that a MASTER's service is lost,
 *    and that a BACKUP's has come back. What keeps them where they are counts at once: a
 *    BACKUP's loss and a MASTER's return. A loss that all learn within `hold` has lowered every
 *    BACKUP before the MASTER, and when it ends for all the MASTER rises first: the order never
 *    changes. Only a loss that others do not share moves the addresses. */
#ifndef LBHA_VRRP_TRACK_H
#define LBHA_VRRP_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/facts.h"
#include "config/model.h"

struct text;

/* What trackers of one (kind, name) look at: an interface, a check or a service. */
struct track_source {
	enum tracker_kind kind;
	const char *name;
	uint32_t number;     /* TRACKER_CHECK: of model.probes; TRACKER_SERVICE: of model.services */
	enum verdict seen;   /* now; never unknown again once it was known */
	nstime since;
	const char *reason;  /* why, without the name: "no carrier", "connect: refused" */
};

/* One tracker of one instance: its source, seen through its delays. */
struct track {
	const struct tracker *about;
	const struct track_source *source;
	enum verdict state;  /* what counts */
	nstime since;
	nstime due;          /* when what is seen will count, if it lasts; NSTIME_NEVER: it does */
	bool is_master;      /* its instance; decides what of a service counts at once */
};

/* A tracker of which nothing is known. Until its role is told it is taken for a MASTER's: then nothing
 * moves the addresses before its time. */
void track_init(struct track *track, const struct tracker *about, const struct track_source *source);

/* Looks at the source again, after it has changed or when `due` has come. Whether `state` changed. */
bool track_look(struct track *track, nstime now);

/* Its instance is MASTER from now on, or no longer: what is seen may count earlier or later. Whether
 * `due` is another now; `state` is not, before track_look(). */
bool track_role(struct track *track, bool is_master, nstime now);

/* Whether a service's fact is news for its source, as below; quorum unknown is none. */
bool track_is_quorum_news(const struct track_source *source, const struct fact_service *fact);

/* Whether a probe's fact is news for its source: another verdict, or other words for the same one.
 * An unknown verdict is none, nor is an unprobed probe (its worker has just begun) for a source that
 * is known. */
bool track_is_news(const struct track_source *source, const struct fact_probe *fact);

/* What a tracker in that state adds to the priority. */
int32_t track_effect(const struct tracker *about, enum verdict state);

/* The sum of all effects, and whether any tracker means FAULT. */
int64_t track_sum(const struct track *tracks, size_t count);
bool track_is_fault(const struct track *tracks, size_t count);
/* Whether something was heard of every check; interfaces are known anyway. */
bool track_all_known(const struct track *tracks, size_t count);

/* The effective priority: base + sum within 1..254, or 255. */
uint8_t track_priority(uint8_t base, int64_t sum);

/* Appends the causes of FAULT: "gateway down: connect: refused; eth1 down: no carrier". */
void track_causes(const struct track *tracks, size_t count, struct text *out);

/* Why the state is what it is, for people: the source's reason, and the delay while it is not yet
 * what is seen. Returns out. */
const char *track_reason(const struct track *track, char *out, size_t size);

#endif
