/* Messages as struct ifinfomsg, ifaddrmsg and attributes (rtnetlink(7)). libnl's address objects do
 * not know IFA_PROTO, so messages are put together and taken apart attribute by attribute. */
#include "net/rtnl_message_io.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

/* What the kernel alone decides; the rest of the flags is ours to give. */
#define KERNEL_FLAGS                                                                               \
	(IFA_F_SECONDARY | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_PERMANENT)

static int put_address_attributes(struct nl_msg *message, const struct address *address)
{
	const struct addr *local = &address->prefix.address;
	const struct addr *peer = address->peer.family ? &address->peer : local;
	int size = (int)addr_size(local->family);
	struct ifa_cacheinfo lifetimes = {.ifa_prefered = address->preferred,
					  .ifa_valid = address->valid};

	if (nla_put(message, IFA_LOCAL, size, local->bytes) ||
	    nla_put(message, IFA_ADDRESS, size, peer->bytes))
		return -ENOMEM;
	if (address->broadcast.family &&
	    nla_put(message, IFA_BROADCAST, size, address->broadcast.bytes))
		return -ENOMEM;
	if (address->label[0] && nla_put_string(message, IFA_LABEL, address->label))
		return -ENOMEM;
	if ((address->valid != ADDRESS_FOREVER || address->preferred != ADDRESS_FOREVER) &&
	    nla_put(message, IFA_CACHEINFO, sizeof(lifetimes), &lifetimes))
		return -ENOMEM;
	if (nla_put_u32(message, IFA_FLAGS, address->flags & ~(uint32_t)KERNEL_FLAGS))
		return -ENOMEM;
	return address->protocol && nla_put_u8(message, IFA_PROTO, address->protocol) ? -ENOMEM : 0;
}

/* A request, and for what makes something: it may create, and how. */
static struct nl_msg *message_of(int type, bool makes, int how)
{
	return nlmsg_alloc_simple(type, NLM_F_REQUEST | (makes ? NLM_F_CREATE | how : 0));
}

struct nl_msg *rtnl_address_message(int type, int how, const struct address *address)
{
	struct nl_msg *message = message_of(type, type == RTM_NEWADDR, how);
	struct ifaddrmsg head = {
		.ifa_family = address->prefix.address.family,
		.ifa_prefixlen = address->prefix.length,
		.ifa_scope = address->scope,
		.ifa_index = address->link,
	};

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    put_address_attributes(message, address)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int put_route_attributes(struct nl_msg *message, const struct route *route)
{
	int size = (int)addr_size(route->to.address.family);

	if ((route->to.length && nla_put(message, RTA_DST, size, route->to.address.bytes)) ||
	    nla_put_u32(message, RTA_TABLE, route->table) ||
	    nla_put_u32(message, RTA_OIF, route->link))
		return -ENOMEM;
	if (route->via.family && nla_put(message, RTA_GATEWAY, size, route->via.bytes))
		return -ENOMEM;
	return route->metric && nla_put_u32(message, RTA_PRIORITY, route->metric) ? -ENOMEM : 0;
}

static uint8_t scope_of(const struct route *route)
{
	if (!route->via.family)
		return RT_SCOPE_LINK;
	return route->alone ? RT_SCOPE_SITE : RT_SCOPE_UNIVERSE;
}

struct nl_msg *rtnl_route_message(int type, int how, const struct route *route)
{
	struct nl_msg *message = message_of(type, type == RTM_NEWROUTE, how);
	struct rtmsg head = {
		.rtm_family = route->to.address.family,
		.rtm_dst_len = route->to.length,
		.rtm_table = RT_TABLE_UNSPEC, /* the attribute says it */
		.rtm_protocol = route->protocol,
		.rtm_scope = scope_of(route),
		.rtm_type = RTN_UNICAST,
	};

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    put_route_attributes(message, route)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* ---- links ---------------------------------------------------------------------------------- */

static int put_macvlan(struct nl_msg *message, const struct macvlan *link)
{
	struct nlattr *info, *data;

	if (nla_put_string(message, IFLA_IFNAME, link->name) ||
	    nla_put_u32(message, IFLA_LINK, link->parent) ||
	    nla_put(message, IFLA_ADDRESS, LINK_MAC, link->mac))
		return -ENOMEM;
	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info || nla_put_string(message, IFLA_INFO_KIND, "macvlan"))
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (!data || nla_put_u32(message, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE))
		return -ENOMEM;
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return 0;
}

static int link_message_type(enum link_action action)
{
	switch (action) {
	case LINK_ADD:
		return RTM_NEWLINK;
	case LINK_REMOVE:
		return RTM_DELLINK;
	case LINK_MARK:
	case LINK_UP:
	case LINK_DOWN:
	case LINK_ADOPT:
	case LINK_FORGET:
		break;
	}
	return RTM_SETLINK;
}

static int put_link_attributes(struct nl_msg *message, const struct link_op *op)
{
	if (op->action == LINK_ADD)
		return put_macvlan(message, &op->link);
	if (op->action != LINK_MARK)
		return 0;
	return nla_put_string(message, IFLA_IFNAME, op->link.name) ||
			       nla_put_string(message, IFLA_IFALIAS, op->link.alias)
		       ? -ENOMEM
		       : 0;
}

struct nl_msg *rtnl_link_message(const struct link_op *op)
{
	bool by_index = op->action == LINK_UP || op->action == LINK_DOWN || op->action == LINK_REMOVE;
	struct ifinfomsg head = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = by_index ? (int)op->index : 0,
		.ifi_flags = op->action == LINK_UP ? IFF_UP : 0,
		.ifi_change = op->action == LINK_UP || op->action == LINK_DOWN ? IFF_UP : 0,
	};
	struct nl_msg *message =
		message_of(link_message_type(op->action), op->action == LINK_ADD, NLM_F_EXCL);

