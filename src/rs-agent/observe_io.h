/* The kernel as it is now: what the plan of lbha-rs starts from; and single steps of a plan done to
 * it. */
#ifndef LBHA_RS_AGENT_OBSERVE_IO_H
#define LBHA_RS_AGENT_OBSERVE_IO_H

#include "rs-agent/plan.h"

struct arena;
struct rtnl;

struct kernel {
	struct rtnl *rtnl;
	int sysctls;
};

/* 0 or -errno, with a sentence in `why` (KERNEL_WHY bytes). */
#define KERNEL_WHY 256
int kernel_open(struct kernel *kernel, char *why);
void kernel_close(struct kernel *kernel);

/* Links, addresses, and the values of all sysctls that matter: arp_* of all links and those the
 * journal names. */
int kernel_observe(const struct kernel *kernel, struct arena *arena,
		   const struct owned_set *journal, struct rs_actual *out, char *why);

/* Does what a step does to the kernel, if anything. -errno. */
int kernel_step(const struct kernel *kernel, const struct rs_step *step);

#endif
