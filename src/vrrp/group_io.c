/* Sync groups as they live: after every step of a member the group's machine (vrrp/group.h) is
 * asked who gets which input next, until all agree. A group outlives reloads under its name;
 * members come and go with the configuration. Those that a reload takes away are a group of their
 * own until they have released together.
 *
 * A claim waits until the sockets of all members were read: after a pause of ours the better
 * master's adverts may lie in any of them. So it is made from the group's own timer and never while
 * a packet is being taken in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/changes.h"
#include "config/copy.h"
#include "core/worker.h"
#include "vrrp/group.h"
#include "vrrp/worker_io.h"

struct group {
	struct vrrp_worker *worker;
	struct arena *arena; /* of `about` and the arrays below */
	struct sync_group about;
	uint32_t index; /* of its fact, behind those of the routers */
	struct router **routers;
	struct vrrp_member *members;
	size_t count;
	struct vrrp_group machine;
	struct loop_timer timer;
	bool leaving;
	bool settling; /* what members do now is looked at when the turn is over */
	bool drained;  /* all sockets were read in this turn: it may claim */
};

/* ---- the machine's view --------------------------------------------------------------------- */

static struct vrrp_member member_of(const struct router *router)
{
	return (struct vrrp_member){.name = router->about.name,
				    .machine = &router->machine,
				    .config = &router->config,
				    .faults = router->faults,
				    .fault_text = note_text(router->fault_text)};
}

static struct vrrp_members members_of(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		group->members[i] = member_of(group->routers[i]);
	return (struct vrrp_members){.list = group->members, .count = group->count};
}

static size_t place_of(const struct group *group, const struct router *router)
{
	size_t i = 0;

	while (i < group->count && group->routers[i] != router)
		i++;
	return i;
}

static const char *words(const struct group *group, char *out)
{
	struct vrrp_members members = members_of(group);

	return vrrp_group_explain(&group->machine, &members, clock_now(), out, FACT_DETAIL);
}

const char *group_reason(const struct router *router, char *out, size_t size)
{
	const struct group *group = router->group;
	struct vrrp_member member = member_of(router);
	nstime now = clock_now();
	struct vrrp_members members;

	if (!vrrp_group_matters(&member, now))
		return vrrp_explain(&router->machine.reason, now, member.fault_text, out, size);
	members = members_of(group);
	return vrrp_group_explain_member(&group->machine, &members, place_of(group, router), now,
					 out, size);
}

const char *group_name(const struct group *group)
{
	return group->about.name;
}

/* ---- turns ---------------------------------------------------------------------------------- */

void group_dirty(struct group *group)
{
	struct vrrp_worker *worker = group->worker;

	if (group->leaving)
		return;
	for (size_t i = 0; i < group->count; i++)
		worker_dirty(worker->frame, group->routers[i]->index);
	worker_dirty(worker->frame, (uint32_t)worker->router_count + group->index);
}

static void tell_state(struct group *group, enum vrrp_state before)
{
	char text[FACT_DETAIL];

	if (before == group->machine.state)
		return;
	if (!group->leaving)
		log_event(LOG_LEVEL_INFO,
			  &(struct log_about){.event = "group_state",
					      .sync_group = group->about.name},
			  "sync group %s: %s → %s: %s", group->about.name, vrrp_state_name(before),
			  vrrp_state_name(group->machine.state), words(group, text));
	group_dirty(group);
}

void group_settle(struct group *group)
{
	struct vrrp_members members;
	enum vrrp_state before = group->machine.state;
	struct vrrp_input input;
	nstime due = NSTIME_NEVER;
	size_t member;

	if (group->settling || group->worker->forming)
		return;
	group->settling = true;
	members = members_of(group);
	while (vrrp_group_next(&group->machine, &members, clock_now(), worker_random(group->worker),
			       &member, &input)) {
		if (input.kind == VRRP_INPUT_GROUP_TAKE && !group->drained) {
			due = 0;
			break;
		}
		router_step(group->routers[member], input);
		members = members_of(group);
	}
	group->settling = false;
	timer_at(&group->timer, due ? vrrp_group_due(&group->machine, &members, clock_now()) : due);
	tell_state(group, before);
}

static void due(void *ctx)
{
	struct group *group = ctx;

	group->settling = true;
	for (size_t i = 0; i < group->count; i++)
		if (group->routers[i]->machine.state == VRRP_BACKUP)
			wire_drain(group->routers[i]);
	group->settling = false;
	group->drained = true;
	group_settle(group);
	group->drained = false;
	group_dirty(group);
}

static void order(struct group *group, enum vrrp_group_order what)
{
	vrrp_group_order(&group->machine, what);
	group_settle(group);
}

