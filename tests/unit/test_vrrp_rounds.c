/* net/pace and vrrp/rounds: how fast, in which order, and when it ends. */
#include "base/cleanup.h"
#include "net/pace.h"
#include "suite.h"
#include "vrrp/rounds.h"

#define START (1000 * NSTIME_S)
#define PART 64

/* ---- pace ---- */

START_TEST(full_bucket_gives_its_burst_and_then_one_per_gap)
{
	struct pace pace = {.gap = NSTIME_MS, .burst = 10};
	nstime now = START;

	ck_assert_uint_eq(pace_allowed(&pace, now), 10);
	pace_spend(&pace, now, 10);
	ck_assert_uint_eq(pace_allowed(&pace, now), 0);
	ck_assert_int_eq(pace_due(&pace, now, 3), now + 3 * NSTIME_MS);
	ck_assert_uint_eq(pace_allowed(&pace, now + 3 * NSTIME_MS), 3);
	ck_assert_uint_eq(pace_allowed(&pace, now + NSTIME_S), 10);
}
END_TEST

START_TEST(rate_holds_over_any_time)
{
	struct pace pace = {.gap = NSTIME_S / 4000, .burst = 256};
	unsigned sent = 0;

	for (nstime now = START; now <= START + 10 * NSTIME_S; now += 700 * NSTIME_US) {
		unsigned part = pace_allowed(&pace, now);

		part = part < PART ? part : PART;
		pace_spend(&pace, now, part);
		sent += part;
	}
	ck_assert_uint_le(sent, 10 * 4000 + 256);
	ck_assert_uint_ge(sent, 10 * 4000);
}
END_TEST

START_TEST(more_than_allowed_leaves_no_debt)
{
	struct pace pace = {.gap = NSTIME_MS, .burst = 10};

	pace_spend(&pace, START, 5000);
	ck_assert_uint_eq(pace_allowed(&pace, START), 0);
	ck_assert_uint_eq(pace_allowed(&pace, START + 4 * NSTIME_MS), 4);
}
END_TEST

/* ---- rounds ---- */

/* Sends all that may go at one point; returns how much, and of which round first. */
static size_t send_now(struct rounds *rounds, nstime now, struct round **who)
{
	struct round *round;
	size_t sent = 0, count;

	while ((round = rounds_next(rounds, now, PART, &count))) {
		if (who && !sent)
			*who = round;
		rounds_sent(rounds, round, now, count);
		sent += count;
	}
	return sent;
}

/* Lets time pass up to `until`; returns how much was sent. */
static size_t run(struct rounds *rounds, nstime *now, nstime until)
{
	size_t sent = send_now(rounds, *now, NULL);

	while (rounds_due(rounds, *now, PART) <= until) {
		*now = rounds_due(rounds, *now, PART);
		sent += send_now(rounds, *now, NULL);
	}
	*now = until;
	return sent;
}

START_TEST(first_round_of_a_takeover_goes_at_once)
{
	struct round round = {.count = 2000};
	struct rounds rounds;

	rounds_init(&rounds);
	rounds_start(&rounds, &round, true, 5);
	ck_assert_int_eq(rounds_due(&rounds, START, PART), START);
	ck_assert_uint_eq(send_now(&rounds, START, NULL), 2000);
	ck_assert_int_eq(rounds_due(&rounds, START, PART), NSTIME_NEVER);
}
END_TEST

START_TEST(repeats_keep_to_the_rate)
{
	struct round round = {.count = 2000};
	struct rounds rounds;
	nstime now = START;

	rounds_init(&rounds);
	rounds_start(&rounds, &round, true, 5);
	run(&rounds, &now, START);
	rounds_start(&rounds, &round, false, 5);
	/* in parts of PART, as far as they fit into the time */
	ck_assert_uint_eq(run(&rounds, &now, START + NSTIME_S / 4), ROUNDS_RATE / 4 / PART * PART);
	run(&rounds, &now, START + NSTIME_S / 2);
	ck_assert_int_eq(rounds_due(&rounds, now, PART), NSTIME_NEVER);
}
END_TEST

START_TEST(round_due_during_another_is_done_after_it)
{
	struct round round = {.count = 2000};
	struct rounds rounds;
	nstime now = START;

	rounds_init(&rounds);
	for (int i = 0; i < 10; i++)
		rounds_start(&rounds, &round, false, 4);
	/* the one under way and four more, however often it was asked for */
	ck_assert_uint_eq(run(&rounds, &now, START + 60 * NSTIME_S), 5 * 2000);
}
END_TEST

