/* See the header. */
#include "net/route_way_io.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "net/rtnl_io.h"

static struct nl_msg *way_message(const struct route_way *way)
{
	int size = (int)addr_size(way->to.family);
	struct rtmsg head = {
		.rtm_family = way->to.family,
		.rtm_dst_len = (uint8_t)addr_bits(way->to.family),
		.rtm_src_len = (uint8_t)addr_bits(way->from.family),
	};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    nla_put(message, RTA_DST, size, way->to.bytes) ||
	    (way->from.family && nla_put(message, RTA_SRC, size, way->from.bytes))) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static void read_metrics(struct nlattr *nested, struct route_way *way)
{
	struct nlattr *metrics[RTAX_MAX + 1];

	if (!nested || nla_parse_nested(metrics, RTAX_MAX, nested, NULL) < 0)
		return;
	if (metrics[RTAX_ADVMSS] && nla_len(metrics[RTAX_ADVMSS]) == 4)
		way->advmss = nla_get_u32(metrics[RTAX_ADVMSS]);
	if (metrics[RTAX_MTU] && nla_len(metrics[RTAX_MTU]) == 4)
		way->mtu = nla_get_u32(metrics[RTAX_MTU]);
}

static int read_way(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *head;
	struct route_way *way = ctx;

	if (nlmsg_parse(message, sizeof(*head), attributes, RTA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if (head->rtm_type != RTN_UNICAST && head->rtm_type != RTN_LOCAL)
		return -ENETUNREACH;
	way->local = head->rtm_type == RTN_LOCAL;
	if (attributes[RTA_OIF] && nla_len(attributes[RTA_OIF]) == 4)
		way->link = nla_get_u32(attributes[RTA_OIF]);
	if (attributes[RTA_GATEWAY] &&
	    nla_len(attributes[RTA_GATEWAY]) == (int)addr_size(way->to.family))
		way->via = addr_from_bytes(way->to.family, nla_data(attributes[RTA_GATEWAY]));
	read_metrics(attributes[RTA_METRICS], way);
	return 0;
}

void route_way_look(struct rtnl *rtnl, struct route_way *way)
{
	way->error = rtnl_ask(rtnl, way_message(way), read_way, way);
}

/* ---- policy ---- */

/* The kernel makes three that are about nothing in particular (fib_default_rules_init). */
static bool is_kernels_own(const struct fib_rule_hdr *head, struct nlattr **attributes)
{
	uint32_t priority = attributes[FRA_PRIORITY] ? nla_get_u32(attributes[FRA_PRIORITY]) : 0;

	return (priority == 0 && head->table == RT_TABLE_LOCAL) ||
	       (priority == 0x7ffe && head->table == RT_TABLE_MAIN) ||
	       (priority == 0x7fff && head->table == RT_TABLE_DEFAULT);
}

static int read_rule(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[FRA_MAX + 1];
	const struct fib_rule_hdr *head;
	bool *has_policy = ctx;

	if (nlmsg_parse(message, sizeof(*head), attributes, FRA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	*has_policy |= !is_kernels_own(head, attributes);
	return 0;
}

int route_policy_look(struct rtnl *rtnl, uint8_t family, bool *out)
{
	struct fib_rule_hdr head = {.family = family};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP);

	if (message && nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return rtnl_ask(rtnl, message, read_rule, out);
}
