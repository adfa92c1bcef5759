/* Where the kernel would send a packet, as a value. */
#ifndef LBHA_NET_ROUTE_WAY_H
#define LBHA_NET_ROUTE_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct route_way {
	struct addr from, to; /* from: family 0: any */
	int error;            /* -ENETUNREACH and the like; then nothing else counts */
	uint32_t link;
	struct addr via; /* family 0: on link */
	uint32_t advmss; /* 0: as the MTU has it */
	uint32_t mtu;    /* of the route; 0: as the link has it */
	bool local;      /* it does not leave this machine */
};

#endif
