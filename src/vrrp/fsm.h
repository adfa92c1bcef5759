/* The state machine of one virtual router: RFC 9568 section 6.4, version 3. Pure: a step takes the
 * machine, the configuration, the time and one input, changes the machine and says what to do.
 * Nothing allocates.
 *
 * What lbha adds to the RFC:
 *  - carrier_settle: after a start or the return of the carrier no claim before that time has been
 *    listened, an owner's (priority 255) neither. Who hears nobody claims after the later of it and
 *    the down interval.
 *  - A living master of lower priority is not preempted before the machine was told READY, or
 *    config.ready_until.
 *  - Priority 0 shortens the wait only when it comes from the master that is followed (or none is),
 *    and repeated ones do not lengthen it again.
 *  - Takeover: addresses in, advert, announcement. The advert waits for the addresses at most a
 *    quarter of the interval and VRRP_PATIENCE, the announcement as long as it takes.
 *  - Release (planned stop of a master): priority 0 three times VRRP_FAREWELL_GAP apart, then the
 *    addresses are held until another master is heard (and VRRP_GRACE longer: some peers advertise
 *    before they have the addresses), or for the longest skew any backup can have and
 *    VRRP_HOLD_MARGIN; then once more priority 0 and a second hold.
 *  - A master that hears a lesser one asserts itself at once (RFC 9568; RFC 5798 did not), but not
 *    more often than a tenth of its interval. It announces then and again when the other has gone.
 *    So that it hears: a deposed master sends one last advert (after a partition it may have drawn
 *    clients to itself, and the other cannot know).
 *
 * The advert deadline of a master moves only when it sends; the deadline of a backup only by
 * adverts it accepted. All timers belong to the state: entering a state clears those of the old
 * one. */
#ifndef LBHA_VRRP_FSM_H
#define LBHA_VRRP_FSM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"
#include "config/facts.h"
#include "config/model.h"
#include "vrrp/explain.h"

#define VRRP_PATIENCE (50 * NSTIME_MS)
#define VRRP_FAREWELLS 3
#define VRRP_FAREWELL_GAP (10 * NSTIME_MS)
#define VRRP_HOLD_MARGIN (50 * NSTIME_MS)
#define VRRP_GRACE (30 * NSTIME_MS)
#define VRRP_ASSERT_GAP_MIN (10 * NSTIME_MS)

/* Causes of FAULT: a set with one bit per cause, so that one that goes does not hide another that
 * stays. */
#define VRRP_FAULT_ABSENT (UINT64_C(1) << 0)  /* the interface does not exist */
#define VRRP_FAULT_LINK (UINT64_C(1) << 1)    /* it is down or has no carrier */
#define VRRP_FAULT_SOURCE (UINT64_C(1) << 2)  /* no address to send from */
#define VRRP_FAULT_SOCKET (UINT64_C(1) << 3)  /* no socket for adverts */
#define VRRP_FAULT_ADDRESS (UINT64_C(1) << 4) /* the kernel refuses a virtual address */
#define VRRP_FAULT_TRACKER (UINT64_C(1) << 5) /* a tracker without weight is down */
#define VRRP_FAULT_GROUP (UINT64_C(1) << 6)   /* another member of the sync group has a fault */

/* What the machine knows of its surroundings; may change between steps (then VRRP_INPUT_CONFIG). */
struct vrrp_config {
	uint8_t version;        /* 2 or 3 */
	uint8_t priority;       /* effective, 1..255 */
	bool preempt;           /* ignored for an owner: it always preempts */
	bool barred;            /* maintenance: never claims; a master gives way to any advert */
	bool grouped;           /* the sync group decides about claims and the end of a release */
	nstime advert_interval;
	nstime preempt_delay;   /* a lesser master is left alone so long after its first advert */
	nstime startup_until;   /* a point: no claim before; 0: at once */
	nstime carrier_settle;
	nstime ready_until;     /* a point: from here on READY is not waited for; 0: at once */
	struct addr source;     /* what our adverts carry; decides between equals */
	struct announce announce;
};

enum vrrp_phase {
	VRRP_PHASE_TAKING,    /* the addresses are on their way in */
	VRRP_PHASE_HOLDING,
	VRRP_PHASE_RELEASING, /* priority 0 sent, still owning */
};

