/* Adverts on the wire: captured packets, both checksums, what is malformed, round trips. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/packet.h"
#include "vrrp_captured.h"

#define ROOM 4400

static struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

/* As the sockets do: opens the IPv4 header, or takes an IPv6 one apart as the kernel would. */
static bool open_packet(const uint8_t *packet, size_t size, struct vrrp_datagram *out)
{
	if (packet[0] >> 4 == 4)
		return vrrp_ipv4_open(packet, size, out);
	*out = (struct vrrp_datagram){.message = packet + 40, .size = size - 40};
	out->envelope.source = addr_from_bytes(AF_INET6, packet + 8);
	out->envelope.destination = addr_from_bytes(AF_INET6, packet + 24);
	out->envelope.ttl = packet[7];
	out->envelope.protocol = packet[6];
	return true;
}

static struct vrrp_advert decode(const uint8_t *packet, size_t size, struct vrrp_datagram *datagram)
{
	struct vrrp_advert advert;
	enum vrrp_drop why;

	ck_assert(open_packet(packet, size, datagram));
	ck_assert(vrrp_advert_decode(datagram, &advert, &why));
	return advert;
}

static const struct captured {
	const char *hex, *source, *destination;
	uint8_t ttl, protocol, version, auth, priority;
	uint32_t sequence;
} captured[] = {
	{V3_IPV4, "192.168.8.10", "224.0.0.18", 255, 112, 3, 0, 150, 0},
	{V3_IPV4_PRIORITY_0, "192.168.8.10", "224.0.0.18", 255, 112, 3, 0, 0, 0},
	{V3_IPV4_UNICAST, "192.168.8.10", "192.168.8.11", 255, 112, 3, 0, 150, 0},
	{V2_NONE, "192.168.8.10", "224.0.0.18", 255, 112, 2, 0, 150, 0},
	{V2_PASS, "192.168.8.10", "224.0.0.18", 255, 112, 2, 1, 150, 0},
	{V2_AH, "192.168.8.10", "224.0.0.18", 255, 51, 2, 2, 150, 1},
	{V2_AH_UNICAST, "192.168.8.10", "192.168.8.11", 255, 51, 2, 2, 150, 1},
	{V3_IPV6, "fe80::ff:fe00:a", "ff02::12", 255, 112, 3, 0, 150, 0},
	{V3_IPV6_UNICAST, "fd00::10", "fd00::11", 64, 112, 3, 0, 150, 0},
};

/* ---- reading -------------------------------------------------------------------------------- */

START_TEST(captured_adverts_of_keepalived_are_understood)
{
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		const struct captured *row = &captured[i];
		struct addr source = address(row->source), to = address(row->destination);
		uint8_t packet[ROOM];
		size_t size = unhex(row->hex, packet);
		struct vrrp_datagram datagram;
		struct vrrp_advert advert = decode(packet, size, &datagram);

		ck_assert(addr_equal(&datagram.envelope.source, &source));
		ck_assert(addr_equal(&datagram.envelope.destination, &to));
		ck_assert_uint_eq(datagram.envelope.ttl, row->ttl);
		ck_assert_uint_eq(datagram.envelope.protocol, row->protocol);
		ck_assert_uint_eq(advert.version, row->version);
		ck_assert_uint_eq(advert.type, VRRP_ADVERTISEMENT);
		ck_assert_uint_eq(advert.virtual_router_id, 51);
		ck_assert_uint_eq(advert.priority, row->priority);
		ck_assert_uint_eq(advert.auth, row->auth);
		ck_assert_uint_eq(advert.sequence, row->sequence);
		ck_assert_int_eq(advert.interval, NSTIME_S);
		ck_assert_uint_eq(advert.address_count, 2);
		ck_assert(advert.complete);
		ck_assert(vrrp_checksum_good(&datagram.envelope, &advert));
		ck_assert_int_eq(advert.icv != NULL, row->protocol == 51);
		if (datagram.packet) {
			ck_assert_mem_eq(advert.addresses, "\xc0\xa8\x08\xc8\xc0\xa8\x08\xc9", 8);
			ck_assert_uint_eq(datagram.packet_size, size);
		}
	}
}
END_TEST

START_TEST(the_password_of_version_2_is_its_last_eight_bytes)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V2_PASS, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert = decode(packet, size, &datagram);

	ck_assert_mem_eq(advert.password, "secret\0", VRRP_PASSWORD);
	ck_assert(advert.complete);
	packet[3]--; /* one byte less of it */
	advert = decode(packet, size, &datagram);
	ck_assert(!advert.complete);
}
END_TEST

