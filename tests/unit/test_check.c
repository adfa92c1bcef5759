/* check: automaton, outcome, schedule, merge. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "check/automaton.h"
#include "check/local.h"
#include "check/merge.h"
#include "check/outcome.h"
#include "check/run.h"
#include "check/schedule.h"
#include "config/model.h"
#include "suite.h"

static const struct check CHECK = {
	.type = CHECK_TCP,
	.interval = 5 * NSTIME_S,
	.timeout = NSTIME_S,
	.rise = 2,
	.fall = 3,
};

/* Feeds results, one letter each: P passed, F failed, R resources, L local. Returns the last
 * verdict. */
static enum verdict feed(struct automaton *automaton, const struct check *check,
			 const char *results)
{
	for (; *results; results++) {
		enum probe_reason reason = *results == 'P'   ? REASON_PASSED
					   : *results == 'F' ? REASON_REFUSED
					   : *results == 'R' ? REASON_RESOURCES
							     : REASON_LOCAL;

		automaton_step(automaton, check, reason, 100);
	}
	return automaton->verdict;
}

static enum verdict verdict_after(const struct check *check, const char *results)
{
	struct automaton automaton = automaton_start(check, 1);

	return feed(&automaton, check, results);
}

/* ---- automaton ------------------------------------------------------------------------------ */

START_TEST(first_passed_probe_means_up_whatever_rise_says)
{
	struct check check = CHECK;

	check.rise = 100;
	ck_assert_int_eq(verdict_after(&check, ""), VERDICT_UNKNOWN);
	ck_assert_int_eq(verdict_after(&check, "P"), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&check, "FFP"), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&check, "FFFFFP"), VERDICT_UP);
}
END_TEST

START_TEST(without_a_pass_the_verdict_is_unknown_until_fall_failures)
{
	ck_assert_int_eq(verdict_after(&CHECK, "FF"), VERDICT_UNKNOWN);
	ck_assert_int_eq(verdict_after(&CHECK, "FFF"), VERDICT_DOWN);
}
END_TEST

START_TEST(initial_up_holds_until_fall_failures)
{
	struct check check = CHECK;

	check.initial = CHECK_INITIAL_UP;
	ck_assert_int_eq(verdict_after(&check, ""), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&check, "FF"), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&check, "FFF"), VERDICT_DOWN);
	ck_assert_int_eq(verdict_after(&check, "FFFP"), VERDICT_UP);
}
END_TEST

START_TEST(failures_must_be_in_a_row_to_mean_down)
{
	ck_assert_int_eq(verdict_after(&CHECK, "PFFPFFPFF"), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&CHECK, "PFFPFFF"), VERDICT_DOWN);
}
END_TEST

START_TEST(passes_must_be_in_a_row_to_mean_up_again)
{
	struct check check = CHECK;

	check.rise = 3;
	ck_assert_int_eq(verdict_after(&check, "PFFFPPFPP"), VERDICT_DOWN);
	ck_assert_int_eq(verdict_after(&check, "PFFFPPFPPP"), VERDICT_UP);
}
END_TEST

START_TEST(lack_of_resources_here_never_takes_a_server_away)
{
	char starved[1001];

	memset(starved, 'R', sizeof(starved) - 1);
	starved[sizeof(starved) - 1] = '\0';
	ck_assert_int_eq(verdict_after(&CHECK, starved), VERDICT_UNKNOWN);
	ck_assert_int_eq(verdict_after(&CHECK, "PRRRRRRRRLLLLLLLLL"), VERDICT_UP);
	ck_assert_int_eq(verdict_after(&CHECK, "PFRFRRLF"),
			 VERDICT_DOWN); /* nor does it break a row */
	ck_assert_int_eq(verdict_after(&CHECK, "PFRRF"), VERDICT_UP);
}
END_TEST

START_TEST(a_step_tells_changes_only_and_since_is_their_time)
{
	struct automaton automaton = automaton_start(&CHECK, 1);

	ck_assert(automaton_step(&automaton, &CHECK, REASON_PASSED, 10));
	ck_assert_int_eq(automaton.since, 10);
	ck_assert(!automaton_step(&automaton, &CHECK, REASON_PASSED, 20));
	ck_assert(!automaton_step(&automaton, &CHECK, REASON_STATUS, 30));
	ck_assert(!automaton_step(&automaton, &CHECK, REASON_STATUS, 40));
	ck_assert_int_eq(automaton.since, 10);
	ck_assert(automaton_step(&automaton, &CHECK, REASON_STATUS, 50));
	ck_assert_int_eq(automaton.since, 50);
}
END_TEST

