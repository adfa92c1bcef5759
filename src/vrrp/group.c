/* The rules of group.h, one function each, in their order. Each either has an input for a member or
 * leaves the word to the next. */
#include "vrrp/group.h"

#include "base/text.h"
#include "vrrp/priority.h"

#define WORDS 256

struct turn {
	struct vrrp_group *group;
	const struct vrrp_members *members;
	nstime now;
	uint32_t random;
	size_t member; /* what is to be said next: to whom, */
	struct vrrp_input input;
};

static const struct vrrp_machine *machine_of(const struct vrrp_members *members, size_t i)
{
	return members->list[i].machine;
}

static enum vrrp_state state_of(const struct vrrp_members *members, size_t i)
{
	return machine_of(members, i)->state;
}

static size_t count_in(const struct vrrp_members *members, enum vrrp_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < members->count; i++)
		count += state_of(members, i) == state;
	return count;
}

static bool say(struct turn *t, size_t member, struct vrrp_input input)
{
	t->member = member;
	t->input = input;
	return true;
}

static bool say_kind(struct turn *t, size_t member, enum vrrp_input_kind kind)
{
	return say(t, member, (struct vrrp_input){.kind = kind});
}

/* ---- faults --------------------------------------------------------------------------------- */

static size_t count_faulty(const struct vrrp_group *group, const struct vrrp_members *members)
{
	size_t count = 0;

	for (size_t i = 0; i < members->count && group->order != VRRP_GROUP_RELEASE; i++)
		count += members->list[i].faults != 0;
	return count;
}

/* Its own, and that there are others with faults, of `faulty` in all. */
static uint64_t faults_for(const struct vrrp_member *member, size_t faulty)
{
	uint64_t faults = member->faults;

	if (faulty > (faults ? 1 : 0))
		faults |= VRRP_FAULT_GROUP;
	return faults;
}

uint64_t vrrp_group_faults(const struct vrrp_group *group, const struct vrrp_members *members,
			   size_t member)
{
	return faults_for(&members->list[member], count_faulty(group, members));
}

static bool spread_faults(struct turn *t)
{
	size_t faulty = count_faulty(t->group, t->members);

	for (size_t i = 0; i < t->members->count; i++) {
		uint64_t faults = faults_for(&t->members->list[i], faulty);

		if (state_of(t->members, i) == VRRP_INIT ||
		    machine_of(t->members, i)->faults == faults)
			continue;
		return say(t, i, (struct vrrp_input){.kind = VRRP_INPUT_FAULTS, .faults = faults});
	}
	return false;
}

/* ---- release -------------------------------------------------------------------------------- */

/* Whether every master among them has come to the end of its release; *all: and has a successor. */
static bool all_over(const struct vrrp_members *members, bool *all)
{
	*all = true;
	for (size_t i = 0; i < members->count; i++) {
		const struct vrrp_machine *machine = machine_of(members, i);

		if (machine->state != VRRP_MASTER)
			continue;
		if (!machine->over)
			return false;
		*all &= machine->succeeded;
	}
	return true;
}

static bool end_release(struct turn *t, bool yes)
{
	for (size_t i = 0; i < t->members->count; i++)
		if (vrrp_fsm_releasing(machine_of(t->members, i)))
			return say(t, i,
				   (struct vrrp_input){.kind = VRRP_INPUT_RELEASE_END, .yes = yes});
	return false;
}

static bool release(struct turn *t)
{
	bool all;

	for (size_t i = 0; i < t->members->count; i++) {
		const struct vrrp_machine *machine = machine_of(t->members, i);

		if (machine->state == VRRP_INIT ||
		    (vrrp_fsm_releasing(machine) && !machine->stepping))
			continue;
		return say_kind(t, i, VRRP_INPUT_RELEASE);
	}
	return all_over(t->members, &all) && end_release(t, all);
}

/* The operator's order, to each member once. */
static bool give(struct turn *t, enum vrrp_input_kind kind)
{
	while (t->group->given < t->members->count) {
		size_t i = t->group->given++;

		if (state_of(t->members, i) != VRRP_INIT)
			return say_kind(t, i, kind);
	}
	return false;
}

static bool step_down(struct turn *t)
{
	bool all;

	if (give(t, VRRP_INPUT_STEP_DOWN))
		return true;
	for (size_t i = 0; i < t->members->count; i++) { /* who has come meanwhile */
		const struct vrrp_machine *machine = machine_of(t->members, i);

		if (machine->state != VRRP_INIT && !machine->standing && !machine->stepping)
			return say_kind(t, i, VRRP_INPUT_STEP_DOWN);
	}
	if (!all_over(t->members, &all))
		return false;
	if (all && end_release(t, true))
		return true;
	t->group->order = VRRP_GROUP_NONE; /* done, or undone by the next rule */
	return false;
}

