/* What a check worker leaves of its probes: that it comes back whole, and that nothing out of range does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/carry.h"
#include "check/carry.h"
#include "suite.h"
#include "tests/property/random.h"

#define S NSTIME_S
#define NOW (1000 * S)

static struct probe_carry random_carry(void)
{
	static const char *const words[] = {NULL, "", "greeting", "a sentence that somebody said",
					    "\xc3\xa4 and more, which is not so short that it would not "
					    "be cut by anybody who has less room than it takes to say it"};
	struct probe_carry carry = {
		.key = (uint64_t)random_below(1 << 30) << 32 | random_below(1 << 30),
		.automaton = {.verdict = (enum verdict)random_below(3),
			      .since = random_below(1000) * S,
			      .proven = random_below(2),
			      .falls = (uint8_t)random_below(50),
			      .suppressed = random_below(2000) * S},
		.ended = random_below(1000) * S,
		.due = random_below(2000) * S,
		.here = {.error = (int16_t)random_below(100), .step = (uint8_t)random_below(STEP_REPLY + 1)},
		.told = {.by = (uint8_t)random_below(4), .wish = (uint8_t)random_below(ADVICE_WISHES)},
	};

	if (random_below(2))
		carry.automaton.passed = random_below(1 << 30);
	else
		carry.automaton.failed = random_below(1 << 30);
	if (random_below(2)) {
		carry.told.parts = ADVICE_PERCENT | ADVICE_MAXCONN;
		carry.told.weight = random_below(ADVICE_PERCENT_MAX);
		carry.told.maxconn = random_below(100);
	}
	if (random_below(4))
		carry.last = (struct outcome){.reason = 1 + (enum probe_reason)random_below(REASON_COUNT - 1),
					      .step = (enum outcome_step)random_below(STEP_REPLY + 1),
					      .error = (int)random_below(134),
					      .status = (uint16_t)random_below(600),
					      .received = random_below(1 << 30),
					      .fault = words[random_below(5)],
					      .connected = random_below(1000),
					      .latency = random_below(1000)};
	return carry;
}

/* The one record of a carry; its value in `value`. */
static size_t encode(const struct probe_carry *carry, uint8_t *bytes, struct reader *value)
{
	struct writer out = writer_of(bytes, PROBE_CARRY_MAX);
	struct reader in;
	uint16_t type;

	probe_carry_put(&out, carry);
	ck_assert(!out.failed);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(carry_next(&in, &type, value));
	ck_assert_uint_eq(type, CHECK_CARRY_PROBE);
	ck_assert(reader_done(&in));
	return writer_used(&out);
}

