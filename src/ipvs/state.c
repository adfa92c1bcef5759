/* The worker's knowledge as a value; see the header. Facts made from it are state_facts.c. */
#include "ipvs/state.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/match.h"
#include "config/search.h"

/* ---- building -------------------------------------------------------------------------------- */

/* Calls back for every use of a probe by a server. */
static void each_use(struct ipvs_state *state,
		     void (*use)(struct ipvs_state *, uint32_t probe, uint32_t place))
{
	const struct model *model = state->model;

	for (size_t s = 0; s < model->service_count; s++)
		for (size_t i = 0; i < service_server_count(&model->services[s]); i++) {
			const struct real_server *server = service_server(&model->services[s], i);

			for (size_t p = 0; p < server->probe_count; p++)
				use(state, server->probes[p], state->server_first[s] + (uint32_t)i);
		}
}

static void count_use(struct ipvs_state *state, uint32_t probe, uint32_t place)
{
	(void)place;
	state->users_first[probe + 2]++;
}

static void note_use(struct ipvs_state *state, uint32_t probe, uint32_t place)
{
	state->users[state->users_first[probe + 1]++] = place;
}

/* Which servers use a probe. Counted two places up and summed, element p + 1 is where the list of p
 * begins; filling in moves it to its end, which is where the list of p + 1 begins. */
static int index_users(struct arena *arena, struct ipvs_state *state)
{
	size_t probes = state->model->probe_count;

	state->users_first = arena_array(arena, probes + 2, sizeof(*state->users_first));
	if (!state->users_first)
		return -ENOMEM;
	each_use(state, count_use);
	for (size_t p = 0; p < probes; p++)
		state->users_first[p + 2] += state->users_first[p + 1];
	state->users = arena_array(arena, state->users_first[probes + 1], sizeof(*state->users));
	if (!state->users)
		return -ENOMEM;
	each_use(state, note_use);
	return 0;
}

static int number_servers(struct arena *arena, struct ipvs_state *state)
{
	size_t services = state->model->service_count, largest = 0;

	state->server_first = arena_array(arena, services + 1, sizeof(*state->server_first));
	if (!state->server_first)
		return -ENOMEM;
	for (size_t s = 0; s < services; s++) {
		size_t count = service_server_count(&state->model->services[s]);

		state->server_first[s + 1] = state->server_first[s] + (uint32_t)count;
		largest = count > largest ? count : largest;
	}
	state->servers = arena_array(arena, state->server_first[services], sizeof(*state->servers));
	state->stale_servers = arena_array(arena, state->server_first[services],
					   sizeof(*state->stale_servers));
	state->draining =
		arena_array(arena, state->server_first[services], sizeof(*state->draining));
	state->view = arena_array(arena, largest, sizeof(*state->view));
	state->wants = arena_array(arena, largest, sizeof(*state->wants));
	state->scratch = arena_array(arena, largest + IPVS_DESTS_SPARE, sizeof(*state->scratch));
	if (arena_failed(arena))
		return -ENOMEM;
	for (size_t s = 0; s < services; s++)
		for (size_t i = 0; i < service_server_count(&state->model->services[s]); i++)
			state->servers[state->server_first[s] + i].now.terms =
				state->servers[state->server_first[s] + i].terms =
				state->servers[state->server_first[s] + i].said =
					ipvs_terms_of(service_server(&state->model->services[s], i));
	return 0;
}

static int make_wanted(struct arena *arena, struct ipvs_state *state)
{
	const struct ipvs_layout *layout = &state->layout;

	state->wanted.services = arena_array(arena, layout->count, sizeof(*state->wanted.services));
	if (!state->wanted.services)
		return -ENOMEM;
	for (size_t v = 0; v < layout->count; v++) {
		struct ipvs_service *service = &state->wanted.services[v];
		size_t room =
			service_server_count(&state->model->services[layout->virtuals[v].service]) +
			IPVS_DESTS_SPARE;

		*service = layout->virtuals[v].empty;
		service->dests = arena_array(arena, room, sizeof(*service->dests));
		if (!service->dests)
			return -ENOMEM;
	}
	state->wanted.count = layout->count;
	return 0;
}

