/* A table as ipvsadm-restore(8) reads it and `ipvsadm-save -n` writes it, in the same order: by
 * address, IPv4 before IPv6, then marks. Thresholds stand where ipvsadm-save leaves them out. */
#ifndef LBHA_IPVS_RULES_H
#define LBHA_IPVS_RULES_H

#include "ipvs/table.h"

struct arena;

/* Calls back with each line, without its end. -ENOMEM. */
int ipvs_rules_write(struct arena *arena, const struct ipvs_table *table,
		     void (*line)(void *ctx, const char *text), void *ctx);

#endif
