/* Repairs that keep coming undone. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "ipvs/contest.h"
#include "test_ipvs.h"

#define START (1000 * NSTIME_S)

static struct contests contests;
static nstime now;

static void setup(void)
{
	contests_init(&contests);
	now = START;
}

static enum contest_verdict ask_at(unsigned seconds, const char *name)
{
	now = START + seconds * NSTIME_S;
	contests_begin(&contests, now);
	return contests_ask(&contests, contest_object("sysctl", name), true, now);
}

START_TEST(a_repair_is_done_at_once_and_then_ever_later)
{
	ck_assert_int_eq(ask_at(0, "a"), CONTEST_REPAIR);
	ck_assert_int_eq(ask_at(1, "a"), CONTEST_WAIT);
	ck_assert_int_eq(contests.due, START + 10 * NSTIME_S);
	ck_assert_int_eq(ask_at(9, "a"), CONTEST_WAIT);
	ck_assert_int_eq(ask_at(10, "a"), CONTEST_AGAIN);
	ck_assert_int_eq(contests.due, NSTIME_NEVER);
	ck_assert_int_eq(ask_at(29, "a"), CONTEST_WAIT);
	ck_assert_int_eq(ask_at(30, "a"), CONTEST_AGAIN);
	for (unsigned last = 30, gap = 40; last < 2000; last += gap) {
		gap = last == 30 ? 40 : 2 * gap < 300 ? 2 * gap : 300;
		ck_assert_int_eq(ask_at(last + gap - 1, "a"), CONTEST_WAIT);
		ck_assert_int_eq(ask_at(last + gap, "a"), CONTEST_AGAIN);
	}
}
END_TEST

START_TEST(what_has_held_long_enough_is_repaired_at_once_again)
{
	ask_at(0, "a");
	ck_assert_int_eq(ask_at(21, "a"), CONTEST_REPAIR);
	ck_assert_int_eq(ask_at(22, "a"), CONTEST_WAIT);
}
END_TEST

START_TEST(one_object_does_not_keep_another_waiting)
{
	ask_at(0, "a");
	ck_assert_int_eq(ask_at(1, "b"), CONTEST_REPAIR);
	ck_assert_int_eq(ask_at(2, "a"), CONTEST_WAIT);
}
END_TEST

START_TEST(it_is_told_until_it_has_held)
{
	ask_at(0, "a");
	ask_at(1, "a");
	contests_tell(&contests, "sysctl -w a=1", now);
	contests_tell(&contests, "something else of the same look", now);
	ck_assert_str_eq(contests.words, "sysctl -w a=1");
	ask_at(10, "a");
	contests_begin(&contests, START + 49 * NSTIME_S);
	ck_assert_str_eq(contests.words, "sysctl -w a=1");
	contests_begin(&contests, START + 51 * NSTIME_S);
	ck_assert_str_eq(contests.words, "");
}
END_TEST

/* ---- plans ----------------------------------------------------------------------------------- */

static struct ipvs_dest dests[2];
static struct ipvs_service services[2];

/* The operations that a table of two services costs whose state somebody else made it: "-C". */
static struct ipvs_plan plan_of(struct arena *arena, bool with_second)
{
	static const struct ipvs_table none;
	struct ipvs_keys owned = {0};
	struct ipvs_table wanted = {services, with_second ? 2 : 1};
	struct ipvs_plan plan;

	dests[0] = test_dest("10.0.0.1:80", 1);
	dests[1] = test_dest("10.0.0.2:80", 1);
	for (size_t i = 0; i < 2; i++)
		services[i] = (struct ipvs_service){
			.key = test_key(i ? "192.168.8.200:81" : "192.168.8.200:80", IPPROTO_TCP),
			.attr = {.scheduler = "rr"},
			.dests = dests,
			.dest_count = 2};
	ck_assert_int_eq(ipvs_plan_build(arena, &wanted, &none, &owned, &plan), 0);
	return plan;
}

