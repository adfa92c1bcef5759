/* The machine of fsm.h. One function per (state, input) that matters, named after what happens; the
 * numbers are the steps of RFC 9568 section 6.4. All of them work on a struct step: the machine,
 * what it may know, and the list of what is to be done. */
#include "vrrp/fsm.h"

#include <string.h>

#include "vrrp/priority.h"

struct step {
	struct vrrp_machine *m;
	const struct vrrp_config *c;
	const struct vrrp_input *in;
	struct vrrp_actions *out;
	nstime now;
};

static void act(struct step *s, struct vrrp_action action)
{
	if (s->out->count < VRRP_ACTIONS_MAX)
		s->out->list[s->out->count++] = action;
}

static void act_kind(struct step *s, enum vrrp_action_kind kind)
{
	act(s, (struct vrrp_action){.kind = kind});
}

static struct vrrp_reason reason_of(const struct step *s, enum vrrp_why why)
{
	return (struct vrrp_reason){
		.why = why,
		.peer = s->m->master,
		.peer_priority = s->m->master_priority,
		.priority = s->c->priority,
	};
}

/* Every change of state goes through here: the timers of the old state end. */
static void enter(struct step *s, enum vrrp_state state, struct vrrp_reason reason)
{
	struct vrrp_machine *m = s->m;
	enum vrrp_state from = m->state;

	m->state = state;
	m->since = s->now;
	m->reason = reason;
	m->transitions++;
	m->deadline = m->settle_until = NSTIME_NEVER;
	m->round_at = m->again_at = m->refresh_at = m->competing_until = NSTIME_NEVER;
	m->rounds = m->farewells = m->holds = 0;
	m->advertised = m->quiet = m->competing = m->succeeded = false;
	act(s, (struct vrrp_action){.kind = VRRP_ACTION_STATE, .from = from});
}

static bool is_owner(const struct step *s)
{
	return s->c->priority == VRRP_PRIORITY_OWNER;
}

static bool waits_for_table(const struct step *s)
{
	return !s->m->ready && s->now < s->c->ready_until;
}

/* ---- announcing ----------------------------------------------------------------------------- */

/* Refreshes of many directors and instances must not fall together: 7/8 to 9/8 of the period. */
static nstime jittered(nstime period, uint32_t random)
{
	return period - period / 8 + (nstime)(random % 1024) * (period / 4) / 1024;
}

static void refresh_arm(struct step *s)
{
	nstime refresh = s->c->announce.refresh;

	s->m->refresh_at =
		refresh ? nstime_after(s->now, jittered(refresh, s->in->random)) : NSTIME_NEVER;
}

static void announce_round(struct step *s)
{
	struct vrrp_machine *m = s->m;

	act_kind(s, VRRP_ACTION_ANNOUNCE);
	m->announced = s->now;
	if (m->rounds)
		m->rounds--;
	m->round_at = m->rounds ? s->now + s->c->announce.interval : NSTIME_NEVER;
	refresh_arm(s);
}

/* A burst starts now, or `interval` after the last round: whoever provokes bursts does not get a
 * flood. */
static void burst_start(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->rounds = s->c->announce.count;
	refresh_arm(s);
	if (!m->rounds)
		return;
	if (m->announced && s->now < m->announced + s->c->announce.interval)
		m->round_at = m->announced + s->c->announce.interval;
	else
		announce_round(s);
}

static void announce_due(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (s->now >= m->again_at) {
		m->again_at = NSTIME_NEVER;
		burst_start(s);
	} else if (s->now >= m->round_at || s->now >= m->refresh_at) {
		announce_round(s);
	}
}

/* ---- INIT and FAULT ------------------------------------------------------------------------- */

static void master_start(struct step *s, struct vrrp_reason reason);

/* To BACKUP with nobody known: (115) to (180), but an owner too listens for carrier_settle, and as
 * long as anybody when it must not preempt yet. */
