/* Messages to the kernel and from it. What is encoded is decoded again by the reader for dumps:
 * requests and replies have the same attributes. */
#include "test_ipvs.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include "base/cleanup.h"
#include "ipvs/codec.h"

#define FAMILY 0x1234

static struct ipvs_op dest_op(const char *service, const char *dest)
{
	struct ipvs_dest about = test_dest(dest, 7);

	return (struct ipvs_op){.kind = IPVS_ADD_DEST,
				.service = test_key(service, IPPROTO_TCP),
				.dest = about.key,
				.dest_attr = {.forwarding = IPVS_FORWARD_NAT,
					      .weight = 70000,
					      .upper_threshold = 9,
					      .lower_threshold = 5}};
}

/* Encodes one operation and reads it back. */
static struct ipvs_message there_and_back(const struct ipvs_op *op, uint16_t *flags)
{
	static uint8_t bytes[IPVS_MESSAGE_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct netlink_message message;
	struct ipvs_message value;
	struct reader in;
	bool malformed;

	ipvs_encode_op(&out, FAMILY, 42, true, op);
	ck_assert(!out.failed);
	ck_assert_uint_eq(writer_used(&out) % 4, 0);
	memcpy(flags, bytes + 6, 2);
	in = reader_of(bytes, writer_used(&out));
	ck_assert(netlink_next(&in, &message, &malformed));
	ck_assert_int_eq(message.kind, NETLINK_DATA);
	ck_assert_uint_eq(message.type, FAMILY);
	ck_assert_uint_eq(message.seq, 42);
	ck_assert(ipvs_decode_message(message.value, AF_INET, &value));
	ck_assert(!netlink_next(&in, &message, &malformed));
	ck_assert(!malformed);
	return value;
}

START_TEST(a_destination_survives_encoding)
{
	static const char *const pairs[][2] = {{"192.168.8.200:80", "10.0.0.1:8080"},
					       {"[2001:db8::1]:80", "[2001:db8::2]:8080"},
					       {"[2001:db8::1]:80", "10.0.0.1:80"}};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct ipvs_op op = dest_op(pairs[i][0], pairs[i][1]);
		uint16_t flags;
		struct ipvs_message value = there_and_back(&op, &flags);

		ck_assert_uint_eq(flags, NLM_F_REQUEST | NLM_F_ACK);
		ck_assert_uint_eq(value.command, IPVS_CMD_NEW_DEST);
		ck_assert(value.has_service && value.has_dest);
		ck_assert_int_eq(ipvs_service_key_compare(&value.service.key, &op.service), 0);
		ck_assert_int_eq(ipvs_dest_key_compare(&value.dest.key, &op.dest), 0);
		ck_assert(ipvs_dest_attr_equal(&value.dest.attr, &op.dest_attr));
	}
}
END_TEST

START_TEST(a_tunnel_survives_encoding_and_what_is_not_used_is_not_sent)
{
	struct ipvs_op op = dest_op("[2001:db8::1]:80", "10.0.0.1:80");
	struct ipvs_dest_attr *attr = &op.dest_attr;
	uint16_t flags;
	struct ipvs_message value;

	attr->forwarding = IPVS_FORWARD_TUNNEL;
	attr->tunnel_port = 0x1234;
	attr->tunnel_flags = IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM;
	for (unsigned type = IPVS_TUNNEL_GUE; type <= IPVS_TUNNEL_GRE + 1; type++) {
		attr->tunnel = (uint8_t)type;
		value = there_and_back(&op, &flags);
		ck_assert_uint_eq(value.dest.attr.tunnel, type);
		ck_assert_uint_eq(value.dest.attr.tunnel_port, 0x1234);
		ck_assert_uint_eq(value.dest.attr.tunnel_flags, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM);
		ck_assert(ipvs_dest_attr_equal(&value.dest.attr, attr));
	}
	attr->tunnel = IPVS_TUNNEL_IPIP;
	value = there_and_back(&op, &flags);
	ck_assert_uint_eq(value.dest.attr.tunnel_port, 0);
	ck_assert(ipvs_dest_attr_equal(&value.dest.attr, attr));
}
END_TEST

