/* The rules of this machine, from the programs that list them: nft as JSON; iptables-save for tables
 * of iptables, whose matches nft does not know; the legacy ones only where the kernel has legacy tables,
 * since asking would make some. */
#ifndef LBHA_NET_FIREWALL_LOOK_IO_H
#define LBHA_NET_FIREWALL_LOOK_IO_H

#include "net/firewall.h"

struct arena;

/* Appends them. NULL; or a sentence that says why some could not be read: then the rest is there. Makes
 * the kernel load nf_tables, if it was not there; no packet meets it for that. */
const char *firewall_look(struct arena *arena, struct firewall *out);

#endif