static nstime delay_after(const struct check *check, const char *results)
{
	struct automaton automaton = automaton_start(check, 1);

	feed(&automaton, check, results);
	return automaton_delay(&automaton, check);
}

START_TEST(retry_interval_counts_between_failures_that_are_not_yet_down)
{
	struct check check = CHECK;

	check.retry_interval = 2 * NSTIME_S;
	ck_assert_int_eq(delay_after(&check, "P"), 5 * NSTIME_S);
	ck_assert_int_eq(delay_after(&check, "PF"), 2 * NSTIME_S);
	ck_assert_int_eq(delay_after(&check, "PFF"), 2 * NSTIME_S);
	ck_assert_int_eq(delay_after(&check, "PFFF"), 5 * NSTIME_S);
	ck_assert_int_eq(delay_after(&check, "PFFFP"), 5 * NSTIME_S);
	ck_assert_int_eq(delay_after(&CHECK, "PF"), 5 * NSTIME_S);
}
END_TEST

START_TEST(a_server_failing_from_the_start_is_retried_within_a_second)
{
	struct check check = CHECK;

	ck_assert_int_eq(delay_after(&check, "F"), NSTIME_S);
	check.retry_interval = 100 * NSTIME_MS;
	ck_assert_int_eq(delay_after(&check, "F"), 100 * NSTIME_MS);
	check.retry_interval = 10 * NSTIME_S;
	ck_assert_int_eq(delay_after(&check, "F"), NSTIME_S);
	ck_assert_int_eq(delay_after(&check, "FFF"), 5 * NSTIME_S);
}
END_TEST

START_TEST(lack_of_resources_slows_probing_up_to_eight_times)
{
	ck_assert_int_eq(delay_after(&CHECK, "PR"), 10 * NSTIME_S);
	ck_assert_int_eq(delay_after(&CHECK, "PRR"), 20 * NSTIME_S);
	ck_assert_int_eq(delay_after(&CHECK, "PRRRRRRRR"), 40 * NSTIME_S);
	ck_assert_int_eq(delay_after(&CHECK, "PRRRRP"), 5 * NSTIME_S);
}
END_TEST

/* ---- outcome -------------------------------------------------------------------------------- */

START_TEST(errors_of_the_server_count_and_errors_here_do_not)
{
	static const struct {
		enum outcome_step step;
		int error;
		enum probe_reason reason;
	} rows[] = {
		{STEP_CONNECT, ECONNREFUSED, REASON_REFUSED},
		{STEP_CONNECT, EHOSTUNREACH, REASON_UNREACHABLE},
		{STEP_CONNECT, ENETUNREACH, REASON_UNREACHABLE},
		{STEP_CONNECT, ETIMEDOUT, REASON_CONNECT_TIMEOUT},
		{STEP_CONNECT, EADDRNOTAVAIL, REASON_RESOURCES},
		{STEP_CONNECT, ENOBUFS, REASON_RESOURCES},
		{STEP_CONNECT, EPERM, REASON_LOCAL},
		{STEP_CONNECT, 9999, REASON_UNREACHABLE},
		{STEP_REPLY, ETIMEDOUT, REASON_REPLY_TIMEOUT},
		{STEP_REPLY, ECONNRESET, REASON_RESET},
		{STEP_REPLY, EPIPE, REASON_RESET},
		{STEP_REPLY, ENOMEM, REASON_RESOURCES},
		{STEP_REPLY, ETIME, REASON_RESOURCES},
		{STEP_SOCKET, EMFILE, REASON_RESOURCES},
		{STEP_SOCKET, ENFILE, REASON_RESOURCES},
		{STEP_SOCKET, EAFNOSUPPORT, REASON_LOCAL},
		{STEP_BIND, EADDRNOTAVAIL, REASON_LOCAL},
		{STEP_BIND, EADDRINUSE, REASON_RESOURCES},
		{STEP_INTERFACE, ENODEV, REASON_LOCAL},
		{STEP_INTERFACE, 9999, REASON_LOCAL},
		{STEP_MARK, EPERM, REASON_LOCAL},
		{STEP_MARK, ENONET, REASON_LOCAL},
		{STEP_MARK, EADDRINUSE, REASON_RESOURCES},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct outcome outcome = outcome_of_error(rows[i].step, rows[i].error);

		ck_assert_msg(outcome.reason == rows[i].reason, "row %zu", i);
		ck_assert_int_eq(outcome_counts(outcome.reason),
				 rows[i].reason != REASON_RESOURCES &&
					 rows[i].reason != REASON_LOCAL);
	}
}
END_TEST

