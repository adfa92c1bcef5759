/* What a director does with its table (as ipvs_main.c: read, plan, change, remove) before a kernel
 * that refuses or falls silent at any operation, and with somebody else at the same table. */
#include <string.h>

#include "base/arena.h"
#include "fake_ipvs.h"
#include "ipvs/plan.h"
#include "random.h"
#include "random_ipvs.h"
#include "test_ipvs.h"

#define ROUNDS 40

static struct fake_ipvs kernel;

/* One director's view: what it wants, what it owns, what the kernel had at the beginning. A weight
 * that shall be 0 is not held back for one that could not be raised; a removal is. */
struct director {
	struct arena *arena;
	bool was_refused;
	struct ipvs_table desired, first, goal;
	struct ipvs_keys owned;
};

static void begin(struct director *director, struct arena *arena)
{
	director->arena = arena;
	director->desired = ipvs_random_table(arena);
	director->first = ipvs_random_table(arena);
	director->owned = ipvs_random_owned(arena, &director->desired);
	director->goal =
		ipvs_expected(arena, &director->desired, &director->first, &director->owned);
}

static void check_each(void *ctx, const struct fake_ipvs *now)
{
	const struct director *director = ctx;

	ipvs_check_never_empty(&director->first, &director->goal, &now->table,
			       !director->was_refused);
}

static void reset(struct director *director)
{
	director->was_refused = false;
	fake_ipvs_copy(&kernel, &director->first);
	kernel.each = check_each;
	kernel.ctx = director;
}

static struct ipvs_table dump(const struct director *director)
{
	struct ipvs_table table = fake_ipvs_dump(&kernel, director->arena);

	ipvs_table_sort(&table);
	return table;
}

/* One look at the kernel; the trouble is with operation `at` of it. Returns how many operations it
 * took. */
static size_t mend(struct director *director, enum fake_trouble trouble, size_t at)
{
	struct ipvs_table actual = dump(director);
	struct ipvs_plan plan, safe = {0};
	size_t later;

	ck_assert_int_eq(ipvs_plan_build(director->arena, &director->desired, &actual,
					 &director->owned, &plan),
			 0);
	ck_assert_int_eq(ipvs_plan_order(director->arena, &director->desired, &plan), 0);
	director->was_refused |= trouble == FAKE_REFUSED;
	later = at >= plan.removals ? at - plan.removals : SIZE_MAX;
	if (!fake_ipvs_run(&kernel, plan.ops, plan.removals, trouble, at)) {
		if (plan.count > plan.removals)
			fake_ipvs_run(&kernel, plan.ops + plan.removals,
				      plan.count - plan.removals, trouble, later);
		return plan.count;
	}
	actual = dump(director);
	ck_assert_int_eq(ipvs_plan_safe_removals(director->arena, &director->desired, &actual,
						 &director->owned, &safe),
			 0);
	fake_ipvs_run(&kernel, safe.ops, safe.count, FAKE_FINE, 0);
	return plan.count;
}

START_TEST(a_failure_at_any_operation_heals_and_leaves_no_service_empty_meanwhile)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct director director = {0};
		size_t count;

		begin(&director, arena);
		reset(&director);
		count = mend(&director, FAKE_FINE, 0);
		ck_assert(ipvs_table_equal(&kernel.table, &director.goal));
		ck_assert_uint_eq(mend(&director, FAKE_FINE, 0), 0);
		for (size_t at = 0; at < count; at++)
			for (unsigned trouble = FAKE_REFUSED; trouble < FAKE_TROUBLES; trouble++) {
				reset(&director);
				mend(&director, (enum fake_trouble)trouble, at);
				mend(&director, FAKE_FINE, 0);
				ck_assert(ipvs_table_equal(&kernel.table, &director.goal));
			}
	}
}
END_TEST

START_TEST(failures_one_after_the_other_heal_once_they_end)
{
	for (unsigned round = 0; round < 20 * ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct director director = {0};

		begin(&director, arena);
		reset(&director);
		for (unsigned times = random_below(6); times; times--)
			mend(&director, (enum fake_trouble)random_below(FAKE_TROUBLES),
			     random_below(20));
		mend(&director, FAKE_FINE, 0);
		ck_assert(ipvs_table_equal(&kernel.table, &director.goal));
	}
}
END_TEST

