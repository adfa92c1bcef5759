/* check: talks. The machine that all dialogues share, and type tcp. */
#include "base/escape.h"
#include "check/tcp.h"
#include "config/model.h"
#include "suite.h"
#include "talks.h"

/* ---- escapes ------------------------------------------------------------------------------------ */

START_TEST(escapes_say_any_byte)
{
	uint8_t bytes[16];

	ck_assert_uint_eq(escape_decode("a\\r\\n\\t\\\\\\x00\\xfF", bytes, sizeof(bytes)), 7);
	ck_assert_mem_eq(bytes, "a\r\n\t\\\0\xff", 7);
	ck_assert_uint_eq(escape_decode("abc", bytes, 2), 2);
}
END_TEST

START_TEST(a_backslash_that_begins_no_escape_is_found)
{
	static const char *const bad[] = {"a\\q", "\\", "\\x", "\\x1", "\\xg0", "\\x0g", "\\\\\\"};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_ptr_nonnull(escape_fault(bad[i]));
	ck_assert_str_eq(escape_fault("ab\\r\\zq"), "\\zq");
	ck_assert_ptr_null(escape_fault("\\r\\n\\t\\xA0\\\\n"));
}
END_TEST

/* ---- tcp ---------------------------------------------------------------------------------------- */

#define TELL(check, text, closes) tell(&tcp_dialogue, check, text, sizeof(text) - 1, closes)

static void told_is(const struct told *told, enum probe_reason reason, const char *fault)
{
	ck_assert_int_eq(told->reason, reason);
	ck_assert_str_eq(told->fault, fault);
}

START_TEST(what_is_expected_may_stand_anywhere)
{
	const struct check check = {.send = "PING\\r\\n", .expect_bytes = "+PO\\x4eG\\r\\n"};
	struct told told = TELL(&check, "hello\r\n+PO+PONG\r\nmore", false);

	told_is(&told, REASON_PASSED, "matches");
	ck_assert_uint_eq(told.said_size, 6);
	ck_assert_mem_eq(told.said, "PING\r\n", 6);
}
END_TEST

START_TEST(a_connection_that_closes_without_a_match_shows_what_came)
{
	const struct check check = {.expect_bytes = "220 "};
	struct told told = TELL(&check, "554 go\x1b[31maway\r\n", true);

	told_is(&told, REASON_MISMATCH, "no match in \"554 go?[31maway\"");
	told = TELL(&check, "", true);
	told_is(&told, REASON_RESET, "match");
	told = TELL(&check, "554 wait", false);
	ck_assert_int_eq(told.end, TALK_MORE);
}
END_TEST

START_TEST(only_the_first_16_KiB_are_looked_at)
{
	const struct check check = {.expect_bytes = "end"};
	static char much[TALK_IN + 2];
	struct told told;

	memset(much, 'x', sizeof(much));
	memcpy(much + TALK_IN - 3, "end", 3);
	told = tell(&tcp_dialogue, &check, much, sizeof(much), false);
	told_is(&told, REASON_PASSED, "matches");
	memset(much, 'x', sizeof(much));
	memcpy(much + TALK_IN - 2, "end", 3);
	told = tell(&tcp_dialogue, &check, much, sizeof(much), false);
	ck_assert_int_eq(told.reason, REASON_MISMATCH);
	ck_assert_ptr_nonnull(strstr(told.fault, "xxx…\", 16KiB in all"));
}
END_TEST

START_TEST(without_expect_it_passes_when_all_is_sent)
{
	const struct check check = {.send = "hello"};
	struct told told = TELL(&check, "", false);

	told_is(&told, REASON_PASSED, "sent");
	ck_assert_uint_eq(told.said_size, 5);
	ck_assert(!tcp_talks(&(struct check){0}));
}
END_TEST

static unsigned searches;

/* An expression that matches "ready" at the end of what is there, and costs as much as one may. */
static enum match_found search_end(const struct pattern *pattern, const uint8_t *bytes, size_t size,
				   uint64_t *work)
{
	(void)pattern;
	searches++;
	*work += 100000;
	if (size && bytes[0] == '!')
		return MATCH_LIMIT;
	return size >= 5 && !memcmp(bytes + size - 5, "ready", 5) ? MATCH_FOUND : MATCH_NONE;
}

START_TEST(an_expression_is_searched_in_all_that_has_come)
{
	const struct check check = {.expect_regex = "ready$"};
	struct told told;

	tell_search = search_end;
	told = TELL(&check, "220 mail ready", false);
	told_is(&told, REASON_PASSED, "matches");
	told = TELL(&check, "554 no", true);
	told_is(&told, REASON_MISMATCH, "no match in \"554 no\"");
	told = TELL(&check, "!", false);
	told_is(&told, REASON_MATCH_LIMIT,
		"expect_regex takes too much work on what the server sends");
}
END_TEST