START_TEST(routers_take_turns)
{
	struct round many = {.count = 2000}, one = {.count = 1}, few = {.count = 100};
	struct rounds rounds;
	struct round *round;
	size_t count;

	rounds_init(&rounds);
	rounds_start(&rounds, &many, false, 5);
	rounds_start(&rounds, &one, false, 5);
	rounds_start(&rounds, &few, false, 5);
	for (int turn = 0; turn < 4; turn++) {
		struct round *const wanted[] = {&many, &one, &few, &many};

		round = rounds_next(&rounds, START, PART, &count);
		ck_assert_ptr_eq(round, wanted[turn]);
		ck_assert_uint_eq(count, round == &one ? 1 : PART);
		rounds_sent(&rounds, round, START, count);
	}
}
END_TEST

START_TEST(takeover_goes_before_the_repeats_of_others)
{
	struct round old = {.count = 500}, new = {.count = 500};
	struct round *who = NULL;
	struct rounds rounds;

	rounds_init(&rounds);
	rounds_start(&rounds, &old, false, 5);
	rounds_start(&rounds, &new, true, 5);
	ck_assert_uint_eq(send_now(&rounds, START, &who), 500);
	ck_assert_ptr_eq(who, &new);
	ck_assert_uint_eq(old.next, 0); /* the burst is used up */
}
END_TEST

START_TEST(takeover_begins_anew_what_went_slowly)
{
	struct round round = {.count = 500, .owed = 3};
	struct rounds rounds;

	rounds_init(&rounds);
	rounds_start(&rounds, &round, false, 5);
	send_now(&rounds, START, NULL);
	rounds_start(&rounds, &round, true, 5);
	ck_assert_uint_eq(send_now(&rounds, START, NULL), 500);
	ck_assert_uint_eq(round.owed, 0);
}
END_TEST

START_TEST(nothing_is_left_of_what_was_stopped)
{
	struct round rounds_of[3] = {{.count = 300}, {.count = 300}, {.count = 300}};
	struct rounds rounds;
	nstime now = START;

	rounds_init(&rounds);
	for (size_t i = 0; i < 3; i++) {
		rounds_start(&rounds, &rounds_of[i], i == 2, 5);
		rounds_start(&rounds, &rounds_of[i], false, 5);
	}
	rounds_stop(&rounds, &rounds_of[1]);
	rounds_stop(&rounds, &rounds_of[2]);
	rounds_stop(&rounds, &rounds_of[2]);
	ck_assert_uint_eq(run(&rounds, &now, START + 10 * NSTIME_S), 600);
	rounds_start(&rounds, &rounds_of[1], false, 5);
	ck_assert_uint_eq(run(&rounds, &now, START + 20 * NSTIME_S), 300);
}
END_TEST

START_TEST(many_small_routers_do_not_wake_us_for_each_frame)
{
	struct round round[200];
	struct rounds rounds;
	unsigned wakes = 0;
	nstime now = START;

	rounds_init(&rounds);
	for (size_t i = 0; i < COUNT_OF(round); i++) {
		round[i] = (struct round){.count = 10};
		rounds_start(&rounds, &round[i], false, 5);
	}
	for (; rounds_due(&rounds, now, PART) != NSTIME_NEVER; wakes++) {
		now = rounds_due(&rounds, now, PART);
		send_now(&rounds, now, NULL);
	}
	ck_assert_uint_le(wakes, 2000 / PART + 2);
}
END_TEST

START_TEST(router_without_addresses_announces_nothing)
{
	struct round round = {.count = 0};
	struct rounds rounds;

	rounds_init(&rounds);
	rounds_start(&rounds, &round, true, 5);
	ck_assert_int_eq(rounds_due(&rounds, START, PART), NSTIME_NEVER);
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp/rounds",
			 CASE("pace", full_bucket_gives_its_burst_and_then_one_per_gap,
			      rate_holds_over_any_time, more_than_allowed_leaves_no_debt),
			 CASE("rounds", first_round_of_a_takeover_goes_at_once,
			      repeats_keep_to_the_rate, round_due_during_another_is_done_after_it,
			      routers_take_turns, takeover_goes_before_the_repeats_of_others,
			      takeover_begins_anew_what_went_slowly,
			      nothing_is_left_of_what_was_stopped,
			      many_small_routers_do_not_wake_us_for_each_frame,
			      router_without_addresses_announces_nothing),
			 NULL);
}
