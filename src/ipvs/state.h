/* All that the ipvs worker knows under one generation of the model: verdicts, the table it wants,
 * how services fare. Built once in an arena; afterwards nothing allocates but the plans. The wanted
 * table is also the worker's picture of the kernel: it holds as long as every operation succeeded
 * and nobody else interferes, which a dump verifies. A verdict marks its services; settling a
 * marked service gives the operations that it costs and moves the wanted table on, so the work is
 * in proportion to what changed. */
#ifndef LBHA_IPVS_STATE_H
#define LBHA_IPVS_STATE_H

#include "config/facts.h"
#include "config/model.h"
#include "config/roles.h"
#include "ipvs/desired.h"
#include "ipvs/drain.h"
#include "ipvs/plan.h"
#include "ipvs/service.h"
#include "ipvs/traffic.h"
#include "ipvs/ways.h"

struct ipvs_probe_memory {
	enum probe_reason reason;
	bool is_suppressed; /* down, whatever its probes say */
	nstime since; /* when the verdict came to be */
	struct advice told;
	bool passed;  /* the last probe that ended */
};

struct ipvs_connections {
	uint64_t active, inactive, persistent;
};

struct ipvs_server_state {
	struct ipvs_server now;
	struct ipvs_terms terms;       /* what ipvs_state_terms was told, else the model's */
	struct ipvs_connections connections; /* now, summed over listeners */
	struct ipvs_terms said;              /* those that the list of overrides leaves it */
	nstime deadline;                     /* of a drain with an end, since the epoch; 0: none */
	struct traffic traffic;              /* the same ever since */
	bool stale;                          /* stands in stale_servers below */
	bool fit;                            /* up and enabled when its service was settled last */
	enum verdict logged;                 /* the health that the log told last, */
	uint8_t logged_wish;                 /* and what its checks wished */
};

/* What the kernel would not do for a service. */
struct ipvs_refusal {
	char words[FACT_DETAIL]; /* of the first of the last round that had one; "": none */
	uint32_t missing;        /* so many of its virtual services could not be made */
	bool is_fresh;           /* it came in this round */
};

struct ipvs_service_state {
	struct ipvs_condition condition;
	struct ipvs_refusal refusal;
	nstime since;
	uint32_t unknown; /* servers that wait for a verdict */
	bool marked;      /* stands in `marked` below */
	bool is_due;      /* stands in `due` below */
	bool is_programmed; /* stands in `programmed` below */
	nstime ramp_due;  /* the next step of a server's ramp; 0: none */
	bool stale;       /* stands in stale_services below */
	bool counted;     /* stands in counted_services below */
	struct traffic traffic;
	enum service_state logged;
};

struct ipvs_state {
	const struct model *model;
	struct roles roles; /* of the instances */
	struct ipvs_layout layout;
	struct ipvs_table wanted; /* service v is layout.virtuals[v], be it in the kernel or not */
	struct ipvs_ways ways;
	/* those of `wanted` that shall be in the kernel now, and those of the ways; where service v is there */
	struct ipvs_table programmed;
	uint32_t *programmed_at;
	bool is_reprogrammed;     /* others than before; for the caller of ipvs_state_settle to forget */
	/* per probe: the last verdict known, and what goes with it */
	enum verdict *verdicts;
	struct ipvs_probe_memory *memory;
	/* the servers of service s: servers[server_first[s]] to servers[server_first[s + 1] - 1] */
	uint32_t *server_first;
	struct ipvs_server_state *servers;
	/* those that probe p is for: users[users_first[p]] to users[users_first[p + 1] - 1] */
	uint32_t *users_first, *users;
	struct ipvs_service_state *services;
	struct ipvs_server *view;  /* scratch: the servers of one service, */
	struct ipvs_want *wants;   /* and what is wanted of each */
	struct ipvs_dest *scratch; /* room for the largest service */
	uint32_t *marked;          /* services to settle */
	size_t marked_count;
	uint32_t *due; /* services that are to be looked at again at a moment (condition.due, ramp_due) */
	size_t due_count;
	uint32_t *stale_servers, *stale_services; /* their facts have changed since last told */
	size_t stale_server_count, stale_service_count;
	uint32_t *counted_services; /* their traffic has changed since last told */
	size_t counted_service_count;
	/* of virtual service v: meters[v]; of the k-th destination that it can have
	 * (layout.virtuals[v].order): dest_meters[dest_first[v] + k] */
	struct ipvs_meter *meters, *dest_meters;
	uint32_t *dest_first;
	struct ipvs_connections *sums; /* scratch: the servers of one service */
	uint32_t *draining;        /* servers that are drained with an end (ipvs/drain.h) */
	size_t draining_count;
	struct ipvs_leaver *leavers; /* destinations of servers that have left the file */
	size_t leaver_count;
	struct ipvs_leaver *remembered; /* those that a predecessor knew (ipvs/inherit.h): key, deadline and name */
	size_t remembered_count;
	size_t waiting;            /* services of which a server waits for a verdict */
};

/* Room for destinations beyond the servers of a service, so that there is always some. */
#define IPVS_DESTS_SPARE 1

/* A state without verdicts and with an empty wanted table. `model` must outlive it. Errors and
 * `why` are those of ipvs_layout_build. */
int ipvs_state_build(struct arena *arena, const struct model *model, struct ipvs_state *out,
		     struct text *why);

/* Takes over what is still true under another model: verdicts by the probes' keys, since when a
 * service is as it is by its name. -ENOMEM (the arena is for scratch). */
int ipvs_state_carry(struct arena *arena, struct ipvs_state *to, const struct ipvs_state *from);

