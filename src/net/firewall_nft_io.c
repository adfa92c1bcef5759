/* See the header. The JSON is libnftables-json(5)'s: first tables, sets and chains, then rules, each
 * of which is a list of statements. A map of verdicts is as many rules as it has entries. */
#include "net/firewall_nft_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"

#define XTABLES 16 /* iptables' tables have five names, in two families */

/* What is in a set, as it is read for one field: rules share it. */
struct members {
	size_t entry; /* of the list */
	enum firewall_field field;
	bool understood;
	struct firewall_value *values;
	size_t count;
};

struct nft {
	struct arena *arena;
	struct firewall *out;
	const json_t *list; /* of all that is in it */
	const json_t *rule; /* that is read */
	const json_t *xtables[XTABLES]; /* a chain of each of iptables' tables */
	size_t xtable_count;
	struct table sets; /* entries of the list, by family, table and name */
	struct members *members;
	size_t member_count;
	struct table member_index; /* by their entries */
};

static const char *text_of_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *keep(struct nft *nft, const char *text)
{
	const char *kept = arena_strdup(nft->arena, text);

	return kept ? kept : "";
}

/* ---- values ---- */

/* Where -n is not obeyed. */
static const struct {
	const char *name;
	uint64_t number;
} names[] = {
	{"icmp", 1},        {"tcp", 6},       {"udp", 17},    {"gre", 47},
	{"ah", 51},         {"ipv6-icmp", 58}, {"icmpv6", 58}, {"vrrp", 112},
	{"invalid", 1},     {"established", 2}, {"related", 4}, {"new", 8},
	{"untracked", 64},  {"ipv4", 2},      {"ipv6", 10},   {"ip", 0x0800},
	{"ip6", 0x86dd},    {"arp", 0x0806},  {"request", 1}, {"reply", 2},
	{"nd-neighbor-solicit", 135}, {"nd-neighbor-advert", 136},
	{"dnat", 32},       {"snat", 16},     {"unicast", 1}, {"local", 2},
	{"broadcast", 3},   {"anycast", 4},   {"multicast", 5},
};

static bool read_number(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value)) {
		*out = (uint64_t)json_integer_value(value);
		return true;
	}
	for (size_t i = 0; text && i < COUNT_OF(names); i++)
		if (!strcmp(names[i].name, text))
			return *out = names[i].number, true;
	if (!text || *text < '0' || *text > '9')
		return false;
	*out = strtoull(text, &end, 0);
	return !*end;
}

static bool is_address(enum firewall_field field)
{
	return field == FIREWALL_SOURCE || field == FIREWALL_DESTINATION;
}

static bool is_name(enum firewall_field field)
{
	return field == FIREWALL_INTERFACE_IN || field == FIREWALL_INTERFACE_OUT;
}

/* meta protocol and meta nfproto say 0x0800 and 2 where ours is 4. With -n, an ARP operation is in
 * the wire's order (1.0.6). */
static uint64_t plain(enum firewall_field field, uint64_t number)
{
	if (field == FIREWALL_IP)
		return number == 2 || number == 0x0800 || number == 0x0008 ? 4
		       : number == 10 || number == 0x86dd || number == 0xdd86 ? 6 : 99;
	if (field == FIREWALL_ARP_OPERATION && number >= 256)
		return number / 256;
	return number;
}

static bool read_address(const json_t *item, struct firewall_value *out)
{
	const json_t *prefix = json_object_get(item, "prefix"), *range = json_object_get(item, "range");
	struct firewall_value last;
	char text[64];

	if (json_is_string(item))
		return firewall_read_addresses(json_string_value(item), out);
	if (prefix) {
		snprintf(text, sizeof(text), "%s/%d", text_of_member(prefix, "addr"),
			 (int)json_integer_value(json_object_get(prefix, "len")));
		return firewall_read_addresses(text, out);
	}
	if (!json_is_string(json_array_get(range, 0)) || !json_is_string(json_array_get(range, 1)) ||
	    !firewall_read_addresses(json_string_value(json_array_get(range, 0)), out) ||
	    !firewall_read_addresses(json_string_value(json_array_get(range, 1)), &last))
		return false;
	out->high = last.high;
	return true;
}

