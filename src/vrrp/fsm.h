/* The state machine of one virtual router: RFC 9568 section 6.4 (version 3) and RFC 3768 (version
 * 2). Pure: a step takes the machine, the configuration, the time and one input, changes the
 * machine and says what to do. Nothing allocates.
 *
 * Version 2 has whole seconds: the skew is a part of a second whatever the interval, and the
 * master's interval is not adopted (adverts with another one never come here).
 *
 * What lbha adds to the RFCs:
 *  - carrier_settle: after a start or the return of the carrier no claim before that time has been
 *    listened, an owner's (priority 255) neither. Who hears nobody claims after the later of it and
 *    the down interval. startup_delay is the same, counted from the daemon's start.
 *  - A living master of lower priority is not preempted before the machine was told READY, or
 *    config.ready_until; nor within preempt_delay, which begins with the first advert of a lesser
 *    master and begins anew after one of an equal or higher one. Meanwhile it is followed.
 *  - Priority 0 shortens the wait only when it comes from the master that is followed (or none is),
 *    and repeated ones do not lengthen it again.
 *  - Takeover: addresses in, advert, announcement. The advert waits for the addresses at most a
 *    quarter of the interval and VRRP_PATIENCE, the announcement as long as it takes.
 *  - Release (planned stop of a master): priority 0 three times VRRP_FAREWELL_GAP apart, then the
 *    addresses are held until another master is heard (and VRRP_GRACE longer: some peers advertise
 *    before they have the addresses), or for the longest skew any backup can have and
 *    VRRP_HOLD_MARGIN; then once more priority 0 and a second hold.
 *  - STEP_DOWN, the operator's release: the same, and then BACKUP, standing down: any master is
 *    followed, whatever its priority, until CLAIM, or until none is heard for the down interval
 *    (when the master gives up: until all others have had their skew time). Without a successor it
 *    is undone.
 *  - CLAIM ends standing down, and preempts a living master that would lose against us at once,
 *    whatever preempt and preempt_delay say. What holds every claim back (settling, startup_delay,
 *    the table, maintenance, the sync group) still does, and after an interval it is forgotten.
 *  - Maintenance (config.barred): never claims. A master that nobody has succeeded yet advertises
 *    the least priority, so that others preempt it, and gives way to whoever advertises more.
 *  - A master that hears a lesser one asserts itself at once (RFC 9568; RFC 5798 did not), but not
 *    more often than a tenth of its interval. It announces then and again when the other has gone.
 *    So that it hears: a deposed master sends one last advert (after a partition it may have drawn
 *    clients to itself, and the other cannot know).
 *  - A member of a sync group (config.grouped) leaves three decisions to the group (group.h): it
 *    does not claim when its time has come (machine.claim_at), does not speak as soon as it has its
 *    addresses (but at the latest when a single router would), and does not end a release.
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
#define VRRP_FAULT_VLINK (UINT64_C(1) << 7)   /* no link for its virtual MAC address */

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
	VRRP_PHASE_WAITING,   /* they are in, but not those of all members of its group */
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
	nstime known_since;     /* BACKUP: the first advert of `master` in a row */
	nstime heard;           /* any advert of `master` */
	nstime accepted;        /* the advert (or start) from which the down timer runs */

	nstime deadline;        /* BACKUP: Active_Down_Timer; MASTER: Adver_Timer, release */
	nstime settle_until;    /* BACKUP: no claim before */
	nstime lesser_since;    /* BACKUP: preempt_delay runs from here */
	nstime claiming_until;  /* BACKUP: an operator's claim is fresh: no master that we beat counts */
	nstime claim_at;        /* BACKUP: when it would claim; all that holds it back considered */
	bool grouped;           /* as configured at the last step */
	bool standing;          /* released by the operator; over all states but MASTER */
	bool peer_heard;        /* since the start; a restarted worker says so before RESUME */

	/* MASTER only */
	enum vrrp_phase phase;
	bool advertised;        /* since it is master */
	bool quiet;             /* resumed: nothing to announce */
	nstime asserted;        /* our last advert */
	unsigned farewells, holds; /* still to do */
	bool stepping;          /* releasing: to BACKUP, not to INIT */
	bool succeeded;         /* releasing: a successor was heard; `master` is it */
	bool over;              /* releasing: done but for the group's word */
	bool no_peer_heard;     /* has claimed without ever having heard anybody */
	unsigned rounds;        /* of the announcing burst, still to do */
	nstime announced, round_at, again_at, refresh_at;
	bool competing;         /* a lesser master advertises too */
	struct addr competitor;
	uint8_t competitor_priority;
	nstime competing_until;
};

enum vrrp_input_kind {
	VRRP_INPUT_START,    /* from INIT; `faults` as known */
	VRRP_INPUT_RESUME,   /* from INIT, a restarted worker: last advert at `point`; `faults`; `yes`: it is
				a reload that handed the addresses over */
	VRRP_INPUT_FAULTS,   /* the present causes: `faults` */
	VRRP_INPUT_ADVERT,   /* valid, for us, not ours: `source`, `priority`, `interval` */
	VRRP_INPUT_TIMER,    /* vrrp_fsm_due() has come; harmless when it has not */
	VRRP_INPUT_READY,    /* `yes`: the table is ready */
	VRRP_INPUT_CONFIG,   /* the configuration has changed */
	VRRP_INPUT_WRITTEN,  /* the addresses are in place; `yes`: some had to be added */
	VRRP_INPUT_RELEASE,  /* planned stop */
	VRRP_INPUT_WITHDRAW, /* stop at once, without protocol */
	VRRP_INPUT_STEP_DOWN, /* the operator's release; VRRP_ACTION_STEPPED_DOWN answers */
	VRRP_INPUT_CLAIM,    /* ends standing down, preempts a lesser master */
	/* from the sync group (group.h) */
	VRRP_INPUT_GROUP_TAKE,  /* become master */
	VRRP_INPUT_GROUP_SPEAK, /* all members have their addresses: advertise */
	VRRP_INPUT_GROUP_YIELD, /* another member was deposed: give up at once */
	VRRP_INPUT_RELEASE_END, /* the release of all members ends; `yes`: all have successors */
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

/* When VRRP_INPUT_TIMER is due next; NSTIME_NEVER: nothing runs. A member of a group in BACKUP has
 * no timer of its own: the group looks at machine.claim_at. */
nstime vrrp_fsm_due(const struct vrrp_machine *machine);

/* Whether a master still owns and answers, but has said goodbye. */
bool vrrp_fsm_releasing(const struct vrrp_machine *machine);

#endif