static const char *described(struct outcome outcome, const struct check *check)
{
	static char out[FACT_DETAIL];

	return outcome_describe(&outcome, check, out, sizeof(out));
}

START_TEST(what_hinders_this_machine_is_remembered_in_full)
{
	const struct outcome refused = outcome_of_error(STEP_CONNECT, ECONNREFUSED);
	const struct outcome starved = outcome_of_error(STEP_CONNECT, EADDRNOTAVAIL);
	const struct outcome misled = outcome_of_error(STEP_BIND, EADDRNOTAVAIL);
	struct outcome back;

	ck_assert_int_eq(hindrance_of(&refused).error, 0);
	ck_assert_int_eq(hindrance_of(&(struct outcome){.reason = REASON_PASSED}).error, 0);
	back = outcome_of_hindrance(hindrance_of(&starved));
	ck_assert_int_eq(back.reason, REASON_RESOURCES);
	ck_assert_str_eq(described(back, &CHECK), "here: connect: no free local port");
	back = outcome_of_hindrance(hindrance_of(&misled));
	ck_assert_int_eq(back.reason, REASON_LOCAL);
	ck_assert_int_eq(back.step, STEP_BIND);
}
END_TEST

START_TEST(every_outcome_is_told_in_words)
{
	struct status_range ranges[] = {{200, 200}, {300, 399}};
	struct check check = CHECK;
	struct outcome bound = outcome_of_error(STEP_BIND, EADDRNOTAVAIL);

	ck_assert_str_eq(described((struct outcome){.reason = REASON_NONE}, &check),
			 "not probed yet");
	ck_assert_str_eq(described((struct outcome){.reason = REASON_PASSED}, &check), "connected");
	ck_assert_str_eq(described(outcome_of_error(STEP_CONNECT, ECONNREFUSED), &check),
			 "connect: refused");
	ck_assert_str_eq(described(outcome_of_error(STEP_CONNECT, EHOSTUNREACH), &check),
			 "connect: no route to host");
	ck_assert_str_eq(described(outcome_of_error(STEP_CONNECT, 9999), &check),
			 "connect: error 9999");
	ck_assert_str_eq(described(outcome_of_deadline(0, 0), &check), "no connection within 1s");
	ck_assert_str_eq(described(outcome_of_error(STEP_CONNECT, ETIMEDOUT), &check),
			 "connect: timed out");
	ck_assert_str_eq(described((struct outcome){.reason = REASON_REPLY_TIMEOUT,
						    .connected = 2 * NSTIME_MS},
				   &check),
			 "no reply within 1s (connected after 2ms)");
	ck_assert_str_eq(described((struct outcome){.reason = REASON_REPLY_TIMEOUT,
						    .connected = 2 * NSTIME_MS,
						    .received = 14},
				   &check),
			 "reply not complete within 1s (connected after 2ms, 14 bytes received)");
	ck_assert_str_eq(described(outcome_of_error(STEP_REPLY, ECONNRESET), &check),
			 "connection reset without a reply");
	ck_assert_str_eq(
		described(
			(struct outcome){.reason = REASON_RESET, .step = STEP_REPLY, .received = 7},
			&check),
		"connection closed in the middle of the reply (7 bytes received)");
	ck_assert_str_eq(described(outcome_of_error(STEP_SOCKET, EMFILE), &check),
			 "here: too many open files");
	ck_assert_str_eq(described(outcome_of_error(STEP_CONNECT, EADDRNOTAVAIL), &check),
			 "here: connect: no free local port");
	addr_parse("192.0.2.1", &check.bind);
	ck_assert_str_eq(described(bound, &check),
			 "here: cannot bind to 192.0.2.1: not an address of this machine");
	check.interface = "eth7";
	ck_assert_str_eq(described(outcome_of_error(STEP_MARK, EPERM), &check),
			 "here: via: vip: not permitted");
	ck_assert_str_eq(described(outcome_of_error(STEP_MARK, ENONET), &check),
			 "here: via: vip: this machine has no address of its own towards the server: give "
			 "the check a \"bind\"");
	ck_assert_str_eq(described(outcome_of_error(STEP_INTERFACE, ENODEV), &check),
			 "here: cannot use interface eth7: no such device");
	ck_assert_str_eq(described(outcome_of_status(&check, 503), &check),
			 "status 503, wanted 200-299");
	check.expect.status = ranges;
	check.expect.status_count = COUNT_OF(ranges);
	ck_assert_str_eq(described(outcome_of_status(&check, 404), &check),
			 "status 404, wanted 200, 300-399");
	ck_assert_str_eq(described(outcome_of_status(&check, 301), &check), "status 301");
}
END_TEST

