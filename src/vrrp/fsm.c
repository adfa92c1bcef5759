/* The machine of fsm.h: its inputs, and INIT, BACKUP and FAULT. One function per (state, input)
 * that matters, named after what happens; the numbers are the steps of RFC 9568 section 6.4. All of
 * them work on a struct step: the machine, what it may know, and the list of what is to be done. */
#include "vrrp/fsm.h"

#include <string.h>

#include "vrrp/fsm_step.h"
#include "vrrp/priority.h"

void fsm_act(struct step *s, struct vrrp_action action)
{
	if (s->out->count < VRRP_ACTIONS_MAX)
		s->out->list[s->out->count++] = action;
}

void fsm_act_kind(struct step *s, enum vrrp_action_kind kind)
{
	fsm_act(s, (struct vrrp_action){.kind = kind});
}

struct vrrp_reason fsm_reason(const struct step *s, enum vrrp_why why)
{
	return (struct vrrp_reason){
		.why = why,
		.peer = s->m->master,
		.peer_priority = s->m->master_priority,
		.priority = s->c->priority,
	};
}

void fsm_enter(struct step *s, enum vrrp_state state, struct vrrp_reason reason)
{
	struct vrrp_machine *m = s->m;
	enum vrrp_state from = m->state;

	m->state = state;
	m->since = s->now;
	m->reason = reason;
	m->transitions++;
	m->deadline = m->settle_until = NSTIME_NEVER;
	m->round_at = m->again_at = m->refresh_at = m->competing_until = NSTIME_NEVER;
	m->lesser_since = m->known_since = NSTIME_NEVER;
	m->claiming_until = 0;
	m->rounds = m->farewells = m->holds = 0;
	m->advertised = m->quiet = m->competing = m->no_peer_heard = false;
	m->stepping = m->succeeded = m->over = false;
	fsm_act(s, (struct vrrp_action){.kind = VRRP_ACTION_STATE, .from = from});
}

static bool is_owner(const struct step *s)
{
	return s->c->priority == VRRP_PRIORITY_OWNER;
}

static bool waits_for_table(const struct step *s)
{
	return !s->m->ready && s->now < s->c->ready_until;
}

static nstime down_interval(const struct step *s)
{
	return vrrp_down_interval(s->c->version, s->c->priority, s->m->master_interval);
}

/* ---- INIT and FAULT -------------------------------------------------------------------------- */

/* An owner need not ask who is master, unless something holds it back as it would hold any. */
static bool owner_may_start(const struct step *s, nstime settle)
{
	return is_owner(s) && !settle && s->now >= s->c->startup_until && !waits_for_table(s) &&
	       !s->m->standing && !s->c->barred && !s->c->grouped;
}

static struct vrrp_reason listening_reason(const struct step *s)
{
	struct vrrp_reason reason = fsm_reason(s, VRRP_WHY_LISTENING);

	if (s->c->barred)
		reason.why = VRRP_WHY_BARRED;
	else if (s->m->standing)
		reason.why = VRRP_WHY_STANDING;
	else if (s->c->startup_until > s->now)
		reason.until = s->c->startup_until;
	return reason;
}

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
	if (owner_may_start(s, settle)) {
		fsm_master_start(s, fsm_reason(s, VRRP_WHY_OWNER));
		return;
	}
	fsm_enter(s, VRRP_BACKUP, listening_reason(s));
	m->heard = m->accepted = s->now;
	m->settle_until = nstime_after(s->now, settle);
	m->deadline = s->now;
	if (!is_owner(s) || waits_for_table(s))
		m->deadline += down_interval(s);
}

void fsm_fault_start(struct step *s)
{
	s->m->master = (struct addr){0};
	s->m->master_priority = 0;
	fsm_enter(s, VRRP_FAULT, fsm_reason(s, VRRP_WHY_FAULT));
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
		fsm_fault_start(s);
	else
		listen_start(s);
}

static void resume(struct step *s)
{
	if (s->m->state != VRRP_INIT)
		return;
	if (s->in->faults)
		start(s);
	else
		fsm_master_resume(s);
}

