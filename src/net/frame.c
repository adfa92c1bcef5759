/* Frames are built and read byte by byte through the bounded cursor; layout: RFC 826 for ARP, RFC
 * 5227 section 2.3 for the announcement. It is a request, not a reply: some switches and hosts
 * learn from requests only, and peers send it so. The target hardware address, which nobody reads
 * in a request, is all ones as in what keepalived sends.
 *
 * What has to do with neighbours of IPv6 must have hop limit 255 (RFC 4861 section 7.1) and come
 * from an address of the interface; the announced one is, and is what a host that learns from the
 * packet itself should learn. */
#include "net/frame.h"

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
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define NA_ROUTER 0x80000000u
#define NA_OVERRIDE 0x20000000u
#define OPTION_SOURCE_LINK_LAYER 1
#define OPTION_TARGET_LINK_LAYER 2
#define NEIGHBOUR_MESSAGE 32 /* with its option of eight bytes */

static const uint8_t broadcast[LINK_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- ARP ---- */

/* A request, which all receive. */
static void put_arp(struct writer *frame, const uint8_t *mac, const struct addr *sender,
		    const uint8_t *target_mac, const struct addr *target)
{
	put_bytes(frame, broadcast, LINK_MAC);
	put_bytes(frame, mac, LINK_MAC);
	put_u16(frame, ETHERTYPE_ARP);
	put_u16(frame, ARP_ETHERNET);
	put_u16(frame, ETHERTYPE_IPV4);
	put_u8(frame, LINK_MAC);
	put_u8(frame, 4);
	put_u16(frame, ARP_REQUEST);
	put_bytes(frame, mac, LINK_MAC);
	put_bytes(frame, sender->bytes, 4);
	put_bytes(frame, target_mac, LINK_MAC);
	put_bytes(frame, target->bytes, 4);
}

size_t frame_arp_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address)
{
	struct writer frame = writer_of(out, FRAME_ARP_SIZE);

	if (address->family != AF_INET)
		return 0;
	put_arp(&frame, mac, address, broadcast, address);
	return writer_used(&frame);
}

size_t frame_arp_request(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
			 const struct addr *target)
{
	static const uint8_t nobody[LINK_MAC];
	struct writer frame = writer_of(out, FRAME_ARP_SIZE);

	if (source->family != AF_INET || target->family != AF_INET)
		return 0;
	put_arp(&frame, mac, source, nobody, target);
	return writer_used(&frame);
}

/* ---- neighbours of IPv6 ---- */

struct neighbour_message {
	uint8_t type;
	uint32_t flags;
	const struct addr *source;
	uint8_t destination[16]; /* a multicast address */
	const struct addr *target;
	uint8_t option; /* whose link-layer address the sender's is */
};

/* The message with its checksum, which covers a pseudo-header (RFC 8200 section 8.1). */
static void put_message(struct writer *frame, const uint8_t *mac,
			const struct neighbour_message *what)
{
	static const uint8_t length_and_next[] = {0, 0, 0, NEIGHBOUR_MESSAGE, 0, 0, 0, ICMPV6};
	uint8_t bytes[NEIGHBOUR_MESSAGE];
	struct writer message = writer_of(bytes, sizeof(bytes)), field;
	uint32_t sum;

	put_u8(&message, what->type);
	put_u8(&message, 0);
	put_u16(&message, 0);
	put_u32(&message, what->flags);
	put_bytes(&message, what->target->bytes, 16);
	put_u8(&message, what->option);
	put_u8(&message, 1);
	put_bytes(&message, mac, LINK_MAC);
	sum = checksum_add(0, what->source->bytes, 16);
	sum = checksum_add(sum, what->destination, sizeof(what->destination));
	sum = checksum_add(sum, length_and_next, sizeof(length_and_next));
	field = writer_of(bytes + 2, 2);
	put_u16(&field, checksum_fold(checksum_add(sum, bytes, sizeof(bytes))));
	put_bytes(frame, bytes, sizeof(bytes));
}

