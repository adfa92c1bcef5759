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

struct nl_msg *rtnl_route_message(int type, int how, const struct route *route)
{
	struct nl_msg *message = message_of(type, type == RTM_NEWROUTE, how);
	struct rtmsg head = {
		.rtm_family = route->to.address.family,
		.rtm_dst_len = route->to.length,
		.rtm_table = RT_TABLE_UNSPEC, /* the attribute says it */
		.rtm_protocol = route->protocol,
		.rtm_scope = route->via.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
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