/* What the kernel does not read is no difference: it would be repaired for ever. */
START_TEST(tunnels_differ_in_what_their_type_reads)
{
	struct ipvs_dest_attr a = {.forwarding = IPVS_FORWARD_TUNNEL,
				   .tunnel = IPVS_TUNNEL_GUE,
				   .tunnel_port = 1,
				   .tunnel_flags = 1};
	struct ipvs_dest_attr port = a, flags = a;

	port.tunnel_port = 2;
	flags.tunnel_flags = 2;
	ck_assert(!ipvs_dest_attr_equal(&a, &port) && !ipvs_dest_attr_equal(&a, &flags));
	a.tunnel = port.tunnel = flags.tunnel = IPVS_TUNNEL_GRE;
	ck_assert(ipvs_dest_attr_equal(&a, &port) && !ipvs_dest_attr_equal(&a, &flags));
	a.tunnel = port.tunnel = flags.tunnel = IPVS_TUNNEL_IPIP;
	ck_assert(ipvs_dest_attr_equal(&a, &port) && ipvs_dest_attr_equal(&a, &flags));
	port.tunnel = IPVS_TUNNEL_GUE;
	ck_assert(!ipvs_dest_attr_equal(&a, &port));
	a.forwarding = port.forwarding = IPVS_FORWARD_DR;
	ck_assert(ipvs_dest_attr_equal(&a, &port));
}
END_TEST

START_TEST(a_service_survives_encoding)
{
	struct ipvs_op op = {
		.kind = IPVS_SET_SERVICE,
		.service = test_key("[2001:db8::1]:80", IPPROTO_UDP),
		.service_attr = {.scheduler = "fifteenlettersx",
				 .engine = "sip",
				 .netmask = 64,
				 .timeout = 360,
				 .flags = IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_SCHED2}};
	uint16_t flags;
	struct ipvs_message value = there_and_back(&op, &flags);

	ck_assert_uint_eq(value.command, IPVS_CMD_SET_SERVICE);
	ck_assert(value.has_service && !value.has_dest);
	ck_assert_int_eq(ipvs_service_key_compare(&value.service.key, &op.service), 0);
	ck_assert(ipvs_service_attr_equal(&value.service.attr, &op.service_attr));

	op.service = (struct ipvs_service_key){.fwmark = 0x50, .address.family = AF_INET};
	op.service_attr.netmask = 0xffffff00;
	value = there_and_back(&op, &flags);
	ck_assert_int_eq(ipvs_service_key_compare(&value.service.key, &op.service), 0);
	ck_assert(ipvs_service_attr_equal(&value.service.attr, &op.service_attr));
}
END_TEST

START_TEST(timeouts_survive_encoding_but_for_those_left_alone)
{
	struct ipvs_timeouts timeouts = {{[IPVS_TIMEOUT_TCP] = 60, [IPVS_TIMEOUT_UDP] = 3600}};
	struct ipvs_timeouts read;
	uint8_t buffer[IPVS_MESSAGE_MAX];
	struct writer out = writer_of(buffer, sizeof(buffer));
	struct netlink_message message;
	struct reader in;
	bool malformed;

	ipvs_encode_set_timeouts(&out, 0x20, 1, &timeouts);
	ck_assert_uint_eq(writer_used(&out), 20 + 2 * 8);
	in = reader_of(buffer, writer_used(&out));
	ck_assert(netlink_next(&in, &message, &malformed));
	ck_assert(ipvs_decode_timeouts(message.value, &read));
	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++)
		ck_assert_uint_eq(read.seconds[i], timeouts.seconds[i]);
	message.value.end--;
	ck_assert(!ipvs_decode_timeouts(message.value, &read));
}
END_TEST

START_TEST(a_removal_carries_the_keys_alone)
{
	struct ipvs_op op = dest_op("192.168.8.200:80", "10.0.0.1:80");
	uint16_t flags;
	struct ipvs_message value;

	op.kind = IPVS_DEL_DEST;
	value = there_and_back(&op, &flags);
	ck_assert_uint_eq(value.command, IPVS_CMD_DEL_DEST);
	ck_assert_uint_eq(value.dest.attr.weight, 0);
	op.kind = IPVS_DEL_SERVICE;
	value = there_and_back(&op, &flags);
	ck_assert_uint_eq(value.command, IPVS_CMD_DEL_SERVICE);
	ck_assert(!value.has_dest);
	ck_assert_str_eq(value.service.attr.scheduler, "");
}
END_TEST

START_TEST(a_full_buffer_fails_instead_of_being_overrun)
{
	uint8_t bytes[IPVS_MESSAGE_MAX];
	struct ipvs_op op = dest_op("192.168.8.200:80", "10.0.0.1:80");

	struct writer whole = writer_of(bytes, sizeof(bytes));

	ipvs_encode_op(&whole, FAMILY, 1, false, &op);
	ck_assert(!whole.failed);
	for (size_t size = 0; size < writer_used(&whole); size++) {
		struct writer out = writer_of(bytes, size);

		ipvs_encode_op(&out, FAMILY, 1, false, &op);
		ck_assert(out.failed);
	}
}
END_TEST

