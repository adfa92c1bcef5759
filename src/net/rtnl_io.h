/* rtnetlink, one question at a time, blocking: for one-shot programs and start-up. Built on libnl; the monitor
 * (monitor_io.h) and the writer (address_writer_io.h) share its messages. */
#ifndef LBHA_NET_RTNL_IO_H
#define LBHA_NET_RTNL_IO_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/link.h"

struct arena;
struct rtnl;
struct nl_msg;
struct nlmsghdr;

/* A socket to the kernel of the caller's network namespace. 0 or -errno. */
int rtnl_open(struct rtnl **out);
void rtnl_close(struct rtnl *rtnl); /* NULL is fine */

/* -ENODEV when there is none of that name (or index). */
int rtnl_link_by_name(struct rtnl *rtnl, const char *name, struct link *out);
int rtnl_link_by_index(struct rtnl *rtnl, uint32_t index, struct link *out);

/* All addresses of a link (0: of all links), in the kernel's order, appended to `out` in the arena. -errno. */
int rtnl_addresses(struct rtnl *rtnl, struct arena *arena, uint32_t link, struct address_list *out);

/* -EEXIST when it is there (and then it is left as it is, tag included). */
int rtnl_address_add(struct rtnl *rtnl, const struct address *address);
/* -EADDRNOTAVAIL when it is not there. */
int rtnl_address_remove(struct rtnl *rtnl, const struct address *address);

/* A host route: `destination` reached directly on a link, with a preferred source (family 0: none). */
struct rtnl_route {
	struct prefix destination;
	uint32_t link;
	struct addr source;
	uint8_t protocol; /* rtm_protocol; ours is ADDRESS_PROTOCOL_LBHA's number too */
	uint8_t scope;
};
int rtnl_route_add(struct rtnl *rtnl, const struct rtnl_route *route);    /* -EEXIST */
int rtnl_route_remove(struct rtnl *rtnl, const struct rtnl_route *route); /* -ESRCH */

/* Messages: the RTM_NEWADDR (exclusive create) or RTM_DELADDR of an address; NULL when out of memory. */
struct nl_msg *rtnl_address_message(int type, const struct address *address);
/* Reads an RTM_NEWLINK/DELLINK, RTM_NEWADDR/DELADDR message. -EINVAL when malformed. */
int rtnl_parse_link(const struct nlmsghdr *message, struct link *out);
int rtnl_parse_address(const struct nlmsghdr *message, struct address *out);

#endif
