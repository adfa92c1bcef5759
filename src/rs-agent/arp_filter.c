/* See the header. The text has one rule for each own IPv4 network and one for each link that has
 * one; a link without needs none. */
#include "rs-agent/arp_filter.h"

#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"

#define FRAME_ROOM 1024
#define VIP_ROOM (ADDR_TEXT + 4)
#define RULE_ROOM 192

struct filter {
	struct addr *vips; /* IPv4, in order, each once */
	size_t vip_count;
	const struct address_list *addresses;
	const struct link *links;
	size_t link_count;
};

/* ---- VIPs ---- */

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static bool vips_take(struct arena *arena, struct filter *filter, const struct addr *vips,
		      size_t count)
{
	size_t kept = 0;

	filter->vips = arena_array(arena, count + 1, sizeof(*vips));
	if (!filter->vips)
		return false;
	for (size_t i = 0; i < count; i++)
		if (vips[i].family == AF_INET)
			filter->vips[filter->vip_count++] = vips[i];
	qsort(filter->vips, filter->vip_count, sizeof(*vips), by_address);
	for (size_t i = 0; i < filter->vip_count; i++)
		if (!kept || !addr_equal(&filter->vips[kept - 1], &filter->vips[i]))
			filter->vips[kept++] = filter->vips[i];
	filter->vip_count = kept;
	return true;
}

static bool is_vip(const struct filter *filter, const struct addr *address)
{
	return bsearch(address, filter->vips, filter->vip_count, sizeof(*address), by_address);
}

/* ---- own addresses ---- */

/* One that may be named as the sender on this link; a secondary one has a primary beside it. */
static bool is_sender(const struct filter *filter, const struct link *link,
		      const struct address *address)
{
	return address->link == link->index && address->prefix.address.family == AF_INET &&
	       !(address->flags & IFA_F_SECONDARY) && address->scope <= ADDRESS_SCOPE_LINK && !is_vip(filter, &address->prefix.address);
}

static bool speaks_arp(const struct link *link)
{
	return link->arp && !link->loopback;
}

/* A name in quotes has no way to quote a quote, and "*" at its end means any: an odd one is told by
 * its number, which nft takes without asking. */
static void add_link(struct text *out, const struct link *link)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_@";

	if (link->name[strspn(link->name, plain)])
		text_add(out, "oif %u ", link->index);
	else
		text_add(out, "oifname \"%s\" ", link->name);
}

static void add_network(struct text *out, const struct prefix *prefix)
{
	uint32_t mask = prefix->length ? UINT32_MAX << (32 - prefix->length) : 0;
	struct addr network = addr_from_ipv4(addr_ipv4(&prefix->address) & mask);
	char text[ADDR_TEXT];

	text_add(out, "arp daddr ip %s/%u ", addr_format(&network, text), prefix->length);
}

static void add_sender(struct text *out, const struct addr *sender)
{
	char text[ADDR_TEXT];

	text_add(out, "arp saddr ip set %s accept\n", addr_format(sender, text));
}

/* The rules of one link; its first address, NULL when it has none. */
static const struct addr *add_link_rules(struct text *out, const struct filter *filter,
					 const struct link *link)
{
	const struct addr *first = NULL;

	for (size_t i = 0; i < filter->addresses->count; i++) {
		const struct address *address = &filter->addresses->items[i];

		if (!is_sender(filter, link, address))
			continue;
		text_add(out, "\t\t");
		add_link(out, link);
		add_network(out, &address->prefix);
		add_sender(out, &address->prefix.address);
		first = first ? first : &address->prefix.address;
	}
	if (!first)
		return NULL;
	text_add(out, "\t\t");
	add_link(out, link);
	add_sender(out, first);
	return first;
}

static void add_senders(struct text *out, const struct filter *filter)
{
	const struct addr *first = NULL;

	text_add(out, "\tchain own_sender {\n");
	for (size_t i = 0; i < filter->link_count; i++) {
		const struct addr *sender =
			speaks_arp(&filter->links[i])
				? add_link_rules(out, filter, &filter->links[i])
				: NULL;

		first = first ? first : sender;
	}
	if (first) {
		text_add(out, "\t\t");
		add_sender(out, first);
	} else {
		text_add(out, "\t\tdrop\n");
	}
	text_add(out, "\t}\n");
}

/* ---- the table ---- */

static void add_vips(struct text *out, const struct filter *filter)
{
	char address[ADDR_TEXT];

	text_add(out, "\tset vips {\n\t\ttype ipv4_addr\n\t\telements = {");
	for (size_t i = 0; i < filter->vip_count; i++)
		text_add(out, "%s %s", i ? "," : "", addr_format(&filter->vips[i], address));
	text_add(out, " }\n\t}\n");
}

static void add_table(struct text *out, const struct filter *filter)
{
	text_add(out, "table arp " ARP_FILTER_TABLE " {\n");
	add_vips(out, filter);
	text_add(out, "\tchain input {\n"
		      "\t\ttype filter hook input priority filter; policy accept;\n"
		      "\t\tarp operation request arp daddr ip @vips drop\n"
		      "\t}\n");
	add_senders(out, filter);
	text_add(out, "\tchain output {\n"
		      "\t\ttype filter hook output priority filter; policy accept;\n"
		      "\t\tarp operation reply arp saddr ip @vips drop\n"
		      "\t\tarp saddr ip @vips goto own_sender\n"
		      "\t}\n"
		      "}\n");
}

const char *arp_filter_text(struct arena *arena, const struct addr *vips, size_t vip_count,
			    const struct address_list *addresses, const struct link *links,
			    size_t link_count)
{
	struct filter filter = {.addresses = addresses, .links = links, .link_count = link_count};
	size_t size = FRAME_ROOM + vip_count * VIP_ROOM +
		      (addresses->count + link_count) * RULE_ROOM;
	struct text out;
	char *room;

	if (!vips_take(arena, &filter, vips, vip_count))
		return NULL;
	if (!filter.vip_count)
		return "";
	room = arena_alloc(arena, size);
	if (!room)
		return NULL;
	out = text_of(room, size);
	add_table(&out, &filter);
	return room;
}

const char *arp_filter_transaction(struct arena *arena, const char *table)
{
	return arena_printf(arena,
			    "add table arp " ARP_FILTER_TABLE "\n"
			    "delete table arp " ARP_FILTER_TABLE "\n%s",
			    table);
}

/* ---- what is there ---- */

#define HEAD "table arp " ARP_FILTER_TABLE " {\n"
#define TAIL "\n}\n"

const char *arp_filter_listed(struct arena *arena, const char *ruleset)
{
	const char *start = ruleset, *end;

	while ((start = strstr(start, HEAD)) && start != ruleset && start[-1] != '\n')
		start++;
	end = start ? strstr(start, TAIL) : NULL;
	return end ? arena_text(arena, start, (size_t)(end - start) + strlen(TAIL)) : "";
}

static uint32_t half(const char *text)
{
	unsigned long long hash = text_hash(TEXT_HASH, text, strlen(text));

	return (uint32_t)(hash ^ hash >> 32) | 1;
}

uint64_t arp_filter_digest(const char *wanted, const char *listed)
{
	return (uint64_t)half(wanted) << 32 | half(listed);
}

bool arp_filter_was_wanted(uint64_t digest, const char *wanted)
{
	return digest >> 32 == half(wanted);
}

bool arp_filter_was_listed(uint64_t digest, const char *listed)
{
	return (uint32_t)digest == half(listed);
}
