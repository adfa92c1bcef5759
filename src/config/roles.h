/* What a worker without instances of its own knows of them: their states, by their indices into
 * model.instances. INIT until told, and INIT is no news: a vrrp worker that begins anew says it for
 * a moment, and nothing may come of that. */
#ifndef LBHA_CONFIG_ROLES_H
#define LBHA_CONFIG_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/facts.h"
#include "config/model.h"

struct arena;

struct roles {
	enum vrrp_state *states;
	uint32_t count;
};

/* Room for all instances that services, probes and connection synchronisation of the model name.
 * -ENOMEM. */
int roles_init(struct roles *roles, struct arena *arena, const struct model *model);

/* Takes a fact; whether it is news. Instances that nobody names are none. */
bool roles_take(struct roles *roles, const struct fact_role *fact);

enum mastership {
	MASTERSHIP_UNKNOWN, /* of one of them nothing was heard yet, and none is MASTER */
	MASTERSHIP_NO,
	MASTERSHIP_YES,     /* one of them is MASTER */
};

enum mastership roles_mastership(const struct roles *roles, const uint32_t *instances,
				 size_t count);

#endif
