/* What the ipvs worker tells others, made from its state. Declared in state.h. */
#include "ipvs/state.h"

#include <string.h>

#include "base/text.h"

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
	for (size_t i = 0; i < state->counted_service_count; i++)
		state->services[state->counted_services[i]].counted = false;
	state->stale_server_count = state->stale_service_count = 0;
	state->counted_service_count = 0;
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
				     .quorum = quorum_verdict(&about->condition),
				     .programmed = about->is_programmed};
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

/* The virtual address says more of a probe that took a way than the server's own. */
static void explain_probe(const struct ipvs_state *state, uint32_t p, struct text *out)
{
	const struct probe *probe = &state->model->probes[p];
	const struct way *way = model_way(state->model, probe);
	char target[ENDPOINT_TEXT];

	text_add(out, "%s: ", target_name(&probe->target, target));
	if (state->memory[p].reason == REASON_NO_WAY)
		model_explain_no_way(state->model, probe, out);
	else
		text_add(out, "%s", probe_reason_name(state->memory[p].reason));
	if (state->memory[p].reason == REASON_REFUSED && way &&
	    way->forwarding == FORWARDING_TUNNEL)
		text_add(out, " (" MODEL_TUNNEL_REFUSED ")");
}

static void explain_down(const struct ipvs_state *state, const struct real_server *server,
			 struct text *out)
{
	const char *before = "";

	for (size_t i = 0; i < server->probe_count; i++) {
		uint32_t p = server->probes[i];

		if (state->verdicts[p] != VERDICT_DOWN)
			continue;
		text_add(out, "%s", before);
		explain_probe(state, p, out);
		if (state->memory[p].is_suppressed)
			text_add(out, ", suppressed");
		before = "; ";
	}
}

static void explain_server(const struct ipvs_state *state, const struct real_server *server,
			   const struct ipvs_server_state *about, bool is_asked, struct text *out)
{
	const struct ipvs_server *now = &about->now;

	if (server->state == ADMIN_DISABLED) {
		text_add(out, "disabled, so it is not checked");
		return;
	}
	if (about->said.admin == ADMIN_DRAINED && about->terms.admin == ADMIN_DISABLED)
		text_add(out, "drained, and out of the table; ");
	else if (now->terms.admin != about->terms.admin)
		text_add(out, "%s by %s; ", admin_state_name(now->terms.admin),
			 check_type_name(now->terms.told.by));
	else if (now->terms.admin != ADMIN_ENABLED)
		text_add(out, "%s; ", admin_state_name(now->terms.admin));
	switch (now->health) {
	case VERDICT_UP:
		text_add(out, server->probe_count ? "all checks pass" : "no check");
		if (now->ramping)
			text_add(out, "; its weight grows step by step");
		break;
	case VERDICT_DOWN:
		explain_down(state, server, out);
		break;
	case VERDICT_UNKNOWN:
		text_add(out, now->in_table ? "kept as found, no verdict yet" : "no verdict yet");
		if (!is_asked)
			text_add(out, ": checked while MASTER only");
		break;
	}
}

void ipvs_state_server_fact(const struct ipvs_state *state, uint32_t place, struct fact_server *out)
{
	uint32_t service = ipvs_state_service_of(state, place),
		 index = place - state->server_first[service];
	const struct real_server *server = service_server(&state->model->services[service], index);
	const struct ipvs_server_state *about = &state->servers[place];
	struct text reason = text_of(out->reason, sizeof(out->reason));

	out->service = service;
	out->server = index;
	out->health = about->now.health;
	out->since = health_since(state, server, about->now.health);
	out->admin = about->now.terms.admin;
	out->weight = about->now.terms.weight;
	out->told = about->now.terms.told;
	out->deadline = about->now.terms.ends ? about->deadline : 0;
	out->effective_weight = about->now.weight;
	out->in_table = about->now.in_table;
	out->active = about->connections.active;
	out->inactive = about->connections.inactive;
	out->persistent = about->connections.persistent;
	out->traffic = about->traffic;
	if (index >= state->model->services[service].real_server_count)
		text_add(&reason, "%s; ",
			 state->services[service].condition.sorry ? "answers" : "stands by");
	explain_server(state, server, about, ipvs_state_is_asked(state, service), &reason);
}
