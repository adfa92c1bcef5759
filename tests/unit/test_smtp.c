/* check: type smtp, with transcripts in all pieces. */
#include <errno.h>

#include "check/smtp.h"
#include "config/model.h"
#include "suite.h"
#include "talks.h"

static const struct check PLAIN = {.type = CHECK_SMTP, .helo = "lb.example"};
static const struct check SECURE = {.type = CHECK_SMTP, .helo = "lb.example", .starttls = true};

#define TELL(check, text, closes) tell(&smtp_dialogue, &check, text, sizeof(text) - 1, closes)

static void told_is(struct told told, enum probe_reason reason, const char *fault)
{
	ck_assert_str_eq(told.fault, fault);
	ck_assert_int_eq(told.reason, reason);
}

static void said_is(const struct told *told, const char *said)
{
	ck_assert_uint_eq(told->said_size, strlen(said));
	ck_assert_mem_eq(told->said, said, told->said_size);
}

START_TEST(a_server_that_greets_and_knows_us_passes)
{
	struct told told = TELL(PLAIN, "220-mail.example\r\n220 ESMTP\r\n250-mail.example\r\n250 SIZE 9\r\n", false);

	told_is(told, REASON_PASSED, "250 SIZE 9");
	said_is(&told, "EHLO lb.example\r\nQUIT\r\n");
	told_is(TELL(PLAIN, "220\r\n250\r\n", false), REASON_PASSED, "250 ");
	told_is(TELL(PLAIN, "220 a\n250 b\n", false), REASON_PASSED, "250 b");
}
END_TEST

START_TEST(a_server_without_EHLO_is_asked_with_HELO)
{
	struct told told = TELL(PLAIN, "220 old\r\n502 what?\r\n250 old\r\n", false);

	told_is(told, REASON_PASSED, "250 old");
	said_is(&told, "EHLO lb.example\r\nHELO lb.example\r\nQUIT\r\n");
	told_is(TELL(PLAIN, "220 old\r\n500 what?\r\n554 no\r\n", false), REASON_MISMATCH, "HELO: 554 no");
	told_is(TELL(SECURE, "220 old\r\n502 what?\r\n", false), REASON_MISMATCH, "EHLO: 502 what?");
}
END_TEST

START_TEST(what_a_server_refuses_with_is_shown)
{
	told_is(TELL(PLAIN, "554-5.7.1 a\r\n554 5.7.1 go\x1b away\r\n", false), REASON_MISMATCH,
		"greeting: 554 5.7.1 go? away");
	told_is(TELL(PLAIN, "421 too many\r\n", true), REASON_MISMATCH, "greeting: 421 too many");
	told_is(TELL(PLAIN, "220 a\r\n451 later\r\n", false), REASON_MISMATCH, "EHLO: 451 later");
	told_is(TELL(PLAIN, "250 a\r\n", false), REASON_MISMATCH, "greeting: 250 a");
}
END_TEST

START_TEST(what_is_no_SMTP_is_quoted)
{
	static char text[4096];

	told_is(TELL(PLAIN, "SSH-2.0-x\r\n", false), REASON_PROTOCOL, "not SMTP: \"SSH-2.0-x\"");
	told_is(TELL(PLAIN, "220_a\r\n", false), REASON_PROTOCOL, "not SMTP: \"220_a\"");
	told_is(TELL(PLAIN, "720 a\r\n", false), REASON_PROTOCOL, "not SMTP: \"720 a\"");
	told_is(TELL(PLAIN, "220-a\r\n250 b\r\n", false), REASON_PROTOCOL,
		"lines of one reply have different codes");
	memset(text, 'x', sizeof(text));
	memcpy(text, "220 ", 4);
	told_is(tell(&smtp_dialogue, &PLAIN, text, sizeof(text), false), REASON_TOO_LARGE,
		"line longer than 2KiB");
	ck_assert_int_eq(TELL(PLAIN, "220-a\r\n22", false).end, TALK_MORE);
	told_is(TELL(PLAIN, "220-a\r\n22", true), REASON_RESET, "greeting");
	told_is(TELL(PLAIN, "220 a\r\n250-b\r\n", true), REASON_RESET, "reply to EHLO");
}
END_TEST

