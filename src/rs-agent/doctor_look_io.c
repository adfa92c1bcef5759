/* See the header. One subject after the other; those that need more than a few questions to
 * rtnetlink are in files of their own. */
#include "rs-agent/doctor_look_io.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/firewall_look_io.h"
#include "net/route_way_io.h"
#include "net/rtnl_io.h"
#include "net/sysctl_io.h"
#include "net/ask_io.h"
#include "rs-agent/observe_io.h"
#include "rs-agent/socket_io.h"
#include "rs-agent/tunnel_look_io.h"

struct looker {
	const struct kernel *kernel;
	struct arena *arena;
	const struct doctor_case *wanted;
	struct doctor_sight sight;
};

/* ---- sysctls ---- */

static void look_sysctl(struct looker *looker, const char *family, const char *link,
			const char *name)
{
	struct doctor_sight *sight = &looker->sight;
	struct sysctl_value value = {0}, *room;

	if (sysctl_conf_path(value.path, family, link, name) ||
	    sysctl_read(looker->kernel->sysctls, value.path, &value.value))
		return; /* an interface without that family */
	room = arena_push(looker->arena, &sight->sysctls, &sight->sysctl_count, sizeof(*room));
	if (room)
		*room = value;
}

static void look_conf(struct looker *looker, const char *link)
{
	look_sysctl(looker, "ipv4", link, "arp_ignore");
	look_sysctl(looker, "ipv4", link, "arp_announce");
	look_sysctl(looker, "ipv4", link, "rp_filter");
	look_sysctl(looker, "ipv6", link, "disable_ipv6");
}

static void look_sysctls(struct looker *looker)
{
	look_conf(looker, "all");
	for (size_t i = 0; i < looker->sight.link_count; i++)
		look_conf(looker, looker->sight.links[i].name);
}

/* ---- ways ---- */

static int look_ways(struct looker *looker)
{
	int err = doctor_ways(looker->arena, looker->wanted, &looker->sight);

	for (size_t i = 0; i < looker->sight.way_count && !err; i++)
		route_way_look(looker->kernel->rtnl, &looker->sight.ways[i]);
	return err;
}

/* ---- tunnels ---- */

/* What the kernel takes GUE off is asked for only where that is wanted: asking may load a module. */
static int look_gue(struct looker *looker)
{
	struct rs_actual actual = {0};
	bool wanted = false;
	int err;

	for (size_t i = 0; i < looker->wanted->vip_count; i++)
		wanted |= looker->wanted->vips[i].forwarding == FORWARDING_TUNNEL &&
			  looker->wanted->vips[i].tunnel.type == TUNNEL_GUE;
	err = wanted ? kernel_observe_ports(looker->arena, &actual) : 0;
	looker->sight.gue = actual.ports;
	looker->sight.gue_count = actual.port_count;
	return err;
}

/* ---- neighbours ---- */

static int read_neighbour(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[NDA_MAX + 1];
	const struct ndmsg *head;
	struct looker *looker = ctx;
	struct ask_answer *room;

	if (nlmsg_parse(message, sizeof(*head), attributes, NDA_MAX, NULL) < 0)
		return -EINVAL;
	head = nlmsg_data(message);
	if (!attributes[NDA_DST] || !attributes[NDA_LLADDR] ||
	    nla_len(attributes[NDA_LLADDR]) != LINK_MAC || !addr_size(head->ndm_family) ||
	    nla_len(attributes[NDA_DST]) != (int)addr_size(head->ndm_family))
		return 0;
	room = arena_push(looker->arena, &looker->sight.neighbours, &looker->sight.neighbour_count,
			  sizeof(*room));
	if (!room)
		return -ENOMEM;
	room->link = (uint32_t)head->ndm_ifindex;
	room->address = addr_from_bytes(head->ndm_family, nla_data(attributes[NDA_DST]));
	memcpy(room->mac, nla_data(attributes[NDA_LLADDR]), LINK_MAC);
	return 0;
}

/* Names for MAC addresses and no more: what cannot be read is not missed. */
static void look_neighbours(struct looker *looker)
{
	struct ndmsg head = {.ndm_family = AF_UNSPEC};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP);

	if (message && nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return;
	}
	(void)rtnl_ask(looker->kernel->rtnl, message, read_neighbour, looker);
}

static void look_answers(struct looker *looker)
{
	struct doctor_sight *sight = &looker->sight;
	struct ask ask = {sight->links, sight->link_count, sight->questions, sight->question_count,
			  NULL, 0};

	sight->asking_error = ask_all(looker->arena, &ask);
	sight->answers = ask.answers;
	sight->answer_count = ask.answer_count;
}

int doctor_look(const struct kernel *kernel, struct arena *arena, const struct doctor_case *wanted,
		struct doctor_sight *out)
{
	struct looker looker = {.kernel = kernel, .arena = arena, .wanted = wanted};
	struct link *links;
	int err = rtnl_links(kernel->rtnl, arena, &links, &looker.sight.link_count);

	if (!err)
		err = rtnl_addresses(kernel->rtnl, arena, 0, &looker.sight.addresses);
	if (err)
		return err;
	looker.sight.links = links;
	look_sysctls(&looker);
	err = tunnels_look(kernel->rtnl, arena, &looker.sight);
	if (!err)
		err = look_gue(&looker);
	if (!err)
		err = look_ways(&looker);
	if (!err)
		err = doctor_questions(arena, wanted, &looker.sight);
	if (err)
		return err;
	look_answers(&looker);
	look_neighbours(&looker); /* after the asking: then most are known */
	looker.sight.firewall_why = firewall_look(arena, &looker.sight.firewall);
	looker.sight.sockets_error = sockets_look(arena, wanted, &looker.sight);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = looker.sight;
	return 0;
}
