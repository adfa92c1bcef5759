/* The way of the answers. dr and tunnel: straight to the clients from the VIP, past the director,
 * who would drop packets from an address of his own (fib_validate_source). nat: through the
 * director, who must translate them back. And reverse path filters (RFC 3704), which judge what
 * comes in by the way back. */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "rs-agent/doctor.h"

static const struct addr any;

const struct route_way *doctor_way_back(const struct doctor *doctor, const struct doctor_vip *vip)
{
	struct addr client = doctor_client(vip->address.family);
	bool from_vip = doctor_needs_vip(vip) &&
			address_list_has(&doctor->sight->addresses, &vip->address);

	return doctor_way(doctor->sight, from_vip ? &vip->address : &any, &client);
}

/* "192.168.8.1 on eth0" */
#define HOP (ADDR_TEXT + LINK_NAME + 8)
static const char *hop(const struct doctor *doctor, const struct route_way *way, char *out)
{
	struct text text = text_of(out, HOP);
	char via[ADDR_TEXT];

	text_add(&text, "%s%s%s", way->via.family ? addr_format(&way->via, via) : "",
		 way->via.family ? " on " : "", doctor_link_name(doctor->sight, way->link));
	return out;
}

static const char *ip_of(const struct doctor_vip *vip)
{
	return vip->address.family == AF_INET6 ? "ip -6" : "ip";
}

static void judge_no_way(struct doctor *doctor, const struct doctor_vip *vip)
{
	char text[ADDR_TEXT];

	doctor_say(doctor, DOCTOR_WARNING, "route",
		   doctor_text(doctor, "%s route add default via ROUTER", ip_of(vip)),
		   "there is no default route: clients of %s in other networks get no answer",
		   addr_format(&vip->address, text));
}

/* ---- dr and tunnel ---- */

static void judge_direct(struct doctor *doctor, const struct doctor_vip *vip,
			 const struct route_way *way)
{
	const struct doctor_director *director = doctor_director(doctor->wanted, &way->via);
	char text[ADDR_TEXT], to[HOP];

	addr_format(&vip->address, text);
	if (director || doctor_is_vip(doctor->wanted, &way->via))
		doctor_say(doctor, DOCTOR_WARNING, "route",
			   doctor_text(doctor, "%s route replace default via ROUTER", ip_of(vip)),
			   "answers from %s go to %s, which belongs to %s: a director drops packets "
			   "from its own VIP, another router must forward them",
			   text, hop(doctor, way, to), director ? director->name : "a director");
	else
		doctor_say(doctor, DOCTOR_OK, "route", NULL, "answers from %s leave through %s",
			   text, hop(doctor, way, to));
}

/* ---- nat ---- */

static bool gateway_answered(const struct doctor_sight *sight, const struct addr *gateway)
{
	for (size_t i = 0; i < sight->answer_count; i++)
		if (addr_equal(&sight->answers[i].address, gateway))
			return true;
	return false;
}

static bool gateway_asked(const struct doctor_sight *sight, const struct addr *gateway)
{
	for (size_t i = 0; i < sight->question_count; i++)
		if (addr_equal(&sight->questions[i].target, gateway))
			return true;
	return false;
}

static void judge_gateway(struct doctor *doctor, const struct doctor_vip *vip,
			  const struct route_way *way)
{
	char gateway[ADDR_TEXT], to[HOP];

	addr_format(&vip->gateway, gateway);
	if (way->error || !addr_equal(&way->via, &vip->gateway))
		doctor_say(doctor, DOCTOR_PROBLEM, "route", doctor->wanted->setup,
			   "the default route leads to %s and not to %s: the director does not see "
			   "the answers to what it translated, and clients do not know their sender",
			   way->error ? "nowhere" : hop(doctor, way, to), gateway);
	else if (gateway_asked(doctor->sight, &vip->gateway) &&
		 !gateway_answered(doctor->sight, &vip->gateway))
		doctor_say(doctor, DOCTOR_PROBLEM, "route", "lbhactl vrrp    # on each director",
			   "nobody answers for %s, the gateway for answers: no director is MASTER "
			   "for it",
			   gateway);
	else
		doctor_say(doctor, DOCTOR_OK, "route", NULL,
			   "answers leave through the director's %s", hop(doctor, way, to));
}

/* Clients of a network in which we are get answers from us straight, under an address that they
 * never asked. */
