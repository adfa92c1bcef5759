/* A look at the kernel's table in pieces, for tables so large that a whole look would hold up what
 * is due: first the list of virtual services, then service after service its destinations, which are
 * compared with the programmed table and whose counters are taken at once. Pure: the caller asks the
 * kernel what ipvs_reading_next() says and hands over what it got, with as much other work in between
 * as it likes. What was read while the caller changed the table itself is read again. The outcome is
 * a set of suspects: services to look at once more, all at the same moment, before anything is
 * repaired. For all others the programmed table is what the kernel has.
 *
 * A reading belongs to one generation of the model: another one begins a new reading. */
#ifndef LBHA_IPVS_READING_H
#define LBHA_IPVS_READING_H

#include "ipvs/state.h"

struct ipvs_reading {
	bool compares;            /* else only counters are taken */
	bool counts;
	bool is_listed;           /* the list of services is complete */
	struct ipvs_table listed; /* the kernel's services, without destinations */
	size_t listed_room;
	uint32_t service;         /* of the model: the one that is read, */
	uint32_t n;               /* the virtual service of it (layout.of_service), */
	struct ipvs_table found;  /* and those of it that were read */
	struct ipvs_service *room;
	uint64_t operations;      /* of the caller when that was asked for */
	unsigned tries;
	bool *suspects;           /* of virtual service v */
	size_t suspect_count;
	bool has_strangers;       /* services of the kernel that are not wanted there, and ours to remove */
	size_t way;               /* of state->ways.table: read after all others */
	bool ways_differ;         /* one of them is not there as it should be */
	struct arena *list, *scratch; /* the caller's; of the whole, and of one service */
};

/* A new reading; `list` and `scratch` are empty and live as long as it. -ENOMEM. */
int ipvs_reading_begin(struct ipvs_reading *reading, const struct ipvs_state *state,
		       struct arena *list, struct arena *scratch);

/* Room for the next service of the list: NULL: no memory. */
struct ipvs_service *ipvs_reading_list(struct ipvs_reading *reading);
/* The list is complete. `removable`: the services that may be removed; NULL: all. */
void ipvs_reading_listed(struct ipvs_reading *reading, const struct ipvs_state *state,
			 const struct ipvs_keys *removable);

/* The service to be read next: its destinations are to be pushed (arena_push, reading->scratch), in
 * the kernel's order; NULL: all is read. `operations` counts what the caller has done to the table. */
struct ipvs_service *ipvs_reading_next(struct ipvs_reading *reading, struct ipvs_state *state,
				       uint64_t operations);
/* All destinations of that service are there. -ENOMEM. */
int ipvs_reading_read(struct ipvs_reading *reading, struct ipvs_state *state,
		      uint64_t operations);

/* At the end: whether all is as it should be. */
bool ipvs_reading_agrees(const struct ipvs_reading *reading);
/* What the kernel has of a service as far as the reading tells; NULL: that is to be looked at. */
const struct ipvs_service *ipvs_reading_known(const struct ipvs_reading *reading,
					      const struct ipvs_state *state,
					      const struct ipvs_service_key *key);

#endif
