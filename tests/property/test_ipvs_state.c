/* A director's life in random steps: verdicts, reloads, interference; after each of them a fake
 * kernel must have what the rules say. The rules are written down here a second time, server by
 * server. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/text.h"
#include "fake_ipvs.h"
#include "ipvs/inherit.h"
#include "ipvs/ramp.h"
#include "ipvs/state.h"
#include "random.h"
#include "random_ipvs.h"
#include "test_ipvs.h"

#define LIVES 150
#define STEPS 60
#define SERVICES 3
#define SERVERS 6

static struct ipvs_keys owned;

/* ---- random models --------------------------------------------------------------------------- */

/* Probe p checks server address p % SERVERS; a key of another generation may mean another check. */
static void random_probes(struct arena *arena, struct model *model)
{
	model->probe_count = 2 * SERVERS;
	model->probes = arena_array(arena, model->probe_count, sizeof(*model->probes));
	for (size_t p = 0; p < model->probe_count; p++)
		model->probes[p].key = 1000 + 10 * p + random_below(8) / 7;
}

static struct real_server random_server(struct arena *arena, uint32_t i)
{
	struct real_server server = {.name = arena_printf(arena, "server%u", i),
				     .weight = random_below(4),
				     .forwarding = random_below(FORWARDING_LOCAL + 1),
				     .upper_threshold = 10 * random_below(3),
				     .lower_threshold = 5 * random_below(2),
				     .state = random_below(2) ? ADMIN_ENABLED
							      : (enum admin_state)random_below(3),
				     .probe_count = random_below(3)};

	if (server.forwarding == FORWARDING_TUNNEL)
		server.tunnel = (struct tunnel){.type = random_below(TUNNEL_GRE + 1),
						.port = (uint16_t)random_below(2),
						.checksum = random_below(3)};
	server.address.address = addr_from_ipv4(0x0a000001 + i);
	server.probes = arena_array(arena, 2, sizeof(*server.probes));
	server.probes[0] = i;
	server.probes[1] = SERVERS + i;
	return server;
}

/* One of the real servers' addresses, or one of its own; with or without a check. */
static void random_sorry(struct arena *arena, struct service *out)
{
	struct real_server *sorry = arena_alloc(arena, sizeof(*sorry));

	*sorry = random_server(arena, random_below(SERVERS));
	sorry->state = ADMIN_ENABLED;
	sorry->weight = 1;
	if (random_below(3))
		sorry->address.address = addr_from_ipv4(0x0a000063);
	out->sorry_server = sorry;
	out->sorry_server_count = random_below(2);
}

static void random_service(struct arena *arena, struct service *out, uint32_t s)
{
	*out = (struct service){.name = arena_printf(arena, "service%u", s),
				.protocols = PROTOCOL_TCP,
				.scheduler = random_below(2) ? "wlc" : "sh",
				.on_failure =
					random_below(2) ? ON_FAILURE_QUIESCE : ON_FAILURE_REMOVE,
				.listen_count = 1 + random_below(2)};
	out->scheduler_flags = strcmp(out->scheduler, "sh") ? 0 : random_below(4);
	out->persistence.timeout = random_below(3) * 60 * NSTIME_S;
	out->persistence.prefix = random_below(2) ? 24 : 0;
	out->one_packet = random_below(2);
	out->quorum = 1 + random_below(4);
	out->quorum_hysteresis = random_below(out->quorum + 1);
	out->slow_start = random_below(2) * 10 * NSTIME_S;
	out->panic_threshold = (uint8_t)(random_below(2) ? 0 : random_below(101));
	random_sorry(arena, out);
	out->listen = arena_array(arena, 2, sizeof(*out->listen));
	out->real_servers = arena_array(arena, SERVERS, sizeof(*out->real_servers));
	for (size_t i = 0; i < 2; i++)
		out->listen[i] =
			(struct endpoint){addr_from_ipv4(0xc0a80800 + s), (uint16_t)(80 + i)};
	for (uint32_t i = 0; i < SERVERS; i++)
		if (random_below(4))
			out->real_servers[out->real_server_count++] = random_server(arena, i);
}

