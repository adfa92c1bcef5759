/* The sysctls of ipvs/sysctls.h in the kernel and in the owned file, where the former value of each
 * stands before it is changed. */
#ifndef LBHA_IPVS_IPVS_SYSCTLS_IO_H
#define LBHA_IPVS_IPVS_SYSCTLS_IO_H

#include "config/facts.h"
#include "ipvs/sysctls.h"
#include "net/owned.h"

struct contests;

struct ipvs_sysctls_kept {
	int fd; /* the owned file; not ours to close */
	struct ipvs_sysctl_owned *owned; /* in the order in which they were set */
	size_t count, room;
	char error[FACT_DETAIL]; /* of the last try, in words; empty: none */
	struct contests *contests; /* asked before a repair; not ours */
};

/* Takes what the owned file says that we had set. -ENOMEM. */
int ipvs_sysctls_init(struct ipvs_sysctls_kept *kept, int fd, const struct owned_set *file);
void ipvs_sysctls_fini(struct ipvs_sysctls_kept *kept);

bool ipvs_sysctls_owns(const struct ipvs_sysctls_kept *kept, const char *path);

/* Says what making them so would change, a line of sysctl(8) each. -ENOENT, with a line that says
 * so, when the kernel has not a sysctl of IPVS that is wanted. */
typedef void ipvs_sysctls_line(void *ctx, const char *text);
int ipvs_sysctls_rehearse(const struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted,
			  bool tell_changes, ipvs_sysctls_line *line, void *ctx);

/* Sets what is wanted; returns how many somebody else had changed. What fails is logged once, stands
 * in `error`, and is tried again with the next call. An interface that is not there is no failure. */
unsigned ipvs_sysctls_raise(struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted);

/* Puts back what is not wanted, in the reverse order. A value that somebody else has changed
 * meanwhile is left. */
void ipvs_sysctls_restore(struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted);

#endif