static bool read_numbers(enum firewall_field field, const json_t *item, struct firewall_value *out)
{
	const json_t *range = json_object_get(item, "range");

	if (range)
		return read_number(json_array_get(range, 0), &out->first) &&
		       read_number(json_array_get(range, 1), &out->last);
	if (!read_number(item, &out->first))
		return false;
	out->first = out->last = plain(field, out->first);
	return true;
}

static bool read_item(struct nft *nft, enum firewall_field field, const json_t *item,
		      struct firewall_value *out)
{
	const json_t *element = json_object_get(item, "elem");

	if (element) /* with a timeout, a comment or a counter */
		item = json_object_get(element, "val");
	if (is_address(field))
		return read_address(item, out);
	if (!is_name(field))
		return read_numbers(field, item, out);
	out->name = json_is_string(item) ? keep(nft, json_string_value(item)) : NULL;
	return out->name;
}

static const json_t *set_of(const json_t *entry)
{
	const json_t *set = json_object_get(entry, "set");

	return set ? set : json_object_get(entry, "map");
}

static uint64_t hash_set(const json_t *owner, const char *name)
{
	const char *family = text_of_member(owner, "family"), *table = text_of_member(owner, "table");
	uint64_t hash = text_hash(TEXT_HASH, family, strlen(family) + 1);

	return text_hash(text_hash(hash, table, strlen(table) + 1), name, strlen(name) + 1);
}

static void index_sets(struct nft *nft)
{
	const json_t *entry;
	size_t at;

	if (table_init(&nft->sets, nft->arena, 0) || table_init(&nft->member_index, nft->arena, 0))
		return;
	json_array_foreach (nft->list, at, entry) {
		const json_t *set = set_of(entry);

		if (set)
			(void)table_add(&nft->sets, hash_set(set, text_of_member(set, "name")), (uint32_t)at);
	}
}

/* A set or map of the rule's own table, with its place in the list. */
static const json_t *find_set(const struct nft *nft, const char *name, uint32_t *at)
{
	uint64_t hash = hash_set(nft->rule, name);
	size_t step = 0;

	while (table_next(&nft->sets, hash, &step, at)) {
		const json_t *set = set_of(json_array_get(nft->list, *at));

		if (!strcmp(text_of_member(set, "name"), name) &&
		    !strcmp(text_of_member(set, "table"), text_of_member(nft->rule, "table")) &&
		    !strcmp(text_of_member(set, "family"), text_of_member(nft->rule, "family")))
			return set;
	}
	return NULL;
}

static bool read_list(struct nft *nft, struct firewall_match *match, const json_t *list)
{
	const json_t *item;
	size_t at;

	json_array_foreach (list, at, item) {
		struct firewall_value *value = firewall_add_value(nft->arena, match);

		if (!value || !read_item(nft, match->field, item, value))
			return false;
	}
	return true;
}

/* What is in a set now; a set that many rules name is read once. False: it is not understood. */
static bool read_set(struct nft *nft, struct firewall_match *match, const char *name)
{
	struct members *members;
	const json_t *set, *list;
	size_t step = 0;
	uint32_t at, known;

	set = find_set(nft, name, &at);
	if (!set)
		return false;
	while (table_next(&nft->member_index, at, &step, &known)) {
		members = &nft->members[known];
		if (members->entry == at && members->field == match->field) {
			match->values = members->values;
			match->value_count = members->count;
			return members->understood;
		}
	}
	members = arena_push(nft->arena, &nft->members, &nft->member_count, sizeof(*members));
	if (!members || table_add(&nft->member_index, at, (uint32_t)(nft->member_count - 1)))
		return false;
	*members = (struct members){.entry = at, .field = match->field};
	list = json_object_get(set, "elem"); /* none: it is empty */
	members->understood = (!list || json_is_array(list)) && read_list(nft, match, list);
	members->values = match->values;
	members->count = match->value_count;
	return members->understood;
}