struct model *test_random_model(struct arena *arena)
{
	struct model *model = arena_alloc(arena, sizeof(*model));

	random_probes(arena, model);
	model->services = arena_array(arena, SERVICES, sizeof(*model->services));
	for (uint32_t s = 0; s < SERVICES; s++)
		if (random_below(4))
			random_service(arena, &model->services[model->service_count++], s);
	return model;
}

/* ---- one life -------------------------------------------------------------------------------- */

struct life {
	struct arena *arena;
	struct ipvs_state state;
	struct fake_ipvs kernel;
	nstime now;
};

static bool answers(const struct ipvs_table *table, const struct ipvs_service_key *key)
{
	const struct ipvs_service *service = ipvs_table_find(table, key);

	for (size_t i = 0; service && i < service->dest_count; i++)
		if (service->dests[i].attr.weight)
			return true;
	return false;
}

/* A service that somebody answers before and after is never without in between. */
static void run(struct life *life, const struct ipvs_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ipvs_service_key *key = &ops[i].service;
		bool before = answers(&life->kernel.table, key);

		ck_assert_int_eq(fake_ipvs_apply(&life->kernel, &ops[i]), 0);
		ck_assert(!before || !answers(&life->state.wanted, key) ||
			  answers(&life->kernel.table, key));
	}
}

/* Whether a server is the sorry server, too, and that one is in use. */
static bool is_sorry(const struct life *life, const struct service *service,
		     const struct real_server *server)
{
	return service->sorry_server_count &&
	       life->state.services[service - life->state.model->services].condition.sorry &&
	       !endpoint_compare(&service->sorry_server->address, &server->address);
}

/* The end of every plan of a whole table. */
static void put_in_order(struct life *life)
{
	struct ipvs_plan plan = {0};

	ck_assert_int_eq(ipvs_plan_order(life->arena, &life->state.wanted, &plan), 0);
	run(life, plan.ops, plan.count);
}

/* What the table must say of a server with a verdict; one without is as it was `before`. */
static void check_server(const struct life *life, size_t v, const struct real_server *server,
			 const struct ipvs_table *before)
{
	const struct ipvs_virtual *about = &life->state.layout.virtuals[v];
	const struct service *service = &life->state.model->services[about->service];
	struct ipvs_terms terms = ipvs_terms_of(server);
	enum verdict health = ipvs_server_health(server, life->state.verdicts);
	const struct ipvs_service *now = ipvs_table_find(&life->kernel.table, &about->empty.key);
	const struct ipvs_service *was = ipvs_table_find(before, &about->empty.key);
	struct ipvs_dest_key key = ipvs_dest_key_of(about, server);
	const struct ipvs_dest *dest = ipvs_dest_find(now, &key);
	const struct ipvs_dest *old = was ? ipvs_dest_find(was, &key) : NULL;

	const struct ipvs_condition *condition = &life->state.services[about->service].condition;

	uint32_t factor = ipvs_weight_factor(service);
	nstime ramping = life->state.servers[life->state.server_first[about->service] +
					     (uint32_t)(server - service->real_servers)]
				 .now.ramping;

	if (condition->sorry && health == VERDICT_UP && terms.admin != ADMIN_DRAINED)
		health = VERDICT_DOWN;
	if (is_sorry(life, service, server)) {
		ck_assert_uint_eq(dest->attr.weight, factor);
	} else if (server->state == ADMIN_DISABLED) {
		ck_assert_ptr_null(dest);
	} else if (health == VERDICT_DOWN && terms.admin == ADMIN_ENABLED &&
		   condition->panic) {
		ck_assert_uint_eq(dest->attr.weight, factor * server->weight);
	} else if (health == VERDICT_UNKNOWN) {
		struct ipvs_dest_attr as_found = old ? old->attr : (struct ipvs_dest_attr){0};

		if (server->state == ADMIN_DRAINED || condition->sorry)
			as_found.weight = 0;
		if (condition->sorry && service->on_failure == ON_FAILURE_REMOVE &&
		    terms.admin != ADMIN_DRAINED)
			old = NULL;
		ck_assert_int_eq(!dest, !old);
		ck_assert(!dest || ipvs_dest_attr_equal(&dest->attr, &as_found));
	} else if (health == VERDICT_DOWN && service->on_failure == ON_FAILURE_REMOVE) {
		ck_assert_ptr_null(dest);
	} else {
		ck_assert_ptr_nonnull(dest);
		ck_assert_uint_eq(dest->attr.weight,
				  health == VERDICT_UP && server->state == ADMIN_ENABLED
					  ? ipvs_ramp_weight(service, server->weight * factor,
							     condition->panic ? 0 : ramping,
							     life->now)
					  : 0);
		ck_assert_uint_eq(dest->attr.upper_threshold, server->upper_threshold);
		ck_assert_uint_eq(dest->attr.lower_threshold, server->lower_threshold);
	}
}

