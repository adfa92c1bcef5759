/* The life of a master: RFC 9568 section 6.4.3 and what lbha adds to it (fsm.h). */
#include "vrrp/fsm_step.h"
#include "vrrp/priority.h"

/* ---- sending --------------------------------------------------------------------------------- */

/* What it advertises. In maintenance the least there is: whoever comes may take over. (Two masters
 * in maintenance that meet are equals: one remains.) */
static uint8_t own_priority(const struct step *s)
{
	return s->c->barred ? VRRP_PRIORITY_LEAST : s->c->priority;
}

static void say_priority(struct step *s)
{
	fsm_act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND, .priority = own_priority(s)});
}

void fsm_advertise(struct step *s, nstime from)
{
	struct vrrp_machine *m = s->m;
	nstime interval = s->c->advert_interval;

	say_priority(s);
	m->advertised = true;
	m->asserted = s->now;
	m->deadline = from + interval > s->now ? from + interval : s->now + interval;
}

/* (745): says at once who is master, at most ten times an interval; but not before the addresses
 * are in, or the other would drop its own too early. */
static void assert_mastership(struct step *s)
{
	nstime gap = nstime_max(s->c->advert_interval / 10, VRRP_ASSERT_GAP_MIN);

	if (s->m->advertised && s->now >= s->m->asserted + gap)
		fsm_advertise(s, s->now);
}

/* ---- becoming master ------------------------------------------------------------------------- */

static void enter(struct step *s, struct vrrp_reason reason)
{
	struct vrrp_machine *m = s->m;

	fsm_enter(s, VRRP_MASTER, reason);
	m->standing = false;
	m->master = s->c->source;
	m->master_priority = s->c->priority;
	m->master_interval = s->c->advert_interval;
	m->phase = VRRP_PHASE_TAKING;
	m->announced = 0;
}

void fsm_master_start(struct step *s, struct vrrp_reason reason)
{
	enter(s, reason);
	s->m->no_peer_heard = !s->m->peer_heard;
	s->m->deadline = s->now + nstime_min(s->c->advert_interval / 4, VRRP_PATIENCE);
	fsm_act_kind(s, VRRP_ACTION_ADD);
}

/* A restarted worker, or one that got them by a reload, finds the addresses in the kernel; others have
 * not noticed. */
void fsm_master_resume(struct step *s)
{
	struct vrrp_reason reason =
		fsm_reason(s, s->in->yes ? VRRP_WHY_HANDED : VRRP_WHY_RESUMED);

	reason.time = s->now - s->in->point;
	enter(s, reason);
	s->m->no_peer_heard = !s->m->peer_heard;
	s->m->quiet = true;
	fsm_advertise(s, s->now);
	fsm_act_kind(s, VRRP_ACTION_ADD);
}

/* The addresses are in: says so to peers, then to everybody. */
static void hold(struct step *s, bool announces)
{
	struct vrrp_machine *m = s->m;

	m->phase = VRRP_PHASE_HOLDING;
	if (!m->advertised)
		fsm_advertise(s, s->now);
	if (!announces) {
		fsm_refresh_arm(s);
		return;
	}
	if (s->c->announce.again_after)
		m->again_at = nstime_after(s->now, s->c->announce.again_after);
	fsm_burst_start(s);
}

void fsm_master_speak(struct step *s)
{
	if (s->m->phase == VRRP_PHASE_WAITING)
		hold(s, true);
}

void fsm_master_written(struct step *s)
{
	struct vrrp_machine *m = s->m;

	switch (m->phase) {
	case VRRP_PHASE_TAKING:
		if (s->c->grouped && !m->advertised)
			m->phase = VRRP_PHASE_WAITING;
		else
			hold(s, !m->quiet || s->in->yes);
		break;
	case VRRP_PHASE_WAITING:
		break;
	case VRRP_PHASE_HOLDING:
		if (s->in->yes)
			fsm_burst_start(s);
		break;
	case VRRP_PHASE_RELEASING:
		break;
	}
}

/* ---- another master -------------------------------------------------------------------------- */

/* The last word of the master that we have just preempted. */
static bool is_predecessor(const struct step *s)
{
	const struct vrrp_machine *m = s->m;

	return addr_equal(&m->reason.peer, &s->in->source) &&
	       s->now < m->since + 2 * m->master_interval;
}

static void competition_begins(struct step *s)
{
	struct vrrp_machine *m = s->m;
	bool begins = !m->competing;

	if (is_predecessor(s))
		return;
	m->competing = true;
	m->competitor = s->in->source;
	m->competitor_priority = s->in->priority;
	m->competing_until = nstime_after(s->now, s->in->interval + s->in->interval / 2);
	if (begins && m->phase == VRRP_PHASE_HOLDING)
		fsm_burst_start(s);
}

