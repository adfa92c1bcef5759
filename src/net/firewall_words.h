/* What rules do to packets and what mends it, in words for an operator and for his shell. Pure. */
#ifndef LBHA_NET_FIREWALL_WORDS_H
#define LBHA_NET_FIREWALL_WORDS_H

#include "net/firewall.h"

struct arena;
struct text;

/* "the policy of chain input of table inet filter drops", "a rule in chain … may drop": the beginning of
 * a sentence about a drop. "" when out of memory. */
const char *firewall_blame(struct arena *arena, const struct firewall_fate *fate);

/* The command with which such packets pass that chain, in the words of whose chain it is: by where they
 * go, or where they come from when that is all that is known. NULL: out of memory. */
const char *firewall_let_pass(struct arena *arena, const struct firewall_chain *chain,
			      const struct firewall_packet *packet);

/* ---- for those words ---- */

/* A packet by what tells it from others: one side of it. */
struct firewall_side {
	bool is_source;
	const struct addr *address; /* family 0: nothing does */
	int port;
};

struct firewall_side firewall_side_of(const struct firewall_packet *packet);
bool firewall_has_ports(int protocol);
/* " -d 192.0.2.1 -p 6 --dport 80 -j ACCEPT" */
void firewall_add_iptables_matches(struct text *out, const struct firewall_packet *packet);

#endif
