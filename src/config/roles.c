/* States of instances as levels; see the header. */
#include "config/roles.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"

int roles_init(struct roles *roles, struct arena *arena, const struct model *model)
{
	uint32_t count = (uint32_t)model->instance_name_count;

	roles->states = arena_array(arena, count, sizeof(*roles->states));
	roles->count = count;
	return roles->states ? 0 : -ENOMEM;
}

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

int roles_carry(struct arena *arena, struct roles *to, const struct model *next,
		const struct roles *from, const struct model *model)
{
	struct table index;

	if (table_init(&index, arena, from->count))
		return -ENOMEM;
	for (uint32_t i = 0; i < from->count; i++)
		if (table_add(&index, name_hash(model->instance_names[i]), i))
			return -ENOMEM;
	for (uint32_t i = 0; i < to->count; i++) {
		const char *name = next->instance_names[i];
		size_t step = 0;
		uint32_t old;

		while (table_next(&index, name_hash(name), &step, &old))
			if (!strcmp(name, model->instance_names[old]))
				to->states[i] = from->states[old];
	}
	return 0;
}

bool roles_take(struct roles *roles, const struct fact_role *fact)
{
	if (fact->instance >= roles->count || fact->state == VRRP_INIT ||
	    roles->states[fact->instance] == fact->state)
		return false;
	roles->states[fact->instance] = fact->state;
	return true;
}

enum mastership roles_mastership(const struct roles *roles, const uint32_t *instances, size_t count)
{
	enum mastership mastership = MASTERSHIP_NO;

	for (size_t i = 0; i < count; i++) {
		enum vrrp_state state = instances[i] < roles->count ? roles->states[instances[i]]
								    : VRRP_INIT;

		if (state == VRRP_MASTER)
			return MASTERSHIP_YES;
		if (state == VRRP_INIT)
			mastership = MASTERSHIP_UNKNOWN;
	}
	return mastership;
}
