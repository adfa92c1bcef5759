/* check: DNS messages, right, wrong and hostile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "check/dns.h"
#include "check/talk.h"
#include "config/model.h"
#include "suite.h"

#define ID 0x1234
#define POINTER(at) (uint16_t)(0xc000 | (at))
#define NAME_AT 12 /* of the question */

enum { A = 1, NS = 2, CNAME = 5, SOA = 6, TXT = 16, AAAA = 28 };

static struct addr wanted[2] = {{AF_INET, {192, 0, 2, 1}}, {AF_INET, {192, 0, 2, 2}}};

static struct check check_of(const char *name, uint16_t record, size_t addresses)
{
	return (struct check){
		.type = CHECK_DNS,
		.timeout = NSTIME_S,
		.dns = {.name = name,
			.record = record,
			.expect = {.rcodes = 1, .addresses = wanted, .address_count = addresses}}};
}

/* ---- making messages ------------------------------------------------------------------------ */

struct message {
	uint8_t bytes[4096];
	struct writer out;
	uint16_t answers;
};

static void put_name(struct writer *out, const char *text)
{
	struct dns_name name;

	ck_assert(dns_name_of(text, &name));
	put_bytes(out, name.bytes, name.size);
}

static void begin(struct message *message, uint16_t flags, const char *name, uint16_t record)
{
	message->out = writer_of(message->bytes, sizeof(message->bytes));
	message->answers = 0;
	put_u16(&message->out, ID);
	put_u16(&message->out, flags);
	put_u16(&message->out, 1);
	put_u16(&message->out, 0);
	put_u32(&message->out, 0);
	put_name(&message->out, name);
	put_u16(&message->out, record);
	put_u16(&message->out, 1);
}

/* Of an answer all but its name. */
static void put_rest(struct message *message, uint16_t type, const void *data, size_t size)
{
	put_u16(&message->out, type);
	put_u16(&message->out, 1);
	put_u32(&message->out, 300);
	put_u16(&message->out, (uint16_t)size);
	put_bytes(&message->out, data, size);
	message->answers++;
	message->bytes[6] = (uint8_t)(message->answers >> 8);
	message->bytes[7] = (uint8_t)message->answers;
}

static void add_a(struct message *message, const char *name, uint8_t last)
{
	const uint8_t address[4] = {192, 0, 2, last};

	put_name(&message->out, name);
	put_rest(message, A, address, sizeof(address));
}

static void add_alias(struct message *message, const char *name, const char *to)
{
	struct dns_name alias;

	ck_assert(dns_name_of(to, &alias));
	put_name(&message->out, name);
	put_rest(message, CNAME, alias.bytes, alias.size);
}

static char said[OUTCOME_SAID];

/* The reason, NONE when the message is no answer to the question. */
static enum probe_reason judge(const struct check *check, const struct message *message)
{
	struct outcome outcome;

	said[0] = '\0';
	ck_assert(!message->out.failed);
	if (!dns_judge(check, ID, message->bytes, writer_used(&message->out), said, &outcome))
		return REASON_NONE;
	if (outcome.fault != said)
		snprintf(said, sizeof(said), "%s", outcome.fault);
	return outcome.reason;
}

static void judged(const struct check *check, const struct message *message, enum probe_reason reason,
		   const char *words)
{
	ck_assert_int_eq(judge(check, message), reason);
	ck_assert_str_eq(said, words);
}

/* ---- names and questions -------------------------------------------------------------------- */

START_TEST(names_are_labels_with_their_lengths_in_lower_case)
{
	struct dns_name name;

	ck_assert(dns_name_of(".", &name));
	ck_assert_uint_eq(name.size, 1);
	ck_assert(dns_name_of("Www.Example.ORG", &name));
	ck_assert_uint_eq(name.size, 17);
	ck_assert_mem_eq(name.bytes, "\3www\7example\3org", 17);
	ck_assert(dns_name_of("www.example.org.", &name));
	ck_assert_uint_eq(name.size, 17);
	ck_assert(!dns_name_of("", &name));
	ck_assert(!dns_name_of("..", &name));
	ck_assert(!dns_name_of(".a", &name));
	ck_assert(!dns_name_of("a..b", &name));
}
END_TEST

