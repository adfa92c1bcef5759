/* Frames are built byte by byte through the bounded cursor; layout: RFC 826 for ARP, RFC 5227
 * section 2.3 for the announcement. It is a request, not a reply: some switches and hosts learn
 * from requests only, and peers send it so. The target hardware address, which nobody reads in a
 * request, is all ones as in what keepalived sends. */
#include "net/frame.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"

#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV4 0x0800
#define ARP_ETHERNET 1
#define ARP_REQUEST 1

static const uint8_t broadcast[LINK_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

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
