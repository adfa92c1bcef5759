/* Whether the server will really be silent. The kernel takes the larger of conf/all and
 * conf/<interface> (IN_DEV_MAXCONF), and larger is not always stricter (net/ipv4/arp.c):
 *   - arp_ignore: 1 and 2 silence an address of another interface, 3 only one of scope host,
 *     8 silences all, 0 and 4..7 nothing;
 *   - arp_announce: 2 never names a VIP, any other value may. */
#include "rs-agent/remark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "rs-agent/arp_filter.h"

struct remarker {
	struct arena *arena;
	const struct rs_desired *desired;
	const struct rs_actual *actual;
	const struct owned_set *journal;
	struct rs_remarks remarks;
};

static void remark(struct remarker *remarker, bool fatal, const char *text)
{
	struct rs_remark *room = arena_push(remarker->arena, &remarker->remarks.items,
					    &remarker->remarks.count, sizeof(*room));

	if (room)
		*room = (struct rs_remark){.fatal = fatal, .text = text};
}

/* The value of net/ipv4/conf/<link>/<name>; -1 when the link has none (no IPv4 there). */
static int64_t conf_value(const struct rs_actual *actual, const char *link, const char *name)
{
	char path[SYSCTL_PATH];

	if (sysctl_conf_path(path, "ipv4", link, name))
		return -1;
	for (size_t i = 0; i < actual->sysctl_count; i++)
		if (!strcmp(actual->sysctls[i].path, path))
			return actual->sysctls[i].value;
	return -1;
}

/* A VIP that is there already with a wider scope than ours would have. */
static bool all_scope_host(const struct remarker *remarker)
{
	for (size_t i = 0; i < remarker->desired->vip_count; i++) {
		const struct address *vip = &remarker->desired->vips[i].address,
				     *there = address_find(&remarker->actual->addresses, vip);

		if (there && vip->prefix.address.family == AF_INET &&
		    there->scope != ADDRESS_SCOPE_HOST)
			return false;
	}
	return true;
}

/* `all` after the plan: raised to what we want, if lower. */
static int64_t in_force(const struct remarker *remarker, const char *link, const char *name,
			int64_t least)
{
	int64_t all = conf_value(remarker->actual, "all", name),
		own = conf_value(remarker->actual, link, name);

	if (all < least)
		all = least;
	return own > all ? own : all;
}

static void judge_link(struct remarker *remarker, const struct link *link)
{
	int64_t ignore = in_force(remarker, link->name, "arp_ignore", 1);
	int64_t announce = in_force(remarker, link->name, "arp_announce", 2);

	if ((ignore > 2 && ignore < 8 && !(ignore == 3 && all_scope_host(remarker))) || ignore > 8)
		remark(remarker, true,
		       arena_printf(remarker->arena,
				    "arp_ignore in force on %s is %" PRId64
				    ", with which it answers for the VIP; "
				    "set it to 1 there and on all",
				    link->name, ignore));
	if (announce > 2)
		remark(remarker, true,
		       arena_printf(remarker->arena,
				    "arp_announce in force on %s is %" PRId64
				    ", which means 0 to the kernel; "
				    "set it to 2 there and on all",
				    link->name, announce));
}

static const char *link_name(const struct rs_actual *actual, uint32_t index)
{
	for (size_t i = 0; i < actual->link_count; i++)
		if (actual->links[i].index == index)
			return actual->links[i].name;
	return "another interface";
}

/* Where we put one ourselves it is silent: neither loopback nor a tunnel is asked by ARP. */
static bool is_wanted_there(const struct rs_desired *desired, const struct address *address)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (address_same(&desired->vips[i].address, address))
			return true;
	return false;
}

static void judge_vip(struct remarker *remarker, const struct rs_vip *vip)
{
	const struct rs_actual *actual = remarker->actual;
	const struct addr *wanted = &vip->address.prefix.address;
	char text[ADDR_TEXT];

	if (remarker->desired->wishes.arp_filter)
		return; /* which is for all links */
	for (size_t i = 0; i < actual->addresses.count; i++) {
		const struct address *address = &actual->addresses.items[i];

		if (!is_wanted_there(remarker->desired, address) &&
		    addr_equal(&address->prefix.address, wanted))
			remark(remarker, false,
			       arena_printf(remarker->arena,
					    "%s is on %s too, which answers for it",
					    addr_format(wanted, text),
					    link_name(actual, address->link)));
	}
}

/* One that we would replace, or remove some day, without being its owner. */
static void judge_table(struct remarker *remarker)
{
	struct owned record = owned_of_arp_table(false, ARP_FILTER_TABLE, 0);
	const char *there = remarker->actual->arp_table;

	for (size_t i = 0; i < remarker->journal->count; i++)
		if (owned_same(&remarker->journal->items[i], &record))
			return;
	if (there && *there)
		remark(remarker, true,
		       "there is a table arp " ARP_FILTER_TABLE
		       " of nftables already, and the journal in this state folder does not know "
		       "it: give the --state-dir that it was set up with, or remove it with \"nft "
		       "delete table arp " ARP_FILTER_TABLE "\"");
}

int rs_remarks_build(struct arena *arena, const struct rs_desired *desired,
		     const struct rs_actual *actual, const struct owned_set *journal,
		     struct rs_remarks *out)
{
	struct remarker remarker = {arena, desired, actual, journal, {0}};

	for (size_t i = 0; i < desired->obstacle_count; i++)
		remark(&remarker, true, desired->obstacles[i]);
	for (size_t i = 0; i < desired->vip_count; i++)
		judge_vip(&remarker, &desired->vips[i]);
	if (desired->wishes.arp_filter)
		judge_table(&remarker);
	else if (rs_desired_has_ipv4(desired))
		for (size_t i = 0; i < actual->link_count; i++)
			if (actual->links[i].index != actual->lo)
				judge_link(&remarker, &actual->links[i]);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = remarker.remarks;
	return 0;
}

/* ---- how things stand ---- */

enum rs_standing rs_standing(const struct rs_desired *desired, const struct rs_actual *actual,
			     const struct owned_set *journal, const struct rs_plan *plan,
			     const struct rs_remarks *remarks)
{
	bool something = rs_desired_is_begun(desired, actual);

	for (size_t i = 0; i < journal->count; i++)
		something |= journal->items[i].kind != OWNED_OTHER;
	if (!something)
		return RS_NOT_SET_UP;
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action != RS_NOTE)
			return RS_PARTLY;
	for (size_t i = 0; i < remarks->count; i++)
		if (remarks->items[i].fatal)
			return RS_PARTLY;
	return desired->wishes.count ? RS_IN_PLACE : RS_NOT_SET_UP;
}