/* To the group that the destination is on Ethernet (RFC 2464 section 7). */
static void put_neighbour(struct writer *frame, const uint8_t *mac,
			  const struct neighbour_message *what)
{
	put_u16(frame, 0x3333);
	put_bytes(frame, what->destination + 12, 4);
	put_bytes(frame, mac, LINK_MAC);
	put_u16(frame, ETHERTYPE_IPV6);
	put_u32(frame, 0x60000000);
	put_u16(frame, NEIGHBOUR_MESSAGE);
	put_u8(frame, ICMPV6);
	put_u8(frame, HOP_LIMIT);
	put_bytes(frame, what->source->bytes, 16);
	put_bytes(frame, what->destination, sizeof(what->destination));
	put_message(frame, mac, what);
}

size_t frame_na_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
			 bool router)
{
	struct writer frame = writer_of(out, FRAME_NA_SIZE);
	struct neighbour_message message = {
		.type = NEIGHBOUR_ADVERTISEMENT,
		.flags = NA_OVERRIDE | (router ? NA_ROUTER : 0),
		.source = address,
		.destination = {0xff, 0x02, [15] = 0x01}, /* all nodes */
		.target = address,
		.option = OPTION_TARGET_LINK_LAYER,
	};

	if (address->family != AF_INET6)
		return 0;
	put_neighbour(&frame, mac, &message);
	return writer_used(&frame);
}

size_t frame_ns(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
		const struct addr *target)
{
	struct writer frame = writer_of(out, FRAME_NS_SIZE);
	struct neighbour_message message = {
		.type = NEIGHBOUR_SOLICITATION,
		.source = source,
		/* solicited-node (RFC 4291 section 2.7.1): the target's last three bytes follow */
		.destination = {0xff, 0x02, [11] = 0x01, [12] = 0xff},
		.target = target,
		.option = OPTION_SOURCE_LINK_LAYER,
	};

	if (source->family != AF_INET6 || target->family != AF_INET6)
		return 0;
	memcpy(message.destination + 13, target->bytes + 13, 3);
	put_neighbour(&frame, mac, &message);
	return writer_used(&frame);
}

/* ---- either ---- */

size_t frame_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
		      bool router)
{
	size_t size = frame_arp_announce(out, mac, address);

	return size ? size : frame_na_announce(out, mac, address, router);
}

size_t frame_question(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
		      const struct addr *target)
{
	size_t size = frame_arp_request(out, mac, source, target);

	return size ? size : frame_ns(out, mac, source, target);
}

/* ---- answers ---- */

static int read_arp(struct reader *frame, struct addr *address, uint8_t *mac)
{
	const uint8_t *sender_mac, *sender;
	bool ours = get_u16(frame) == ARP_ETHERNET;

	ours = get_u16(frame) == ETHERTYPE_IPV4 && ours;
	ours = get_u8(frame) == LINK_MAC && ours;
	ours = get_u8(frame) == 4 && ours;
	ours = get_u16(frame) == ARP_REPLY && ours;
	sender_mac = get_bytes(frame, LINK_MAC);
	sender = get_bytes(frame, 4);
	if (!ours || !sender_mac || !sender)
		return -EINVAL;
	*address = addr_from_bytes(AF_INET, sender);
	memcpy(mac, sender_mac, LINK_MAC);
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
		if (type == OPTION_TARGET_LINK_LAYER && size == 8)
			return rest;
	}
	return otherwise;
}

static int read_na(struct reader *frame, const uint8_t *sender, struct addr *address, uint8_t *mac)
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
	ours = get_u8(&message) == NEIGHBOUR_ADVERTISEMENT && ours;
	ours = get_u8(&message) == 0 && ours;
	get_bytes(&message, 6);
	target = get_bytes(&message, 16);
	if (!ours || !target)
		return -EINVAL;
	*address = addr_from_bytes(AF_INET6, target);
	memcpy(mac, option_mac(&message, sender), LINK_MAC);
	return 0;
}

int frame_read_answer(const uint8_t *bytes, size_t size, struct addr *address,
		      uint8_t mac[LINK_MAC])
{
	struct reader frame = reader_of(bytes, size);
	const uint8_t *sender;

	get_bytes(&frame, LINK_MAC);
	sender = get_bytes(&frame, LINK_MAC);
	switch (get_u16(&frame)) {
	case ETHERTYPE_ARP:
		return read_arp(&frame, address, mac);
	case ETHERTYPE_IPV6:
		return read_na(&frame, sender, address, mac);
	}
	return -EINVAL;
}
