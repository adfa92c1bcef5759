/* check: type grpc, its messages and what an answer means. */
#include <string.h>

#include "check/grpc.h"
#include "check/http_answer.h"
#include "suite.h"

/* A message of less than 256 bytes in its frame. */
#define FRAMED(size, bytes) "\0\0\0\0" size bytes

static const char *reads(const char *bytes, size_t size, uint64_t *serving)
{
	uint8_t copy[GRPC_BODY_MOST + 1]; /* of just this size for the sanitizers */

	ck_assert_uint_le(size, sizeof(copy));
	memcpy(copy + sizeof(copy) - size, bytes, size);
	return grpc_read(copy + sizeof(copy) - size, size, serving);
}

#define READS(literal, serving) reads(literal, sizeof(literal) - 1, serving)

static void is_read(const char *bytes, size_t size, uint64_t wanted)
{
	uint64_t serving = 99;

	ck_assert_ptr_null(reads(bytes, size, &serving));
	ck_assert_uint_eq(serving, wanted);
}

#define IS_READ(literal, wanted) is_read(literal, sizeof(literal) - 1, wanted)

static void is_wrong(const char *bytes, size_t size, const char *why)
{
	uint64_t serving = 99;

	ck_assert_pstr_eq(reads(bytes, size, &serving), why);
	ck_assert_uint_eq(serving, 99);
}

#define IS_WRONG(literal, why) is_wrong(literal, sizeof(literal) - 1, why)

#define NO_MESSAGE "message is no HealthCheckResponse"

START_TEST(a_request_names_the_service_or_nothing)
{
	uint8_t out[GRPC_REQUEST];

	ck_assert_uint_eq(grpc_request(NULL, out), 5);
	ck_assert_mem_eq(out, "\0\0\0\0\0", 5);
	ck_assert_uint_eq(grpc_request("", out), 5);
	ck_assert_uint_eq(grpc_request("shop", out), 11);
	ck_assert_mem_eq(out, FRAMED("\6", "\x0a\4shop"), 11);
}
END_TEST

START_TEST(the_length_of_a_long_name_takes_two_bytes)
{
	char name[GRPC_SERVICE_MOST + 1] = "";
	uint8_t out[GRPC_REQUEST];

	memset(name, 'n', 127);
	ck_assert_uint_eq(grpc_request(name, out), 5 + 2 + 127);
	ck_assert_mem_eq(out, FRAMED("\x81", "\x0a\x7fn"), 8);
	memset(name, 'n', 128);
	ck_assert_uint_eq(grpc_request(name, out), 5 + 3 + 128);
	ck_assert_mem_eq(out, FRAMED("\x83", "\x0a\x80\1n"), 9);
	memset(name, 'n', GRPC_SERVICE_MOST);
	ck_assert_uint_eq(grpc_request(name, out), GRPC_REQUEST);
	ck_assert_mem_eq(out, "\0\0\0\1\2\x0a\xff\1n", 9);
}
END_TEST

START_TEST(a_response_has_a_status_which_is_unknown_unless_told)
{
	IS_READ(FRAMED("\2", "\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\2", "\x08\2"), GRPC_NOT_SERVING);
	IS_READ(FRAMED("\2", "\x08\3"), GRPC_SERVICE_UNKNOWN);
	IS_READ(FRAMED("\2", "\x08\0"), GRPC_UNKNOWN);
	IS_READ("\0\0\0\0\0", GRPC_UNKNOWN);
	IS_READ(FRAMED("\2", "\x08\x2a"), 42);
}
END_TEST

START_TEST(of_several_statuses_the_last_counts)
{
	IS_READ(FRAMED("\4", "\x08\1\x08\2"), GRPC_NOT_SERVING);
	IS_READ(FRAMED("\4", "\x08\2\x08\1"), GRPC_SERVING);
}
END_TEST

