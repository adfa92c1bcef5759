/* Programs that own the rules of a machine, firewalld and ufw: what is put into their chains by hand is
 * gone when they load theirs again, so they are asked in their own words. Pure. */
#ifndef LBHA_NET_FIREWALL_MANAGER_H
#define LBHA_NET_FIREWALL_MANAGER_H

#include "net/firewall.h"

struct text;

/* Adds the command that lets such packets pass that chain and stays. False, and nothing is added: the
 * chain is nobody's, or its owner has no words for that. */
bool firewall_add_manager(struct text *out, const struct firewall_chain *chain,
			  const struct firewall_packet *packet);

#endif
