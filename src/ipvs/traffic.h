/* Counting what goes through one virtual service or destination, from readings of the kernel's
 * counters, so that the sum only grows. The kernel's begin anew when the destination is added again
 * (unless it still had it in its trash), after `ipvsadm -Z`, and, where they have 32 bits (Linux
 * before 4.1), when they overflow. All five are of one reading and begin anew together; what came
 * between the last reading and that moment is lost, and a counter that has passed its last reading by
 * the next one cannot be told from one that went on. */
#ifndef LBHA_IPVS_TRAFFIC_H
#define LBHA_IPVS_TRAFFIC_H

#include "config/facts.h"
#include "ipvs/table.h"

struct ipvs_meter {
	struct traffic last; /* the kernel's counters when they were read last */
};

/* Adds to `total` what has come since the last reading; whether anything has. */
bool ipvs_meter_read(struct ipvs_meter *meter, const struct ipvs_counters *now,
		     struct traffic *total);

#endif
