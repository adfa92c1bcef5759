/* Operators and reloads in random steps: whoever is on the way out of the table keeps its place for
 * its connections and its time, gets no weight, and never comes back to leave once more. The servers
 * have no checks, so all rules can be written down here a second time. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "fake_ipvs.h"
#include "ipvs/drain.h"
#include "ipvs/said.h"
#include "ipvs/state.h"
#include "random.h"
#include "test_ipvs.h"

#define LIVES 200
#define STEPS 60
#define SERVICES 2
#define SERVERS 5
#define WALL (1000 * NSTIME_S) /* of our clock's point 0 */

struct life {
	struct arena *arena;
	struct ipvs_state state;
	struct fake_ipvs kernel;
	struct override list[2 * SERVICES * SERVERS];
	size_t count;
	nstime now;
};

/* ---- random values --------------------------------------------------------------------------- */

static struct model *random_model(struct arena *arena)
{
	struct model *model = arena_alloc(arena, sizeof(*model));

	model->services = arena_array(arena, SERVICES, sizeof(*model->services));
	model->service_count = SERVICES;
	for (uint32_t s = 0; s < SERVICES; s++) {
		struct service *it = &model->services[s];
		static const nstime times[] = {0, 5 * NSTIME_S, 30 * NSTIME_S, NSTIME_NEVER};

		*it = (struct service){.name = arena_printf(arena, "service%u", s),
				       .protocols = PROTOCOL_TCP,
				       .scheduler = "wlc",
				       .quorum = 1,
				       .on_failure = ON_FAILURE_QUIESCE,
				       .drain_timeout = times[random_below(4)],
				       .listen_count = 1 + random_below(2)};
		it->listen = arena_array(arena, 2, sizeof(*it->listen));
		it->real_servers = arena_array(arena, SERVERS, sizeof(*it->real_servers));
		for (size_t i = 0; i < 2; i++)
			it->listen[i] = (struct endpoint){addr_from_ipv4(0xc0a80800 + s),
							  (uint16_t)(80 + i)};
		for (uint32_t i = 0; i < SERVERS; i++)
			if (random_below(4))
				it->real_servers[it->real_server_count++] = (struct real_server){
					.name = arena_printf(arena, "server%u", i),
					.weight = 1 + random_below(3),
					.state = random_below(3) ? ADMIN_ENABLED
								 : (enum admin_state)random_below(3),
					.address.address = addr_from_ipv4(0x0a000001 + i)};
	}
	return model;
}

static void random_list(struct life *life)
{
	static const char *const states[] = {"enabled", "drained", "disabled"};

	life->count = 0;
	for (unsigned s = 0; s < SERVICES; s++)
		for (unsigned i = 0; i < SERVERS; i++) {
			struct override *one = &life->list[life->count];

			*one = (struct override){.kind = OVERRIDE_STATE};
			snprintf(one->object, sizeof(one->object), "service%u/server%u", s, i);
			if (!random_below(2)) {
				strcpy(one->value, states[random_below(3)]);
				if (!strcmp(one->value, "drained") && random_below(3))
					one->deadline = WALL + life->now +
							random_below(20) * NSTIME_S;
				life->count++;
				life->list[life->count] = *one;
				one = &life->list[life->count];
			}
			one->kind = OVERRIDE_WEIGHT;
			one->deadline = 0;
			snprintf(one->object, sizeof(one->object), "service%u/server%u", s, i);
			snprintf(one->value, sizeof(one->value), "%u", 1 + random_below(9));
			life->count += !random_below(4);
		}
}