bool group_orders(struct group *group, enum vrrp_input_kind kind)
{
	if (group->settling) /* it is the group that speaks */
		return false;
	if (kind == VRRP_INPUT_STEP_DOWN)
		order(group, VRRP_GROUP_STEP_DOWN);
	else if (kind == VRRP_INPUT_CLAIM)
		order(group, VRRP_GROUP_CLAIM);
	else
		return false;
	return true;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* Only if all members can go on as master, else none does. With one that was handed what a master of
 * ours had come those that are new with it: as long as they listened, it would be gone. */
static bool can_resume(const struct group *group)
{
	bool all = true, handed = false;

	for (size_t i = 0; i < group->count; i++) {
		const struct router *router = group->routers[i];

		if (router->faults || (router->started && router->machine.state != VRRP_MASTER))
			return false;
		all &= router->started || router_resumes(router);
		handed |= !router->started && vips_handed(router);
	}
	return all || handed;
}

static void begin(struct group *group)
{
	struct vrrp_members members;
	bool resumes;

	for (size_t i = 0; i < group->count; i++)
		if (!group->routers[i]->started)
			router_prepare(group->routers[i]);
	resumes = can_resume(group);
	members = members_of(group);
	group->settling = true;
	for (size_t i = 0; i < group->count; i++)
		if (!group->routers[i]->started)
			router_start(group->routers[i], resumes,
				     vrrp_group_faults(&group->machine, &members, i));
	group->settling = false;
	group_settle(group);
}

void groups_begin(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->group_count; i++)
		begin(worker->groups[i]);
}

void groups_release(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->group_count; i++)
		order(worker->groups[i], VRRP_GROUP_RELEASE);
}

/* ---- making --------------------------------------------------------------------------------- */

void group_free(struct group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		if (group->routers[i]->group == group)
			group->routers[i]->group = NULL;
	timer_fini(&group->timer);
	arena_free(group->arena);
	free(group);
}

static struct group *group_new(struct vrrp_worker *worker)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->worker = worker;
	vrrp_group_init(&group->machine, clock_now());
	if (timer_init(worker_loop(worker->frame), &group->timer, LOOP_URGENT, due, group)) {
		free(group);
		return NULL;
	}
	return group;
}

/* The arrays for its members; `about` may be NULL. */
static int group_take(struct group *group, const struct sync_group *about, size_t count)
{
	struct arena *arena = arena_new(0);
	struct sync_group copy = {0};
	struct router **routers = arena ? arena_array(arena, count, sizeof(*routers)) : NULL;
	struct vrrp_member *members = arena ? arena_array(arena, count, sizeof(*members)) : NULL;

	if (!routers || !members || (about && sync_group_copy(arena, about, &copy))) {
		arena_free(arena);
		return -ENOMEM;
	}
	arena_free(group->arena);
	group->arena = arena;
	group->about = copy;
	group->routers = routers;
	group->members = members;
	group->count = 0;
	return 0;
}

static void group_add(struct group *group, struct router *router)
{
	group->routers[group->count++] = router;
	router->group = group;
}

/* ---- reload --------------------------------------------------------------------------------- */

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

/* The present groups by name, in the arena. -ENOMEM. */
static int index_names(const struct vrrp_worker *worker, struct arena *arena, struct table *out)
{
	int err = arena ? table_init(out, arena, worker->group_count) : -ENOMEM;

	for (size_t i = 0; i < worker->group_count && !err; i++)
		err = table_add(out, name_hash(worker->groups[i]->about.name), (uint32_t)i);
	return err;
}

static struct group *find(const struct vrrp_worker *worker, const struct table *names,
			  const char *name)
{
	size_t step = 0;
	uint32_t i;

	while (table_next(names, name_hash(name), &step, &i))
		if (!strcmp(worker->groups[i]->about.name, name))
			return worker->groups[i];
	return NULL;
}

/* The members of a group that leave do so together. One alone needs no group for that. */
static int leave_together(struct group *group)
{
	struct group *made;
	size_t leaving = 0;

	for (size_t i = 0; i < group->count; i++)
		leaving += group->routers[i]->leaving && !group->routers[i]->released;
	if (leaving < 2)
		return 0;
	made = group_new(group->worker);
	if (!made || group_take(made, NULL, leaving)) {
		group_free(made);
		return -ENOMEM;
	}
	made->leaving = true;
	vrrp_group_order(&made->machine, VRRP_GROUP_RELEASE);
	for (size_t i = 0; i < group->count; i++)
		if (group->routers[i]->leaving && !group->routers[i]->released)
			group_add(made, group->routers[i]);
	return 0;
}