/* The other may have drawn our clients' traffic with its announcements: draw it back. */
static void competition_ends(struct step *s)
{
	s->m->competing = false;
	s->m->competing_until = NSTIME_NEVER;
	if (s->m->phase == VRRP_PHASE_HOLDING)
		fsm_burst_start(s);
}

/* (705): who says goodbye was a master, perhaps one that we have never heard before. */
static void farewell_heard(struct step *s)
{
	const struct vrrp_machine *m = s->m;
	bool competitor = m->competing && addr_equal(&m->competitor, &s->in->source);

	assert_mastership(s);
	if (competitor || (!m->competing && !is_predecessor(s)))
		competition_ends(s);
}

static enum vrrp_why why_deposed(const struct step *s)
{
	if (s->c->barred)
		return VRRP_WHY_BARRED;
	return s->in->priority == s->c->priority ? VRRP_WHY_TIE : VRRP_WHY_HIGHER;
}

/* It says one last word with its own priority: after a partition the winner would not know that
 * there had been another, and it must announce again. */
static void deposed(struct step *s)
{
	enum vrrp_why why = why_deposed(s);

	s->m->master = s->in->source;
	s->m->master_priority = s->in->priority;
	fsm_act_kind(s, VRRP_ACTION_REMOVE);
	if (s->m->advertised)
		say_priority(s);
	fsm_enter(s, VRRP_BACKUP, fsm_reason(s, why));
	s->m->settle_until = s->now;
	fsm_follow(s);
}

void fsm_master_hears(struct step *s)
{
	if (s->m->phase == VRRP_PHASE_RELEASING)
		fsm_release_hears(s);
	else if (s->in->priority == VRRP_PRIORITY_RELEASE)
		farewell_heard(s);
	else if (vrrp_beats(s->in->priority, &s->in->source, own_priority(s), &s->c->source))
		deposed(s);
	else {
		assert_mastership(s);
		competition_begins(s);
	}
}

/* ---- the rest of its life -------------------------------------------------------------------- */

void fsm_master_timer(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->phase == VRRP_PHASE_RELEASING) {
		if (s->now >= m->deadline)
			fsm_release_due(s);
		return;
	}
	if (s->now >= m->deadline && m->phase == VRRP_PHASE_WAITING)
		hold(s, true);
	else if (s->now >= m->deadline)
		fsm_advertise(s, m->deadline);
	if (s->now >= m->competing_until)
		competition_ends(s);
	fsm_announce_due(s);
}

void fsm_master_configured(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->phase == VRRP_PHASE_RELEASING) {
		if (m->over && !s->c->grouped) /* it has left its group */
			m->deadline = s->now;
		return;
	}
	m->master = s->c->source;
	m->master_priority = s->c->priority;
	m->master_interval = s->c->advert_interval;
	fsm_act_kind(s, VRRP_ACTION_ADD);
	if (m->advertised)
		fsm_advertise(s, s->now);
	if (m->phase == VRRP_PHASE_WAITING)
		m->phase = VRRP_PHASE_TAKING;
	if (m->phase == VRRP_PHASE_HOLDING)
		fsm_refresh_arm(s);
}

/* Gives up in one step: addresses out, then priority 0, if it can still be said. */
static void give_up(struct step *s)
{
	const uint64_t mute =
		VRRP_FAULT_ABSENT | VRRP_FAULT_LINK | VRRP_FAULT_SOURCE | VRRP_FAULT_SOCKET;

	fsm_act_kind(s, VRRP_ACTION_REMOVE);
	if (!(s->m->faults & mute))
		fsm_act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND,
						.priority = VRRP_PRIORITY_RELEASE});
}

void fsm_master_faults(struct step *s)
{
	if (s->m->phase == VRRP_PHASE_RELEASING) {
		fsm_release_faults(s);
		return;
	}
	give_up(s);
	fsm_fault_start(s);
}

void fsm_master_yield(struct step *s)
{
	struct vrrp_machine *m = s->m;

	give_up(s);
	m->master = (struct addr){0};
	m->master_priority = 0;
	fsm_enter(s, VRRP_BACKUP, fsm_reason(s, VRRP_WHY_GROUP));
	m->heard = m->accepted = m->settle_until = s->now;
	m->deadline =
		s->now + vrrp_down_interval(s->c->version, s->c->priority, m->master_interval);
}
