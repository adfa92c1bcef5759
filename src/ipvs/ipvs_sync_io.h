/* The daemons for connection synchronisation (ipvs/sync.h) in the kernel and in the owned file, where
 * each stands before it is started. */
#ifndef LBHA_IPVS_IPVS_SYNC_IO_H
#define LBHA_IPVS_IPVS_SYNC_IO_H

#include "config/facts.h"
#include "config/model.h"
#include "ipvs/sync.h"
#include "net/owned.h"

struct contests;
struct ipvs_kernel;

struct ipvs_sync_kept {
	int fd; /* the owned file; not ours to close */
	struct ipvs_daemons owned;
	uint8_t runs;            /* set of enum fact_sync: of what is wanted */
	char error[FACT_DETAIL]; /* why it is not all as wanted; "": it is */
	struct contests *contests; /* asked before a repair; not ours */
	nstime pause;            /* after which it is to be tried again; 0: all is well */
};

/* Takes what the owned file says that we had started. */
void ipvs_sync_init(struct ipvs_sync_kept *kept, int fd, const struct owned_set *file);

/* Makes the daemons as a model (NULL: nobody) wants them, with what is known of its instances. Returns how many somebody else had stopped
 * or changed. Failures are logged once, and stand in `error`. */
unsigned ipvs_sync_apply(struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
			 const struct model *model, const struct roles *roles);

/* Tells the operations that a model would cost. */
void ipvs_sync_rehearse(const struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
			const struct model *model, const struct roles *roles,
			void (*line)(void *ctx, const char *text), void *ctx);

#endif
