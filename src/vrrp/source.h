/* From which address of its interface a router sends. Pure.
 *
 * `source`, where it is given, and no other: peers may know it by that address. (One
 * of its own virtual addresses comes and goes; then others do.) Else the director's address if the
 * interface has it, else the first that is not virtual; an owner's virtual address is its own. For IPv6 by multicast the first
 * link-local one (RFC 9568 section 5.1.2.1); by unicast or both the first global one, but a
 * link-local one when the peers are link-local: one source for both transports, because a peer
 * compares sources.
 *
 * An IPv6 address is of no use while the kernel still looks for duplicates of it (tentative), which
 * takes a second or two, nor when there is one. */
#ifndef LBHA_VRRP_SOURCE_H
#define LBHA_VRRP_SOURCE_H

#include <stdbool.h>

#include "config/model.h"
#include "net/address.h"

enum vrrp_source_state {
	VRRP_SOURCE_FOUND,
	VRRP_SOURCE_NONE,
	VRRP_SOURCE_ABSENT,    /* `address` was asked for and is not there */
	VRRP_SOURCE_TENTATIVE, /* `address` is not yet of use */
	VRRP_SOURCE_DUPLICATE, /* somebody else has `address` */
};

struct vrrp_source {
	enum vrrp_source_state state;
	struct addr address;
};

/* `addresses` of the link with index `link` are considered, in their order. */
struct vrrp_source vrrp_source_choose(const struct instance *about,
				      const struct address_list *addresses, uint32_t link,
				      bool (*is_virtual)(const void *ctx,
							 const struct prefix *prefix),
				      const void *ctx);

#endif
