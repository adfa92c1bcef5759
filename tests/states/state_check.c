/* Of the check worker: a server that went down, with its failures and damping, and one that is up and has told a
 * weight. */
#include <errno.h>
#include <string.h>

#include "base/carry.h"
#include "base/cleanup.h"
#include "check/carry.h"
#include "config/model.h"
#include "states.h"
#include "tests/unit/suite.h"

#define AGO(seconds) (STATE_NOW - (seconds) * NSTIME_S)
#define DOWN 0x1122334455667788ull
#define UP 0x99aabbccddeeff00ull

static void make(struct writer *out)
{
	const struct probe_carry down = {
		.key = DOWN,
		.automaton = {.verdict = VERDICT_DOWN,
			      .since = AGO(60),
			      .proven = true,
			      .failed = 12,
			      .falls = 3,
			      .suppressed = STATE_NOW + 30 * NSTIME_S},
		.last = {.reason = REASON_REFUSED, .step = STEP_CONNECT, .error = ECONNREFUSED, .latency = 700000},
		.ended = AGO(2),
		.due = STATE_NOW + 3 * NSTIME_S,
		.here = {.error = EMFILE, .step = STEP_SOCKET},
	}, up = {
		.key = UP,
		.automaton = {.verdict = VERDICT_UP, .since = AGO(4000), .proven = true, .passed = 800},
		.last = {.reason = REASON_PASSED, .step = STEP_REPLY, .fault = "up 75%", .connected = 200000, .latency = 900000},
		.ended = AGO(1),
		.told = {.by = CHECK_AGENT, .parts = ADVICE_PERCENT, .wish = ADVICE_READY, .status = ADVICE_UP, .weight = 75},
	};

	probe_carry_put(out, &down);
	probe_carry_put(out, &up);
}

static void expect_down(const struct probe_carry *carry)
{
	ck_assert_int_eq(carry->automaton.verdict, VERDICT_DOWN);
	ck_assert_int_eq(carry->automaton.since, AGO(60));
	ck_assert(carry->automaton.proven);
	ck_assert_uint_eq(carry->automaton.failed, 12);
	ck_assert_uint_eq(carry->automaton.falls, 3);
	ck_assert_int_eq(carry->automaton.suppressed, STATE_NOW + 30 * NSTIME_S);
	ck_assert_int_eq(carry->last.reason, REASON_REFUSED);
	ck_assert_int_eq(carry->last.error, ECONNREFUSED);
	ck_assert_int_eq(carry->last.latency, 700000);
	ck_assert_ptr_null(carry->last.fault);
	ck_assert_int_eq(carry->ended, AGO(2));
	ck_assert_int_eq(carry->due, STATE_NOW + 3 * NSTIME_S);
	ck_assert_int_eq(carry->here.error, EMFILE);
	ck_assert_int_eq(carry->here.step, STEP_SOCKET);
	ck_assert(!advice_spoken(&carry->told));
}

static void expect_up(const struct probe_carry *carry)
{
	ck_assert_int_eq(carry->automaton.verdict, VERDICT_UP);
	ck_assert_int_eq(carry->automaton.since, AGO(4000));
	ck_assert_uint_eq(carry->automaton.passed, 800);
	ck_assert_int_eq(carry->last.reason, REASON_PASSED);
	ck_assert_int_eq(carry->last.step, STEP_REPLY);
	ck_assert_str_eq(carry->last.fault, "up 75%");
	ck_assert_int_eq(carry->last.connected, 200000);
	ck_assert_int_eq(carry->due, 0);
	ck_assert_int_eq(carry->told.by, CHECK_AGENT);
	ck_assert_int_eq(carry->told.parts, ADVICE_PERCENT);
	ck_assert_int_eq(carry->told.wish, ADVICE_READY);
	ck_assert_int_eq(carry->told.status, ADVICE_UP);
	ck_assert_uint_eq(carry->told.weight, 75);
}

static void expect(struct reader *in, UNUSED const char *release)
{
	struct probe_carry carry;
	struct reader value;
	unsigned seen = 0;
	uint16_t type;

	while (carry_next(in, &type, &value)) {
		if (type != CHECK_CARRY_PROBE)
			continue;
		ck_assert(probe_carry_get(&value, STATE_NOW, &carry));
		seen++;
		if (carry.key == DOWN)
			expect_down(&carry);
		else if (carry.key == UP)
			expect_up(&carry);
		else
			ck_abort_msg("a probe that is none");
	}
	ck_assert(reader_done(in));
	ck_assert_uint_eq(seen, 2);
}

const struct state_role state_check = {"check", make, expect};
