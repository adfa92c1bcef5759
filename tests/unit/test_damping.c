/* Servers that flap: how long they are kept down, and that nobody else is. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "check/automaton.h"
#include "config/model.h"
#include "suite.h"

#define S NSTIME_S

static const struct check CHECK = {
	.type = CHECK_TCP,
	.interval = S,
	.timeout = S,
	.rise = 2,
	.fall = 2,
	.suppress = 10 * S,
	.max_suppress = 60 * S,
};

/* A server with a probe each second. */
struct server {
	struct automaton automaton;
	nstime now;
};

static struct server server_start(void)
{
	return (struct server){.automaton = automaton_start(&CHECK, 0), .now = S};
}

static void probe(struct server *server, bool passes)
{
	automaton_step(&server->automaton, &CHECK, passes ? REASON_PASSED : REASON_REFUSED,
		       server->now);
	server->now += S;
}

static void probe_for(struct server *server, bool passes, int seconds)
{
	for (int i = 0; i < seconds; i++)
		probe(server, passes);
}

/* It goes down, and passes from then on: after how many seconds it is up. */
static int seconds_down(struct server *server)
{
	nstime begin;

	while (server->automaton.verdict == VERDICT_UP)
		probe(server, false);
	begin = server->automaton.since;
	while (server->automaton.verdict == VERDICT_DOWN)
		probe(server, true);
	return (int)((server->automaton.since - begin) / S);
}

START_TEST(each_fall_after_the_first_costs_twice_as_much_up_to_the_cap)
{
	static const int wanted[] = {2, 10, 20, 40, 60, 60, 60};
	struct server server = server_start();

	probe(&server, true);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		ck_assert_int_eq(seconds_down(&server), wanted[i]);
}
END_TEST

START_TEST(who_is_up_for_max_suppress_falls_for_the_first_time_again)
{
	struct server server = server_start();

	probe(&server, true);
	seconds_down(&server);
	ck_assert_int_eq(seconds_down(&server), 10);
	probe_for(&server, true, 57); /* and it falls by the second failure, a second later */
	ck_assert_int_eq(seconds_down(&server), 20);
	probe_for(&server, true, 60);
	ck_assert_int_eq(seconds_down(&server), 2);
	ck_assert_int_eq(seconds_down(&server), 10);
}
END_TEST

START_TEST(a_server_that_fails_in_its_hold_waits_for_rise_after_it)
{
	struct server server = server_start();

	probe(&server, true);
	seconds_down(&server);
	probe_for(&server, false, 2);
	ck_assert_int_eq(server.automaton.verdict, VERDICT_DOWN);
	probe_for(&server, true, 5);
	probe_for(&server, false, 20);
	probe(&server, true);
	ck_assert_int_eq(server.automaton.verdict, VERDICT_DOWN);
	probe(&server, true);
	ck_assert_int_eq(server.automaton.verdict, VERDICT_UP);
	ck_assert_int_eq(server.automaton.suppressed, 0);
}
END_TEST

START_TEST(a_server_that_was_down_from_the_start_has_not_fallen)
{
	struct server server = server_start();

	probe_for(&server, false, 5);
	probe(&server, true);
	ck_assert_int_eq(server.automaton.verdict, VERDICT_UP);
	ck_assert_int_eq(seconds_down(&server), 2);
}
END_TEST

START_TEST(what_goes_wrong_here_is_no_flapping)
{
	struct server server = server_start();

	probe(&server, true);
	for (int i = 0; i < 50; i++)
		automaton_step(&server.automaton, &CHECK, i % 2 ? REASON_RESOURCES : REASON_LOCAL,
			       server.now += S);
	ck_assert_int_eq(server.automaton.verdict, VERDICT_UP);
	ck_assert_uint_eq(server.automaton.falls, 0);
}
END_TEST

/* ---- any probes ----------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Two servers with the same probes: one with, one without suppress. */
struct pair {
	struct check damped_check, plain_check;
	struct automaton damped, plain;
	nstime up_since, last_hold;
};