START_TEST(fields_that_are_not_known_are_skipped)
{
	IS_READ(FRAMED("\4", "\x10\7\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\x0b", "\x11" "12345678\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\7", "\x12\3abc\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\7", "\x15" "1234\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\4", "\x12\0\x08\1"), GRPC_SERVING);
	/* the status' number, but no number */
	IS_READ(FRAMED("\5", "\x0a\1x\x08\1"), GRPC_SERVING);
	IS_READ(FRAMED("\3", "\x0a\1x"), GRPC_UNKNOWN);
}
END_TEST

START_TEST(numbers_may_be_written_longer_than_needed)
{
	uint64_t serving;

	IS_READ(FRAMED("\3", "\x08\x81\0"), GRPC_SERVING);
	IS_READ(FRAMED("\x0b", "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\0"), GRPC_SERVING);
	IS_READ(FRAMED("\3", "\x88\0\1"), GRPC_SERVING);
	/* -1, as int32 */
	ck_assert_ptr_null(
		READS(FRAMED("\x0b", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), &serving));
	ck_assert_uint_eq(serving, UINT64_MAX);
	/* not 1: 2^32 + 1 */
	ck_assert_ptr_null(READS(FRAMED("\6", "\x08\x81\x80\x80\x80\x10"), &serving));
	ck_assert_uint_eq(serving, (1ull << 32) + 1);
}
END_TEST

START_TEST(hostile_numbers_are_none)
{
	IS_WRONG(FRAMED("\1", "\x08"), NO_MESSAGE);
	IS_WRONG(FRAMED("\2", "\x08\x81"), NO_MESSAGE);
	IS_WRONG(FRAMED("\1", "\x88"), NO_MESSAGE);
	IS_WRONG(FRAMED("\x0c", "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"), NO_MESSAGE);
	IS_WRONG(FRAMED("\x0b", "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\2"), NO_MESSAGE);
	IS_WRONG(FRAMED("\2", "\0\1"), NO_MESSAGE); /* field 0 */
	IS_WRONG(FRAMED("\6", "\x80\x80\x80\x80\x10\1"), NO_MESSAGE); /* field 2^29 */
	IS_READ(FRAMED("\6", "\xf8\xff\xff\xff\x0f\1"), GRPC_UNKNOWN);
}
END_TEST

START_TEST(fields_that_reach_beyond_the_message_are_none)
{
	IS_WRONG(FRAMED("\4", "\x12\3ab"), NO_MESSAGE);
	IS_WRONG(FRAMED("\x0b", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), NO_MESSAGE);
	IS_WRONG(FRAMED("\x08", "\x11" "1234567"), NO_MESSAGE);
	IS_WRONG(FRAMED("\4", "\x15" "123"), NO_MESSAGE);
	IS_WRONG(FRAMED("\1", "\x13"), NO_MESSAGE); /* a group */
	IS_WRONG(FRAMED("\1", "\x0c"), NO_MESSAGE);
	IS_WRONG(FRAMED("\3", "\x08\1\x16"), NO_MESSAGE);
}
END_TEST

START_TEST(a_frame_holds_one_message_as_it_is)
{
	IS_WRONG("", "reply has no message");
	IS_WRONG("\0\0\0\0", "reply has half a message");
	IS_WRONG(FRAMED("\2", ""), "reply has half a message");
	IS_WRONG(FRAMED("\2", "\x08"), "reply has half a message");
	IS_WRONG("\0\xff\xff\xff\xff\x08\1", "reply has half a message");
	IS_WRONG(FRAMED("\2", "\x08\1") FRAMED("\2", "\x08\1"), "reply has more than one message");
	IS_WRONG(FRAMED("\1", "\x08\1"), "reply has more than one message");
	IS_WRONG("\1\0\0\0\2\x08\1", "reply is compressed, unasked");
	IS_WRONG("HTTP/1.1 200 OK\r\n", "reply is compressed, unasked");
}
END_TEST

/* ---- whole answers ---------------------------------------------------------------------------- */

static void note(struct grpc_reply *reply, const char *line)
{
	struct http_field field;

	ck_assert(http_field_parse(line, strlen(line), &field));
	grpc_note_field(reply, &field);
}