/* False: a value that is not understood. */
static bool read_values(struct nft *nft, struct firewall_match *match, const json_t *right)
{
	const char *text = json_string_value(right);
	const json_t *list = json_object_get(right, "set");
	struct firewall_value *value;

	if (text && *text == '@')
		return read_set(nft, match, text + 1);
	if (!list && json_is_array(right))
		list = right;
	if (json_is_array(list))
		return read_list(nft, match, list);
	value = firewall_add_value(nft->arena, match);
	return value && read_item(nft, match->field, list ? list : right, value);
}

/* ---- what is matched ---- */

static const struct {
	const char *protocol, *field; /* of a payload; protocol "meta", "ct", "fib": of those */
	enum firewall_field is;
	int implied; /* the protocol that has such a field; or 4, 6 of FIREWALL_IP below */
} fields[] = {
	{"meta", "l4proto", FIREWALL_PROTOCOL, 0},
	{"meta", "nfproto", FIREWALL_IP, 0},
	{"meta", "protocol", FIREWALL_IP, 0},
	{"meta", "iifname", FIREWALL_INTERFACE_IN, 0},
	{"meta", "iif", FIREWALL_INTERFACE_IN, 0},
	{"meta", "oifname", FIREWALL_INTERFACE_OUT, 0},
	{"meta", "oif", FIREWALL_INTERFACE_OUT, 0},
	{"ct", "state", FIREWALL_STATE, 0},
	{"ct", "status", FIREWALL_STATUS, 0},
	{"fib", "saddr", FIREWALL_SOURCE_TYPE, 0},
	{"fib", "daddr", FIREWALL_DESTINATION_TYPE, 0},
	{"ip", "protocol", FIREWALL_PROTOCOL, -4},
	{"ip", "saddr", FIREWALL_SOURCE, -4},
	{"ip", "daddr", FIREWALL_DESTINATION, -4},
	{"ip", "ttl", FIREWALL_TTL, -4},
	{"ip6", "nexthdr", FIREWALL_PROTOCOL, -6},
	{"ip6", "saddr", FIREWALL_SOURCE, -6},
	{"ip6", "daddr", FIREWALL_DESTINATION, -6},
	{"ip6", "hoplimit", FIREWALL_TTL, -6},
	{"tcp", "dport", FIREWALL_PORT, 6},
	{"tcp", "sport", FIREWALL_SOURCE_PORT, 6},
	{"udp", "dport", FIREWALL_PORT, 17},
	{"udp", "sport", FIREWALL_SOURCE_PORT, 17},
	{"sctp", "dport", FIREWALL_PORT, 132},
	{"th", "dport", FIREWALL_PORT, 0},
	{"th", "sport", FIREWALL_SOURCE_PORT, 0},
	{"icmp", "type", FIREWALL_ICMP_TYPE, 1},
	{"icmpv6", "type", FIREWALL_ICMP_TYPE, 58},
	{"arp", "operation", FIREWALL_ARP_OPERATION, 0},
	{"arp", "saddr ip", FIREWALL_SOURCE, 0},
	{"arp", "daddr ip", FIREWALL_DESTINATION, 0},
};

/* Fields of a protocol that the packet has not make the rule one that does not match. */
static void imply(struct nft *nft, struct firewall_rule *rule, int implied)
{
	struct firewall_match *match;
	struct firewall_value *value;

	if (!implied)
		return;
	match = firewall_add_match(nft->arena, rule, implied < 0 ? FIREWALL_IP : FIREWALL_PROTOCOL);
	value = match ? firewall_add_value(nft->arena, match) : NULL;
	if (value)
		value->first = value->last = (uint64_t)(implied < 0 ? -implied : implied);
}