START_TEST(a_flushed_table_is_repaired_once_and_then_waits_as_a_whole)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = plan_of(arena, false);

	contests_begin(&contests, now);
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 0);
	ck_assert_uint_eq(plan.count, 3);
	now += NSTIME_S;
	contests_begin(&contests, now);
	plan = plan_of(arena, true); /* another one has come, and is no contested one */
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 3);
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_uint_eq(plan.removals, 3);
	ck_assert_uint_eq(plan.ops[0].service.port, 81);
	ck_assert_str_eq(contests.words, "ipvsadm -A -t 192.168.8.200:80 -s rr");
	ck_assert_int_eq(contests.due, START + 10 * NSTIME_S);
}
END_TEST

START_TEST(servers_of_a_service_that_waits_wait_with_it)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = plan_of(arena, false);

	contests_begin(&contests, now);
	plan.count = plan.removals = 1; /* the service alone was gone */
	contests_filter(&contests, &plan, true, now);
	now += NSTIME_S;
	contests_begin(&contests, now);
	plan = plan_of(arena, false);
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 3);
	ck_assert_uint_eq(plan.count, 0);
	now += NSTIME_S;
	contests_begin(&contests, now);
	plan = plan_of(arena, false);
	plan.ops++; /* it is there again: its servers are not contested */
	plan.count = plan.removals = 2;
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 0);
}
END_TEST

START_TEST(servers_repaired_a_moment_ago_come_with_their_service)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = plan_of(arena, false);

	contests_begin(&contests, now);
	plan.ops++; /* the servers alone were gone */
	plan.count = plan.removals = 2;
	contests_filter(&contests, &plan, true, now);
	now += NSTIME_S;
	contests_begin(&contests, now);
	plan = plan_of(arena, false);
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 0);
	ck_assert_uint_eq(plan.count, 3);
	now += NSTIME_S;
	contests_begin(&contests, now);
	plan = plan_of(arena, false);
	plan.ops++; /* and gone again without it: that is what waits */
	plan.count = plan.removals = 2;
	ck_assert_uint_eq(contests_filter(&contests, &plan, true, now), 2);
}
END_TEST

START_TEST(what_a_verdict_asks_for_does_not_count_unless_it_is_contested)
{
	auto_arena *arena = arena_new(0);

	for (int i = 0; i < 3; i++, now += NSTIME_S) {
		struct ipvs_plan plan = plan_of(arena, true);

		contests_begin(&contests, now);
		ck_assert_uint_eq(contests_filter(&contests, &plan, false, now), 0);
	}
}
END_TEST

/* More objects than there is room for: they back off together. */
START_TEST(a_flood_of_objects_waits_too)
{
	for (unsigned round = 0; round < 2; round++) {
		contests_begin(&contests, now);
		for (unsigned i = 0; i < 40000; i++) {
			char name[16];

			snprintf(name, sizeof(name), "%u", i);
			ck_assert_int_eq(contests_ask(&contests, contest_object("x", name), true,
						      now),
					 round ? CONTEST_WAIT : CONTEST_REPAIR);
		}
		now += NSTIME_S;
	}
}
END_TEST

TCase *ipvs_contest_case(void)
{
	TCase *tcase = CASE("contest", a_repair_is_done_at_once_and_then_ever_later,
			    what_has_held_long_enough_is_repaired_at_once_again,
			    one_object_does_not_keep_another_waiting, it_is_told_until_it_has_held,
			    a_flushed_table_is_repaired_once_and_then_waits_as_a_whole,
			    servers_of_a_service_that_waits_wait_with_it,
			    servers_repaired_a_moment_ago_come_with_their_service,
			    what_a_verdict_asks_for_does_not_count_unless_it_is_contested,
			    a_flood_of_objects_waits_too);

	tcase_add_checked_fixture(tcase, setup, NULL);
	return tcase;
}
