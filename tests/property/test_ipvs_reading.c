/* A look at the kernel's table in pieces, while all kinds of things happen in between: verdicts that
 * change the table from our side, and others who change it behind our back. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "fake_ipvs.h"
#include "ipvs/reading.h"
#include "random.h"
#include "test_ipvs.h"

#define ROUNDS 400
#define PROBES 12

struct look {
	struct arena *arena, *list, *scratch;
	struct ipvs_state state;
	struct fake_ipvs kernel;
	struct ipvs_keys owned;
	struct ipvs_reading reading;
	uint64_t operations;
	unsigned ours;   /* of 10: how often the table is changed by us between two pieces */
	unsigned others; /* likewise by others */
	nstime now;
};

static void run(struct look *look, const struct ipvs_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		ck_assert_int_eq(fake_ipvs_apply(&look->kernel, &plan->ops[i]), 0);
	look->operations += plan->count;
}

static void begin(struct look *look)
{
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	struct ipvs_plan plan;

	memset(look, 0, sizeof(*look));
	look->arena = arena_new(0);
	look->list = arena_new(0);
	look->scratch = arena_new(0);
	look->now = NSTIME_S;
	fake_ipvs_init(&look->kernel);
	ck_assert_int_eq(ipvs_state_build(look->arena, test_random_model(look->arena), &look->state,
					  &why),
			 0);
	ipvs_state_desire(&look->state, &look->kernel.table, look->now);
	ck_assert_int_eq(ipvs_keys_of(look->arena, &look->state.wanted, &look->owned), 0);
	ck_assert_int_eq(ipvs_plan_build(look->arena, &look->state.programmed, &look->kernel.table,
					 &look->owned, &plan),
			 0);
	run(look, &plan);
	plan = (struct ipvs_plan){0};
	ck_assert_int_eq(ipvs_plan_order(look->arena, &look->state.programmed, &plan), 0);
	run(look, &plan);
}

static void end(struct look *look)
{
	arena_free(look->arena);
	arena_free(look->list);
	arena_free(look->scratch);
}

/* A verdict, and what it costs. Operations that others have made senseless are refused, as a kernel
 * would do it: then nobody reads in pieces any more, so such a verdict is left out here. */
static void step_of_ours(struct look *look)
{
	struct fact_probe fact = {.probe = random_below(PROBES),
				  .verdict = random_below(2) ? VERDICT_UP : VERDICT_DOWN,
				  .since = look->now};
	struct ipvs_plan plan = {0};

	ipvs_state_verdict(&look->state, &fact);
	ck_assert_int_eq(ipvs_state_settle(look->arena, &look->state, look->now, &plan), 0);
	run(look, &plan);
}

static void step_of_others(struct look *look)
{
	struct ipvs_service *service;
	struct ipvs_op op = {.kind = IPVS_DEL_SERVICE};

	if (!look->kernel.table.count)
		return;
	service = &look->kernel.services[random_below((unsigned)look->kernel.table.count)];
	op.service = service->key;
	if (service->dest_count && random_below(4)) {
		const struct ipvs_dest *dest =
			&service->dests[random_below((unsigned)service->dest_count)];

		op.kind = random_below(2) ? IPVS_DEL_DEST : IPVS_SET_DEST;
		op.dest = dest->key;
		op.dest_attr = dest->attr;
		op.dest_attr.weight++;
	} else if (random_below(2)) {
		op.kind = IPVS_SET_SERVICE;
		op.service_attr = service->attr;
		op.service_attr.flags ^= 4;
	}
	ck_assert_int_eq(fake_ipvs_apply(&look->kernel, &op), 0);
}

static void meanwhile(struct look *look)
{
	if (random_below(10) < look->ours)
		step_of_ours(look);
	if (random_below(10) < look->others)
		step_of_others(look);
}

/* The kernel tells the destination first that was added last. */
static int by_age(const void *a, const void *b)
{
	const struct ipvs_dest *one = a, *two = b;

	return one->place < two->place ? 1 : -1;
}

static void read_some(struct look *look, struct ipvs_service *service, size_t from, size_t until)
{
	const struct ipvs_service *there = ipvs_table_find(&look->kernel.table, &service->key);
	struct ipvs_dest dests[FAKE_DESTS];

	if (!there || !there->dest_count)
		return;
	memcpy(dests, there->dests, there->dest_count * sizeof(*dests));
	qsort(dests, there->dest_count, sizeof(*dests), by_age);
	for (size_t i = from; i < there->dest_count && i < until; i++) {
		struct ipvs_dest *dest = arena_push(look->scratch, &service->dests,
						    &service->dest_count, sizeof(*dest));

		*dest = dests[i];
	}
}

