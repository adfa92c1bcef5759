/* What a real server shall have for its wishes: objects of the kernel, by kind. Pure. */
#ifndef LBHA_RS_AGENT_DESIRED_H
#define LBHA_RS_AGENT_DESIRED_H

#include <stddef.h>

#include "net/address.h"
#include "net/sysctl.h"
#include "rs-agent/actual.h"
#include "rs-agent/wish.h"

struct arena;

/* A VIP as it is put on loopback: a host prefix with our tag, never chosen as a source by itself
 * (scope host); no duplicate address detection for IPv6 (every real server has it). */
struct rs_vip {
	struct address address;
	const char *link;    /* its name */
	const char *service; /* the first that wants it; NULL: given as --vip */
};

struct rs_desired {
	struct rs_wishes wishes;
	struct rs_vip *vips; /* each address once per link */
	size_t vip_count;
	/* None without an IPv4 VIP (an IPv6 host does not answer for addresses of another link). Our
	   values are the smallest that do it:
	     - arp_ignore 1: answer only for addresses of the interface that is asked (net/ipv4/arp.c);
	     - arp_announce 2: never name a VIP as the sender of our own requests. */
	struct sysctl_want *sysctls;
	size_t sysctl_count;
	/* Text of the table that silences ARP instead (rs-agent/arp_filter.h); "": none. */
	const char *arp_table;
};

/* -ENOMEM. */
int rs_desired_build(struct arena *arena, const struct rs_wishes *wishes,
		     const struct rs_actual *actual, struct rs_desired *out);

/* The text of a table for all VIPs and `more`. NULL: no memory. */
const char *rs_desired_arp_table(struct arena *arena, const struct rs_desired *desired,
				 const struct rs_actual *actual, const struct addr *more,
				 size_t count);

/* Whether a VIP of IPv4 is among them, so that ARP must be silenced. */
bool rs_desired_has_ipv4(const struct rs_desired *desired);

#endif
