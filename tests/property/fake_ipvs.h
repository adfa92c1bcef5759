/* A kernel's IPVS table in memory, with the kernel's own refusals (ip_vs_ctl.c): adding what is
 * there is EEXIST, changing or deleting a service that is not there ESRCH, a destination ENOENT; so
 * is a scheduler that it has not. It dumps in an order of its own. */
#ifndef LBHA_TESTS_FAKE_IPVS_H
#define LBHA_TESTS_FAKE_IPVS_H

#include "ipvs/plan.h"

struct arena;

#define FAKE_SERVICES 64
#define FAKE_DESTS 64

struct fake_ipvs {
	struct ipvs_table table;
	struct ipvs_service services[FAKE_SERVICES];
	struct ipvs_dest dests[FAKE_SERVICES][FAKE_DESTS];
	unsigned applied;
	const char *lacks; /* a scheduler that it has not; NULL: it has all */
	/* told after each operation, whatever came of it; may be NULL */
	void (*each)(void *ctx, const struct fake_ipvs *fake);
	void *ctx;
};

/* What goes wrong when operations are run. */
enum fake_trouble {
	FAKE_FINE,
	FAKE_REFUSED,      /* one operation, though all is right with it; the others are done */
	FAKE_LOST_REQUEST, /* it and all behind it never arrive, and nobody knows how far it came */
	FAKE_LOST_ANSWER,  /* it is done, those behind it never arrive, and nobody knows it */
	FAKE_TROUBLES,
};

void fake_ipvs_init(struct fake_ipvs *fake);
void fake_ipvs_copy(struct fake_ipvs *fake, const struct ipvs_table *table);
/* 0 or negative errno; a refused operation changes nothing. */
int fake_ipvs_apply(struct fake_ipvs *fake, const struct ipvs_op *op);

/* As ipvs_kernel_run: in order, one that is refused does not stop the next, unless it is part of a
 * move. How many were refused, or -ETIMEDOUT when that is not known. The trouble is with operation
 * `at`. */
int fake_ipvs_run(struct fake_ipvs *fake, const struct ipvs_op *ops, size_t count,
		  enum fake_trouble trouble, size_t at);

/* As ipvs_io_dump before it sorts: services and destinations in the kernel's order, that is any, and
 * some of them twice, as in a dump that races with changes. */
struct ipvs_table fake_ipvs_dump(const struct fake_ipvs *fake, struct arena *arena);

#endif