/* The second half may be of another table than the first; not too often in one service. */
static void read_dests(struct look *look, struct ipvs_service *service)
{
	read_some(look, service, 0, 2);
	if (!look->reading.tries)
		meanwhile(look);
	read_some(look, service, 2, FAKE_DESTS);
}

static void list(struct look *look)
{
	for (size_t i = 0; i < look->kernel.table.count; i++) {
		struct ipvs_service *service = ipvs_reading_list(&look->reading);

		*service = look->kernel.services[i];
		service->dests = NULL;
		service->dest_count = 0;
	}
	ipvs_reading_listed(&look->reading, &look->state, &look->owned);
}

static void read_in_pieces(struct look *look, bool compares)
{
	struct ipvs_service *next;

	arena_reset(look->list);
	arena_reset(look->scratch);
	ck_assert_int_eq(ipvs_reading_begin(&look->reading, &look->state, look->list, look->scratch),
			 0);
	look->reading.compares = compares;
	look->reading.counts = true;
	meanwhile(look);
	list(look);
	for (;;) {
		meanwhile(look);
		next = ipvs_reading_next(&look->reading, &look->state, look->operations);
		if (!next)
			return;
		read_dests(look, next);
		ck_assert_int_eq(
			ipvs_reading_read(&look->reading, &look->state, look->operations), 0);
	}
}

static const struct ipvs_service *known(const struct look *look, const struct ipvs_service_key *key)
{
	return ipvs_reading_known(&look->reading, &look->state, key);
}

/* As the worker repairs: whoever is known is taken as believed, the others as they are. */
static void mend(struct look *look)
{
	struct ipvs_table actual = {
		.services = arena_array(look->arena, FAKE_SERVICES, sizeof(*actual.services)),
		.count = look->kernel.table.count};
	struct ipvs_plan plan;

	for (size_t i = 0; i < actual.count; i++) {
		const struct ipvs_service *it = known(look, &look->kernel.services[i].key);

		actual.services[i] = look->kernel.services[i];
		if (!it)
			continue;
		actual.services[i].dests = it->dests;
		actual.services[i].dest_count = it->dest_count;
	}
	ck_assert_int_eq(ipvs_plan_build(look->arena, &look->state.programmed, &actual, &look->owned,
					 &plan),
			 0);
	run(look, &plan);
	plan = (struct ipvs_plan){0};
	ck_assert_int_eq(ipvs_plan_order(look->arena, &look->state.programmed, &plan), 0);
	run(look, &plan);
}

START_TEST(what_we_change_while_reading_is_no_difference)
{
	static struct look look;

	for (unsigned round = 0; round < ROUNDS; round++) {
		begin(&look);
		look.ours = random_below(10);
		read_in_pieces(&look, true);
		ck_assert(ipvs_reading_agrees(&look.reading));
		end(&look);
	}
}
END_TEST

START_TEST(what_others_changed_before_is_found_and_mended)
{
	static struct look look;

	for (unsigned round = 0; round < ROUNDS; round++) {
		begin(&look);
		for (unsigned times = random_below(4); times; times--)
			step_of_others(&look);
		read_in_pieces(&look, true);
		ck_assert_int_eq(ipvs_reading_agrees(&look.reading),
				 ipvs_table_equal(&look.kernel.table, &look.state.programmed));
		mend(&look);
		ck_assert(ipvs_table_equal(&look.kernel.table, &look.state.programmed));
		end(&look);
	}
}
END_TEST

START_TEST(what_others_change_while_reading_is_found_by_the_next_look_at_the_latest)
{
	static struct look look;

	for (unsigned round = 0; round < ROUNDS; round++) {
		begin(&look);
		look.others = 1 + random_below(9);
		read_in_pieces(&look, true);
		look.others = 0;
		read_in_pieces(&look, true);
		mend(&look);
		ck_assert(ipvs_table_equal(&look.kernel.table, &look.state.programmed));
		read_in_pieces(&look, true);
		ck_assert(ipvs_reading_agrees(&look.reading));
		end(&look);
	}
}
END_TEST

