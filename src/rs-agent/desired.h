/* What a real server shall have for its wishes: objects of the kernel, by kind. Pure. */
#ifndef LBHA_RS_AGENT_DESIRED_H
#define LBHA_RS_AGENT_DESIRED_H

#include <stddef.h>

#include "net/address.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "rs-agent/actual.h"
#include "rs-agent/tunnel.h"
#include "rs-agent/wish.h"

struct arena;

/* A VIP as it is put on loopback, or on the end of the tunnel that its packets come through: a host
 * prefix with our tag, never chosen as a source by itself (scope host); no duplicate address
 * detection for IPv6 (every real server has it).
 *
 * On the tunnel's end, because the kernel drops all packets from elsewhere that come in by a link
 * without any IPv4 address, unless rp_filter is off there and for `all` (net/ipv4/fib_frontend.c,
 * __fib_validate_source). With an address it is enough to have rp_filter at 2 on that link, and no
 * value of `all` or of another link need be lowered. */
struct rs_vip {
	struct address address; /* link 0: on one that is yet to be made */
	char link[LINK_NAME];   /* its name */
	const char *service;    /* the first that wants it; NULL: given as --vip */
};

/* A default route for nat. */
struct rs_route {
	struct route route;
	const char *link; /* its name */
};

struct rs_desired {
	struct rs_wishes wishes;
	struct rs_link *links;
	size_t link_count;
	struct rs_port *ports;
	size_t port_count;
	struct rs_vip *vips; /* each address once per link */
	size_t vip_count;
	struct rs_route *routes; /* one for each family at most */
	size_t route_count;
	/* None without an IPv4 VIP (an IPv6 host does not answer for addresses of another link). Our
	   values are the smallest that do it:
	     - arp_ignore 1: answer only for addresses of the interface that is asked (net/ipv4/arp.c);
	     - arp_announce 2: never name a VIP as the sender of our own requests. */
	struct sysctl_want *sysctls;
	size_t sysctl_count;
	/* Text of the table that silences ARP instead (rs-agent/arp_filter.h); "": none. */
	const char *arp_table;
	const char **obstacles; /* why not all wishes can come true: sentences without full stop */
	size_t obstacle_count;
};

/* -ENOMEM. */
int rs_desired_build(struct arena *arena, const struct rs_wishes *wishes,
		     const struct rs_actual *actual, struct rs_desired *out);

/* The text of a table for all VIPs and `more`. NULL: no memory. */
const char *rs_desired_arp_table(struct arena *arena, const struct rs_desired *desired,
				 const struct rs_actual *actual, const struct addr *more,
				 size_t count);
/* Whether any of it is there: addresses, links, or a default route in force. */
bool rs_desired_is_begun(const struct rs_desired *desired, const struct rs_actual *actual);

/* Whether a VIP of IPv4 is among them, so that ARP must be silenced. */
bool rs_desired_has_ipv4(const struct rs_desired *desired);

#endif