/* What every ARP packet for IPv4 over Ethernet has. */
static bool is_matter_of_course(const json_t *payload)
{
	const char *field = text_of_member(payload, "field");

	return !strcmp(text_of_member(payload, "protocol"), "arp") &&
	       (!strcmp(field, "htype") || !strcmp(field, "hlen") || !strcmp(field, "plen") ||
		!strcmp(field, "ptype"));
}

/* "daddr" of `fib daddr type`; what else a fib tells, or goes by, is not known here. */
static const char *name_of_fib(const json_t *fib)
{
	const json_t *flags = json_object_get(fib, "flags");

	if (strcmp(text_of_member(fib, "result"), "type") != 0)
		return "";
	if (json_array_size(flags) == 1)
		flags = json_array_get(flags, 0);
	return json_is_string(flags) ? json_string_value(flags) : "";
}

static int find_field(const json_t *left)
{
	const json_t *fib = json_object_get(left, "fib");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");
	const char *protocol = payload ? text_of_member(payload, "protocol")
			       : fib   ? "fib"
			       : meta  ? "meta"
				       : "ct";
	const char *name = payload ? text_of_member(payload, "field")
			   : fib   ? name_of_fib(fib)
				   : text_of_member(meta ? meta : ct, "key");

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (!strcmp(fields[i].protocol, protocol) && !strcmp(fields[i].field, name))
			return (int)i;
	return -1;
}

/* "!" is of bits: none of them. */
static bool is_understood(enum firewall_field field, const char *op)
{
	return !strcmp(op, "==") || !strcmp(op, "!=") || !strcmp(op, "in") ||
	       (!strcmp(op, "!") && (field == FIREWALL_STATE || field == FIREWALL_STATUS));
}

static void add_match(struct nft *nft, struct firewall_rule *rule, const json_t *left,
		      const json_t *right, const char *op)
{
	int at = find_field(left);
	bool understood = at >= 0 && is_understood(fields[at].is, op);
	struct firewall_match *match;

	if (is_matter_of_course(json_object_get(left, "payload")))
		return;
	if (at >= 0)
		imply(nft, rule, fields[at].implied);
	match = firewall_add_match(nft->arena, rule, at < 0 ? FIREWALL_UNKNOWN : fields[at].is);
	if (!match)
		return;
	match->negated = *op == '!';
	if (!understood || !read_values(nft, match, right))
		match->field = FIREWALL_UNKNOWN;
}

/* ---- statements ---- */

/* It goes on as another. (arptables' target is known to nft by its name alone.) */
static bool is_change(const json_t *statement)
{
	const json_t *key = json_object_get(json_object_get(statement, "mangle"), "key"),
		     *payload = json_object_get(key, "payload");

	return json_object_get(statement, "dnat") || json_object_get(statement, "redirect") ||
	       json_object_get(statement, "tproxy") ||
	       !strcmp(text_of_member(json_object_get(statement, "xt"), "name"), "mangle") ||
	       (!strcmp(text_of_member(payload, "protocol"), "arp") &&
		!strcmp(text_of_member(payload, "field"), "saddr ip"));
}

static bool take_verdict(struct nft *nft, struct firewall_rule *rule, const json_t *statement)
{
	const json_t *jump = json_object_get(statement, "jump"), *go = json_object_get(statement, "goto");

	if (rule->verdict == FIREWALL_CHANGE)
		return true; /* what follows is said of the other */
	if (is_change(statement))
		rule->verdict = FIREWALL_CHANGE;
	else if (json_object_get(statement, "accept") || json_object_get(statement, "queue"))
		rule->verdict = FIREWALL_ACCEPT;
	else if (json_object_get(statement, "drop") || json_object_get(statement, "reject"))
		rule->verdict = FIREWALL_DROP;
	else if (json_object_get(statement, "return"))
		rule->verdict = FIREWALL_RETURN;
	else if (jump || go)
		rule->verdict = jump ? FIREWALL_JUMP : FIREWALL_GOTO;
	else
		return false;
	if (jump || go)
		rule->target = keep(nft, text_of_member(jump ? jump : go, "target"));
	return true;
}

