/* Which adverts a virtual router takes: the checks of RFC 9568 section 7.1, of RFC 3768 and 2338
 * for version 2, and those of unicast, in this order. Pure.
 *
 *   TTL or hop limit 255 (unicast: at least unicast.min_ttl) · version · type · complete ·
 *   checksum · to this router's group or source, as `transport` wants it · not from ourselves ·
 *   unicast from a peer · authentication · interval
 *
 * The integrity check value of AH costs an HMAC and comes after all of this, and only then the
 * replay check (auth.h). The addresses of an advert are no reason to drop it: RFC 9568 leaves that
 * open, keepalived before 2.3.3 does and splits a pair whose configuration is being changed. */
#ifndef LBHA_VRRP_ACCEPT_H
#define LBHA_VRRP_ACCEPT_H

#include <stdbool.h>

#include "vrrp/packet.h"

/* `own` is the source of our adverts (family 0: none). False with the reason in *why. */
bool vrrp_accept(const struct instance *about, const struct addr *own,
		 const struct vrrp_datagram *datagram, const struct vrrp_advert *advert,
		 enum vrrp_drop *why);

/* The first 8 bytes of a key as the wire has them, padded with zeros. NULL is the empty key. */
void vrrp_password(const char *key, uint8_t out[VRRP_PASSWORD]);

/* A number for a set of addresses that does not depend on their order, to compare what a peer
 * advertises with what it should at the price of one pass. */
uint64_t vrrp_addresses_print(uint8_t family, const uint8_t *addresses, size_t count);

#endif
