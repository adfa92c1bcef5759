/* A virtual address of the configuration as it shall stand in the kernel. Pure. */
#ifndef LBHA_VRRP_VIP_H
#define LBHA_VRRP_VIP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "net/address.h"

/* On the link of that index and name: with our tag, for ever. `own_link`: that of its virtual MAC
 * address. There it brings no route to its subnet, which is the interface's: this director's own
 * connections must not leave by way of a link that goes away. (Link-local ones need theirs.)
 *
 * IPv6: no duplicate address detection (it would hold the address back for a second, and fail while
 * the old master still answers), and deprecated (preferred lifetime 0): it must not be the source of
 * connections that this director itself opens, which would break when it moves. Deprecated
 * addresses serve and answer as all others (RFC 4862 section 5.5.4), and where the interface has
 * no other they are used after all. Of IPv4 the same is true without a word: a /32, or an address
 * beside an older one of its subnet, is no source. */
struct address vip_address(const struct vip *vip, uint32_t link, const char *name, bool own_link);

#endif
