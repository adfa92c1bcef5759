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
	VRRP_WHY_STARTUP,       /* peer advertises less; startup_delay lasts `until` */
	VRRP_WHY_NOT_READY,     /* peer advertises less; our table or checks are not ready */
	VRRP_WHY_DELAY,         /* peer advertises less; preempt_delay leaves it alone `until` */
	VRRP_WHY_PREEMPTING,    /* peer advertises less; we take over when the down timer ends */
	VRRP_WHY_CLAIMING,      /* peer advertises less; the operator wants us to take over */
	VRRP_WHY_GIVING_UP,     /* peer advertised 0; we take over when the skew time ends */
	VRRP_WHY_STANDING,      /* released by the operator; follows peer, if there is one */
	VRRP_WHY_BARRED,        /* maintenance; follows peer, if there is one */
	/* MASTER */
	VRRP_WHY_SILENCE,       /* peer was not heard for `time` */
	VRRP_WHY_NO_MASTER,     /* nobody was heard for `time` */
	VRRP_WHY_PREEMPTED,     /* peer advertised less */
	VRRP_WHY_GAVE_UP,       /* peer advertised 0 */
	VRRP_WHY_CLAIMED,       /* peer advertised less; the operator wanted it */
	VRRP_WHY_OWNER,         /* priority 255 does not wait */
	VRRP_WHY_HANDED,        /* a reload gave it what an instance that is MASTER here had */
	VRRP_WHY_RESUMED,       /* a restarted worker goes on; the last advert was `time` ago */
	/* FAULT */
	VRRP_WHY_FAULT,         /* the causes say more */
	/* INIT again */
	VRRP_WHY_STOPPED,       /* was not MASTER */
	VRRP_WHY_RELEASED,      /* peer has taken over */
	VRRP_WHY_ABANDONED,     /* released, and nobody took over */
	VRRP_WHY_WITHDRAWN,     /* taken away without protocol */
	/* BACKUP and MASTER */
	VRRP_WHY_GROUP,         /* the sync group moved; its words say why */
};

/* The reason as one word, for programs: "higher", "no_preempt". "unknown" for any other number. */
const char *vrrp_why_name(unsigned why);

struct vrrp_reason {
	enum vrrp_why why;
	struct addr peer;
	uint8_t peer_priority, priority; /* theirs, ours */
	nstime time;
	nstime until;           /* a point to which something lasts; 0: nothing */
};

/* Writes the reason as it is at `now` in words, e.g. "192.168.8.10 advertises 150 > 100" or "no
 * advert from 10.0.0.2 for 3.6s". `cause` is what the machine itself does not know: the causes of
 * FAULT, or why the sync group moved. Returns out. */
const char *vrrp_explain(const struct vrrp_reason *reason, nstime now, const char *cause, char *out,
			 size_t size);

#endif