static void type_is(const char *line, bool wanted)
{
	struct grpc_reply reply = {0};
	char said[OUTCOME_SAID];
	struct outcome outcome;

	note(&reply, line);
	outcome = grpc_judge_head(&reply, 200, said);
	ck_assert_int_eq(outcome.reason, wanted ? REASON_PASSED : REASON_PROTOCOL);
}

START_TEST(an_answer_of_another_kind_is_none)
{
	struct grpc_reply reply = {0};
	char said[OUTCOME_SAID];
	struct outcome outcome;

	type_is("content-type: application/grpc", true);
	type_is("Content-Type: application/grpc+proto\r\n", true);
	type_is("content-type: Application/GRPC;charset=utf-8", true);
	type_is("content-type: application/grpc-web", false);
	type_is("content-type: application/grp", false);
	type_is("content-type: text/html", false);
	type_is("content-type:", false);
	type_is("x-content-type: application/grpc", false);
	note(&reply, "content-type: application/grpc");
	outcome = grpc_judge_head(&reply, 503, said);
	ck_assert_int_eq(outcome.reason, REASON_STATUS);
	ck_assert_str_eq(outcome.fault, "status 503, wanted 200");
}
END_TEST

static struct grpc_reply of_lines(const char *first, const char *second)
{
	struct grpc_reply reply = {0};

	note(&reply, first);
	if (second)
		note(&reply, second);
	return reply;
}

static void told_is(const struct grpc_reply *reply, enum probe_reason reason, const char *words)
{
	char said[OUTCOME_SAID];
	struct outcome outcome = grpc_judge(reply, said);

	ck_assert_str_eq(outcome.fault, words);
	ck_assert_int_eq(outcome.reason, reason);
	ck_assert_int_eq(outcome.step, STEP_REPLY);
}

static void says(const char *first, const char *second, enum probe_reason reason, const char *words)
{
	struct grpc_reply reply = of_lines(first, second);

	ck_assert(grpc_note_body(&reply, FRAMED("\2", "\x08\1"), 7));
	told_is(&reply, reason, words);
}

START_TEST(a_call_must_have_gone_well)
{
	says("grpc-status: 0", NULL, REASON_PASSED, "grpc: SERVING");
	says("Grpc-Status: 00", NULL, REASON_PASSED, "grpc: SERVING");
	says("x: y", NULL, REASON_PROTOCOL, "reply has no grpc-status");
	says("grpc-status:", NULL, REASON_PROTOCOL, "grpc-status is no number");
	says("grpc-status: -1", NULL, REASON_PROTOCOL, "grpc-status is no number");
	says("grpc-status: 0x", NULL, REASON_PROTOCOL, "grpc-status is no number");
	says("grpc-status: 4294967296", NULL, REASON_PROTOCOL, "grpc-status is no number");
	says("grpc-status: 14", NULL, REASON_STATUS, "grpc-status 14 unavailable");
	says("grpc-status: 17", NULL, REASON_STATUS, "grpc-status 17 of no known meaning");
	says("grpc-status: 0", "grpc-status: 13", REASON_STATUS, "grpc-status 13 internal");
	says("grpc-status: 5", NULL, REASON_STATUS,
	     "grpc-status 5 not_found: has it a service of this name?");
	says("grpc-status: 12", "grpc-message: unknown%20service", REASON_STATUS,
	     "grpc-status 12 unimplemented: unknown service: has the server the health service?");
}
END_TEST