void fsm_stop(struct step *s, enum vrrp_why why)
{
	struct vrrp_reason reason = fsm_reason(s, why);

	if (s->m->state == VRRP_MASTER)
		fsm_act_kind(s, VRRP_ACTION_REMOVE);
	s->m->master = (struct addr){0};
	if (s->m->state != VRRP_INIT)
		fsm_enter(s, VRRP_INIT, reason);
}

static void faults(struct step *s)
{
	bool any = faults_take(s);

	switch (s->m->state) {
	case VRRP_INIT:
		break;
	case VRRP_BACKUP:
		if (any)
			fsm_fault_start(s);
		break;
	case VRRP_MASTER:
		if (any)
			fsm_master_faults(s);
		break;
	case VRRP_FAULT:
		if (!any)
			listen_start(s);
		break;
	}
}

/* ---- BACKUP: adverts ------------------------------------------------------------------------- */

/* The advert that is the input is the present master's. */
static void know(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->known_since == NSTIME_NEVER || !addr_equal(&m->master, &s->in->source))
		m->known_since = s->now;
	m->master = s->in->source;
	m->master_priority = s->in->priority;
	m->heard = s->now;
}

void fsm_follow(struct step *s)
{
	struct vrrp_machine *m = s->m;

	know(s);
	m->master_interval = s->c->version == 2 ? s->c->advert_interval : s->in->interval;
	m->accepted = s->now;
	m->deadline = s->now + down_interval(s);
}

/* How long after its master gave up: the skew time; who stands down lets all others go first, but
 * not so long that the leaving one is gone before. */
static nstime farewell_wait(const struct step *s)
{
	nstime longest = vrrp_skew_longest(s->c->version, s->m->master_interval);

	if (s->m->standing)
		return longest + longest / 4;
	return vrrp_skew(s->c->version, s->c->priority, s->m->master_interval);
}

/* Priority 0 (410): from the one we follow, or when there is none. */
static void backup_hears_farewell(struct step *s)
{
	struct vrrp_machine *m = s->m;

	if (m->master.family && !addr_equal(&m->master, &s->in->source))
		return;
	know(s);
	m->deadline = nstime_min(m->deadline, s->now + farewell_wait(s));
	m->reason = fsm_reason(s, s->c->barred ? VRRP_WHY_BARRED : VRRP_WHY_GIVING_UP);
}

static bool beats_advert(const struct step *s)
{
	return vrrp_beats(s->c->priority, &s->c->source, s->in->priority, &s->in->source);
}

/* Why an advert keeps us in BACKUP (420), and until when; VRRP_WHY_PREEMPTING, _CLAIMING: it does
 * not. */
static enum vrrp_why why_accepted(const struct step *s, nstime *until)
{
	const struct vrrp_machine *m = s->m;
	nstime delayed = m->lesser_since == NSTIME_NEVER
				 ? 0
				 : nstime_after(m->lesser_since, s->c->preempt_delay);

	*until = 0;
	if (s->c->barred)
		return VRRP_WHY_BARRED;
	if (m->standing)
		return VRRP_WHY_STANDING;
	if (s->now < m->claiming_until && beats_advert(s))
		return VRRP_WHY_CLAIMING;
	if (s->in->priority >= s->c->priority)
		return s->in->priority > s->c->priority ? VRRP_WHY_HIGHER : VRRP_WHY_EQUAL;
	if (!s->c->preempt && !is_owner(s))
		return VRRP_WHY_NO_PREEMPT;
	if (waits_for_table(s))
		return VRRP_WHY_NOT_READY;
	*until = nstime_max(delayed, s->c->startup_until);
	if (s->now >= *until)
		return VRRP_WHY_PREEMPTING;
	return *until == delayed ? VRRP_WHY_DELAY : VRRP_WHY_STARTUP;
}

/* (460) discarded; but it is known who will be preempted. */
static void backup_discards(struct step *s, enum vrrp_why why)
{
	struct vrrp_machine *m = s->m;

	if (m->master.family && !addr_equal(&m->master, &s->in->source) && m->master_priority)
		return;
	know(s);
	m->reason = fsm_reason(s, why);
}

/* Deposed by a tie: that says more than that they are equal. */
static bool is_tie_winner(const struct step *s)
{
	const struct vrrp_machine *m = s->m;

	return m->reason.why == VRRP_WHY_TIE && addr_equal(&m->master, &s->in->source) &&
	       m->master_priority == s->in->priority;
}

