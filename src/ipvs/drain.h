/* Servers on their way out of the table: those that an operator drains with a
 * deadline, and those that have left the file of a service with a drain_timeout
 * ("leavers"). Both stand in the table with weight 0 until they have no
 * connections of any kind, or their time is over, and are never put in again
 * once they are out. A leaver is one destination of one virtual service: what
 * the model has no server for.
 *
 * While there are any, their services are read once a second; nothing else is.
 */
#ifndef LBHA_IPVS_DRAIN_H
#define LBHA_IPVS_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/facts.h"
#include "ipvs/table.h"

struct arena;
struct ipvs_state;

struct ipvs_leaver {
	uint32_t virtual;      /* index into layout.virtuals */
	struct ipvs_dest dest; /* as it was found, but for its weight, which is 0;
                            with its last counters */
	nstime deadline;       /* our clock; NSTIME_NEVER */
	char name[FACT_NAME];
	bool gone;
};

/* Finds them: destinations in `current` that the model has no server for, in
 * services with a drain_timeout; under a state that ran before (`from`, NULL:
 * none did) only those that it had there. Who leaves already keeps its
 * deadline, unless the new one is earlier. To be called before
 * ipvs_state_desire. -ENOMEM (the arena is that of the state): then there are none. */
int ipvs_leavers_find(struct arena *arena, struct ipvs_state *state, const struct ipvs_state *from,
		      const struct ipvs_table *current, nstime now);

/* Puts those of virtual service v among its destinations, which have room for
 * them. */
void ipvs_leavers_add(const struct ipvs_state *state, uint32_t v, struct ipvs_service *service);

/* How many are on their way out. */
size_t ipvs_drain_count(const struct ipvs_state *state);

/* The virtual services that have them, as a table without destinations, sorted.
 * -ENOMEM. */
int ipvs_drain_services(struct arena *arena, const struct ipvs_state *state,
			struct ipvs_table *out);

/* Told who is out, and how many connections it had then. */
typedef void ipvs_drain_ended(void *ctx, const char *service, const char *server,
			      uint64_t connections);

/* Looks who is out: of the table already, over time, or (if `read` is not NULL:
 * those services as the kernel has them) without connections. Their services
 * are marked. `wall` is the time since the epoch; `ended` may be NULL. */
void ipvs_drain_look(struct ipvs_state *state, const struct ipvs_table *read, nstime now,
		     nstime wall, ipvs_drain_ended *ended, void *ctx);

void ipvs_leaver_fact(const struct ipvs_state *state, uint32_t number, struct fact_leaver *out);

#endif
