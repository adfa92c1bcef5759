/* Who has an address, as bytes: announcements (the gratuitous ARP of an IPv4 address, the
 * unsolicited neighbour advertisement of an IPv6 one), questions (ARP request, neighbour
 * solicitation), and the answers to questions. Pure. */
#ifndef LBHA_NET_FRAME_H
#define LBHA_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

#define FRAME_ARP_SIZE 42 /* Ethernet header and ARP for IPv4; the driver pads */
#define FRAME_NA_SIZE 86  /* Ethernet, IPv6, neighbour advertisement with one option */
#define FRAME_NS_SIZE FRAME_NA_SIZE
#define FRAME_MAX FRAME_NA_SIZE

/* ---- announcements ---- */

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

/* ---- questions ----
 *
 * `source` and `mac` are the asker's on that segment, so nobody learns anything wrong by a
 * question. */

/* An ARP request (RFC 826) to all. `out` has FRAME_ARP_SIZE bytes. Returns FRAME_ARP_SIZE, or 0
 * when one of the addresses is not IPv4. */
size_t frame_arp_request(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
			 const struct addr *target);

/* A neighbour solicitation (RFC 4861 section 4.3) to the target's solicited-node address. `out` has
 * FRAME_NS_SIZE bytes. Returns FRAME_NS_SIZE, or 0 when one of the addresses is not IPv6. */
size_t frame_ns(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
		const struct addr *target);

/* The one of the two that fits the addresses; `out` has FRAME_MAX bytes. 0: none does. */
size_t frame_question(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *source,
		      const struct addr *target);

/* Reads a frame that came in, of an ARP reply or a neighbour advertisement: which address it is
 * about, and its MAC address. -EINVAL: it is neither. The checksum is not looked at: a frame that
 * the card received damaged does not come this far. */
int frame_read_answer(const uint8_t *bytes, size_t size, struct addr *address,
		      uint8_t mac[LINK_MAC]);

#endif