START_TEST(a_name_has_255_bytes_at_most_and_a_label_63)
{
	char text[300];
	struct dns_name name;

	memset(text, 'a', sizeof(text));
	for (int at = 63; at < 255; at += 64)
		text[at] = '.';
	text[253] = '\0'; /* 63 + 63 + 63 + 61, and the dots */
	ck_assert(dns_name_of(text, &name));
	ck_assert_uint_eq(name.size, 255);
	memcpy(text + 253, "a", 2);
	ck_assert(!dns_name_of(text, &name));
	memset(text, 'a', 64);
	text[64] = '\0';
	ck_assert(!dns_name_of(text, &name));
}
END_TEST

START_TEST(a_question_is_as_rfc_1035_has_it)
{
	static const uint8_t is[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\x1c\0\1";
	struct check check = check_of("www.example.org", AAAA, 0);
	uint8_t bytes[DNS_QUERY_MOST];
	struct writer out = writer_of(bytes, sizeof(bytes));

	dns_query_put(&out, &check, ID);
	ck_assert_uint_eq(writer_used(&out), sizeof(is) - 1);
	ck_assert_mem_eq(bytes, is, sizeof(is) - 1);
}
END_TEST

/* ---- is it ours? ---------------------------------------------------------------------------- */

START_TEST(what_is_no_answer_to_the_question_is_not_looked_at)
{
	struct check check = check_of("www.example.org", A, 0);
	struct message message;

	begin(&message, 0x8180, "www.example.org", A);
	ck_assert_int_eq(judge(&check, &message), REASON_PASSED);
	begin(&message, 0x8180, "WWW.eXample.org", A); /* a resolver that plays with cases */
	ck_assert_int_eq(judge(&check, &message), REASON_PASSED);
	begin(&message, 0x0100, "www.example.org", A); /* a question, an echo server's answer */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8980, "www.example.org", A); /* another operation */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8180, "www.example.com", A);
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8180, "www.example.org", AAAA);
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8180, "www.example.org", A);
	message.bytes[1] ^= 1; /* another id */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8180, "www.example.org", A);
	message.bytes[writer_used(&message.out) - 1] = 3; /* class CHAOS */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	begin(&message, 0x8180, "www.example.org", A);
	message.bytes[5] = 2; /* questions */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
}
END_TEST

START_TEST(a_server_that_refuses_need_not_repeat_the_question)
{
	struct check check = check_of("www.example.org", A, 0);
	struct message message;

	begin(&message, 0x8181, "www.example.org", A);
	message.bytes[5] = 0;
	message.out.at = message.bytes + 12;
	judged(&check, &message, REASON_STATUS, "formerr, wanted noerror");
	message.bytes[3] = 0x80; /* but a success without a question is nobody's */
	ck_assert_int_eq(judge(&check, &message), REASON_NONE);
	check.dns.expect.rcodes = 1 << 1;
	check.dns.expect.address_count = 1;
	message.bytes[3] = 0x81;
	judged(&check, &message, REASON_MISMATCH, "192.0.2.1 is not in the answer");
}
END_TEST

START_TEST(a_message_cut_before_its_answers_is_none)
{
	struct check check = check_of("www.example.org", A, 0);
	struct outcome outcome;
	struct message message;
	uint8_t exact[64];

	begin(&message, 0x8180, "www.example.org", A);
	for (size_t size = 0; size < writer_used(&message.out); size++) {
		memcpy(exact, message.bytes, size);
		ck_assert(!dns_judge(&check, ID, exact, size, said, &outcome));
	}
}
END_TEST

/* ---- how it went ---------------------------------------------------------------------------- */

START_TEST(the_response_code_must_be_a_wanted_one)
{
	struct check check = check_of(".", SOA, 0);
	struct message message;

	begin(&message, 0x8180, ".", SOA);
	judged(&check, &message, REASON_PASSED, "noerror, 0 answers");
	put_u8(&message.out, 0);
	put_rest(&message, SOA, "x", 1);
	judged(&check, &message, REASON_PASSED, "noerror, 1 answer");
	begin(&message, 0x8380, ".", SOA);
	judged(&check, &message, REASON_PASSED, "noerror, 0 answers (truncated)");
	begin(&message, 0x8182, ".", SOA);
	judged(&check, &message, REASON_STATUS, "servfail, wanted noerror");
	begin(&message, 0x818f, ".", SOA);
	judged(&check, &message, REASON_STATUS, "rcode 15, wanted noerror");
	check.dns.expect.rcodes = 1 << 3 | 1 << 5;
	judged(&check, &message, REASON_STATUS, "rcode 15, wanted nxdomain or refused");
	begin(&message, 0x8185, ".", SOA);
	judged(&check, &message, REASON_PASSED, "refused, 0 answers");
}
END_TEST

