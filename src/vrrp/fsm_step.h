/* What the files of the state machine share: one step, as it is being taken. fsm.c has the inputs,
 * INIT, BACKUP and FAULT; fsm_master.c the life of a master; fsm_release.c how it ends on purpose;
 * fsm_announce.c when it announces. Nobody else includes this. */
#ifndef LBHA_VRRP_FSM_STEP_H
#define LBHA_VRRP_FSM_STEP_H

#include "vrrp/fsm.h"

struct step {
	struct vrrp_machine *m;
	const struct vrrp_config *c;
	const struct vrrp_input *in;
	struct vrrp_actions *out;
	nstime now;
};

/* ---- fsm.c ----------------------------------------------------------------------------------- */

void fsm_act(struct step *s, struct vrrp_action action);
void fsm_act_kind(struct step *s, enum vrrp_action_kind kind);
struct vrrp_reason fsm_reason(const struct step *s, enum vrrp_why why);
/* Every change of state goes through here: the timers of the old state end. */
void fsm_enter(struct step *s, enum vrrp_state state, struct vrrp_reason reason);
/* Now a follower of the master whose advert is the input: (420) to (450), (725) to (750). */
void fsm_follow(struct step *s);
void fsm_fault_start(struct step *s);
/* To INIT, addresses and all. */
void fsm_stop(struct step *s, enum vrrp_why why);

/* ---- fsm_announce.c -------------------------------------------------------------------------- */

void fsm_refresh_arm(struct step *s);
/* A burst starts now, or `interval` after the last round: whoever provokes bursts does not get a
 * flood. */
void fsm_burst_start(struct step *s);
void fsm_announce_due(struct step *s);

/* ---- fsm_master.c ---------------------------------------------------------------------------- */

/* (125), (345): but addresses first. */
void fsm_master_start(struct step *s, struct vrrp_reason reason);
void fsm_master_resume(struct step *s);
void fsm_master_written(struct step *s);
/* The group has all its addresses. */
void fsm_master_speak(struct step *s);
void fsm_master_hears(struct step *s);
void fsm_master_timer(struct step *s);
void fsm_master_configured(struct step *s);
void fsm_master_faults(struct step *s);
/* The group gives up because of another member. */
void fsm_master_yield(struct step *s);
/* An advert now; the next is due one interval after `from`, or after now when that is past. */
void fsm_advertise(struct step *s, nstime from);

/* ---- fsm_release.c --------------------------------------------------------------------------- */

void fsm_release(struct step *s);
void fsm_step_down(struct step *s);
void fsm_release_hears(struct step *s);
void fsm_release_due(struct step *s);
void fsm_release_faults(struct step *s);
/* Master again: the operator wants it, or nobody has taken over. */
void fsm_release_undo(struct step *s);
/* The group has decided: VRRP_INPUT_RELEASE_END. */
void fsm_release_end(struct step *s);

#endif
