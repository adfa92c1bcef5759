/* VRRP advertisements as bytes: version 3 (RFC 9568 section 5) over IPv4 and IPv6, version 2 (RFC
 * 3768 section 5.1, and RFC 2338 for its authentication) over IPv4. Pure.
 *
 * An advert is a message in an envelope: what the IP header says is kept apart from what VRRP says,
 * because the two families deliver it differently (an IPv6 socket gives no header). The other way
 * whole IP packets are made for both families: each router may have a source address of its own,
 * and an IPv6 checksum of ours does not depend on the kernel's.
 *
 * Here it is only read and written; accept.h says whether a router takes it. The units of the wire
 * (seconds in version 2, centiseconds in version 3) are known here alone. */
#ifndef LBHA_VRRP_PACKET_H
#define LBHA_VRRP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/nstime.h"
#include "config/facts.h"
#include "config/model.h"

#define VRRP_PROTOCOL 112
#define VRRP_PROTOCOL_AH 51
#define VRRP_ADVERTISEMENT 1
#define VRRP_TTL 255
#define VRRP_TOS 0xc0 /* DSCP CS6, internetwork control */
#define VRRP_INTERVAL_UNIT (10 * NSTIME_MS)
#define VRRP_INTERVAL_MAX (4095 * VRRP_INTERVAL_UNIT)
#define VRRP_INTERVAL_MAX_V2 (255 * NSTIME_S)
#define VRRP_ADDRESSES_MAX 255
#define VRRP_PASSWORD 8 /* authentication data of version 2: always there, or zeros */
#define VRRP_ICV 12     /* integrity check value of AH: HMAC-MD5, its first 96 bits */

/* Room for any packet that can be encoded; IPv6 with all addresses is the longest. */
#define VRRP_PACKET_MAX (40 + 8 + VRRP_ADDRESSES_MAX * 16)

/* What the IP header says. Both addresses are of one family. */
struct vrrp_envelope {
	struct addr source, destination;
	uint8_t ttl;      /* or hop limit */
	uint8_t protocol; /* VRRP_PROTOCOL or VRRP_PROTOCOL_AH (IPv4) */
};

/* A packet as a socket gives it. It points into the socket's memory. */
struct vrrp_datagram {
	struct vrrp_envelope envelope;
	const uint8_t *packet; /* IPv4: with its header, of which AH makes use; IPv6: NULL */
	size_t packet_size;
	const uint8_t *message; /* what follows the IP header */
	size_t size;
	bool cut; /* it was longer than the room for it */
};

/* What a message says. */
struct vrrp_advert {
	uint8_t version;
	uint8_t virtual_router_id;
	uint8_t priority;                /* 0: the master gives up */
	nstime interval;                 /* version 2: whole seconds; 3: times VRRP_INTERVAL_UNIT */
	uint8_t auth;                    /* version 2: enum vrrp_auth, or what else stood there */
	uint8_t password[VRRP_PASSWORD]; /* version 2 */
	uint32_t sequence;               /* AH: the sender's counter */
	const uint8_t *addresses;        /* address_count × 4 or 16 bytes */
	uint8_t address_count;

	/* only of one that was decoded */
	uint8_t type;
	bool complete;          /* all that it says is there */
	const uint8_t *message; /* without an AH header; */
	size_t length;          /* as long as it says */
	const uint8_t *icv;     /* AH, VRRP_ICV bytes; NULL: there was no AH header */
	uint32_t spi;           /* AH */
};

/* Opens the IP header of an IPv4 packet with protocol 112 or 51. Bytes behind its total length
 * (Ethernet padding) are left out. False: malformed; then the envelope's source is set as far as
 * the packet has one (else family 0). */
bool vrrp_ipv4_open(const void *packet, size_t size, struct vrrp_datagram *out);

/* Reads what is there, be it right or wrong. False when it does not say for which virtual router it
 * is, with the reason in *why. Bytes behind the last address are ignored (newer keepaliveds put an
 * HMAC there). */
bool vrrp_advert_decode(const struct vrrp_datagram *datagram, struct vrrp_advert *out,
			enum vrrp_drop *why);

/* Version 3 over IPv4: with the pseudo header, as keepalived and FRR send it, or without, as RFC
 * 9568 section 5.2.8 says; over IPv6 always with; version 2 always without. Asked of a complete
 * advert. */
bool vrrp_checksum_good(const struct vrrp_envelope *envelope, const struct vrrp_advert *advert);

/* Bytes of the IP packet of such an advert. */
size_t vrrp_packet_size(uint8_t family, uint8_t version, enum vrrp_auth auth, size_t addresses);

/* Appends the IP packet of an advert. `checksum` is what version 3 over IPv4 wants. With AH the
 * integrity check value is left zero (auth.h says where it is and over what). Fails the writer when
 * there is no room, no address, mixed families, or an interval or version that the wire has not. */
void vrrp_packet_encode(struct writer *out, const struct vrrp_envelope *envelope,
			const struct vrrp_advert *advert, enum vrrp_checksum checksum);

#endif