/* A service that we change at every try cannot be judged: it is looked at once more. */
START_TEST(a_service_that_never_rests_is_a_suspect)
{
	static struct look look;
	struct ipvs_service *next;

	begin(&look);
	while (!look.state.layout.count) {
		end(&look);
		begin(&look);
	}
	ck_assert_int_eq(ipvs_reading_begin(&look.reading, &look.state, look.list, look.scratch), 0);
	look.reading.compares = true;
	list(&look);
	for (unsigned tries = 0; !look.reading.suspect_count; tries++) {
		next = ipvs_reading_next(&look.reading, &look.state, look.operations++);
		ck_assert_ptr_nonnull(next);
		ck_assert_uint_le(tries, 5);
		read_dests(&look, next);
		ck_assert_int_eq(ipvs_reading_read(&look.reading, &look.state, look.operations), 0);
	}
	ck_assert(!ipvs_reading_agrees(&look.reading));
	end(&look);
}
END_TEST

START_TEST(a_service_of_others_matters_only_if_it_may_be_removed)
{
	static struct look look;
	struct ipvs_op op = {.kind = IPVS_ADD_SERVICE,
			     .service = {.fwmark = 77, .address.family = 2},
			     .service_attr = {.scheduler = "rr"}};
	struct ipvs_keys both;

	begin(&look);
	ck_assert_int_eq(fake_ipvs_apply(&look.kernel, &op), 0);
	read_in_pieces(&look, true);
	ck_assert(ipvs_reading_agrees(&look.reading));
	ck_assert_int_eq(ipvs_keys_of(look.arena, &look.kernel.table, &both), 0);
	look.owned = both;
	read_in_pieces(&look, true);
	ck_assert(look.reading.has_strangers && !ipvs_reading_agrees(&look.reading));
	end(&look);
}
END_TEST

START_TEST(who_only_counts_finds_no_difference)
{
	static struct look look;

	for (unsigned round = 0; round < 50; round++) {
		begin(&look);
		look.others = 5;
		read_in_pieces(&look, false);
		ck_assert(ipvs_reading_agrees(&look.reading));
		end(&look);
	}
}
END_TEST

/* ---- counters -------------------------------------------------------------------------------- */

static void count_something(struct look *look)
{
	for (size_t i = 0; i < look->kernel.table.count; i++) {
		struct ipvs_service *service = &look->kernel.services[i];

		service->counters.connections += random_below(5);
		for (size_t d = 0; d < service->dest_count; d++) {
			service->dests[d].counters.active = random_below(3);
			service->dests[d].counters.connections += random_below(5);
			service->dests[d].counters.bytes_in += random_below(1000);
		}
	}
}

static bool traffic_equal(const struct traffic *a, const struct traffic *b)
{
	return a->connections == b->connections && a->bytes_in == b->bytes_in;
}

START_TEST(counters_read_in_pieces_are_those_of_a_whole_dump)
{
	static struct look pieces, whole;

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t seed = random_state();

		begin(&pieces);
		random_restart(seed);
		begin(&whole);
		for (unsigned times = 0; times < 3; times++) {
			seed = random_state();
			count_something(&pieces);
			random_restart(seed);
			count_something(&whole);
			read_in_pieces(&pieces, true);
			ipvs_state_counters(&whole.state, &whole.kernel.table);
		}
		for (uint32_t s = 0; s < whole.state.model->service_count; s++)
			ck_assert(traffic_equal(&pieces.state.services[s].traffic,
						&whole.state.services[s].traffic));
		for (uint32_t i = 0; i < whole.state.server_first[whole.state.model->service_count];
		     i++) {
			ck_assert(traffic_equal(&pieces.state.servers[i].traffic,
						&whole.state.servers[i].traffic));
			ck_assert_uint_eq(pieces.state.servers[i].connections.active,
					  whole.state.servers[i].connections.active);
		}
		end(&pieces);
		end(&whole);
	}
}
END_TEST

TCase *ipvs_reading_property_case(void)
{
	return CASE("reading", what_we_change_while_reading_is_no_difference,
		    what_others_changed_before_is_found_and_mended,
		    what_others_change_while_reading_is_found_by_the_next_look_at_the_latest,
		    a_service_that_never_rests_is_a_suspect,
		    a_service_of_others_matters_only_if_it_may_be_removed,
		    who_only_counts_finds_no_difference,
		    counters_read_in_pieces_are_those_of_a_whole_dump);
}