	if (!message)
		return NULL;
	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    put_link_attributes(message, op)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static void link_kind_read(struct nlattr *const *attributes, struct link *link)
{
	struct nlattr *info[IFLA_INFO_MAX + 1];
	char alias[IFALIASZ] = "", kind[LINK_NAME] = "";

	if (attributes[IFLA_LINK] && nla_len(attributes[IFLA_LINK]) == 4 &&
	    !attributes[IFLA_LINK_NETNSID])
		link->parent = nla_get_u32(attributes[IFLA_LINK]);
	if (attributes[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) >= 0 &&
	    info[IFLA_INFO_KIND])
		nla_strlcpy(kind, info[IFLA_INFO_KIND], sizeof(kind));
	if (attributes[IFLA_IFALIAS])
		nla_strlcpy(alias, attributes[IFLA_IFALIAS], sizeof(alias));
	link->macvlan = !strcmp(kind, "macvlan");
	if (*alias)
		link->alias = link_alias_print(alias);
}

int rtnl_link_read(struct nlmsghdr *message, struct link *out)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *head;
	struct link link = {0};

	if (nlmsg_parse(message, sizeof(*head), attributes, IFLA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if (head->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (!attributes[IFLA_IFNAME] || head->ifi_index <= 0)
		return -EINVAL;
	link.index = (uint32_t)head->ifi_index;
	nla_strlcpy(link.name, attributes[IFLA_IFNAME], sizeof(link.name));
	link.up = head->ifi_flags & IFF_UP;
	link.running = head->ifi_flags & IFF_RUNNING;
	link.loopback = head->ifi_flags & IFF_LOOPBACK;
	link.arp = head->ifi_type == ARPHRD_ETHER && !(head->ifi_flags & IFF_NOARP);
	if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == LINK_MAC)
		memcpy(link.mac, nla_data(attributes[IFLA_ADDRESS]), LINK_MAC);
	if (attributes[IFLA_MTU] && nla_len(attributes[IFLA_MTU]) == 4)
		link.mtu = nla_get_u32(attributes[IFLA_MTU]);
	link_kind_read(attributes, &link);
	*out = link;
	return 0;
}

static struct addr addr_of(uint8_t family, const struct nlattr *attribute)
{
	if (!attribute || nla_len(attribute) != (int)addr_size(family))
		return (struct addr){0};
	return addr_from_bytes(family, nla_data(attribute));
}

static void read_optional(struct nlattr *const *attributes, struct address *address)
{
	struct ifa_cacheinfo lifetimes = {.ifa_prefered = ADDRESS_FOREVER,
					  .ifa_valid = ADDRESS_FOREVER};

	if (attributes[IFA_CACHEINFO] &&
	    nla_len(attributes[IFA_CACHEINFO]) >= (int)sizeof(lifetimes))
		memcpy(&lifetimes, nla_data(attributes[IFA_CACHEINFO]), sizeof(lifetimes));
	address->valid = lifetimes.ifa_valid;
	address->preferred = lifetimes.ifa_prefered;
	if (attributes[IFA_FLAGS] && nla_len(attributes[IFA_FLAGS]) == 4)
		address->flags = nla_get_u32(attributes[IFA_FLAGS]);
	if (address->flags & IFA_F_DEPRECATED)
		address->preferred = 0; /* of a permanent IPv4 address the kernel tells "for ever" */
	if (attributes[IFA_PROTO] && nla_len(attributes[IFA_PROTO]) == 1)
		address->protocol = nla_get_u8(attributes[IFA_PROTO]);
	if (attributes[IFA_LABEL])
		nla_strlcpy(address->label, attributes[IFA_LABEL], sizeof(address->label));
}

int rtnl_address_read(struct nlmsghdr *message, struct address *out)
{
	struct nlattr *attributes[IFA_MAX + 1];
	const struct ifaddrmsg *head;
	struct address address = {0};
	struct addr local, other;

	if (nlmsg_parse(message, sizeof(*head), attributes, IFA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if (head->ifa_family != AF_INET && head->ifa_family != AF_INET6)
		return -ENOMSG;
	other = addr_of(head->ifa_family, attributes[IFA_ADDRESS]);
	local = attributes[IFA_LOCAL] ? addr_of(head->ifa_family, attributes[IFA_LOCAL]) : other;
	if (!local.family || head->ifa_prefixlen > addr_bits(head->ifa_family))
		return -EINVAL;
	address.link = head->ifa_index;
	address.prefix = (struct prefix){.address = local, .length = head->ifa_prefixlen};
	if (other.family && !addr_equal(&other, &local))
		address.peer = other;
	address.broadcast = addr_of(head->ifa_family, attributes[IFA_BROADCAST]);
	address.scope = head->ifa_scope;
	address.flags = head->ifa_flags;
	read_optional(attributes, &address);
	*out = address;
	return 0;
}

static uint32_t number_of(const struct nlattr *attribute, uint32_t otherwise)
{
	return attribute && nla_len(attribute) == 4 ? nla_get_u32(attribute) : otherwise;
}

int rtnl_route_read(struct nlmsghdr *message, struct route *out)
{
	struct nlattr *attributes[RTA_MAX + 1];
	const struct rtmsg *head;
	struct route route = {0};

	if (nlmsg_parse(message, sizeof(*head), attributes, RTA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if ((head->rtm_family != AF_INET && head->rtm_family != AF_INET6) ||
	    head->rtm_type != RTN_UNICAST || (head->rtm_flags & RTM_F_CLONED) ||
	    !attributes[RTA_OIF])
		return -ENOMSG;
	if (head->rtm_dst_len > addr_bits(head->rtm_family))
		return -EINVAL;
	route.to.address = addr_of(head->rtm_family, attributes[RTA_DST]);
	route.to.address.family = head->rtm_family; /* the default route has no destination */
	route.to.length = head->rtm_dst_len;
	route.via = addr_of(head->rtm_family, attributes[RTA_GATEWAY]);
	route.table = number_of(attributes[RTA_TABLE], head->rtm_table);
	route.metric = number_of(attributes[RTA_PRIORITY], 0);
	route.link = number_of(attributes[RTA_OIF], 0);
	route.protocol = head->rtm_protocol;
	*out = route;
	return 0;
}
