/* See the header. */
#include "net/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

void policy_sort(struct policy_set *policy)
{
	size_t kept = 0;

	if (policy->local_count)
		qsort(policy->locals, policy->local_count, sizeof(*policy->locals), by_address);
	for (size_t i = 0; i < policy->local_count; i++)
		if (!kept || addr_compare(&policy->locals[kept - 1], &policy->locals[i]))
			policy->locals[kept++] = policy->locals[i];
	policy->local_count = kept;
}

static bool has_local(const struct policy_set *policy, const struct addr *local)
{
	return policy->local_count && bsearch(local, policy->locals, policy->local_count,
					      sizeof(*policy->locals), by_address);
}

static bool has_rule(const struct policy_set *policy, const struct policy_rule *rule)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].mark == rule->mark && policy->rules[i].mask == rule->mask)
			return true;
	return false;
}

struct building {
	struct arena *arena;
	struct policy_plan plan;
	uint8_t family;
	int error;
};

static struct policy_op *push(struct building *building, enum policy_action action)
{
	struct policy_op *op = arena_push(building->arena, &building->plan.ops,
					  &building->plan.count, sizeof(*op));

	if (op)
		*op = (struct policy_op){.action = action, .family = building->family};
	else
		building->error = -ENOMEM;
	return op;
}

/* Those that `from` has and `beside` has not. */
static void push_locals(struct building *building, enum policy_action action,
			const struct policy_set *from, const struct policy_set *beside)
{
	for (size_t i = 0; i < from->local_count; i++) {
		struct policy_op *op = has_local(beside, &from->locals[i]) ? NULL
									   : push(building, action);

		if (op)
			op->local = from->locals[i];
	}
}

static void push_rules(struct building *building, enum policy_action action,
		       const struct policy_set *from, const struct policy_set *beside)
{
	for (size_t i = 0; i < from->rule_count; i++) {
		struct policy_op *op = has_rule(beside, &from->rules[i]) ? NULL
									 : push(building, action);

		if (op)
			op->rule = from->rules[i];
	}
}

int policy_plan_build(struct arena *arena, uint8_t family, const struct policy_set *desired,
		      const struct policy_set *actual, struct policy_plan *out)
{
	struct building building = {.arena = arena, .family = family};

	push_locals(&building, POLICY_ADD_LOCAL, desired, actual);
	push_rules(&building, POLICY_ADD_RULE, desired, actual);
	building.plan.removals = building.plan.count;
	push_rules(&building, POLICY_REMOVE_RULE, actual, desired);
	push_locals(&building, POLICY_REMOVE_LOCAL, actual, desired);
	if (!building.error)
		*out = building.plan;
	return building.error;
}

void policy_op_format(const struct policy_op *op, struct text *out)
{
	bool adds = op->action == POLICY_ADD_LOCAL || op->action == POLICY_ADD_RULE;
	char address[ADDR_TEXT];

	text_add(out, "ip %s", op->family == AF_INET6 ? "-6 " : "");
	switch (op->action) {
	case POLICY_ADD_RULE:
	case POLICY_REMOVE_RULE:
		text_add(out, "rule %s pref %u iif lo fwmark 0x%x/0x%x lookup %u protocol %u",
			 adds ? "add" : "del", POLICY_PREFERENCE, op->rule.mark, op->rule.mask,
			 POLICY_TABLE, POLICY_PROTOCOL);
		break;
	case POLICY_ADD_LOCAL:
	case POLICY_REMOVE_LOCAL:
		text_add(out, "route %s local %s dev lo table %u protocol %u", adds ? "add" : "del",
			 addr_format(&op->local, address), POLICY_TABLE, POLICY_PROTOCOL);
		break;
	}
}
