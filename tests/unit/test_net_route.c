/* net/route: the plan against a model of the kernel, by hand and at random. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "net/route.h"
#include "suite.h"

static struct route route(uint32_t link, const char *to, const char *via, uint32_t metric,
			  uint32_t table)
{
	struct addr next_hop = {0};
	struct prefix prefix;

	ck_assert_int_eq(prefix_parse(to, &prefix), 0);
	if (via)
		ck_assert_int_eq(addr_parse(via, &next_hop), 0);
	return route_ours(link, &prefix, &next_hop, metric, table);
}

static struct route_list list_of(struct route *items, size_t count)
{
	return (struct route_list){.items = items, .count = count};
}

static struct route_plan plan_of(struct arena *arena, const struct route_list *desired,
				 const struct route_list *owned, const struct route_list *actual)
{
	struct route_plan plan;

	ck_assert_int_eq(route_plan_build(arena, desired, owned, actual, &plan), 0);
	return plan;
}

/* ---- values ---- */

START_TEST(route_is_as_the_kernel_will_tell_it)
{
	struct route six = route(3, "2001:db8:1::7/48", NULL, 0, ROUTE_TABLE_MAIN);
	struct route four = route(3, "203.0.113.77/24", "192.168.8.1", 0, 100);
	char text[ROUTE_TEXT];

	ck_assert_uint_eq(six.metric, ROUTE_METRIC_IPV6);
	ck_assert_str_eq(route_format(&six, text), "2001:db8:1::/48");
	ck_assert_uint_eq(four.metric, 0);
	ck_assert_str_eq(route_format(&four, text), "203.0.113.0/24 via 192.168.8.1 table 100");
	four.metric = 50;
	four.table = ROUTE_TABLE_MAIN;
	ck_assert_str_eq(route_format(&four, text), "203.0.113.0/24 via 192.168.8.1 metric 50");
}
END_TEST

START_TEST(identity_is_destination_metric_and_table)
{
	struct route a = route(3, "203.0.113.0/24", "192.168.8.1", 10, 254);
	struct route hop = route(4, "203.0.113.0/24", "192.168.8.2", 10, 254);
	struct route metric = route(3, "203.0.113.0/24", "192.168.8.1", 11, 254);
	struct route table = route(3, "203.0.113.0/24", "192.168.8.1", 10, 253);

	ck_assert_int_eq(route_compare(&a, &hop), 0);
	ck_assert(!route_equal(&a, &hop) && route_equal(&a, &a));
	ck_assert(route_compare(&a, &metric) < 0 && route_compare(&a, &table) > 0);
}
END_TEST

/* ---- plans by hand ---- */

START_TEST(routes_in_place_need_nothing)
{
	auto_arena *arena = arena_new(0);
	struct route there = route(3, "203.0.113.0/24", "192.168.8.1", 0, 254);
	struct route_list list = list_of(&there, 1);

	ck_assert_uint_eq(plan_of(arena, &list, &list, &list).count, 0);
}
END_TEST

START_TEST(another_next_hop_is_a_change_in_place)
{
	auto_arena *arena = arena_new(0);
	struct route old = route(3, "203.0.113.0/24", "192.168.8.1", 0, 254);
	struct route new = route(4, "203.0.113.0/24", "192.168.9.1", 0, 254);
	struct route_list was = list_of(&old, 1), becomes = list_of(&new, 1);
	struct route_plan plan = plan_of(arena, &becomes, &was, &was);

	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ROUTE_CHANGE);
	ck_assert(route_equal(&plan.ops[0].route, &new));
}
END_TEST

START_TEST(another_metric_is_there_before_the_old_one_goes)
{
	auto_arena *arena = arena_new(0);
	struct route old = route(3, "203.0.113.0/24", "192.168.8.1", 10, 254);
	struct route new = route(3, "203.0.113.0/24", "192.168.8.1", 20, 254);
	struct route_list was = list_of(&old, 1), becomes = list_of(&new, 1);
	struct route_plan plan = plan_of(arena, &becomes, &was, &was);

	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.ops[0].action, ROUTE_ADD);
	ck_assert_int_eq(plan.ops[1].action, ROUTE_REMOVE);
}
END_TEST

START_TEST(routes_come_in_the_order_of_the_file_and_go_in_reverse)
{
	auto_arena *arena = arena_new(0);
	struct route both[] = {route(3, "203.0.113.0/24", NULL, 0, 254),
			       route(3, "10.0.0.0/8", "203.0.113.1", 0, 254)};
	struct route_list list = list_of(both, 2), none = {0};
	struct route_plan plan = plan_of(arena, &list, &none, &none);

	ck_assert_uint_eq(plan.count, 2);
	ck_assert(route_equal(&plan.ops[0].route, &both[0]));
	plan = plan_of(arena, &none, &list, &list);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert(route_equal(&plan.ops[0].route, &both[1]));
}
END_TEST

START_TEST(route_with_our_tag_that_is_not_written_down_is_left_unless_wanted)
{
	auto_arena *arena = arena_new(0);
	struct route there = route(3, "203.0.113.0/24", NULL, 0, 254);
	struct route_list list = list_of(&there, 1), none = {0};
	struct route_plan plan;

	ck_assert_uint_eq(plan_of(arena, &none, &none, &list).count, 0);
	plan = plan_of(arena, &list, &none, &list);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ROUTE_ADOPT);
}
END_TEST

START_TEST(route_that_has_gone_is_struck_out_or_put_back)
{
	auto_arena *arena = arena_new(0);
	struct route two[] = {route(3, "203.0.113.0/24", NULL, 0, 254),
			      route(3, "198.51.100.0/24", NULL, 0, 254)};
	struct route_list owned = list_of(two, 2), desired = list_of(two, 1), none = {0};
	struct route_plan plan = plan_of(arena, &desired, &owned, &none);

	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.ops[0].action, ROUTE_ADD);
	ck_assert_int_eq(plan.ops[1].action, ROUTE_FORGET);
}
END_TEST

