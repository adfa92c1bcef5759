/* A kernel's IPVS table in memory, with the kernel's own refusals (ip_vs_ctl.c): adding what is
 * there is EEXIST, changing or deleting a service that is not there ESRCH, a destination ENOENT. */
#ifndef LBHA_TESTS_FAKE_IPVS_H
#define LBHA_TESTS_FAKE_IPVS_H

#include "ipvs/plan.h"

#define FAKE_SERVICES 64
#define FAKE_DESTS 64

struct fake_ipvs {
	struct ipvs_table table;
	struct ipvs_service services[FAKE_SERVICES];
	struct ipvs_dest dests[FAKE_SERVICES][FAKE_DESTS];
	unsigned applied;
};

void fake_ipvs_init(struct fake_ipvs *fake);
void fake_ipvs_copy(struct fake_ipvs *fake, const struct ipvs_table *table);
/* 0 or negative errno; a refused operation changes nothing. */
int fake_ipvs_apply(struct fake_ipvs *fake, const struct ipvs_op *op);

#endif
