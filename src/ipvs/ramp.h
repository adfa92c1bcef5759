/* Slow start: a server that begins to serve in a running service gets its weight in steps, so that
 * a scheduler that looks for the least loaded does not throw all new connections at it. Weights of
 * such a service are programmed times 100, so that there is something to divide. */
#ifndef LBHA_IPVS_RAMP_H
#define LBHA_IPVS_RAMP_H

#include <stdint.h>

#include "base/nstime.h"
#include "config/model.h"

/* What weights of the service are multiplied with in the kernel: 100 with slow_start and where a check may
 * tell a share of one, else 1. */
uint32_t ipvs_weight_factor(const struct service *service);

/* What of a weight, as it is programmed in the end, a server has whose ramp began then (0: it has none). */
uint32_t ipvs_ramp_weight(const struct service *service, uint32_t weight, nstime begun, nstime now);

/* When the next step of a ramp is due; 0: it is over. */
nstime ipvs_ramp_due(const struct service *service, nstime begun, nstime now);

#endif