/* A destination as Linux 6.1 dumped it on x86-64. */
START_TEST(a_message_of_the_kernel_is_read)
{
	static const uint8_t dump[] = {
		0x64, 0x01, 0x00, 0x00, 0x20, 0x00, 0x02, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x05, 0x01, 0x00, 0x00, 0x50, 0x01, 0x02, 0x00, 0x14, 0x00, 0x01, 0x00,
		0xc0, 0xa8, 0x08, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x06, 0x00, 0x02, 0x00, 0x1f, 0x90, 0x00, 0x00, 0x08, 0x00, 0x03, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x04, 0x00, 0x02, 0x00, 0x00, 0x00, 0x05, 0x00,
		0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x06, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x05, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x08, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x07, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00,
		0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x0b, 0x00, 0x02, 0x00, 0x00, 0x00,
		0x5c, 0x00, 0x0a, 0x00, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x0c, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00,
		0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x06, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00,
		0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x08, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7c, 0x00, 0x0c, 0x00, 0x0c, 0x00,
		0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x02, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x03, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x0c, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x0c, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00,
		0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x09, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0a, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	struct reader in = reader_of(dump, sizeof(dump));
	struct ipvs_dest expected = test_dest("192.168.8.30:8080", 2);
	struct netlink_message message;
	struct ipvs_message value;
	bool malformed;

	expected.attr.forwarding = IPVS_FORWARD_NAT;
	ck_assert(netlink_next(&in, &message, &malformed));
	ck_assert(ipvs_decode_message(message.value, AF_INET, &value));
	ck_assert(value.has_dest);
	ck_assert_int_eq(ipvs_dest_key_compare(&value.dest.key, &expected.key), 0);
	ck_assert(ipvs_dest_attr_equal(&value.dest.attr, &expected.attr));
	for (size_t size = 1; size < sizeof(dump); size++) {
		in = reader_of(dump, size);
		ck_assert(!netlink_next(&in, &message, &malformed));
		ck_assert(malformed);
	}
}
END_TEST

static struct netlink_message read_error(int error, uint16_t flags, const void *after, size_t size,
					 bool *fine)
{
	static uint8_t bytes[256];
	struct nlmsghdr head = {.nlmsg_len =
					(uint32_t)(sizeof(head) + sizeof(struct nlmsgerr) + size),
				.nlmsg_type = NLMSG_ERROR,
				.nlmsg_flags = flags,
				.nlmsg_seq = 9};
	struct nlmsgerr body = {.error = error, .msg = {.nlmsg_len = 100}};
	struct netlink_message message = {0};
	struct reader in;
	bool malformed;

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &body, sizeof(body));
	if (size)
		memcpy(bytes + sizeof(head) + sizeof(body), after, size);
	in = reader_of(bytes, head.nlmsg_len);
	*fine = netlink_next(&in, &message, &malformed);
	return message;
}

START_TEST(an_answer_carries_the_errno_and_the_kernels_words)
{
	static const uint8_t words[] = {10, 0, NLMSGERR_ATTR_MSG, 0, 'N', 'o', ' ', '!', '\n', 0,
					0,  0};
	struct netlink_message message;
	bool fine;

	message = read_error(-EEXIST, NLM_F_CAPPED | NLM_F_ACK_TLVS, words, sizeof(words), &fine);
	ck_assert(fine);
	ck_assert_int_eq(message.kind, NETLINK_ERROR);
	ck_assert_int_eq(message.error, -EEXIST);
	ck_assert_uint_eq(message.seq, 9);
	ck_assert_str_eq(message.text, "No !?");
	message = read_error(0, NLM_F_CAPPED, NULL, 0, &fine);
	ck_assert(fine && message.error == 0);
	read_error(-EEXIST, NLM_F_ACK_TLVS, words, sizeof(words),
		   &fine); /* the request is not there in full */
	ck_assert(!fine);
	read_error(17, NLM_F_CAPPED, NULL, 0, &fine); /* no errno of the kernel */
	ck_assert(!fine);
}
END_TEST

TCase *ipvs_codec_case(void)
{
	return CASE("codec", a_destination_survives_encoding,
		    a_tunnel_survives_encoding_and_what_is_not_used_is_not_sent,
		    tunnels_differ_in_what_their_type_reads, a_service_survives_encoding,
		    timeouts_survive_encoding_but_for_those_left_alone,
		    a_removal_carries_the_keys_alone, a_full_buffer_fails_instead_of_being_overrun,
		    a_message_of_the_kernel_is_read,
		    an_answer_carries_the_errno_and_the_kernels_words);
}