START_TEST(a_server_of_TLS_is_known_by_its_alert)
{
	struct telling telling;

	tell_begin(&telling, &smtp_dialogue, &PLAIN);
	tell_bytes(&telling, "\x15\x03\x03\x00\x02\x02\x0a", 7);
	told_is(*tell_end(&telling, true), REASON_PROTOCOL, "server speaks TLS from the beginning");
}
END_TEST

START_TEST(a_reply_has_an_end)
{
	static char text[8 * 200];

	for (size_t i = 0; i < 200; i++)
		memcpy(text + 8 * i, "220-a.\r\n", 8);
	told_is(tell(&smtp_dialogue, &PLAIN, text, sizeof(text), false), REASON_TOO_LARGE,
		"reply of more than 100 lines");
}
END_TEST

/* Before TLS and inside it, each split at every place. */
static struct told tell_secure(const char *before, const char *inside)
{
	static struct telling telling;
	struct told first = {0};
	size_t size = strlen(before), more = strlen(inside);

	for (size_t i = 0; i <= size; i++)
		for (size_t at = 0; at <= more; at++) {
			tell_begin(&telling, &smtp_dialogue, &SECURE);
			tell_bytes(&telling, before, i);
			tell_bytes(&telling, before + i, size - i);
			tell_bytes(&telling, inside, at);
			tell_bytes(&telling, inside + at, more - at);
			if (i || at)
				told_equal(&first, tell_end(&telling, false), i);
			else
				first = *tell_end(&telling, false);
		}
	return first;
}

#define BEFORE "220 mail ESMTP\r\n250-mail\r\n250-starttls\r\n250 HELP\r\n220 go\r\n"

START_TEST(inside_TLS_the_server_is_asked_again)
{
	struct told told = tell_secure(BEFORE, "250-mail\r\n250 AUTH PLAIN\r\n");

	told_is(told, REASON_PASSED, "250 AUTH PLAIN, over TLS");
	said_is(&told, "EHLO lb.example\r\nSTARTTLS\r\nEHLO lb.example\r\nQUIT\r\n");
	told_is(tell_secure(BEFORE, "530 no\r\n"), REASON_MISMATCH, "EHLO: 530 no");
}
END_TEST

START_TEST(a_server_that_offers_no_STARTTLS_or_refuses_it_fails)
{
	told_is(TELL(SECURE, "220 a\r\n250-a\r\n250 STARTTLSX\r\n", false), REASON_MISMATCH,
		"server offers no STARTTLS");
	told_is(TELL(SECURE, "220 a\r\n250 STARTTLS\r\n", false), REASON_MISMATCH,
		"server offers no STARTTLS"); /* the first line is its name */
	told_is(TELL(SECURE, "220 a\r\n250-a\r\n250 STARTTLS\r\n454 not now\r\n", false), REASON_MISMATCH,
		"STARTTLS: 454 not now");
}
END_TEST

START_TEST(what_was_said_before_TLS_does_not_count_inside)
{
	static const char text[] = BEFORE "250 injected\r\n";
	struct telling telling;

	tell_begin(&telling, &smtp_dialogue, &SECURE);
	tell_bytes(&telling, text, sizeof(text) - 1);
	told_is(*tell_end(&telling, false), REASON_PROTOCOL, "server says more before TLS than it was asked");
}
END_TEST

int main(void)
{
	return SUITE_RUN("smtp",
			 CASE("smtp", a_server_that_greets_and_knows_us_passes,
			      a_server_without_EHLO_is_asked_with_HELO,
			      what_a_server_refuses_with_is_shown, what_is_no_SMTP_is_quoted,
			      a_server_of_TLS_is_known_by_its_alert, a_reply_has_an_end,
			      inside_TLS_the_server_is_asked_again,
			      a_server_that_offers_no_STARTTLS_or_refuses_it_fails,
			      what_was_said_before_TLS_does_not_count_inside));
}
