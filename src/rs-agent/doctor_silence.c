/* Whether this host is silent about its IPv4 VIPs: nobody can ask himself on the segment, so what
 * the kernel goes by is told. It takes the larger of conf/all and conf/<interface>, and larger is
 * not always stricter (net/ipv4/arp.c):
 *   - arp_ignore: 1 and 2 silence an address of another interface, 3 only one of scope host, 8
 *     silences all, 0 and 4..7 nothing;
 *   - arp_announce: 2 never names a VIP, any other value may.
 * A table of nftables can do the same for single VIPs: requests for them dropped, and none sent in
 * their name. */
#include <inttypes.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/doctor.h"

#define NAMES 512
#define TABLE "the table arp " ARP_FILTER_TABLE " of nftables"

struct silence {
	struct doctor *doctor;
	bool scope_host;    /* all IPv4 VIPs have it */
	struct text silent; /* the names of the interfaces where all is well */
};

static bool needs_silence(const struct doctor_vip *vip)
{
	return doctor_needs_vip(vip) && vip->address.family == AF_INET;
}

/* ---- rules ---- */

bool doctor_drops_arp_for(const struct doctor_sight *sight, const char *link, const struct addr *address)
{
	struct firewall_packet packet = firewall_packet_of(FIREWALL_ARP);
	struct firewall_fate fate;

	packet.in = link;
	packet.destination = *address;
	packet.arp_operation = ARPOP_REQUEST;
	fate = firewall_come_in(&sight->firewall, FIREWALL_EVERY_CHAIN, &packet);
	return fate.verdict == FIREWALL_DROP && fate.is_certain;
}

/* No request goes out in its name: dropped, or in another. */
static bool hides_arp_sender(const struct doctor_sight *sight, const char *link,
			     const struct addr *address)
{
	struct firewall_packet packet = firewall_packet_of(FIREWALL_ARP);
	struct firewall_fate fate;

	packet.out = link;
	packet.source = *address;
	packet.arp_operation = ARPOP_REQUEST;
	fate = firewall_go_out(&sight->firewall, &packet);
	return fate.verdict != FIREWALL_ACCEPT && fate.is_certain;
}

static bool are_silent(const struct doctor_sight *sight, const char *link, const struct addr *address)
{
	return doctor_drops_arp_for(sight, link, address) && hides_arp_sender(sight, link, address);
}

/* What rules do there for all of the VIPs, sysctls need not do. */
static bool by_rules(const struct doctor *doctor, const char *link,
		     bool (*does)(const struct doctor_sight *sight, const char *link,
				  const struct addr *address))
{
	for (size_t i = 0; i < doctor->wanted->vip_count; i++) {
		const struct doctor_vip *vip = &doctor->wanted->vips[i];

		if (needs_silence(vip) && !does(doctor->sight, link, &vip->address))
			return false;
	}
	return true;
}

/* Wherever ARP is spoken; while it is nowhere, wherever that will be. */
static bool everywhere_by_rules(const struct doctor *doctor)
{
	const struct doctor_sight *sight = doctor->sight;
	bool any = false;

	for (size_t i = 0; i < sight->link_count; i++) {
		if (!doctor_link_asks(&sight->links[i]))
			continue;
		any = true;
		if (!by_rules(doctor, sight->links[i].name, are_silent))
			return false;
	}
	return any || by_rules(doctor, NULL, are_silent);
}

static bool concerns(const struct doctor_case *wanted)
{
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (needs_silence(&wanted->vips[i]))
			return true;
	return false;
}

static bool all_scope_host(const struct doctor *doctor)
{
	const struct address_list *list = &doctor->sight->addresses;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].prefix.address.family == AF_INET &&
		    list->items[i].scope != ADDRESS_SCOPE_HOST &&
		    doctor_is_vip(doctor->wanted, &list->items[i].prefix.address))
			return false;
	return true;
}

/* setup raises what is too low. An interface's own value that is the larger and does not silence is
 * beyond it. */