START_TEST(only_serving_passes)
{
	static const struct {
		const char *frame, *words;
		enum probe_reason reason;
	} rows[] = {
		{"\0\0\0\0\2\x08\0", "grpc: UNKNOWN", REASON_SAYS_DOWN},
		{"\0\0\0\0\2\x08\1", "grpc: SERVING", REASON_PASSED},
		{"\0\0\0\0\2\x08\2", "grpc: NOT_SERVING", REASON_SAYS_DOWN},
		{"\0\0\0\0\2\x08\3", "grpc: SERVICE_UNKNOWN", REASON_SAYS_DOWN},
		{"\0\0\0\0\2\x08\4", "grpc: a serving status of no known meaning, 4",
		 REASON_PROTOCOL},
		{"\1\0\0\0\2\x08\1", "reply is compressed, unasked", REASON_PROTOCOL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct grpc_reply reply = of_lines("grpc-status: 0", NULL);

		ck_assert(grpc_note_body(&reply, rows[i].frame, 3));
		ck_assert(grpc_note_body(&reply, rows[i].frame + 3, 4));
		told_is(&reply, rows[i].reason, rows[i].words);
	}
}
END_TEST

START_TEST(a_body_has_an_end)
{
	static const uint8_t many[GRPC_BODY_MOST + 1];
	struct grpc_reply reply = {0};

	ck_assert(!grpc_note_body(&reply, many, GRPC_BODY_MOST + 1));
	ck_assert(grpc_note_body(&reply, many, GRPC_BODY_MOST - 1));
	ck_assert(!grpc_note_body(&reply, many, 2));
	ck_assert(grpc_note_body(&reply, many, 1));
	ck_assert(grpc_note_body(&reply, many, 0));
	ck_assert(!grpc_note_body(&reply, many, 1));
}
END_TEST

START_TEST(messages_are_decoded_and_fit_for_people)
{
	says("grpc-status: 2", "grpc-message: a%3ab%25", REASON_STATUS, "grpc-status 2 unknown: a:b%");
	says("grpc-status: 2", "grpc-message: %e2%9c%93 %E2%9C%93", REASON_STATUS,
	     "grpc-status 2 unknown: \xe2\x9c\x93 \xe2\x9c\x93");
	says("grpc-status: 2", "grpc-message: 5% %g0 %0g %", REASON_STATUS,
	     "grpc-status 2 unknown: 5% %g0 %0g %");
	says("grpc-status: 2", "grpc-message: %4", REASON_STATUS, "grpc-status 2 unknown: %4");
	says("grpc-status: 2", "grpc-message: %1b[2J%0a%00%7f%ff", REASON_STATUS,
	     "grpc-status 2 unknown: ?[2J????");
}
END_TEST

START_TEST(a_long_message_is_cut_before_our_words)
{
	static const char HINT[] = ": has the server the health service?";
	char line[400] = "grpc-message: ", said[OUTCOME_SAID];

	for (size_t length = 40; length < 300; length++) {
		struct grpc_reply reply = {0};
		struct outcome outcome;

		for (size_t at = strlen("grpc-message: "); at < length; at += 2)
			memcpy(line + at, "\xc3\xa9", 3);
		note(&reply, "grpc-status: 12");
		note(&reply, line);
		outcome = grpc_judge(&reply, said);
		ck_assert_uint_ge(strlen(outcome.fault), sizeof(HINT));
		ck_assert_str_eq(outcome.fault + strlen(outcome.fault) - strlen(HINT), HINT);
		ck_assert_msg(strchr(outcome.fault, '?') == strrchr(outcome.fault, '?'),
			      "no letter is cut in two: %s", outcome.fault);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"grpc",
		CASE("request", a_request_names_the_service_or_nothing,
		     the_length_of_a_long_name_takes_two_bytes),
		CASE("response", a_response_has_a_status_which_is_unknown_unless_told,
		     of_several_statuses_the_last_counts, fields_that_are_not_known_are_skipped,
		     numbers_may_be_written_longer_than_needed, hostile_numbers_are_none,
		     fields_that_reach_beyond_the_message_are_none,
		     a_frame_holds_one_message_as_it_is),
		CASE("answer", an_answer_of_another_kind_is_none, a_call_must_have_gone_well,
		     only_serving_passes, a_body_has_an_end,
		     messages_are_decoded_and_fit_for_people,
		     a_long_message_is_cut_before_our_words));
}