static void listen_start(struct step *s)
{
	struct vrrp_machine *m = s->m;
	nstime settle = m->carrier_lost ? s->c->carrier_settle : 0;

	m->master = (struct addr){0};
	m->master_priority = 0;
	m->master_interval = s->c->advert_interval;
	m->carrier_lost = false;
	if (is_owner(s) && !settle && !waits_for_table(s)) {
		master_start(s, reason_of(s, VRRP_WHY_OWNER));
		return;
	}
	enter(s, VRRP_BACKUP, reason_of(s, VRRP_WHY_LISTENING));
	m->heard = m->accepted = s->now;
	m->settle_until = nstime_after(s->now, settle);
	m->deadline = s->now;
	if (!is_owner(s) || waits_for_table(s))
		m->deadline += vrrp_down_interval(s->c->priority, m->master_interval);
}

static void fault_start(struct step *s)
{
	s->m->master = (struct addr){0};
	s->m->master_priority = 0;
	enter(s, VRRP_FAULT, reason_of(s, VRRP_WHY_FAULT));
}

static bool faults_take(struct step *s)
{
	s->m->faults = s->in->faults;
	if (s->m->faults & (VRRP_FAULT_ABSENT | VRRP_FAULT_LINK))
		s->m->carrier_lost = true;
	return s->m->faults != 0;
}

static void start(struct step *s)
{
	if (s->m->state != VRRP_INIT)
		return;
	s->m->carrier_lost = true;
	if (faults_take(s))
		fault_start(s);
	else
		listen_start(s);
}

static void stop(struct step *s, enum vrrp_why why)
{
	struct vrrp_reason reason = reason_of(s, why);

	if (s->m->succeeded)
		reason = s->m->reason;
	if (s->m->state == VRRP_MASTER)
		act_kind(s, VRRP_ACTION_REMOVE);
	s->m->master = (struct addr){0};
	if (s->m->state != VRRP_INIT)
		enter(s, VRRP_INIT, reason);
}

/* ---- MASTER --------------------------------------------------------------------------------- */

/* Sends now; the next is due one interval after this one was, or after now when that is past
 * already. */
static void advertise(struct step *s, nstime from)
{
	struct vrrp_machine *m = s->m;
	nstime interval = s->c->advert_interval;

	act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND, .priority = s->c->priority});
	m->advertised = true;
	m->asserted = s->now;
	m->deadline = from + interval > s->now ? from + interval : s->now + interval;
}

static void master_enter(struct step *s, struct vrrp_reason reason)
{
	enter(s, VRRP_MASTER, reason);
	s->m->master = s->c->source;
	s->m->master_priority = s->c->priority;
	s->m->master_interval = s->c->advert_interval;
	s->m->phase = VRRP_PHASE_TAKING;
	s->m->announced = 0;
}

/* (125), (345): but addresses first. */
static void master_start(struct step *s, struct vrrp_reason reason)
{
	master_enter(s, reason);
	s->m->deadline = s->now + nstime_min(s->c->advert_interval / 4, VRRP_PATIENCE);
	act_kind(s, VRRP_ACTION_ADD);
}

/* A restarted worker finds the addresses in the kernel; others have not noticed. */
static void resume(struct step *s)
{
	struct vrrp_reason reason = {
		.why = VRRP_WHY_RESUMED, .priority = s->c->priority, .time = s->now - s->in->point};

	if (s->m->state != VRRP_INIT)
		return;
	if (faults_take(s)) {
		start(s);
		return;
	}
	master_enter(s, reason);
	s->m->quiet = true;
	advertise(s, s->now);
	act_kind(s, VRRP_ACTION_ADD);
}

static void written(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state != VRRP_MASTER)
		return;
	switch (m->phase) {
	case VRRP_PHASE_TAKING:
		m->phase = VRRP_PHASE_HOLDING;
		if (!m->advertised)
			advertise(s, s->now);
		if (m->quiet && !s->in->yes) {
			refresh_arm(s);
			break;
		}
		if (s->c->announce.again_after)
			m->again_at = nstime_after(s->now, s->c->announce.again_after);
		burst_start(s);
		break;
	case VRRP_PHASE_HOLDING:
		if (s->in->yes)
			burst_start(s);
		break;
	case VRRP_PHASE_RELEASING:
		break;
	}
}