int ipvs_state_build(struct arena *arena, const struct model *model, struct ipvs_state *out,
		     struct text *why)
{
	struct ipvs_state state = {.model = model};
	int error = ipvs_layout_build(arena, model, &state.layout, why);

	if (!error)
		error = roles_init(&state.roles, arena, model);
	if (!error)
		error = number_servers(arena, &state);
	if (!error)
		error = index_users(arena, &state);
	if (!error)
		error = make_wanted(arena, &state);
	if (!error)
		error = ipvs_ways_build(arena, model, &state.ways);
	if (!error)
		error = ipvs_state_programmed_build(arena, &state);
	if (!error)
		error = ipvs_state_traffic_build(arena, &state);
	if (error)
		return error;
	state.verdicts = arena_array(arena, model->probe_count, sizeof(*state.verdicts));
	state.memory = arena_array(arena, model->probe_count, sizeof(*state.memory));
	state.services = arena_array(arena, model->service_count, sizeof(*state.services));
	state.marked = arena_array(arena, model->service_count, sizeof(*state.marked));
	state.due = arena_array(arena, model->service_count, sizeof(*state.due));
	state.stale_services =
		arena_array(arena, model->service_count, sizeof(*state.stale_services));
	if (arena_failed(arena))
		return -ENOMEM;
	*out = state;
	return 0;
}

/* ---- a new generation ------------------------------------------------------------------------ */

static void carry_services(struct ipvs_state *to, const struct ipvs_state *from,
			   const uint32_t *match)
{
	for (size_t s = 0; s < to->model->service_count; s++) {
		if (match[s] == SERVICE_IS_NEW)
			continue;
		to->services[s].condition = from->services[match[s]].condition;
		to->services[s].since = from->services[match[s]].since;
	}
}

/* Nothing can be known of this probe yet. */
static void assume(struct ipvs_state *state, size_t p)
{
	if (state->model->probes[p].initially_up && state->verdicts[p] == VERDICT_UNKNOWN)
		state->verdicts[p] = VERDICT_UP;
}

void ipvs_state_begin(struct ipvs_state *state, const struct ipvs_table *current)
{
	for (size_t v = 0; v < state->layout.count; v++)
		if (ipvs_table_find(current, &state->layout.virtuals[v].empty.key))
			return;
	for (size_t p = 0; p < state->model->probe_count; p++)
		assume(state, p);
}

static int carry_probes(struct arena *arena, struct ipvs_state *to, const struct ipvs_state *from)
{
	struct probe_search search = probe_search_of(arena, from->model);

	for (size_t p = 0; p < to->model->probe_count; p++) {
		uint32_t old;
		int error = probe_search(&search, to->model->probes[p].key, &old);

		if (error == -ENOMEM)
			return error;
		if (error) {
			assume(to, p);
			continue;
		}
		to->verdicts[p] = from->verdicts[old];
		to->memory[p] = from->memory[old];
	}
	return 0;
}

int ipvs_state_carry(struct arena *arena, struct ipvs_state *to, const struct ipvs_state *from)
{
	uint32_t *match;

	if (carry_probes(arena, to, from) ||
	    services_match(arena, to->model, from->model, &match) ||
	    roles_carry(arena, &to->roles, to->model, &from->roles, from->model))
		return -ENOMEM;
	carry_services(to, from, match);
	return ipvs_state_traffic_carry(arena, to, from, match);
}

/* ---- how things stand ------------------------------------------------------------------------ */

static void set_server(struct ipvs_state *state, uint32_t place, const struct ipvs_server *now)
{
	struct ipvs_server_state *server = &state->servers[place];

	if (server->now.health != now->health || server->now.in_table != now->in_table ||
	    server->now.weight != now->weight || server->now.terms.admin != now->terms.admin ||
	    !advice_equal(&server->now.terms.told, &now->terms.told))
		ipvs_state_stale_server(state, place);
	server->now = *now;
}

