/* See the header. Frames are read and written through the bounded cursor. The kernel's rules of
 * RFC 4861 section 7.1.2 count here, too (hop limit 255), but for the checksum: a frame that the
 * card received damaged does not come this far. */
#include "rs-agent/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define ICMPV6 58
#define HOP_LIMIT 255
#define SOLICITATION 135
#define ADVERTISEMENT 136
#define OPTION_SOURCE 1
#define OPTION_TARGET 2
#define MESSAGE 32 /* of a solicitation with its option */

static const uint8_t broadcast[LINK_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void put_arp(struct writer *frame, const uint8_t *mac,
		    const struct doctor_question *question)
{
	static const uint8_t nobody[LINK_MAC];

	put_bytes(frame, broadcast, LINK_MAC);
	put_bytes(frame, mac, LINK_MAC);
	put_u16(frame, ETHERTYPE_ARP);
	put_u16(frame, ARP_ETHERNET);
	put_u16(frame, ETHERTYPE_IPV4);
	put_u8(frame, LINK_MAC);
	put_u8(frame, 4);
	put_u16(frame, ARP_REQUEST);
	put_bytes(frame, mac, LINK_MAC);
	put_bytes(frame, question->source.bytes, 4);
	put_bytes(frame, nobody, LINK_MAC);
	put_bytes(frame, question->target.bytes, 4);
}

/* The message with its checksum, which covers a pseudo-header (RFC 8200 section 8.1). */
static void put_solicitation(struct writer *frame, const uint8_t *mac, const uint8_t *to,
			     const struct doctor_question *question)
{
	static const uint8_t length_and_next[] = {0, 0, 0, MESSAGE, 0, 0, 0, ICMPV6};
	uint8_t bytes[MESSAGE];
	struct writer message = writer_of(bytes, sizeof(bytes)), field;
	uint32_t sum;

	put_u8(&message, SOLICITATION);
	put_u8(&message, 0);
	put_u16(&message, 0);
	put_u32(&message, 0);
	put_bytes(&message, question->target.bytes, 16);
	put_u8(&message, OPTION_SOURCE);
	put_u8(&message, 1);
	put_bytes(&message, mac, LINK_MAC);
	sum = checksum_add(0, question->source.bytes, 16);
	sum = checksum_add(sum, to, 16);
	sum = checksum_add(sum, length_and_next, sizeof(length_and_next));
	field = writer_of(bytes + 2, 2);
	put_u16(&field, checksum_fold(checksum_add(sum, bytes, sizeof(bytes))));
	put_bytes(frame, bytes, sizeof(bytes));
}

/* To the target's solicited-node address (RFC 4291 section 2.7.1) and its group on Ethernet. */
static void put_ns(struct writer *frame, const uint8_t *mac, const struct doctor_question *question)
{
	uint8_t to[16] = {0xff, 0x02, [11] = 0x01, [12] = 0xff}, group[LINK_MAC] = {0x33, 0x33};

	memcpy(to + 13, question->target.bytes + 13, 3);
	memcpy(group + 2, to + 12, 4);
	put_bytes(frame, group, LINK_MAC);
	put_bytes(frame, mac, LINK_MAC);
	put_u16(frame, ETHERTYPE_IPV6);
	put_u32(frame, 0x60000000);
	put_u16(frame, MESSAGE);
	put_u8(frame, ICMPV6);
	put_u8(frame, HOP_LIMIT);
	put_bytes(frame, question->source.bytes, 16);
	put_bytes(frame, to, sizeof(to));
	put_solicitation(frame, mac, to, question);
}

size_t ask_frame(uint8_t *out, const uint8_t mac[LINK_MAC], const struct doctor_question *question)
{
	struct writer frame = writer_of(out, ASK_MAX);

	if (question->source.family != question->target.family)
		return 0;
	if (question->target.family == AF_INET)
		put_arp(&frame, mac, question);
	else if (question->target.family == AF_INET6)
		put_ns(&frame, mac, question);
	return writer_used(&frame);
}

/* ---- answers ---- */

static int read_arp(struct reader *frame, struct doctor_answer *out)
{
	const uint8_t *mac, *address;
	bool ours = get_u16(frame) == ARP_ETHERNET;

	ours = get_u16(frame) == ETHERTYPE_IPV4 && ours;
	ours = get_u8(frame) == LINK_MAC && ours;
	ours = get_u8(frame) == 4 && ours;
	ours = get_u16(frame) == ARP_REPLY && ours;
	mac = get_bytes(frame, LINK_MAC);
	address = get_bytes(frame, 4);
	if (!ours || !mac || !address)
		return -EINVAL;
	out->address = addr_from_bytes(AF_INET, address);
	memcpy(out->mac, mac, LINK_MAC);
	return 0;
}

/* The MAC address of the option; `otherwise` (who sent the frame) when there is none. */
static const uint8_t *option_mac(struct reader *options, const uint8_t *otherwise)
{
	while (reader_left(options)) {
		uint8_t type = get_u8(options);
		size_t size = 8u * get_u8(options);
		const uint8_t *rest = size ? get_bytes(options, size - 2) : NULL;

		if (!rest)
			break;
		if (type == OPTION_TARGET && size == 8)
			return rest;
	}
	return otherwise;
}

static int read_na(struct reader *frame, const uint8_t *sender, struct doctor_answer *out)
{
	const uint8_t *target;
	struct reader message;
	uint16_t size;
	bool ours;

	get_u32(frame);
	size = get_u16(frame);
	ours = get_u8(frame) == ICMPV6;
	ours = get_u8(frame) == HOP_LIMIT && ours;
	get_bytes(frame, 32);
	message = get_part(frame, size);
	ours = get_u8(&message) == ADVERTISEMENT && ours;
	ours = get_u8(&message) == 0 && ours;
	get_bytes(&message, 6);
	target = get_bytes(&message, 16);
	if (!ours || !target)
		return -EINVAL;
	out->address = addr_from_bytes(AF_INET6, target);
	memcpy(out->mac, option_mac(&message, sender), LINK_MAC);
	return 0;
}

int ask_read(const uint8_t *bytes, size_t size, struct doctor_answer *out)
{
	struct reader frame = reader_of(bytes, size);
	const uint8_t *sender;

	get_bytes(&frame, LINK_MAC);
	sender = get_bytes(&frame, LINK_MAC);
	switch (get_u16(&frame)) {
	case ETHERTYPE_ARP:
		return read_arp(&frame, out);
	case ETHERTYPE_IPV6:
		return read_na(&frame, sender, out);
	}
	return -EINVAL;
}
