/* The timeouts of IPVS (ipvs/timeouts.h) in the kernel and in the owned file, where the former
 * value of each stands before it is changed. */
#ifndef LBHA_IPVS_IPVS_TIMEOUTS_IO_H
#define LBHA_IPVS_IPVS_TIMEOUTS_IO_H

#include "ipvs/timeouts.h"
#include "net/owned.h"

struct contests;
struct ipvs_kernel;

struct ipvs_timeouts_kept {
	int fd;    /* the owned file; not ours to close */
	int error; /* of the last try; told once */
	struct ipvs_timeout_owned owned[IPVS_TIMEOUTS];
	struct contests *contests; /* asked before a repair; not ours */
};

/* Takes what the owned file says that we had set. */
void ipvs_timeouts_init(struct ipvs_timeouts_kept *kept, int fd, const struct owned_set *file);

/* What making them so would change; nothing when nothing is wanted or ours (the kernel is not asked
 * then). -errno of asking. */
int ipvs_timeouts_rehearse(const struct ipvs_timeouts_kept *kept, struct ipvs_kernel *kernel,
			   const struct ipvs_timeouts *wanted, struct ipvs_timeouts *changes);

/* Makes them so, and puts back what is wanted no more. Returns how many somebody else had changed.
 * Failures are logged, once; the next call tries again. */
unsigned ipvs_timeouts_apply(struct ipvs_timeouts_kept *kept, struct ipvs_kernel *kernel,
			     const struct ipvs_timeouts *wanted);

#endif