static void backup_hears(struct step *s)
{
	struct vrrp_machine *m = s->m;
	enum vrrp_why why;
	nstime until;

	if (s->in->priority == VRRP_PRIORITY_RELEASE) {
		backup_hears_farewell(s);
		return;
	}
	if (s->in->priority >= s->c->priority)
		m->lesser_since = NSTIME_NEVER;
	else if (m->lesser_since == NSTIME_NEVER)
		m->lesser_since = s->now;
	why = why_accepted(s, &until);
	if (why == VRRP_WHY_PREEMPTING || why == VRRP_WHY_CLAIMING) {
		backup_discards(s, why);
		return;
	}
	if (why == VRRP_WHY_EQUAL && is_tie_winner(s))
		why = VRRP_WHY_TIE;
	fsm_follow(s);
	m->reason = fsm_reason(s, why);
	m->reason.until = until;
}

/* ---- BACKUP: claims -------------------------------------------------------------------------- */

static struct vrrp_reason claim_reason(const struct step *s)
{
	const struct vrrp_machine *m = s->m;
	struct vrrp_reason reason = fsm_reason(s, VRRP_WHY_SILENCE);

	reason.time = s->now - m->heard;
	if (!m->master.family)
		reason.why = is_owner(s) ? VRRP_WHY_OWNER : VRRP_WHY_NO_MASTER;
	else if (!m->master_priority)
		reason.why = VRRP_WHY_GAVE_UP;
	else if (m->reason.why == VRRP_WHY_CLAIMING)
		reason.why = VRRP_WHY_CLAIMED;
	else if (m->reason.why == VRRP_WHY_PREEMPTING && reason.time < 2 * m->master_interval)
		reason.why = VRRP_WHY_PREEMPTED;
	return reason;
}

/* After a change on our side: the same master in another light. The next advert says it exactly. */
static struct vrrp_reason backup_reason(const struct step *s)
{
	const struct vrrp_machine *m = s->m;
	struct vrrp_reason reason = m->reason;

	reason.priority = s->c->priority;
	if (s->c->barred || m->standing || !m->master.family)
		return listening_reason(s);
	if (!m->master_priority)
		return reason;
	if (m->master_priority > s->c->priority)
		return fsm_reason(s, VRRP_WHY_HIGHER);
	if (m->master_priority == s->c->priority)
		return reason.why == VRRP_WHY_TIE ? reason : fsm_reason(s, VRRP_WHY_EQUAL);
	return fsm_reason(s, s->c->preempt ? VRRP_WHY_PREEMPTING : VRRP_WHY_NO_PREEMPT);
}

/* Until when nothing can make it claim: NSTIME_NEVER in maintenance. */
static nstime claim_at(const struct step *s)
{
	const struct vrrp_machine *m = s->m;

	if (m->state != VRRP_BACKUP || s->c->barred)
		return NSTIME_NEVER;
	return nstime_max(nstime_max(m->deadline, m->settle_until), s->c->startup_until);
}

/* The down timer need not end for a master that we would beat. */
static void claim(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->standing = false;
	if (m->state == VRRP_MASTER && m->stepping)
		fsm_release_undo(s);
	if (m->state != VRRP_BACKUP || s->c->barred)
		return;
	m->reason = backup_reason(s);
	if (!m->master.family || !m->master_priority ||
	    !vrrp_beats(s->c->priority, &s->c->source, m->master_priority, &m->master))
		return;
	if (waits_for_table(s)) {
		m->reason = fsm_reason(s, VRRP_WHY_NOT_READY);
		return;
	}
	m->deadline = s->now;
	m->claiming_until = s->now + s->c->advert_interval;
	m->reason = fsm_reason(s, VRRP_WHY_CLAIMING);
	if (!s->c->grouped && s->now >= claim_at(s))
		fsm_master_start(s, claim_reason(s));
}

/* The group claims for all its members: one that has not listened long enough goes with it. */
static void group_take(struct step *s)
{
	if (s->m->state != VRRP_BACKUP)
		return;
	if (s->now >= claim_at(s))
		fsm_master_start(s, claim_reason(s));
	else
		fsm_master_start(s, fsm_reason(s, VRRP_WHY_GROUP));
}