/* (745): says at once who is master, at most ten times an interval; but not before the addresses
 * are in, or the other would drop its own too early. */
static void master_assert(struct step *s)
{
	nstime gap = nstime_max(s->c->advert_interval / 10, VRRP_ASSERT_GAP_MIN);

	if (s->m->advertised && s->now >= s->m->asserted + gap)
		advertise(s, s->now);
}

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
		burst_start(s);
}

/* The other may have drawn our clients' traffic with its announcements: draw it back. */
static void competition_ends(struct step *s)
{
	s->m->competing = false;
	s->m->competing_until = NSTIME_NEVER;
	if (s->m->phase == VRRP_PHASE_HOLDING)
		burst_start(s);
}

/* Now a follower of the master whose advert is the input: (420) to (450), (725) to (750). */
static void follow(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->master = s->in->source;
	m->master_priority = s->in->priority;
	m->master_interval = s->in->interval;
	m->heard = m->accepted = s->now;
	m->deadline = s->now + vrrp_down_interval(s->c->priority, m->master_interval);
}

static void master_deposed(struct step *s)
{
	enum vrrp_why why = s->in->priority == s->c->priority ? VRRP_WHY_TIE : VRRP_WHY_HIGHER;

	s->m->master = s->in->source;
	s->m->master_priority = s->in->priority;
	act_kind(s, VRRP_ACTION_REMOVE);
	if (s->m->advertised)
		act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND, .priority = s->c->priority});
	enter(s, VRRP_BACKUP, reason_of(s, why));
	s->m->settle_until = s->now;
	follow(s);
}

static void successor_heard(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (!s->in->priority || m->succeeded)
		return;
	m->succeeded = true;
	m->reason = (struct vrrp_reason){.why = VRRP_WHY_RELEASED,
					 .peer = s->in->source,
					 .peer_priority = s->in->priority,
					 .priority = s->c->priority};
	m->deadline = s->now + VRRP_GRACE;
}

static void master_hears(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->phase == VRRP_PHASE_RELEASING) {
		successor_heard(s);
	} else if (s->in->priority == VRRP_PRIORITY_RELEASE) { /* (705) */
		if (m->competing && addr_equal(&m->competitor, &s->in->source))
			competition_ends(s);
		master_assert(s);
	} else if (vrrp_beats(s->in->priority, &s->in->source, s->c->priority, &s->c->source)) {
		master_deposed(s);
	} else {
		master_assert(s);
		competition_begins(s);
	}
}

/* ---- release -------------------------------------------------------------------------------- */

static void farewell(struct step *s)
{
	struct vrrp_machine *m = s->m;

	act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND, .priority = VRRP_PRIORITY_RELEASE});
	m->asserted = s->now;
	m->farewells--;
	if (m->farewells)
		m->deadline = s->now + VRRP_FAREWELL_GAP;
	else
		m->deadline = s->now + s->c->advert_interval + VRRP_HOLD_MARGIN;
}

static void released(struct step *s)
{
	stop(s, VRRP_WHY_ABANDONED);
	act_kind(s, VRRP_ACTION_RELEASED);
}

static void release(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state != VRRP_MASTER) {
		stop(s, VRRP_WHY_STOPPED);
		act_kind(s, VRRP_ACTION_RELEASED);
		return;
	}
	if (m->phase == VRRP_PHASE_RELEASING)
		return;
	m->phase = VRRP_PHASE_RELEASING;
	m->round_at = m->again_at = m->refresh_at = m->competing_until = NSTIME_NEVER;
	m->competing = false;
	m->farewells = VRRP_FAREWELLS;
	m->holds = 1;
	farewell(s);
}