START_TEST(all_wanted_addresses_must_be_in_the_answer)
{
	struct check check = check_of("a.example", A, 2);
	struct message message;

	begin(&message, 0x8180, "a.example", A);
	judged(&check, &message, REASON_MISMATCH, "192.0.2.1 is not in the answer");
	add_a(&message, "a.example", 1);
	judged(&check, &message, REASON_MISMATCH, "192.0.2.2 is not in the answer 192.0.2.1");
	add_a(&message, "b.example", 2); /* another name's */
	judged(&check, &message, REASON_MISMATCH, "192.0.2.2 is not in the answer 192.0.2.1");
	add_a(&message, "A.EXAMPLE", 2);
	judged(&check, &message, REASON_PASSED, "192.0.2.1, 192.0.2.2");
	add_a(&message, "a.example", 9);
	judged(&check, &message, REASON_PASSED, "192.0.2.1, 192.0.2.2, 192.0.2.9");
}
END_TEST

START_TEST(ipv6_addresses_are_like_others)
{
	struct check check = check_of("a.example", AAAA, 1);
	struct addr address = {AF_INET6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct message message;

	check.dns.expect.addresses = &address;
	begin(&message, 0x8180, "a.example", AAAA);
	add_a(&message, "a.example", 1); /* not what was asked for */
	judged(&check, &message, REASON_MISMATCH, "2001:db8::1 is not in the answer");
	put_u16(&message.out, POINTER(NAME_AT));
	put_rest(&message, AAAA, address.bytes, 15); /* no address */
	judged(&check, &message, REASON_MISMATCH, "2001:db8::1 is not in the answer");
	put_u16(&message.out, POINTER(NAME_AT));
	put_rest(&message, AAAA, address.bytes, 16);
	judged(&check, &message, REASON_PASSED, "2001:db8::1");
}
END_TEST

START_TEST(aliases_are_followed_in_whatever_order_they_stand)
{
	struct check check = check_of("a.example", A, 1);
	struct message message;

	begin(&message, 0x8180, "a.example", A);
	add_a(&message, "c.example", 1);
	add_alias(&message, "b.example", "c.example");
	add_alias(&message, "A.example", "B.example");
	judged(&check, &message, REASON_PASSED, "192.0.2.1");
	begin(&message, 0x8180, "a.example", A);
	add_alias(&message, "a.example", "b.example");
	add_a(&message, "c.example", 1); /* nobody's alias */
	judged(&check, &message, REASON_MISMATCH, "192.0.2.1 is not in the answer");
}
END_TEST

START_TEST(aliases_that_lead_to_each_other_end)
{
	struct check check = check_of("a.example", A, 1);
	struct message message;
	char from[32], to[32];

	begin(&message, 0x8180, "a.example", A);
	add_alias(&message, "a.example", "b.example");
	add_alias(&message, "b.example", "a.example");
	judged(&check, &message, REASON_PROTOCOL, "malformed answer");
	begin(&message, 0x8180, "a.example", A);
	add_alias(&message, "a.example", "a.example");
	judged(&check, &message, REASON_PROTOCOL, "malformed answer");
	for (int hops = 14; hops <= 18; hops++) { /* the last of a chain has the address */
		check.dns.name = "n0.example";
		begin(&message, 0x8180, "n0.example", A);
		for (int i = 0; i < hops; i++) {
			snprintf(from, sizeof(from), "n%d.example", i);
			snprintf(to, sizeof(to), "n%d.example", i + 1);
			add_alias(&message, from, to);
		}
		add_a(&message, to, 1);
		ck_assert_int_eq(judge(&check, &message), hops < 16 ? REASON_PASSED : REASON_PROTOCOL);
	}
}
END_TEST

START_TEST(compressed_names_are_read_and_loops_are_malformed)
{
	static const struct {
		const char *name;
		size_t size;
		enum probe_reason reason;
	} rows[] = {
		{"\xc0\x0c", 2, REASON_PASSED},             /* the whole name */
		{"\1a\xc0\x0e", 4, REASON_PASSED},          /* "a" and the rest of it */
		{"\1b\xc0\x0e", 4, REASON_MISMATCH},        /* b.example */
		{"\xc0\x1b", 2, REASON_PROTOCOL},           /* itself: the answer begins at 27 */
		{"\1a\xc0\x1b", 4, REASON_PROTOCOL},        /* its own beginning */
		{"\xc0\x1d", 2, REASON_PROTOCOL},           /* forward */
		{"\xff\xff", 2, REASON_PROTOCOL},           /* beyond all */
		{"\xc0\x00", 2, REASON_PROTOCOL},           /* the header: 0x12 bytes of label and on */
		{"\x80\x0c", 2, REASON_PROTOCOL},           /* reserved */
		{"\x41\x0c", 2, REASON_PROTOCOL},           /* reserved */
	};
	struct check check = check_of("a.example", A, 1);
	struct message message;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&message, 0x8180, "a.example", A);
		ck_assert_uint_eq(writer_used(&message.out), 27);
		put_bytes(&message.out, rows[i].name, rows[i].size);
		put_rest(&message, A, wanted[0].bytes, 4);
		ck_assert_msg(judge(&check, &message) == rows[i].reason, "row %zu: %s", i, said);
	}
}
END_TEST

