/* What operators said of servers, over the model: which state and weight are in
 * force of each. The list is the supervisor's, as a whole; what it says of
 * services and servers that the model has not waits for one that has them. */
#ifndef LBHA_IPVS_SAID_H
#define LBHA_IPVS_SAID_H

#include <stddef.h>

#include "config/override.h"

struct arena;
struct ipvs_state;

/* In force from now on: the services of servers of which something else is said
 * than before are marked. -ENOMEM (the arena is for scratch): nothing has
 * changed. */
int ipvs_said_apply(struct arena *arena, struct ipvs_state *state, const struct override *list,
		    size_t count);

#endif
