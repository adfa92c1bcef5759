/* rtnetlink messages of links, addresses and routes, made and read with libnl: shared by the
 * blocking helpers (rtnl_io.h), the monitor and the writer. */
#ifndef LBHA_NET_RTNL_MESSAGE_IO_H
#define LBHA_NET_RTNL_MESSAGE_IO_H

#include "net/address.h"
#include "net/link.h"
#include "net/macvlan.h"
#include "net/route.h"

struct nl_msg;
struct nlmsghdr;

/* The RTM_NEWADDR (`how`: NLM_F_EXCL, it must not exist yet, or NLM_F_REPLACE) or RTM_DELADDR of an
 * address; NULL when out of memory. */
struct nl_msg *rtnl_address_message(int type, int how, const struct address *address);

/* The same for RTM_NEWROUTE and RTM_DELROUTE of a route. The kernel removes it only if it bears our protocol. */
struct nl_msg *rtnl_route_message(int type, int how, const struct route *route);

/* What an operation on a link asks of the kernel; NULL when out of memory. Not for ADOPT and FORGET. */
struct nl_msg *rtnl_link_message(const struct link_op *op);

/* Read RTM_NEWLINK/DELLINK and RTM_NEWADDR/DELADDR. -EINVAL when malformed; -ENOMSG for one that
 * speaks of something else than the link itself (a bridge telling of its ports) or of another
 * family than IPv4 and IPv6. */
int rtnl_link_read(struct nlmsghdr *message, struct link *out);
/* And RTM_NEWROUTE/DELROUTE: -ENOMSG for all that is no unicast route to one next hop. */
int rtnl_route_read(struct nlmsghdr *message, struct route *out);
int rtnl_address_read(struct nlmsghdr *message, struct address *out);

#endif
