/* The bytes by which lbha-rs asks a segment who has an address, and what it takes for an answer. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "rs-agent/ask.h"
#include "suite.h"

#define ETH0 2

static struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

START_TEST(an_arp_question_is_a_request_from_ourselves)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x20};
	static const uint8_t expected[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x20, 0x08, 0x06, 0, 1, 8, 0, 6, 4,
		0, 1, 2, 0, 0, 0, 0, 0x20, 192, 168, 8, 20, 0, 0, 0, 0, 0, 0, 192, 168, 8, 200};
	struct doctor_question question = {.source = addr_of("192.168.8.20"),
					   .target = addr_of("192.168.8.200")};
	uint8_t frame[ASK_MAX];

	ck_assert_uint_eq(ask_frame(frame, mac, &question), sizeof(expected));
	ck_assert_mem_eq(frame, expected, sizeof(expected));
	question.target = addr_of("2001:db8::80");
	ck_assert_uint_eq(ask_frame(frame, mac, &question), 0);
}
END_TEST

START_TEST(a_solicitation_goes_to_the_solicited_node_address_with_a_right_checksum)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x20};
	static const uint8_t group[LINK_MAC] = {0x33, 0x33, 0xff, 0x00, 0x00, 0x80};
	static const uint8_t pseudo[] = {0, 0, 0, 32, 0, 0, 0, 58};
	struct doctor_question question = {.source = addr_of("2001:db8::20"),
					   .target = addr_of("2001:db8::80")};
	uint8_t frame[ASK_MAX];
	uint32_t sum;

	ck_assert_uint_eq(ask_frame(frame, mac, &question), ASK_NS_SIZE);
	ck_assert_mem_eq(frame, group, LINK_MAC);
	ck_assert_mem_eq(frame + 14 + 8, question.source.bytes, 16);
	ck_assert_mem_eq(frame + 54 + 8, question.target.bytes, 16);
	ck_assert_uint_eq(frame[14 + 24], 0xff);
	sum = checksum_add(0, frame + 14 + 8, 32);
	sum = checksum_add(sum, pseudo, sizeof(pseudo));
	sum = checksum_add(sum, frame + 54, 32);
	ck_assert_uint_eq(checksum_fold(sum), 0);
}
END_TEST

static const uint8_t arp_reply[] = {
	2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x10, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2,
	2, 0, 0, 0, 0, 0x10, 192, 168, 8, 200, 2, 0, 0, 0, 0, 0x20, 192, 168, 8, 20, 0, 0, 0, 0};

static const uint8_t advertisement[] = {
	2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x11, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20,
	136, 0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
	2, 1, 2, 0, 0, 0, 0, 0x10};

START_TEST(answers_are_read)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x10};
	uint8_t bare[sizeof(advertisement) - 8];
	struct doctor_answer answer = {.link = ETH0};
	struct addr vip = addr_of("192.168.8.200"), vip6 = addr_of("2001:db8::80");

	ck_assert_int_eq(ask_read(arp_reply, sizeof(arp_reply), &answer), 0);
	ck_assert(addr_equal(&answer.address, &vip));
	ck_assert_mem_eq(answer.mac, mac, LINK_MAC);
	ck_assert_int_eq(ask_read(advertisement, sizeof(advertisement), &answer), 0);
	ck_assert(addr_equal(&answer.address, &vip6));
	ck_assert_mem_eq(answer.mac, mac, LINK_MAC);
	ck_assert_uint_eq(answer.link, ETH0);
	/* without the option: who sent the frame */
	memcpy(bare, advertisement, sizeof(bare));
	bare[19] = 24;
	ck_assert_int_eq(ask_read(bare, sizeof(bare), &answer), 0);
	ck_assert_uint_eq(answer.mac[5], 0x11);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	struct doctor_answer answer;
	uint8_t frame[sizeof(advertisement)];

	for (size_t i = 0; i < 32; i++) /* whose address it is ends there */
		ck_assert_int_eq(ask_read(arp_reply, i, &answer), -EINVAL);
	for (size_t i = 0; i < sizeof(advertisement); i++)
		ck_assert_int_eq(ask_read(advertisement, i, &answer), -EINVAL);
	memcpy(frame, arp_reply, sizeof(arp_reply));
	frame[21] = 1; /* a request */
	ck_assert_int_eq(ask_read(frame, sizeof(arp_reply), &answer), -EINVAL);
	memcpy(frame, advertisement, sizeof(frame));
	frame[21] = 64; /* a router forwarded it */
	ck_assert_int_eq(ask_read(frame, sizeof(frame), &answer), -EINVAL);
	memcpy(frame, advertisement, sizeof(frame));
	frame[79] = 0; /* an option without length: the frame's sender counts */
	ck_assert_int_eq(ask_read(frame, sizeof(frame), &answer), 0);
	ck_assert_uint_eq(answer.mac[5], 0x11);
}
END_TEST

int main(void)
{
	return SUITE_RUN("rs-ask",
			 CASE("asking", an_arp_question_is_a_request_from_ourselves,
			      a_solicitation_goes_to_the_solicited_node_address_with_a_right_checksum),
			 CASE("answers", answers_are_read, what_is_no_answer_is_refused));
}
