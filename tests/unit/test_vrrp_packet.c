/* Adverts on the wire: captured packets, both checksums, every reason to drop, round trips. */
#include <string.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/packet.h"

/* keepalived 2.2.7, vrrp_version 3, captured from a veth without its Ethernet header: priority 150
 * and the last one. */
static const uint8_t keepalived_150[] = {
	0x45, 0xc0, 0x00, 0x24, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0x11, 0xe4,
	0xc0, 0xa8, 0x08, 0x0a, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x33, 0x96, 0x02,
	0x00, 0x64, 0xfc, 0x3d, 0xc0, 0xa8, 0x08, 0xc8, 0xc0, 0xa8, 0x08, 0xc9,
};
static const uint8_t keepalived_0[] = {
	0x45, 0xc0, 0x00, 0x24, 0x00, 0x04, 0x00, 0x00, 0xff, 0x70, 0x11, 0xe1,
	0xc0, 0xa8, 0x08, 0x0a, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x33, 0x00, 0x02,
	0x00, 0x64, 0x92, 0x3e, 0xc0, 0xa8, 0x08, 0xc8, 0xc0, 0xa8, 0x08, 0xc9,
};
/* The same keepalived speaking version 2. */
static const uint8_t keepalived_v2[] = {
	0x45, 0xc0, 0x00, 0x2c, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0x11, 0xdc, 0xc0, 0xa8, 0x08,
	0x0a, 0xe0, 0x00, 0x00, 0x12, 0x21, 0x33, 0x96, 0x02, 0x00, 0x01, 0xb5, 0xe6, 0xc0, 0xa8,
	0x08, 0xc8, 0xc0, 0xa8, 0x08, 0xc9, 0,    0,    0,    0,    0,    0,    0,    0,
};

static struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

/* Decodes a copy of exact size. */
static bool decode(const uint8_t *bytes, size_t size, struct vrrp_advert *advert,
		   enum vrrp_drop *why)
{
	static uint8_t copy[2048];

	memcpy(copy, bytes, size);
	return vrrp_packet_decode(copy, size, advert, why);
}

START_TEST(a_captured_advert_of_keepalived_is_understood)
{
	struct vrrp_advert advert;
	struct addr source = address("192.168.8.10"), group = address("224.0.0.18");
	enum vrrp_drop why;

	ck_assert(decode(keepalived_150, sizeof(keepalived_150), &advert, &why));
	ck_assert(addr_equal(&advert.source, &source));
	ck_assert(addr_equal(&advert.destination, &group));
	ck_assert_uint_eq(advert.virtual_router_id, 51);
	ck_assert_uint_eq(advert.priority, 150);
	ck_assert_int_eq(advert.interval, NSTIME_S);
	ck_assert_uint_eq(advert.address_count, 2);
	ck_assert_mem_eq(advert.addresses, "\xc0\xa8\x08\xc8\xc0\xa8\x08\xc9", 8);
	ck_assert(decode(keepalived_0, sizeof(keepalived_0), &advert, &why));
	ck_assert_uint_eq(advert.priority, 0);
}
END_TEST

START_TEST(our_advert_is_byte_for_byte_what_keepalived_sends)
{
	static const uint8_t vips[] = {192, 168, 8, 200, 192, 168, 8, 201};
	struct vrrp_advert advert = {
		.source = address("192.168.8.10"),
		.destination = address("224.0.0.18"),
		.virtual_router_id = 51,
		.priority = 150,
		.interval = NSTIME_S,
		.addresses = vips,
		.address_count = 2,
	};
	uint8_t bytes[VRRP_PACKET_MAX], expected[sizeof(keepalived_150)];
	struct writer out = writer_of(bytes, sizeof(bytes));

	vrrp_packet_encode(&out, &advert);
	ck_assert(!out.failed);
	ck_assert_uint_eq(writer_used(&out), sizeof(keepalived_150));
	memcpy(expected, keepalived_150, sizeof(expected));
	expected[5] = 0; /* identification: 1 there, the kernel's choice here; */
	expected[11] += 1; /* which the header's checksum shows */
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

START_TEST(the_checksum_without_pseudo_header_is_good_too)
{
	uint8_t packet[sizeof(keepalived_150)];
	struct vrrp_advert advert;
	enum vrrp_drop why;
	uint16_t sum;

	memcpy(packet, keepalived_150, sizeof(packet));
	packet[26] = packet[27] = 0;
	sum = checksum_fold(checksum_add(0, packet + 20, 16));
	packet[26] = (uint8_t)(sum >> 8);
	packet[27] = (uint8_t)sum;
	ck_assert_mem_ne(packet, keepalived_150, sizeof(packet));
	ck_assert(decode(packet, sizeof(packet), &advert, &why));
	packet[27]++;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_CHECKSUM);
}
END_TEST

