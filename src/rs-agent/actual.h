/* The kernel as it is: what a plan starts from. Pure. */
#ifndef LBHA_RS_AGENT_ACTUAL_H
#define LBHA_RS_AGENT_ACTUAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/link.h"
#include "net/sysctl.h"

struct rs_actual {
	uint32_t lo;                   /* the loopback's index */
	struct address_list addresses; /* of all links */
	const struct link *links;
	size_t link_count;
	struct sysctl_value *sysctls; /* of the journal, and of all links those that matter */
	size_t sysctl_count;
	const char *arp_table; /* ours as nft lists it; "" when there is none; NULL: not looked for */
};

/* NULL: this kernel, or link, has no such sysctl. */
const struct sysctl_value *rs_actual_sysctl(const struct rs_actual *actual, const char *path);
/* Whether this kernel keeps IFA_PROTO, our tag on addresses (Linux 5.18): it tags its own ::1. */
bool rs_actual_tells_tags(const struct rs_actual *actual);

#endif
