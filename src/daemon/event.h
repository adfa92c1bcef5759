/* Events: what changed, for operators and their scripts. Pure: an event is the difference between
 * what was told of an object last and a new fact about it.
 *
 * Facts are levels, and a level that is seen for the first time is no change: a control worker that
 * has just begun learns what is so and tells nothing, unless it came to be after this worker did.
 * A worker that has just begun knows less than its predecessor (a router in INIT, a server without a
 * verdict): that is no change either. What happened between two facts of an object cannot be seen,
 * but counters tell how much it was. */
#ifndef LBHA_DAEMON_EVENT_H
#define LBHA_DAEMON_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/facts.h"

#define EVENT_OBJECT 192 /* room for an object's name */
#define EVENT_WORD 64    /* for a state's */
#define EVENT_MORE 4

enum event_kind {
	EVENT_VRRP_STATE,       /* object: an instance; old and new: its state */
	EVENT_GROUP_STATE,      /* a sync group */
	EVENT_TRACKER_STATE,    /* INSTANCE/TRACKER; up, down, unknown */
	EVENT_COMPETING_MASTER, /* an instance; new: the other's address, old: when it has gone */
	EVENT_NO_PEER_HEARD,    /* an instance; true, false */
	EVENT_DRIFT_REPAIRED,   /* an instance, or "ipvs" */
	EVENT_CONTESTED,        /* an instance, or "ipvs"; true, false */
	EVENT_SERVER_STATE,     /* SERVICE/SERVER; up, down, unknown */
	EVENT_SERVICE_STATE,    /* a service */
	EVENT_RELOAD,           /* "configuration"; generations */
	EVENT_UPGRADE,          /* "daemon"; builds */
	EVENT_WORKER_RESTART,   /* a worker; its state */
	EVENT_OVERRIDE,         /* what an operator's word is about, or "maintenance", "log"; values */
};

const char *event_kind_name(enum event_kind kind);

struct cause;

/* A member that events of a kind have beside the common ones. */
struct event_more {
	const char *key;        /* NULL: the end */
	const char *text;       /* NULL: it is the number */
	int64_t number;
};

struct event {
	enum event_kind kind;
	nstime time;            /* when it happened, as far as it is known */
	char object[EVENT_OBJECT];
	char old[EVENT_WORD], new[EVENT_WORD]; /* empty: none */
	char reason[FACT_DETAIL];
	struct event_more more[EVENT_MORE];
	const struct cause *cause; /* of a state; NULL: not known */
};

/* Who wants the events, and since when there is anybody. */
struct event_sink {
	void (*event)(void *ctx, const struct event *event);
	void *ctx;
	nstime started;
	const struct cause *cause; /* of the state that is told; NULL: not known */
};

/* What was told last of an object; all zero: nothing. */
struct event_seen {
	bool known;
	uint8_t state;
};

struct event_seen_instance {
	struct event_seen state;
	bool competing, no_peer_heard, contested;
	uint64_t transitions, repairs;
	struct addr competitor;
	nstime competed;        /* when competition was told last: a neighbour can provoke it */
};

#define EVENT_COMPETITION_PAUSE NSTIME_S

struct event_seen_daemon {
	bool known;
	nstime reload_time, upgrade_time;
	uint32_t generation;
};

void event_instance(const struct event_sink *sink, struct event_seen_instance *seen,
		    const char *name, const struct fact_instance *fact, nstime now);
void event_group(const struct event_sink *sink, struct event_seen *seen, const char *name,
		 const struct fact_group *fact, nstime now);
void event_tracker(const struct event_sink *sink, struct event_seen *seen, const char *instance,
		   const char *tracker, const struct fact_tracker *fact, nstime now);
void event_service(const struct event_sink *sink, struct event_seen *seen, const char *name,
		   const struct fact_service *fact, nstime now);
void event_server(const struct event_sink *sink, struct event_seen *seen, const char *service,
		  const char *server, const struct fact_server *fact, nstime now);
void event_daemon(const struct event_sink *sink, struct event_seen_daemon *seen,
		  const struct fact_daemon *fact, nstime now);
/* Of these the fact that was there before, NULL: none. */
void event_worker(const struct event_sink *sink, const struct fact_worker *before,
		  const struct fact_worker *fact, nstime now);
/* Of one (kind, object); NULL before: it is new, NULL after: it is gone. Its times are wall time,
 * `wall` is that of our clock's point 0. Nothing when nothing was said anew. */
void event_override(const struct event_sink *sink, const struct override *before,
		    const struct override *after, nstime now, nstime wall);
void event_table(const struct event_sink *sink, const struct fact_table *before,
		 const struct fact_table *fact, nstime now);

#endif
