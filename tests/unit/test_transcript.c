/* check: what an operator who looks on is shown: harmless, bounded, without secrets. */
#include <string.h>

#include "base/cleanup.h"
#include "check/dns_words.h"
#include "check/transcript.h"
#include "check/wanted.h"
#include "config/model.h"
#include "suite.h"

static struct transcript it;
static struct transcript_step step;

static struct reader begin(void)
{
	transcript_begin(&it, NSTIME_S);
	return reader_of(it.bytes, 0);
}

static const char *first(void)
{
	struct reader in = reader_of(it.bytes, it.used);

	ck_assert(transcript_next(&in, &step));
	return step.text;
}

static const char *head(const char *text)
{
	begin();
	transcript_head(&it, NSTIME_S, TRANSCRIPT_SENT, text, strlen(text));
	return first();
}

static void PRINTF_LIKE(1, 2) say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	transcript_say(&it, 3 * NSTIME_S, format, list);
	va_end(list);
}

START_TEST(bytes_are_written_as_lbha_conf_writes_them)
{
	begin();
	transcript_bytes(&it, NSTIME_S, TRANSCRIPT_RECEIVED, "a\r\n\t\\\x1b\x00\xff~", 9);
	ck_assert_str_eq(first(), "a\\r\\n\\t\\\\\\x1b\\x00\\xff~");
	ck_assert_int_eq(step.kind, TRANSCRIPT_RECEIVED);
	ck_assert_uint_eq(step.left_out, 0);
}
END_TEST

START_TEST(foreign_text_in_a_sentence_is_cleaned)
{
	begin();
	say("certificate \x1b[31mred\nend");
	ck_assert_str_eq(first(), "certificate ?[31mred?end");
	ck_assert_int_eq(step.after, 2 * NSTIME_S);
}
END_TEST

START_TEST(fields_that_keep_a_secret_are_not_written_down)
{
	ck_assert_str_eq(head("GET / HTTP/1.1\r\nAuthorization: Basic eDp5\r\nHost: a\r\n\r\n"),
			 "GET / HTTP/1.1\\r\\nAuthorization: (secret)\\r\\nHost: a\\r\\n\\r\\n");
	ck_assert_str_eq(head("x-api-KEY:1\n"), "x-api-KEY: (secret)\\r\\n");
	ck_assert_str_eq(head("Cookie: a\r\n b\r\n\tc\r\nX: y\r\n"), "Cookie: (secret)\\r\\n (secret)\\r\\n (secret)\\r\\nX: y\\r\\n");
	ck_assert_str_eq(head("Author : x\r\n"), "Author : (secret)\\r\\n");
	ck_assert_str_eq(head("Host: auth.example\r\n"), "Host: auth.example\\r\\n");
}
END_TEST

START_TEST(a_folded_secret_stays_one_when_its_lines_come_apart)
{
	struct reader in;

	begin();
	transcript_head(&it, NSTIME_S, TRANSCRIPT_RECEIVED, "Set-Cookie: a\r\n", 15);
	transcript_head(&it, NSTIME_S, TRANSCRIPT_RECEIVED, " hidden\r\n", 9);
	transcript_head(&it, NSTIME_S, TRANSCRIPT_RECEIVED, "X: shown\r\n", 10);
	in = reader_of(it.bytes, it.used);
	ck_assert(transcript_next(&in, &step) && transcript_next(&in, &step));
	ck_assert_str_eq(step.text, " (secret)\\r\\n");
	ck_assert(transcript_next(&in, &step));
	ck_assert_str_eq(step.text, "X: shown\\r\\n");
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_and_counted)
{
	static uint8_t many[100000];
	struct reader in;
	unsigned steps = 0;

	begin();
	memset(many, 0x1b, sizeof(many));
	transcript_bytes(&it, NSTIME_S, TRANSCRIPT_RECEIVED, many, sizeof(many));
	ck_assert_uint_eq(strlen(first()), 4 * (sizeof(many) - step.left_out));
	ck_assert(!it.cut);
	for (int i = 0; i < 10000; i++)
		transcript_bytes(&it, NSTIME_S, TRANSCRIPT_SENT, many, (size_t)i);
	ck_assert(it.cut && it.used <= sizeof(it.bytes));
	for (in = reader_of(it.bytes, it.used); transcript_next(&in, &step); steps++)
		;
	ck_assert(!in.failed && steps > 3);
}
END_TEST

START_TEST(a_transcript_that_is_none_is_refused)
{
	uint8_t bytes[64];
	struct reader in;

	begin();
	say("x");
	memcpy(bytes, it.bytes, it.used);
	for (size_t size = 1; size < it.used; size++) {
		in = reader_of(bytes, size);
		ck_assert(!transcript_next(&in, &step) && in.failed);
	}
	bytes[0] = TRANSCRIPT_KINDS;
	in = reader_of(bytes, it.used);
	ck_assert(!transcript_next(&in, &step) && in.failed);
}
END_TEST

START_TEST(messages_of_dns_are_told_in_words_whatever_they_are)
{
	static const uint8_t question[] = "\1\2\1\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\1\0\1";
	static const uint8_t answer[] = "\1\2\x81\x83\0\1\0\1\0\0\0\0\1a\2bc\0\0\1\0\1"
					"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0e";
	char words[200];

	ck_assert_str_eq(dns_words(question, sizeof(question) - 1, words, sizeof(words)), "a.bc. A?, id 258");
	ck_assert_str_eq(dns_words(answer, sizeof(answer) - 1, words, sizeof(words)),
			 "a.bc. A? nxdomain, id 258, 1 answer: a.bc. CNAME bc.");
	for (size_t size = 0; size < sizeof(answer) - 1; size++)
		ck_assert_ptr_nonnull(strstr(dns_words(answer, size, words, sizeof(words)), "(malformed)"));
}
END_TEST

START_TEST(what_is_wanted_is_one_line_for_every_type)
{
	struct status_range ranges[] = {{200, 200}, {300, 399}};
	struct check check = {.type = CHECK_HTTP,
			      .expect = {.status = ranges, .status_count = 2, .not_regex = "err\nor"}};
	char words[200];

	ck_assert_str_eq(wanted_describe(&check, words, sizeof(words)), "status 200, 300-399, a body without /err?or/");
	for (unsigned type = 0; type < CHECK_TYPES; type++) {
		check = (struct check){.type = (enum check_type)type, .process = "x", .count = 1, .dns.expect.rcodes = 1};
		ck_assert_msg(*wanted_describe(&check, words, sizeof(words)), "%s", check_type_name(check.type));
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("transcript",
			 CASE("transcript", bytes_are_written_as_lbha_conf_writes_them,
			      foreign_text_in_a_sentence_is_cleaned, fields_that_keep_a_secret_are_not_written_down,
			      a_folded_secret_stays_one_when_its_lines_come_apart,
			      what_does_not_fit_is_left_out_and_counted, a_transcript_that_is_none_is_refused,
			      messages_of_dns_are_told_in_words_whatever_they_are,
			      what_is_wanted_is_one_line_for_every_type));
}