/* ---- a scheduler that the kernel lacks ------------------------------------------------------- */

/* What can be had of the wanted table: services with that scheduler stay as they were, or missing;
 * of those that are there servers are as wanted. */
static struct ipvs_table without(const struct director *director, const char *scheduler)
{
	struct ipvs_table table = {.services = arena_array(director->arena, 2 * IPVS_RANDOM_KEYS,
							   sizeof(*table.services))};

	for (size_t i = 0; i < director->goal.count; i++) {
		struct ipvs_service service = director->goal.services[i];
		const struct ipvs_service *was = ipvs_table_find(&director->first, &service.key);

		if (!strcmp(service.attr.scheduler, scheduler)) {
			if (!was)
				continue;
			service.attr = was->attr;
		}
		table.services[table.count++] = service;
	}
	return table;
}

START_TEST(what_the_kernel_cannot_do_keeps_nothing_else_from_being_done)
{
	for (unsigned round = 0; round < 20 * ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct director director = {0};
		struct ipvs_table reached;

		begin(&director, arena);
		reset(&director);
		kernel.lacks = "wlc";
		mend(&director, FAKE_FINE, 0);
		mend(&director, FAKE_FINE, 0);
		reached = without(&director, "wlc");
		ck_assert(ipvs_table_equal(&kernel.table, &reached));
	}
}
END_TEST

/* ---- somebody else --------------------------------------------------------------------------- */

/* Any operation about any service, whether it makes sense or not. */
static struct ipvs_op random_op(struct arena *arena)
{
	struct ipvs_service service;
	struct ipvs_op op = {.kind = (enum ipvs_op_kind)random_below(IPVS_DEL_DEST + 1)};

	do
		ipvs_random_service(arena, &service, random_below(IPVS_RANDOM_KEYS));
	while (!service.dest_count);
	op.service = service.key;
	op.service_attr = service.attr;
	op.dest = service.dests[0].key;
	op.dest_attr = service.dests[0].attr;
	return op;
}

static void meddle(const struct director *director, unsigned most)
{
	for (unsigned times = random_below(most); times; times--) {
		struct ipvs_op op = random_op(director->arena);

		fake_ipvs_apply(&kernel, &op);
	}
}

static void meddle_each(void *ctx, UNUSED const struct fake_ipvs *now)
{
	if (!random_below(3))
		meddle(ctx, 3);
}

/* Whether somebody else's service is as it was: not ours, and so not touched. */
static void check_foreign(const struct director *director, const struct ipvs_table *before)
{
	for (size_t i = 0; i < before->count; i++) {
		struct ipvs_service was = before->services[i];
		struct ipvs_table one, other = {&was, 1};

		if (ipvs_keys_have(&director->owned, &was.key))
			continue;
		one = (struct ipvs_table){ipvs_table_find(&kernel.table, &was.key), 1};
		ck_assert_ptr_nonnull(one.services);
		ck_assert(ipvs_table_equal(&one, &other));
	}
}

START_TEST(what_somebody_else_changes_is_repaired_and_what_is_his_is_left_alone)
{
	for (unsigned round = 0; round < 20 * ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct director director = {0};
		struct ipvs_table before, goal;

		begin(&director, arena);
		fake_ipvs_copy(&kernel, &director.first);
		kernel.each = meddle_each;
		kernel.ctx = &director;
		for (unsigned times = random_below(4); times; times--)
			mend(&director, (enum fake_trouble)random_below(FAKE_TROUBLES),
			     random_below(20));
		meddle(&director, 8);
		kernel.each = NULL;
		before = dump(&director);
		goal = ipvs_expected(arena, &director.desired, &before, &director.owned);
		mend(&director, FAKE_FINE, 0);
		ck_assert(ipvs_table_equal(&kernel.table, &goal));
		check_foreign(&director, &before);
		ck_assert_uint_eq(mend(&director, FAKE_FINE, 0), 0);
	}
}
END_TEST

TCase *ipvs_failures_property_case(void)
{
	return CASE("failures",
		    a_failure_at_any_operation_heals_and_leaves_no_service_empty_meanwhile,
		    failures_one_after_the_other_heal_once_they_end,
		    what_the_kernel_cannot_do_keeps_nothing_else_from_being_done,
		    what_somebody_else_changes_is_repaired_and_what_is_his_is_left_alone);
}
