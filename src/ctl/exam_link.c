/* The interfaces that instances and servers are reached by: whether they are there, let packets in
 * (reverse path filters) and keep quiet about VIPs of lo. */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "ctl/exam.h"

#define OVERHEAD_IPIP 20
#define OVERHEAD_GRE 24
#define OVERHEAD_GUE 32

/* Stands for any client in questions about routes (RFC 5737, RFC 3849). */
static struct addr client_of(uint8_t family)
{
	struct addr client = {0};

	addr_parse(family == AF_INET6 ? "2001:db8:ffff::1" : "198.51.100.1", &client);
	return client;
}

/* ---- ways ---- */

static void want_way_from(struct arena *arena, struct exam_sight *sight, const struct addr *from,
			  const struct addr *to)
{
	struct route_way *room;

	if (!to->family || exam_way_from(sight, from, to))
		return;
	room = arena_push(arena, &sight->ways, &sight->way_count, sizeof(*room));
	if (room)
		*room = (struct route_way){.from = *from, .to = *to};
}

static void want_way(struct arena *arena, struct exam_sight *sight, const struct addr *to)
{
	static const struct addr any;

	want_way_from(arena, sight, &any, to);
}

/* Answers to clients, as rules of policy routing may see them. The kernel tells of a source only where
 * it is: while the VIP is here. */
static void want_ways_back(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	struct addr client = client_of(AF_INET);

	for (size_t i = 0; i < model->service_count; i++)
		for (size_t j = 0; j < service_vip_count(&model->services[i]); j++) {
			const struct addr *vip = service_vip(&model->services[i], j);

			if (vip->family == AF_INET && exam_is_ours(sight, vip))
				want_way_from(arena, sight, vip, &client);
		}
}

int exam_ways(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	struct addr ipv4 = client_of(AF_INET), ipv6 = client_of(AF_INET6);

	want_way(arena, sight, &ipv4);
	want_way(arena, sight, &ipv6);
	for (size_t i = 0; i < model->service_count; i++)
		for (size_t j = 0; j < service_server_count(&model->services[i]); j++)
			want_way(arena, sight, &service_server(&model->services[i], j)->address.address);
	for (size_t i = 0; i < model->probe_count; i++)
		want_way(arena, sight, &model->probes[i].target.address);
	for (size_t i = 0; i < model->instance_count; i++)
		for (size_t j = 0; j < model->instances[i].unicast.peer_count; j++)
			want_way(arena, sight, &model->instances[i].unicast.peers[j]);
	want_ways_back(arena, model, sight);
	return arena_failed(arena) ? -ENOMEM : 0;
}

/* ---- there and up ---- */

static void judge_link(struct exam *exam, const char *who, const char *name)
{
	const struct link *link = exam_link_named(exam->sight, name);

	if (!link)
		exam_say(exam, FINDING_PROBLEM, "link", "ip -brief link", "interface %s, of %s, is not there",
			 name, who);
	else if (!link->up)
		exam_say(exam, FINDING_PROBLEM, "link", exam_text(exam, "ip link set %s up", name),
			 "interface %s, of %s, is down", name, who);
	else if (!link->running)
		exam_say(exam, FINDING_PROBLEM, "link", exam_text(exam, "ethtool %s", name),
			 "interface %s, of %s, has no carrier: cable, switch port or the other end", name,
			 who);
}

/* Whether there is an address to advertise from. */
static void judge_source(struct exam *exam, const struct instance *instance, const struct link *link)
{
	struct vrrp_source source = exam_source(exam, instance, link);
	char text[ADDR_TEXT];

	addr_format(&source.address, text);
	switch (source.state) {
	case VRRP_SOURCE_FOUND:
	case VRRP_SOURCE_TENTATIVE:
		return;
	case VRRP_SOURCE_NONE:
		exam_say(exam, FINDING_PROBLEM, "link",
			 exam_text(exam, "ip address add ADDRESS/LENGTH dev %s", link->name),
			 "%s has no %s address to send adverts of instance %s from", link->name,
			 instance_family(instance) == AF_INET6 ? "link-local IPv6" : "IPv4",
			 instance->name);
		return;
	case VRRP_SOURCE_ABSENT:
		exam_say(exam, FINDING_PROBLEM, "link",
			 exam_text(exam, "ip address add %s/LENGTH dev %s", text, link->name),
			 "%s has not %s, the source of adverts of instance %s", link->name, text,
			 instance->name);
		return;
	case VRRP_SOURCE_DUPLICATE:
		exam_say(exam, FINDING_PROBLEM, "link",
			 exam_text(exam, "ip -6 address show dev %s dadfailed", link->name),
			 "duplicate address detection failed on %s for %s, the source of adverts of "
			 "instance %s: somebody else has it",
			 link->name, text, instance->name);
		return;
	}
}

