/* Asks the kernel where it would send a packet. */
#ifndef LBHA_NET_ROUTE_WAY_IO_H
#define LBHA_NET_ROUTE_WAY_IO_H

#include "net/route_way.h"

struct rtnl;

/* Fills all but from and to, which are asked; what goes wrong is `error`. */
void route_way_look(struct rtnl *rtnl, struct route_way *way);

/* Whether there are rules of policy routing beside the kernel's own three. -errno. */
int route_policy_look(struct rtnl *rtnl, uint8_t family, bool *out);

#endif