/* The lists of what is stale name those that are, each once; who waits was counted along. */
static void check_stale(struct ipvs_state *state)
{
	size_t servers = 0, services = 0, waiting = 0;

	for (uint32_t s = 0; s < state->model->service_count; s++) {
		services += state->services[s].stale;
		waiting += state->services[s].unknown > 0;
		for (uint32_t n = state->server_first[s]; n < state->server_first[s + 1]; n++)
			servers += state->servers[n].stale;
	}
	ck_assert_uint_eq(servers, state->stale_server_count);
	ck_assert_uint_eq(services, state->stale_service_count);
	ck_assert_uint_eq(waiting, state->waiting);
	for (size_t i = 0; i < servers; i++)
		ck_assert(state->servers[state->stale_servers[i]].stale);
	for (size_t i = 0; i < services; i++)
		ck_assert(state->services[state->stale_services[i]].stale);
	if (random_below(2))
		ipvs_state_told(state);
}

/* Up or not: where the hysteresis does not reach, the weights decide; nothing is never a quorum. */
static void check_quorum(const struct ipvs_state *state, uint32_t s, nstime now)
{
	const struct service *service = &state->model->services[s];
	const struct ipvs_condition *condition = &state->services[s].condition;
	uint32_t have = 0, margin = service->quorum_hysteresis;
	bool is_down = condition->state == SERVICE_DOWN || condition->state == SERVICE_SORRY, is_low;
	unsigned known = 0, fit = 0;

	for (uint32_t i = 0; i < service->real_server_count; i++) {
		const struct ipvs_server *it = &state->servers[state->server_first[s] + i].now;
		bool serves = it->health == VERDICT_UP ||
			      (it->health == VERDICT_UNKNOWN && it->in_table && it->weight);

		if (service->real_servers[i].state != ADMIN_ENABLED ||
		    !service->real_servers[i].weight)
			continue;
		if (serves)
			have += service->real_servers[i].weight;
		known += it->health != VERDICT_UNKNOWN;
		fit += it->health == VERDICT_UP;
	}
	ck_assert_uint_eq(condition->have, have);
	is_low = 100 * fit < service->panic_threshold * known;
	ck_assert_int_eq(condition->panic, condition->state == SERVICE_PANIC);
	ck_assert(!is_low || condition->panic || condition->quorum == IPVS_QUORUM_UNDECIDED);
	ck_assert(is_low || !condition->panic || condition->due > now);
	if (condition->panic)
		return;
	ck_assert(is_down || have);
	ck_assert(!is_down || have < service->quorum + margin);
	ck_assert(is_down || have + margin >= service->quorum);
}

/* Whether the sorry server is a real server that is not to be used. */
static bool sorry_is_kept_out(const struct life *life, uint32_t s)
{
	const struct service *service = &life->state.model->services[s];
	bool is_out = false;

	for (uint32_t i = 0; i < service->real_server_count; i++)
		is_out |= service_sorry_is(service, i) &&
			  life->state.servers[life->state.server_first[s] + i].now.terms.admin !=
				  ADMIN_ENABLED;
	return is_out;
}

