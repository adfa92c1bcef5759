/* The bytes that tell a segment who has an address, those that ask it, and what is taken for an answer. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "net/frame.h"
#include "suite.h"

static struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

/* ---- announcements ---- */

START_TEST(announcement_is_a_broadcast_request_for_itself)
{
	static const uint8_t mac[LINK_MAC] = {0x02, 0x42, 0xc0, 0xa8, 0x08, 0x0a};
	static const uint8_t wanted[FRAME_ARP_SIZE] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x42, 0xc0, 0xa8,
		0x08, 0x0a, 0x08, 0x06,                                     /* Ethernet */
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,             /* request */
		0x02, 0x42, 0xc0, 0xa8, 0x08, 0x0a, 0xc0, 0xa8, 0x08, 0xc8, /* sender */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xa8, 0x08, 0xc8, /* target */
	};
	struct addr vip = addr_from_ipv4(0xc0a808c8);
	uint8_t out[FRAME_ARP_SIZE];

	ck_assert_uint_eq(frame_arp_announce(out, mac, &vip), FRAME_ARP_SIZE);
	ck_assert_mem_eq(out, wanted, sizeof(wanted));
}
END_TEST

START_TEST(no_arp_for_ipv6)
{
	static const uint8_t mac[LINK_MAC] = {2};
	uint8_t out[FRAME_ARP_SIZE];
	struct addr vip;

	addr_parse("2001:db8::1", &vip);
	ck_assert_uint_eq(frame_arp_announce(out, mac, &vip), 0);
}
END_TEST

/* The frame is Linux's own, captured when the link was given a new MAC with ndisc_notify set. */
START_TEST(neighbour_advertisement_is_an_overriding_one_for_itself)
{
	static const uint8_t mac[LINK_MAC] = {0x02, 0x42, 0xc0, 0xa8, 0x08, 0x0a};
	static const uint8_t wanted[FRAME_NA_SIZE] = {
		0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x42, 0xc0, 0xa8, 0x08, 0x0a, 0x86, 0xdd,
		0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff,             /* IPv6 */
		0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* source */
		0x00, 0x00, 0x00, 0x00, 0x02, 0x00,                         /* ::200 */
		0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* all nodes */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0x00, 0xac, 0x38,
		0xa0, 0x00, 0x00, 0x00,                                     /* router, override */
		0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* target */
		0x00, 0x00, 0x00, 0x00, 0x02, 0x00,                         /* ::200 */
		0x02, 0x01, 0x02, 0x42, 0xc0, 0xa8, 0x08, 0x0a,             /* its MAC */
	};
	uint8_t out[FRAME_NA_SIZE], host[FRAME_NA_SIZE];
	struct addr vip;

	addr_parse("2001:db8::200", &vip);
	ck_assert_uint_eq(frame_na_announce(out, mac, &vip, true), FRAME_NA_SIZE);
	ck_assert_mem_eq(out, wanted, sizeof(wanted));
	ck_assert_uint_eq(frame_announce(host, mac, &vip, false), FRAME_NA_SIZE);
	ck_assert_uint_eq(host[58], 0x20);
	ck_assert_uint_eq(host[56] << 8 | host[57], 0x2c39); /* 0xac38 + 0x8000, carried round */
}
END_TEST

START_TEST(each_family_is_announced_in_its_own_way)
{
	static const uint8_t mac[LINK_MAC] = {2};
	struct addr four = addr_from_ipv4(0xc0a808c8), none = {0};
	uint8_t out[FRAME_MAX];

	ck_assert_uint_eq(frame_announce(out, mac, &four, true), FRAME_ARP_SIZE);
	ck_assert_uint_eq(frame_na_announce(out, mac, &four, true), 0);
	ck_assert_uint_eq(frame_announce(out, mac, &none, true), 0);
}
END_TEST

/* ---- questions ---- */

START_TEST(an_arp_question_is_a_request_from_ourselves)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x20};
	static const uint8_t expected[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x20, 0x08, 0x06, 0, 1, 8, 0, 6, 4,
		0, 1, 2, 0, 0, 0, 0, 0x20, 192, 168, 8, 20, 0, 0, 0, 0, 0, 0, 192, 168, 8, 200};
	struct addr source = addr_of("192.168.8.20"), target = addr_of("192.168.8.200");
	uint8_t frame[FRAME_MAX];

	ck_assert_uint_eq(frame_question(frame, mac, &source, &target), sizeof(expected));
	ck_assert_mem_eq(frame, expected, sizeof(expected));
}
END_TEST

