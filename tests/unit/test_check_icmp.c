/* check: ICMP messages from strangers. */
#include <netinet/in.h>
#include <string.h>

#include "check/icmp.h"
#include "suite.h"

static const struct icmp_echo ECHO = {
	.id = 0xabcd, .sequence = 0x0102, .cookie = 0x1122334455667788, .number = 3};

static const uint8_t SERVER[4] = {192, 0, 2, 1}, US[4] = {192, 0, 2, 2}, ROUTER[4] = {198, 51, 100, 1};
static const uint8_t SERVER6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

struct packet {
	uint8_t bytes[256];
	struct writer out;
};

static void packet_begin(struct packet *packet)
{
	memset(packet->bytes, 0, sizeof(packet->bytes));
	packet->out = writer_of(packet->bytes, sizeof(packet->bytes));
}

static size_t packet_size(const struct packet *packet)
{
	ck_assert(!packet->out.failed);
	return writer_used(&packet->out);
}

/* A header with `options` words of options, of a packet that has `size` bytes behind it. */
static void put_ipv4(struct writer *out, const uint8_t from[4], const uint8_t to[4], size_t size, unsigned options)
{
	put_u8(out, (uint8_t)(0x45 + options));
	put_u8(out, 0);
	put_u16(out, (uint16_t)(20 + 4 * options + size));
	put_u32(out, 0);
	put_u8(out, 64);
	put_u8(out, IPPROTO_ICMP);
	put_u16(out, 0);
	put_bytes(out, from, 4);
	put_bytes(out, to, 4);
	for (unsigned i = 0; i < options; i++)
		put_u32(out, 0x01010101);
}

static void put_ipv6(struct writer *out, const uint8_t to[16], size_t size)
{
	static const uint8_t us[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};

	put_u32(out, 0x60000000);
	put_u16(out, (uint16_t)size);
	put_u8(out, IPPROTO_ICMPV6);
	put_u8(out, 64);
	put_bytes(out, us, 16);
	put_bytes(out, to, 16);
}

/* Writes the checksum of the ICMP message that begins at `start` and goes to the end. */
static void mend(struct packet *packet, size_t start)
{
	uint8_t *message = packet->bytes + start;
	uint16_t sum;

	message[2] = message[3] = 0;
	sum = checksum_fold(checksum_add(0, message, packet_size(packet) - start));
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
}

/* A reply as a raw IPv4 socket gives it. */
static void ipv4_reply(struct packet *packet, unsigned options)
{
	size_t start;

	packet_begin(packet);
	put_ipv4(&packet->out, SERVER, US, ICMP_ECHO_SIZE, options);
	start = packet_size(packet);
	icmp_echo_put(&packet->out, AF_INET, &ECHO);
	packet->bytes[start] = 0;
	mend(packet, start);
}

/* A router's complaint about our echo to SERVER, which quotes `quoted` bytes of the ICMP part. */
static void ipv4_complaint(struct packet *packet, uint8_t type, uint8_t code, size_t quoted)
{
	uint8_t echo[ICMP_ECHO_SIZE];
	struct writer inner = writer_of(echo, sizeof(echo));

	icmp_echo_put(&inner, AF_INET, &ECHO);
	packet_begin(packet);
	put_ipv4(&packet->out, ROUTER, US, 8 + 20 + quoted, 0);
	put_u8(&packet->out, type);
	put_u8(&packet->out, code);
	put_u16(&packet->out, 0);
	put_u32(&packet->out, 0);
	put_ipv4(&packet->out, US, SERVER, ICMP_ECHO_SIZE, 0);
	put_bytes(&packet->out, echo, quoted);
	mend(packet, 20);
}

static void ipv6_complaint(struct packet *packet, uint8_t type, uint8_t code, size_t quoted)
{
	uint8_t echo[ICMP_ECHO_SIZE];
	struct writer inner = writer_of(echo, sizeof(echo));

	icmp_echo_put(&inner, AF_INET6, &ECHO);
	packet_begin(packet);
	put_u8(&packet->out, type);
	put_u8(&packet->out, code);
	put_u16(&packet->out, 0);
	put_u32(&packet->out, 0);
	put_ipv6(&packet->out, SERVER6, ICMP_ECHO_SIZE);
	put_bytes(&packet->out, echo, quoted);
}

static void is_our_echo(const struct icmp_message *message, bool with_cookie)
{
	ck_assert_uint_eq(message->echo.id, ECHO.id);
	ck_assert_uint_eq(message->echo.sequence, ECHO.sequence);
	ck_assert_int_eq(message->has_cookie, with_cookie);
	ck_assert_uint_eq(message->echo.cookie, with_cookie ? ECHO.cookie : 0);
	ck_assert_uint_eq(message->echo.number, with_cookie ? ECHO.number : 0);
}