/* In use when the quorum is lost and it is up; else without weight, and soon not there. */
static void check_sorry(const struct life *life, size_t v)
{
	const struct ipvs_virtual *about = &life->state.layout.virtuals[v];
	const struct service *service = &life->state.model->services[about->service];
	const struct ipvs_condition *condition = &life->state.services[about->service].condition;
	struct ipvs_dest_key key;
	const struct ipvs_dest *dest;
	enum verdict health;

	ck_assert_int_eq(condition->sorry, condition->state == SERVICE_SORRY);
	if (!service->sorry_server_count)
		return;
	health = ipvs_server_health(service->sorry_server, life->state.verdicts);
	if (condition->quorum == IPVS_QUORUM_LOST && !condition->panic &&
	    !sorry_is_kept_out(life, about->service))
		ck_assert(condition->sorry ? health != VERDICT_DOWN : health != VERDICT_UP);
	else
		ck_assert(!condition->sorry);
	key = ipvs_dest_key_of(about, service->sorry_server);
	dest = ipvs_dest_find(ipvs_table_find(&life->kernel.table, &about->empty.key), &key);
	if (condition->sorry)
		ck_assert_uint_eq(dest->attr.weight, ipvs_weight_factor(service));
	else if (!about->sorry_is_real)
		ck_assert(!dest || (!dest->attr.weight && service->on_failure == ON_FAILURE_QUIESCE));
}

/* Nothing more comes of what is known already. */
static void check_settled(struct life *life)
{
	struct ipvs_plan plan = {0};

	for (uint32_t s = 0; s < life->state.model->service_count; s++)
		ipvs_state_mark(&life->state, s);
	ck_assert_int_eq(ipvs_state_settle(life->arena, &life->state, life->now, &plan), 0);
	ck_assert_uint_eq(plan.count, 0);
}

static void check_life(const struct life *life, const struct ipvs_table *before)
{
	const struct ipvs_state *state = &life->state;

	ck_assert(ipvs_table_equal(&life->kernel.table, &state->wanted));
	ck_assert(ipvs_in_order(&life->kernel.table));
	ck_assert(ipvs_same_order(&life->kernel.table, &state->wanted));
	ck_assert_uint_eq(life->kernel.table.count, state->layout.count);
	for (uint32_t s = 0; s < state->model->service_count; s++)
		check_quorum(state, s, life->now);
	for (size_t v = 0; v < state->layout.count; v++) {
		const struct service *service =
			&state->model->services[state->layout.virtuals[v].service];

		for (size_t i = 0; i < service->real_server_count; i++)
			check_server(life, v, &service->real_servers[i], before);
		check_sorry(life, v);
	}
}

/* Time alone: what is due is done, and nothing is due twice. */
static void step_time(struct life *life)
{
	struct ipvs_plan plan = {0};

	life->now += random_below(3000) * NSTIME_MS;
	ipvs_state_wake(&life->state, life->now);
	ck_assert_int_eq(ipvs_state_settle(life->arena, &life->state, life->now, &plan), 0);
	run(life, plan.ops, plan.count);
	ck_assert(ipvs_state_due(&life->state) > life->now);
}

static void step_read_back(struct life *life)
{
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_plan_build(life->arena, &life->state.wanted, &life->kernel.table,
					 &owned, &plan),
			 0);
	run(life, plan.ops, plan.count);
	put_in_order(life);
}

static void settle(struct life *life, struct ipvs_plan *plan)
{
	for (unsigned times = 1 + random_below(4); times; times--) {
		struct fact_probe fact = {.probe = random_below(2 * SERVERS + 1),
					  .verdict = (enum verdict)random_below(3),
					  .since = life->now};

		ipvs_state_verdict(&life->state, &fact);
	}
	ck_assert_int_eq(ipvs_state_settle(life->arena, &life->state, life->now, plan), 0);
}

static void step_verdict(struct life *life)
{
	struct ipvs_plan plan = {0};

	settle(life, &plan);
	run(life, plan.ops, plan.count);
}

/* An operation that verdicts need is refused or lost; then the kernel is looked at. */
static void step_trouble(struct life *life)
{
	struct ipvs_plan plan = {0};

	settle(life, &plan);
	fake_ipvs_run(&life->kernel, plan.ops, plan.count,
		      (enum fake_trouble)random_below(FAKE_TROUBLES), random_below(5));
	step_read_back(life);
}

/* COMMIT, perhaps with verdicts before FINISH, then the removals that are still unwanted: all that
 * the model has not. */
