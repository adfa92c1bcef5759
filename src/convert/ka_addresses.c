/* virtual_ipaddress and virtual_routes: what is written in the words of ip(8). */
#include <stdint.h>
#include <stdlib.h>
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
			 int family, const char *interface, struct draft *into)
{
	struct draft *list = draft_list(run->arena, into, "virtual_addresses"), *address;
	const struct draft *own;
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
	own = draft_find(address, "interface");
	if (own && interface && !strcmp(own->text, interface))
		draft_remove(address, "interface");
	if (!is_advertised)
		draft_value(run->arena, address, "advertise", "false");
	draft_flatten(address, "address");
}

void ka_take_addresses(struct ka_run *run, const struct ka_node *block, bool is_advertised,
		       int family, const char *interface, struct draft *into)
{
	for (const struct ka_node *at = block->first; at; at = at->next)
		take_address(run, at, is_advertised, family, interface, into);
}

/* ---- routes --------------------------------------------------------------------------------- */

enum route_word {
	ROUTE_TO,
	ROUTE_VIA,
	ROUTE_DEV,
	ROUTE_METRIC,
	ROUTE_TABLE,
	ROUTE_ALONE,  /* passed over */
	ROUTE_PASSED, /* with a value, which is told */
	ROUTE_OTHER,  /* makes it a route that lbha has not */
};

static const struct {
	const char *word;
	enum route_word kind;
} route_words[] = {
	{"to", ROUTE_TO},
	{"via", ROUTE_VIA},
	{"gw", ROUTE_VIA},
	{"dev", ROUTE_DEV},
	{"oif", ROUTE_DEV},
	{"metric", ROUTE_METRIC},
	{"priority", ROUTE_METRIC},
	{"preference", ROUTE_METRIC},
	{"table", ROUTE_TABLE},
	{"unicast", ROUTE_ALONE},
	{"onlink", ROUTE_ALONE},
	{"no_track", ROUTE_ALONE},
	{"inet", ROUTE_ALONE},
	{"inet6", ROUTE_ALONE},
	{"add", ROUTE_ALONE},
	{"prepend", ROUTE_ALONE},
	{"append", ROUTE_ALONE},
	{"nexthop", ROUTE_OTHER},
	{"or", ROUTE_OTHER},
	{"from", ROUTE_OTHER},
	{"tos", ROUTE_OTHER},
	{"dsfield", ROUTE_OTHER},
	{"encap", ROUTE_OTHER},
	{"vrf", ROUTE_OTHER},
	{"as", ROUTE_OTHER},
	{"blackhole", ROUTE_OTHER},
	{"prohibit", ROUTE_OTHER},
	{"unreachable", ROUTE_OTHER},
	{"throw", ROUTE_OTHER},
	{"local", ROUTE_OTHER},
	{"broadcast", ROUTE_OTHER},
	{"brd", ROUTE_OTHER},
	{"anycast", ROUTE_OTHER},
	{"multicast", ROUTE_OTHER},
	{"nat", ROUTE_OTHER},
	{"xresolve", ROUTE_OTHER},
};

static enum route_word route_word(const char *word)
{
	struct prefix to;

	for (size_t i = 0; i < COUNT_OF(route_words); i++)
		if (!strcmp(route_words[i].word, word))
			return route_words[i].kind;
	return !strcmp(word, "default") || !prefix_parse(word, &to) ? ROUTE_TO : ROUTE_PASSED;
}

/* A number in any base, or one of the names that the kernel's own tables have. */
static bool put_table(struct ka_run *run, struct draft *route, const char *key, const char *word)
{
	static const struct {
		const char *name, *number;
	} tables[] = {{"main", "254"}, {"local", "255"}, {"default", "253"}};
	char *end;
	unsigned long number;

	for (size_t i = 0; !strcmp(key, "table") && i < COUNT_OF(tables); i++)
		if (!strcmp(tables[i].name, word))
			word = tables[i].number;
	number = strtoul(word, &end, 0);
	if (*word < '0' || *word > '9' || *end || number > UINT32_MAX)
		return false;
	draft_value(run->arena, route, key, "%lu", number);
	return true;
}

/* Takes the word at *index and its value; false: no route comes of it. What is passed over is told unless `into` is
 * NULL. */
static bool take_route_word(struct ka_run *run, const struct ka_node *node, size_t *index, const char *interface,
			    struct draft *route, struct draft *into)
{
	const char *word = node->words[*index], *value = ka_word(node, *index + 1);
	enum route_word kind = route_word(word);
	bool is_target = kind == ROUTE_TO && strcmp(word, "to") != 0;

	if (kind == ROUTE_ALONE || is_target) {
		if (is_target)
			draft_text(run->arena, route, "to", word);
		else if (into)
			ka_say(run, node, into, IMPORT_NOTE, "%s: passed over", word);
		return true;
	}
	if (kind == ROUTE_OTHER || !value)
		return false;
	++*index;
	if (kind == ROUTE_TO && route_word(value) != ROUTE_TO)
		return false; /* "to blackhole …" */
	if (kind == ROUTE_VIA && !strncmp(value, "inet", 4) && ka_word(node, *index + 1))
		value = ka_word(node, ++*index);
	if (kind == ROUTE_METRIC || kind == ROUTE_TABLE)
		return put_table(run, route, kind == ROUTE_TABLE ? "table" : "metric", value);
	if (kind == ROUTE_PASSED) {
		if (!strcmp(value, "lock") && ka_word(node, *index + 1))
			++*index;
		if (into)
			ka_say(run, node, into, IMPORT_WARNING, "%s %s: not set; the route is made without it", word,
			       node->words[*index]);
	} else if (kind != ROUTE_DEV || !interface || strcmp(interface, value) != 0) {
		draft_text(run->arena, route, kind == ROUTE_TO ? "to" : kind == ROUTE_VIA ? "via" : "dev", value);
	}
	return true;
}

static void take_route(struct ka_run *run, const struct ka_node *node, const char *interface, struct draft *into)
{
	struct draft holder = {.kind = DRAFT_LIST}, *route = draft_item(run->arena, &holder, DRAFT_MAP), *list;

	if (!route)
		return;
	route->is_short = true;
	for (size_t i = 0; i < node->count; i++) {
		const char *word = node->words[i];

		if (take_route_word(run, node, &i, interface, route, NULL))
			continue;
		ka_say(run, node, into, IMPORT_WARNING,
		       "%s%s%s: no such route is made, this one is left out; a notify script can, or the system's network configuration",
		       word, node->words[i] != word ? " " : "", node->words[i] != word ? node->words[i] : "");
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		take_route_word(run, node, &i, interface, route, into);
	list = draft_list(run->arena, into, "routes");
	if (!list)
		return;
	*(list->last ? &list->last->next : &list->first) = route;
	list->last = route;
}

void ka_take_routes(struct ka_run *run, const struct ka_node *block, const char *interface, struct draft *into)
{
	for (const struct ka_node *at = block->first; at; at = at->next)
		take_route(run, at, interface, into);
}
