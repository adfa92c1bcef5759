/* The routes and sysctls of ipvs/ways.h in the kernel and in the owned file. */
#ifndef LBHA_IPVS_IPVS_WAYS_IO_H
#define LBHA_IPVS_IPVS_WAYS_IO_H

#include <stdbool.h>

#include "config/facts.h"
#include "ipvs/sysctls.h"
#include "net/owned.h"

struct contests;
struct ipvs_sysctls_kept;
struct model;

#define IPVS_FAMILIES 2

struct ipvs_ways_kept {
	int fd; /* the owned file; not ours to close */
	bool ours[IPVS_FAMILIES];   /* stands there */
	bool settled[IPVS_FAMILIES]; /* it was as this generation wants it: what is missing now, somebody took */
	bool routed;                /* all that was wanted last is there */
	char error[FACT_DETAIL];    /* of the last try, in words; empty: none */
	struct contests *contests;  /* asked before a repair; not ours */
};

void ipvs_ways_init(struct ipvs_ways_kept *kept, int fd, const struct owned_set *file);

/* Another generation runs. */
void ipvs_ways_renew(struct ipvs_ways_kept *kept);

/* Makes routes as a model wants them (NULL: nobody), without removals unless `removes`; returns how
 * many were repaired. What fails is logged once, stands in `error`, and is tried again with the next
 * call. */
unsigned ipvs_ways_route(struct ipvs_ways_kept *kept, const struct model *model, bool removes);

/* What that would do, as lines of ip(8). */
void ipvs_ways_rehearse(const struct ipvs_ways_kept *kept, const struct model *model,
			void (*line)(void *ctx, const char *text), void *ctx);

/* Adds sysctls for the links that answers come in by, as routes are now; those that are among `out`
 * already stay. -errno. */
int ipvs_ways_sysctls(struct arena *arena, const struct model *model,
		      const struct ipvs_sysctls_kept *owned, struct ipvs_sysctls *out);

#endif
