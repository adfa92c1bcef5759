/* See the header. */
#include "ipvs/drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/state.h"

/* ---- who leaves ------------------------------------------------------------------------------ */

struct finding {
	struct arena *arena;
	struct ipvs_state *state;
	const struct ipvs_state *from;
	nstime now;
	size_t most; /* of one virtual service */
};

/* A destination of virtual service v that was wanted before; NULL: it is none
 * of ours. */
static const struct ipvs_service *wanted_before(const struct finding *finding, uint32_t v,
						const struct ipvs_dest_key *key)
{
	const struct ipvs_service *before = ipvs_table_find(
		&finding->from->wanted, &finding->state->layout.virtuals[v].empty.key);

	return before && ipvs_dest_find(before, key) ? before : NULL;
}

static const struct ipvs_leaver *leaver_before(const struct ipvs_state *from, uint32_t v,
					       const struct ipvs_dest_key *key)
{
	for (size_t i = 0; i < from->leaver_count; i++) {
		const struct ipvs_leaver *leaver = &from->leavers[i];

		if (leaver->virtual == v && !leaver->gone &&
		    !ipvs_dest_key_compare(&leaver->dest.key, key))
			return leaver;
	}
	return NULL;
}

/* What another worker knew of it before this one was there. */
static void recall(const struct ipvs_state *state, struct ipvs_leaver *leaver)
{
	for (size_t i = 0; i < state->remembered_count; i++) {
		const struct ipvs_leaver *known = &state->remembered[i];

		if (known->virtual != leaver->virtual ||
		    ipvs_dest_key_compare(&known->dest.key, &leaver->dest.key))
			continue;
		leaver->deadline = nstime_min(leaver->deadline, known->deadline);
		memcpy(leaver->name, known->name, sizeof(leaver->name));
	}
}

static const char *name_before(const struct ipvs_state *from, uint32_t v,
			       const struct ipvs_dest_key *key)
{
	const struct ipvs_virtual *about = &from->layout.virtuals[v];
	const struct service *service = &from->model->services[about->service];

	for (size_t i = 0; i < service_server_count(service); i++) {
		struct ipvs_dest_key its = ipvs_dest_key_of(about, service_server(service, i));

		if (!ipvs_dest_key_compare(&its, key))
			return service_server(service, i)->name;
	}
	return NULL;
}

/* What was known of it: its name, and a deadline that it has had. */
static void remember(const struct finding *finding, const struct ipvs_service *before,
		     struct ipvs_leaver *leaver)
{
	const struct ipvs_state *from = finding->from;
	uint32_t v = (uint32_t)(before - from->wanted.services);
	const struct ipvs_leaver *old = leaver_before(from, v, &leaver->dest.key);
	const char *name = old ? old->name : name_before(from, v, &leaver->dest.key);

	if (old)
		leaver->deadline = nstime_min(leaver->deadline, old->deadline);
	if (name)
		snprintf(leaver->name, sizeof(leaver->name), "%s", name);
}

static int add_leaver(struct finding *finding, uint32_t v, const struct ipvs_dest *dest)
{
	struct ipvs_state *state = finding->state;
	const struct service *service = &state->model->services[state->layout.virtuals[v].service];
	struct endpoint at = {.address = dest->key.address, .port = dest->key.port};
	const struct ipvs_service *before = NULL;
	struct ipvs_leaver *leaver;

	if (finding->from) {
		before = wanted_before(finding, v, &dest->key);
		if (!before)
			return 0;
	}
	leaver = arena_push(finding->arena, &state->leavers, &state->leaver_count, sizeof(*leaver));
	if (!leaver)
		return -ENOMEM;
	*leaver = (struct ipvs_leaver){.virtual = v, .dest = *dest};
	leaver->dest.attr.weight = 0;
	leaver->deadline = nstime_after(finding->now, service->drain_timeout);
	endpoint_format(&at, leaver->name);
	if (before)
		remember(finding, before, leaver);
	else
		recall(state, leaver);
	return 0;
}

/* Both sides are sorted: the destinations found, and those that the model's
 * servers are. */
static int find_in(struct finding *finding, uint32_t v, const struct ipvs_service *found)
{
	const struct ipvs_virtual *about = &finding->state->layout.virtuals[v];
	const struct service *service = &finding->state->model->services[about->service];
	size_t k = 0;
	int error = 0;

	for (size_t i = 0; i < found->dest_count && !error; i++) {
		const struct ipvs_dest *dest = &found->dests[i];
		int by = 1;

		for (; k < service_server_count(service); k++) {
			struct ipvs_dest_key key =
				ipvs_dest_key_of(about, service_server(service, about->order[k]));

			by = ipvs_dest_key_compare(&key, &dest->key);
			if (by >= 0)
				break;
		}
		if (k == service_server_count(service) || by)
			error = add_leaver(finding, v, dest);
	}
	return error;
}

