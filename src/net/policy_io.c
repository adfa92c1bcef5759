/* Messages as struct fib_rule_hdr, rtmsg and attributes (linux/fib_rules.h, rtnetlink(7)). */
#include "net/policy_io.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/arena.h"
#include "net/rtnl_io.h"

#define DUMP_TRIES 8
#define LOOPBACK "lo"

/* ---- making --------------------------------------------------------------------------------- */

static struct nl_msg *rule_message(const struct policy_op *op)
{
	bool adds = op->action == POLICY_ADD_RULE;
	struct fib_rule_hdr head = {
		.family = op->family, .table = RT_TABLE_UNSPEC, .action = FR_ACT_TO_TBL};
	struct nl_msg *message =
		nlmsg_alloc_simple(adds ? RTM_NEWRULE : RTM_DELRULE,
				   NLM_F_REQUEST | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    nla_put_u32(message, FRA_PRIORITY, POLICY_PREFERENCE) ||
	    nla_put_string(message, FRA_IIFNAME, LOOPBACK) ||
	    nla_put_u32(message, FRA_FWMARK, op->rule.mark) ||
	    nla_put_u32(message, FRA_FWMASK, op->rule.mask) ||
	    nla_put_u32(message, FRA_TABLE, POLICY_TABLE) ||
	    nla_put_u8(message, FRA_PROTOCOL, POLICY_PROTOCOL)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static struct nl_msg *local_message(const struct policy_op *op)
{
	bool adds = op->action == POLICY_ADD_LOCAL;
	struct rtmsg head = {
		.rtm_family = op->family,
		.rtm_dst_len = (unsigned char)addr_bits(op->family),
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = POLICY_PROTOCOL,
		.rtm_scope = RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL,
	};
	struct nl_msg *message =
		nlmsg_alloc_simple(adds ? RTM_NEWROUTE : RTM_DELROUTE,
				   NLM_F_REQUEST | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    nla_put(message, RTA_DST, (int)addr_size(op->family), op->local.bytes) ||
	    nla_put_u32(message, RTA_OIF, if_nametoindex(LOOPBACK)) ||
	    nla_put_u32(message, RTA_TABLE, POLICY_TABLE)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int policy_do(struct rtnl *rtnl, const struct policy_op *op)
{
	int error = 0;

	switch (op->action) {
	case POLICY_ADD_RULE:
	case POLICY_REMOVE_RULE:
		error = rtnl_ask(rtnl, rule_message(op), NULL, NULL);
		break;
	case POLICY_ADD_LOCAL:
	case POLICY_REMOVE_LOCAL:
		error = rtnl_ask(rtnl, local_message(op), NULL, NULL);
		break;
	}
	return error == -EEXIST || error == -ESRCH || error == -ENOENT ? 0 : error;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reading {
	struct arena *arena;
	struct policy_set policy;
	uint8_t family;
};

static uint32_t number_of(struct nlattr **attributes, int type, uint32_t otherwise)
{
	struct nlattr *attribute = attributes[type];

	return attribute && nla_len(attribute) >= 4 ? nla_get_u32(attribute) : otherwise;
}

static int take_rule(struct nlmsghdr *message, void *ctx)
{
	struct reading *reading = ctx;
	struct nlattr *attributes[FRA_MAX + 1];
	struct policy_rule *rule;

	if (message->nlmsg_type != RTM_NEWRULE ||
	    nlmsg_parse(message, sizeof(struct fib_rule_hdr), attributes, FRA_MAX, NULL))
		return 0;
	if (!attributes[FRA_PROTOCOL] || nla_len(attributes[FRA_PROTOCOL]) < 1 ||
	    nla_get_u8(attributes[FRA_PROTOCOL]) != POLICY_PROTOCOL ||
	    number_of(attributes, FRA_TABLE, 0) != POLICY_TABLE ||
	    number_of(attributes, FRA_PRIORITY, 0) != POLICY_PREFERENCE ||
	    !attributes[FRA_IIFNAME])
		return 0;
	rule = arena_push(reading->arena, &reading->policy.rules, &reading->policy.rule_count,
			  sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->mark = number_of(attributes, FRA_FWMARK, 0);
	rule->mask = number_of(attributes, FRA_FWMASK, UINT32_MAX);
	return 0;
}

static int take_route(struct nlmsghdr *message, void *ctx)
{
	struct reading *reading = ctx;
	const struct rtmsg *head = nlmsg_data(message);
	struct nlattr *attributes[RTA_MAX + 1];
	size_t size = addr_size(reading->family);
	struct addr *local;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(message, sizeof(*head), attributes, RTA_MAX, NULL))
		return 0;
	if (head->rtm_protocol != POLICY_PROTOCOL || head->rtm_type != RTN_LOCAL ||
	    head->rtm_dst_len != addr_bits(reading->family) ||
	    number_of(attributes, RTA_TABLE, head->rtm_table) != POLICY_TABLE ||
	    !attributes[RTA_DST] || (size_t)nla_len(attributes[RTA_DST]) != size)
		return 0;
	local = arena_push(reading->arena, &reading->policy.locals, &reading->policy.local_count,
			   sizeof(*local));
	if (!local)
		return -ENOMEM;
	*local = (struct addr){.family = reading->family};
	memcpy(local->bytes, nla_data(attributes[RTA_DST]), size);
	return 0;
}

static struct nl_msg *routes_wanted(uint8_t family)
{
	struct rtmsg head = {.rtm_family = family};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);

	if (message && (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
			nla_put_u32(message, RTA_TABLE, POLICY_TABLE))) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static struct nl_msg *rules_wanted(uint8_t family)
{
	struct fib_rule_hdr head = {.family = family};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP);

	if (message && nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int policy_read(struct rtnl *rtnl, struct arena *arena, uint8_t family, struct policy_set *out)
{
	struct reading reading = {0};
	int error = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && error == -EAGAIN; i++) {
		reading = (struct reading){.arena = arena, .family = family};
		error = rtnl_ask(rtnl, rules_wanted(family), take_rule, &reading);
		if (!error)
			error = rtnl_ask(rtnl, routes_wanted(family), take_route, &reading);
		if (error == -ENOENT) /* there is no such table */
			error = 0;
	}
	if (error)
		return error;
	policy_sort(&reading.policy);
	*out = reading.policy;
	return 0;
}

/* ---- the way out ---------------------------------------------------------------------------- */

static int take_link(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[RTA_MAX + 1];
	uint32_t *link = ctx;

	if (message->nlmsg_type == RTM_NEWROUTE &&
	    !nlmsg_parse(message, sizeof(struct rtmsg), attributes, RTA_MAX, NULL))
		*link = number_of(attributes, RTA_OIF, 0);
	return 0;
}

int policy_link_towards(struct rtnl *rtnl, const struct addr *address, uint32_t *link)
{
	struct rtmsg head = {.rtm_family = address->family,
			     .rtm_dst_len = (unsigned char)addr_bits(address->family)};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	uint32_t found = 0;
	int error;

	if (message && (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
			nla_put(message, RTA_DST, (int)addr_size(address->family),
				address->bytes))) {
		nlmsg_free(message);
		message = NULL;
	}
	error = rtnl_ask(rtnl, message, take_link, &found);
	if (!error && !found)
		error = -ENETUNREACH;
	if (!error)
		*link = found;
	return error;
}