/* What no order stands behind any longer. */
static bool undo(struct turn *t)
{
	for (size_t i = 0; i < t->members->count; i++)
		if (machine_of(t->members, i)->stepping)
			return say(t, i, (struct vrrp_input){.kind = VRRP_INPUT_RELEASE_END});
	return false;
}

static bool claim(struct turn *t)
{
	if (give(t, VRRP_INPUT_CLAIM))
		return true;
	t->group->order = VRRP_GROUP_NONE;
	return false;
}

static bool carry_out(struct turn *t)
{
	switch (t->group->order) {
	case VRRP_GROUP_NONE:
		return false;
	case VRRP_GROUP_RELEASE:
		return release(t);
	case VRRP_GROUP_STEP_DOWN:
		return step_down(t);
	case VRRP_GROUP_CLAIM:
		return claim(t);
	}
	return false;
}

/* ---- together ------------------------------------------------------------------------------- */

/* The backup that would claim last; all of them would when its time has come. */
static size_t last_to_claim(const struct vrrp_members *members)
{
	size_t last = 0;
	nstime latest = -1;

	for (size_t i = 0; i < members->count; i++) {
		if (state_of(members, i) != VRRP_BACKUP ||
		    machine_of(members, i)->claim_at <= latest)
			continue;
		latest = machine_of(members, i)->claim_at;
		last = i;
	}
	return last;
}

static nstime claim_time(const struct vrrp_group *group, const struct vrrp_members *members)
{
	return nstime_after(machine_of(members, last_to_claim(members))->claim_at, group->patience);
}

/* Whether a backup may be master beside those that are. */
static bool may_join(const struct vrrp_member *member, nstime now)
{
	return now >= member->machine->claim_at ||
	       (!member->machine->master.family && !member->config->barred);
}

static bool take_next(struct turn *t)
{
	for (size_t i = 0; i < t->members->count; i++)
		if (state_of(t->members, i) == VRRP_BACKUP)
			return say_kind(t, i, VRRP_INPUT_GROUP_TAKE);
	return false;
}

static void become_patient(struct turn *t)
{
	const struct vrrp_config *config = t->members->list[t->group->cause].config;

	t->group->patience = (nstime)(t->random % 1024) * config->advert_interval / 1024;
}

/* Whoever is master has been so for a while, on every wire. */
static bool is_quiet(const struct turn *t)
{
	for (size_t i = 0; i < t->members->count; i++) {
		const struct vrrp_machine *machine = machine_of(t->members, i);
		const struct vrrp_config *config = t->members->list[i].config;
		nstime down = vrrp_down_interval(config->version, config->priority,
						 machine->master_interval);

		if (machine->state != VRRP_BACKUP || machine->known_since == NSTIME_NEVER ||
		    t->now < machine->known_since + 2 * down)
			return false;
	}
	return true;
}

static bool yield_next(struct turn *t, size_t cause)
{
	t->group->cause = cause;
	become_patient(t);
	for (size_t i = 0; i < t->members->count; i++)
		if (state_of(t->members, i) == VRRP_MASTER)
			return say_kind(t, i, VRRP_INPUT_GROUP_YIELD);
	return false;
}

static bool speak(struct turn *t)
{
	size_t waiting = t->members->count;

	for (size_t i = 0; i < t->members->count; i++) {
		const struct vrrp_machine *machine = machine_of(t->members, i);

		if (machine->state != VRRP_MASTER)
			continue;
		if (machine->phase == VRRP_PHASE_TAKING && !machine->advertised)
			return false;
		if (machine->phase == VRRP_PHASE_WAITING)
			waiting = i;
	}
	return waiting < t->members->count && say_kind(t, waiting, VRRP_INPUT_GROUP_SPEAK);
}

static bool agree(struct turn *t)
{
	const struct vrrp_members *members = t->members;

	if (!count_in(members, VRRP_BACKUP))
		return speak(t);
	if (!count_in(members, VRRP_MASTER)) {
		if (t->now < claim_time(t->group, members))
			return false;
		t->group->cause = last_to_claim(members);
		return take_next(t);
	}
	for (size_t i = 0; i < members->count; i++)
		if (state_of(members, i) == VRRP_BACKUP && !may_join(&members->list[i], t->now))
			return yield_next(t, i);
	return take_next(t);
}

/* ---- the turn ------------------------------------------------------------------------------- */

static enum vrrp_state common_state(const struct vrrp_members *members)
{
	if (count_in(members, VRRP_FAULT))
		return VRRP_FAULT;
	if (count_in(members, VRRP_MASTER))
		return VRRP_MASTER;
	return count_in(members, VRRP_BACKUP) ? VRRP_BACKUP : VRRP_INIT;
}

