/* virtual_ipaddress and virtual_routes: what is written in the words of ip(8). */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "convert/ka_run.h"

/* ---- addresses ------------------------------------------------------------------------------ */

/* Words of an address that take another one, and those that stand alone. */
static const struct {
	const char *word, *key;
	bool has_value;
	enum import_severity severity;
	const char *remark;
} address_words[] = {
	{"dev", "interface", true, 0, NULL},
	{"label", "label", true, 0, NULL},
	{"scope", "scope", true, 0, NULL},
	{"noprefixroute", "noprefixroute", false, 0, NULL},
	{"brd", NULL, true, IMPORT_NOTE, "brd: the address has the broadcast address of its network"},
	{"broadcast", NULL, true, IMPORT_NOTE, "brd: the address has the broadcast address of its network"},
	{"peer", NULL, true, IMPORT_WARNING, "peer: addresses with a peer are not made"},
	{"preferred_lft", NULL, true, IMPORT_NOTE, "preferred_lft: a /128 is no source of connections unless nothing else is there"},
	{"home", NULL, false, IMPORT_NOTE, "home: not set"},
	{"-nodad", NULL, false, IMPORT_NOTE, "-nodad: virtual addresses wait for no duplicate address detection"},
	{"mngtmpaddr", NULL, false, IMPORT_NOTE, "mngtmpaddr: not set"},
	{"autojoin", NULL, false, IMPORT_NOTE, "autojoin: not set"},
	{"no_track", NULL, false, IMPORT_NOTE, "no_track: addresses on other interfaces do not count anyway, unless they are tracked"},
	{"use_vmac", NULL, false, IMPORT_WARNING, "use_vmac: virtual_mac is for the instance's own interface"},
	{"track_group", NULL, true, IMPORT_NOTE, "track_group: see track"},
};

/* Takes one word of an address and returns how many more it has used up. */
static size_t take_word(struct ka_run *run, const struct ka_node *node, size_t index,
			struct draft *address, struct draft *into)
{
	const char *word = node->words[index], *value = ka_word(node, index + 1);

	for (size_t i = 0; i < COUNT_OF(address_words); i++) {
		if (strcmp(address_words[i].word, word) != 0)
			continue;
		if (address_words[i].remark)
			ka_say(run, node, into, address_words[i].severity, "%s", address_words[i].remark);
		else if (!address_words[i].has_value)
			draft_value(run->arena, address, address_words[i].key, "true");
		else if (value)
			draft_text(run->arena, address, address_words[i].key, value);
		return address_words[i].has_value;
	}
	ka_say(run, node, into, IMPORT_WARNING, "%s: unknown in an address", word);
	return 0;
}

static void take_address(struct ka_run *run, const struct ka_node *node, bool is_advertised,
			 int family, struct draft *into)
{
	struct draft *list = draft_list(run->arena, into, "virtual_addresses"), *address;
	bool is_ipv6 = strchr(node->words[0], ':') != NULL;

	if (is_advertised && is_ipv6 != (family == AF_INET6)) {
		ka_say(run, node, into, IMPORT_NOTE, "of the other family: not advertised, as with keepalived");
		is_advertised = false;
	}
	if (node->count == 1 && is_advertised) {
		draft_text(run->arena, list, NULL, node->words[0]);
		return;
	}
	address = draft_item(run->arena, list, DRAFT_MAP);
	if (!address)
		return;
	address->is_short = true;
	draft_text(run->arena, address, "address", node->words[0]);
	for (size_t i = 1; i < node->count; i++)
		i += take_word(run, node, i, address, into);
	if (!is_advertised)
		draft_value(run->arena, address, "advertise", "false");
}

void ka_take_addresses(struct ka_run *run, const struct ka_node *block, bool is_advertised,
		       int family, struct draft *into)
{
	for (const struct ka_node *at = block->first; at; at = at->next)
		take_address(run, at, is_advertised, family, into);
}

/* ---- routes --------------------------------------------------------------------------------- */

static const struct {
	const char *word, *key; /* key NULL: passed over with its value */
} route_words[] = {
	{"to", "to"},         {"via", "via"},       {"gw", "via"},        {"dev", "dev"},
	{"oif", "dev"},       {"metric", "metric"}, {"table", "table"},
};

/* Words without a value, and those whose value is passed over. */
static const char *const bare_words[] = {"unicast", "onlink", "no_track", "inet", "inet6"};

static bool is_bare(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(bare_words); i++)
		if (!strcmp(bare_words[i], word))
			return true;
	return false;
}

static bool put_route_word(struct ka_run *run, struct draft *route, const char *word,
			   const char *value)
{
	for (size_t i = 0; i < COUNT_OF(route_words); i++) {
		if (strcmp(route_words[i].word, word) != 0)
			continue;
		if (!value)
			return true;
		if (!strcmp(word, "metric") || !strcmp(word, "table"))
			ka_plain(run, route, word, strcmp(value, "main") != 0 ? value : "254");
		else
			draft_text(run->arena, route, route_words[i].key, value);
		return true;
	}
	return false;
}

static void take_route(struct ka_run *run, const struct ka_node *node, struct draft *into)
{
	struct draft *route =
		draft_item(run->arena, draft_list(run->arena, into, "routes"), DRAFT_MAP);
	struct prefix to;

	if (!route)
		return;
	route->is_short = true;
	for (size_t i = 0; i < node->count; i++) {
		const char *word = node->words[i];

		if (put_route_word(run, route, word, ka_word(node, i + 1)))
			i++;
		else if (!strcmp(word, "default") || !prefix_parse(word, &to))
			draft_text(run->arena, route, "to", word);
		else if (is_bare(word))
			ka_say(run, node, into, IMPORT_NOTE, "%s: passed over", word);
		else
			ka_say(run, node, into, IMPORT_WARNING, "%s %s: such routes are not made", word,
			       ka_word(node, i + 1) ? ka_word(node, ++i) : "");
	}
}

void ka_take_routes(struct ka_run *run, const struct ka_node *block, struct draft *into)
{
	for (const struct ka_node *at = block->first; at; at = at->next)
		take_route(run, at, into);
}