static void judge_family(struct exam *exam, const struct instance *instance)
{
	const struct link *link = exam_link_named(exam->sight, instance->interface);
	uint8_t family = instance_family(instance);

	if (!link || !family)
		return;
	if (family == AF_INET6 && exam_conf(exam->sight, "ipv6", link->name, "disable_ipv6") == 1)
		exam_say(exam, FINDING_PROBLEM, "link",
			 exam_write_conf(exam, "ipv6", link->name, "disable_ipv6", 0),
			 "IPv6 is disabled on %s, and instance %s has IPv6 addresses", link->name,
			 instance->name);
	else
		judge_source(exam, instance, link);
}

static const char *link_name(const struct exam *exam, uint32_t index)
{
	const struct link *link = exam_link(exam->sight, index);

	return link ? link->name : "another interface";
}

/* ---- reverse path filters ---- */

static const struct service *service_on(const struct model *model, const struct addr *vip)
{
	for (size_t i = 0; i < model->service_count; i++)
		for (size_t j = 0; j < service_vip_count(&model->services[i]); j++)
			if (addr_equal(service_vip(&model->services[i], j), vip))
				return &model->services[i];
	return NULL;
}

/* The way of an answer to a client from elsewhere; NULL: nobody knows. */
static const struct route_way *way_back(const struct exam *exam, const struct addr *vip)
{
	struct addr client = client_of(AF_INET);
	const struct route_way *way = exam_way_from(exam->sight, vip, &client);

	if (!way && !exam->sight->has_policy)
		way = exam_way(exam->sight, &client);
	return way && !way->error ? way : NULL;
}

/* Where no service listens nobody comes from far away; a virtual MAC's interface is lbhad's to tune. */
static void judge_filter(struct exam *exam, const struct instance *instance, const struct vip *vip)
{
	const struct link *link = exam_link_of(exam->sight, instance, vip);
	const struct service *service = service_on(exam->model, &vip->address.address);
	const struct route_way *way = service ? way_back(exam, &vip->address.address) : NULL;
	int64_t own, all;

	if (!link || vip->address.address.family != AF_INET || instance->virtual_mac || !way ||
	    way->link == link->index)
		return;
	own = exam_conf(exam->sight, "ipv4", link->name, "rp_filter");
	all = exam_conf(exam->sight, "ipv4", "all", "rp_filter");
	if ((own > all ? own : all) != 1)
		return;
	exam_say(exam, FINDING_WARNING, "sysctl", exam_write_conf(exam, "ipv4", link->name, "rp_filter", 2),
		 "rp_filter in effect on %s is 1: clients of service %s that come in there from elsewhere "
		 "than its own network are dropped, for the way back to them leads through %s",
		 link->name, service->name, link_name(exam, way->link));
}

/* ---- VIPs on lo ---- */

/* A director that is a real server, too, has the VIP on lo and must be silent while it is BACKUP. */
static void judge_silence(struct exam *exam, const struct instance *instance, const struct vip *vip)
{
	const struct link *link = exam_link_of(exam->sight, instance, vip);
	int64_t own, all, ignore;
	char text[ADDR_TEXT];

	if (!link || vip->address.address.family != AF_INET)
		return;
	own = exam_conf(exam->sight, "ipv4", link->name, "arp_ignore");
	all = exam_conf(exam->sight, "ipv4", "all", "arp_ignore");
	ignore = own > all ? own : all;
	if (ignore == 1 || ignore == 2 || ignore == 8 || ignore < 0)
		return;
	for (size_t i = 0; i < exam->sight->addresses.count; i++) {
		const struct address *address = &exam->sight->addresses.items[i];
		const struct link *at = exam_link(exam->sight, address->link);

		if (at && (at->loopback || !at->arp) &&
		    addr_equal(&address->prefix.address, &vip->address.address))
			exam_say(exam, FINDING_PROBLEM, "sysctl",
				 "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
				 "%s is on %s, and arp_ignore in effect on %s is %" PRId64
				 ": this director answers for it there as BACKUP, too",
				 addr_format(&vip->address.address, text), at->name, link->name, ignore);
	}
}

/* ---- duplicate address detection ---- */

