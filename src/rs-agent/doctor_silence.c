/* Whether this host is silent about its IPv4 VIPs, by a filter or by sysctls: nobody can ask himself on the segment, so what
 * the kernel goes by is told. It takes the larger of conf/all and conf/<interface>, and larger is
 * not always stricter (net/ipv4/arp.c):
 *   - arp_ignore: 1 and 2 silence an address of another interface, 3 only one of scope host, 8
 *     silences all, 0 and 4..7 nothing;
 *   - arp_announce: 2 never names a VIP, any other value may. */
#include <inttypes.h>
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

static bool concerns(const struct doctor_case *wanted)
{
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (doctor_needs_vip(&wanted->vips[i]) &&
		    wanted->vips[i].address.family == AF_INET)
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
		return doctor_text(doctor, "sysctl -w net.ipv4.conf.%s.%s=%" PRId64, link, name,
				   least);
	return doctor_text(doctor,
			   "sysctl -w net.ipv4.conf.all.%s=%" PRId64 " net.ipv4.conf.%s.%s=%" PRId64,
			   name, least, link, name, least);
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

	if (ignore < 0 || announce < 0)
		return; /* no IPv4 there */
	if (!ignore_silences(silence, ignore))
		doctor_say(doctor, DOCTOR_PROBLEM, "silence",
			   mend(silence, link, "arp_ignore", 1),
			   "arp_ignore in effect on %s is %" PRId64
			   ": this host answers ARP for its VIPs there, as only the director may",
			   link, ignore);
	if (announce != 2)
		doctor_say(doctor, DOCTOR_PROBLEM, "silence",
			   mend(silence, link, "arp_announce", 2),
			   "arp_announce in effect on %s is %" PRId64
			   ": this host may name a VIP as the sender of its own ARP requests",
			   link, announce);
	if (ignore_silences(silence, ignore) && announce == 2)
		text_add(&silence->silent, "%s%s", silence->silent.length ? ", " : "", link);
}

/* ---- the filter ---- */

/* An address among others in a list. */
static bool names(const char *text, const char *address)
{
	size_t length = strlen(address);

	for (const char *at = text; (at = strstr(at, address)); at++)
		if ((at == text || !strchr("0123456789.", at[-1])) &&
		    !(at[length] && strchr("0123456789./", at[length])))
			return true;
	return false;
}

static void judge_filter(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;
	const char *table = doctor->sight->arp_table;
	char vip[ADDR_TEXT];
	bool all = true;

	if (!table) {
		doctor_say(doctor, DOCTOR_WARNING, "silence", NULL,
			   "whether " TABLE " keeps this host silent could not be looked up");
		return;
	}
	for (size_t i = 0; i < wanted->vip_count; i++) {
		if (!doctor_needs_vip(&wanted->vips[i]) || doctor_seen(wanted, i) ||
		    wanted->vips[i].address.family != AF_INET ||
		    names(table, addr_format(&wanted->vips[i].address, vip)))
			continue;
		doctor_say(doctor, DOCTOR_PROBLEM, "silence", wanted->setup,
			   *table ? TABLE " does not know %s: this host answers ARP for it"
				  : TABLE " is not there: this host answers ARP for %s", vip);
		all = false;
	}
	if (all)
		doctor_say(doctor, DOCTOR_OK, "silence", NULL,
			   TABLE " keeps this host silent about its VIPs");
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
	if (doctor->wanted->arp_filter) {
		judge_filter(doctor);
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