/* A virtual service as a table has it; NULL: it has not. Without a table it is the wanted one. */
static const struct ipvs_service *found_service(const struct ipvs_state *state, uint32_t v,
						const struct ipvs_table *current)
{
	return current ? ipvs_table_find(current, &state->wanted.services[v].key)
		       : &state->wanted.services[v];
}

/* Of a sorry server that is a real server, too, only one is in the table: the one in use. */
static bool is_the_others(const struct ipvs_state *state, uint32_t v, uint32_t i,
			  const struct ipvs_dest_key *key)
{
	const struct ipvs_virtual *about = &state->layout.virtuals[v];
	const struct service *service = &state->model->services[about->service];
	bool is_used = state->services[about->service].condition.sorry;
	struct ipvs_dest_key sorry;

	if (!about->sorry_is_real)
		return false;
	if (i == service->real_server_count)
		return !is_used;
	sorry = ipvs_dest_key_of(about, service->sorry_server);
	return is_used && !ipvs_dest_key_compare(&sorry, key);
}

/* What is in force of a server by all that was said of it. */
static struct ipvs_terms terms_now(const struct ipvs_state *state, const struct real_server *server,
				   const struct ipvs_terms *terms)
{
	struct advice told = {0};

	for (size_t i = 0; i < server->probe_count; i++)
		advice_join(&told, &state->memory[server->probes[i]].told);
	return ipvs_terms_with(terms, &told);
}

/* A server in the table under several listeners has the same weight in all of them, but for servers
 * kept as found: then the largest is told. Both sides stand in the order of their keys. */
static void look_at(struct ipvs_state *state, uint32_t v, const struct ipvs_service *found)
{
	const struct ipvs_virtual *about = &state->layout.virtuals[v];
	size_t count = service_server_count(&state->model->services[about->service]), d = 0;

	for (size_t k = 0; k < count && d < found->dest_count; k++) {
		struct ipvs_server *now = &state->view[about->order[k]];
		int by;

		while ((by = ipvs_dest_key_compare(&found->dests[d].key, &about->keys[k])) < 0 &&
		       d + 1 < found->dest_count)
			d++;
		if (by || is_the_others(state, v, about->order[k], &about->keys[k]))
			continue;
		now->in_table = true;
		if (found->dests[d].attr.weight > now->weight)
			now->weight = found->dests[d].attr.weight;
	}
}

/* Fills state->view: the servers of a service as they are with a table. */
static void look(struct ipvs_state *state, uint32_t s, const struct ipvs_table *current)
{
	const struct ipvs_layout *layout = &state->layout;
	const struct service *service = &state->model->services[s];

	for (uint32_t i = 0; i < service_server_count(service); i++) {
		const struct ipvs_server_state *known = &state->servers[state->server_first[s] + i];
		const struct real_server *server = service_server(service, i);

		state->view[i] = (struct ipvs_server){
			.health = ipvs_server_health(server, state->verdicts),
			.terms = terms_now(state, server, &known->terms),
			.ramping = known->now.ramping,
			.is_idle = known->now.is_idle,
		};
	}
	if (ipvs_state_is_missing(state, s))
		return;
	for (uint32_t n = layout->first[s]; n < layout->first[s + 1]; n++) {
		const struct ipvs_service *found =
			found_service(state, layout->of_service[n], current);

		if (found)
			look_at(state, layout->of_service[n], found);
	}
}

/* How the service fares with the servers as state->view has them. */
static void judge(struct ipvs_state *state, uint32_t s, nstime now)
{
	struct ipvs_service_state *about = &state->services[s];
	struct ipvs_condition condition = ipvs_service_condition(
		&state->model->services[s], state->view, &about->condition, now);

	ipvs_state_explain_refusal(state, s, &condition);
	if (!about->since || condition.state != about->condition.state)
		about->since = now;
	if (condition.state != about->condition.state || condition.have != about->condition.have ||
	    condition.quorum != about->condition.quorum ||
	    strcmp(condition.reason, about->condition.reason))
		ipvs_state_stale_service(state, s);
	about->condition = condition;
	ipvs_state_note_due(state, s);
}