START_TEST(an_ipv4_request_has_a_checksum_and_an_ipv6_one_leaves_it_to_the_kernel)
{
	uint8_t bytes[ICMP_ECHO_SIZE];
	struct writer out = writer_of(bytes, sizeof(bytes));

	icmp_echo_put(&out, AF_INET, &ECHO);
	ck_assert_uint_eq(writer_used(&out), ICMP_ECHO_SIZE);
	ck_assert_uint_eq(bytes[0], 8);
	ck_assert_uint_eq(checksum_fold(checksum_add(0, bytes, sizeof(bytes))), 0);
	out = writer_of(bytes, sizeof(bytes));
	icmp_echo_put(&out, AF_INET6, &ECHO);
	ck_assert_uint_eq(bytes[0], 128);
	ck_assert_uint_eq(bytes[2] | bytes[3], 0);
	out = writer_of(bytes, sizeof(bytes) - 1);
	icmp_echo_put(&out, AF_INET, &ECHO);
	ck_assert(out.failed);
}
END_TEST

START_TEST(a_reply_gives_back_what_was_sent)
{
	struct icmp_message message;
	struct packet packet;
	struct addr server = addr_from_bytes(AF_INET, SERVER);

	for (unsigned options = 0; options <= 10; options++) {
		ipv4_reply(&packet, options);
		ck_assert(icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
		ck_assert(message.is_reply);
		ck_assert(addr_equal(&message.source, &server));
		is_our_echo(&message, true);
	}
	packet_begin(&packet);
	icmp_echo_put(&packet.out, AF_INET6, &ECHO);
	packet.bytes[0] = 129;
	ck_assert(icmp_message_get(AF_INET6, packet.bytes, packet_size(&packet), &message));
	ck_assert(message.is_reply);
	is_our_echo(&message, true);
}
END_TEST

START_TEST(our_own_request_is_no_reply)
{
	struct icmp_message message;
	struct packet packet;

	packet_begin(&packet);
	put_ipv4(&packet.out, US, SERVER, ICMP_ECHO_SIZE, 0);
	icmp_echo_put(&packet.out, AF_INET, &ECHO);
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	packet_begin(&packet);
	icmp_echo_put(&packet.out, AF_INET6, &ECHO);
	ck_assert(!icmp_message_get(AF_INET6, packet.bytes, packet_size(&packet), &message));
}
END_TEST

START_TEST(a_packet_cut_anywhere_is_no_message)
{
	struct icmp_message message;
	struct packet packet;
	uint8_t exact[256];

	ipv4_reply(&packet, 2);
	for (size_t size = 0; size < packet_size(&packet); size++) {
		memcpy(exact, packet.bytes, size);
		ck_assert(!icmp_message_get(AF_INET, exact, size, &message));
	}
	packet_begin(&packet);
	icmp_echo_put(&packet.out, AF_INET6, &ECHO);
	packet.bytes[0] = 129;
	for (size_t size = 0; size < packet_size(&packet); size++)
		ck_assert(!icmp_message_get(AF_INET6, packet.bytes, size, &message));
}
END_TEST

START_TEST(an_ipv4_message_with_a_wrong_bit_is_no_message)
{
	struct icmp_message message;
	struct packet packet;

	ipv4_reply(&packet, 0);
	for (size_t bit = 20 * 8; bit < packet_size(&packet) * 8; bit++) {
		packet.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message), "bit %zu",
			      bit);
		packet.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(a_complaint_is_about_the_echo_that_it_quotes)
{
	struct icmp_message message;
	struct packet packet;
	struct addr router = addr_from_bytes(AF_INET, ROUTER), server = addr_from_bytes(AF_INET, SERVER),
		    server6 = addr_from_bytes(AF_INET6, SERVER6);

	for (size_t quoted = 8; quoted <= ICMP_ECHO_SIZE; quoted++) {
		ipv4_complaint(&packet, 3, 1, quoted);
		ck_assert(icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
		ck_assert(!message.is_reply);
		ck_assert(addr_equal(&message.source, &router));
		ck_assert(addr_equal(&message.destination, &server));
		ck_assert_uint_eq(message.type, 3);
		ck_assert_uint_eq(message.code, 1);
		is_our_echo(&message, quoted == ICMP_ECHO_SIZE);

		ipv6_complaint(&packet, 1, 3, quoted);
		ck_assert(icmp_message_get(AF_INET6, packet.bytes, packet_size(&packet), &message));
		ck_assert(!message.is_reply);
		ck_assert(addr_equal(&message.destination, &server6));
		is_our_echo(&message, quoted == ICMP_ECHO_SIZE);
	}
}
END_TEST

START_TEST(a_complaint_about_anything_else_is_none)
{
	struct icmp_message message;
	struct packet packet;

	ipv4_complaint(&packet, 3, 1, 7); /* no whole header quoted */
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	ipv6_complaint(&packet, 1, 3, 7);
	ck_assert(!icmp_message_get(AF_INET6, packet.bytes, packet_size(&packet), &message));
	ipv4_complaint(&packet, 5, 1, ICMP_ECHO_SIZE); /* a redirect */
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	ipv4_complaint(&packet, 3, 1, ICMP_ECHO_SIZE);
	packet.bytes[28 + 9] = IPPROTO_UDP;
	mend(&packet, 20);
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	ipv4_complaint(&packet, 3, 1, ICMP_ECHO_SIZE);
	packet.bytes[28 + 7] = 4; /* a later fragment, which has no ICMP header */
	mend(&packet, 20);
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	ipv4_complaint(&packet, 3, 1, ICMP_ECHO_SIZE);
	packet.bytes[28 + 20] = 0; /* about a reply */
	mend(&packet, 20);
	ck_assert(!icmp_message_get(AF_INET, packet.bytes, packet_size(&packet), &message));
	ipv6_complaint(&packet, 1, 3, ICMP_ECHO_SIZE);
	packet.bytes[8 + 6] = IPPROTO_UDP;
	ck_assert(!icmp_message_get(AF_INET6, packet.bytes, packet_size(&packet), &message));
}
END_TEST

START_TEST(what_a_complaint_means_depends_on_its_code)
{
	static const struct {
		uint8_t family, type, code;
		enum probe_reason reason;
		const char *text;
	} rows[] = {
		{AF_INET, 3, 0, REASON_UNREACHABLE, "network unreachable"},
		{AF_INET, 3, 1, REASON_UNREACHABLE, "host unreachable"},
		{AF_INET, 3, 3, REASON_REFUSED, "port unreachable"},
		{AF_INET, 3, 4, REASON_NONE, NULL}, /* a smaller packet is wanted */
		{AF_INET, 3, 13, REASON_UNREACHABLE, "prohibited by a filter"},
		{AF_INET, 3, 15, REASON_UNREACHABLE, "precedence cutoff in effect"},
		{AF_INET, 3, 16, REASON_UNREACHABLE, "unreachable"},
		{AF_INET, 3, 255, REASON_UNREACHABLE, "unreachable"},
		{AF_INET, 11, 0, REASON_UNREACHABLE, "hop limit exceeded"},
		{AF_INET, 11, 1, REASON_NONE, NULL},
		{AF_INET, 12, 0, REASON_NONE, NULL},
		{AF_INET6, 1, 0, REASON_UNREACHABLE, "no route to destination"},
		{AF_INET6, 1, 1, REASON_UNREACHABLE, "prohibited by a filter"},
		{AF_INET6, 1, 3, REASON_UNREACHABLE, "address unreachable"},
		{AF_INET6, 1, 4, REASON_REFUSED, "port unreachable"},
		{AF_INET6, 1, 6, REASON_UNREACHABLE, "reject route to destination"},
		{AF_INET6, 1, 7, REASON_UNREACHABLE, "unreachable"},
		{AF_INET6, 2, 0, REASON_NONE, NULL}, /* packet too big */
		{AF_INET6, 3, 0, REASON_UNREACHABLE, "hop limit exceeded"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct icmp_complaint is = icmp_complaint(rows[i].family, rows[i].type, rows[i].code);

		ck_assert_msg(is.reason == rows[i].reason, "row %zu", i);
		if (rows[i].text)
			ck_assert_str_eq(is.text, rows[i].text);
		else
			ck_assert_ptr_null(is.text);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("check-icmp",
			 CASE("icmp", an_ipv4_request_has_a_checksum_and_an_ipv6_one_leaves_it_to_the_kernel,
			      a_reply_gives_back_what_was_sent, our_own_request_is_no_reply,
			      a_packet_cut_anywhere_is_no_message,
			      an_ipv4_message_with_a_wrong_bit_is_no_message,
			      a_complaint_is_about_the_echo_that_it_quotes,
			      a_complaint_about_anything_else_is_none,
			      what_a_complaint_means_depends_on_its_code));
}