/* The destinations of v and the scratch get room for its leavers. */
static int make_room(struct finding *finding, uint32_t v, size_t more)
{
	struct ipvs_state *state = finding->state;
	struct ipvs_service *wanted = &state->wanted.services[v];
	size_t servers =
		service_server_count(&state->model->services[state->layout.virtuals[v].service]);
	struct ipvs_dest *dests =
		arena_array(finding->arena, servers + IPVS_DESTS_SPARE + more, sizeof(*dests));

	if (!dests)
		return -ENOMEM;
	if (wanted->dest_count)
		memcpy(dests, wanted->dests, wanted->dest_count * sizeof(*dests));
	wanted->dests = dests;
	finding->most = servers + more > finding->most ? servers + more : finding->most;
	return 0;
}

static int find_all(struct finding *finding, const struct ipvs_table *current)
{
	struct ipvs_state *state = finding->state;
	int error = 0;

	for (uint32_t v = 0; v < state->layout.count && !error; v++) {
		const struct ipvs_virtual *about = &state->layout.virtuals[v];
		const struct ipvs_service *found;
		size_t before = state->leaver_count;

		if (!state->model->services[about->service].drain_timeout)
			continue;
		found = ipvs_table_find(current, &about->empty.key);
		if (found)
			error = find_in(finding, v, found);
		if (!error && state->leaver_count > before)
			error = make_room(finding, v, state->leaver_count - before);
	}
	return error;
}

static int make_scratch(struct finding *finding)
{
	struct ipvs_state *state = finding->state;
	struct ipvs_dest *scratch;

	for (size_t s = 0; s < state->model->service_count; s++)
		if (service_server_count(&state->model->services[s]) > finding->most)
			finding->most = service_server_count(&state->model->services[s]);
	scratch = arena_array(finding->arena, finding->most + IPVS_DESTS_SPARE, sizeof(*scratch));
	if (!scratch)
		return -ENOMEM;
	state->scratch = scratch;
	return 0;
}

int ipvs_leavers_find(struct arena *arena, struct ipvs_state *state, const struct ipvs_state *from,
		      const struct ipvs_table *current, nstime now)
{
	struct finding finding = {.arena = arena, .state = state, .from = from, .now = now};
	int error;

	state->leavers = NULL;
	state->leaver_count = 0;
	error = find_all(&finding, current);
	if (!error && state->leaver_count)
		error = make_scratch(&finding);
	if (error)
		state->leaver_count = 0;
	return error;
}

/* ---- in the table ---------------------------------------------------------------------------- */

static void insert(struct ipvs_service *service, const struct ipvs_dest *dest)
{
	size_t at = service->dest_count;

	while (at && ipvs_dest_key_compare(&service->dests[at - 1].key, &dest->key) > 0)
		at--;
	memmove(&service->dests[at + 1], &service->dests[at],
		(service->dest_count - at) * sizeof(*dest));
	service->dests[at] = *dest;
	service->dest_count++;
}

void ipvs_leavers_add(const struct ipvs_state *state, uint32_t v, struct ipvs_service *service)
{
	for (size_t i = 0; i < state->leaver_count; i++)
		if (state->leavers[i].virtual == v && !state->leavers[i].gone)
			insert(service, &state->leavers[i].dest);
}

/* ---- how it goes ----------------------------------------------------------------------------- */

size_t ipvs_drain_count(const struct ipvs_state *state)
{
	size_t count = state->draining_count;

	for (size_t i = 0; i < state->leaver_count; i++)
		count += !state->leavers[i].gone;
	return count;
}

static int add_service(struct arena *arena, const struct ipvs_state *state, uint32_t v,
		       struct ipvs_table *out)
{
	struct ipvs_service *service =
		arena_push(arena, &out->services, &out->count, sizeof(*service));

	if (!service)
		return -ENOMEM;
	*service = (struct ipvs_service){.key = state->layout.virtuals[v].empty.key};
	return 0;
}

int ipvs_drain_services(struct arena *arena, const struct ipvs_state *state, struct ipvs_table *out)
{
	struct ipvs_table table = {0};
	int error = 0;

	for (size_t i = 0; i < state->draining_count && !error; i++) {
		uint32_t s = ipvs_state_service_of(state, state->draining[i]);

		for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1] && !error;
		     n++)
			error = add_service(arena, state, state->layout.of_service[n], &table);
	}
	for (size_t i = 0; i < state->leaver_count && !error; i++)
		if (!state->leavers[i].gone)
			error = add_service(arena, state, state->leavers[i].virtual, &table);
	if (error)
		return error;
	ipvs_table_sort(&table);
	*out = table;
	return 0;
}

