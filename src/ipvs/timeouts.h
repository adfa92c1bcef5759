/* How long the kernel keeps connections of IPVS that say nothing: three timeouts of the network
 * namespace, in seconds. What the file wants is set, what stood there before is kept for the day
 * when it does not want it any more. Kernel: ip_vs_set_timeout in net/netfilter/ipvs/ip_vs_ctl.c,
 * where 0 leaves a timeout as it is; so it does here. */
#ifndef LBHA_IPVS_TIMEOUTS_H
#define LBHA_IPVS_TIMEOUTS_H

#include <stdbool.h>
#include <stdint.h>

struct model;
struct text;

enum ipvs_timeout {
	IPVS_TIMEOUT_TCP,
	IPVS_TIMEOUT_TCP_FIN,
	IPVS_TIMEOUT_UDP,
	IPVS_TIMEOUTS,
};

const char *ipvs_timeout_name(enum ipvs_timeout timeout);

struct ipvs_timeouts {
	uint32_t seconds[IPVS_TIMEOUTS]; /* 0: not wanted, not known, or left as it is */
};

/* A timeout that is ours, and what it was before. */
struct ipvs_timeout_owned {
	bool ours;
	uint32_t former, set;
};

/* What a model wants (NULL, or without services: nothing). */
struct ipvs_timeouts ipvs_timeouts_wanted(const struct model *model);

/* What has to be set: those that are wanted and otherwise, and the former values of those that are
 * ours and wanted no more, unless somebody else has changed them. `owned` has IPVS_TIMEOUTS. */
struct ipvs_timeouts ipvs_timeouts_changes(const struct ipvs_timeouts *wanted,
					   const struct ipvs_timeouts *actual,
					   const struct ipvs_timeout_owned *owned);
bool ipvs_timeouts_any(const struct ipvs_timeouts *timeouts);

/* "ipvsadm --set 900 0 300". */
void ipvs_timeouts_format(const struct ipvs_timeouts *timeouts, struct text *out);

#endif