START_TEST(status_is_wanted_in_200_to_299_or_the_given_ranges)
{
	struct status_range ranges[] = {{200, 200}, {300, 399}};
	struct check check = CHECK;

	ck_assert_int_eq(outcome_of_status(&check, 199).reason, REASON_STATUS);
	ck_assert_int_eq(outcome_of_status(&check, 200).reason, REASON_PASSED);
	ck_assert_int_eq(outcome_of_status(&check, 299).reason, REASON_PASSED);
	ck_assert_int_eq(outcome_of_status(&check, 300).reason, REASON_STATUS);
	check.expect.status = ranges;
	check.expect.status_count = COUNT_OF(ranges);
	ck_assert_int_eq(outcome_of_status(&check, 201).reason, REASON_STATUS);
	ck_assert_int_eq(outcome_of_status(&check, 399).reason, REASON_PASSED);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_cut)
{
	char out[10];
	struct outcome outcome = outcome_of_error(STEP_CONNECT, ECONNREFUSED);

	ck_assert_str_eq(outcome_describe(&outcome, &CHECK, out, sizeof(out)), "connect: ");
}
END_TEST

/* ---- schedule ------------------------------------------------------------------------------- */

static struct schedule new_schedule(struct arena *arena, uint32_t room)
{
	struct schedule schedule;