/* NULL: the service has none. */
static struct ipvs_server_state *sorry_of(struct ipvs_state *state, uint32_t s)
{
	const struct service *service = &state->model->services[s];

	return service->sorry_server_count
		       ? &state->servers[state->server_first[s] + service->real_server_count]
		       : NULL;
}

void ipvs_state_note_idle(struct ipvs_state *state, uint32_t s)
{
	struct ipvs_server_state *sorry = sorry_of(state, s);
	const struct ipvs_connections *left;

	if (!sorry || !sorry->now.in_table || sorry->now.weight ||
	    state->services[s].condition.sorry)
		return;
	left = &sorry->connections;
	if (left->active || left->inactive || left->persistent)
		return;
	sorry->now.is_idle = true;
	ipvs_state_mark(state, s);
}

void ipvs_state_refresh(struct ipvs_state *state, uint32_t s, nstime now)
{
	const struct service *service = &state->model->services[s];
	struct ipvs_service_state *about = &state->services[s];
	struct ipvs_server_state *sorry = sorry_of(state, s);
	bool is_asked = ipvs_state_is_asked(state, s);

	state->waiting -= about->unknown > 0;
	about->unknown = 0;
	look(state, s, NULL);
	for (uint32_t i = 0; i < service_server_count(service); i++) {
		struct ipvs_server seen = state->view[i];

		if (!about->is_programmed)
			seen.weight = seen.in_table = 0;
		about->unknown += i < service->real_server_count && is_asked &&
				  state->view[i].health == VERDICT_UNKNOWN &&
				  state->view[i].terms.admin != ADMIN_DISABLED;
		set_server(state, state->server_first[s] + i, &seen);
	}
	state->waiting += about->unknown > 0;
	judge(state, s, now);
	if (sorry && about->condition.sorry)
		sorry->now.is_idle = false;
}

/* Fills state->wants for a service, of which a table (NULL: the wanted one) tells what is found. */
static void want_servers(struct ipvs_state *state, uint32_t s, const struct ipvs_table *current,
			 nstime now)
{
	bool is_running = state->services[s].condition.quorum != IPVS_QUORUM_UNDECIDED;

	look(state, s, current);
	judge(state, s, now);
	ipvs_state_ramp(state, s, is_running, now);
	ipvs_service_wants(&state->model->services[s], state->view, &state->services[s].condition,
			   now, state->wants);
}

static void desire_service(struct ipvs_state *state, uint32_t s, const struct ipvs_table *current,
			   nstime now)
{
	want_servers(state, s, current, now);
	for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1]; n++) {
		uint32_t v = state->layout.of_service[n];
		struct ipvs_service *wanted = &state->wanted.services[v];

		ipvs_desired_service(&state->layout, v, state->wants,
				     ipvs_table_find(current, &wanted->key), wanted->dests, wanted);
		ipvs_leavers_add(state, v, wanted);
	}
}

