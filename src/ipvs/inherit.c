/* See the header. */
#include "ipvs/inherit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/table.h"
#include "base/text.h"
#include "config/search.h"
#include "ipvs/state.h"

#define CONTESTS_MAX (CONTEST_SETS * CONTEST_WAYS)

/* ---- leaving --------------------------------------------------------------------------------- */

static size_t dest_count(const struct ipvs_state *state)
{
	return state->dest_first[state->layout.count];
}

size_t ipvs_leave_size(const struct ipvs_state *state)
{
	size_t records = 1 + state->model->probe_count + state->model->service_count +
			 state->server_first[state->model->service_count] + state->layout.count +
			 dest_count(state) + state->leaver_count + CONTESTS_MAX;

	return CARRY_HEAD + records * IPVS_CARRY_MAX;
}

static void put_probe(struct writer *out, const struct ipvs_state *state, size_t p)
{
	const struct ipvs_probe_memory *memory = &state->memory[p];

	if (state->verdicts[p] == VERDICT_UNKNOWN && !advice_spoken(&memory->told))
		return;
	ipvs_carry_probe_put(out, &(struct ipvs_carry_probe){
					  .key = state->model->probes[p].key,
					  .verdict = state->verdicts[p],
					  .reason = memory->reason,
					  .is_suppressed = memory->is_suppressed,
					  .passed = memory->passed,
					  .since = memory->since,
					  .told = memory->told,
				  });
}

static bool has_traffic(const struct traffic *traffic)
{
	return traffic->connections || traffic->packets_in || traffic->packets_out || traffic->bytes_in ||
	       traffic->bytes_out;
}

static void put_server(struct writer *out, const struct ipvs_state *state, uint32_t s, uint32_t i)
{
	const struct service *service = &state->model->services[s];
	const struct ipvs_server_state *server = &state->servers[state->server_first[s] + i];

	if (!server->fit && !server->now.ramping && !has_traffic(&server->traffic))
		return;
	ipvs_carry_server_put(out, &(struct ipvs_carry_server){
					   .is_sorry = i >= service->real_server_count,
					   .address = service_server(service, i)->address,
					   .fit = server->fit,
					   .ramping = server->now.ramping,
					   .traffic = server->traffic,
				   });
}

static void put_service(struct writer *out, const struct ipvs_state *state, uint32_t s)
{
	const struct ipvs_service_state *about = &state->services[s];
	struct ipvs_carry_service service = {
		.state = about->condition.state,
		.quorum = about->condition.quorum,
		.panic = about->condition.panic,
		.sorry = about->condition.sorry,
		.calm_since = about->condition.calm_since,
		.since = about->since,
		.traffic = about->traffic,
	};

	snprintf(service.name, sizeof(service.name), "%s", state->model->services[s].name);
	ipvs_carry_service_put(out, &service);
	for (uint32_t i = 0; i < service_server_count(&state->model->services[s]); i++)
		put_server(out, state, s, i);
}

static void put_virtual(struct writer *out, const struct ipvs_state *state, uint32_t v)
{
	const struct ipvs_virtual *about = &state->layout.virtuals[v];
	size_t count = service_server_count(&state->model->services[about->service]);

	ipvs_carry_virtual_put(out, &(struct ipvs_carry_virtual){about->empty.key, state->meters[v].last});
	for (size_t k = 0; k < count; k++) {
		const struct traffic *last = &state->dest_meters[state->dest_first[v] + k].last;

		if (has_traffic(last))
			ipvs_carry_dest_put(out, &(struct ipvs_carry_dest){about->keys[k], *last});
	}
}

static void put_leaver(struct writer *out, const struct ipvs_state *state, const struct ipvs_leaver *leaver)
{
	struct ipvs_carry_leaver carry = {
		.service = state->layout.virtuals[leaver->virtual].empty.key,
		.dest = leaver->dest.key,
		.deadline = leaver->deadline,
	};

	memcpy(carry.name, leaver->name, sizeof(carry.name));
	if (!leaver->gone)
		ipvs_carry_leaver_put(out, &carry);
}

static void put_contest(struct writer *out, const struct contest *contest, nstime now)
{
	if (contest->repair.streak && now <= repair_forgotten(&contest->repair))
		ipvs_carry_contest_put(out,
				       &(struct ipvs_carry_contest){contest->object, contest->repair});
}

