/* Random wanted and actual tables against a fake kernel. */
#include <string.h>

#include "base/arena.h"
#include "fake_ipvs.h"
#include "ipvs/plan.h"
#include "random.h"
#include "random_ipvs.h"
#include "test_ipvs.h"

#define ROUNDS 3000

/* Nothing is deleted and added, which costs connections what comes between: but for moves at the end
 * of the plan. */
static void check_no_replacement(const struct ipvs_plan *plan, size_t moves)
{
	for (size_t i = 0; i < moves; i++)
		ck_assert_int_eq(plan->ops[i].kind == IPVS_DEL_DEST ||
					 plan->ops[i].kind == IPVS_DEL_SERVICE,
				 i >= plan->removals);
	for (size_t d = plan->removals; d < moves; d++)
		for (size_t a = 0; a < plan->removals; a++) {
			const struct ipvs_op *gone = &plan->ops[d], *new = &plan->ops[a];

			if (ipvs_service_key_compare(&gone->service, &new->service))
				continue;
			ck_assert(gone->kind != IPVS_DEL_SERVICE);
			ck_assert(new->kind != IPVS_ADD_SERVICE);
			ck_assert(new->kind < IPVS_ADD_DEST ||
				  ipvs_dest_key_compare(&gone->dest, &new->dest));
		}
	for (size_t i = moves; i < plan->count; i += 2)
		ck_assert(ipvs_plan_is_move(plan->ops + i, plan->count - i));
}

/* A whole plan; where its moves begin goes to *moves. */
static struct ipvs_plan plan_of(struct arena *arena, struct ipvs_table *desired,
				const struct ipvs_table *actual, const struct ipvs_keys *owned,
				size_t *moves)
{
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_plan_build(arena, desired, actual, owned, &plan), 0);
	*moves = plan.count;
	ck_assert_int_eq(ipvs_plan_order(arena, desired, &plan), 0);
	return plan;
}

static struct fake_ipvs kernel;

/* What is wanted is in the kernel in the order that the rule says, and that the plan has told. */
static void check_order(struct arena *arena, const struct ipvs_table *desired)
{
	struct ipvs_table wanted = {
		.services = arena_array(arena, desired->count + 1, sizeof(*wanted.services))};

	for (; wanted.count < desired->count; wanted.count++)
		wanted.services[wanted.count] = *ipvs_table_find(
			&kernel.table, &desired->services[wanted.count].key);
	ck_assert(ipvs_in_order(&wanted));
	ck_assert(ipvs_same_order(&wanted, desired));
}

START_TEST(a_plan_makes_the_actual_table_the_wanted_one_and_a_second_plan_is_empty)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_table desired = ipvs_random_table(arena),
				  actual = ipvs_random_table(arena), goal;
		struct ipvs_keys owned = ipvs_random_owned(arena, &desired);
		size_t moves;
		struct ipvs_plan plan = plan_of(arena, &desired, &actual, &owned, &moves);

		check_no_replacement(&plan, moves);
		goal = ipvs_expected(arena, &desired, &actual, &owned);
		fake_ipvs_copy(&kernel, &actual);
		for (size_t i = 0; i < plan.count; i++) {
			ck_assert_int_eq(fake_ipvs_apply(&kernel, &plan.ops[i]), 0);
			ipvs_check_never_empty(&actual, &goal, &kernel.table, true);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &goal));
		check_order(arena, &desired);
		plan = plan_of(arena, &desired, &kernel.table, &owned, &moves);
		ck_assert_uint_eq(plan.count, 0);
	}
}
END_TEST

START_TEST(planning_again_heals_operations_that_failed)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_table desired = ipvs_random_table(arena),
				  actual = ipvs_random_table(arena), goal;
		struct ipvs_keys owned = ipvs_random_owned(arena, &desired);
		struct ipvs_plan plan;

		goal = ipvs_expected(arena, &desired, &actual, &owned);
		fake_ipvs_copy(&kernel, &actual);
		for (unsigned tries = 0; tries < 4; tries++) {
			ck_assert_int_eq(
				ipvs_plan_build(arena, &desired, &kernel.table, &owned, &plan), 0);
			for (size_t i = 0; i < plan.count; i++)
				if (tries == 3 || random_below(3))
					fake_ipvs_apply(&kernel, &plan.ops[i]);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &goal));
	}
}
END_TEST

START_TEST(the_plan_of_one_service_is_that_of_a_table_with_only_it)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_service desired, actual;
		struct ipvs_table one = {&desired, 1}, other = {&actual, 1};
		struct ipvs_plan plan = {0};

		ipvs_random_service(arena, &desired, 0);
		ipvs_random_service(arena, &actual, 0);
		ck_assert_int_eq(ipvs_plan_service(arena, &desired, &actual, &plan), 0);
		fake_ipvs_copy(&kernel, &other);
		for (size_t i = 0; i < plan.count; i++) {
			ck_assert_int_eq(fake_ipvs_apply(&kernel, &plan.ops[i]), 0);
			ipvs_check_never_empty(&other, &one, &kernel.table, true);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &one));
		check_order(arena, &one);
	}
}
END_TEST

TCase *ipvs_plan_property_case(void)
{
	return CASE("plan", a_plan_makes_the_actual_table_the_wanted_one_and_a_second_plan_is_empty,
		    planning_again_heals_operations_that_failed,
		    the_plan_of_one_service_is_that_of_a_table_with_only_it);
}