START_TEST(two_pointers_that_point_at_each_other_end)
{
	struct check check = check_of("a.example", A, 1);
	struct message message;

	begin(&message, 0x8180, "a.example", A);
	put_name(&message.out, "x");
	put_rest(&message, TXT, "\xc0\x2a\xc0\x28", 4); /* data at 40: 40 → 42 → 40 */
	ck_assert_uint_eq(writer_used(&message.out), 44);
	put_bytes(&message.out, "\xc0\x2a", 2);
	put_rest(&message, A, wanted[0].bytes, 4);
	judged(&check, &message, REASON_PROTOCOL, "malformed answer");
}
END_TEST

START_TEST(an_answer_cut_anywhere_is_malformed_and_a_truncated_one_is_judged_by_what_is_there)
{
	struct check check = check_of("a.example", A, 1);
	struct outcome outcome;
	struct message message;
	uint8_t exact[256];
	size_t first;

	begin(&message, 0x8180, "a.example", A);
	first = writer_used(&message.out);
	add_a(&message, "a.example", 1);
	for (size_t size = first; size < writer_used(&message.out); size++) {
		memcpy(exact, message.bytes, size);
		ck_assert(dns_judge(&check, ID, exact, size, said, &outcome));
		ck_assert_int_eq(outcome.reason, REASON_PROTOCOL);
		exact[2] |= 2; /* TC */
		ck_assert(dns_judge(&check, ID, exact, size, said, &outcome));
		ck_assert_int_eq(outcome.reason, REASON_MISMATCH);
		ck_assert_str_eq(said, "192.0.2.1 is not in the answer (truncated: ask by tcp)");
	}
	message.bytes[2] |= 2;
	message.bytes[7] = 9;
	ck_assert_int_eq(judge(&check, &message), REASON_PASSED);
}
END_TEST

START_TEST(more_addresses_than_there_is_room_for_words_are_cut)
{
	struct check check = check_of("a.example", A, 1);
	struct message message;

	begin(&message, 0x8180, "a.example", A);
	for (int i = 100; i < 200; i++)
		add_a(&message, "a.example", (uint8_t)i);
	ck_assert_int_eq(judge(&check, &message), REASON_MISMATCH);
	ck_assert_uint_lt(strlen(said), OUTCOME_SAID);
	add_a(&message, "a.example", 1);
	ck_assert_int_eq(judge(&check, &message), REASON_PASSED);
}
END_TEST

/* ---- over TCP ------------------------------------------------------------------------------- */

struct dialog {
	struct talk talk;
	uint8_t out[TALK_OUT];
};

static void dialog_begin(struct dialog *dialog, const struct check *check)
{
	talk_init(&dialog->talk, check, dialog->out);
	ck_assert_int_eq(talk_next(&dialog->talk, &dns_dialogue), TALK_MORE);
}

static void put_message(struct writer *out, const struct message *message)
{
	put_u16(out, (uint16_t)writer_used(&message->out));
	put_bytes(out, message->bytes, writer_used(&message->out));
}

START_TEST(the_question_over_tcp_has_its_length_before_it)
{
	struct check check = check_of("www.example.org", A, 0);
	struct dialog dialog;

	dialog_begin(&dialog, &check);
	ck_assert_uint_eq(writer_used(&dialog.talk.out), 2 + 12 + 17 + 4);
	ck_assert_uint_eq(dialog.out[0], 0);
	ck_assert_uint_eq(dialog.out[1], 12 + 17 + 4);
}
END_TEST