/* A captured packet with its checksum replaced by that over the message alone. */
static size_t plain_checksum(const char *hex, size_t header, uint8_t *packet)
{
	size_t size = unhex(hex, packet);
	uint16_t sum;

	packet[header + 6] = packet[header + 7] = 0;
	sum = checksum_fold(checksum_add(0, packet + header, size - header));
	packet[header + 6] = (uint8_t)(sum >> 8);
	packet[header + 7] = (uint8_t)sum;
	return size;
}

START_TEST(version_3_over_ipv4_may_leave_the_pseudo_header_out)
{
	uint8_t packet[ROOM];
	size_t size = plain_checksum(V3_IPV4, 20, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert = decode(packet, size, &datagram);

	ck_assert(vrrp_checksum_good(&datagram.envelope, &advert));
	packet[27]++;
	ck_assert(!vrrp_checksum_good(&datagram.envelope, &advert));
}
END_TEST

START_TEST(ipv6_may_not_leave_the_pseudo_header_out)
{
	uint8_t packet[ROOM];
	size_t size = plain_checksum(V3_IPV6, 40, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert = decode(packet, size, &datagram);

	ck_assert(!vrrp_checksum_good(&datagram.envelope, &advert));
}
END_TEST

START_TEST(a_checksum_covers_every_byte_of_the_message_and_the_addresses_of_the_packet)
{
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		uint8_t packet[ROOM];
		size_t size = unhex(captured[i].hex, packet);
		struct vrrp_datagram datagram;
		struct vrrp_advert advert = decode(packet, size, &datagram);
		size_t message = (size_t)(advert.message - packet);

		for (size_t at = message; at < size; at++) {
			packet[at] ^= 0x10;
			if (at != message && at != message + 3) { /* they decide the length */
				advert = decode(packet, size, &datagram);
				ck_assert_msg(!vrrp_checksum_good(&datagram.envelope, &advert),
					      "packet %zu, byte %zu", i, at);
			}
			packet[at] ^= 0x10;
		}
		if (captured[i].version == 2)
			continue;
		advert = decode(packet, size, &datagram);
		datagram.envelope.source.bytes[3] ^= 1;
		ck_assert(!vrrp_checksum_good(&datagram.envelope, &advert));
	}
}
END_TEST

START_TEST(padding_behind_the_packet_is_ignored)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V3_IPV4, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;

	memset(packet + size, 0xa5, 60 - size);
	advert = decode(packet, 60, &datagram);
	ck_assert(advert.complete && vrrp_checksum_good(&datagram.envelope, &advert));
	ck_assert_uint_eq(datagram.packet_size, size);
}
END_TEST

START_TEST(bytes_behind_the_last_address_are_ignored)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V3_IPV4, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;

	memset(packet + size, 0xa5, 28); /* as long as keepalived's HMAC */
	packet[3] += 28;
	advert = decode(packet, size + 28, &datagram);
	ck_assert(advert.complete && vrrp_checksum_good(&datagram.envelope, &advert));
}
END_TEST

START_TEST(options_of_the_ip_header_are_passed_over)
{
	uint8_t packet[ROOM], original[ROOM];
	size_t size = unhex(V3_IPV4, original);
	struct vrrp_datagram datagram;

	memcpy(packet, original, 20);
	memcpy(packet + 20, "\x94\x04\x00\x00", 4);
	memcpy(packet + 24, original + 20, size - 20);
	packet[0] = 0x46;
	packet[3] += 4;
	ck_assert_uint_eq(decode(packet, size + 4, &datagram).priority, 150);
}
END_TEST

/* One byte of a good packet changed so that its IP header makes no sense. */
START_TEST(a_malformed_ip_header_is_told_with_the_sender_as_far_as_there_is_one)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool has_source;
	} rows[] = {
		{9, 17, true},   {0, 0x55, false}, {0, 0x44, true}, {0, 0x4f, true},
		{3, 37, true},   {3, 19, true},    {6, 0x20, true}, {7, 1, true},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t packet[ROOM];
		size_t size = unhex(V3_IPV4, packet);
		struct vrrp_datagram datagram;

		packet[rows[i].at] = rows[i].value;
		ck_assert_msg(!vrrp_ipv4_open(packet, size, &datagram), "row %zu", i);
		ck_assert_ptr_null(datagram.message);
		ck_assert_int_eq(datagram.envelope.source.family != 0, rows[i].has_source);
	}
}
END_TEST

