/* What `nft -j -n list ruleset` prints, as rules (firewall.h). It does no input or output; its name says
 * that it needs a library (jansson). */
#ifndef LBHA_NET_FIREWALL_NFT_IO_H
#define LBHA_NET_FIREWALL_NFT_IO_H

#include "net/firewall.h"

/* Appends the chains of all tables but those of lbhad; what is not understood in a rule makes it one
 * of which nobody can tell. *has_xtables: there are tables that iptables made, whose matches nft does
 * not know; they are left out. -EINVAL: it is no such JSON. -ENOMEM. */
int firewall_read_nft(struct arena *arena, const char *text, struct firewall *out,
		      bool *has_xtables);

#endif