static void release_due(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->succeeded) {
		released(s);
	} else if (m->farewells) {
		farewell(s);
	} else if (m->holds) {
		m->holds--;
		m->farewells = 1;
		farewell(s);
	} else {
		released(s);
	}
}

/* ---- BACKUP --------------------------------------------------------------------------------- */

/* Priority 0 (410): from the one we follow, or when there is none. */
static void backup_hears_farewell(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->master.family && !addr_equal(&m->master, &s->in->source))
		return;
	m->master = s->in->source;
	m->master_priority = VRRP_PRIORITY_RELEASE;
	m->heard = s->now;
	m->deadline =
		nstime_min(m->deadline, s->now + vrrp_skew(s->c->priority, m->master_interval));
	m->reason = reason_of(s, VRRP_WHY_GIVING_UP);
}

/* Whether (420) an advert keeps us in BACKUP, and why. */
static bool backup_accepts(const struct step *s, enum vrrp_why *why)
{
	if (s->in->priority >= s->c->priority)
		*why = s->in->priority > s->c->priority ? VRRP_WHY_HIGHER : VRRP_WHY_EQUAL;
	else if (!s->c->preempt && !is_owner(s))
		*why = VRRP_WHY_NO_PREEMPT;
	else if (waits_for_table(s))
		*why = VRRP_WHY_NOT_READY;
	else
		return false;
	return true;
}

static void backup_hears(struct step *s)
{
	struct vrrp_machine *m = s->m;
	enum vrrp_why why;

	if (s->in->priority == VRRP_PRIORITY_RELEASE) {
		backup_hears_farewell(s);
		return;
	}
	if (backup_accepts(s, &why)) {
		bool same = m->reason.why == VRRP_WHY_TIE &&
			    addr_equal(&m->master, &s->in->source) &&
			    m->master_priority == s->in->priority;

		follow(s);
		m->reason = reason_of(s, same ? VRRP_WHY_TIE : why);
		return;
	}
	/* (460) discarded; but it is known who will be preempted. */
	if (!m->master.family || addr_equal(&m->master, &s->in->source) || !m->master_priority) {
		m->master = s->in->source;
		m->master_priority = s->in->priority;
		m->heard = s->now;
		m->reason = reason_of(s, VRRP_WHY_PREEMPTING);
	}
}

static struct vrrp_reason claim_reason(const struct step *s)
{
	const struct vrrp_machine *m = s->m;
	struct vrrp_reason reason = reason_of(s, VRRP_WHY_SILENCE);

	reason.time = s->now - m->heard;
	if (!m->master.family)
		reason.why = is_owner(s) ? VRRP_WHY_OWNER : VRRP_WHY_NO_MASTER;
	else if (!m->master_priority)
		reason.why = VRRP_WHY_GAVE_UP;
	else if (m->reason.why == VRRP_WHY_PREEMPTING && reason.time < 2 * m->master_interval)
		reason.why = VRRP_WHY_PREEMPTED;
	return reason;
}

/* A new priority changes the skew, a new interval that of a router that follows nobody. */
static void backup_configured(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->reason.priority = s->c->priority;
	if (!m->master.family)
		m->master_interval = s->c->advert_interval;
	else if (!m->master_priority)
		return;
	m->deadline = m->accepted + vrrp_down_interval(s->c->priority, m->master_interval);
}

/* ---- inputs --------------------------------------------------------------------------------- */

static void master_faults(struct step *s)
{
	const uint64_t mute =
		VRRP_FAULT_ABSENT | VRRP_FAULT_LINK | VRRP_FAULT_SOURCE | VRRP_FAULT_SOCKET;

	if (s->m->phase == VRRP_PHASE_RELEASING) {
		released(s);
		return;
	}
	act_kind(s, VRRP_ACTION_REMOVE);
	if (!(s->m->faults & mute))
		act(s, (struct vrrp_action){.kind = VRRP_ACTION_SEND,
					    .priority = VRRP_PRIORITY_RELEASE});
	fault_start(s);
}