START_TEST(a_solicitation_goes_to_the_solicited_node_address_with_a_right_checksum)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x20};
	static const uint8_t group[LINK_MAC] = {0x33, 0x33, 0xff, 0x00, 0x00, 0x80};
	static const uint8_t pseudo[] = {0, 0, 0, 32, 0, 0, 0, 58};
	struct addr source = addr_of("2001:db8::20"), target = addr_of("2001:db8::80");
	uint8_t frame[FRAME_MAX];
	uint32_t sum;

	ck_assert_uint_eq(frame_question(frame, mac, &source, &target), FRAME_NS_SIZE);
	ck_assert_mem_eq(frame, group, LINK_MAC);
	ck_assert_mem_eq(frame + 14 + 8, source.bytes, 16);
	ck_assert_mem_eq(frame + 54 + 8, target.bytes, 16);
	ck_assert_uint_eq(frame[14 + 24], 0xff);
	sum = checksum_add(0, frame + 14 + 8, 32);
	sum = checksum_add(sum, pseudo, sizeof(pseudo));
	sum = checksum_add(sum, frame + 54, 32);
	ck_assert_uint_eq(checksum_fold(sum), 0);
}
END_TEST

START_TEST(nobody_is_asked_about_an_address_of_another_family)
{
	static const uint8_t mac[LINK_MAC] = {2};
	struct addr four = addr_of("192.168.8.20"), six = addr_of("2001:db8::80"), none = {0};
	uint8_t out[FRAME_MAX];

	ck_assert_uint_eq(frame_question(out, mac, &four, &six), 0);
	ck_assert_uint_eq(frame_question(out, mac, &six, &four), 0);
	ck_assert_uint_eq(frame_question(out, mac, &none, &none), 0);
}
END_TEST

/* ---- answers ---- */

static const uint8_t arp_reply[] = {
	2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x10, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2,
	2, 0, 0, 0, 0, 0x10, 192, 168, 8, 200, 2, 0, 0, 0, 0, 0x20, 192, 168, 8, 20, 0, 0, 0, 0};

static const uint8_t advertisement[] = {
	2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x11, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20,
	136, 0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
	2, 1, 2, 0, 0, 0, 0, 0x10};

struct answer {
	struct addr address;
	uint8_t mac[LINK_MAC];
};

static int read_into(const uint8_t *bytes, size_t size, struct answer *out)
{
	return frame_read_answer(bytes, size, &out->address, out->mac);
}

START_TEST(answers_are_read)
{
	static const uint8_t mac[LINK_MAC] = {2, 0, 0, 0, 0, 0x10};
	uint8_t bare[sizeof(advertisement) - 8];
	struct answer answer;
	struct addr vip = addr_of("192.168.8.200"), vip6 = addr_of("2001:db8::80");

	ck_assert_int_eq(read_into(arp_reply, sizeof(arp_reply), &answer), 0);
	ck_assert(addr_equal(&answer.address, &vip));
	ck_assert_mem_eq(answer.mac, mac, LINK_MAC);
	ck_assert_int_eq(read_into(advertisement, sizeof(advertisement), &answer), 0);
	ck_assert(addr_equal(&answer.address, &vip6));
	ck_assert_mem_eq(answer.mac, mac, LINK_MAC);
	/* without the option: who sent the frame */
	memcpy(bare, advertisement, sizeof(bare));
	bare[19] = 24;
	ck_assert_int_eq(read_into(bare, sizeof(bare), &answer), 0);
	ck_assert_uint_eq(answer.mac[5], 0x11);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	struct answer answer;
	uint8_t frame[sizeof(advertisement)];

	for (size_t i = 0; i < 32; i++) /* whose address it is ends there */
		ck_assert_int_eq(read_into(arp_reply, i, &answer), -EINVAL);
	for (size_t i = 0; i < sizeof(advertisement); i++)
		ck_assert_int_eq(read_into(advertisement, i, &answer), -EINVAL);
	memcpy(frame, arp_reply, sizeof(arp_reply));
	frame[21] = 1; /* a request */
	ck_assert_int_eq(read_into(frame, sizeof(arp_reply), &answer), -EINVAL);
	memcpy(frame, advertisement, sizeof(frame));
	frame[21] = 64; /* a router forwarded it */
	ck_assert_int_eq(read_into(frame, sizeof(frame), &answer), -EINVAL);
	memcpy(frame, advertisement, sizeof(frame));
	frame[79] = 0; /* an option without length: the frame's sender counts */
	ck_assert_int_eq(read_into(frame, sizeof(frame), &answer), 0);
	ck_assert_uint_eq(answer.mac[5], 0x11);
}
END_TEST

int main(void)
{
	return SUITE_RUN("net-frame",
			 CASE("announcements", announcement_is_a_broadcast_request_for_itself,
			      no_arp_for_ipv6,
			      neighbour_advertisement_is_an_overriding_one_for_itself,
			      each_family_is_announced_in_its_own_way),
			 CASE("questions", an_arp_question_is_a_request_from_ourselves,
			      a_solicitation_goes_to_the_solicited_node_address_with_a_right_checksum,
			      nobody_is_asked_about_an_address_of_another_family),
			 CASE("answers", answers_are_read, what_is_no_answer_is_refused));
}
