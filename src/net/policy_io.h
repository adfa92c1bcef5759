/* net/policy.h in the kernel, over rtnetlink; and which way a packet would leave. Blocking: see
 * net/rtnl_io.h. */
#ifndef LBHA_NET_POLICY_IO_H
#define LBHA_NET_POLICY_IO_H

#include "net/policy.h"

struct rtnl;

/* What there is of ours, in the arena, sorted. -errno. */
int policy_read(struct rtnl *rtnl, struct arena *arena, uint8_t family, struct policy_set *out);

/* One operation. What is there already, or no more, is fine. -errno. */
int policy_do(struct rtnl *rtnl, const struct policy_op *op);

/* The link by which packets for an address leave this machine. -ENETUNREACH and the like. */
int policy_link_towards(struct rtnl *rtnl, const struct addr *address, uint32_t *link);

#endif
