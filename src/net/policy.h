/* Policy routing of our own, by family: a rule that shows packets which this machine sends with a mark
 * of ours to a table of our own, and in that table addresses that such packets take for local. What
 * shall be there (desired), what is there (actual), what to do (plan). Pure.
 *
 * The rule stands behind the kernel's own for local addresses (0), in front of whatever else. That is
 * for packets that IPVS is to take (net/netfilter/ipvs/ip_vs_core.c, ip_vs_in at LOCAL_OUT): those that
 * it does not take end here, instead of going to whoever has the address. Rules and routes bear our
 * protocol number; of what the table has, nothing else is ours. */
#ifndef LBHA_NET_POLICY_H
#define LBHA_NET_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct arena;
struct text;

#define POLICY_PROTOCOL 76 /* as ROUTE_PROTOCOL_LBHA */
#define POLICY_PREFERENCE 76
#define POLICY_TABLE 19522 /* "LB" */

/* "from all fwmark MARK/MASK iif lo lookup POLICY_TABLE" */
struct policy_rule {
	uint32_t mark, mask;
};

/* Of one family. Addresses are sorted, none twice. */
struct policy_set {
	struct policy_rule *rules;
	size_t rule_count;
	struct addr *locals;
	size_t local_count;
};

enum policy_action {
	POLICY_ADD_LOCAL,
	POLICY_ADD_RULE,
	POLICY_REMOVE_RULE,
	POLICY_REMOVE_LOCAL,
};

struct policy_op {
	enum policy_action action;
	uint8_t family;
	struct policy_rule rule;
	struct addr local;
};

struct policy_plan {
	struct policy_op *ops;
	size_t count;
	size_t removals; /* index of the first removal; count: there is none */
};

/* Sorts addresses and drops those that are there twice. */
void policy_sort(struct policy_set *policy);

/* Addresses come before the rule that leads to them, and go after it. -ENOMEM. */
int policy_plan_build(struct arena *arena, uint8_t family, const struct policy_set *desired,
		      const struct policy_set *actual, struct policy_plan *out);

/* As ip(8) takes it. */
void policy_op_format(const struct policy_op *op, struct text *out);
#define POLICY_TEXT 128

#endif
