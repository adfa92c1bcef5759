/* rtnetlink, one question at a time, blocking: for one-shot programs and start-up. Built on libnl.
 * The protocol loop must not use it (a question may wait for the kernel's RTNL lock): it has the
 * monitor (monitor_io.h) and the writer (rtnl_writer_io.h). */
#ifndef LBHA_NET_RTNL_IO_H
#define LBHA_NET_RTNL_IO_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/link.h"
#include "net/route.h"

struct arena;
struct nl_msg;
struct nlmsghdr;
struct rtnl;

/* A socket to the kernel of the caller's network namespace. 0 or -errno. */
int rtnl_open(struct rtnl **out);
/* The same for another family of netlink (NETLINK_GENERIC): only rtnl_ask and rtnl_close. */
int rtnl_open_protocol(int protocol, struct rtnl **out);
void rtnl_close(struct rtnl *rtnl); /* NULL is fine */

/* Sends a message (freed in any case; NULL: out of memory) and waits for the end of the answer, each message of
 * which goes to `each` (NULL: none is expected), which returns 0 or -errno. A dump during which the table changed
 * is -EAGAIN. */
int rtnl_ask(struct rtnl *rtnl, struct nl_msg *message,
	     int (*each)(struct nlmsghdr *message, void *ctx), void *ctx);

/* -ENODEV when there is none of that name (or index). */
int rtnl_link_by_name(struct rtnl *rtnl, const char *name, struct link *out);
int rtnl_link_by_index(struct rtnl *rtnl, uint32_t index, struct link *out);

/* All links, in the arena. -errno. */
int rtnl_links(struct rtnl *rtnl, struct arena *arena, struct link **out, size_t *count);

/* All addresses of a link (0: of all links), in the kernel's order, appended to `out` in the arena.
 * -errno. */
int rtnl_addresses(struct rtnl *rtnl, struct arena *arena, uint32_t link, struct address_list *out);

/* -EEXIST when it is there (and then it is left as it is, tag included). */
int rtnl_address_add(struct rtnl *rtnl, const struct address *address);
/* Changes what the kernel changes in place (address_difference); adds it when it is not there. */
int rtnl_address_change(struct rtnl *rtnl, const struct address *address);
/* -EADDRNOTAVAIL when it is not there. */
int rtnl_address_remove(struct rtnl *rtnl, const struct address *address);

/* The routes that `keep` says, in the kernel's order, in the arena. -errno. */
int rtnl_routes(struct rtnl *rtnl, struct arena *arena, bool (*keep)(const struct route *route),
		struct route_list *out);

/* A host route: `destination` reached directly on a link, with a preferred source (family
 * 0: none). */
struct rtnl_route {
	struct prefix destination;
	uint32_t link;
	struct addr source;
	uint8_t protocol; /* rtm_protocol; ours is ADDRESS_PROTOCOL_LBHA's number too */
	uint8_t scope;
};
int rtnl_route_add(struct rtnl *rtnl, const struct rtnl_route *route);    /* -EEXIST */
int rtnl_route_remove(struct rtnl *rtnl, const struct rtnl_route *route); /* -ESRCH */

#endif
