/* The VIPs on the interfaces. One belongs on lo as a single address; an interface without ARP (a
 * tunnel's end) will do. With a shorter prefix the kernel takes the whole network for its own
 * (fib_frontend.c, fib_add_ifaddr: all of a loopback's network is local). */
#include <linux/if_addr.h>
#include <sys/socket.h>

#include "rs-agent/doctor.h"

struct place {
	const struct doctor_vip *vip;
	char text[ADDR_TEXT];
};

/* Takes this one away and lets setup put the right one in its place. */
static const char *anew(struct doctor *doctor, const struct address *there, const char *link)
{
	char prefix[PREFIX_TEXT];

	return doctor_text(doctor, "ip address delete %s dev %s && %s",
			   prefix_format(&there->prefix, prefix), link, doctor->wanted->setup);
}

static bool whole(const struct address *there)
{
	return there->prefix.length == addr_bits(there->prefix.address.family);
}

static void judge_dead(struct doctor *doctor, const struct place *place,
		       const struct address *there, const char *link)
{
	doctor_say(doctor, DOCTOR_PROBLEM, "address", anew(doctor, there, link),
		   there->flags & IFA_F_DADFAILED
			   ? "%s on %s failed duplicate address detection: this host does not use it"
			   : "%s on %s waits for duplicate address detection, which a VIP must not have",
		   place->text, link);
}

static void judge_wide(struct doctor *doctor, const struct address *there, const char *link,
		       bool loopback)
{
	char prefix[PREFIX_TEXT];

	doctor_say(doctor, DOCTOR_PROBLEM, "address", anew(doctor, there, link),
		   loopback ? "%s on %s makes that whole network local to this host, which then "
			      "reaches nobody in it: a VIP has no network"
			    : "%s on %s makes a route of its own for that network: a VIP has none",
		   prefix_format(&there->prefix, prefix), link);
}

static void judge_exposed(struct doctor *doctor, const struct place *place,
			  const struct address *there, const char *link)
{
	if (doctor_here(doctor)) {
		doctor_say(doctor, DOCTOR_OK, "address", NULL,
			   "%s is on %s: this host is a director, and MASTER for it", place->text,
			   link);
		return;
	}
	doctor_say(doctor, DOCTOR_PROBLEM, "address", anew(doctor, there, link),
		   "%s is on %s: this host answers %s for it there, as only the director may",
		   place->text, link,
		   place->vip->address.family == AF_INET ? "ARP" : "neighbour solicitations");
}

/* Whether neighbours are answered there, with what rules drop. */
static bool exposes(const struct doctor *doctor, const struct place *place, const struct link *link)
{
	return link && !link->loopback && link->arp &&
	       !(place->vip->address.family == AF_INET &&
		 doctor_drops_arp_for(doctor->sight, link->name, &place->vip->address));
}

static void judge_there(struct doctor *doctor, const struct place *place,
			const struct address *there)
{
	const struct link *link = doctor_link(doctor->sight, there->link);
	const char *name = doctor_link_name(doctor->sight, there->link);

	if (exposes(doctor, place, link))
		judge_exposed(doctor, place, there, name);
	else if (address_is_dead(there))
		judge_dead(doctor, place, there, name);
	else if (!whole(there))
		judge_wide(doctor, there, name, link && link->loopback);
	else
		doctor_say(doctor, DOCTOR_OK, "address", NULL, "%s is on %s", place->text, name);
}

static const char *loopback_name(const struct doctor_sight *sight)
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (sight->links[i].loopback)
			return sight->links[i].name;
	return "lo";
}

static void judge_missing(struct doctor *doctor, const struct place *place)
{
	const char *lo = loopback_name(doctor->sight);
	const char *command = doctor->wanted->setup;

	if (place->vip->address.family == AF_INET6 &&
	    doctor_conf(doctor->sight, "ipv6", lo, "disable_ipv6") > 0)
		doctor_say(doctor, DOCTOR_PROBLEM, "address",
			   doctor_text(doctor, "sysctl -w net.ipv6.conf.%s.disable_ipv6=0 && %s",
				       lo, command),
			   "%s is on no interface, and %s takes no IPv6 address (disable_ipv6)",
			   place->text, lo);
	else
		doctor_say(doctor, DOCTOR_PROBLEM, "address", command,
			   "%s is on no interface: this host does not take packets for it",
			   place->text);
}

static void judge_vip(struct doctor *doctor, const struct doctor_vip *vip)
{
	const struct address_list *list = &doctor->sight->addresses;
	struct place place = {.vip = vip};
	bool found = false;

	addr_format(&vip->address, place.text);
	for (size_t i = 0; i < list->count; i++)
		if (addr_equal(&list->items[i].prefix.address, &vip->address)) {
			found = true;
			judge_there(doctor, &place, &list->items[i]);
		}
	if (!found)
		judge_missing(doctor, &place);
}

void doctor_addresses(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;

	for (size_t i = 0; i < wanted->vip_count; i++)
		if (doctor_needs_vip(&wanted->vips[i]) && !doctor_seen(wanted, i))
			judge_vip(doctor, &wanted->vips[i]);
}