static void settled(struct turn *t)
{
	enum vrrp_state state = common_state(t->members);

	if (state == t->group->state)
		return;
	t->group->state = state;
	t->group->since = t->now;
}

void vrrp_group_init(struct vrrp_group *group, nstime now)
{
	*group = (struct vrrp_group){.state = VRRP_INIT, .since = now};
}

void vrrp_group_order(struct vrrp_group *group, enum vrrp_group_order order)
{
	if (group->order == VRRP_GROUP_RELEASE)
		return;
	group->order = order;
	group->given = 0;
}

bool vrrp_group_next(struct vrrp_group *group, const struct vrrp_members *members, nstime now,
		     uint32_t random, size_t *member, struct vrrp_input *input)
{
	struct turn t = {.group = group, .members = members, .now = now, .random = random};
	bool any = spread_faults(&t) || carry_out(&t);

	if (group->patience && is_quiet(&t))
		group->patience = 0;

	if (!any && group->order == VRRP_GROUP_NONE)
		any = undo(&t) || agree(&t);
	if (any) {
		*member = t.member;
		*input = t.input;
	} else {
		settled(&t);
	}
	return any;
}

bool vrrp_group_cares(const struct vrrp_machine *before, const struct vrrp_machine *after)
{
	return before->state != after->state || before->phase != after->phase ||
	       before->stepping != after->stepping || before->over != after->over ||
	       before->standing != after->standing || before->faults != after->faults ||
	       after->claim_at < before->claim_at;
}

nstime vrrp_group_due(const struct vrrp_group *group, const struct vrrp_members *members,
		      nstime now)
{
	nstime due = NSTIME_NEVER;

	if (group->state != VRRP_BACKUP)
		return due;
	for (size_t i = 0; i < members->count; i++)
		if (machine_of(members, i)->claim_at > now)
			due = nstime_min(due, machine_of(members, i)->claim_at);
	return due == NSTIME_NEVER ? claim_time(group, members) : due;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *words_of(const struct vrrp_members *members, size_t i, nstime now, char *out)
{
	return vrrp_explain(&machine_of(members, i)->reason, now, members->list[i].fault_text, out,
			    WORDS);
}

/* The backup with a reason of its own that would claim last; `otherwise`: there is none. */
static size_t holds_back(const struct vrrp_members *members, size_t otherwise)
{
	nstime latest = -1;
	size_t found = otherwise;

	for (size_t i = 0; i < members->count; i++) {
		const struct vrrp_machine *machine = machine_of(members, i);

		if (machine->reason.why == VRRP_WHY_GROUP || machine->claim_at <= latest)
			continue;
		latest = machine->claim_at;
		found = i;
	}
	return found;
}

/* The member that decides: who has a fault, who holds the others back, or who moved last. */
static size_t decides(const struct vrrp_group *group, const struct vrrp_members *members)
{
	size_t cause = group->cause < members->count ? group->cause : 0;

	for (size_t i = 0; i < members->count; i++)
		if (state_of(members, i) == VRRP_FAULT && members->list[i].faults)
			return i;
	if (count_in(members, VRRP_BACKUP) && !count_in(members, VRRP_MASTER))
		return holds_back(members, cause);
	return cause;
}

const char *vrrp_group_explain(const struct vrrp_group *group, const struct vrrp_members *members,
			       nstime now, char *out, size_t size)
{
	struct text text = text_of(out, size);
	size_t member = decides(group, members);
	char words[WORDS];

	if (members->count)
		text_add(&text, "%s: %s", members->list[member].name,
			 words_of(members, member, now, words));
	return out;
}

static bool waits(const struct vrrp_member *member, nstime now)
{
	return member->machine->state == VRRP_BACKUP && now >= member->machine->claim_at;
}

static bool follows(const struct vrrp_member *member)
{
	if (member->machine->state == VRRP_FAULT)
		return !member->faults;
	return member->machine->reason.why == VRRP_WHY_GROUP;
}

bool vrrp_group_matters(const struct vrrp_member *member, nstime now)
{
	return waits(member, now) || follows(member);
}

const char *vrrp_group_explain_member(const struct vrrp_group *group,
				      const struct vrrp_members *members, size_t member, nstime now,
				      char *out, size_t size)
{
	const struct vrrp_member *about = &members->list[member];
	size_t other = vrrp_group_matters(about, now) ? decides(group, members) : member;
	struct text text = text_of(out, size);
	char words[WORDS];

	if (waits(about, now) && other != member)
		text_add(&text, "waiting for %s: ", members->list[other].name);
	else if (follows(about))
		text_add(&text, "with %s: ", members->list[other].name);
	else
		other = member;
	text_add(&text, "%s", words_of(members, other, now, words));
	return out;
}