static const struct override *said(const struct life *life, enum override_kind kind,
				   const struct service *service, const struct real_server *server)
{
	char object[OVERRIDE_OBJECT];

	override_object_of(object, service->name, server->name);
	for (size_t i = 0; i < life->count; i++)
		if (life->list[i].kind == kind && !strcmp(life->list[i].object, object))
			return &life->list[i];
	return NULL;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static const struct ipvs_dest *dest_in(const struct ipvs_table *table,
				       const struct ipvs_service_key *key,
				       const struct ipvs_dest_key *dest)
{
	const struct ipvs_service *service = ipvs_table_find(table, key);

	return service ? ipvs_dest_find(service, dest) : NULL;
}

static void check_server(const struct life *life, size_t v, const struct real_server *server,
			 const struct ipvs_table *before)
{
	const struct ipvs_virtual *about = &life->state.layout.virtuals[v];
	const struct service *service = &life->state.model->services[about->service];
	const struct override *state = said(life, OVERRIDE_STATE, service, server),
			      *weight = said(life, OVERRIDE_WEIGHT, service, server);
	enum admin_state admin = override_admin(server->state, state);
	struct ipvs_dest_key key = ipvs_dest_key_of(about, server);
	const struct ipvs_dest *dest = dest_in(&life->kernel.table, &about->empty.key, &key);

	if (admin == ADMIN_DISABLED) {
		ck_assert_ptr_null(dest);
	} else if (admin == ADMIN_DRAINED && state && state->deadline) {
		ck_assert(!dest || !dest->attr.weight);
		ck_assert(!dest || dest_in(before, &about->empty.key, &key));
	} else {
		ck_assert_ptr_nonnull(dest);
		ck_assert_uint_eq(dest->attr.weight, admin == ADMIN_DRAINED ? 0
						     : weight ? override_weight(weight)
							      : server->weight);
	}
}

static bool is_configured(const struct ipvs_virtual *about, const struct service *service,
			  const struct ipvs_dest_key *key)
{
	for (size_t i = 0; i < service->real_server_count; i++) {
		struct ipvs_dest_key its = ipvs_dest_key_of(about, &service->real_servers[i]);

		if (!ipvs_dest_key_compare(&its, key))
			return true;
	}
	return false;
}

/* Whoever is not configured leaves: without weight, never put in, and only where there is time. */
static void check_leavers(const struct life *life, size_t v, const struct ipvs_table *before)
{
	const struct ipvs_virtual *about = &life->state.layout.virtuals[v];
	const struct service *service = &life->state.model->services[about->service];
	const struct ipvs_service *now = ipvs_table_find(&life->kernel.table, &about->empty.key);

	for (size_t i = 0; i < now->dest_count; i++) {
		if (is_configured(about, service, &now->dests[i].key))
			continue;
		ck_assert(service->drain_timeout > 0);
		ck_assert_uint_eq(now->dests[i].attr.weight, 0);
		ck_assert_ptr_nonnull(dest_in(before, &about->empty.key, &now->dests[i].key));
	}
}

static void check_life(const struct life *life, const struct ipvs_table *before)
{
	ck_assert(ipvs_table_equal(&life->kernel.table, &life->state.wanted));
	for (size_t v = 0; v < life->state.layout.count; v++) {
		const struct service *service =
			&life->state.model->services[life->state.layout.virtuals[v].service];

		for (size_t i = 0; i < service->real_server_count; i++)
			check_server(life, v, &service->real_servers[i], before);
		check_leavers(life, v, before);
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void run(struct life *life, const struct ipvs_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		ck_assert_int_eq(fake_ipvs_apply(&life->kernel, &plan->ops[i]), 0);
}

static void settle(struct life *life)
{
	struct ipvs_plan plan = {0};

	ck_assert_int_eq(ipvs_state_settle(life->arena, &life->state, life->now, &plan), 0);
	run(life, &plan);
}

static void step_say(struct life *life)
{
	random_list(life);
	ck_assert_int_eq(ipvs_said_apply(life->arena, &life->state, life->list, life->count), 0);
	settle(life);
}

/* A new configuration for a worker that ran, or for one that begins with the kernel's table. */
static void step_generation(struct life *life, const struct ipvs_state *from,
			    const struct model *model)
{
	static const struct ipvs_keys owned;
	struct ipvs_table current = from ? from->wanted : life->kernel.table;
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_state next;
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_state_build(life->arena, model, &next, &why), 0);
	if (from)
		ck_assert_int_eq(ipvs_state_carry(life->arena, &next, from), 0);
	ck_assert_int_eq(ipvs_said_apply(life->arena, &next, life->list, life->count), 0);
	ck_assert_int_eq(ipvs_leavers_find(life->arena, &next, from, &current, life->now), 0);
	ipvs_state_desire(&next, &current, life->now);
	ck_assert_int_eq(ipvs_plan_build(life->arena, &next.wanted, &current, &owned, &plan), 0);
	run(life, &plan);
	for (size_t i = life->kernel.table.count; i-- > 0;) { /* services that went: all are ours */
		struct ipvs_op op = {.kind = IPVS_DEL_SERVICE,
				     .service = life->kernel.services[i].key};

		if (!ipvs_table_find(&next.wanted, &op.service))
			fake_ipvs_apply(&life->kernel, &op);
	}
	life->state = next;
}

static void random_connections(struct life *life)
{
	for (size_t s = 0; s < life->kernel.table.count; s++)
		for (size_t i = 0; i < life->kernel.services[s].dest_count; i++) {
			struct ipvs_counters *counters =
				&life->kernel.services[s].dests[i].counters;

			counters->active = counters->inactive = counters->persistent = 0;
			switch (random_below(6)) {
			case 0:
				counters->active = 1;
				break;
			case 1:
				counters->inactive = 1;
				break;
			case 2:
				counters->persistent = 1;
				break;
			default:
				break;
			}
		}
}

static bool has_connections(const struct ipvs_dest *dest)
{
	return dest->counters.active || dest->counters.inactive || dest->counters.persistent;
}

/* A look at those that are on their way. Who is out afterwards had no connections under that
 * listener, or no time. */
static void step_look(struct life *life, const struct fake_ipvs *before)
{
	struct ipvs_table read;

	ck_assert_int_eq(ipvs_drain_services(life->arena, &life->state, &read), 0);
	for (size_t i = 0; i < read.count; i++)
		read.services[i] =
			*ipvs_table_find(&life->kernel.table, &read.services[i].key);
	ipvs_drain_look(&life->state, &read, life->now, WALL + life->now, NULL, NULL);
	settle(life);
	for (size_t i = 0; i < life->state.leaver_count; i++) {
		const struct ipvs_leaver *leaver = &life->state.leavers[i];
		const struct ipvs_service_key *key =
			&life->state.layout.virtuals[leaver->virtual].empty.key;
		const struct ipvs_dest *was = dest_in(&before->table, key, &leaver->dest.key);

		ck_assert_int_eq(leaver->gone,
				 !dest_in(&life->kernel.table, key, &leaver->dest.key));
		ck_assert(!was || leaver->gone == (!has_connections(was) ||
						   leaver->deadline <= life->now));
	}
	for (size_t i = 0; i < life->state.draining_count; i++)
		ck_assert_int_gt(life->state.servers[life->state.draining[i]].deadline,
				 WALL + life->now);
}

static void step(struct life *life, const struct fake_ipvs *before)
{
	const struct ipvs_state old = life->state;

	switch (random_below(6)) {
	case 0:
		step_say(life);
		break;
	case 1:
		step_generation(life, &old, random_model(life->arena));
		break;
	case 2: /* kill -9 of the worker */
		step_generation(life, NULL, old.model);
		break;
	default:
		step_look(life, before);
	}
}

START_TEST(who_leaves_has_its_connections_its_time_and_no_way_back)
{
	static struct life life;
	static struct fake_ipvs before;

	for (unsigned round = 0; round < LIVES; round++) {
		memset(&life, 0, sizeof(life));
		life.arena = arena_new(0);
		fake_ipvs_init(&life.kernel);
		step_generation(&life, NULL, random_model(life.arena));
		for (unsigned i = 0; i < STEPS; i++) {
			life.now += random_below(3000) * NSTIME_MS;
			random_connections(&life);
			fake_ipvs_copy(&before, &life.kernel.table);
			step(&life, &before);
			check_life(&life, &before.table);
		}
		arena_free(life.arena);
	}
}
END_TEST

TCase *ipvs_drain_property_case(void)
{
	return CASE("drain", who_leaves_has_its_connections_its_time_and_no_way_back);
}