static void judge_one_arm(struct doctor *doctor, const struct doctor_vip *vip)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < sight->addresses.count; i++) {
		const struct prefix *own = &sight->addresses.items[i].prefix;
		const struct link *link = doctor_link(sight, sight->addresses.items[i].link);
		char text[PREFIX_TEXT], address[ADDR_TEXT];

		if (!link || link->loopback || addr_is_link_local(&own->address) ||
		    !prefix_contains(own, &vip->address))
			continue;
		doctor_say(doctor, DOCTOR_WARNING, "route", NULL,
			   "%s is in %s, this host's own network: clients there get answers that "
			   "do not pass the director; with `forwarding: fullnat` they do",
			   addr_format(&vip->address, address), prefix_format(own, text));
		return;
	}
}

/* Without `gateway` in the configuration: whatever the director calls itself there. */
static void judge_translated(struct doctor *doctor, const struct doctor_vip *vip,
			     const struct route_way *way)
{
	char to[HOP];

	if (vip->gateway.family)
		judge_gateway(doctor, vip, way);
	else if (way->error)
		judge_no_way(doctor, vip);
	else
		doctor_say(doctor, DOCTOR_WARNING, "route", NULL,
			   "service %s has no `gateway`: whether %s, to which answers leave, is the "
			   "director cannot be told",
			   vip->service ? vip->service : "(nat)", hop(doctor, way, to));
}

/* ---- reverse path filters ---- */

bool doctor_comes_in_by(const struct doctor *doctor, const struct addr *at, uint32_t link)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < doctor->wanted->director_count; i++) {
		const struct route_way *way =
			doctor_way(sight, &any, &doctor->wanted->directors[i].address);

		if (way && !way->error && way->link == link)
			return true;
	}
	for (size_t i = 0; i < sight->question_count && !doctor->wanted->director_count; i++)
		if (sight->questions[i].link == link && sight->questions[i].native &&
		    addr_equal(&sight->questions[i].target, at))
			return true;
	return false;
}

static void judge_filter(struct doctor *doctor, const struct doctor_vip *vip,
			 const struct route_way *way, const struct link *link)
{
	char text[ADDR_TEXT];

	if (doctor_conf_in_effect(doctor->sight, link->name, "rp_filter") == 1 &&
	    way->link != link->index)
		doctor_say(doctor, DOCTOR_PROBLEM, "route",
			   doctor_text(doctor, "sysctl -w %s",
				       doctor_setting(doctor, link->name, "rp_filter", 2)),
			   "rp_filter in effect on %s is 1: packets for %s come in there from "
			   "clients to whom the way back leads through %s, and are dropped",
			   link->name, addr_format(&vip->address, text),
			   doctor_link_name(doctor->sight, way->link));
}

static void judge_filters(struct doctor *doctor, const struct doctor_vip *vip,
			  const struct route_way *way)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < sight->link_count; i++)
		if (doctor_link_asks(&sight->links[i]) &&
		    doctor_comes_in_by(doctor, &vip->address, sight->links[i].index))
			judge_filter(doctor, vip, way, &sight->links[i]);
}

/* ---- all ---- */

static void judge_vip(struct doctor *doctor, const struct doctor_vip *vip)
{
	const struct route_way *way = doctor_way_back(doctor, vip);

	if (!way)
		return;
	if (!doctor_needs_vip(vip)) {
		if (vip->forwarding == FORWARDING_NAT) {
			judge_translated(doctor, vip, way);
			judge_one_arm(doctor, vip);
		}
		return;
	}
	if (way->error) {
		judge_no_way(doctor, vip);
		return;
	}
	judge_direct(doctor, vip, way);
	if (vip->address.family == AF_INET && vip->forwarding == FORWARDING_DR)
		judge_filters(doctor, vip, way);
}

/* Several services of one VIP or one gateway have the same way back. */
static bool told(const struct doctor_case *wanted, size_t index)
{
	const struct doctor_vip *vip = &wanted->vips[index];

	if (doctor_needs_vip(vip))
		return doctor_seen(wanted, index);
	for (size_t i = 0; i < index; i++)
		if (wanted->vips[i].forwarding == vip->forwarding &&
		    addr_equal(&wanted->vips[i].gateway, &vip->gateway))
			return true;
	return false;
}

void doctor_routes(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;

	for (size_t i = 0; i < wanted->vip_count; i++)
		if (!told(wanted, i))
			judge_vip(doctor, &wanted->vips[i]);
}