START_TEST(what_names_no_router_is_told_apart)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V2_AH, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	enum vrrp_drop why;

	ck_assert(open_packet(packet, size, &datagram));
	datagram.size = 24 + 1;
	ck_assert(!vrrp_advert_decode(&datagram, &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_LENGTH);
	datagram.size = 23;
	ck_assert(!vrrp_advert_decode(&datagram, &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_HEADER);
	datagram.size = size - 20;
	packet[20] = 6; /* TCP behind the AH header */
	ck_assert(!vrrp_advert_decode(&datagram, &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_HEADER);
	packet[20] = 112;
	packet[21] = 5; /* another length of the integrity check value */
	ck_assert(!vrrp_advert_decode(&datagram, &advert, &why));
	ck_assert_int_eq(why, VRRP_DROP_HEADER);
}
END_TEST

START_TEST(no_cut_message_is_complete)
{
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		uint8_t packet[ROOM];
		size_t size = unhex(captured[i].hex, packet);
		struct vrrp_datagram datagram;
		struct vrrp_advert advert;
		enum vrrp_drop why;

		ck_assert(open_packet(packet, size, &datagram));
		for (size = datagram.size; size-- > 0;) {
			datagram.size = size;
			if (vrrp_advert_decode(&datagram, &advert, &why))
				ck_assert(!advert.complete);
		}
	}
}
END_TEST

START_TEST(what_the_socket_had_no_room_for_is_not_complete)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V3_IPV6, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	enum vrrp_drop why;

	ck_assert(open_packet(packet, size, &datagram));
	datagram.cut = true;
	ck_assert(vrrp_advert_decode(&datagram, &advert, &why));
	ck_assert(!advert.complete);
}
END_TEST

START_TEST(the_reserved_bits_above_the_interval_are_not_part_of_it)
{
	uint8_t packet[ROOM];
	size_t size = unhex(V3_IPV4, packet);
	struct vrrp_datagram datagram;

	packet[24] = 0xf0;
	packet[25] = 1;
	ck_assert_int_eq(decode(packet, size, &datagram).interval, VRRP_INTERVAL_UNIT);
}
END_TEST

/* ---- writing -------------------------------------------------------------------------------- */

/* What keepalived sent, encoded by us, is the same but for what the kernels choose: the
 * identification, the flow label, and here the integrity check value. */
START_TEST(our_adverts_are_byte_for_byte_what_keepalived_sends)
{
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		uint8_t packet[ROOM], ours[VRRP_PACKET_MAX];
		size_t size = unhex(captured[i].hex, packet);
		struct writer out = writer_of(ours, sizeof(ours));
		struct vrrp_datagram datagram;
		struct vrrp_advert advert = decode(packet, size, &datagram);

		vrrp_packet_encode(&out, &datagram.envelope, &advert, VRRP_CHECKSUM_PSEUDO_HEADER);
		ck_assert(!out.failed);
		ck_assert_uint_eq(writer_used(&out), size);
		if (datagram.packet) {
			ck_assert_uint_eq(checksum_fold(checksum_add(0, ours, 20)), 0);
			memcpy(ours + 4, packet + 4, 2);
			memcpy(ours + 10, packet + 10, 2);
		} else {
			memset(packet + 1, 0, 3);
			packet[1] = ours[1] & 0x0f;
			ck_assert_uint_eq(ours[0], 0x6c); /* class CS6 */
		}
		if (captured[i].protocol == 51)
			memset(packet + 32, 0, VRRP_ICV);
		ck_assert_msg(!memcmp(ours, packet, size), "packet %zu", i);
	}
}
END_TEST

START_TEST(the_checksum_is_sent_in_the_form_that_is_asked_for)
{
	uint8_t packet[ROOM], ours[VRRP_PACKET_MAX];
	size_t size = plain_checksum(V3_IPV4, 20, packet);
	struct writer out = writer_of(ours, sizeof(ours));
	struct vrrp_datagram datagram;
	struct vrrp_advert advert = decode(packet, size, &datagram);

	vrrp_packet_encode(&out, &datagram.envelope, &advert, VRRP_CHECKSUM_RFC9568);
	ck_assert_mem_eq(ours + 20, packet + 20, size - 20);
	out = writer_of(ours, sizeof(ours));
	vrrp_packet_encode(&out, &datagram.envelope, &advert, VRRP_CHECKSUM_PSEUDO_HEADER);
	unhex(V3_IPV4, packet);
	ck_assert_mem_eq(ours + 20, packet + 20, size - 20);
	/* IPv6 has but one form */
	unhex(V3_IPV6, packet);
	advert = decode(packet, 80, &datagram);
	out = writer_of(ours, sizeof(ours));
	vrrp_packet_encode(&out, &datagram.envelope, &advert, VRRP_CHECKSUM_RFC9568);
	ck_assert_mem_eq(ours + 40, packet + 40, 40);
}
END_TEST