START_TEST(padding_behind_the_packet_is_ignored)
{
	uint8_t packet[60] = {0};
	struct vrrp_advert advert;
	enum vrrp_drop why;

	memcpy(packet, keepalived_150, sizeof(keepalived_150));
	memset(packet + sizeof(keepalived_150), 0xa5, sizeof(packet) - sizeof(keepalived_150));
	ck_assert(decode(packet, sizeof(packet), &advert, &why));
	ck_assert_uint_eq(advert.address_count, 2);
}
END_TEST

START_TEST(options_of_the_ip_header_are_passed_over)
{
	uint8_t packet[sizeof(keepalived_150) + 4];
	struct vrrp_advert advert;
	enum vrrp_drop why;

	memcpy(packet, keepalived_150, 20);
	memcpy(packet + 20, "\x94\x04\x00\x00", 4);
	memcpy(packet + 24, keepalived_150 + 20, sizeof(keepalived_150) - 20);
	packet[0] = 0x46;
	packet[3] += 4;
	ck_assert(decode(packet, sizeof(packet), &advert, &why));
	ck_assert_uint_eq(advert.priority, 150);
}
END_TEST

/* One byte of a good advert changed, and what becomes of it. */
START_TEST(every_check_of_rfc_9568_7_1_drops_with_its_reason)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum vrrp_drop why;
	} rows[] = {
		{8, 254, VRRP_DROP_TTL},       {20, 0x21, VRRP_DROP_VERSION},
		{20, 0x41, VRRP_DROP_VERSION}, {20, 0x32, VRRP_DROP_TYPE},
		{23, 3, VRRP_DROP_LENGTH},     {23, 0, VRRP_DROP_LENGTH},
		{22, 149, VRRP_DROP_CHECKSUM}, {23, 1, VRRP_DROP_CHECKSUM},
		{9, 51, VRRP_DROP_HEADER},     {0, 0x55, VRRP_DROP_HEADER},
		{0, 0x44, VRRP_DROP_HEADER},   {0, 0x4f, VRRP_DROP_HEADER},
		{3, 37, VRRP_DROP_HEADER},     {3, 19, VRRP_DROP_HEADER},
		{6, 0x20, VRRP_DROP_HEADER},   {7, 1, VRRP_DROP_HEADER},
		{3, 35, VRRP_DROP_LENGTH},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t packet[sizeof(keepalived_150)];
		struct vrrp_advert advert;
		enum vrrp_drop why = VRRP_DROP_COUNT;

		memcpy(packet, keepalived_150, sizeof(packet));
		packet[rows[i].at] = rows[i].value;
		ck_assert(!decode(packet, sizeof(packet), &advert, &why));
		ck_assert_msg(why == rows[i].why, "byte %zu as 0x%02x: %s", rows[i].at,
			      rows[i].value, vrrp_drop_name(why));
	}
}
END_TEST

START_TEST(the_earlier_check_gives_the_reason)
{
	uint8_t packet[sizeof(keepalived_150)];
	struct vrrp_advert advert;
	enum vrrp_drop why;

	memcpy(packet, keepalived_150, sizeof(packet));
	packet[27]++;
	packet[23] = 200;
	packet[20] = 0x21;
	packet[8] = 1;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_TTL);
	packet[8] = 255;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_VERSION);
	packet[20] = 0x31;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_LENGTH);
}
END_TEST