struct vrrp_machine {
	enum vrrp_state state;
	nstime since;
	struct vrrp_reason reason;
	uint64_t transitions;
	uint64_t faults;
	bool ready;
	bool carrier_lost;      /* since the last listening: settle before a claim */

	/* Who is master: ourselves in MASTER; family 0: nobody was heard. */
	struct addr master;
	uint8_t master_priority;
	nstime master_interval; /* Active_Adver_Interval */
	nstime heard;           /* any advert of `master` */
	nstime accepted;        /* the advert (or start) from which the down timer runs */

	nstime deadline;        /* BACKUP: Active_Down_Timer; MASTER: Adver_Timer, release */
	nstime settle_until;    /* BACKUP: no claim before */

	/* MASTER only */
	enum vrrp_phase phase;
	bool advertised;        /* since it is master */
	bool quiet;             /* resumed: nothing to announce */
	nstime asserted;        /* our last advert */
	unsigned farewells, holds; /* still to do */
	bool succeeded;         /* releasing: a successor was heard, `reason` names it */
	unsigned rounds;        /* of the announcing burst, still to do */
	nstime announced, round_at, again_at, refresh_at;
	bool competing;         /* a lesser master advertises too */
	struct addr competitor;
	uint8_t competitor_priority;
	nstime competing_until;
};

enum vrrp_input_kind {
	VRRP_INPUT_START,    /* from INIT; `faults` as known */
	VRRP_INPUT_RESUME,   /* from INIT, a restarted worker: last advert at `point`; `faults` */
	VRRP_INPUT_FAULTS,   /* the present causes: `faults` */
	VRRP_INPUT_ADVERT,   /* valid, for us, not ours: `source`, `priority`, `interval` */
	VRRP_INPUT_TIMER,    /* vrrp_fsm_due() has come; harmless when it has not */
	VRRP_INPUT_READY,    /* `yes`: the table is ready */
	VRRP_INPUT_CONFIG,   /* the configuration has changed */
	VRRP_INPUT_WRITTEN,  /* the addresses are in place; `yes`: some had to be added */
	VRRP_INPUT_RELEASE,  /* planned stop */
	VRRP_INPUT_WITHDRAW, /* stop at once, without protocol */
	VRRP_INPUT_STEP_DOWN, /* the operator's release: VRRP_ACTION_STEPPED_DOWN tells how it ended */
	VRRP_INPUT_CLAIM,    /* the operator's claim: ends standing down, preempts a lesser master */
};

struct vrrp_input {
	enum vrrp_input_kind kind;
	uint64_t faults;
	struct addr source;
	uint8_t priority;
	nstime interval;
	nstime point;
	bool yes;
	uint32_t random;     /* for jitter: any value */
};

enum vrrp_action_kind {
	VRRP_ACTION_SEND,     /* an advert with `priority` */
	VRRP_ACTION_ADD,      /* want the addresses; VRRP_INPUT_WRITTEN when all are in place */
	VRRP_ACTION_REMOVE,   /* no longer want them */
	VRRP_ACTION_ANNOUNCE, /* all addresses once */
	VRRP_ACTION_STATE,    /* `from` → machine.state because of machine.reason */
	VRRP_ACTION_RELEASED, /* RELEASE is complete (but for the addresses on their way out) */
	VRRP_ACTION_STEPPED_DOWN, /* STEP_DOWN has ended; `yes`: standing down, else still MASTER */
};

struct vrrp_action {
	enum vrrp_action_kind kind;
	uint8_t priority;
	enum vrrp_state from;
	bool yes;
};

#define VRRP_ACTIONS_MAX 8

/* In the order in which they are to be done. */
struct vrrp_actions {
	struct vrrp_action list[VRRP_ACTIONS_MAX];
	unsigned count;
};

/* A machine in INIT. */
void vrrp_fsm_init(struct vrrp_machine *machine, nstime now);

/* One step. `out` is overwritten. */
void vrrp_fsm_step(struct vrrp_machine *machine, const struct vrrp_config *config, nstime now,
		   const struct vrrp_input *input, struct vrrp_actions *out);

/* When VRRP_INPUT_TIMER is due next; NSTIME_NEVER: nothing runs. */
nstime vrrp_fsm_due(const struct vrrp_machine *machine);

/* Whether a master still owns and answers, but has said goodbye. */
bool vrrp_fsm_releasing(const struct vrrp_machine *machine);

#endif
