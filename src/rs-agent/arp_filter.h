/* The nftables table "arp lbha_rs", which keeps a host silent about its VIPs where sysctls are not
 * wanted or cannot be written. Pure: VIPs and own addresses to the text for nft(8).
 *
 *   input    who asks for a VIP gets no answer;
 *   output   an answer that names a VIP as its sender is dropped. A request that does is the
 *            kernel's way to find the next hop of a packet from the VIP: it goes out, with an own
 *            address in the VIP's place, else the neighbours would learn from it.
 *
 * Which own address is what the kernel itself takes with arp_announce=2 (inet_select_addr): one of
 * the way out in whose network the one asked for lies, else the first of the way out, else the first
 * of all.
 *
 * What the kernel has is compared by digests: of the text that was wanted, and of what nft listed
 * right after it was put there. */
#ifndef LBHA_RS_AGENT_ARP_FILTER_H
#define LBHA_RS_AGENT_ARP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/address.h"
#include "net/link.h"

struct arena;

#define ARP_FILTER_TABLE "lbha_rs"

/* The table from its name to the last brace; "" without an IPv4 VIP. `vips` in any order, each as
 * often as it likes; `addresses` in the kernel's order. Alike input, alike text. NULL: no memory. */
const char *arp_filter_text(struct arena *arena, const struct addr *vips, size_t vip_count,
			    const struct address_list *addresses, const struct link *links,
			    size_t link_count);

/* The transaction that puts the table in the place of what has its name; "" removes it. NULL: no
 * memory. */
const char *arp_filter_transaction(struct arena *arena, const char *table);

/* Our table cut out of what "nft list ruleset arp" says, as text in the arena; "" when it is not in
 * there. NULL: no memory. */
const char *arp_filter_listed(struct arena *arena, const char *ruleset);

/* What the journal keeps of a table, in 64 bits: half of what was wanted, half of what was listed.
 * Never 0. */
uint64_t arp_filter_digest(const char *wanted, const char *listed);
/* Whether a digest from the journal speaks of this text, or this list. */
bool arp_filter_was_wanted(uint64_t digest, const char *wanted);
bool arp_filter_was_listed(uint64_t digest, const char *listed);

#endif