	schedule_init(&schedule, arena_alloc(arena, schedule_size(room)), room);
	return schedule;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

START_TEST(nothing_is_due_before_its_time)
{
	auto_arena *arena = arena_new(0);
	struct schedule schedule = new_schedule(arena, 4);
	uint32_t item;
	nstime due;

	ck_assert(!schedule_take(&schedule, 1000, &item, &due));
	ck_assert(schedule_next(&schedule) == NSTIME_NEVER);
	schedule_set(&schedule, 2, 500);
	ck_assert(!schedule_take(&schedule, 499, &item, &due));
	ck_assert(schedule_take(&schedule, 500, &item, &due));
	ck_assert_uint_eq(item, 2);
	ck_assert_int_eq(due, 500);
	ck_assert(!schedule_take(&schedule, 500, &item, NULL));
}
END_TEST

/* The model: an array of times searched in full. */
START_TEST(items_come_in_order_of_time_under_any_changes)
{
	enum { ROOM = 200 };
	auto_arena *arena = arena_new(0);
	struct schedule schedule = new_schedule(arena, ROOM);
	uint64_t seed = (uint64_t)time(NULL) | 1, state = seed;
	nstime times[ROOM];

	printf("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < ROOM; i++)
		times[i] = NSTIME_NEVER;
	for (int round = 0; round < 20000; round++) {
		uint32_t item = (uint32_t)(next_random(&state) % ROOM), first;
		nstime due = (nstime)(next_random(&state) % 1000), best = NSTIME_NEVER, taken;

		times[item] = due < 100 ? NSTIME_NEVER : due;
		schedule_set(&schedule, item, times[item]);
		for (int i = 0; i < ROOM; i++)
			best = nstime_min(best, times[i]);
		ck_assert(schedule_next(&schedule) == best);
		if (round % 3 || best == NSTIME_NEVER)
			continue;
		ck_assert(schedule_take(&schedule, best, &first, &taken));
		ck_assert(taken == best && times[first] == best);
		ck_assert(schedule_due(&schedule, first) == NSTIME_NEVER);
		times[first] = NSTIME_NEVER;
	}
}
END_TEST

START_TEST(first_starts_are_spread_over_a_second_at_most)
{
	int parts[10] = {0};

	for (uint64_t key = 1; key <= 10000; key++) {
		nstime start = schedule_first(key, 5 * NSTIME_S, true, NSTIME_S) - NSTIME_S;

		ck_assert(start >= 0 && start <= NSTIME_S);
		ck_assert(start == schedule_first(key, 5 * NSTIME_S, true, NSTIME_S) - NSTIME_S);
		ck_assert(schedule_first(key, 100 * NSTIME_MS, true, 0) <= 100 * NSTIME_MS);
		parts[start / (NSTIME_S / 10) % 10]++;
	}
	for (int i = 0; i < 10; i++)
		ck_assert_msg(parts[i] > 800 && parts[i] < 1200, "part %d has %d", i, parts[i]);
}
END_TEST

START_TEST(first_starts_without_hurry_are_spread_over_the_interval)
{
	int parts[10] = {0};

	for (uint64_t key = 1; key <= 10000; key++) {
		nstime start = schedule_first(key, 5 * NSTIME_S, false, NSTIME_S) - NSTIME_S;

		ck_assert(start >= 0 && start <= 5 * NSTIME_S);
		parts[start / (NSTIME_S / 2) % 10]++;
	}
	for (int i = 0; i < 10; i++)
		ck_assert_msg(parts[i] > 800 && parts[i] < 1200, "part %d has %d", i, parts[i]);
}
END_TEST

START_TEST(later_starts_come_at_most_a_sixteenth_early_and_never_late)
{
	uint64_t state = 88172645463325252ull;
	nstime least = 5 * NSTIME_S, most = 0;

	for (int i = 0; i < 10000; i++) {
		nstime delay = schedule_again(NSTIME_S, 5 * NSTIME_S, next_random(&state), 0) -
			       NSTIME_S;

		least = nstime_min(least, delay);
		most = nstime_max(most, delay);
	}
	ck_assert(most <= 5 * NSTIME_S && least >= 5 * NSTIME_S - 5 * NSTIME_S / 16);
	ck_assert(most > 4990 * NSTIME_MS && least < 4700 * NSTIME_MS);
}
END_TEST

/* Starts by tenths of one interval of ten thousand probes, the last thousand of which came by a reload five
 * intervals after the others; `round` intervals after that. */
static void count_starts(int round, int parts[10])
{
	const nstime interval = 5 * NSTIME_S, from = (5 + round) * interval;
	uint64_t state = 88172645463325252ull;

	for (uint64_t key = 1; key <= 10000; key++) {
		nstime begun = key > 9000 ? 5 * interval : 0;
		nstime start = schedule_first(key, interval, true, begun);

		start = schedule_settle(start, interval, next_random(&state), start);
		for (; start < from + interval;
		     start = schedule_again(start, interval, next_random(&state), start))
			if (start >= from)
				parts[(start - from) / (interval / 10)]++;
	}
}

START_TEST(after_a_hurry_starts_are_spread_over_the_interval_and_stay_so)
{
	for (int round = 1; round <= 20; round++) {
		int parts[10] = {0};

		count_starts(round, parts);
		for (int i = 0; i < 10; i++)
			ck_assert_msg(parts[i] > 900 && parts[i] < 1300, "round %d: part %d has %d",
				      round, i, parts[i]);
	}
}
END_TEST

START_TEST(a_start_after_a_hurry_comes_within_the_interval_and_not_in_the_past)
{
	uint64_t state = 88172645463325252ull;

	for (int i = 0; i < 1000; i++) {
		nstime start = schedule_settle(NSTIME_S, 5 * NSTIME_S, next_random(&state),
					       2 * NSTIME_S);

		ck_assert(start >= 2 * NSTIME_S && start <= 6 * NSTIME_S);
	}
}
END_TEST

START_TEST(a_late_start_is_planned_in_the_step_it_missed)
{
	const nstime interval = 5 * NSTIME_S;

	ck_assert_int_eq(schedule_planned(NSTIME_S, interval, NSTIME_S - 1), NSTIME_S);
	ck_assert_int_eq(schedule_planned(NSTIME_S, interval, NSTIME_S), NSTIME_S);
	ck_assert_int_eq(schedule_planned(NSTIME_S, interval, 5 * NSTIME_S), NSTIME_S);
	ck_assert_int_eq(schedule_planned(NSTIME_S, interval, 6 * NSTIME_S), 6 * NSTIME_S);
	ck_assert_int_eq(schedule_planned(NSTIME_S, interval, 20 * NSTIME_S), 16 * NSTIME_S);
}
END_TEST

START_TEST(a_probe_longer_than_its_interval_delays_the_next_one)
{
	ck_assert_int_eq(schedule_again(NSTIME_S, NSTIME_S, 0, 10 * NSTIME_S), 10 * NSTIME_S);
}
END_TEST

/* ---- merge ---------------------------------------------------------------------------------- */

static struct probe probe_of(uint64_t key, uint16_t port)
{
	return (struct probe){.key = key,
			      .target = {.address = addr_from_ipv4(0x0a000001), .port = port}};
}

START_TEST(probes_of_the_same_key_keep_their_state_wherever_they_move)
{
	auto_arena *arena = arena_new(0);
	struct probe old[] = {probe_of(1, 80), probe_of(2, 81), probe_of(3, 82)};
	struct probe fresh[] = {probe_of(4, 83), probe_of(3, 82), probe_of(1, 80)};
	struct merge merge;

	ck_assert_int_eq(merge_probes(old, 3, fresh, 3, arena, &merge), 0);
	ck_assert_uint_eq(merge.from[0], MERGE_NONE);
	ck_assert_uint_eq(merge.from[1], 2);
	ck_assert_uint_eq(merge.from[2], 0);
	ck_assert_uint_eq(merge.to[0], 2);
	ck_assert_uint_eq(merge.to[1], MERGE_NONE);
	ck_assert_uint_eq(merge.to[2], 1);
	ck_assert_uint_eq(merge.kept, 2);
	ck_assert_uint_eq(merge.added, 1);
	ck_assert_uint_eq(merge.removed, 1);
}
END_TEST

START_TEST(equal_keys_of_different_targets_are_no_partners)
{
	auto_arena *arena = arena_new(0);
	struct probe old[] = {probe_of(1, 80)}, fresh[] = {probe_of(1, 81)};
	struct merge merge;

	ck_assert_int_eq(merge_probes(old, 1, fresh, 1, arena, &merge), 0);
	ck_assert_uint_eq(merge.kept, 0);
}
END_TEST

START_TEST(the_same_set_again_changes_nothing)
{
	auto_arena *arena = arena_new(0);
	struct probe *probes = arena_array(arena, 10000, sizeof(*probes));
	struct merge merge;

	for (size_t i = 0; i < 10000; i++)
		probes[i] = probe_of(i * 7919, (uint16_t)i);
	ck_assert_int_eq(merge_probes(probes, 10000, probes, 10000, arena, &merge), 0);
	ck_assert_uint_eq(merge.kept, 10000);
	for (uint32_t i = 0; i < 10000; i++)
		ck_assert_uint_eq(merge.from[i], i);
	ck_assert_int_eq(merge_probes(probes, 0, probes, 10000, arena, &merge), 0);
	ck_assert_uint_eq(merge.added, 10000);
}
END_TEST

/* ---- this machine ----------------------------------------------------------------------------- */

START_TEST(a_file_whose_first_word_is_zero_or_down_says_down)
{
	static const char *const down[] = {"0", "0\n", "  0 of 3\n", "\n\n0\n", "down", "DOWN\n", "Down since\n",
					   "000", "-0", "+0", "0.0", "0."};
	static const char *const up[] = {"", " ", "\n", "1", "01", "-1", "0x0", "0,", "up", "downtown", "down:",
					 "0.5", ".", "-", "0.0.0", "not 0", "\x80"};

	for (size_t i = 0; i < COUNT_OF(down); i++)
		ck_assert_msg(local_file_says_down(down[i], strlen(down[i])), "\"%s\"", down[i]);
	for (size_t i = 0; i < COUNT_OF(up); i++)
		ck_assert_msg(!local_file_says_down(up[i], strlen(up[i])), "\"%s\"", up[i]);
	ck_assert(!local_file_says_down("down", 3)); /* bytes beyond the size are none of ours */
}
END_TEST

static bool stat_of(const char *line, const char *name)
{
	char got[LOCAL_COMM];
	bool lives = local_stat_parse(line, strlen(line), got);

	ck_assert_str_eq(got, name);
	return lives;
}

START_TEST(the_name_of_a_process_is_what_stands_between_the_outer_parentheses)
{
	ck_assert(stat_of("42 (nginx) S 1 42 42", "nginx"));
	ck_assert(stat_of("42 (a) (b)) R 1", "a) (b)"));
	ck_assert(stat_of("42 () S 1", ""));
	ck_assert(stat_of("42 (kworker/u4:0-events_unbound) I 2", "kworker/u4:0-ev"));
	ck_assert(!stat_of("42 (gone) Z 1", "gone"));
	ck_assert(!stat_of("42 (gone) X 1", "gone"));
}
END_TEST

START_TEST(a_line_of_proc_that_is_cut_is_no_process)
{
	static const char line[] = "42 (nginx) S 1";
	char name[LOCAL_COMM];

	for (size_t size = 0; size <= strlen("42 (nginx) "); size++)
		ck_assert_msg(!local_stat_parse(line, size, name), "%zu bytes", size);
	ck_assert(!local_stat_parse("42 nginx) S", 11, name));
}
END_TEST

START_TEST(a_name_longer_than_the_kernel_keeps_matches_by_its_first_15_bytes)
{
	ck_assert(local_name_matches("nginx", "nginx"));
	ck_assert(!local_name_matches("nginx", "nginx2"));
	ck_assert(!local_name_matches("nginx2", "nginx"));
	ck_assert(local_name_matches("systemd-networkd", "systemd-network"));
	ck_assert(!local_name_matches("systemd-networkd", "systemd-networ"));
}
END_TEST

START_TEST(words_of_a_check_itself_are_its_detail)
{
	ck_assert_str_eq(described((struct outcome){.reason = REASON_PASSED, .fault = "there"}, &CHECK), "there");
	ck_assert_str_eq(described((struct outcome){.reason = REASON_MISSING, .fault = "0 running, wanted 1"}, &CHECK),
			 "0 running, wanted 1");
	ck_assert_str_eq(described(outcome_of_error(STEP_SOCKET, ENOTSUP), &CHECK),
			 "here: /proc hides the processes of others (hidepid)");
}
END_TEST

/* ---- scripts ---------------------------------------------------------------------------------- */

static const char *last_line(struct run_tail *tail, const char *output)
{
	*tail = (struct run_tail){0};
	run_tail_take(tail, output, strlen(output));
	return tail->line;
}

START_TEST(the_last_line_that_is_not_blank_is_what_a_script_says)
{
	struct run_tail tail;

	ck_assert_str_eq(last_line(&tail, ""), "");
	ck_assert_str_eq(last_line(&tail, "\n\n \t\n"), "");
	ck_assert_str_eq(last_line(&tail, "one"), "one");
	ck_assert_str_eq(last_line(&tail, "one\ntwo"), "two");
	ck_assert_str_eq(last_line(&tail, "one\ntwo\n"), "two");
	ck_assert_str_eq(last_line(&tail, "one\n  two words\r\n\n  \n"), "two words");
}
END_TEST

START_TEST(a_last_line_is_the_same_however_it_arrives)
{
	static const char output[] = "first line\n\n  the second, which is the last \n \n";
	struct run_tail whole = {0}, bytes = {0};

	ck_assert(run_tail_take(&whole, output, strlen(output)));
	for (size_t i = 0; i < strlen(output); i++)
		ck_assert(run_tail_take(&bytes, output + i, 1));
	ck_assert_str_eq(whole.line, bytes.line);
	ck_assert_str_eq(whole.line, "the second, which is the last ");
}
END_TEST

START_TEST(more_output_than_allowed_is_noticed_and_a_long_line_is_cut)
{
	struct run_tail tail = {0};
	char many[1024];

	memset(many, 'x', sizeof(many));
	for (size_t i = 0; i < RUN_OUTPUT_MAX / sizeof(many); i++)
		ck_assert(run_tail_take(&tail, many, sizeof(many)));
	ck_assert_uint_eq(strlen(tail.line), OUTCOME_SAID - 1);
	ck_assert(!run_tail_take(&tail, many, 1));
}
END_TEST

static struct outcome outcome_of_run(enum run_end end, uint32_t number, const char *output, char *said)
{
	struct run_answer answer = {.run = 1, .end = end, .number = number, .why = "/x: nobody knows"};
	struct run_tail tail;

	last_line(&tail, output);
	return run_outcome(&answer, &tail, &CHECK, said);
}

START_TEST(only_status_0_passes_and_every_end_is_told)
{
	static const struct {
		enum run_end end;
		uint32_t number;
		const char *output;
		enum probe_reason reason;
		const char *detail;
	} rows[] = {
		{RUN_EXITED, 0, "", REASON_PASSED, "exit 0"},
		{RUN_EXITED, 0, "12 peers\n", REASON_PASSED, "exit 0: 12 peers"},
		{RUN_EXITED, 3, "no \033[1mlink\n", REASON_EXIT, "exit 3: no ?[1mlink"},
		{RUN_EXITED, 127, "", REASON_EXIT, "exit 127"},
		{RUN_KILLED, 11, "half", REASON_KILLED, "killed by signal 11: half"},
		{RUN_TIMED_OUT, 0, "waiting", REASON_TIMEOUT, "not done within 1s, killed: waiting"},
		{RUN_NOT_STARTED, 0, "", REASON_NOT_STARTED, "not started: /x: nobody knows"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char said[OUTCOME_SAID], detail[FACT_DETAIL];
		struct outcome outcome = outcome_of_run(rows[i].end, rows[i].number, rows[i].output, said);

		ck_assert_int_eq(outcome.reason, rows[i].reason);
		ck_assert_str_eq(outcome_describe(&outcome, &CHECK, detail, sizeof(detail)), rows[i].detail);
		ck_assert_int_eq(outcome_counts(outcome.reason), 1);
	}
}
END_TEST

START_TEST(orders_and_answers_survive_the_way_and_nothing_malformed_does)
{
	const struct run_order order = {.run = 7, .generation = 3, .probe = 12};
	const struct run_answer answer = {.run = 7, .end = RUN_NOT_STARTED, .number = 2, .why = "no\nuser"};
	struct run_order order_again = {0};
	struct run_answer answer_again = {0};
	uint8_t bytes[256];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	run_order_put(&out, &order);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(run_order_get(&in, &order_again));
	ck_assert(order_again.run == 7 && order_again.generation == 3 && order_again.probe == 12);
	for (size_t size = 0; size < writer_used(&out); size++) {
		in = reader_of(bytes, size);
		ck_assert(!run_order_get(&in, &order_again));
	}
	out = writer_of(bytes, sizeof(bytes));
	run_answer_put(&out, &answer);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(run_answer_get(&in, &answer_again));
	ck_assert(answer_again.run == 7 && answer_again.end == RUN_NOT_STARTED && answer_again.number == 2);
	ck_assert_str_eq(answer_again.why, "no?user");
	for (size_t size = 0; size < writer_used(&out); size++) {
		in = reader_of(bytes, size);
		ck_assert(!run_answer_get(&in, &answer_again));
	}
	bytes[4] = RUN_ENDS;
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!run_answer_get(&in, &answer_again));
}
END_TEST

int main(void)
{
	return SUITE_RUN("check",
			 CASE("automaton", first_passed_probe_means_up_whatever_rise_says,
			      without_a_pass_the_verdict_is_unknown_until_fall_failures,
			      initial_up_holds_until_fall_failures,
			      failures_must_be_in_a_row_to_mean_down,
			      passes_must_be_in_a_row_to_mean_up_again,
			      lack_of_resources_here_never_takes_a_server_away,
			      a_step_tells_changes_only_and_since_is_their_time,
			      retry_interval_counts_between_failures_that_are_not_yet_down,
			      a_server_failing_from_the_start_is_retried_within_a_second,
			      lack_of_resources_slows_probing_up_to_eight_times),
			 CASE("outcome", errors_of_the_server_count_and_errors_here_do_not,
			      what_hinders_this_machine_is_remembered_in_full,
			      every_outcome_is_told_in_words,
			      status_is_wanted_in_200_to_299_or_the_given_ranges,
			      a_text_that_does_not_fit_is_cut),
			 CASE("schedule", nothing_is_due_before_its_time,
			      items_come_in_order_of_time_under_any_changes,
			      first_starts_are_spread_over_a_second_at_most,
			      first_starts_without_hurry_are_spread_over_the_interval,
			      later_starts_come_at_most_a_sixteenth_early_and_never_late,
			      after_a_hurry_starts_are_spread_over_the_interval_and_stay_so,
			      a_start_after_a_hurry_comes_within_the_interval_and_not_in_the_past,
			      a_late_start_is_planned_in_the_step_it_missed,
			      a_probe_longer_than_its_interval_delays_the_next_one),
			 CASE("merge", probes_of_the_same_key_keep_their_state_wherever_they_move,
			      equal_keys_of_different_targets_are_no_partners,
			      the_same_set_again_changes_nothing),
			 CASE("local", a_file_whose_first_word_is_zero_or_down_says_down,
			      the_name_of_a_process_is_what_stands_between_the_outer_parentheses,
			      a_line_of_proc_that_is_cut_is_no_process,
			      a_name_longer_than_the_kernel_keeps_matches_by_its_first_15_bytes,
			      words_of_a_check_itself_are_its_detail),
			 CASE("script", the_last_line_that_is_not_blank_is_what_a_script_says,
			      a_last_line_is_the_same_however_it_arrives,
			      more_output_than_allowed_is_noticed_and_a_long_line_is_cut,
			      only_status_0_passes_and_every_end_is_told,
			      orders_and_answers_survive_the_way_and_nothing_malformed_does));
}
