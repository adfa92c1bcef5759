/* The text of iptables-save, ip6tables-save and arptables-save as rules (firewall.h). Pure. */
#ifndef LBHA_NET_FIREWALL_SAVE_H
#define LBHA_NET_FIREWALL_SAVE_H

#include "net/firewall.h"

/* Appends its chains; what is not understood in a rule makes it one of which nobody can tell.
 * `family` is one of IPV4, IPV6 and ARP. -ENOMEM. */
int firewall_read_save(struct arena *arena, const char *text, enum firewall_family family,
		       enum firewall_tool tool, struct firewall *out);

#endif
