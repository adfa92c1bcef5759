/* VRRP version 3 advertisements over IPv4 as bytes (RFC 9568 section 5). Pure.
 *
 * A packet here is the whole IP packet: that is what a raw socket receives, and what IP_HDRINCL
 * sends (the kernel fills in the identification and checksum of the IP header). The wire's
 * centiseconds are known here only. */
#ifndef LBHA_VRRP_PACKET_H
#define LBHA_VRRP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/nstime.h"
#include "config/facts.h"

#define VRRP_PROTOCOL 112
#define VRRP_TTL 255
#define VRRP_TOS 0xc0 /* DSCP CS6, internetwork control */
#define VRRP_INTERVAL_UNIT (10 * NSTIME_MS)
#define VRRP_INTERVAL_MAX (4095 * VRRP_INTERVAL_UNIT)
#define VRRP_ADDRESSES_MAX 255

/* Room for any packet that can be encoded: a full IPv4 header, the fixed part, all addresses. */
#define VRRP_PACKET_MAX (20 + 8 + VRRP_ADDRESSES_MAX * 4)

struct vrrp_advert {
	struct addr source, destination;
	uint8_t virtual_router_id;
	uint8_t priority;         /* 0: the master gives up */
	nstime interval;          /* a multiple of VRRP_INTERVAL_UNIT */
	const uint8_t *addresses; /* address_count × 4 bytes, in the packet (or the caller's) */
	uint8_t address_count;
};

/* Reads a packet in the order of RFC 9568 section 7.1 as far as it needs no configuration (the
 * VRID, the group and our own address are the receiver's to judge). Either checksum form is good:
 * with the pseudo header, as keepalived and FRR send it, and without, as RFC 9568 section 5.2.8
 * says. Bytes behind the IP packet's length (Ethernet padding) and behind the last address are
 * ignored.
 *
 * True, or false with the reason in *why; then source and virtual_router_id of *out are set as far
 * as the packet has them (else family 0 and 0), so that the drop can be counted where it belongs.
 * */
bool vrrp_packet_decode(const void *packet, size_t size, struct vrrp_advert *out,
			enum vrrp_drop *why);

/* Appends the IP packet of an advert, checksum with pseudo header. Fails the writer when there is
 * no room, no address, or an interval that the wire has not. */
void vrrp_packet_encode(struct writer *out, const struct vrrp_advert *advert);

#endif
