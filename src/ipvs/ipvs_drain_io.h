/* Reads how many connections those still have that are on their way out of the
 * table (ipvs/drain.h), and says in the log who leaves and who is out. */
#ifndef LBHA_IPVS_IPVS_DRAIN_IO_H
#define LBHA_IPVS_IPVS_DRAIN_IO_H

#include "ipvs/ipvs_kernel_io.h"
#include "ipvs/state.h"

#define IPVS_DRAIN_EVERY NSTIME_S

/* Looks at all of them; services of those that are out are marked then. Where
 * the kernel cannot be read only their time counts. */
void ipvs_drain_read(struct ipvs_kernel *kernel, struct ipvs_state *state);

/* Who leaves under a new configuration. */
void ipvs_drain_log(const struct ipvs_state *state);

#endif
