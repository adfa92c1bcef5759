/* The planner: merge walks over two sorted tables; see the header for the order of operations. */
#include "ipvs/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* Two sorted arrays side by side: each step gives the elements with the next key, NULL where one
 * has it not. */
struct walk {
	struct ipvs_dest *desired, *desired_end;
	const struct ipvs_dest *actual, *actual_end;
};

struct pair {
	struct ipvs_dest *desired;
	const struct ipvs_dest *actual;
};

static struct walk walk_of(const struct ipvs_service *desired, const struct ipvs_service *actual)
{
	struct walk walk = {0};

	if (desired && desired->dest_count) {
		walk.desired = desired->dests;
		walk.desired_end = desired->dests + desired->dest_count;
	}
	if (actual && actual->dest_count) {
		walk.actual = actual->dests;
		walk.actual_end = actual->dests + actual->dest_count;
	}
	return walk;
}

static bool walk_next(struct walk *walk, struct pair *out)
{
	bool more_desired = walk->desired != walk->desired_end,
	     more_actual = walk->actual != walk->actual_end;
	int by;

	if (!more_desired && !more_actual)
		return false;
	if (more_desired && more_actual)
		by = ipvs_dest_key_compare(&walk->desired->key, &walk->actual->key);
	else
		by = more_desired ? -1 : 1;
	out->desired = by <= 0 ? walk->desired++ : NULL;
	out->actual = by >= 0 ? walk->actual++ : NULL;
	return true;
}