/* Statements that say nothing of the packet. */
static bool is_idle(const char *name)
{
	static const char *const idle[] = {"counter", "log",  "mangle", "masquerade", "snat",
					   "notrack", "flow", "set", "ct helper", "comment"};

	for (size_t i = 0; i < COUNT_OF(idle); i++)
		if (!strcmp(idle[i], name))
			return true;
	return false;
}

static void take_statement(struct nft *nft, struct firewall_rule *rule, json_t *statement)
{
	const json_t *match = json_object_get(statement, "match");
	const char *name = json_object_iter_key(json_object_iter(statement));

	if (match)
		add_match(nft, rule, json_object_get(match, "left"), json_object_get(match, "right"),
			  text_of_member(match, "op"));
	else if (!take_verdict(nft, rule, statement) && name && !is_idle(name))
		firewall_add_match(nft->arena, rule, FIREWALL_UNKNOWN);
}

/* One rule for each entry of a map of verdicts: what stands before it, and the key. */
static void add_entries(struct nft *nft, struct firewall_chain *chain, const json_t *expressions,
			size_t before, const json_t *vmap)
{
	const json_t *data = json_object_get(vmap, "data"), *entry, *set;
	uint32_t place;
	size_t at;

	if (json_is_string(data)) {
		set = find_set(nft, json_string_value(data) + 1, &place);
		data = json_object_get(set, "elem");
	} else {
		data = json_object_get(data, "set");
	}
	json_array_foreach (data, at, entry) {
		struct firewall_rule *rule = firewall_add_rule(nft->arena, chain);

		if (!rule)
			return;
		for (size_t i = 0; i < before; i++)
			take_statement(nft, rule, json_array_get(expressions, i));
		add_match(nft, rule, json_object_get(vmap, "key"), json_array_get(entry, 0), "==");
		take_verdict(nft, rule, json_array_get(entry, 1));
	}
}

static void read_rule(struct nft *nft, const json_t *json)
{
	const json_t *expressions = json_object_get(json, "expr");
	struct firewall_chain *chain =
		firewall_chain(nft->out, text_of_member(json, "family"),
			       text_of_member(json, "table"), text_of_member(json, "chain"));
	struct firewall_rule *rule;
	json_t *statement;
	size_t at;

	if (!chain)
		return;
	nft->rule = json;
	json_array_foreach (expressions, at, statement)
		if (json_object_get(statement, "vmap")) {
			add_entries(nft, chain, expressions, at, json_object_get(statement, "vmap"));
			return;
		}
	rule = firewall_add_rule(nft->arena, chain);
	json_array_foreach (expressions, at, statement)
		if (rule)
			take_statement(nft, rule, statement);
}

/* ---- chains ---- */

static enum firewall_family family_of(const char *name)
{
	static const struct {
		const char *name;
		enum firewall_family family;
	} families[] = {
		{"ip", FIREWALL_IPV4},    {"ip6", FIREWALL_IPV6},       {"inet", FIREWALL_INET},
		{"arp", FIREWALL_ARP},    {"netdev", FIREWALL_NETDEV},
	};

	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (!strcmp(families[i].name, name))
			return families[i].family;
	return 0;
}

static enum firewall_hook hook_of(const char *name)
{
	static const char *const hooks[] = {
		[FIREWALL_NO_HOOK] = "",       [FIREWALL_INGRESS] = "ingress",
		[FIREWALL_PREROUTING] = "prerouting", [FIREWALL_INPUT] = "input",
		[FIREWALL_FORWARD] = "forward",       [FIREWALL_OUTPUT] = "output",
		[FIREWALL_POSTROUTING] = "postrouting",
	};

