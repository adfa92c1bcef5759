/* What a model wants of nftables (net/nft.h): marks for the listeners of groups, other client
 * addresses for fullnat. Pure. */
#ifndef LBHA_IPVS_NFT_H
#define LBHA_IPVS_NFT_H

#include "config/model.h"
#include "net/nft.h"

struct arena;

/* Sorted. `model` NULL: nothing is wanted. -ENOMEM. The result points into the model. */
int ipvs_nft_build(struct arena *arena, const struct model *model, struct nft_rules *out);

/* The rules on the way from one model to another. Client addresses are replaced while either knows
 * the server, since a connection that is let through without has no way back for good; packets are
 * marked for the services that the kernel has: those of the old model until `is_programmed`. -ENOMEM. */
int ipvs_nft_between(struct arena *arena, const struct model *from, const struct model *to,
		       bool is_programmed, struct nft_rules *out);

#endif
