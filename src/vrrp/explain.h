/* Why a virtual router is in its state, as a value and in words. Pure. */
#ifndef LBHA_VRRP_EXPLAIN_H
#define LBHA_VRRP_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

enum vrrp_why {
	VRRP_WHY_NOT_STARTED,
	/* BACKUP */
	VRRP_WHY_LISTENING,     /* started or recovered; no master heard yet */
	VRRP_WHY_HIGHER,        /* peer advertises more than we would */
	VRRP_WHY_EQUAL,         /* peer advertises the same: a master is left in peace */
	VRRP_WHY_TIE,           /* peer deposed us with the same priority and a higher address */
	VRRP_WHY_NO_PREEMPT,    /* peer advertises less; preempt is off */
	VRRP_WHY_NOT_READY,     /* peer advertises less; our table is not ready */
	VRRP_WHY_PREEMPTING,    /* peer advertises less; we take over when the down timer ends */
	VRRP_WHY_GIVING_UP,     /* peer advertised 0; we take over when the skew time ends */
	/* MASTER */
	VRRP_WHY_SILENCE,       /* peer was not heard for `time` */
	VRRP_WHY_NO_MASTER,     /* nobody was heard for `time` */
	VRRP_WHY_PREEMPTED,     /* peer advertised less */
	VRRP_WHY_GAVE_UP,       /* peer advertised 0 */
	VRRP_WHY_OWNER,         /* priority 255 does not wait */
	VRRP_WHY_RESUMED,       /* a restarted worker goes on; the last advert was `time` ago */
	/* FAULT */
	VRRP_WHY_FAULT,         /* the causes say more */
	/* INIT again */
	VRRP_WHY_STOPPED,       /* was not MASTER */
	VRRP_WHY_RELEASED,      /* peer has taken over */
	VRRP_WHY_ABANDONED,     /* released, and nobody took over */
	VRRP_WHY_WITHDRAWN,     /* taken away without protocol */
};

struct vrrp_reason {
	enum vrrp_why why;
	struct addr peer;
	uint8_t peer_priority, priority; /* theirs, ours */
	nstime time;
};

/* Writes the reason in words, e.g. "192.168.8.10 advertises 150 > 100" or "no advert from 10.0.0.2
 * for 3.6s". `faults` are the causes of FAULT in words. Returns out. */
const char *vrrp_explain(const struct vrrp_reason *reason, const char *faults, char *out,
			 size_t size);

#endif
