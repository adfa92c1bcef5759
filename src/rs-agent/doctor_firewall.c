/* Rules that drop what comes for the services of this host: a client's first packet for each port, and
 * what carries those of a tunnel, are sent through the rules (net/firewall.h). Which clients there are is
 * not known: a rule about some of them is told when it names the port or the address. */
#include <netinet/in.h>

#include "base/transport.h"
#include "config/words.h"
#include "net/firewall_words.h"
#include "rs-agent/doctor.h"

/* Where packets for one of our addresses come in: by the interface that has it (a tunnel's end, for the
 * VIP), else where the directors are; NULL: not known. */
static const char *link_in(const struct doctor *doctor, const struct addr *at)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < sight->addresses.count; i++) {
		const struct address *own = &sight->addresses.items[i];
		const struct link *link = doctor_link(sight, own->link);

		if (link && !link->loopback && addr_equal(&own->prefix.address, at))
			return link->name;
	}
	for (size_t i = 0; i < sight->link_count; i++)
		if (doctor_link_asks(&sight->links[i]) && doctor_comes_in_by(doctor, at, sight->links[i].index))
			return sight->links[i].name;
	return NULL;
}

static void judge(struct doctor *doctor, const struct endpoint *to, int protocol, const char *what)
{
	struct firewall_packet packet = firewall_packet_of(firewall_family_of(to->address.family));
	struct firewall_fate fate;

	packet.in = link_in(doctor, &to->address);
	packet.protocol = protocol;
	packet.destination = to->address;
	packet.port = to->port ? to->port : FIREWALL_NUMBER_UNKNOWN;
	packet.state = FIREWALL_STATE_NEW;
	fate = firewall_come_in(&doctor->sight->firewall, FIREWALL_EVERY_CHAIN, &packet);
	if (fate.chain)
		doctor_say(doctor, fate.is_certain ? DOCTOR_PROBLEM : DOCTOR_WARNING, "firewall",
			   firewall_let_pass(doctor->arena, fate.chain, &packet), "%s %s",
			   firewall_blame(doctor->arena, &fate), what);
}

static void judge_port(struct doctor *doctor, const struct doctor_port *port)
{
	const char *protocol = protocol_word(port->protocol);
	char at[ENDPOINT_TEXT];

	judge(doctor, &port->at, transport_number(protocol),
	      doctor_text(doctor, "what comes for service %s (%s %s)", port->service, protocol,
			  endpoint_format(&port->at, at)));
}

/* What carries the packets, before they are taken out. */
static void judge_carrier(struct doctor *doctor, const struct doctor_vip *vip)
{
	bool gue = vip->tunnel.type == TUNNEL_GUE;
	int protocol = gue ? IPPROTO_UDP
		       : vip->tunnel.type == TUNNEL_GRE ? IPPROTO_GRE
		       : vip->address.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	struct endpoint to = {vip->local, gue ? vip->tunnel.port : 0};
	char text[ADDR_TEXT], at[ENDPOINT_TEXT];
	const char *what;

	addr_format(&vip->address, text);
	what = gue ? doctor_text(doctor, "what carries packets for %s (udp %s)", text, endpoint_format(&to, at))
		   : doctor_text(doctor, "what carries packets for %s (protocol %d to %s)", text, protocol,
				 addr_format(&vip->local, at));
	if (vip->local.family)
		judge(doctor, &to, protocol, what);
}

/* An earlier one comes in the same way. */
static bool carried(const struct doctor_case *wanted, size_t index)
{
	const struct doctor_vip *vip = &wanted->vips[index];

	for (size_t i = 0; i < index; i++) {
		const struct doctor_vip *one = &wanted->vips[i];

		if (one->forwarding == FORWARDING_TUNNEL &&
		    one->address.family == vip->address.family &&
		    addr_equal(&one->local, &vip->local) &&
		    one->tunnel.type == vip->tunnel.type && one->tunnel.port == vip->tunnel.port)
			return true;
	}
	return false;
}

void doctor_firewall(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;
	size_t before = doctor->findings.count;

	if (doctor->sight->firewall_why)
		doctor_say(doctor, DOCTOR_WARNING, "firewall", NULL,
			   "not all rules of the firewall were seen: %s", doctor->sight->firewall_why);
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (wanted->vips[i].forwarding == FORWARDING_TUNNEL && !carried(wanted, i))
			judge_carrier(doctor, &wanted->vips[i]);
	for (size_t i = 0; i < wanted->port_count; i++)
		judge_port(doctor, &wanted->ports[i]);
	if (wanted->port_count && doctor->findings.count == before)
		doctor_say(doctor, DOCTOR_OK, "firewall", NULL,
			   "no rule of nftables is seen to drop what comes for the services");
}