/* The first of all states. When `current` has none of our services, servers whose checks are initially
 * up are, without waiting for the check worker to say so (carry does the same for probes that are
 * new). Otherwise we have been here before, and it may know better. */
void ipvs_state_begin(struct ipvs_state *state, const struct ipvs_table *current);

/* Makes the wanted table anew from the verdicts; servers without one stay as `current` has them.
 * `current` may not be the state's own. Nothing stays marked. */
void ipvs_state_desire(struct ipvs_state *state, const struct ipvs_table *current, nstime now);

/* A probe's fact. A verdict of "unknown" is no news: what was known stays. Whether it was news. */
bool ipvs_state_verdict(struct ipvs_state *state, const struct fact_probe *fact);

/* What is in force of a server (by its place in `servers`) from now on; its service is marked. */
void ipvs_state_terms(struct ipvs_state *state, uint32_t place, const struct ipvs_terms *terms);

/* A service is to be settled. */
void ipvs_state_mark(struct ipvs_state *state, uint32_t service);

/* Appends what all marked services now need to a plan (changes before removals within each service;
 * to be applied as a whole) and marks none. -ENOMEM: then what was not reached stays marked. */
int ipvs_state_settle(struct arena *arena, struct ipvs_state *state, nstime now,
		      struct ipvs_plan *plan);

/* Takes what was told of an instance; services that are in the kernel while MASTER alone are marked
 * when that changes it. Whether it was news. */
bool ipvs_state_role(struct ipvs_state *state, const struct fact_role *fact);

/* Room for the programmed table: -ENOMEM. */
int ipvs_state_programmed_build(struct arena *arena, struct ipvs_state *state);
/* Whether a service shall be in the kernel, given whether it is: that stays while nothing is known. */
bool ipvs_state_shall_be(const struct ipvs_state *state, uint32_t service, bool is_there);
/* Whether its servers are checked now: with check_when: master while MASTER alone, as far as known. */
bool ipvs_state_is_asked(const struct ipvs_state *state, uint32_t service);
/* Whether a table has any of its virtual services. */
bool ipvs_state_is_in(const struct ipvs_state *state, uint32_t service,
		      const struct ipvs_table *table);
/* Makes the programmed table anew; brings one virtual service of it up to the wanted one. */
void ipvs_state_program(struct ipvs_state *state);
void ipvs_state_wanted_moved(struct ipvs_state *state, uint32_t v);

/* When ipvs_state_wake() has to mark services next, whatever else happens; NSTIME_NEVER. */
nstime ipvs_state_due(const struct ipvs_state *state);
void ipvs_state_wake(struct ipvs_state *state, nstime now);
/* Begins, goes on with and ends the ramps of a service's servers, as state->view has them. */
void ipvs_state_ramp(struct ipvs_state *state, uint32_t service, bool is_running, nstime now);
/* Remembers a service that has got a moment like that. */
void ipvs_state_note_due(struct ipvs_state *state, uint32_t service);

/* Brings servers and condition of a service up to what the wanted table and refusals say. */
void ipvs_state_refresh(struct ipvs_state *state, uint32_t service, nstime now);

/* An operation that the kernel refused, with its words (ipvs_refusal_format): the service's reason
 * from now on. A round is what a look at the whole table brings; at its end services whose refusals
 * did not come again have none. */
void ipvs_state_refused(struct ipvs_state *state, const struct ipvs_op *op, const char *words,
			nstime now);
void ipvs_state_refusals_begin(struct ipvs_state *state);
void ipvs_state_refusals_end(struct ipvs_state *state, nstime now);
/* Whether the kernel has none of the virtual services of a service. */
bool ipvs_state_is_missing(const struct ipvs_state *state, uint32_t service);
/* A condition as it is with what was refused. */
void ipvs_state_explain_refusal(const struct ipvs_state *state, uint32_t service,
				struct ipvs_condition *condition);

/* The fact of a server (by its place in `servers`) or service is to be told. */
void ipvs_state_stale_server(struct ipvs_state *state, uint32_t place);
void ipvs_state_stale_service(struct ipvs_state *state, uint32_t service);
/* All that was stale has been told. */
void ipvs_state_told(struct ipvs_state *state);

/* Room for the counters; the totals and readings that go on under another model. -ENOMEM. */
int ipvs_state_traffic_build(struct arena *arena, struct ipvs_state *state);
int ipvs_state_traffic_carry(struct arena *arena, struct ipvs_state *to,
			     const struct ipvs_state *from, const uint32_t *match);

/* Takes the counters of a dump: all of them, or those of one service, of which the dump has all.
 * Services may be marked for them. */
void ipvs_state_counters(struct ipvs_state *state, const struct ipvs_table *actual);
void ipvs_state_service_counters(struct ipvs_state *state, const struct ipvs_table *actual,
				 uint32_t service);

/* Looks whether a sorry server that is used no more has lost its last connection, as they were counted
 * last: then its service is marked, and it leaves. */
void ipvs_state_note_idle(struct ipvs_state *state, uint32_t service);

/* Whether every server that is checked has a verdict. */
bool ipvs_state_has_verdicts(const struct ipvs_state *state);

/* The service of a server, by its place in `servers`. */
uint32_t ipvs_state_service_of(const struct ipvs_state *state, uint32_t place);

/* Facts of one service and of one server (by its place in `servers`). */
void ipvs_state_service_fact(const struct ipvs_state *state, uint32_t service,
			     struct fact_service *out);
void ipvs_state_traffic_fact(const struct ipvs_state *state, uint32_t service,
			     struct fact_traffic *out);
void ipvs_state_server_fact(const struct ipvs_state *state, uint32_t place,
			    struct fact_server *out);

#endif
