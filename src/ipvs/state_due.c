/* What time alone changes: services that are to be looked at again at a moment. Only those that
 * have one are walked. Declared in state.h. */
#include "ipvs/state.h"

#include "ipvs/ramp.h"

static nstime due_of(const struct ipvs_service_state *service)
{
	nstime due = service->condition.due, ramp = service->ramp_due;

	return due && ramp ? nstime_min(due, ramp) : due ? due : ramp;
}

void ipvs_state_note_due(struct ipvs_state *state, uint32_t service)
{
	if (!due_of(&state->services[service]) || state->services[service].is_due)
		return;
	state->services[service].is_due = true;
	state->due[state->due_count++] = service;
}

nstime ipvs_state_due(const struct ipvs_state *state)
{
	nstime first = NSTIME_NEVER;

	for (size_t i = 0; i < state->due_count; i++) {
		nstime due = due_of(&state->services[state->due[i]]);

		first = due ? nstime_min(first, due) : first;
	}
	return first;
}

void ipvs_state_wake(struct ipvs_state *state, nstime now)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->due_count; i++) {
		uint32_t s = state->due[i];
		nstime due = due_of(&state->services[s]);

		state->services[s].is_due = due != 0;
		if (due)
			state->due[kept++] = s;
		if (due && due <= now)
			ipvs_state_mark(state, s);
	}
	state->due_count = kept;
}

/* Who begins to serve in a service that was running without him has a ramp; who is found serving
 * has not, nor has anybody while the first verdicts come in. */
static nstime ramp_of(const struct service *service, const struct ipvs_server_state *server,
		      const struct ipvs_server *view, bool is_running, nstime now)
{
	bool serves = view->in_table && view->weight;
	nstime begun = server->now.ramping;

	if (!server->fit)
		begun = is_running && !serves ? now : 0;
	return begun && ipvs_ramp_due(service, begun, now) ? begun : 0;
}

void ipvs_state_ramp(struct ipvs_state *state, uint32_t s, bool is_running, nstime now)
{
	const struct service *service = &state->model->services[s];
	nstime first = 0;

	for (size_t i = 0; service->slow_start && i < service->real_server_count; i++) {
		struct ipvs_server_state *server = &state->servers[state->server_first[s] + i];
		struct ipvs_server *view = &state->view[i];
		bool fit = view->health == VERDICT_UP && view->terms.admin == ADMIN_ENABLED;
		nstime due;

		view->ramping = fit ? ramp_of(service, server, view, is_running, now) : 0;
		server->now.ramping = view->ramping;
		server->fit = fit;
		due = view->ramping ? ipvs_ramp_due(service, view->ramping, now) : 0;
		if (due && (!first || due < first))
			first = due;
	}
	state->services[s].ramp_due = first;
	ipvs_state_note_due(state, s);
}