static void judge_fall(struct pair *pair, nstime now)
{
	nstime hold = automaton_suppress(&pair->damped, &pair->damped_check);
	bool is_steady = now - pair->up_since >= pair->damped_check.max_suppress;

	ck_assert(hold <= pair->damped_check.max_suppress);
	ck_assert(!is_steady || !hold);
	ck_assert(is_steady || hold >= pair->last_hold);
	ck_assert(pair->damped.suppressed == (hold ? now + hold : 0));
	pair->last_hold = hold;
}

static void judge_rise(struct pair *pair, nstime until, nstime now)
{
	ck_assert(now >= until);
	ck_assert(pair->plain.verdict == VERDICT_UP);
	pair->up_since = now;
}

static void step(struct pair *pair, enum probe_reason reason, nstime now)
{
	enum verdict before = pair->damped.verdict;
	nstime until = pair->damped.suppressed;
	bool changed = automaton_step(&pair->damped, &pair->damped_check, reason, now);

	automaton_step(&pair->plain, &pair->plain_check, reason, now);
	ck_assert(changed == (before != pair->damped.verdict));
	ck_assert(pair->plain.verdict == pair->damped.verdict ||
		  (pair->damped.verdict == VERDICT_DOWN &&
		   (now < pair->damped.suppressed || reason != REASON_PASSED ||
		    pair->damped.passed < pair->damped_check.rise)));
	ck_assert(!pair->plain.suppressed);
	if (changed && pair->damped.verdict == VERDICT_DOWN && before == VERDICT_UP)
		judge_fall(pair, now);
	if (changed && pair->damped.verdict == VERDICT_UP)
		judge_rise(pair, until, now);
}

/* A damped server is down when the other is, or while its hold lasts and until it has passed rise times then. */
START_TEST(suppress_only_ever_keeps_down_and_never_beyond_its_hold)
{
	const char *given = getenv("LBHA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) | 1 : (uint64_t)time(NULL) | 1, state = seed;

	printf("LBHA_SEED=%llu\n", (unsigned long long)seed);
	for (int run = 0; run < 300; run++) {
		struct pair pair = {.plain_check = CHECK};
		nstime now = S;
		uint64_t sick = 0;

		pair.plain_check.rise = 1 + (uint32_t)(next_random(&state) % 4);
		pair.plain_check.fall = 1 + (uint32_t)(next_random(&state) % 4);
		pair.plain_check.suppress = 0;
		pair.damped_check = pair.plain_check;
		pair.damped_check.max_suppress = (nstime)(1 + next_random(&state) % 100) * S;
		pair.damped_check.suppress = (nstime)(1 + next_random(&state) % 20) * S;
		if (pair.damped_check.suppress > pair.damped_check.max_suppress)
			pair.damped_check.suppress = pair.damped_check.max_suppress;
		pair.damped = automaton_start(&pair.damped_check, now);
		pair.plain = automaton_start(&pair.plain_check, now);
		for (int i = 0; i < 500; i++) {
			if (next_random(&state) % 20 == 0)
				sick = next_random(&state) % 4;
			step(&pair, next_random(&state) % 50 == 0	? REASON_RESOURCES
				    : next_random(&state) % 4 < sick ? REASON_REFUSED
									: REASON_PASSED,
			     now);
			now += (nstime)(1 + next_random(&state) % 3000) * NSTIME_MS;
		}
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("damping",
			 CASE("damping", each_fall_after_the_first_costs_twice_as_much_up_to_the_cap,
			      who_is_up_for_max_suppress_falls_for_the_first_time_again,
			      a_server_that_fails_in_its_hold_waits_for_rise_after_it,
			      a_server_that_was_down_from_the_start_has_not_fallen,
			      what_goes_wrong_here_is_no_flapping,
			      suppress_only_ever_keeps_down_and_never_beyond_its_hold));
}
