/* What to do next about the link that carries a virtual router's own MAC address (net/macvlan.h).
 * Pure: level-triggered, one step at a time.
 *
 * A BACKUP's link is there but down: its MAC address is then not in the filter of the interface, so
 * that the machine neither answers, nor lets a switch learn the address, nor forwards a second copy
 * of what a switch floods. It is raised before the addresses go in and lowered before anything else
 * when they are to go: what has an address on a link that is down answers nobody. */
#ifndef LBHA_VRRP_VLINK_H
#define LBHA_VRRP_VLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/macvlan.h"

enum vlink_step {
	VLINK_IDLE,
	VLINK_ADD,    /* make it */
	VLINK_ADOPT,  /* it is there: write it down */
	VLINK_MARK,   /* give it its alias */
	VLINK_TUNE,   /* set its sysctls */
	VLINK_UP,
	VLINK_DOWN,
	VLINK_REMOVE,
	VLINK_FORGET, /* it went by itself: strike it out */
};

struct vlink_view {
	bool needed;              /* by a router */
	bool raised;              /* it shall be up */
	bool owned;               /* written down as ours */
	bool marked, tuned;       /* its alias and sysctls are as wanted, or ordered */
	bool occupied;            /* addresses of ours are on it, or on their way */
	uint32_t parent;          /* index of the interface it belongs on; 0: that is absent */
	const struct link *there; /* what has its name; index 0: nothing */
	bool up;                  /* as it will be when all that was ordered is done */
};

enum vlink_step vlink_next(const struct vlink_view *view, const struct macvlan *wanted);

#endif
