/* Frames are built byte by byte through the bounded cursor; layout: RFC 826 for ARP, RFC 5227
 * section 2.3 for the announcement. It is a request, not a reply: some switches and hosts learn
 * from requests only, and peers send it so. The target hardware address, which nobody reads in a
 * request, is all ones as in what keepalived sends.
 *
 * A neighbour advertisement must have hop limit 255 and come from an address of the interface;
 * the announced one is, and is what a host that learns from the packet itself should learn. */
#include "net/frame.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV4 0x0800
#define ARP_ETHERNET 1
#define ARP_REQUEST 1
#define ETHERTYPE_IPV6 0x86dd
#define ICMPV6 58
#define HOP_LIMIT 255
#define NEIGHBOUR_ADVERTISEMENT 136
#define NA_ROUTER 0x80000000u
#define NA_OVERRIDE 0x20000000u
#define OPTION_TARGET_LINK_LAYER 2
#define NA_MESSAGE 32 /* with its option of eight bytes */

static const uint8_t broadcast[LINK_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
/* ff02::1, and the group it is on Ethernet (RFC 2464 section 7) */
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 0x01};
static const uint8_t all_nodes_mac[LINK_MAC] = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};

size_t frame_arp_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address)
{
	struct writer frame = writer_of(out, FRAME_ARP_SIZE);

	if (address->family != AF_INET)
		return 0;
	put_bytes(&frame, broadcast, LINK_MAC);
	put_bytes(&frame, mac, LINK_MAC);
	put_u16(&frame, ETHERTYPE_ARP);
	put_u16(&frame, ARP_ETHERNET);
	put_u16(&frame, ETHERTYPE_IPV4);
	put_u8(&frame, LINK_MAC);
	put_u8(&frame, 4);
	put_u16(&frame, ARP_REQUEST);
	put_bytes(&frame, mac, LINK_MAC);
	put_bytes(&frame, address->bytes, 4);
	put_bytes(&frame, broadcast, LINK_MAC);
	put_bytes(&frame, address->bytes, 4);
	return writer_used(&frame);
}

/* The message with its checksum, which covers a pseudo-header (RFC 8200 section 8.1). */
static void put_advertisement(struct writer *frame, const uint8_t *mac, const uint8_t *target,
			      bool router)
{
	static const uint8_t length_and_next[] = {0, 0, 0, NA_MESSAGE, 0, 0, 0, ICMPV6};
	uint8_t bytes[NA_MESSAGE];
	struct writer message = writer_of(bytes, sizeof(bytes)), field;
	uint32_t sum;

	put_u8(&message, NEIGHBOUR_ADVERTISEMENT);
	put_u8(&message, 0);
	put_u16(&message, 0);
	put_u32(&message, NA_OVERRIDE | (router ? NA_ROUTER : 0));
	put_bytes(&message, target, 16);
	put_u8(&message, OPTION_TARGET_LINK_LAYER);
	put_u8(&message, 1);
	put_bytes(&message, mac, LINK_MAC);
	sum = checksum_add(0, target, 16);
	sum = checksum_add(sum, all_nodes, sizeof(all_nodes));
	sum = checksum_add(sum, length_and_next, sizeof(length_and_next));
	field = writer_of(bytes + 2, 2);
	put_u16(&field, checksum_fold(checksum_add(sum, bytes, sizeof(bytes))));
	put_bytes(frame, bytes, sizeof(bytes));
}

size_t frame_na_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
			 bool router)
{
	struct writer frame = writer_of(out, FRAME_NA_SIZE);

	if (address->family != AF_INET6)
		return 0;
	put_bytes(&frame, all_nodes_mac, LINK_MAC);
	put_bytes(&frame, mac, LINK_MAC);
	put_u16(&frame, ETHERTYPE_IPV6);
	put_u32(&frame, 0x60000000);
	put_u16(&frame, NA_MESSAGE);
	put_u8(&frame, ICMPV6);
	put_u8(&frame, HOP_LIMIT);
	put_bytes(&frame, address->bytes, 16);
	put_bytes(&frame, all_nodes, sizeof(all_nodes));
	put_advertisement(&frame, mac, address->bytes, router);
	return writer_used(&frame);
}

size_t frame_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
		      bool router)
{
	size_t size = frame_arp_announce(out, mac, address);

	return size ? size : frame_na_announce(out, mac, address, router);
}
