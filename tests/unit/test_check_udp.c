/* check: what comes of a datagram. */
#include <errno.h>
#include <string.h>

#include "check/udp.h"
#include "config/model.h"
#include "suite.h"

static const struct check PLAIN = {.type = CHECK_UDP, .timeout = NSTIME_S};

static const char *told(const struct outcome *outcome, const struct check *check)
{
	static char words[FACT_DETAIL];

	return outcome_describe(outcome, check, words, sizeof(words));
}

START_TEST(silence_passes_unless_a_reply_is_wanted)
{
	struct check check = PLAIN;
	struct outcome outcome = udp_silence(&check);

	ck_assert_int_eq(outcome.reason, REASON_PASSED);
	ck_assert_str_eq(told(&outcome, &check), "no reply, no complaint");
	check.require_reply = true;
	outcome = udp_silence(&check);
	ck_assert_int_eq(outcome.reason, REASON_REPLY_TIMEOUT);
	ck_assert_str_eq(told(&outcome, &check), "no reply within 1s");
	check.require_reply = false;
	check.expect_bytes = "x";
	ck_assert_int_eq(udp_silence(&check).reason, REASON_REPLY_TIMEOUT);
}
END_TEST

START_TEST(a_reply_must_hold_all_that_is_expected_anywhere)
{
	static const char *const good[] = {"a\x01z", "..a\x01z", "a\x01z..", "aa\x01za\x01"},
				 *const bad[] = {"", "a", "a\x01", "\x01z", "a-z", "a..\x01z"};
	struct check check = PLAIN;
	char said[OUTCOME_SAID];

	check.expect_bytes = "a\\x01z";
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_int_eq(udp_reply(&check, (const uint8_t *)good[i], strlen(good[i]), said).reason,
				 REASON_PASSED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(udp_reply(&check, (const uint8_t *)bad[i], strlen(bad[i]), said).reason,
				 REASON_MISMATCH);
	ck_assert_int_eq(udp_reply(&check, (const uint8_t *)"a\x01z", 2, said).reason, REASON_MISMATCH);
	check.expect_bytes = NULL;
	ck_assert_int_eq(udp_reply(&check, NULL, 0, said).reason, REASON_PASSED);
}
END_TEST

START_TEST(a_zero_byte_is_a_byte_like_others)
{
	struct check check = PLAIN;
	uint8_t payload[UDP_PAYLOAD_MOST];
	char said[OUTCOME_SAID];

	check.send = "a\\x00b";
	check.expect_bytes = "\\x00\\x00";
	ck_assert_uint_eq(udp_payload(&check, payload), 3);
	ck_assert_mem_eq(payload, "a\0b", 3);
	ck_assert_uint_eq(udp_payload(&PLAIN, payload), 0);
	ck_assert_int_eq(udp_reply(&check, (const uint8_t *)"x\0\0", 3, said).reason, REASON_PASSED);
	ck_assert_int_eq(udp_reply(&check, (const uint8_t *)"x\0y\0", 4, said).reason, REASON_MISMATCH);
}
END_TEST

START_TEST(what_this_machine_cannot_send_is_no_failure_of_the_server)
{
	static const struct {
		int error;
		enum probe_reason reason;
		const char *text;
	} rows[] = {
		{ENOBUFS, REASON_RESOURCES, "here: send: no buffer space"},
		{ENOMEM, REASON_RESOURCES, "here: send: out of memory"},
		{EPERM, REASON_LOCAL, "here: send: not permitted"},
		{EACCES, REASON_LOCAL, "here: send: not permitted"},
		{ENETDOWN, REASON_LOCAL, "here: send: network is down"},
		{ENETUNREACH, REASON_UNREACHABLE, "send: network unreachable"},
		{EHOSTUNREACH, REASON_UNREACHABLE, "send: no route to host"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome = outcome_of_error(STEP_SEND, rows[i].error);

		ck_assert_int_eq(outcome.reason, rows[i].reason);
		ck_assert_str_eq(told(&outcome, &PLAIN), rows[i].text);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("check-udp",
			 CASE("udp", silence_passes_unless_a_reply_is_wanted,
			      a_reply_must_hold_all_that_is_expected_anywhere,
			      a_zero_byte_is_a_byte_like_others,
			      what_this_machine_cannot_send_is_no_failure_of_the_server));
}
