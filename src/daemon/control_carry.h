/* What a control worker leaves to the next one (base/carry.h): the ring of events and when it took its last fact, so
 * that the next tells what came to be since then and nothing else; the last reload; and what of the traffic is not in
 * what the ipvs worker says: totals over workers that died, and what an operator set to zero. Everything else comes
 * again from those who know it. Times are points of CLOCK_MONOTONIC; getters refuse what cannot be. */
#ifndef LBHA_DAEMON_CONTROL_CARRY_H
#define LBHA_DAEMON_CONTROL_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "config/facts.h"
#include "daemon/control_traffic.h"

struct events;
struct mirror;

enum control_carry {
	CONTROL_CARRY_PAST = 1, /* struct control_past, before all events */
	CONTROL_CARRY_EVENT,    /* u64 number, text: its line of JSON without the end; in their order */
	CONTROL_CARRY_RELOAD,   /* struct control_reload */
	CONTROL_CARRY_TRAFFIC,  /* struct control_traffic */
};

struct control_past {
	uint64_t base, before, last; /* numbers: below the daemon's first event, below the oldest kept, of the last */
	nstime facts_at;             /* when the last fact was taken */
};

/* The last attempt at a reload. */
struct control_reload {
	nstime time; /* 0: there was none */
	bool failed;
	char error[FACT_DETAIL];
};

/* Of a service, or of one of its servers. */
struct control_traffic {
	char service[FACT_NAME], server[FACT_NAME]; /* server "": of the service itself */
	struct endpoint address;                    /* the server's */
	struct traffic_seen seen;
};

void control_past_put(struct writer *out, const struct control_past *past);
bool control_past_get(struct reader *in, nstime now, struct control_past *past);
void control_reload_put(struct writer *out, const struct control_reload *reload);
bool control_reload_get(struct reader *in, nstime now, struct control_reload *reload);
void control_traffic_put(struct writer *out, const struct control_traffic *traffic);
bool control_traffic_get(struct reader *in, nstime now, struct control_traffic *traffic);

/* A whole carry, malloc'ed; NULL when out of memory. */
uint8_t *control_carry_make(const struct mirror *mirror, const struct events *events, nstime facts_at,
			    size_t *size);

/* What is no part of a mirror. */
struct control_inherited {
	struct control_past past;
	struct control_reload reload; /* time 0: none */
	struct events *events;        /* a ring with the predecessor's; NULL: nothing was said of them, or no memory */
};

/* Takes up the records behind the head; `mirror` is prepared and the first. */
struct control_inherited control_carry_take(struct reader *in, nstime now, struct mirror *mirror);

#endif
