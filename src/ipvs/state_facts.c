/* What the ipvs worker tells others, made from its state: facts, and counters summed over
 * listeners. Declared in state.h. */
#include "ipvs/state.h"

#include <string.h>

#include "base/text.h"

/* ---- counters -------------------------------------------------------------------------------- */

static void add_counters(struct ipvs_counters *sum, const struct ipvs_counters *more)
{
	sum->active += more->active;
	sum->inactive += more->inactive;
	sum->persistent += more->persistent;
	sum->connections += more->connections;
	sum->packets_in += more->packets_in;
	sum->packets_out += more->packets_out;
	sum->bytes_in += more->bytes_in;
	sum->bytes_out += more->bytes_out;
}

static struct ipvs_counters server_counters(const struct ipvs_state *state,
					    const struct ipvs_table *actual, uint32_t s, uint32_t i)
{
	const struct real_server *server = &state->model->services[s].real_servers[i];
	struct ipvs_counters sum = {0};

	for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1]; n++) {
		const struct ipvs_virtual *about =
			&state->layout.virtuals[state->layout.of_service[n]];
		const struct ipvs_service *service = ipvs_table_find(actual, &about->empty.key);
		struct ipvs_dest_key key = ipvs_dest_key_of(about, server);
		const struct ipvs_dest *dest = service ? ipvs_dest_find(service, &key) : NULL;

		if (dest)
			add_counters(&sum, &dest->counters);
	}
	return sum;
}

static bool counters_equal(const struct ipvs_counters *a, const struct ipvs_counters *b)
{
	return a->active == b->active && a->inactive == b->inactive &&
	       a->persistent == b->persistent && a->connections == b->connections &&
	       a->packets_in == b->packets_in && a->packets_out == b->packets_out &&
	       a->bytes_in == b->bytes_in && a->bytes_out == b->bytes_out;
}

void ipvs_state_counters(struct ipvs_state *state, const struct ipvs_table *actual)
{
	for (uint32_t s = 0; s < state->model->service_count; s++)
		for (uint32_t i = 0; i < state->model->services[s].real_server_count; i++) {
			uint32_t place = state->server_first[s] + i;
			struct ipvs_server_state *server = &state->servers[place];
			struct ipvs_counters counters = server_counters(state, actual, s, i);

			if (counters_equal(&counters, &server->counters))
				continue;
			server->counters = counters;
			ipvs_state_stale_server(state, place);
		}
}

/* ---- what is new ----------------------------------------------------------------------------- */

void ipvs_state_stale_server(struct ipvs_state *state, uint32_t place)
{
	if (!state->servers[place].stale)
		state->stale_servers[state->stale_server_count++] = place;
	state->servers[place].stale = true;
}

void ipvs_state_stale_service(struct ipvs_state *state, uint32_t service)
{
	if (!state->services[service].stale)
		state->stale_services[state->stale_service_count++] = service;
	state->services[service].stale = true;
}

void ipvs_state_told(struct ipvs_state *state)
{
	for (size_t i = 0; i < state->stale_server_count; i++)
		state->servers[state->stale_servers[i]].stale = false;
	for (size_t i = 0; i < state->stale_service_count; i++)
		state->services[state->stale_services[i]].stale = false;
	state->stale_server_count = state->stale_service_count = 0;
}

/* ---- facts ----------------------------------------------------------------------------------- */

static enum verdict quorum_verdict(const struct ipvs_condition *condition)
{
	if (condition->panic)
		return VERDICT_DOWN;
	if (condition->quorum == IPVS_QUORUM_UNDECIDED)
		return VERDICT_UNKNOWN;
	return condition->quorum == IPVS_QUORUM_MET ? VERDICT_UP : VERDICT_DOWN;
}

void ipvs_state_service_fact(const struct ipvs_state *state, uint32_t service,
			     struct fact_service *out)
{
	const struct ipvs_service_state *about = &state->services[service];

	*out = (struct fact_service){.service = service,
				     .state = about->condition.state,
				     .since = about->since,
				     .have = about->condition.have,
				     .needed = about->condition.needed,
				     .quorum = quorum_verdict(&about->condition)};
	memcpy(out->reason, about->condition.reason, sizeof(out->reason));
}

/* Since when a server is what it is: down since its first probe is down, up since its last one is
 * up. */
static nstime health_since(const struct ipvs_state *state, const struct real_server *server,
			   enum verdict health)
{
	nstime since = 0;

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t p = server->probes[i];

		if (state->verdicts[p] != health)
			continue;
		if (!since)
			since = state->memory[p].since;
		else if (health == VERDICT_DOWN)
			since = nstime_min(since, state->memory[p].since);
		else
			since = nstime_max(since, state->memory[p].since);
	}
	return since;
}

/* A script, a file or a process may be of this machine. */
static const char *target_name(const struct endpoint *target, char *out)
{
	return target->address.family ? endpoint_format(target, out) : "this machine";
}

static void explain_down(const struct ipvs_state *state, const struct real_server *server,
			 struct text *out)
{
	const char *before = "";
	char target[ENDPOINT_TEXT];

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t p = server->probes[i];

		if (state->verdicts[p] != VERDICT_DOWN)
			continue;
		text_add(out, "%s%s: %s", before, target_name(&state->model->probes[p].target, target),
			 probe_reason_name(state->memory[p].reason));
		before = "; ";
	}
}

static void explain_server(const struct ipvs_state *state, const struct real_server *server,
			   const struct ipvs_server *now, struct text *out)
{
	if (now->terms.admin == ADMIN_DISABLED) {
		text_add(out, "disabled, so it is not checked");
		return;
	}
	if (now->terms.admin == ADMIN_DRAINED)
		text_add(out, "drained; ");
	switch (now->health) {
	case VERDICT_UP:
		text_add(out, server->probe_count ? "all checks pass" : "no check");
		break;
	case VERDICT_DOWN:
		explain_down(state, server, out);
		break;
	case VERDICT_UNKNOWN:
		text_add(out, now->in_table ? "kept as found, no verdict yet" : "no verdict yet");
		break;
	}
}

void ipvs_state_server_fact(const struct ipvs_state *state, uint32_t place, struct fact_server *out)
{
	uint32_t service = ipvs_state_service_of(state, place),
		 index = place - state->server_first[service];
	const struct real_server *server = &state->model->services[service].real_servers[index];
	const struct ipvs_server_state *about = &state->servers[place];
	struct text reason = text_of(out->reason, sizeof(out->reason));

	out->service = service;
	out->server = index;
	out->health = about->now.health;
	out->since = health_since(state, server, about->now.health);
	out->effective_weight = about->now.weight;
	out->in_table = about->now.in_table;
	out->active = about->counters.active;
	out->inactive = about->counters.inactive;
	out->persistent = about->counters.persistent;
	out->connections = about->counters.connections;
	out->packets_in = about->counters.packets_in;
	out->packets_out = about->counters.packets_out;
	out->bytes_in = about->counters.bytes_in;
	out->bytes_out = about->counters.bytes_out;
	explain_server(state, server, &about->now, &reason);
}
