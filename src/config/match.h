/* Which service of an old model a service of a new one is: a service is what clients reach, its
 * protocol, address and port or its firewall mark; its name is for people. So one that is renamed
 * keeps what was counted and what is known of it. Pure. */
#ifndef LBHA_CONFIG_MATCH_H
#define LBHA_CONFIG_MATCH_H

#include <stdint.h>

#include "config/model.h"

struct arena;

#define SERVICE_IS_NEW UINT32_MAX

/* For each service of `next`, in the arena, the index of the one in `old` that has a listener (or the
 * mark) in common, else the one of its name; each old one once. -ENOMEM. */
int services_match(struct arena *arena, const struct model *next, const struct model *old,
		   uint32_t **out);

#endif