	for (size_t i = 0; i < COUNT_OF(hooks); i++)
		if (!strcmp(hooks[i], name))
			return (enum firewall_hook)i;
	return FIREWALL_OTHER_HOOK;
}

static bool is_of_iptables(const json_t *json)
{
	static const char *const tables[] = {"filter", "mangle", "nat", "raw", "security"};
	static const char *const chains[] = {"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"};
	const char *family = text_of_member(json, "family"), *table = text_of_member(json, "table"),
		   *name = text_of_member(json, "name");
	bool is_table = false, is_chain = false;

	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		is_table |= !strcmp(tables[i], table);
		is_chain |= !strcmp(chains[i], name);
	}
	return is_table && is_chain && (!strcmp(family, "ip") || !strcmp(family, "ip6"));
}

/* Whether a chain's table has a base chain that is iptables'. */
static bool in_xtables(const struct nft *nft, const json_t *chain)
{
	for (size_t i = 0; i < nft->xtable_count; i++)
		if (!strcmp(text_of_member(nft->xtables[i], "family"), text_of_member(chain, "family")) &&
		    !strcmp(text_of_member(nft->xtables[i], "table"), text_of_member(chain, "table")))
			return true;
	return false;
}

static void find_xtables(struct nft *nft)
{
	const json_t *entry;
	size_t at;

	json_array_foreach (nft->list, at, entry) {
		const json_t *one = json_object_get(entry, "chain");

		if (one && is_of_iptables(one) && json_object_get(one, "hook") &&
		    !in_xtables(nft, one) && nft->xtable_count < XTABLES)
			nft->xtables[nft->xtable_count++] = one;
	}
}

static void read_chain(struct nft *nft, const json_t *json)
{
	const char *family = text_of_member(json, "family"), *table = text_of_member(json, "table"),
		   *device = text_of_member(json, "dev");
	struct firewall_chain chain;

	/* lbha-rs has one of ARP: arp_filter.h */
	if (!family_of(family) || (family_of(family) != FIREWALL_ARP && !strncmp(table, "lbha", 4)))
		return;
	chain = (struct firewall_chain){
		.family = family_of(family),
		.tool = FIREWALL_NFT,
		.family_name = keep(nft, family),
		.table = keep(nft, table),
		.name = keep(nft, text_of_member(json, "name")),
		.hook = hook_of(text_of_member(json, "hook")),
		.priority = json_integer_value(json_object_get(json, "prio")),
		.drops = !strcmp(text_of_member(json, "policy"), "drop"),
		.device = *device ? keep(nft, device) : NULL,
	};
	if (!strcmp(family, "arp") && !strcmp(table, "filter") &&
	    (!strcmp(chain.name, "INPUT") || !strcmp(chain.name, "OUTPUT")))
		chain.tool = FIREWALL_IPTABLES;
	(void)firewall_add_chain(nft->arena, nft->out, &chain);
}

int firewall_read_nft(struct arena *arena, const char *text, struct firewall *out,
		      bool *has_xtables)
{
	json_t *root = json_loads(text, 0, NULL);
	struct nft nft = {.arena = arena, .out = out, .list = json_object_get(root, "nftables")};
	const json_t *entry, *part;
	size_t at;

	*has_xtables = false;
	if (!json_is_array(nft.list)) {
		json_decref(root);
		return -EINVAL;
	}
	find_xtables(&nft);
	index_sets(&nft);
	json_array_foreach (nft.list, at, entry) {
		part = json_object_get(entry, "chain");
		if (part && in_xtables(&nft, part))
			*has_xtables = true;
		else if (part)
			read_chain(&nft, part);
	}
	json_array_foreach (nft.list, at, entry) {
		part = json_object_get(entry, "rule");
		if (part)
			read_rule(&nft, part);
	}
	json_decref(root);
	return arena_failed(arena) ? -ENOMEM : 0;
}
