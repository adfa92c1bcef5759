/* What the kernel refused of which service. Refusals come in rounds: what a look at the whole table
 * does not bring again is over. Declared in state.h. */
#include "ipvs/state.h"

#include "base/text.h"

static bool is_whole(const struct ipvs_op *op)
{
	return op->kind == IPVS_ADD_SERVICE;
}

void ipvs_state_refused(struct ipvs_state *state, const struct ipvs_op *op, const char *words,
			nstime now)
{
	const struct ipvs_service *wanted = ipvs_table_find(&state->wanted, &op->service);
	struct ipvs_way_state *way = ipvs_way_of(&state->ways, &op->service);
	struct ipvs_refusal *refusal;
	uint32_t s;

	if (way)
		way->refused = true;
	if (!wanted)
		return;
	s = state->layout.virtuals[wanted - state->wanted.services].service;
	refusal = &state->services[s].refusal;
	if (refusal->is_fresh && !is_whole(op))
		return;
	if (!refusal->is_fresh) {
		struct text text = text_of(refusal->words, sizeof(refusal->words));

		text_add(&text, "the kernel refused %s", words);
		refusal->is_fresh = true;
		refusal->missing = 0;
	}
	refusal->missing += is_whole(op);
	ipvs_state_refresh(state, s, now);
}

void ipvs_state_refusals_begin(struct ipvs_state *state)
{
	for (size_t s = 0; s < state->model->service_count; s++)
		state->services[s].refusal.is_fresh = false;
	for (size_t i = 0; i < state->ways.table.count; i++)
		state->ways.states[i].refused = false;
}

void ipvs_state_refusals_end(struct ipvs_state *state, nstime now)
{
	for (uint32_t s = 0; s < state->model->service_count; s++) {
		struct ipvs_refusal *refusal = &state->services[s].refusal;

		if (refusal->is_fresh || !refusal->words[0])
			continue;
		*refusal = (struct ipvs_refusal){0};
		ipvs_state_refresh(state, s, now);
	}
}

bool ipvs_state_is_missing(const struct ipvs_state *state, uint32_t s)
{
	uint32_t listeners = state->layout.first[s + 1] - state->layout.first[s];

	return listeners && state->services[s].refusal.missing >= listeners;
}

void ipvs_state_explain_refusal(const struct ipvs_state *state, uint32_t s,
				struct ipvs_condition *condition)
{
	const struct ipvs_refusal *refusal = &state->services[s].refusal;
	struct text reason;

	if (!refusal->words[0])
		return;
	reason = text_of(condition->reason, sizeof(condition->reason));
	text_add(&reason, "%s", refusal->words);
	if (ipvs_state_is_missing(state, s)) {
		condition->state = SERVICE_DOWN;
		condition->have = 0;
	} else if (condition->state == SERVICE_UP) {
		condition->state = SERVICE_DEGRADED;
	}
}
