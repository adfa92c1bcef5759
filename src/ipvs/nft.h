/* What a generation wants of nftables (net/nft.h): marks for the listeners of groups, other client
 * addresses for fullnat, where probes with via: vip may go. Pure. */
#ifndef LBHA_IPVS_NFT_H
#define LBHA_IPVS_NFT_H

#include <stdbool.h>

#include "net/nft.h"

struct arena;
struct ipvs_state;

/* Sorted. `state` NULL: nothing is wanted. -ENOMEM. The result points into the model. */
int ipvs_nft_build(struct arena *arena, const struct ipvs_state *state, struct nft_rules *out);

/* The rules on the way from one generation to another. Client addresses are replaced while either knows
 * the server, since a connection that is let through without has no way back for good; packets are
 * marked for the services that the kernel has: those of the old one until `is_programmed`. -ENOMEM. */
int ipvs_nft_between(struct arena *arena, const struct ipvs_state *from,
		     const struct ipvs_state *to, bool is_programmed, struct nft_rules *out);

#endif
