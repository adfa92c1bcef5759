/* Announcements as bytes: the gratuitous ARP of an IPv4 address, the unsolicited neighbour
 * advertisement of an IPv6 one. Pure. */
#ifndef LBHA_NET_FRAME_H
#define LBHA_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

#define FRAME_ARP_SIZE 42 /* Ethernet header and ARP for IPv4; the driver pads */
#define FRAME_NA_SIZE 86  /* Ethernet, IPv6, neighbour advertisement with one option */
#define FRAME_MAX FRAME_NA_SIZE

/* A gratuitous ARP as a request (RFC 5227 section 3, and what every peer does): broadcast, sender
 * and target address are both `address`, sender hardware address is `mac`, which also sends the
 * frame. `out` has FRAME_ARP_SIZE bytes. Returns FRAME_ARP_SIZE, or 0 when the address is
 * not IPv4. */
size_t frame_arp_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address);

/* An unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6; RFC 9568 section
 * 6.4.1, step 130) from the address itself to all nodes: Override set, Solicited not, Router when
 * `router`, `mac` as the target's link-layer address. `out` has FRAME_NA_SIZE bytes. Returns
 * FRAME_NA_SIZE, or 0 when the address is not IPv6. */
size_t frame_na_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
			 bool router);

/* The one of the two that fits the address; `out` has FRAME_MAX bytes. 0: no address. */
size_t frame_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address,
		      bool router);

#endif