START_TEST(an_answer_over_tcp_is_the_same_however_it_is_split)
{
	struct check check = check_of("a.example", A, 1);
	struct message message;
	uint8_t bytes[512];
	struct writer all = writer_of(bytes, sizeof(bytes));
	struct dialog dialog;

	begin(&message, 0x8180, "a.example", A);
	put_message(&all, &message); /* another id: not ours */
	put_u16(&all, 0);            /* nothing */
	dialog_begin(&dialog, &check);
	memcpy(message.bytes, dialog.out + 2, 2);
	add_a(&message, "a.example", 1);
	put_message(&all, &message);
	for (size_t first = 0; first <= writer_used(&all); first++) {
		dialog_begin(&dialog, &check);
		dialog.talk.bytes = bytes;
		dialog.talk.size = first;
		if (talk_next(&dialog.talk, &dns_dialogue) == TALK_MORE) {
			ck_assert_uint_lt(first, writer_used(&all));
			dialog.talk.size += writer_used(&all) - first;
			ck_assert_int_eq(talk_next(&dialog.talk, &dns_dialogue), TALK_PASSED);
		}
		ck_assert_str_eq(dialog.talk.fault, "192.0.2.1");
	}
}
END_TEST

START_TEST(a_connection_that_closes_before_the_answer_has_failed)
{
	struct check check = check_of("a.example", A, 0);
	struct message message;
	struct dialog dialog;

	begin(&message, 0x8182, "a.example", A);
	dialog_begin(&dialog, &check);
	dialog.talk.closed = true;
	ck_assert_int_eq(talk_next(&dialog.talk, &dns_dialogue), TALK_FAILED);
	ck_assert_int_eq(dialog.talk.reason, REASON_RESET);
}
END_TEST

START_TEST(of_an_answer_larger_than_its_room_the_code_counts_and_no_address)
{
	static uint8_t bytes[TALK_IN];
	struct check check = check_of("a.example", A, 0);
	struct message message;
	struct writer all;
	struct dialog dialog;

	for (int sought = 0; sought < 2; sought++)
		for (int code = 0; code < 3; code += 2) {
			check = check_of("a.example", A, (size_t)sought);
			begin(&message, (uint16_t)(0x8180 | code), "a.example", A);
			add_a(&message, "a.example", 1);
			message.bytes[6] = 0xff; /* so many answers that they do not fit */
			dialog_begin(&dialog, &check);
			memcpy(message.bytes, dialog.out + 2, 2);
			memset(bytes, 0, sizeof(bytes));
			all = writer_of(bytes, sizeof(bytes));
			put_message(&all, &message);
			bytes[0] = 0x50; /* 20 KiB of them */
			dialog.talk.bytes = bytes;
			dialog.talk.size = sizeof(bytes) - 1;
			ck_assert_int_eq(talk_next(&dialog.talk, &dns_dialogue), TALK_MORE);
			dialog.talk.size = sizeof(bytes);
			dialog.talk.full = true;
			ck_assert_int_eq(talk_next(&dialog.talk, &dns_dialogue),
					 sought || code ? TALK_FAILED : TALK_PASSED);
			if (sought || code)
				ck_assert_int_eq(dialog.talk.reason,
						 code ? REASON_STATUS : REASON_TOO_LARGE);
		}
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"check-dns",
		CASE("names", names_are_labels_with_their_lengths_in_lower_case,
		     a_name_has_255_bytes_at_most_and_a_label_63, a_question_is_as_rfc_1035_has_it),
		CASE("answers", what_is_no_answer_to_the_question_is_not_looked_at,
		     a_server_that_refuses_need_not_repeat_the_question,
		     a_message_cut_before_its_answers_is_none, the_response_code_must_be_a_wanted_one,
		     all_wanted_addresses_must_be_in_the_answer, ipv6_addresses_are_like_others,
		     aliases_are_followed_in_whatever_order_they_stand,
		     aliases_that_lead_to_each_other_end,
		     compressed_names_are_read_and_loops_are_malformed,
		     two_pointers_that_point_at_each_other_end,
		     an_answer_cut_anywhere_is_malformed_and_a_truncated_one_is_judged_by_what_is_there,
		     more_addresses_than_there_is_room_for_words_are_cut),
		CASE("tcp", the_question_over_tcp_has_its_length_before_it,
		     an_answer_over_tcp_is_the_same_however_it_is_split,
		     of_an_answer_larger_than_its_room_the_code_counts_and_no_address,
		     a_connection_that_closes_before_the_answer_has_failed));
}
