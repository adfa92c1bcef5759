/* The end of a tunnel: the link that takes packets out of it, which must be of the right kind, for
 * the address that the directors send to; what it counted; reverse path filters, for which a client
 * is never behind it; and what fits. Who takes a packet: net/ipv4/ip_tunnel.c, ip_tunnel_lookup (a
 * link for that address, else one for any). */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "rs-agent/doctor.h"
#include "rs-agent/tunnel.h"

struct end {
	struct doctor *doctor;
	const struct doctor_vip *vip;
	struct rs_link wanted;
	char text[ADDR_TEXT]; /* of the VIP */
};

static bool fits(const struct end *end, const struct doctor_tunnel *tunnel)
{
	const struct addr *local = &end->vip->local;
	bool gre = end->wanted.kind == RS_LINK_GRE || end->wanted.kind == RS_LINK_IP6GRE;

	return !strcmp(tunnel->kind, rs_link_kind_name(end->wanted.kind)) &&
	       (!gre || tunnel->checksum == end->wanted.checksum) &&
	       (!tunnel->local.family || !local->family || addr_equal(&tunnel->local, local));
}

/* One that works, else one for our address that is down, else NULL. (A device of the module's own,
 * such as tunl0, that is down is nobody's end.) */
static const struct doctor_tunnel *find_end(const struct end *end)
{
	const struct doctor_sight *sight = end->doctor->sight;
	const struct doctor_tunnel *found = NULL;

	for (size_t i = 0; i < sight->tunnel_count; i++) {
		const struct link *link = doctor_link(sight, sight->tunnels[i].link);

		if (!link || !fits(end, &sight->tunnels[i]))
			continue;
		if (link->up)
			return &sight->tunnels[i];
		if (sight->tunnels[i].local.family)
			found = &sight->tunnels[i];
	}
	return found;
}

/* ---- the link ---- */

static bool has_ipv4(const struct doctor_sight *sight, uint32_t link)
{
	for (size_t i = 0; i < sight->addresses.count; i++)
		if (sight->addresses.items[i].link == link &&
		    sight->addresses.items[i].prefix.address.family == AF_INET)
			return true;
	return false;
}

/* With 2 the kernel wants an address on the link, or drops everything (__fib_validate_source). */
static void judge_filter(const struct end *end, const struct link *link)
{
	struct doctor *doctor = end->doctor;
	int64_t filter = doctor_conf_in_effect(doctor->sight, link->name, "rp_filter");
	bool address = has_ipv4(doctor->sight, link->index);

	if (end->vip->address.family != AF_INET || filter <= 0 || (filter == 2 && address))
		return;
	doctor_say(doctor, DOCTOR_PROBLEM, "tunnel",
		   address ? doctor_text(doctor, "sysctl -w %s",
					 doctor_setting(doctor, link->name, "rp_filter", 2))
			   : doctor->wanted->setup,
		   "rp_filter in effect on %s is %" PRId64
		   "%s: what comes out of the tunnel for %s is dropped, since no way back to its "
		   "sender leads there",
		   link->name, filter, address ? "" : ", and it has no address", end->text);
}

static void judge_counters(const struct end *end, const struct doctor_tunnel *tunnel,
			   const struct link *link)
{
	struct doctor *doctor = end->doctor;

	if (tunnel->errors)
		doctor_say(doctor, DOCTOR_WARNING, "tunnel",
			   doctor_text(doctor, "ip -s -s link show dev %s", link->name),
			   "%s could not take %" PRIu64 " of its packets out of the tunnel",
			   link->name, tunnel->errors);
	doctor_say(doctor, DOCTOR_OK, "tunnel", NULL,
		   "%s takes packets for %s out of the tunnel, %" PRIu64 " until now", link->name,
		   end->text, tunnel->packets);
}