static uint64_t connections_of(const struct ipvs_counters *counters)
{
	return (uint64_t)counters->active + counters->inactive + counters->persistent;
}

static uint64_t connections_known(const struct ipvs_server_state *server)
{
	return server->connections.active + server->connections.inactive +
	       server->connections.persistent;
}

/* Connections of a server over all its listeners. */
static void count_server(struct ipvs_state *state, uint32_t place, const struct ipvs_table *read)
{
	uint32_t s = ipvs_state_service_of(state, place);
	const struct real_server *server =
		service_server(&state->model->services[s], place - state->server_first[s]);
	struct ipvs_connections sum = {0}, *known = &state->servers[place].connections;

	for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1]; n++) {
		const struct ipvs_virtual *about =
			&state->layout.virtuals[state->layout.of_service[n]];
		const struct ipvs_service *service = ipvs_table_find(read, &about->empty.key);
		struct ipvs_dest_key key = ipvs_dest_key_of(about, server);
		const struct ipvs_dest *dest = service ? ipvs_dest_find(service, &key) : NULL;

		if (!dest)
			continue;
		sum.active += dest->counters.active;
		sum.inactive += dest->counters.inactive;
		sum.persistent += dest->counters.persistent;
	}
	if (sum.active != known->active || sum.inactive != known->inactive ||
	    sum.persistent != known->persistent)
		ipvs_state_stale_server(state, place);
	*known = sum;
}

/* True: it is out, and disabled from now on. */
static bool end_drain(struct ipvs_state *state, uint32_t place, bool counted, nstime wall)
{
	struct ipvs_server_state *server = &state->servers[place];
	struct ipvs_terms out = server->said;

	if (server->now.in_table && server->deadline > wall &&
	    (!counted || connections_known(server)))
		return false;
	out.admin = ADMIN_DISABLED;
	out.ends = false;
	ipvs_state_terms(state, place, &out);
	return true;
}

static void count_leaver(const struct ipvs_state *state, struct ipvs_leaver *leaver,
			 const struct ipvs_table *read)
{
	const struct ipvs_virtual *about = &state->layout.virtuals[leaver->virtual];
	const struct ipvs_service *service = ipvs_table_find(read, &about->empty.key);
	const struct ipvs_dest *dest = service ? ipvs_dest_find(service, &leaver->dest.key) : NULL;

	leaver->dest.counters = dest ? dest->counters : (struct ipvs_counters){0};
}

static void look_at_servers(struct ipvs_state *state, const struct ipvs_table *read, nstime wall,
			    ipvs_drain_ended *ended, void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->draining_count; i++) {
		uint32_t place = state->draining[i], s = ipvs_state_service_of(state, place);
		const struct service *service = &state->model->services[s];

		if (read)
			count_server(state, place, read);
		if (!end_drain(state, place, read != NULL, wall))
			state->draining[kept++] = place;
		else if (ended)
			ended(ctx, service->name,
			      service->real_servers[place - state->server_first[s]].name,
			      connections_known(&state->servers[place]));
	}
	state->draining_count = kept;
}

static void look_at_leavers(struct ipvs_state *state, const struct ipvs_table *read, nstime now,
			    ipvs_drain_ended *ended, void *ctx)
{
	for (size_t i = 0; i < state->leaver_count; i++) {
		struct ipvs_leaver *leaver = &state->leavers[i];
		uint32_t s = state->layout.virtuals[leaver->virtual].service;

		if (leaver->gone)
			continue;
		if (read)
			count_leaver(state, leaver, read);
		leaver->gone = leaver->deadline <= now ||
			       (read && !connections_of(&leaver->dest.counters));
		if (!leaver->gone)
			continue;
		ipvs_state_mark(state, s);
		if (ended)
			ended(ctx, state->model->services[s].name, leaver->name,
			      connections_of(&leaver->dest.counters));
	}
}

void ipvs_drain_look(struct ipvs_state *state, const struct ipvs_table *read, nstime now,
		     nstime wall, ipvs_drain_ended *ended, void *ctx)
{
	look_at_servers(state, read, wall, ended, ctx);
	look_at_leavers(state, read, now, ended, ctx);
}

void ipvs_leaver_fact(const struct ipvs_state *state, uint32_t number, struct fact_leaver *out)
{
	const struct ipvs_leaver *leaver = &state->leavers[number];

	*out = (struct fact_leaver){
		.number = number,
		.service = state->layout.virtuals[leaver->virtual].service,
		.gone = leaver->gone,
		.deadline = leaver->deadline,
		.active = leaver->dest.counters.active,
		.inactive = leaver->dest.counters.inactive,
		.persistent = leaver->dest.counters.persistent,
		.address = {.address = leaver->dest.key.address, .port = leaver->dest.key.port},
	};
	strcpy(out->name, leaver->name);
}