static bool same_words(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

static void check_same(const struct probe_carry *a, const struct probe_carry *b)
{
	struct probe_carry left = *a, right = *b;

	ck_assert(same_words(a->last.fault, b->last.fault));
	left.last.fault = right.last.fault = NULL;
	ck_assert(advice_equal(&left.told, &right.told));
	left.told = right.told;
	ck_assert_uint_eq(left.key, right.key);
	ck_assert_int_eq(left.automaton.verdict, right.automaton.verdict);
	ck_assert_int_eq(left.automaton.since, right.automaton.since);
	ck_assert_int_eq(left.automaton.suppressed, right.automaton.suppressed);
	ck_assert_uint_eq(left.automaton.passed, right.automaton.passed);
	ck_assert_uint_eq(left.automaton.failed, right.automaton.failed);
	ck_assert_uint_eq(left.automaton.proven, right.automaton.proven);
	ck_assert_uint_eq(left.automaton.falls, right.automaton.falls);
	ck_assert_int_eq(left.ended, right.ended);
	ck_assert_int_eq(left.due, right.due);
	ck_assert_int_eq(left.here.error, right.here.error);
	ck_assert_int_eq(left.here.step, right.here.step);
	ck_assert_int_eq(left.last.reason, right.last.reason);
	ck_assert_int_eq(left.last.step, right.last.step);
	ck_assert_int_eq(left.last.error, right.last.error);
	ck_assert_int_eq(left.last.status, right.last.status);
	ck_assert_uint_eq(left.last.received, right.last.received);
	ck_assert_int_eq(left.last.connected, right.last.connected);
	ck_assert_int_eq(left.last.latency, right.last.latency);
}

START_TEST(what_is_put_is_what_is_got)
{
	uint8_t bytes[PROBE_CARRY_MAX];

	for (int round = 0; round < 20000; round++) {
		struct probe_carry carry = random_carry(), got;
		struct reader value;

		encode(&carry, bytes, &value);
		ck_assert(probe_carry_get(&value, NOW, &got));
		check_same(&carry, &got);
	}
}
END_TEST

START_TEST(a_cut_record_is_refused_and_a_longer_one_is_read)
{
	struct probe_carry carry = random_carry(), got;
	uint8_t bytes[PROBE_CARRY_MAX + 8], copy[PROBE_CARRY_MAX];
	struct reader value, in;
	size_t size;

	carry.last = (struct outcome){.reason = REASON_PROTOCOL, .fault = "words"};
	encode(&carry, bytes, &value);
	size = reader_left(&value);
	for (size_t cut = 0; cut < size; cut++) {
		in = reader_of(memcpy(copy, value.at, cut), cut);
		ck_assert(!probe_carry_get(&in, NOW, &got));
	}
	in = reader_of(value.at, size + 8); /* of a later release */
	ck_assert(probe_carry_get(&in, NOW, &got));
	check_same(&carry, &got);
}
END_TEST

START_TEST(words_are_cut_and_cleaned)
{
	char longer[2 * OUTCOME_SAID];
	struct probe_carry carry = {.last = {.reason = REASON_EXIT, .fault = longer}}, got;
	uint8_t bytes[PROBE_CARRY_MAX];
	struct reader value;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	longer[0] = '\n';
	encode(&carry, bytes, &value);
	ck_assert(probe_carry_get(&value, NOW, &got));
	ck_assert_uint_eq(strlen(got.last.fault), OUTCOME_SAID - 1);
	ck_assert_int_eq(got.last.fault[0], '?');
}
END_TEST

START_TEST(what_a_later_release_knows_more_of_is_not_known)
{
	struct probe_carry carry = {
		.automaton = {.verdict = VERDICT_DOWN, .since = 5 * S, .failed = 3},
		.last = {.reason = REASON_COUNT, .fault = "in a new way"},
		.ended = 6 * S,
	}, got;
	uint8_t bytes[PROBE_CARRY_MAX];
	struct reader value;

	encode(&carry, bytes, &value);
	ck_assert(probe_carry_get(&value, NOW, &got));
	ck_assert_int_eq(got.automaton.verdict, VERDICT_DOWN);
	ck_assert_int_eq(got.last.reason, REASON_NONE);
	ck_assert_ptr_null(got.last.fault);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_no_past_is_ahead)
{
	struct probe_carry carry = {.automaton = {.verdict = (enum verdict)3}}, got;
	uint8_t bytes[PROBE_CARRY_MAX];
	struct reader value;

	encode(&carry, bytes, &value);
	ck_assert(!probe_carry_get(&value, NOW, &got));
	carry.automaton = (struct automaton){.passed = 1, .failed = 1};
	encode(&carry, bytes, &value);
	ck_assert(!probe_carry_get(&value, NOW, &got));
	carry.automaton = (struct automaton){.verdict = VERDICT_UP, .since = -1};
	encode(&carry, bytes, &value);
	ck_assert(!probe_carry_get(&value, NOW, &got));
	carry.automaton.since = carry.ended = 2 * NOW;
	encode(&carry, bytes, &value);
	ck_assert(probe_carry_get(&value, NOW, &got));
	ck_assert_int_eq(got.automaton.since, NOW);
	ck_assert_int_eq(got.ended, NOW);
}
END_TEST

START_TEST(a_probe_of_which_nothing_is_known_leaves_nothing)
{
	const struct probe_carry nothing = {.key = 1}, failing = {.automaton = {.failed = 1}},
				 hindered = {.here = {.error = EMFILE}};

	ck_assert(!probe_carry_matters(&nothing));
	ck_assert(probe_carry_matters(&failing));
	ck_assert(probe_carry_matters(&hindered));
}
END_TEST

int main(void)
{
	random_seed();
	return SUITE_RUN("check carry",
			 CASE("probe", what_is_put_is_what_is_got,
			      a_cut_record_is_refused_and_a_longer_one_is_read, words_are_cut_and_cleaned,
			      what_a_later_release_knows_more_of_is_not_known,
			      what_cannot_be_is_refused_and_no_past_is_ahead,
			      a_probe_of_which_nothing_is_known_leaves_nothing));
}