static void step_reload(struct life *life)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_state next;
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_state_build(life->arena, test_random_model(life->arena), &next, &why), 0);
	ck_assert_int_eq(ipvs_state_carry(life->arena, &next, &life->state), 0);
	ipvs_state_desire(&next, &life->state.wanted, life->now);
	ck_assert_int_eq(
		ipvs_plan_build(life->arena, &next.wanted, &life->state.wanted, &owned, &plan), 0);
	life->state = next;
	run(life, plan.ops, plan.count);
	put_in_order(life);
}

/* All that a reload carries over. */
static void check_alike(const struct ipvs_state *a, const struct ipvs_state *b)
{
	for (size_t p = 0; p < a->model->probe_count; p++) {
		ck_assert_int_eq(a->verdicts[p], b->verdicts[p]);
		ck_assert_int_eq(a->memory[p].since, b->memory[p].since);
		ck_assert_int_eq(a->memory[p].reason, b->memory[p].reason);
		ck_assert(advice_equal(&a->memory[p].told, &b->memory[p].told));
	}
	for (size_t s = 0; s < a->model->service_count; s++) {
		const struct ipvs_condition *of_a = &a->services[s].condition,
					    *of_b = &b->services[s].condition;

		ck_assert_int_eq(of_a->state, of_b->state);
		ck_assert_int_eq(of_a->quorum, of_b->quorum);
		ck_assert_int_eq(of_a->panic, of_b->panic);
		ck_assert_int_eq(of_a->sorry, of_b->sorry);
		ck_assert_int_eq(of_a->calm_since, of_b->calm_since);
		ck_assert_int_eq(a->services[s].since, b->services[s].since);
		ck_assert_mem_eq(&a->services[s].traffic, &b->services[s].traffic, sizeof(struct traffic));
	}
	for (size_t i = 0; i < a->server_first[a->model->service_count]; i++) {
		ck_assert_int_eq(a->servers[i].fit, b->servers[i].fit);
		ck_assert_int_eq(a->servers[i].now.ramping, b->servers[i].now.ramping);
		ck_assert_mem_eq(&a->servers[i].traffic, &b->servers[i].traffic, sizeof(struct traffic));
	}
	ck_assert_mem_eq(a->meters, b->meters, a->layout.count * sizeof(*a->meters));
	ck_assert_mem_eq(a->dest_meters, b->dest_meters,
			 a->dest_first[a->layout.count] * sizeof(*a->dest_meters));
}

/* A sorry server in the place of a real one is counted as that one. */
static void count_dests(struct ipvs_state *state, uint32_t v)
{
	const struct ipvs_dest_key *keys = state->layout.virtuals[v].keys;

	for (uint32_t k = 0; k < state->dest_first[v + 1] - state->dest_first[v]; k++)
		if (random_below(2) && (!k || ipvs_dest_key_compare(&keys[k - 1], &keys[k])))
			state->dest_meters[state->dest_first[v] + k].last.bytes_in =
				100 * random_below(1 << 30);
}

static void count_at_random(struct ipvs_state *state)
{
	for (uint32_t v = 0; v < state->layout.count; v++)
		count_dests(state, v);
	for (size_t v = 0; v < state->layout.count; v++)
		state->meters[v].last.packets_in = random_below(300);
	for (size_t i = 0; i < state->server_first[state->model->service_count]; i++)
		state->servers[i].traffic.connections = random_below(2) * random_below(70000);
	for (size_t s = 0; s < state->model->service_count; s++)
		state->services[s].traffic.packets_out = random_below(1 << 20);
}

/* Another process takes this one's place, maybe with another file: it knows and wants what this one would
 * after a reload of that file. */
