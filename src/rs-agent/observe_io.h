/* The kernel as it is now: what the plan of lbha-rs starts from. */
#ifndef LBHA_RS_AGENT_OBSERVE_IO_H
#define LBHA_RS_AGENT_OBSERVE_IO_H

#include "net/owned.h"
#include "rs-agent/actual.h"
#include "rs-agent/arp_table_io.h"

struct arena;
struct rtnl;

struct kernel {
	struct rtnl *rtnl;
	int sysctls;
	const char *arp_table;   /* as nft listed it since our last step; NULL: not known */
	char why[ARP_TABLE_WHY]; /* the ARP filter could not be read or written; "": nothing to say */
};

/* 0 or -errno, with a sentence in `why` (KERNEL_WHY bytes). */
#define KERNEL_WHY 256
int kernel_open(struct kernel *kernel, char *why);
void kernel_close(struct kernel *kernel);

/* Links, addresses, and the values of all sysctls that matter: arp_* and rp_filter of all links and
 * those the journal names; the ARP filter if `with_table`, or if the journal names one (once, and
 * after a step of ours: nft takes longer than all the rest). One that cannot be read is left NULL,
 * with `kernel->why`. */
int kernel_observe(struct kernel *kernel, struct arena *arena, const struct owned_set *journal,
		   bool with_table, struct rs_actual *out, char *why);

/* The ports on which GUE is taken apart: asked for only if there may be any, since asking makes the
 * kernel look for a module. -errno. */
int kernel_observe_ports(struct arena *arena, struct rs_actual *actual);
/* The default routes, for whose sake all are read. -errno. */
int kernel_observe_routes(const struct kernel *kernel, struct arena *arena,
			  struct rs_actual *actual);

#endif