/* A new priority changes the skew, a new interval that of a router that follows nobody. */
static void backup_configured(struct step *s)
{
	struct vrrp_machine *m = s->m;

	m->reason = backup_reason(s);
	if (!m->master.family || s->c->version == 2)
		m->master_interval = s->c->advert_interval;
	if (m->master.family && !m->master_priority)
		return;
	m->deadline = m->accepted + down_interval(s);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void timer(struct step *s)
{
	if (s->m->state == VRRP_MASTER)
		fsm_master_timer(s);
	else if (!s->c->grouped && s->now >= claim_at(s))
		fsm_master_start(s, claim_reason(s));
}

static void configured(struct step *s)
{
	if (s->m->state == VRRP_BACKUP)
		backup_configured(s);
	else if (s->m->state == VRRP_MASTER)
		fsm_master_configured(s);
}

static void advert(struct step *s)
{
	s->m->peer_heard = s->m->state != VRRP_INIT;
	s->m->no_peer_heard = false;
	if (s->m->state == VRRP_BACKUP)
		backup_hears(s);
	else if (s->m->state == VRRP_MASTER)
		fsm_master_hears(s);
}

static void take(struct step *s)
{
	switch (s->in->kind) {
	case VRRP_INPUT_START:
		start(s);
		break;
	case VRRP_INPUT_RESUME:
		resume(s);
		break;
	case VRRP_INPUT_FAULTS:
		faults(s);
		break;
	case VRRP_INPUT_ADVERT:
		advert(s);
		break;
	case VRRP_INPUT_TIMER:
		timer(s);
		break;
	case VRRP_INPUT_READY:
		s->m->ready = s->in->yes;
		break;
	case VRRP_INPUT_CONFIG:
		configured(s);
		break;
	case VRRP_INPUT_WRITTEN:
		if (s->m->state == VRRP_MASTER)
			fsm_master_written(s);
		break;
	case VRRP_INPUT_RELEASE:
		fsm_release(s);
		break;
	case VRRP_INPUT_WITHDRAW:
		fsm_stop(s, VRRP_WHY_WITHDRAWN);
		break;
	case VRRP_INPUT_STEP_DOWN:
		fsm_step_down(s);
		break;
	case VRRP_INPUT_CLAIM:
		claim(s);
		break;
	case VRRP_INPUT_GROUP_TAKE:
		group_take(s);
		break;
	case VRRP_INPUT_GROUP_SPEAK:
		if (s->m->state == VRRP_MASTER)
			fsm_master_speak(s);
		break;
	case VRRP_INPUT_GROUP_YIELD:
		if (s->m->state == VRRP_MASTER)
			fsm_master_yield(s);
		break;
	case VRRP_INPUT_RELEASE_END:
		fsm_release_end(s);
		break;
	}
}

void vrrp_fsm_init(struct vrrp_machine *machine, nstime now)
{
	memset(machine, 0, sizeof(*machine));
	machine->since = now;
	machine->deadline = machine->settle_until = machine->claim_at = NSTIME_NEVER;
	machine->round_at = machine->again_at = machine->refresh_at = machine->competing_until =
		NSTIME_NEVER;
	machine->lesser_since = NSTIME_NEVER;
}

void vrrp_fsm_step(struct vrrp_machine *machine, const struct vrrp_config *config, nstime now,
		   const struct vrrp_input *input, struct vrrp_actions *out)
{
	struct step s = {.m = machine, .c = config, .in = input, .out = out, .now = now};

	out->count = 0;
	take(&s);
	machine->claim_at = claim_at(&s);
	machine->grouped = config->grouped;
}

nstime vrrp_fsm_due(const struct vrrp_machine *machine)
{
	nstime due;

	if (machine->state == VRRP_BACKUP)
		return machine->grouped ? NSTIME_NEVER : machine->claim_at;
	if (machine->state != VRRP_MASTER)
		return NSTIME_NEVER;
	due = nstime_min(machine->deadline, machine->competing_until);
	due = nstime_min(due, nstime_min(machine->round_at, machine->again_at));
	return nstime_min(due, machine->refresh_at);
}

bool vrrp_fsm_releasing(const struct vrrp_machine *machine)
{
	return machine->state == VRRP_MASTER && machine->phase == VRRP_PHASE_RELEASING;
}