/* The group of that name, as it is to be; what it has been through stays. */
static struct group *renew(struct vrrp_worker *worker, const struct table *names,
			   const struct sync_group *about, uint32_t index)
{
	struct group *group = find(worker, names, about->name);
	const struct router *cause = NULL;
	struct group *made = group ? group : group_new(worker);

	if (group && group->machine.cause < group->count)
		cause = group->routers[group->machine.cause];
	if (!made || group_take(made, about, about->instance_count)) {
		if (!group)
			group_free(made);
		return NULL;
	}
	made->index = index;
	for (size_t i = 0; i < about->instance_count; i++)
		group_add(made, worker->routers[about->instances[i]]);
	made->machine.cause = place_of(made, cause);
	return made;
}

/* A member that becomes a router of its own, or the reverse, is told; its faults are its own now.
 */
static void membership_changed(struct router *router)
{
	bool grouped = router->group != NULL;

	if (router->config.grouped == grouped)
		return;
	router->config.grouped = grouped;
	router->changed = true;
	if (!grouped && router->started)
		router_step(router, (struct vrrp_input){.kind = VRRP_INPUT_FAULTS,
							.faults = router->faults});
}

static void replace_groups(struct vrrp_worker *worker, struct group **groups, size_t count)
{
	for (size_t i = 0; i < worker->group_count; i++) {
		struct group *old = worker->groups[i];

		if (old->index >= count || groups[old->index] != old)
			group_free(old);
	}
	free(worker->groups);
	worker->groups = groups;
	worker->group_count = count;
}

int groups_take(struct vrrp_worker *worker, const struct model *model)
{
	struct group **groups = calloc(model->sync_group_count + 1, sizeof(struct group *));
	auto_arena *scratch = arena_new(0);
	struct table names = {0};
	int err = groups ? index_names(worker, scratch, &names) : -ENOMEM;

	worker->forming = true;
	for (size_t i = 0; i < worker->group_count && !err; i++)
		err = leave_together(worker->groups[i]);
	for (size_t i = 0; i < worker->group_count; i++)
		for (size_t j = 0; j < worker->groups[i]->count; j++)
			if (worker->groups[i]->routers[j]->group == worker->groups[i])
				worker->groups[i]->routers[j]->group = NULL;
	for (size_t i = 0; i < model->sync_group_count && !err; i++) {
		groups[i] = renew(worker, &names, &model->sync_groups[i], (uint32_t)i);
		err = groups[i] ? 0 : -ENOMEM;
	}
	if (err) {
		free(groups);
		return err;
	}
	replace_groups(worker, groups, model->sync_group_count);
	for (size_t i = 0; i < worker->router_count; i++) {
		worker->routers[i]->about.sync_group = model->instances[i].sync_group;
		membership_changed(worker->routers[i]);
	}
	for (size_t i = 0; i < worker->leaving_count; i++)
		membership_changed(worker->leaving[i]);
	worker->forming = false;
	return 0;
}

void group_forget(struct router *router)
{
	struct group *group = router->group;

	if (!group)
		return;
	router->group = NULL;
	pointers_remove(&group->routers, &group->count, router);
	if (group->leaving && !group->count)
		group_free(group);
}

/* ---- telling -------------------------------------------------------------------------------- */

struct teller {
	struct vrrp_worker *worker;
	const char *name;
};

static void tell_change(void *ctx, const char *text)
{
	const struct teller *teller = ctx;

	worker_line(teller->worker->frame, "sync group %s: %s", teller->name, text);
}

int groups_tell(struct vrrp_worker *worker, const struct model *model)
{
	auto_arena *scratch = arena_new(0);
	bool *stays =
		scratch ? arena_array(scratch, worker->group_count + 1, sizeof(*stays)) : NULL;
	struct table names = {0};

	if (!stays || index_names(worker, scratch, &names))
		return -ENOMEM;
	for (size_t i = 0; i < model->sync_group_count; i++) {
		const struct sync_group *about = &model->sync_groups[i];
		const struct group *group = find(worker, &names, about->name);
		struct teller teller = {.worker = worker, .name = about->name};

		if (group)
			stays[group->index] = true;
		if (group)
			schema_changes(&schema_sync_group, &group->about, about, tell_change,
				       &teller);
		else
			worker_line(worker->frame, "sync group %s: bind %zu virtual routers",
				    about->name, about->instance_count);
	}
	for (size_t i = 0; i < worker->group_count; i++)
		if (!stays[i])
			worker_line(worker->frame, "sync group %s: unbind its virtual routers",
				    worker->groups[i]->about.name);
	return 0;
}

void group_fact(const struct vrrp_worker *worker, uint32_t number, struct fact_group *out)
{
	const struct group *group = worker->groups[number];
	char text[FACT_DETAIL];

	*out = (struct fact_group){
		.group = number, .state = group->machine.state, .since = group->machine.since};
	words(group, text);
	memcpy(out->reason, text, sizeof(out->reason));
}