void ipvs_state_desire(struct ipvs_state *state, const struct ipvs_table *current, nstime now)
{
	for (uint32_t s = 0; s < state->model->service_count; s++) {
		state->services[s].is_programmed =
			ipvs_state_shall_be(state, s, ipvs_state_is_in(state, s, current));
		desire_service(state, s, current, now);
		ipvs_state_refresh(state, s, now);
		state->services[s].marked = false;
	}
	state->marked_count = 0;
	ipvs_state_program(state);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* The last service whose servers start at or before the place. */
uint32_t ipvs_state_service_of(const struct ipvs_state *state, uint32_t place)
{
	uint32_t low = 0, high = (uint32_t)state->model->service_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (state->server_first[middle] <= place)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void ipvs_state_mark(struct ipvs_state *state, uint32_t s)
{
	if (state->services[s].marked)
		return;
	state->services[s].marked = true;
	state->marked[state->marked_count++] = s;
}

static void mark_users(struct ipvs_state *state, uint32_t p)
{
	for (uint32_t n = state->users_first[p]; n < state->users_first[p + 1]; n++)
		ipvs_state_mark(state, ipvs_state_service_of(state, state->users[n]));
}

/* Taken part by part: a check worker that begins anew has nothing to tell at first, and what was told
 * stands. Whether it was news. */
static bool take_told(struct ipvs_state *state, uint32_t p, const struct advice *news)
{
	struct advice *known = &state->memory[p].told, told = *known;

	if (!advice_spoken(news))
		return false;
	advice_take(&told, news);
	told.status = ADVICE_NO_STATUS; /* that is in the verdict */
	if (advice_equal(&told, known))
		return false;
	*known = told;
	mark_users(state, p);
	return true;
}

bool ipvs_state_verdict(struct ipvs_state *state, const struct fact_probe *fact)
{
	struct ipvs_probe_memory *memory;
	uint32_t p = fact->probe;
	bool told_alike, same, is_news;

	if (p >= state->model->probe_count)
		return false;
	is_news = take_told(state, p, &fact->told);
	if (fact->verdict == VERDICT_UNKNOWN)
		return is_news;
	memory = &state->memory[p];
	same = state->verdicts[p] == fact->verdict;
	told_alike = same && (fact->verdict == VERDICT_UP ||
			      (memory->reason == fact->reason &&
			       memory->is_suppressed == (fact->suppressed != 0)));
	is_news |= !same || memory->reason != fact->reason || memory->since != fact->since;
	state->verdicts[p] = fact->verdict;
	memory->reason = fact->reason;
	memory->since = fact->since;
	memory->is_suppressed = fact->suppressed != 0;
	memory->passed = fact->passed;
	if (!same)
		mark_users(state, p);
	for (uint32_t n = state->users_first[p]; !told_alike && n < state->users_first[p + 1]; n++)
		ipvs_state_stale_server(state, state->users[n]);
	return is_news;
}

void ipvs_state_terms(struct ipvs_state *state, uint32_t place, const struct ipvs_terms *terms)
{
	uint32_t s = ipvs_state_service_of(state, place);
	const struct real_server *server =
		service_server(&state->model->services[s], place - state->server_first[s]);

	state->servers[place].terms = *terms;
	state->servers[place].now.terms = terms_now(state, server, terms);
	ipvs_state_stale_server(state, place);
	ipvs_state_mark(state, s);
}

static int settle_service(struct arena *arena, struct ipvs_state *state, uint32_t s, nstime now,
			  struct ipvs_plan *plan)
{
	bool was = state->services[s].is_programmed, is = ipvs_state_shall_be(state, s, was);

	want_servers(state, s, NULL, now);
	for (uint32_t n = state->layout.first[s]; n < state->layout.first[s + 1]; n++) {
		uint32_t v = state->layout.of_service[n];
		struct ipvs_service *wanted = &state->wanted.services[v], desired;

		ipvs_desired_service(&state->layout, v, state->wants, wanted, state->scratch,
				     &desired);
		ipvs_leavers_add(state, v, &desired);
		if ((was || is) &&
		    ipvs_plan_service(arena, is ? &desired : NULL, was ? wanted : NULL, plan))
			return -ENOMEM;
		memcpy(wanted->dests, desired.dests, desired.dest_count * sizeof(*desired.dests));
		wanted->dest_count = desired.dest_count;
		ipvs_state_wanted_moved(state, v);
	}
	state->services[s].is_programmed = is;
	if (was != is) {
		state->is_reprogrammed = true;
		ipvs_state_stale_service(state, s);
	}
	return 0;
}

int ipvs_state_settle(struct arena *arena, struct ipvs_state *state, nstime now,
		      struct ipvs_plan *plan)
{
	int error = 0;

	while (state->marked_count) {
		uint32_t s = state->marked[state->marked_count - 1];

		error = settle_service(arena, state, s, now, plan);
		if (error)
			break;
		ipvs_state_refresh(state, s, now);
		state->services[s].marked = false;
		state->marked_count--;
	}
	if (state->is_reprogrammed)
		ipvs_state_program(state);
	return error;
}

bool ipvs_state_has_verdicts(const struct ipvs_state *state)
{
	return !state->waiting;
}
