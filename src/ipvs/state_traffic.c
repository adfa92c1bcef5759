/* Counters of services and servers, summed over their virtual services and kept over reloads, as is
 * what else is known of a server.
 * Declared in state.h. */
#include "ipvs/state.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/match.h"

static size_t servers_of(const struct ipvs_state *state, uint32_t v)
{
	return service_server_count(&state->model->services[state->layout.virtuals[v].service]);
}

int ipvs_state_traffic_build(struct arena *arena, struct ipvs_state *state)
{
	size_t virtuals = state->layout.count, services = state->model->service_count, most = 0;

	state->dest_first = arena_array(arena, virtuals + 1, sizeof(*state->dest_first));
	if (!state->dest_first)
		return -ENOMEM;
	for (uint32_t v = 0; v < virtuals; v++)
		state->dest_first[v + 1] = state->dest_first[v] + (uint32_t)servers_of(state, v);
	for (size_t s = 0; s < services; s++)
		if (service_server_count(&state->model->services[s]) > most)
			most = service_server_count(&state->model->services[s]);
	state->meters = arena_array(arena, virtuals, sizeof(*state->meters));
	state->dest_meters =
		arena_array(arena, state->dest_first[virtuals], sizeof(*state->dest_meters));
	state->sums = arena_array(arena, most, sizeof(*state->sums));
	state->counted_services = arena_array(arena, services, sizeof(*state->counted_services));
	return arena_failed(arena) ? -ENOMEM : 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_dest(struct ipvs_state *state, uint32_t v, size_t k, const struct ipvs_dest *dest)
{
	const struct ipvs_virtual *about = &state->layout.virtuals[v];
	uint32_t place = state->server_first[about->service] + about->order[k];
	struct ipvs_connections *sum = &state->sums[about->order[k]];

	sum->active += dest->counters.active;
	sum->inactive += dest->counters.inactive;
	sum->persistent += dest->counters.persistent;
	if (ipvs_meter_read(&state->dest_meters[state->dest_first[v] + k], &dest->counters,
			    &state->servers[place].traffic))
		ipvs_state_stale_server(state, place);
}

/* Both stand in the order of their keys; a destination may be no server of the model. */
static void read_dests(struct ipvs_state *state, uint32_t v, const struct ipvs_service *actual)
{
	const struct ipvs_dest_key *keys = state->layout.virtuals[v].keys;
	size_t count = servers_of(state, v), k = 0, d = 0;

	while (k < count && d < actual->dest_count) {
		int by = ipvs_dest_key_compare(&keys[k], &actual->dests[d].key);

		if (!by)
			read_dest(state, v, k, &actual->dests[d]);
		k += by <= 0;
		d += by >= 0;
	}
}

static void take_sums(struct ipvs_state *state, uint32_t s)
{
	for (uint32_t i = 0; i < service_server_count(&state->model->services[s]); i++) {
		uint32_t place = state->server_first[s] + i;
		struct ipvs_connections *before = &state->servers[place].connections;
		const struct ipvs_connections *now = &state->sums[i];

		if (before->active == now->active && before->inactive == now->inactive &&
		    before->persistent == now->persistent)
			continue;
		*before = *now;
		ipvs_state_stale_server(state, place);
	}
}

static void count_service(struct ipvs_state *state, uint32_t s)
{
	if (!state->services[s].counted)
		state->counted_services[state->counted_service_count++] = s;
	state->services[s].counted = true;
}

void ipvs_state_service_counters(struct ipvs_state *state, const struct ipvs_table *actual,
				 uint32_t s)
{
	const struct ipvs_layout *layout = &state->layout;

	memset(state->sums, 0,
	       service_server_count(&state->model->services[s]) * sizeof(*state->sums));
	for (uint32_t n = layout->first[s]; n < layout->first[s + 1]; n++) {
		uint32_t v = layout->of_service[n];
		const struct ipvs_service *service =
			ipvs_table_find(actual, &layout->virtuals[v].empty.key);

		if (!service)
			continue;
		if (ipvs_meter_read(&state->meters[v], &service->counters,
				    &state->services[s].traffic))
			count_service(state, s);
		read_dests(state, v, service);
	}
	take_sums(state, s);
	ipvs_state_note_idle(state, s);
}

void ipvs_state_counters(struct ipvs_state *state, const struct ipvs_table *actual)
{
	for (uint32_t s = 0; s < state->model->service_count; s++)
		ipvs_state_service_counters(state, actual, s);
}

/* ---- a new generation ------------------------------------------------------------------------ */

static void carry_dest_meters(struct ipvs_state *to, uint32_t v, const struct ipvs_state *from,
			      uint32_t old)
{
	const struct ipvs_dest_key *keys = to->layout.virtuals[v].keys,
				   *were = from->layout.virtuals[old].keys;
	size_t count = servers_of(to, v), old_count = servers_of(from, old), k = 0, o = 0;

	while (k < count && o < old_count) {
		int by = ipvs_dest_key_compare(&keys[k], &were[o]);

		if (!by)
			to->dest_meters[to->dest_first[v] + k] =
				from->dest_meters[from->dest_first[old] + o];
		k += by <= 0;
		o += by >= 0;
	}
}

/* What the kernel's counters were, by the keys that it knows. */
static void carry_meters(struct ipvs_state *to, const struct ipvs_state *from)
{
	uint32_t v = 0, old = 0;

	while (v < to->layout.count && old < from->layout.count) {
		int by = ipvs_service_key_compare(&to->layout.virtuals[v].empty.key,
						  &from->layout.virtuals[old].empty.key);

		if (!by) {
			to->meters[v] = from->meters[old];
			carry_dest_meters(to, v, from, old);
		}
		v += by <= 0;
		old += by >= 0;
	}
}

/* Totals are of a service (config/match.h), and of an address and port in it. */
static uint64_t server_hash(const struct real_server *server)
{
	uint64_t hash = text_hash(TEXT_HASH, server->address.address.bytes,
				  sizeof(server->address.address.bytes));

	return text_hash(hash, &server->address.port, sizeof(server->address.port));
}

/* The servers of an old service. Most stand where they stood, one behind the other; the index is
 * made when one does not. */
struct search {
	const struct service *service;
	uint32_t next; /* behind the one that was found last */
	bool is_indexed;
	struct table index;
};

/* A sorry server may be where a real one is; it is another all the same. */
static bool is_same(const struct search *search, uint32_t at, const struct service *service,
		    uint32_t i)
{
	return (at < search->service->real_server_count) == (i < service->real_server_count) &&
	       !endpoint_compare(&service_server(search->service, at)->address,
				 &service_server(service, i)->address);
}

static int make_index(struct arena *arena, struct search *search)
{
	size_t count = service_server_count(search->service);

	if (table_init(&search->index, arena, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (table_add(&search->index, server_hash(service_server(search->service, i)), i))
			return -ENOMEM;
	search->is_indexed = true;
	return 0;
}

/* Where the server was; -ENOENT: nowhere. */
static int find_server(struct arena *arena, struct search *search, const struct service *service,
		       uint32_t i)
{
	uint64_t hash;
	uint32_t at = search->next;

	if (at < service_server_count(search->service) && is_same(search, at, service, i)) {
		search->next++;
		return (int)at;
	}
	if (!search->is_indexed && make_index(arena, search))
		return -ENOMEM;
	hash = server_hash(service_server(service, i));
	for (size_t step = 0; table_next(&search->index, hash, &step, &at);) {
		if (!is_same(search, at, service, i))
			continue;
		search->next = at + 1;
		return (int)at;
	}
	return -ENOENT;
}

static int carry_service(struct arena *arena, struct ipvs_state *to, uint32_t s,
			 const struct ipvs_state *from, uint32_t old)
{
	const struct service *service = &to->model->services[s];
	struct search search = {.service = &from->model->services[old]};

	to->services[s].traffic = from->services[old].traffic;
	for (uint32_t i = 0; i < service_server_count(service); i++) {
		int at = find_server(arena, &search, service, i);
		struct ipvs_server_state *server = &to->servers[to->server_first[s] + i];
		const struct ipvs_server_state *was;

		if (at == -ENOENT)
			continue;
		if (at < 0)
			return at;
		was = &from->servers[from->server_first[old] + (uint32_t)at];
		server->traffic = was->traffic;
		server->connections = was->connections;
		server->fit = was->fit;
		server->now.ramping = was->now.ramping;
	}
	return 0;
}

int ipvs_state_traffic_carry(struct arena *arena, struct ipvs_state *to,
			     const struct ipvs_state *from, const uint32_t *match)
{
	int error = 0;

	carry_meters(to, from);
	for (uint32_t s = 0; s < to->model->service_count && !error; s++)
		if (match[s] != SERVICE_IS_NEW)
			error = carry_service(arena, to, s, from, match[s]);
	return error;
}

void ipvs_state_traffic_fact(const struct ipvs_state *state, uint32_t service,
			     struct fact_traffic *out)
{
	*out = (struct fact_traffic){service, state->services[service].traffic};
}
