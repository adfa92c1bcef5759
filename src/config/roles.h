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

/* Room for all instances of the model, named by it or not: a later one may name them. -ENOMEM. */
int roles_init(struct roles *roles, struct arena *arena, const struct model *model);

/* What is known of the instances of one model for those of the next that have the same names: until
 * facts of the new generation come that is how things are. -ENOMEM: nothing is (the arena is for
 * scratch). */
int roles_carry(struct arena *arena, struct roles *to, const struct model *next,
		const struct roles *from, const struct model *model);

/* Takes a fact; whether it is news. Instances that are not in the model are none. */
bool roles_take(struct roles *roles, const struct fact_role *fact);

enum mastership {
	MASTERSHIP_UNKNOWN, /* of one of them nothing was heard yet, and none is MASTER */
	MASTERSHIP_NO,
	MASTERSHIP_YES,     /* one of them is MASTER */
};

enum mastership roles_mastership(const struct roles *roles, const uint32_t *instances,
				 size_t count);

#endif
