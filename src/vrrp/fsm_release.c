/* How a master gives up on purpose, without a gap: priority 0 three times, then it goes on owning
 * until another master is heard, or the holds have passed. Two ends: a planned stop goes to INIT; a
 * step down goes to BACKUP, standing down, or, when nobody took over, is undone. In a sync group a
 * member that has come to its end waits (`over`): the group ends the release of all members
 * together. */
#include "vrrp/fsm_step.h"
#include "vrrp/priority.h"

static void farewell(struct step *s)
{
	struct vrrp_machine *m = s->m;
	nstime skew = vrrp_skew_longest(s->c->version, s->c->advert_interval);

	fsm_act(s,
		(struct vrrp_action){.kind = VRRP_ACTION_SEND, .priority = VRRP_PRIORITY_RELEASE});
	m->asserted = s->now;
	m->farewells--;
	m->deadline = s->now + (m->farewells ? VRRP_FAREWELL_GAP : skew + VRRP_HOLD_MARGIN);
}

static void begin(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->phase = VRRP_PHASE_RELEASING;
	m->round_at = m->again_at = m->refresh_at = m->competing_until = NSTIME_NEVER;
	m->competing = m->succeeded = m->over = false;
	m->farewells = VRRP_FAREWELLS;
	m->holds = 1;
	farewell(s);
}

static void stepped_down(struct step *s, bool yes)
{
	fsm_act(s, (struct vrrp_action){.kind = VRRP_ACTION_STEPPED_DOWN, .yes = yes});
}

/* ---- the ends -------------------------------------------------------------------------------- */

static void released(struct step *s)
{
	fsm_stop(s, s->m->succeeded ? VRRP_WHY_RELEASED : VRRP_WHY_ABANDONED);
	fsm_act_kind(s, VRRP_ACTION_RELEASED);
}

/* The successor was noted when it was heard; it is followed from then on. */
static void stand_down(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->standing = !s->c->barred; /* maintenance says all there is to say, and ends by itself */
	fsm_act_kind(s, VRRP_ACTION_REMOVE);
	fsm_enter(s, VRRP_BACKUP,
		  fsm_reason(s, s->c->barred ? VRRP_WHY_BARRED : VRRP_WHY_STANDING));
	m->settle_until = s->now;
	m->accepted = m->heard;
	m->deadline =
		m->heard + vrrp_down_interval(s->c->version, s->c->priority, m->master_interval);
	stepped_down(s, true);
}

void fsm_release_undo(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->stepping = m->succeeded = m->over = false;
	m->farewells = m->holds = 0;
	m->phase = VRRP_PHASE_TAKING; /* the configuration may have changed meanwhile */
	m->quiet = false;
	m->master = s->c->source;
	m->master_priority = s->c->priority;
	m->master_interval = s->c->advert_interval;
	fsm_advertise(s, s->now);
	fsm_act_kind(s, VRRP_ACTION_ADD);
	stepped_down(s, false);
}

static void finish(struct step *s)
{
	if (!s->m->stepping)
		released(s);
	else if (s->m->succeeded)
		stand_down(s);
	else
		fsm_release_undo(s);
}

void fsm_release_end(struct step *s)
{
	if (!vrrp_fsm_releasing(s->m))
		return;
	if (s->m->stepping && !s->in->yes)
		fsm_release_undo(s);
	else
		finish(s);
}

/* Whatever is left to be said cannot be said any more, or must not wait. */
void fsm_release_faults(struct step *s)
{
	if (!s->m->stepping) {
		released(s);
		return;
	}
	s->m->standing = !s->c->barred;
	fsm_act_kind(s, VRRP_ACTION_REMOVE);
	fsm_fault_start(s);
	stepped_down(s, true);
}

/* ---- on the way ------------------------------------------------------------------------------ */

void fsm_release_due(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (!m->succeeded && !m->farewells && m->holds) {
		m->holds--;
		m->farewells = 1;
	}
	if (!m->succeeded && m->farewells) {
		farewell(s);
	} else if (s->c->grouped) {
		m->over = true;
		m->deadline = NSTIME_NEVER;
	} else {
		finish(s);
	}
}

/* Several may try: whoever is heard last is the one. */
void fsm_release_hears(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (s->in->priority == VRRP_PRIORITY_RELEASE)
		return;
	m->master = s->in->source;
	m->master_priority = s->in->priority;
	m->master_interval = s->c->version == 2 ? s->c->advert_interval : s->in->interval;
	m->heard = s->now;
	if (m->succeeded)
		return;
	m->succeeded = true;
	m->over = false;
	m->deadline = s->now + VRRP_GRACE;
}

/* ---- orders ---------------------------------------------------------------------------------- */

void fsm_release(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state != VRRP_MASTER) {
		fsm_stop(s, VRRP_WHY_STOPPED);
		fsm_act_kind(s, VRRP_ACTION_RELEASED);
	} else if (m->phase != VRRP_PHASE_RELEASING) {
		begin(s);
	} else if (m->stepping) { /* what was said stays said; the end is another one */
		m->stepping = false;
		stepped_down(s, true);
	}
}

/* A follower only notes it: from now on it leaves its master alone. */
static void backup_stands_down(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->master.family && m->master_priority) {
		m->accepted = m->heard;
		m->deadline = m->heard +
			      vrrp_down_interval(s->c->version, s->c->priority, m->master_interval);
	}
	m->reason = fsm_reason(s, VRRP_WHY_STANDING);
}

void fsm_step_down(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state == VRRP_MASTER) {
		if (m->phase == VRRP_PHASE_RELEASING)
			return;
		m->stepping = true;
		begin(s);
		return;
	}
	m->standing = true;
	if (m->state == VRRP_BACKUP)
		backup_stands_down(s);
	stepped_down(s, true);
}
