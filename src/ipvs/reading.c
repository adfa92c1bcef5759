/* See the header. */
#include "ipvs/reading.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"

#define TRIES 3 /* at a service that we change all the time; then it is a suspect */
#define SPARE 16 /* services of others that the list has room for at first */
#define NOWHERE UINT32_MAX

int ipvs_reading_begin(struct ipvs_reading *reading, const struct ipvs_state *state,
		       struct arena *list, struct arena *scratch)
{
	const struct ipvs_layout *layout = &state->layout;
	uint32_t most = 0;

	for (size_t s = 0; s < state->model->service_count; s++)
		if (layout->first[s + 1] - layout->first[s] > most)
			most = layout->first[s + 1] - layout->first[s];
	*reading = (struct ipvs_reading){
		.list = list, .scratch = scratch, .listed_room = layout->count + SPARE};
	reading->suspects = arena_array(list, layout->count, sizeof(*reading->suspects));
	reading->room = arena_array(list, most ? most : 1, sizeof(*reading->room));
	reading->listed.services =
		arena_array(list, reading->listed_room, sizeof(*reading->listed.services));
	return arena_failed(list) ? -ENOMEM : 0;
}

static void suspect(struct ipvs_reading *reading, uint32_t v)
{
	if (!reading->compares)
		return;
	reading->suspect_count += !reading->suspects[v];
	reading->suspects[v] = true;
}

/* ---- the list ------------------------------------------------------------------------------- */

/* Mostly as many as are wanted. */
struct ipvs_service *ipvs_reading_list(struct ipvs_reading *reading)
{
	struct ipvs_table *listed = &reading->listed;

	if (listed->count == reading->listed_room) {
		size_t room = 2 * reading->listed_room;
		struct ipvs_service *grown = arena_array(reading->list, room, sizeof(*grown));

		if (!grown)
			return NULL;
		memcpy(grown, listed->services, listed->count * sizeof(*grown));
		listed->services = grown;
		reading->listed_room = room;
	}
	return &listed->services[listed->count++];
}

void ipvs_reading_listed(struct ipvs_reading *reading, const struct ipvs_state *state,
			 const struct ipvs_keys *removable)
{
	ipvs_table_sort(&reading->listed);
	reading->is_listed = true;
	if (!reading->compares)
		return;
	for (size_t i = 0; i < reading->listed.count && !reading->has_strangers; i++) {
		const struct ipvs_service_key *key = &reading->listed.services[i].key;

		reading->has_strangers = !ipvs_table_find(&state->programmed, key) &&
					 (!removable || ipvs_keys_have(removable, key));
	}
}

/* ---- service by service ---------------------------------------------------------------------- */

/* Forgets what was read of the present service of the model. */
static void service_begin(struct ipvs_reading *reading, const struct ipvs_state *state)
{
	arena_reset(reading->scratch);
	reading->found = (struct ipvs_table){.services = reading->room};
	reading->n = reading->service < state->model->service_count
			     ? state->layout.first[reading->service]
			     : 0;
}

/* All of a service of the model is there: the counters of its servers are sums. */
static void service_end(struct ipvs_reading *reading, struct ipvs_state *state)
{
	if (reading->counts)
		ipvs_state_service_counters(state, &reading->found, reading->service);
	reading->service++;
	reading->tries = 0;
	service_begin(reading, state);
}

/* A virtual service that the kernel has, to be read; NULL: it has not. */
static struct ipvs_service *take_listed(struct ipvs_reading *reading,
					const struct ipvs_state *state, uint32_t v)
{
	const struct ipvs_service *listed = ipvs_table_find(
		&reading->listed, &state->layout.virtuals[v].empty.key);
	struct ipvs_service *found;

	if (!listed) {
		if (state->programmed_at[v] != NOWHERE)
			suspect(reading, v);
		return NULL;
	}
	found = &reading->found.services[reading->found.count++];
	*found = *listed;
	return found;
}