START_TEST(an_ah_packet_never_leaves_its_identification_to_the_kernel)
{
	uint8_t packet[ROOM], ours[VRRP_PACKET_MAX];
	size_t size = unhex(V2_AH, packet);
	struct vrrp_datagram datagram;
	struct vrrp_advert advert = decode(packet, size, &datagram);

	for (uint32_t sequence = 0xfffe; sequence < 0x10003; sequence++) {
		struct writer out = writer_of(ours, sizeof(ours));

		advert.sequence = sequence;
		vrrp_packet_encode(&out, &datagram.envelope, &advert, VRRP_CHECKSUM_PSEUDO_HEADER);
		ck_assert(!out.failed);
		ck_assert(ours[4] || ours[5]);
	}
}
END_TEST

struct property {
	struct vrrp_envelope envelope;
	struct vrrp_advert advert;
	enum vrrp_checksum checksum;
};

static uint32_t pick(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*state >> 33) % below);
}

static struct addr any_address(uint64_t *state, uint8_t family)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)pick(state, 256);
	return addr_from_bytes(family, bytes);
}

/* Any advert that the wire has. */
static struct property any_advert(uint64_t *state, uint8_t *addresses)
{
	uint8_t family = pick(state, 2) ? AF_INET : AF_INET6;
	bool old = family == AF_INET && pick(state, 2);
	struct property out = {
		.envelope = {.source = any_address(state, family),
			     .destination = any_address(state, family),
			     .ttl = (uint8_t)pick(state, 256)},
		.advert = {.version = old ? 2 : 3,
			   .virtual_router_id = (uint8_t)pick(state, 256),
			   .priority = (uint8_t)pick(state, 256),
			   .addresses = addresses,
			   .address_count = (uint8_t)(1 + pick(state, 255))},
		.checksum = pick(state, 2) ? VRRP_CHECKSUM_RFC9568 : VRRP_CHECKSUM_PSEUDO_HEADER,
	};

	for (size_t i = 0; i < 255 * 16; i++)
		addresses[i] = (uint8_t)pick(state, 256);
	out.advert.interval = old ? (1 + pick(state, 255)) * NSTIME_S :
				    (1 + pick(state, 4095)) * VRRP_INTERVAL_UNIT;
	if (!old)
		return out;
	out.advert.auth = (uint8_t)pick(state, 3);
	if (out.advert.auth == VRRP_AUTH_PASS)
		memcpy(out.advert.password, addresses, VRRP_PASSWORD);
	if (out.advert.auth == VRRP_AUTH_AH)
		out.advert.sequence = pick(state, UINT32_MAX);
	return out;
}

START_TEST(whatever_is_encoded_decodes_to_the_same)
{
	const char *seed = getenv("LBHA_SEED");
	uint64_t state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	uint8_t addresses[255 * 16], bytes[VRRP_PACKET_MAX];

	printf("LBHA_SEED=%llu\n", (unsigned long long)state);
	for (int i = 0; i < 5000; i++) {
		struct property sent = any_advert(&state, addresses);
		struct writer out = writer_of(bytes, sizeof(bytes));
		struct vrrp_datagram datagram;
		struct vrrp_advert got;

		vrrp_packet_encode(&out, &sent.envelope, &sent.advert, sent.checksum);
		ck_assert_msg(!out.failed, "round %d", i);
		ck_assert_uint_eq(writer_used(&out),
				  vrrp_packet_size(sent.envelope.source.family, sent.advert.version,
						   sent.advert.auth, sent.advert.address_count));
		got = decode(bytes, writer_used(&out), &datagram);
		ck_assert(addr_equal(&datagram.envelope.source, &sent.envelope.source) &&
			  addr_equal(&datagram.envelope.destination, &sent.envelope.destination));
		ck_assert_uint_eq(datagram.envelope.ttl, sent.envelope.ttl);
		ck_assert(got.complete && vrrp_checksum_good(&datagram.envelope, &got));
		ck_assert_uint_eq(got.version, sent.advert.version);
		ck_assert_uint_eq(got.virtual_router_id, sent.advert.virtual_router_id);
		ck_assert_uint_eq(got.priority, sent.advert.priority);
		ck_assert_int_eq(got.interval, sent.advert.interval);
		ck_assert_uint_eq(got.auth, sent.advert.auth);
		ck_assert_uint_eq(got.sequence, sent.advert.sequence);
		ck_assert_mem_eq(got.password, sent.advert.password, VRRP_PASSWORD);
		ck_assert_uint_eq(got.address_count, sent.advert.address_count);
		ck_assert_mem_eq(got.addresses, addresses,
				 got.address_count * addr_size(sent.envelope.source.family));
	}
}
END_TEST