START_TEST(a_drop_tells_sender_and_router_as_far_as_they_are_there)
{
	struct vrrp_advert advert;
	struct addr source = address("192.168.8.10");
	enum vrrp_drop why;

	ck_assert(!decode(keepalived_v2, sizeof(keepalived_v2), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_VERSION);
	ck_assert(addr_equal(&advert.source, &source));
	ck_assert_uint_eq(advert.virtual_router_id, 51);
	ck_assert(!decode(keepalived_150, 20, &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_HEADER);
	ck_assert(addr_equal(&advert.source, &source));
	ck_assert(!decode(keepalived_150, 12, &advert, &why));
	ck_assert_uint_eq(advert.source.family, 0);
}
END_TEST

START_TEST(an_interval_of_zero_is_dropped)
{
	uint8_t packet[sizeof(keepalived_150)];
	struct vrrp_advert advert;
	enum vrrp_drop why;

	memcpy(packet, keepalived_150, sizeof(packet));
	packet[25] = 0;
	packet[26] = 0xfc; /* the interval is gone from the sum: 0xfc3d + 0x64 */
	packet[27] = 0xa1;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_INTERVAL);
	packet[24] = 0xf0; /* the reserved bits above the interval are not part of it */
	packet[26] = 0x0c;
	ck_assert(!decode(packet, sizeof(packet), &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_INTERVAL);
}
END_TEST

START_TEST(any_cut_packet_is_dropped)
{
	for (size_t size = 0; size < sizeof(keepalived_150); size++) {
		struct vrrp_advert advert;
		enum vrrp_drop why;

		ck_assert_msg(!decode(keepalived_150, size, &advert, &why), "%zu bytes", size);
	}
}
END_TEST

START_TEST(what_is_encoded_decodes_to_the_same)
{
	static const struct {
		nstime interval;
		uint8_t count, priority;
	} rows[] = {
		{VRRP_INTERVAL_UNIT, 1, 0}, {VRRP_INTERVAL_MAX, 255, 255}, {3 * NSTIME_S, 17, 1}};
	uint8_t vips[4 * VRRP_ADDRESSES_MAX], bytes[VRRP_PACKET_MAX];

	for (size_t i = 0; i < sizeof(vips); i++)
		vips[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct vrrp_advert sent = {
			.source = address("10.255.255.254"),
			.destination = address("224.0.0.18"),
			.virtual_router_id = (uint8_t)(i + 1),
			.priority = rows[i].priority,
			.interval = rows[i].interval,
			.addresses = vips,
			.address_count = rows[i].count,
		};
		struct writer out = writer_of(bytes, sizeof(bytes));
		struct vrrp_advert got;
		enum vrrp_drop why;

		vrrp_packet_encode(&out, &sent);
		ck_assert(!out.failed);
		ck_assert(vrrp_packet_decode(bytes, writer_used(&out), &got, &why));
		ck_assert(addr_equal(&got.source, &sent.source) &&
			  addr_equal(&got.destination, &sent.destination));
		ck_assert_uint_eq(got.virtual_router_id, sent.virtual_router_id);
		ck_assert_uint_eq(got.priority, sent.priority);
		ck_assert_int_eq(got.interval, sent.interval);
		ck_assert_uint_eq(got.address_count, sent.address_count);
		ck_assert_mem_eq(got.addresses, vips, sent.address_count * 4u);
	}
}
END_TEST

START_TEST(what_the_wire_has_not_is_not_encoded)
{
	static const uint8_t vip[] = {10, 0, 0, 1};
	struct vrrp_advert good = {.source = address("10.0.0.2"),
				   .destination = address("224.0.0.18"),
				   .virtual_router_id = 1,
				   .priority = 1,
				   .interval = NSTIME_S,
				   .addresses = vip,
				   .address_count = 1},
			   advert;
	uint8_t bytes[VRRP_PACKET_MAX];
	struct writer out = writer_of(bytes, 31);

	vrrp_packet_encode(&out, &good);
	ck_assert_msg(out.failed, "32 bytes do not fit in 31");
	out = writer_of(bytes, 32);
	vrrp_packet_encode(&out, &good);
	ck_assert(!out.failed);
	for (int i = 0; i < 3; i++) {
		advert = good;
		if (i == 0)
			advert.address_count = 0;
		else
			advert.interval = i == 1 ? 0 : VRRP_INTERVAL_MAX + VRRP_INTERVAL_UNIT;
		out = writer_of(bytes, sizeof(bytes));
		vrrp_packet_encode(&out, &advert);
		ck_assert(out.failed);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp packet",
		CASE("decode", a_captured_advert_of_keepalived_is_understood,
		     the_checksum_without_pseudo_header_is_good_too,
		     padding_behind_the_packet_is_ignored, options_of_the_ip_header_are_passed_over,
		     every_check_of_rfc_9568_7_1_drops_with_its_reason,
		     the_earlier_check_gives_the_reason,
		     a_drop_tells_sender_and_router_as_far_as_they_are_there,
		     an_interval_of_zero_is_dropped, any_cut_packet_is_dropped),
		CASE("encode", our_advert_is_byte_for_byte_what_keepalived_sends,
		     what_is_encoded_decodes_to_the_same, what_the_wire_has_not_is_not_encoded));
}
