/* What rules do to packets and what mends it, in words for an operator and for his shell. Pure. */
#ifndef LBHA_NET_FIREWALL_WORDS_H
#define LBHA_NET_FIREWALL_WORDS_H

#include "net/firewall.h"

struct arena;

/* "the policy of chain input of table inet filter drops", "a rule in chain … may drop": the beginning of
 * a sentence about a drop. "" when out of memory. */
const char *firewall_blame(struct arena *arena, const struct firewall_fate *fate);

/* The command with which such packets pass that chain, in the words of whose chain it is: by where they
 * go, or where they come from when that is all that is known. NULL: out of memory. */
const char *firewall_let_pass(struct arena *arena, const struct firewall_chain *chain,
			      const struct firewall_packet *packet);

#endif