static void step_succeed(struct life *life)
{
	static struct contests contests;
	const struct model *model =
		random_below(2) ? test_random_model(life->arena) : life->state.model;
	size_t room = ipvs_leave_size(&life->state);
	uint8_t *bytes = arena_alloc(life->arena, room);
	struct writer out = writer_of(bytes, room);
	struct ipvs_state next, twin;
	struct ipvs_inherited rest;
	struct ipvs_plan plan;
	struct text why = {0};
	struct reader in;

	count_at_random(&life->state);
	ipvs_leave(&out, &life->state, &(struct ipvs_carry_worker){.repairs = 7}, &contests, life->now);
	ck_assert(!out.failed);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(carry_start(&in));
	ck_assert_int_eq(ipvs_state_build(life->arena, model, &next, &why), 0);
	ck_assert_int_eq(ipvs_state_build(life->arena, model, &twin, &why), 0);
	ck_assert_int_eq(ipvs_inherit(life->arena, &next, &in, life->now, &rest), 0);
	ck_assert_int_eq(ipvs_state_carry(life->arena, &twin, &life->state), 0);
	ck_assert_uint_eq(rest.worker.repairs, 7);
	check_alike(&next, &twin);
	ipvs_state_desire(&next, &life->state.wanted, life->now);
	ipvs_state_desire(&twin, &life->state.wanted, life->now);
	check_alike(&next, &twin);
	ck_assert_int_eq(ipvs_plan_build(life->arena, &next.wanted, &twin.wanted, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(
		ipvs_plan_build(life->arena, &next.wanted, &life->state.wanted, &owned, &plan), 0);
	life->state = next;
	run(life, plan.ops, plan.count);
	put_in_order(life);
}

static void step_interference(struct life *life)
{
	for (unsigned times = random_below(4); times && life->kernel.table.count; times--) {
		struct ipvs_service *service =
			&life->kernel.services[random_below((unsigned)life->kernel.table.count)];
		struct ipvs_op op = {.kind = random_below(3) ? IPVS_DEL_DEST : IPVS_DEL_SERVICE,
				     .service = service->key};

		if (service->dest_count)
			op.dest = service->dests[random_below((unsigned)service->dest_count)].key;
		fake_ipvs_apply(&life->kernel, &op);
	}
	step_read_back(life);
}

static void begin(struct life *life)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_plan plan;

	memset(life, 0, sizeof(*life));
	life->arena = arena_new(0);
	fake_ipvs_init(&life->kernel);
	ck_assert_int_eq(
		ipvs_state_build(life->arena, test_random_model(life->arena), &life->state, &why), 0);
	ipvs_state_desire(&life->state, &life->kernel.table, 1);
	ck_assert_int_eq(ipvs_plan_build(life->arena, &life->state.wanted, &life->kernel.table,
					 &owned, &plan),
			 0);
	run(life, plan.ops, plan.count);
	put_in_order(life);
}

START_TEST(the_kernel_has_what_the_rules_say_after_every_verdict_reload_change_of_worker_and_repair)
{
	static struct life life;
	static struct fake_ipvs before;

	for (unsigned round = 0; round < LIVES; round++) {
		begin(&life);
		for (unsigned step = 0; step < STEPS; step++) {
			step_time(&life);
			fake_ipvs_copy(&before, &life.kernel.table);
			switch (random_below(9)) {
			case 0:
				step_reload(&life);
				break;
			case 3:
				step_succeed(&life);
				break;
			case 1:
				step_interference(&life);
				break;
			case 2:
				step_trouble(&life);
				break;
			default:
				step_verdict(&life);
			}
			check_life(&life, &before.table);
			check_settled(&life);
			check_stale(&life.state);
		}
		arena_free(life.arena);
	}
}
END_TEST

/* The services that models here can have, all ours. */
static void own_everything(void)
{
	static struct ipvs_service services[2 * SERVICES];
	static struct ipvs_service_key keys[2 * SERVICES];
	struct ipvs_table table = {services, 2 * SERVICES};

	for (uint32_t i = 0; i < 2 * SERVICES; i++)
		services[i].key =
			(struct ipvs_service_key){.address = addr_from_ipv4(0xc0a80800 + i / 2),
						  .port = (uint16_t)(80 + i % 2),
						  .protocol = IPPROTO_TCP};
	ipvs_table_sort(&table);
	for (size_t i = 0; i < table.count; i++)
		keys[i] = services[i].key;
	owned = (struct ipvs_keys){keys, table.count};
}

TCase *ipvs_state_property_case(void)
{
	own_everything();
	return CASE("state",
		    the_kernel_has_what_the_rules_say_after_every_verdict_reload_change_of_worker_and_repair);
}
