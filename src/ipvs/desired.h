/* The wanted IPVS table of a model. Each listener × protocol of a service is a virtual service, or,
 * with a firewall mark, all of it is one; a real server without a port takes the listener's, and with a
 * mark that of the packet. What does not depend on verdicts (the virtual
 * services, the order of their destinations) is laid out once per model, so that a verdict costs a
 * walk over one service's servers and nothing else. */
#ifndef LBHA_IPVS_DESIRED_H
#define LBHA_IPVS_DESIRED_H

#include <stddef.h>
#include <stdint.h>

#include "config/model.h"
#include "ipvs/service.h"
#include "ipvs/table.h"

struct arena;
struct text;

struct ipvs_virtual {
	uint32_t service;          /* index into model.services */
	const uint32_t *order;     /* order[k]: the server (service_server()) that is the k-th destination */
	const struct ipvs_dest_key *keys; /* keys[k]: where that is */
	bool sorry_is_real;        /* the sorry server is one of the real servers: one destination */
	struct ipvs_service empty; /* key and attributes, no destination */
};

struct ipvs_layout {
	const struct model *model;
	struct ipvs_virtual *virtuals; /* sorted by key */
	size_t count;
	/* those of service s: of_service[first[s]] to of_service[first[s + 1] - 1] */
	uint32_t *first, *of_service;
};

/* -ENOMEM; -EEXIST when two listeners or two servers of a service are alike, -EINVAL for a
 * scheduler's name that no kernel can have: `why` then says which. The model
 * must outlive the layout. */
int ipvs_layout_build(struct arena *arena, const struct model *model, struct ipvs_layout *out,
		      struct text *why);

/* The destination that a real server is under a virtual service. */
struct ipvs_dest_key ipvs_dest_key_of(const struct ipvs_virtual *about,
				      const struct real_server *server);

/* And how it is reached there. */
struct ipvs_dest_attr ipvs_dest_attr_of(const struct real_server *server, struct ipvs_want want);

/* The virtual service v, given what is wanted of each server of its service (in the order of
 * service_server()). `current` (NULL: none) is how the table has it, for what is to stay as found. `dests` has
 * room for all servers of the service and becomes out->dests; it may not be that of
 * `current`. */
void ipvs_desired_service(const struct ipvs_layout *layout, size_t v, const struct ipvs_want *wants,
			  const struct ipvs_service *current, struct ipvs_dest *dests,
			  struct ipvs_service *out);

#endif
