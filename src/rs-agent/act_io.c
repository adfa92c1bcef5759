/* Steps as messages to the kernel and writes to /proc/sys, by kind of object. What appears or goes
 * between reading and acting is no failure: the wish is fulfilled. */
#include "rs-agent/act_io.h"

#include <errno.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "net/rtnl_io.h"
#include "net/rtnl_message_io.h"
#include "net/sysctl_io.h"
#include "rs-agent/fou_io.h"
#include "rs-agent/observe_io.h"

static int act_sysctl(const struct kernel *kernel, const struct rs_step *step)
{
	const struct owned_sysctl *sysctl = &step->record.sysctl;

	return sysctl_write(kernel->sysctls, sysctl->path,
			    step->action == RS_MAKE ? sysctl->set : sysctl->former);
}

static int act_address(const struct kernel *kernel, const struct rs_step *step)
{
	int err;

	if (step->action == RS_MAKE) {
		err = rtnl_address_add(kernel->rtnl, &step->address);
		return err == -EEXIST ? 0 : err;
	}
	err = rtnl_address_remove(kernel->rtnl, &step->address);
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err;
}

/* ---- links ---- */

/* IFLA_INFO_DATA: ipip, sit and ip6tnl have one set of attributes, gre and ip6gre the other. */
static int put_parameters(struct nl_msg *message, const struct rs_link *link)
{
	bool is_gre = link->kind == RS_LINK_GRE || link->kind == RS_LINK_IP6GRE;
	int size = (int)addr_size(link->local.family);

	if (nla_put(message, is_gre ? IFLA_GRE_LOCAL : IFLA_IPTUN_LOCAL, size, link->local.bytes))
		return -ENOMEM;
	if (is_gre)
		return link->checksum ? nla_put_u16(message, IFLA_GRE_IFLAGS, GRE_CSUM) : 0;
	if (link->kind == RS_LINK_SIT)
		return nla_put_u8(message, IFLA_IPTUN_PROTO, IPPROTO_IPV6);
	if (link->kind == RS_LINK_IP6TNL)
		return nla_put_u8(message, IFLA_IPTUN_PROTO, 0); /* any */
	return 0;
}

static int put_link(struct nl_msg *message, const struct rs_link *link)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct nlattr *info, *data;

	if (nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) ||
	    nla_put_string(message, IFLA_IFNAME, link->name))
		return -ENOMEM;
	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info || nla_put_string(message, IFLA_INFO_KIND, rs_link_kind_name(link->kind)))
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (!data || put_parameters(message, link))
		return -ENOMEM;
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return 0;
}

