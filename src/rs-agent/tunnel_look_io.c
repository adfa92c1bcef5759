/* RTM_GETLINK (rtnetlink(7)): kind and ends are in IFLA_LINKINFO, whose attributes have other numbers
 * for gre than for the rest (linux/if_tunnel.h). */
#include "rs-agent/tunnel_look_io.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/rtnl_io.h"

struct collector {
	struct arena *arena;
	struct doctor_sight *sight;
};

struct kind {
	const char *name;
	int local, remote;
};

static const struct kind kinds[] = {
	{"ipip", IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE},
	{"sit", IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE},
	{"ip6tnl", IFLA_IPTUN_LOCAL, IFLA_IPTUN_REMOTE},
	{"gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE},
	{"ip6gre", IFLA_GRE_LOCAL, IFLA_GRE_REMOTE},
};

#define KIND_ATTRIBUTES (IFLA_GRE_MAX > IFLA_IPTUN_MAX ? IFLA_GRE_MAX : IFLA_IPTUN_MAX)

/* Family 0 for the address that means any. */
static struct addr end_of(const struct nlattr *attribute)
{
	struct addr address = {0};

	if (attribute && nla_len(attribute) == 4)
		address = addr_from_bytes(AF_INET, nla_data(attribute));
	else if (attribute && nla_len(attribute) == 16)
		address = addr_from_bytes(AF_INET6, nla_data(attribute));
	return address.family && addr_is_unspecified(&address) ? (struct addr){0} : address;
}

static const struct kind *kind_of(const struct nlattr *attribute)
{
	for (size_t i = 0; attribute && i < COUNT_OF(kinds); i++)
		if (!nla_strcmp(attribute, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static void read_ends(struct nlattr *data, const struct kind *kind, struct doctor_tunnel *tunnel)
{
	struct nlattr *attributes[KIND_ATTRIBUTES + 1];

	if (!data || nla_parse_nested(attributes, KIND_ATTRIBUTES, data, NULL) < 0)
		return;
	tunnel->local = end_of(attributes[kind->local]);
	tunnel->remote = end_of(attributes[kind->remote]);
	if (kind->local == IFLA_GRE_LOCAL && attributes[IFLA_GRE_IFLAGS] &&
	    nla_len(attributes[IFLA_GRE_IFLAGS]) == 2)
		tunnel->checksum = nla_get_u16(attributes[IFLA_GRE_IFLAGS]) & GRE_CSUM;
}

static void read_counters(const struct nlattr *attribute, struct doctor_tunnel *tunnel)
{
	struct rtnl_link_stats64 stats = {0};

	if (!attribute)
		return;
	memcpy(&stats, nla_data(attribute),
	       (size_t)nla_len(attribute) < sizeof(stats) ? (size_t)nla_len(attribute)
							  : sizeof(stats));
	tunnel->packets = stats.rx_packets;
	tunnel->errors = stats.rx_errors;
}

static int collect(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct collector *collector = ctx;
	struct doctor_tunnel *room;
	const struct ifinfomsg *head;
	const struct kind *kind;

	if (nlmsg_parse(message, sizeof(*head), attributes, IFLA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if (!attributes[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) < 0)
		return 0;
	kind = kind_of(info[IFLA_INFO_KIND]);
	if (!kind)
		return 0;
	room = arena_push(collector->arena, &collector->sight->tunnels,
			  &collector->sight->tunnel_count, sizeof(*room));
	if (!room)
		return -ENOMEM;
	room->link = (uint32_t)head->ifi_index;
	memcpy(room->kind, kind->name, strlen(kind->name) + 1);
	read_ends(info[IFLA_INFO_DATA], kind, room);
	read_counters(attributes[IFLA_STATS64], room);
	return 0;
}

int tunnels_look(struct rtnl *rtnl, struct arena *arena, struct doctor_sight *sight)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct collector collector = {arena, sight};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);

	if (message && nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return rtnl_ask(rtnl, message, collect, &collector);
}