static int push(struct arena *arena, struct ipvs_plan *plan, enum ipvs_op_kind kind,
		const struct ipvs_service *service, const struct ipvs_dest *dest)
{
	struct ipvs_op *op = arena_push(arena, &plan->ops, &plan->count, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->kind = kind;
	op->service = service->key;
	op->service_attr = service->attr;
	if (dest) {
		op->dest = dest->key;
		op->dest_attr = dest->attr;
	}
	return 0;
}

/* Whether making `actual` into `desired` lets a server take connections that could not before. */
static bool brings_capacity(const struct pair *pair)
{
	return pair->desired->attr.weight && !(pair->actual && pair->actual->attr.weight);
}

/* The place of the next destination that is added. */
static uint32_t next_place(const struct ipvs_service *service)
{
	uint32_t next = 0;

	for (size_t i = 0; service && i < service->dest_count; i++)
		if (service->dests[i].place >= next)
			next = service->dests[i].place + 1;
	return next;
}

static int plan_dests(struct arena *arena, struct ipvs_plan *plan,
		      const struct ipvs_service *desired, const struct ipvs_service *actual,
		      bool capacity, uint32_t *next)
{
	struct walk walk = walk_of(desired, actual);
	struct pair pair;
	int error = 0;

	while (!error && walk_next(&walk, &pair)) {
		if (!pair.desired || brings_capacity(&pair) != capacity)
			continue;
		pair.desired->place = pair.actual ? pair.actual->place : (*next)++;
		if (!pair.actual)
			error = push(arena, plan, IPVS_ADD_DEST, desired, pair.desired);
		else if (!ipvs_dest_attr_equal(&pair.desired->attr, &pair.actual->attr))
			error = push(arena, plan, IPVS_SET_DEST, desired, pair.desired);
	}
	return error;
}

static int plan_changes(struct arena *arena, struct ipvs_plan *plan, struct ipvs_service *desired,
			const struct ipvs_service *actual)
{
	uint32_t next = next_place(actual);
	int error = 0;

	if (!desired)
		return 0;
	if (!actual)
		error = push(arena, plan, IPVS_ADD_SERVICE, desired, NULL);
	else if (!ipvs_service_attr_equal(&desired->attr, &actual->attr))
		error = push(arena, plan, IPVS_SET_SERVICE, desired, NULL);
	if (!error)
		error = plan_dests(arena, plan, desired, actual, true, &next);
	return error ? error : plan_dests(arena, plan, desired, actual, false, &next);
}

/* A service that goes takes its destinations with it: one operation. */
static int plan_removals(struct arena *arena, struct ipvs_plan *plan, struct ipvs_service *desired,
			 const struct ipvs_service *actual)
{
	struct walk walk = walk_of(desired, actual);
	struct pair pair;
	int error = 0;

	if (!actual)
		return 0;
	if (!desired)
		return push(arena, plan, IPVS_DEL_SERVICE, actual, NULL);
	while (!error && walk_next(&walk, &pair))
		if (!pair.desired)
			error = push(arena, plan, IPVS_DEL_DEST, actual, pair.actual);
	return error;
}

/* How many servers a service has, and of these how many can take connections. */
struct strength {
	size_t servers, usable;
};

static struct strength strength_of(const struct ipvs_service *service)
{
	struct strength strength = {.servers = service->dest_count};

	for (size_t i = 0; i < service->dest_count; i++)
		strength.usable += service->dests[i].attr.weight > 0;
	return strength;
}

/* Of those in `actual` that stay. */
static struct strength strength_left(const struct ipvs_service *desired,
				     const struct ipvs_service *actual)
{
	struct walk walk = walk_of(desired, actual);
	struct strength strength = {0};
	struct pair pair;

	while (walk_next(&walk, &pair)) {
		bool stays = pair.desired && pair.actual;

		strength.servers += stays;
		strength.usable += stays && pair.actual->attr.weight > 0;
	}
	return strength;
}

static bool leaves_enough(const struct ipvs_service *desired, const struct ipvs_service *actual)
{
	struct strength goal = strength_of(desired), now = strength_of(actual),
			left = strength_left(desired, actual);

	return (left.servers || !now.servers || !goal.servers) &&
	       (left.usable || !now.usable || !goal.usable);
}

static int plan_safe_removals(struct arena *arena, struct ipvs_plan *plan,
			      struct ipvs_service *desired, const struct ipvs_service *actual)
{
	if (desired && actual && !leaves_enough(desired, actual))
		return 0;
	return plan_removals(arena, plan, desired, actual);
}

/* ---- the order ------------------------------------------------------------------------------ */

static bool order_matters(const struct ipvs_service *service)
{
	static const char *const schedulers[] = {"mh", "sh", "dh"};

	for (size_t i = 0; i < COUNT_OF(schedulers); i++)
		if (!strcmp(service->attr.scheduler, schedulers[i]))
			return true;
	return false;
}

/* How many of the first destinations may stay where they are: they came in this order, and whatever
 * is added from now on comes after them. */
static size_t well_placed(const struct ipvs_service *service)
{
	size_t count = 1;

	while (count < service->dest_count &&
	       service->dests[count - 1].place < service->dests[count].place)
		count++;
	return count;
}

/* Whether somebody is there for clients at each moment at which one of these is not. */
static bool may_move(const struct ipvs_service *service, size_t from)
{
	bool any = false;

	for (size_t i = from; i < service->dest_count; i++)
		any |= service->dests[i].attr.weight > 0;
	return !any || strength_of(service).usable > 1;
}

static int plan_order(struct arena *arena, struct ipvs_plan *plan, struct ipvs_service *service)
{
	uint32_t next;
	size_t from;
	int error = 0;

	if (service->dest_count < 2 || !order_matters(service))
		return 0;
	from = well_placed(service);
	if (!may_move(service, from))
		return 0;
	next = next_place(service);
	for (size_t i = from; i < service->dest_count && !error; i++) {
		service->dests[i].place = next++;
		error = push(arena, plan, IPVS_DEL_DEST, service, &service->dests[i]);
		if (!error)
			error = push(arena, plan, IPVS_ADD_DEST, service, &service->dests[i]);
	}
	return error;
}

int ipvs_plan_order(struct arena *arena, struct ipvs_table *table, struct ipvs_plan *plan)
{
	int error = 0;

	for (size_t i = 0; i < table->count && !error; i++)
		error = plan_order(arena, plan, &table->services[i]);
	return error;
}

bool ipvs_plan_is_move(const struct ipvs_op *ops, size_t count)
{
	return count > 1 && ops[0].kind == IPVS_DEL_DEST && ops[1].kind == IPVS_ADD_DEST &&
	       !ipvs_service_key_compare(&ops[0].service, &ops[1].service) &&
	       !ipvs_dest_key_compare(&ops[0].dest, &ops[1].dest);
}

/* ---- whole plans ---------------------------------------------------------------------------- */

int ipvs_plan_service(struct arena *arena, struct ipvs_service *desired,
		      const struct ipvs_service *actual, struct ipvs_plan *plan)
{
	int error = plan_changes(arena, plan, desired, actual);

	if (!error)
		error = plan_removals(arena, plan, desired, actual);
	return error || !desired ? error : plan_order(arena, plan, desired);
}

static int by_key(const void *a, const void *b)
{
	return ipvs_service_key_compare(a, b);
}

bool ipvs_keys_have(const struct ipvs_keys *set, const struct ipvs_service_key *key)
{
	return set->count && bsearch(key, set->keys, set->count, sizeof(*key), by_key);
}

int ipvs_keys_of(struct arena *arena, const struct ipvs_table *table, struct ipvs_keys *out)
{
	struct ipvs_keys keys = {.keys = arena_array(arena, table->count, sizeof(*keys.keys)),
				 .count = table->count};

	if (!keys.keys)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		keys.keys[i] = table->services[i].key;
	*out = keys;
	return 0;
}

/* One pass over both tables: the changes, or the removals. */
static int plan_pass(struct arena *arena, struct ipvs_plan *plan, const struct ipvs_table *desired,
		     const struct ipvs_table *actual, const struct ipvs_keys *owned,
		     int (*add)(struct arena *, struct ipvs_plan *, struct ipvs_service *,
				const struct ipvs_service *))
{
	size_t d = 0, a = 0;
	int error = 0;

	while (!error && (d < desired->count || a < actual->count)) {
		struct ipvs_service *want = d < desired->count ? &desired->services[d] : NULL;
		const struct ipvs_service *have = a < actual->count ? &actual->services[a] : NULL;
		int by = want ? -1 : 1;

		if (want && have)
			by = ipvs_service_key_compare(&want->key, &have->key);
		if (by <= 0)
			d++;
		if (by >= 0)
			a++;
		if (by > 0 && !ipvs_keys_have(owned, &have->key))
			continue;
		error = add(arena, plan, by <= 0 ? want : NULL, by >= 0 ? have : NULL);
	}
	return error;
}

int ipvs_plan_build(struct arena *arena, struct ipvs_table *desired,
		    const struct ipvs_table *actual, const struct ipvs_keys *owned,
		    struct ipvs_plan *out)
{
	struct ipvs_plan plan = {0};
	int error = plan_pass(arena, &plan, desired, actual, owned, plan_changes);

	plan.removals = plan.count;
	if (!error)
		error = plan_pass(arena, &plan, desired, actual, owned, plan_removals);
	if (!error)
		*out = plan;
	return error;
}

int ipvs_plan_safe_removals(struct arena *arena, const struct ipvs_table *desired,
			    const struct ipvs_table *actual, const struct ipvs_keys *owned,
			    struct ipvs_plan *out)
{
	struct ipvs_plan plan = {0};
	int error = plan_pass(arena, &plan, desired, actual, owned, plan_safe_removals);

	if (!error)
		*out = plan;
	return error;
}