static void faults(struct step *s)
{
	bool any = faults_take(s);

	switch (s->m->state) {
	case VRRP_INIT:
		break;
	case VRRP_BACKUP:
		if (any)
			fault_start(s);
		break;
	case VRRP_MASTER:
		if (any)
			master_faults(s);
		break;
	case VRRP_FAULT:
		if (!any)
			listen_start(s);
		break;
	}
}

static void timer(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state == VRRP_BACKUP && s->now >= nstime_max(m->deadline, m->settle_until)) {
		master_start(s, claim_reason(s));
	} else if (m->state == VRRP_MASTER && m->phase == VRRP_PHASE_RELEASING) {
		if (s->now >= m->deadline)
			release_due(s);
	} else if (m->state == VRRP_MASTER) {
		if (s->now >= m->deadline)
			advertise(s, m->deadline);
		if (s->now >= m->competing_until)
			competition_ends(s);
		announce_due(s);
	}
}

static void configured(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->state == VRRP_BACKUP) {
		backup_configured(s);
	} else if (m->state == VRRP_MASTER && m->phase != VRRP_PHASE_RELEASING) {
		m->master = s->c->source;
		m->master_priority = s->c->priority;
		m->master_interval = s->c->advert_interval;
		act_kind(s, VRRP_ACTION_ADD);
		if (m->advertised)
			advertise(s, s->now);
		if (m->phase == VRRP_PHASE_HOLDING)
			refresh_arm(s);
	}
}

static void advert(struct step *s)
{
	if (s->m->state == VRRP_BACKUP)
		backup_hears(s);
	else if (s->m->state == VRRP_MASTER)
		master_hears(s);
}

void vrrp_fsm_init(struct vrrp_machine *machine, nstime now)
{
	memset(machine, 0, sizeof(*machine));
	machine->since = now;
	machine->deadline = machine->settle_until = NSTIME_NEVER;
	machine->round_at = machine->again_at = machine->refresh_at = machine->competing_until =
		NSTIME_NEVER;
}

void vrrp_fsm_step(struct vrrp_machine *machine, const struct vrrp_config *config, nstime now,
		   const struct vrrp_input *input, struct vrrp_actions *out)
{
	struct step s = {.m = machine, .c = config, .in = input, .out = out, .now = now};

	out->count = 0;
	switch (input->kind) {
	case VRRP_INPUT_START:
		start(&s);
		break;
	case VRRP_INPUT_RESUME:
		resume(&s);
		break;
	case VRRP_INPUT_FAULTS:
		faults(&s);
		break;
	case VRRP_INPUT_ADVERT:
		advert(&s);
		break;
	case VRRP_INPUT_TIMER:
		timer(&s);
		break;
	case VRRP_INPUT_READY:
		machine->ready = input->yes;
		break;
	case VRRP_INPUT_CONFIG:
		configured(&s);
		break;
	case VRRP_INPUT_WRITTEN:
		written(&s);
		break;
	case VRRP_INPUT_RELEASE:
		release(&s);
		break;
	case VRRP_INPUT_WITHDRAW:
		stop(&s, VRRP_WHY_WITHDRAWN);
		break;
	case VRRP_INPUT_STEP_DOWN:
	case VRRP_INPUT_CLAIM:
		break;
	}
}

nstime vrrp_fsm_due(const struct vrrp_machine *machine)
{
	nstime due = machine->deadline;

	if (machine->state == VRRP_BACKUP)
		return nstime_max(due, machine->settle_until);
	if (machine->state != VRRP_MASTER)
		return NSTIME_NEVER;
	due = nstime_min(due, machine->competing_until);
	due = nstime_min(due, nstime_min(machine->round_at, machine->again_at));
	return nstime_min(due, machine->refresh_at);
}

bool vrrp_fsm_releasing(const struct vrrp_machine *machine)
{
	return machine->state == VRRP_MASTER && machine->phase == VRRP_PHASE_RELEASING;
}