/* The kernel loads the module. */
static int link_create(const struct kernel *kernel, const struct rs_link *link)
{
	struct nl_msg *message = nlmsg_alloc_simple(
		RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);

	if (message && put_link(message, link)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return rtnl_ask(kernel->rtnl, message, NULL, NULL);
}

static int link_order(const struct kernel *kernel, enum link_action action,
		      const struct rs_link *link, uint32_t index)
{
	struct link_op op = {.action = action, .index = index};

	snprintf(op.link.name, sizeof(op.link.name), "%s", link->name);
	snprintf(op.link.alias, sizeof(op.link.alias), "%s", link->alias);
	return rtnl_ask(kernel->rtnl, rtnl_link_message(&op), NULL, NULL);
}

/* A kernel without IPv4 has no such value. Where it cannot be written (a container) the one that a
 * new link has may do. */
static int link_loosen(const struct kernel *kernel, const struct rs_link *link)
{
	char path[SYSCTL_PATH];
	int64_t own, all;
	int err = sysctl_conf_path(path, "ipv4", link->name, "rp_filter");

	if (!err)
		err = sysctl_write(kernel->sysctls, path, RS_LINK_RP_FILTER);
	if (err == -ENOENT)
		return 0;
	if (err && !sysctl_read(kernel->sysctls, path, &own) &&
	    !sysctl_read(kernel->sysctls, "net/ipv4/conf/all/rp_filter", &all) &&
	    rs_link_lets_in(own, all))
		return 0;
	return err;
}

static int act_link(const struct kernel *kernel, const struct rs_step *step)
{
	struct link there;
	int err = 0;

	if (step->action == RS_UNDO) {
		err = link_order(kernel, LINK_REMOVE, &step->link, step->link.index);
		return err == -ENODEV ? 0 : err;
	}
	if (step->action == RS_MAKE)
		err = link_create(kernel, &step->link);
	if (!err)
		err = link_order(kernel, LINK_MARK, &step->link, 0);
	if (!err)
		err = link_loosen(kernel, &step->link);
	if (!err)
		err = rtnl_link_by_name(kernel->rtnl, step->link.name, &there);
	return err ? err : link_order(kernel, LINK_UP, &step->link, there.index);
}

/* ---- ports ---- */

static int act_port(const struct rs_step *step)
{
	const struct owned_port *port = &step->record.port;
	struct fou *fou;
	int err = fou_open_loaded(&fou);

	if (err)
		return err;
	err = step->action == RS_MAKE ? fou_port_add(fou, port->family, port->port)
				      : fou_port_remove(fou, port->family, port->port);
	fou_close(fou);
	return step->action == RS_UNDO && err == -EINVAL ? 0 : err;
}

/* ---- routes ---- */

/* Made without NLM_F_EXCL an IPv4 route goes before others of its metric, but in IPv6 it would
 * share the traffic with them. One that is there already in IPv4 is ours: the tag is compared,
 * too. */
static int act_route(const struct kernel *kernel, const struct rs_step *step)
{
	struct route route = step->record.route.route;
	bool ipv6 = route.to.address.family == AF_INET6;
	int err;

	route.alone = true;
	if (step->action == RS_MAKE) {
		err = rtnl_ask(kernel->rtnl,
			       rtnl_route_message(RTM_NEWROUTE, ipv6 ? NLM_F_EXCL : 0, &route),
			       NULL, NULL);
		return err == -EEXIST && !ipv6 ? 0 : err;
	}
	err = rtnl_ask(kernel->rtnl, rtnl_route_message(RTM_DELROUTE, 0, &route), NULL, NULL);
	return err == -ESRCH || err == -ENODEV ? 0 : err;
}

/* ---- the ARP filter ---- */

static int act_table(struct kernel *kernel, struct arena *arena, const struct rs_step *step)
{
	int err = arp_table_write(arena, step->action == RS_MAKE ? step->table : "", kernel->why);

	kernel->arp_table = NULL;
	if (!err && step->action == RS_MAKE)
		arp_table_read(arena, &kernel->arp_table, kernel->why);
	return err;
}

/* ---- any ---- */

int act_prepare(struct kernel *kernel, struct rs_step *step)
{
	struct link link;
	int err;

	kernel->why[0] = '\0';
	if (step->record.kind != OWNED_ADDRESS || step->record.address.link)
		return 0;
	err = rtnl_link_by_name(kernel->rtnl, step->record.address.name, &link);
	if (err)
		return err;
	step->address.link = step->record.address.link = link.index;
	return 0;
}

int act_step(struct kernel *kernel, struct arena *arena, const struct rs_step *step)
{
	if (!rs_step_acts(step))
		return 0;
	if (step->record.kind == OWNED_TABLE)
		return act_table(kernel, arena, step);
	if (step->record.kind == OWNED_SYSCTL)
		return act_sysctl(kernel, step);
	if (step->record.kind == OWNED_LINK)
		return act_link(kernel, step);
	if (step->record.kind == OWNED_PORT)
		return act_port(step);
	if (step->record.kind == OWNED_ROUTE)
		return act_route(kernel, step);
	return act_address(kernel, step);
}

const char *act_hint(const struct rs_step *step, int error)
{
	if (step->record.kind == OWNED_LINK && error == -EEXIST)
		return "a link of that name, or a tunnel of that type with the same local address, is "
		       "there already and not ours; see ip -d link show, and remove it";
	if (step->record.kind == OWNED_LINK && (error == -EROFS || error == -EACCES))
		return "its rp_filter cannot be written here, and is 1: let this container be made with "
		       "docker run --sysctl net.ipv4.conf.default.rp_filter=2";
	if (step->record.kind == OWNED_LINK && error == -EOPNOTSUPP)
		return "this kernel has no such tunnels, or cannot load the module";
	if (step->record.kind == OWNED_PORT && error == -ENOENT)
		return "the kernel's module fou is not loaded and lbha-rs may not load it: modprobe "
		       "fou on the machine";
	if (step->record.kind == OWNED_PORT && error == -EADDRINUSE)
		return "another program has that port";
	if (step->record.kind == OWNED_ROUTE && error == -EEXIST)
		return "another default route has the metric 1, which none can go before; see ip -6 "
		       "route show default";
	return NULL;
}
