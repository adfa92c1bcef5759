/* See the header. */
#include "net/nft_way.h"

#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "net/nft.h"

/* How a packet shows which server it is for. */
static const struct kind {
	uint8_t family;
	bool wrapped;
	const char *set, *type, *shown;
} kinds[] = {
	{AF_INET, false, "probes_ip", "ipv4_addr", "rt ip nexthop"},
	{AF_INET6, false, "probes_ip6", "ipv6_addr", "rt ip6 nexthop"},
	{AF_INET, true, "probes_in_ip", "ipv4_addr", "ip daddr"},
	{AF_INET6, true, "probes_in_ip6", "ipv6_addr", "ip6 daddr"},
};

#define ROOM_FIXED 2048
#define ROOM_WAY (2 * (ADDR_TEXT + 64))

int nft_way_order(const void *a, const void *b)
{
	const struct nft_way *x = a, *y = b;

	return (x->mark > y->mark) - (x->mark < y->mark);
}

size_t nft_ways_room(const struct nft_rules *rules)
{
	return rules->way_count ? ROOM_FIXED + rules->way_count * ROOM_WAY : 0;
}

static bool is_of(const struct kind *kind, const struct nft_way *way)
{
	return way->server.family == kind->family && way->wrapped == kind->wrapped;
}

/* False: no way is of that kind. */
static bool add_set(struct text *out, const struct nft_rules *rules, const struct kind *kind)
{
	char address[ADDR_TEXT];
	bool open = false;

	for (size_t i = 0; i < rules->way_count; i++) {
		const struct nft_way *way = &rules->ways[i];

		if (!is_of(kind, way))
			continue;
		if (!open)
			text_add(out,
				 "\tset %s {\n"
				 "\t\ttype mark . %s\n"
				 "\t\telements = {\n",
				 kind->set, kind->type);
		open = true;
		text_add(out, "\t\t\t0x%08x . %s,\n", way->mark,
			 addr_format(&way->server, address));
	}
	if (open)
		text_add(out, "\t\t}\n\t}\n");
	return open;
}

static void add_marks(struct text *out, const struct nft_rules *rules)
{
	text_add(out, "\tset probes {\n"
		      "\t\ttype mark\n"
		      "\t\telements = {\n");
	for (size_t i = 0; i < rules->way_count; i++)
		text_add(out, "\t\t\t0x%08x,\n", rules->ways[i].mark);
	text_add(out, "\t\t}\n\t}\n");
}

/* All other packets of this machine are to pay for one comparison only. */
void nft_ways_add(struct text *out, const struct nft_rules *rules)
{
	bool used[COUNT_OF(kinds)];

	if (!rules->way_count)
		return;
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		used[k] = add_set(out, rules, &kinds[k]);
	add_marks(out, rules);
	text_add(out, "\tchain marked {\n");
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		if (used[k])
			text_add(out, "\t\tmeta mark . %s @%s accept\n", kinds[k].shown,
				 kinds[k].set);
	text_add(out,
		 "\t\tmeta mark @probes drop\n"
		 "\t}\n"
		 "\tchain leaving {\n"
		 "\t\ttype filter hook postrouting priority 0; policy accept;\n"
		 "\t\tmeta mark & 0x%08x == 0x%08x goto marked\n"
		 "\t}\n",
		 rules->way_mask, rules->way_base);
}