void ipvs_leave(struct writer *out, const struct ipvs_state *state, const struct ipvs_carry_worker *worker,
		const struct contests *contests, nstime now)
{
	carry_begin(out);
	ipvs_carry_worker_put(out, worker);
	for (size_t p = 0; p < state->model->probe_count; p++)
		put_probe(out, state, p);
	for (uint32_t s = 0; s < state->model->service_count; s++)
		put_service(out, state, s);
	for (uint32_t v = 0; v < state->layout.count; v++)
		put_virtual(out, state, v);
	for (size_t i = 0; i < state->leaver_count; i++)
		put_leaver(out, state, &state->leavers[i]);
	for (size_t i = 0; i < CONTESTS_MAX; i++)
		put_contest(out, &contests->objects[i / CONTEST_WAYS][i % CONTEST_WAYS], now);
}

/* ---- inheriting ------------------------------------------------------------------------------ */

struct taking {
	struct arena *arena;
	struct ipvs_state *state;
	nstime now;
	struct ipvs_inherited *out;
	struct probe_search probes;
	struct table services; /* by name */
	struct table servers;  /* of `service`, by address; made when one is not where it is looked for first */
	bool is_indexed;
	uint32_t service;      /* that the next servers are of; UINT32_MAX: of none that the model has */
	uint32_t next_server;  /* behind the one that was found last */
	uint32_t virtual;      /* likewise for destinations */
	int error;
};

static void take_probe(struct taking *taking, struct reader *in)
{
	struct ipvs_state *state = taking->state;
	struct ipvs_carry_probe probe;
	uint32_t p;

	if (!ipvs_carry_probe_get(in, taking->now, &probe) || probe_search(&taking->probes, probe.key, &p))
		return;
	state->verdicts[p] = probe.verdict;
	state->memory[p] = (struct ipvs_probe_memory){
		.reason = probe.reason,
		.is_suppressed = probe.is_suppressed,
		.since = probe.since,
		.told = probe.told,
		.passed = probe.passed,
	};
}

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

static uint32_t find_service(struct taking *taking, const char *name)
{
	uint32_t s;

	for (size_t step = 0; table_next(&taking->services, name_hash(name), &step, &s);)
		if (!strcmp(taking->state->model->services[s].name, name))
			return s;
	return UINT32_MAX;
}

static void take_service(struct taking *taking, struct reader *in)
{
	struct ipvs_carry_service service;
	struct ipvs_service_state *about;

	taking->service = UINT32_MAX;
	taking->next_server = 0;
	taking->is_indexed = false;
	if (!ipvs_carry_service_get(in, taking->now, &service))
		return;
	taking->service = find_service(taking, service.name);
	if (taking->service == UINT32_MAX)
		return;
	about = &taking->state->services[taking->service];
	about->condition.state = service.state;
	about->condition.quorum = service.quorum;
	about->condition.panic = service.panic;
	about->condition.sorry = service.sorry;
	about->condition.calm_since = service.calm_since;
	about->since = service.since;
	about->traffic = service.traffic;
}

static uint64_t address_hash(const struct endpoint *address)
{
	uint64_t hash = text_hash(TEXT_HASH, &address->address.family, sizeof(address->address.family));

	hash = text_hash(hash, address->address.bytes, addr_size(address->address.family));
	return text_hash(hash, &address->port, sizeof(address->port));
}

static void index_servers(struct taking *taking, const struct service *service)
{
	taking->is_indexed = true;
	if (table_init(&taking->servers, taking->arena, service_server_count(service)))
		taking->error = -ENOMEM;
	for (uint32_t i = 0; i < service_server_count(service) && !taking->error; i++)
		taking->error = table_add(&taking->servers, address_hash(&service_server(service, i)->address), i);
}

static bool is_server(const struct service *service, uint32_t i, const struct ipvs_carry_server *server)
{
	return (i >= service->real_server_count) == server->is_sorry &&
	       !endpoint_compare(&service_server(service, i)->address, &server->address);
}

/* Mostly those follow one another that stand so in the model. UINT32_MAX: it has none such. */
static uint32_t find_server(struct taking *taking, const struct ipvs_carry_server *server)
{
	const struct service *service = &taking->state->model->services[taking->service];
	uint32_t i = taking->next_server;

	if (i < service_server_count(service) && is_server(service, i, server))
		return i;
	if (!taking->is_indexed)
		index_servers(taking, service);
	for (size_t step = 0; table_next(&taking->servers, address_hash(&server->address), &step, &i);)
		if (is_server(service, i, server))
			return i;
	return UINT32_MAX;
}

static void take_server(struct taking *taking, struct reader *in)
{
	struct ipvs_carry_server server;
	struct ipvs_server_state *about;
	uint32_t i;

	if (taking->service == UINT32_MAX || !ipvs_carry_server_get(in, taking->now, &server))
		return;
	i = find_server(taking, &server);
	if (i == UINT32_MAX)
		return;
	taking->next_server = i + 1;
	about = &taking->state->servers[taking->state->server_first[taking->service] + i];
	about->fit = server.fit;
	about->now.ramping = server.ramping;
	about->traffic = server.traffic;
}