static void judge_link(const struct end *end)
{
	struct doctor *doctor = end->doctor;
	const struct doctor_tunnel *tunnel = find_end(end);
	const struct link *link = tunnel ? doctor_link(doctor->sight, tunnel->link) : NULL;
	char local[ADDR_TEXT];

	if (!link) {
		doctor_say(doctor, DOCTOR_PROBLEM, "tunnel", doctor->wanted->setup,
			   "no interface of type %s%s%s%s takes packets for %s out of the tunnel",
			   rs_link_kind_name(end->wanted.kind),
			   end->wanted.checksum ? " with checksums" : "",
			   end->vip->local.family ? " at " : "",
			   end->vip->local.family ? addr_format(&end->vip->local, local) : "",
			   end->text);
		return;
	}
	if (!link->up) {
		doctor_say(doctor, DOCTOR_PROBLEM, "tunnel",
			   doctor_text(doctor, "ip link set %s up", link->name),
			   "%s, the end of the tunnel for %s, is down", link->name, end->text);
		return;
	}
	judge_filter(end, link);
	judge_counters(end, tunnel, link);
}

static void judge_gue(const struct end *end)
{
	const struct doctor_sight *sight = end->doctor->sight;

	if (end->vip->tunnel.type != TUNNEL_GUE)
		return;
	for (size_t i = 0; i < sight->gue_count; i++)
		if (sight->gue[i].port == end->vip->tunnel.port)
			return;
	doctor_say(end->doctor, DOCTOR_PROBLEM, "tunnel", end->doctor->wanted->setup,
		   "nobody takes GUE off UDP port %d, to which packets for %s come",
		   end->vip->tunnel.port, end->text);
}

/* ---- what fits ---- */

/* What is put before a packet (RFC 2003, 2784, GUE: UDP and four bytes). */
static unsigned overhead(const struct doctor_vip *vip)
{
	unsigned outer = vip->local.family == AF_INET6 ? 40 : 20;

	switch (vip->tunnel.type) {
	case TUNNEL_GRE:
		return outer + 4 + (vip->tunnel.checksum == TUNNEL_CHECKSUM_CSUM ? 4 : 0);
	case TUNNEL_GUE:
		return outer + 8 + 4;
	case TUNNEL_IPIP:
		break;
	}
	return outer;
}

static void judge_size(const struct end *end)
{
	struct doctor *doctor = end->doctor;
	const struct route_way *way = doctor_way_back(doctor, end->vip);
	const struct link *link = way && !way->error ? doctor_link(doctor->sight, way->link) : NULL;
	bool ipv6 = end->vip->address.family == AF_INET6;
	unsigned fits_in = link ? link->mtu - overhead(end->vip) : 0, mss = fits_in - (ipv6 ? 60 : 40);
	char via[ADDR_TEXT];

	if (!link || link->mtu < 576 || !way->via.family)
		return;
	if (way->advmss && way->advmss <= mss)
		doctor_say(doctor, DOCTOR_OK, "tunnel", NULL,
			   "clients of %s are told to send segments of %u bytes, which fit the tunnel",
			   end->text, way->advmss);
	else
		doctor_say(doctor, DOCTOR_OK, "tunnel",
			   doctor_text(doctor, "ip %sroute change default via %s dev %s advmss %u",
				       ipv6 ? "-6 " : "", addr_format(&way->via, via), link->name,
				       mss),
			   "packets of up to %u bytes fit the tunnel for %s; clients that do not "
			   "learn it from the director (path MTU discovery) need to be told",
			   fits_in, end->text);
}

static bool same_end(const struct doctor_vip *a, const struct doctor_vip *b)
{
	return a->forwarding == b->forwarding && addr_equal(&a->address, &b->address) &&
	       addr_equal(&a->local, &b->local) && a->tunnel.type == b->tunnel.type &&
	       a->tunnel.port == b->tunnel.port && a->tunnel.checksum == b->tunnel.checksum;
}

/* Services may share an end. */
static bool told(const struct doctor_case *wanted, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_end(&wanted->vips[i], &wanted->vips[index]))
			return true;
	return false;
}

void doctor_tunnels(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;

	for (size_t i = 0; i < wanted->vip_count; i++) {
		const struct doctor_vip *vip = &wanted->vips[i];
		struct end end = {.doctor = doctor, .vip = vip};

		if (vip->forwarding != FORWARDING_TUNNEL || told(wanted, i))
			continue;
		end.wanted = rs_link_for(&vip->tunnel, &vip->local, vip->address.family);
		addr_format(&vip->address, end.text);
		judge_link(&end);
		judge_gue(&end);
		judge_size(&end);
	}
}