START_TEST(a_server_that_drips_gets_no_costly_search_for_each_byte)
{
	const struct check check = {.expect_regex = "ready$"};
	static char much[TALK_IN - 1];
	static struct telling telling;

	tell_search = search_end;
	memset(much, 'x', sizeof(much));
	searches = 0;
	tell_begin(&telling, &tcp_dialogue, &check);
	for (size_t i = 0; i < sizeof(much); i++)
		tell_bytes(&telling, much + i, 1);
	ck_assert_uint_lt(searches, 150);
	ck_assert_int_eq(tell_end(&telling, true)->reason, REASON_MISMATCH);
	ck_assert_uint_lt(searches, 150);
}
END_TEST

/* ---- the machine -------------------------------------------------------------------------------- */

/* Lines of one letter: takes each, answers "?", passes at "." */
static enum talk_next letters_step(struct talk *talk)
{
	talk->awaits = "letter";
	if (talk->size < 2)
		return TALK_MORE;
	if (talk->bytes[0] == '.')
		return talk_pass(talk, NULL);
	talk_take(talk, 2);
	put_u8(&talk->out, '?');
	return TALK_AGAIN;
}

static const struct dialogue letters = {.step = letters_step};

START_TEST(messages_are_taken_one_by_one_and_more_than_the_room_may_pass)
{
	static char much[2 * TALK_IN + 2];
	struct told told;

	told = tell(&letters, &(struct check){0}, "a\nb\n.\n", 6, false);
	ck_assert_int_eq(told.end, TALK_PASSED);
	ck_assert_uint_eq(told.said_size, 2);
	memset(much, '\n', sizeof(much));
	told = tell(&letters, &(struct check){0}, much, 3000, true);
	told_is(&told, REASON_RESET, "letter");
}
END_TEST

START_TEST(a_server_that_never_lets_us_send_is_at_fault)
{
	static char much[2 * TALK_OUT + 2];
	struct telling telling;

	memset(much, 'a', sizeof(much));
	tell_begin(&telling, &letters, &(struct check){0});
	telling.talk.out = writer_of(telling.out, 16);
	telling.talk.bytes = (const uint8_t *)much;
	telling.talk.size = sizeof(much);
	ck_assert_int_eq(talk_next(&telling.talk, &letters), TALK_FAILED);
	ck_assert_int_eq(telling.talk.reason, REASON_PROTOCOL);
}
END_TEST

static enum talk_next never_step(struct talk *talk)
{
	(void)talk;
	return TALK_MORE;
}

START_TEST(a_message_larger_than_the_room_is_too_large)
{
	static char much[TALK_IN];
	const struct dialogue never = {.step = never_step};
	struct told told = tell(&never, &(struct check){0}, much, sizeof(much), false);

	told_is(&told, REASON_TOO_LARGE, "reply larger than 16KiB");
	told = tell(&never, &(struct check){0}, much, sizeof(much) - 1, false);
	ck_assert_int_eq(told.end, TALK_MORE);
}
END_TEST

static const char *described(struct outcome outcome)
{
	static char text[160];

	outcome.connected = 2 * NSTIME_MS;
	return outcome_describe(&outcome, &(struct check){.timeout = NSTIME_S}, text, sizeof(text));
}

START_TEST(a_broken_talk_says_what_was_awaited)
{
	struct talk talk = {.awaits = "greeting"};

	ck_assert_str_eq(described(talk_expired(&talk, 1, 0)),
			 "no greeting within 1s (connected after 2ms)");
	ck_assert_str_eq(described(talk_expired(&talk, 1, 5)),
			 "no greeting within 1s (connected after 2ms, 5 bytes received)");
	ck_assert_str_eq(described(talk_broken(&talk, 104, 0)),
			 "connection reset without a greeting");
	ck_assert_str_eq(described(talk_broken(&talk, 104, 5)),
			 "connection reset without a greeting (5 bytes received)");
	talk_fail(&talk, REASON_RESET, talk.awaits);
	ck_assert_str_eq(described(talk_outcome(&talk, TALK_FAILED, 0)),
			 "connection closed without a greeting");
	ck_assert_str_eq(described(talk_broken(&(struct talk){0}, 104, 5)),
			 "connection reset in the middle of the reply (5 bytes received)");
}
END_TEST

START_TEST(foreign_text_is_shown_on_one_line_and_cut)
{
	char quote[TALK_QUOTE], much[100];

	ck_assert_str_eq(talk_quote("a\r\nb\r\n \n", 8, quote), "a??b");
	memset(much, 'a', sizeof(much));
	ck_assert_uint_eq(strlen(talk_quote(much, sizeof(much), quote)), 63);
	ck_assert_str_eq(quote + 58, "aa…");
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"talk",
		CASE("escape", escapes_say_any_byte, a_backslash_that_begins_no_escape_is_found),
		CASE("tcp", what_is_expected_may_stand_anywhere,
		     a_connection_that_closes_without_a_match_shows_what_came,
		     an_expression_is_searched_in_all_that_has_come,
		     a_server_that_drips_gets_no_costly_search_for_each_byte,
		     only_the_first_16_KiB_are_looked_at, without_expect_it_passes_when_all_is_sent),
		CASE("machine", messages_are_taken_one_by_one_and_more_than_the_room_may_pass,
		     a_server_that_never_lets_us_send_is_at_fault,
		     a_message_larger_than_the_room_is_too_large,
		     a_broken_talk_says_what_was_awaited,
		     foreign_text_is_shown_on_one_line_and_cut));
}
