/* What ways (model.ways, via: vip) want of the kernel. For each a virtual service that is known by the
 * way's mark and has the server as its one destination, without a port: whatever is for one of our
 * virtual addresses keeps its port. It is one-packet, which means UDP alone: a datagram must not follow
 * an entry that another way's left under the same source port (connections look theirs up without the
 * mark, and are told apart by ports that the kernel hands out one after the other). Beside them routes,
 * by which packets that IPVS does not take stay here (net/policy.h), rules by which they leave for their
 * server or not at all (net/nft_way.h), and sysctls, by which answers come in. These services stand in the programmed table; no service of the model, and so neither its
 * state nor its counters, knows of them. */
#ifndef LBHA_IPVS_WAYS_H
#define LBHA_IPVS_WAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipvs/plan.h"
#include "ipvs/table.h"
#include "net/policy.h"

struct arena;
struct model;

/* Where a way is. */
struct ipvs_way_state {
	bool absent;  /* its service was not there, and is not added */
	bool refused; /* by the kernel, in the last round */
	bool placed;  /* a probe may take it; and as told to the check worker: */
	bool told;
};

struct ipvs_ways {
	struct ipvs_table table;  /* the services, sorted by key */
	uint32_t *at;             /* that of service i: its way's number */
	struct ipvs_way_state *states; /* by way */
};

/* -ENOMEM. */
int ipvs_ways_build(struct arena *arena, const struct model *model, struct ipvs_ways *out);

/* The state of the way whose service has that key; NULL: there is none. */
struct ipvs_way_state *ipvs_way_of(const struct ipvs_ways *ways, const struct ipvs_service_key *key);

/* What is absent of a table, and comes not with a plan either. */
void ipvs_ways_seen(struct ipvs_ways *ways, const struct ipvs_table *actual,
		    const struct ipvs_plan *plan);

/* Takes it that nothing is absent but what is refused, if routes and rules are there (`routed`); true:
 * one is not as told. */
bool ipvs_ways_judge(struct ipvs_ways *ways, bool routed);

/* Policy routing of one family; nothing where no way is for it. -ENOMEM. */
int ipvs_ways_policy(struct arena *arena, const struct model *model, uint8_t family,
		     struct policy_set *out);

#endif