static const char *mend(struct silence *silence, const char *link, const char *name, int64_t least)
{
	struct doctor *doctor = silence->doctor;
	int64_t own = doctor_conf(doctor->sight, "ipv4", link, name),
		all = doctor_conf(doctor->sight, "ipv4", "all", name);

	if (own <= least && all <= least)
		return doctor->wanted->setup;
	if (all <= least)
		return doctor_text(doctor, "sysctl -w %s", doctor_setting(doctor, link, name, least));
	return doctor_text(doctor, "sysctl -w %s %s", doctor_setting(doctor, "all", name, least),
			   doctor_setting(doctor, link, name, least));
}

static bool ignore_silences(const struct silence *silence, int64_t value)
{
	return value == 1 || value == 2 || value == 8 || (value == 3 && silence->scope_host);
}

static void judge_link(struct silence *silence, const char *link)
{
	struct doctor *doctor = silence->doctor;
	int64_t ignore = doctor_conf_in_effect(doctor->sight, link, "arp_ignore");
	int64_t announce = doctor_conf_in_effect(doctor->sight, link, "arp_announce");
	bool ignored = ignore_silences(silence, ignore) || by_rules(doctor, link, doctor_drops_arp_for),
	     hidden = announce == 2 || by_rules(doctor, link, hides_arp_sender);

	if (ignore < 0 || announce < 0)
		return; /* no IPv4 there */
	if (!ignored)
		doctor_say(doctor, DOCTOR_PROBLEM, "silence",
			   mend(silence, link, "arp_ignore", 1),
			   "arp_ignore in effect on %s is %" PRId64
			   ": this host answers ARP for its VIPs there, as only the director may",
			   link, ignore);
	if (!hidden)
		doctor_say(doctor, DOCTOR_PROBLEM, "silence",
			   mend(silence, link, "arp_announce", 2),
			   "arp_announce in effect on %s is %" PRId64
			   ": this host may name a VIP as the sender of its own ARP requests",
			   link, announce);
	if (ignored && hidden)
		text_add(&silence->silent, "%s%s", silence->silent.length ? ", " : "", link);
}

/* The filter was set up, and something is amiss. */
static void judge_table(struct doctor *doctor)
{
	const struct doctor_sight *sight = doctor->sight;
	bool there = firewall_chain(&sight->firewall, "arp", ARP_FILTER_TABLE, "input");
	char text[ADDR_TEXT];

	for (size_t i = 0; i < doctor->wanted->vip_count; i++) {
		const struct doctor_vip *vip = &doctor->wanted->vips[i];

		if (needs_silence(vip) && !doctor_seen(doctor->wanted, i) &&
		    !are_silent(sight, NULL, &vip->address))
			doctor_say(doctor, DOCTOR_PROBLEM, "silence", doctor->wanted->setup,
				   there ? TABLE " does not know %s: this host answers ARP for it"
					 : TABLE " is not there: this host answers ARP for %s",
				   addr_format(&vip->address, text));
	}
}

void doctor_silence(struct doctor *doctor)
{
	const struct doctor_sight *sight = doctor->sight;
	char names[NAMES] = "";
	struct silence silence = {.doctor = doctor,
				  .scope_host = all_scope_host(doctor),
				  .silent = text_of(names, sizeof(names))};

	if (!concerns(doctor->wanted))
		return;
	if (doctor->wanted->arp_filter && sight->firewall_why && !sight->firewall.count) {
		doctor_say(doctor, DOCTOR_WARNING, "silence", NULL,
			   "whether " TABLE " keeps this host silent could not be looked up");
		return;
	}
	if (everywhere_by_rules(doctor)) {
		doctor_say(doctor, DOCTOR_OK, "silence", NULL,
			   "%s keeps this host silent about its VIPs",
			   doctor->wanted->arp_filter ? TABLE : "a table of nftables");
		return;
	}
	if (doctor->wanted->arp_filter) {
		judge_table(doctor);
		return;
	}
	for (size_t i = 0; i < sight->link_count; i++)
		if (doctor_link_asks(&sight->links[i]))
			judge_link(&silence, sight->links[i].name);
	if (silence.silent.length)
		doctor_say(doctor, DOCTOR_OK, "silence", NULL,
			   "arp_ignore and arp_announce keep this host silent about its VIPs on %s",
			   names);
}