/* The virtual service with that key; UINT32_MAX: the model has none. */
static uint32_t find_virtual(const struct ipvs_state *state, const struct ipvs_service_key *key)
{
	size_t low = 0, high = state->layout.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int by = ipvs_service_key_compare(&state->layout.virtuals[middle].empty.key, key);

		if (!by)
			return (uint32_t)middle;
		if (by < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return UINT32_MAX;
}

static void take_virtual(struct taking *taking, struct reader *in)
{
	struct ipvs_carry_virtual virtual;

	taking->virtual = UINT32_MAX;
	if (!ipvs_carry_virtual_get(in, taking->now, &virtual))
		return;
	taking->virtual = find_virtual(taking->state, &virtual.key);
	if (taking->virtual != UINT32_MAX)
		taking->state->meters[taking->virtual].last = virtual.last;
}

static void take_dest(struct taking *taking, struct reader *in)
{
	const struct ipvs_state *state = taking->state;
	uint32_t v = taking->virtual;
	struct ipvs_carry_dest dest;
	size_t low = 0, high;

	if (v == UINT32_MAX || !ipvs_carry_dest_get(in, taking->now, &dest))
		return;
	high = state->dest_first[v + 1] - state->dest_first[v];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ipvs_dest_key_compare(&state->layout.virtuals[v].keys[middle], &dest.key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < state->dest_first[v + 1] - state->dest_first[v] &&
	    !ipvs_dest_key_compare(&state->layout.virtuals[v].keys[low], &dest.key))
		state->dest_meters[state->dest_first[v] + low].last = dest.last;
}

static void take_leaver(struct taking *taking, struct reader *in)
{
	struct ipvs_state *state = taking->state;
	struct ipvs_carry_leaver carry;
	struct ipvs_leaver *leaver;
	uint32_t v;

	if (!ipvs_carry_leaver_get(in, taking->now, &carry))
		return;
	v = find_virtual(state, &carry.service);
	if (v == UINT32_MAX)
		return;
	leaver = arena_push(taking->arena, &state->remembered, &state->remembered_count, sizeof(*leaver));
	if (!leaver) {
		taking->error = -ENOMEM;
		return;
	}
	*leaver = (struct ipvs_leaver){.virtual = v, .dest.key = carry.dest, .deadline = carry.deadline};
	memcpy(leaver->name, carry.name, sizeof(leaver->name));
}

static void take_contest(struct taking *taking, struct reader *in)
{
	struct ipvs_inherited *out = taking->out;
	struct ipvs_carry_contest contest, *kept;

	if (out->contest_count == CONTESTS_MAX || !ipvs_carry_contest_get(in, taking->now, &contest))
		return;
	kept = arena_push(taking->arena, &out->contests, &out->contest_count, sizeof(*kept));
	if (kept)
		*kept = contest;
	else
		taking->error = -ENOMEM;
}

static void take_record(struct taking *taking, uint16_t type, struct reader *in)
{
	switch (type) {
	case IPVS_CARRY_WORKER:
		ipvs_carry_worker_get(in, taking->now, &taking->out->worker);
		break;
	case IPVS_CARRY_PROBE:
		take_probe(taking, in);
		break;
	case IPVS_CARRY_SERVICE:
		take_service(taking, in);
		break;
	case IPVS_CARRY_SERVER:
		take_server(taking, in);
		break;
	case IPVS_CARRY_VIRTUAL:
		take_virtual(taking, in);
		break;
	case IPVS_CARRY_DEST:
		take_dest(taking, in);
		break;
	case IPVS_CARRY_LEAVER:
		take_leaver(taking, in);
		break;
	case IPVS_CARRY_CONTEST:
		take_contest(taking, in);
		break;
	default:
		break;
	}
}

int ipvs_inherit(struct arena *arena, struct ipvs_state *state, struct reader *in, nstime now,
		 struct ipvs_inherited *out)
{
	struct taking taking = {
		.arena = arena,
		.state = state,
		.now = now,
		.out = out,
		.probes = probe_search_of(arena, state->model),
		.service = UINT32_MAX,
		.virtual = UINT32_MAX,
	};
	struct reader value;
	uint16_t type;

	*out = (struct ipvs_inherited){0};
	taking.error = table_init(&taking.services, arena, state->model->service_count);
	for (uint32_t s = 0; s < state->model->service_count && !taking.error; s++)
		taking.error = table_add(&taking.services, name_hash(state->model->services[s].name), s);
	for (size_t p = 0; p < state->model->probe_count; p++)
		if (state->model->probes[p].initially_up)
			state->verdicts[p] = VERDICT_UP;
	while (!taking.error && carry_next(in, &type, &value))
		take_record(&taking, type, &value);
	return taking.error;
}
