/* States of instances as levels; see the header. */
#include "config/roles.h"

#include <errno.h>

#include "base/arena.h"

static void make_room(uint32_t *count, const uint32_t *instances, size_t instance_count)
{
	for (size_t i = 0; i < instance_count; i++)
		if (instances[i] >= *count)
			*count = instances[i] + 1;
}

int roles_init(struct roles *roles, struct arena *arena, const struct model *model)
{
	const struct ipvs_global *ipvs = &model->global.ipvs;
	uint32_t count = 0;

	for (size_t s = 0; s < model->service_count; s++)
		make_room(&count, model->services[s].instances, model->services[s].instance_count);
	for (size_t p = 0; p < model->probe_count; p++)
		make_room(&count, model->probes[p].instances, model->probes[p].instance_count);
	for (size_t i = 0; i < ipvs->sync_count; i++)
		if (ipvs->sync[i].follow)
			make_room(&count, &ipvs->sync[i].instance, 1);
	roles->states = arena_array(arena, count, sizeof(*roles->states));
	roles->count = count;
	return roles->states ? 0 : -ENOMEM;
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
