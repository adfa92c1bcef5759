/* Announcements as bytes: the gratuitous ARP of a VIP (later: unsolicited NA). Pure. */
#ifndef LBHA_NET_FRAME_H
#define LBHA_NET_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

#define FRAME_ARP_SIZE 42 /* Ethernet header and ARP for IPv4; the driver pads */

/* A gratuitous ARP as a request (RFC 5227 section 3, and what every peer does): broadcast, sender
 * and target address are both `address`, sender hardware address is `mac`, which also sends the
 * frame. `out` has FRAME_ARP_SIZE bytes. Returns FRAME_ARP_SIZE, or 0 when the address is
 * not IPv4. */
size_t frame_arp_announce(uint8_t *out, const uint8_t mac[LINK_MAC], const struct addr *address);

#endif
