/* What time alone changes: services that are to be looked at again at a moment. Only those that
 * have one are walked. Declared in state.h. */
#include "ipvs/state.h"

void ipvs_state_note_due(struct ipvs_state *state, uint32_t service)
{
	if (!state->services[service].condition.due || state->services[service].is_due)
		return;
	state->services[service].is_due = true;
	state->due[state->due_count++] = service;
}

nstime ipvs_state_due(const struct ipvs_state *state)
{
	nstime first = NSTIME_NEVER;

	for (size_t i = 0; i < state->due_count; i++) {
		nstime due = state->services[state->due[i]].condition.due;

		first = due ? nstime_min(first, due) : first;
	}
	return first;
}

void ipvs_state_wake(struct ipvs_state *state, nstime now)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->due_count; i++) {
		uint32_t s = state->due[i];
		nstime due = state->services[s].condition.due;

		state->services[s].is_due = due != 0;
		if (due)
			state->due[kept++] = s;
		if (due && due <= now)
			ipvs_state_mark(state, s);
	}
	state->due_count = kept;
}
