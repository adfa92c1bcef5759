/* The kernel as it is now: what the plan of lbha-rs starts from; and single steps of a plan done to
 * it. */
#ifndef LBHA_RS_AGENT_OBSERVE_IO_H
#define LBHA_RS_AGENT_OBSERVE_IO_H

#include "rs-agent/arp_table_io.h"
#include "rs-agent/plan.h"

struct arena;
struct rtnl;

struct kernel {
	struct rtnl *rtnl;
	int sysctls;
	char why[ARP_TABLE_WHY]; /* the ARP filter could not be read or written; "": nothing to say */
};

/* 0 or -errno, with a sentence in `why` (KERNEL_WHY bytes). */
#define KERNEL_WHY 256
int kernel_open(struct kernel *kernel, char *why);
void kernel_close(struct kernel *kernel);

/* Links, addresses, and the values of all sysctls that matter: arp_* of all links and those the
 * journal names; the ARP filter if `with_table`, or if the journal names one. One that cannot be
 * read is left NULL, with `kernel->why`. */
int kernel_observe(struct kernel *kernel, struct arena *arena, const struct owned_set *journal,
		   bool with_table, struct rs_actual *out, char *why);

/* Does what a step does to the kernel, if anything. -errno, with `kernel->why` if there is more to say. */
int kernel_step(struct kernel *kernel, struct arena *arena, const struct rs_step *step);

#endif
