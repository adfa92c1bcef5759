/* Which services are in the kernel at all (program_when), and those of ways, which always are. The wanted table says of each what it would
 * be; the programmed one has those that shall be there now. Declared in state.h. */
#include "ipvs/state.h"

#include <errno.h>

#include "base/arena.h"

#define NOWHERE UINT32_MAX

int ipvs_state_programmed_build(struct arena *arena, struct ipvs_state *state)
{
	size_t count = state->layout.count, all = count + state->ways.table.count;

	state->programmed.services = arena_array(arena, all, sizeof(*state->programmed.services));
	state->programmed_at = arena_array(arena, count, sizeof(*state->programmed_at));
	return arena_failed(arena) ? -ENOMEM : 0;
}

bool ipvs_state_shall_be(const struct ipvs_state *state, uint32_t s, bool is_there)
{
	const struct service *service = &state->model->services[s];

	if (service->program_when == WHEN_ALWAYS)
		return true;
	switch (roles_mastership(&state->roles, service->instances, service->instance_count)) {
	case MASTERSHIP_YES:
		return true;
	case MASTERSHIP_NO:
		return false;
	case MASTERSHIP_UNKNOWN:
		break;
	}
	return is_there;
}

bool ipvs_state_is_asked(const struct ipvs_state *state, uint32_t s)
{
	const struct service *service = &state->model->services[s];

	return service->check_when == WHEN_ALWAYS ||
	       roles_mastership(&state->roles, service->instances, service->instance_count) ==
		       MASTERSHIP_YES;
}

bool ipvs_state_is_in(const struct ipvs_state *state, uint32_t s, const struct ipvs_table *table)
{
	for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1]; n++) {
		uint32_t v = state->layout.of_service[n];

		if (ipvs_table_find(table, &state->layout.virtuals[v].empty.key))
			return true;
	}
	return false;
}

/* The services of ways that come before a key (NULL: all that are left), from number `next` on. */
static size_t program_ways(struct ipvs_state *state, size_t next, const struct ipvs_service_key *before)
{
	const struct ipvs_table *ways = &state->ways.table;

	for (; next < ways->count; next++) {
		if (before && ipvs_service_key_compare(&ways->services[next].key, before) > 0)
			break;
		state->programmed.services[state->programmed.count++] = ways->services[next];
	}
	return next;
}

/* The order of the layout, and of the ways, is that of the keys. */
void ipvs_state_program(struct ipvs_state *state)
{
	size_t next = 0;

	state->programmed.count = 0;
	for (size_t v = 0; v < state->layout.count; v++) {
		state->programmed_at[v] = NOWHERE;
		if (!state->services[state->layout.virtuals[v].service].is_programmed)
			continue;
		next = program_ways(state, next, &state->wanted.services[v].key);
		state->programmed_at[v] = (uint32_t)state->programmed.count;
		state->programmed.services[state->programmed.count++] = state->wanted.services[v];
	}
	program_ways(state, next, NULL);
}

void ipvs_state_wanted_moved(struct ipvs_state *state, uint32_t v)
{
	if (state->programmed_at[v] != NOWHERE)
		state->programmed.services[state->programmed_at[v]] = state->wanted.services[v];
}

bool ipvs_state_role(struct ipvs_state *state, const struct fact_role *fact)
{
	if (!roles_take(&state->roles, fact))
		return false;
	for (uint32_t s = 0; s < state->model->service_count; s++) {
		bool is_there = state->services[s].is_programmed;

		if (ipvs_state_shall_be(state, s, is_there) != is_there ||
		    state->model->services[s].check_when == WHEN_MASTER)
			ipvs_state_mark(state, s);
	}
	return true;
}