static void judge_detection(struct exam *exam, const struct instance *instance, const struct vip *vip)
{
	char text[ADDR_TEXT], prefix[PREFIX_TEXT];

	for (size_t i = 0; i < exam->sight->addresses.count; i++) {
		const struct address *address = &exam->sight->addresses.items[i];
		const char *on = link_name(exam, address->link);

		if (!addr_equal(&address->prefix.address, &vip->address.address) ||
		    !(address->flags & IFA_F_DADFAILED))
			continue;
		exam_say(exam, FINDING_PROBLEM, "link",
			 exam_text(exam, "ip address del %s dev %s    # lbhad puts it in again",
				   prefix_format(&address->prefix, prefix), on),
			 "duplicate address detection failed for %s on %s: somebody else has it, or had "
			 "it, and this director of instance %s does not answer for it",
			 addr_format(&vip->address.address, text), on, instance->name);
	}
}

/* ---- MTU ---- */

static uint32_t overhead_of(const struct real_server *server)
{
	if (server->forwarding != FORWARDING_TUNNEL)
		return 0;
	return server->tunnel.type == TUNNEL_GRE   ? OVERHEAD_GRE
	       : server->tunnel.type == TUNNEL_GUE ? OVERHEAD_GUE
						   : OVERHEAD_IPIP;
}

/* What comes in as large as the VIP's link lets it must fit on the way to the server. In a tunnel it
 * never does, and clients are told so (net.ipv4.vs.pmtu_disc) unless that is off. */
static void judge_mtu(struct exam *exam, const struct service *service,
		      const struct real_server *server, const struct link *front)
{
	const struct route_way *way = exam_way(exam->sight, &server->address.address);
	const struct link *back = way && !way->error && !way->local ? exam_link(exam->sight, way->link) : NULL;
	uint32_t mtu = back ? (way->mtu ? way->mtu : back->mtu) : 0, overhead = overhead_of(server);

	if (!back || mtu >= front->mtu + overhead)
		return;
	if (mtu < front->mtu && !overhead)
		exam_say(exam, FINDING_WARNING, "mtu",
			 exam_text(exam, "ip link set %s mtu %" PRIu32, back->name, front->mtu),
			 "clients of service %s come in on %s with an MTU of %" PRIu32
			 ", and its servers are behind %s with %" PRIu32
			 ": what is larger does not get there",
			 service->name, front->name, front->mtu, back->name, mtu);
	else if (overhead && !exam_sysctl(exam->sight, "net/ipv4/vs/pmtu_disc"))
		exam_say(exam, FINDING_PROBLEM, "mtu", "sysctl -w net.ipv4.vs.pmtu_disc=1",
			 "tunnels to servers of service %s leave %" PRIu32 " of the %" PRIu32
			 " bytes that clients send on %s, and net/ipv4/vs/pmtu_disc is 0: nobody tells them",
			 service->name, mtu - overhead, front->mtu, front->name);
}

static const struct link *front_of(const struct exam *exam, const struct service *service)
{
	for (size_t i = 0; i < service->instance_count; i++)
		return exam_link_named(exam->sight,
				       exam->model->instances[service->instances[i]].interface);
	return NULL;
}

static void judge_mtus(struct exam *exam)
{
	for (size_t i = 0; i < exam->model->service_count; i++) {
		const struct service *service = &exam->model->services[i];
		const struct link *front = front_of(exam, service);

		for (size_t j = 0; j < service_server_count(service) && front; j++)
			judge_mtu(exam, service, service_server(service, j), front);
	}
}

void exam_links(struct exam *exam)
{
	const struct model *model = exam->model;
	size_t before = exam->findings.count;

	for (size_t i = 0; i < model->instance_count; i++) {
		const struct instance *instance = &model->instances[i];
		const char *who = exam_text(exam, "instance %s", instance->name);

		judge_link(exam, who, instance->interface);
		judge_family(exam, instance);
		for (size_t j = 0; j < instance->track_count; j++)
			if (instance->track[j].kind == TRACKER_INTERFACE)
				judge_link(exam, exam_text(exam, "a tracker of instance %s", instance->name),
					   instance->track[j].name);
		for (size_t j = 0; j < instance->virtual_address_count; j++) {
			judge_filter(exam, instance, &instance->virtual_addresses[j]);
			judge_silence(exam, instance, &instance->virtual_addresses[j]);
			judge_detection(exam, instance, &instance->virtual_addresses[j]);
		}
	}
	judge_mtus(exam);
	exam_managers(exam);
	if (model->instance_count && exam->findings.count == before)
		exam_say(exam, FINDING_OK, "link", NULL, "the interfaces of all instances are there and up");
}
