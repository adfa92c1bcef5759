/* The part of the table "inet lbha" (net/nft.h) that lets no probe with via: vip go astray. A packet with the mark of a
 * way leaves this machine for that way's server and for nobody else: the next router on its way is
 * the server itself (dr), or it is wrapped for the server (tunnel). IPVS does so while it has
 * the way's virtual service. Without that it would take the packet for one of the ordinary service with the
 * same address and port, and hand it to any of its servers (net/netfilter/ipvs/ip_vs_ctl.c,
 * ip_vs_service_find); and without any service it would go to whoever has the address, be that this machine.
 * What is left here is dropped behind all of them, at postrouting.
 *
 * No other packet is concerned: marks of groups are of the same make, but in none of the sets. */
#ifndef LBHA_NET_NFT_WAY_H
#define LBHA_NET_NFT_WAY_H

#include <stddef.h>

struct nft_rules;
struct text;

/* qsort's order, by mark. */
int nft_way_order(const void *a, const void *b);

/* More bytes than nft_ways_add adds. */
size_t nft_ways_room(const struct nft_rules *rules);

/* Sets and chains; nothing where there are no ways. The rules are sorted. */
void nft_ways_add(struct text *out, const struct nft_rules *rules);

#endif
