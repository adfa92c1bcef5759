/* The kernel as it is: what a plan starts from. Pure. */
#ifndef LBHA_RS_AGENT_ACTUAL_H
#define LBHA_RS_AGENT_ACTUAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/link.h"
#include "net/route.h"
#include "net/sysctl.h"

/* A UDP port on which the kernel takes GUE packets apart. */
struct rs_port {
	uint8_t family;
	uint16_t port;
};

struct rs_actual {
	uint32_t lo;                   /* the loopback's index */
	struct address_list addresses; /* of all links */
	const struct link *links;
	size_t link_count;
	struct sysctl_value *sysctls; /* of the journal, and of all links those that matter */
	size_t sysctl_count;
	const char *arp_table; /* ours as nft lists it; "" when there is none; NULL: not looked for */
	struct rs_port *ports;
	size_t port_count;
	struct route_list routes; /* default ones of the main table, in the kernel's order */
};

/* NULL: there is none of that name. */
const struct link *rs_actual_link(const struct rs_actual *actual, const char *name);
/* NULL: this kernel, or link, has no such sysctl. */
const struct sysctl_value *rs_actual_sysctl(const struct rs_actual *actual, const char *path);
/* Whether the default route in force for that family is by this next hop and link, whoever made
 * it. */
bool rs_actual_leads(const struct rs_actual *actual, const struct route *route);
/* Whether this kernel keeps IFA_PROTO, our tag on addresses (Linux 5.18): it tags its own ::1. */
bool rs_actual_tells_tags(const struct rs_actual *actual);

#endif