/* The service of a way, when those of the model are read. */
static struct ipvs_service *next_way(struct ipvs_reading *reading, const struct ipvs_state *state,
				     uint64_t operations)
{
	const struct ipvs_table *ways = &state->ways.table;

	for (; reading->way < ways->count; reading->way++) {
		const struct ipvs_service *listed =
			ipvs_table_find(&reading->listed, &ways->services[reading->way].key);

		if (listed) {
			service_begin(reading, state);
			reading->found.services[reading->found.count++] = *listed;
			reading->operations = operations;
			return reading->found.services;
		}
		reading->ways_differ |= reading->compares;
	}
	return NULL;
}

static int way_read(struct ipvs_reading *reading, const struct ipvs_state *state,
		    uint64_t operations, const struct ipvs_service *actual)
{
	struct ipvs_plan plan = {0};
	int error = 0;

	if (operations != reading->operations && ++reading->tries < TRIES)
		return 0;
	if (reading->compares)
		error = ipvs_plan_service(reading->scratch,
					  &state->ways.table.services[reading->way], actual, &plan);
	reading->ways_differ |= plan.count > 0;
	reading->tries = 0;
	reading->way++;
	return error;
}

struct ipvs_service *ipvs_reading_next(struct ipvs_reading *reading, struct ipvs_state *state,
				       uint64_t operations)
{
	if (!reading->found.services)
		service_begin(reading, state);
	while (reading->service < state->model->service_count) {
		struct ipvs_service *next;

		if (reading->n == state->layout.first[reading->service + 1]) {
			service_end(reading, state);
			continue;
		}
		next = take_listed(reading, state, state->layout.of_service[reading->n]);
		if (next) {
			reading->operations = operations;
			return next;
		}
		reading->n++;
	}
	return next_way(reading, state, operations);
}

/* The kernel tells the destination first that was added last. */
static void number_places(struct ipvs_service *service)
{
	for (size_t i = 0; i < service->dest_count; i++)
		service->dests[i].place = (uint32_t)(service->dest_count - 1 - i);
}

/* The planner is the judge: what costs no operation is right. */
static int compare(struct ipvs_reading *reading, struct ipvs_state *state, uint32_t v,
		   const struct ipvs_service *actual)
{
	uint32_t at = state->programmed_at[v];
	struct ipvs_plan plan = {0};
	int error = 0;

	if (at != NOWHERE) /* else it is a stranger, or another's that we leave alone */
		error = ipvs_plan_service(reading->scratch, &state->programmed.services[at], actual,
					  &plan);
	if (plan.count)
		suspect(reading, v);
	return error;
}

int ipvs_reading_read(struct ipvs_reading *reading, struct ipvs_state *state, uint64_t operations)
{
	struct ipvs_service *actual = &reading->found.services[reading->found.count - 1];
	uint32_t v;
	int error = 0;

	if (reading->service == state->model->service_count) {
		number_places(actual);
		ipvs_service_sort(actual);
		return way_read(reading, state, operations, actual);
	}
	v = state->layout.of_service[reading->n];
	if (operations != reading->operations && ++reading->tries < TRIES) {
		service_begin(reading, state);
		return 0;
	}
	number_places(actual);
	ipvs_service_sort(actual);
	if (operations != reading->operations)
		suspect(reading, v);
	else if (reading->compares)
		error = compare(reading, state, v, actual);
	reading->n++;
	return error;
}

/* ---- the outcome ---------------------------------------------------------------------------- */

bool ipvs_reading_agrees(const struct ipvs_reading *reading)
{
	return !reading->suspect_count && !reading->has_strangers && !reading->ways_differ;
}

const struct ipvs_service *ipvs_reading_known(const struct ipvs_reading *reading,
					      const struct ipvs_state *state,
					      const struct ipvs_service_key *key)
{
	const struct ipvs_service *wanted = ipvs_table_find(&state->wanted, key);
	size_t v = wanted ? (size_t)(wanted - state->wanted.services) : 0;

	if (!wanted || reading->suspects[v] || state->programmed_at[v] == NOWHERE)
		return NULL;
	return &state->programmed.services[state->programmed_at[v]];
}