START_TEST(what_the_wire_has_not_is_not_encoded)
{
	static const uint8_t vip[16] = {10, 0, 0, 1};
	const struct vrrp_envelope ipv4 = {.source = address("10.0.0.2"),
					   .destination = address("224.0.0.18"),
					   .ttl = 255},
				   ipv6 = {.source = address("fe80::1"),
					   .destination = address("ff02::12"),
					   .ttl = 255},
				   mixed = {.source = address("10.0.0.2"),
					    .destination = address("ff02::12"),
					    .ttl = 255};
	const struct vrrp_advert good = {.version = 3,
					 .virtual_router_id = 1,
					 .priority = 1,
					 .interval = NSTIME_S,
					 .addresses = vip,
					 .address_count = 1};
	struct {
		const struct vrrp_envelope *envelope;
		uint8_t version, count;
		nstime interval;
		bool encodes;
	} rows[] = {
		{&ipv4, 3, 1, NSTIME_S, true},
		{&ipv6, 3, 1, NSTIME_S, true},
		{&ipv4, 2, 1, NSTIME_S, true},
		{&ipv4, 2, 1, 255 * NSTIME_S, true},
		{&ipv4, 3, 1, VRRP_INTERVAL_MAX, true},
		{&mixed, 3, 1, NSTIME_S, false},
		{&ipv6, 2, 1, NSTIME_S, false},
		{&ipv4, 4, 1, NSTIME_S, false},
		{&ipv4, 3, 0, NSTIME_S, false},
		{&ipv4, 3, 1, 0, false},
		{&ipv4, 3, 1, VRRP_INTERVAL_MAX + VRRP_INTERVAL_UNIT, false},
		{&ipv4, 2, 1, 500 * NSTIME_MS, false},
		{&ipv4, 2, 1, 256 * NSTIME_S, false},
	};
	uint8_t bytes[VRRP_PACKET_MAX];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct writer out = writer_of(bytes, sizeof(bytes));
		struct vrrp_advert advert = good;

		advert.version = rows[i].version;
		advert.address_count = rows[i].count;
		advert.interval = rows[i].interval;
		vrrp_packet_encode(&out, rows[i].envelope, &advert, VRRP_CHECKSUM_PSEUDO_HEADER);
		ck_assert_msg(out.failed == !rows[i].encodes, "row %zu", i);
	}
	for (size_t room = 0; room <= 32; room++) {
		struct writer out = writer_of(bytes, room);

		vrrp_packet_encode(&out, &ipv4, &good, VRRP_CHECKSUM_PSEUDO_HEADER);
		ck_assert_msg(out.failed == (room < 32), "%zu bytes", room);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp packet",
		CASE("decode", captured_adverts_of_keepalived_are_understood,
		     the_password_of_version_2_is_its_last_eight_bytes,
		     version_3_over_ipv4_may_leave_the_pseudo_header_out,
		     ipv6_may_not_leave_the_pseudo_header_out,
		     a_checksum_covers_every_byte_of_the_message_and_the_addresses_of_the_packet,
		     padding_behind_the_packet_is_ignored,
		     bytes_behind_the_last_address_are_ignored,
		     options_of_the_ip_header_are_passed_over,
		     a_malformed_ip_header_is_told_with_the_sender_as_far_as_there_is_one,
		     what_names_no_router_is_told_apart, no_cut_message_is_complete,
		     what_the_socket_had_no_room_for_is_not_complete,
		     the_reserved_bits_above_the_interval_are_not_part_of_it),
		CASE("encode", our_adverts_are_byte_for_byte_what_keepalived_sends,
		     the_checksum_is_sent_in_the_form_that_is_asked_for,
		     an_ah_packet_never_leaves_its_identification_to_the_kernel,
		     whatever_is_encoded_decodes_to_the_same,
		     what_the_wire_has_not_is_not_encoded));
}