/* ---- plans at random ---- */

struct world {
	struct route_list actual, owned, desired;
};

static struct route random_route(void)
{
	static const char *const to[] = {"203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0"};
	static const char *const via[][2] = {{"192.168.8.1", "192.168.8.2"},
					     {"fe80::1", "fe80::2"}};
	size_t at = (size_t)rand() % COUNT_OF(to);

	return route(2 + (uint32_t)rand() % 2, to[at],
		     rand() % 3 ? via[at / 2][rand() % 2] : NULL, 10 * ((uint32_t)rand() % 3),
		     rand() % 2 ? ROUTE_TABLE_MAIN : 100);
}

static struct route *list_at(struct route_list *list, const struct route *wanted)
{
	return (struct route *)(uintptr_t)route_find(list, wanted);
}

static bool list_keep(struct arena *arena, struct route_list *list, const struct route *added)
{
	if (route_find(list, added))
		return false;
	*(struct route *)arena_push(arena, &list->items, &list->count, sizeof(*added)) = *added;
	return true;
}

static bool list_drop(struct route_list *list, const struct route *gone)
{
	struct route *found = list_at(list, gone);

	if (found)
		*found = list->items[--list->count];
	return found;
}

static struct world world_random(struct arena *arena)
{
	struct world world = {0};

	for (int i = rand() % 12; i > 0; i--) {
		struct route one = random_route();

		if (list_keep(arena, &world.actual, &one) && rand() % 2)
			list_keep(arena, &world.owned, &one);
	}
	for (int i = rand() % 3; i > 0; i--) {
		struct route stale = random_route();

		list_keep(arena, &world.owned, &stale);
	}
	for (int i = rand() % 8; i > 0; i--) {
		struct route wanted = random_route();

		list_keep(arena, &world.desired, &wanted);
	}
	return world;
}

/* What the kernel and the owned file make of one operation; the kernel refuses none. */
static void world_apply(struct arena *arena, struct world *world, const struct route_op *op)
{
	switch (op->action) {
	case ROUTE_ADD:
		list_keep(arena, &world->owned, &op->route);
		ck_assert(list_keep(arena, &world->actual, &op->route));
		return;
	case ROUTE_CHANGE:
		list_keep(arena, &world->owned, &op->route);
		ck_assert(route_find(&world->actual, &op->route) != NULL);
		*list_at(&world->actual, &op->route) = op->route;
		return;
	case ROUTE_ADOPT:
		ck_assert(route_equal(route_find(&world->actual, &op->route), &op->route));
		list_keep(arena, &world->owned, &op->route);
		return;
	case ROUTE_REMOVE:
		ck_assert(list_drop(&world->owned, &op->route));
		ck_assert(list_drop(&world->actual, &op->route));
		return;
	case ROUTE_FORGET:
		ck_assert(!route_find(&world->actual, &op->route));
		ck_assert(list_drop(&world->owned, &op->route));
		return;
	}
}

static void world_check(const struct route_list *before, const struct route_list *owned,
			const struct world *after)
{
	for (size_t i = 0; i < after->desired.count; i++) {
		const struct route *wanted = &after->desired.items[i];
		const struct route *there = route_find(&after->actual, wanted);

		ck_assert(there && route_equal(there, wanted));
		ck_assert(route_find(&after->owned, wanted) != NULL);
	}
	ck_assert_uint_eq(after->owned.count, after->desired.count);
	for (size_t i = 0; i < before->count; i++) {
		const struct route *old = &before->items[i];
		bool goes = route_find(owned, old) && !route_find(&after->desired, old);

		ck_assert(goes == !route_find(&after->actual, old));
	}
	for (size_t i = 0; i < after->actual.count; i++)
		ck_assert(route_find(before, &after->actual.items[i]) ||
			  route_find(&after->desired, &after->actual.items[i]));
}

static struct route_list list_copy(struct arena *arena, const struct route_list *list)
{
	return list_of(arena_copy(arena, list->items, list->count * sizeof(*list->items)),
		       list->count);
}

START_TEST(apply_of_the_plan_gives_what_is_desired)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("route plan: LBHA_SEED=%u\n", seed);
	fflush(stdout);
	srand(seed);
	for (int round = 0; round < 20000; round++) {
		auto_arena *arena = arena_new(0);
		struct world world = world_random(arena);
		struct route_list actual = list_copy(arena, &world.actual);
		struct route_list owned = list_copy(arena, &world.owned);
		struct route_plan plan = plan_of(arena, &world.desired, &owned, &actual);

		for (size_t i = 0; i < plan.count; i++)
			world_apply(arena, &world, &plan.ops[i]);
		world_check(&actual, &owned, &world);
		plan = plan_of(arena, &world.desired, &world.owned, &world.actual);
		ck_assert_uint_eq(plan.count, 0);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("net/route",
			 CASE("values", route_is_as_the_kernel_will_tell_it,
			      identity_is_destination_metric_and_table),
			 CASE("plan", routes_in_place_need_nothing,
			      another_next_hop_is_a_change_in_place,
			      another_metric_is_there_before_the_old_one_goes,
			      routes_come_in_the_order_of_the_file_and_go_in_reverse,
			      route_with_our_tag_that_is_not_written_down_is_left_unless_wanted,
			      route_that_has_gone_is_struck_out_or_put_back),
			 CASE("property", apply_of_the_plan_gives_what_is_desired), NULL);
}
