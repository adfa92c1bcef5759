/* See the header. A table begins with "*", its chains with ":", its rules with "-A"; a rule is options
 * and their values, of which some are known by a table. */
#include "net/firewall_save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define LINE 2048
#define WORDS 128

struct reader {
	struct arena *arena;
	struct firewall *out;
	enum firewall_family family;
	enum firewall_tool tool;
	const char *family_name, *table;
};

/* ---- words ---- */

/* Cuts a line into words at blanks, in place; what is in quotes is one. */
static size_t cut(char *line, char *words[WORDS])
{
	size_t count = 0;

	for (char *at = line; *at && count < WORDS;) {
		char end = ' ';

		while (*at == ' ')
			at++;
		if (!*at)
			break;
		if (*at == '"') {
			end = '"';
			at++;
		}
		words[count++] = at;
		while (*at && *at != end)
			at += *at == '\\' && at[1] ? 2 : 1;
		if (*at)
			*at++ = '\0';
	}
	return count;
}

/* ---- values ---- */

static const struct word {
	const char *name;
	uint64_t number;
} protocols[] = {
	{"all", 0},      {"icmp", 1},    {"igmp", 2},   {"ipencap", 4}, {"ipv4", 4},
	{"tcp", 6},      {"udp", 17},    {"dccp", 33},  {"ipv6", 41},   {"rsvp", 46},
	{"gre", 47},     {"esp", 50},    {"ah", 51},    {"ipv6-icmp", 58}, {"icmpv6", 58},
	{"eigrp", 88},   {"ospf", 89},   {"ipip", 94},  {"pim", 103},   {"ipcomp", 108},
	{"vrrp", 112},   {"l2tp", 115},  {"sctp", 132}, {"ipv6-mh", 135}, {"udplite", 136},
}, states[] = {
	{"INVALID", 1}, {"ESTABLISHED", 2}, {"RELATED", 4}, {"NEW", 8}, {"UNTRACKED", 64},
	{"DNAT", FIREWALL_STATE_NAT}, {"SNAT", FIREWALL_STATE_NAT},
}, types[] = {
	{"UNICAST", FIREWALL_UNICAST}, {"LOCAL", FIREWALL_LOCAL},
	{"BROADCAST", FIREWALL_BROADCAST}, {"ANYCAST", 4}, {"MULTICAST", FIREWALL_MULTICAST},
};

/* The names that rules are written with; what iptables lists are numbers. */
static const struct {
	const char *name;
	int ipv4, ipv6; /* -1: none such */
} icmp_types[] = {
	{"echo-request", 8, 128},
	{"echo-reply", 0, 129},
	{"destination-unreachable", 3, 1},
	{"packet-too-big", -1, 2},
	{"time-exceeded", 11, 3},
	{"parameter-problem", 12, 4},
	{"redirect", 5, 137},
	{"router-solicitation", 10, 133},
	{"router-advertisement", 9, 134},
	{"neighbour-solicitation", -1, 135},
	{"neighbor-solicitation", -1, 135},
	{"neighbour-advertisement", -1, 136},
	{"neighbor-advertisement", -1, 136},
};

static bool read_number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end;
}

static bool read_one(const char *text, struct firewall_value *out)
{
	if (!read_number(text, &out->first))
		return false;
	out->last = out->first;
	return true;
}

static bool read_word(const struct word *words, size_t count, const char *text,
		      struct firewall_value *out)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i].name, text))
			return out->first = out->last = words[i].number, true;
	return false;
}

static bool read_protocol(const char *text, struct firewall_value *out)
{
	return read_word(protocols, COUNT_OF(protocols), text, out) || read_one(text, out);
}

/* "8", "3/1", "any". */
static bool read_icmp_type(enum firewall_family family, const char *text, struct firewall_value *out)
{
	char type[24];

	snprintf(type, sizeof(type), "%.*s", (int)strcspn(text, "/"), text);
	if (!strcmp(type, "any"))
		return out->first = 0, out->last = UINT8_MAX, true;
	for (size_t i = 0; i < COUNT_OF(icmp_types); i++) {
		int number = family == FIREWALL_IPV6 ? icmp_types[i].ipv6 : icmp_types[i].ipv4;

		if (number >= 0 && !strcmp(icmp_types[i].name, type))
			return out->first = out->last = (uint64_t)number, true;
	}
	return read_one(type, out);
}

static bool read_ports(const char *text, struct firewall_value *out)
{
	const char *colon = strchr(text, ':');
	char first[8] = "0";

	if (!colon)
		return read_one(text, out);
	if ((size_t)(colon - text) >= sizeof(first))
		return false;
	if (colon > text) {
		memcpy(first, text, (size_t)(colon - text));
		first[colon - text] = '\0';
	}
	out->last = UINT16_MAX;
	return read_number(first, &out->first) && (!colon[1] || read_number(colon + 1, &out->last));
}

static bool read_operation(const char *text, struct firewall_value *out)
{
	if (!strcasecmp(text, "request"))
		return out->first = out->last = 1, true;
	if (!strcasecmp(text, "reply"))
		return out->first = out->last = 2, true;
	return read_protocol(text, out);
}

/* iptables writes "eth+" for what begins so. */
static bool read_name(struct reader *reader, const char *text, struct firewall_value *out)
{
	size_t length = strlen(text);
	char *name = arena_strdup(reader->arena, text);

	if (name && length && name[length - 1] == '+')
		name[length - 1] = '*';
	out->name = name;
	return name;
}

static bool read_value(struct reader *reader, enum firewall_field field, const char *text,
		       struct firewall_value *out)
{
	switch (field) {
	case FIREWALL_PROTOCOL:
		return read_protocol(text, out);
	case FIREWALL_SOURCE:
	case FIREWALL_DESTINATION:
		return firewall_read_addresses(text, out);
	case FIREWALL_SOURCE_PORT:
	case FIREWALL_PORT:
		return read_ports(text, out);
	case FIREWALL_INTERFACE_IN:
	case FIREWALL_INTERFACE_OUT:
		return read_name(reader, text, out);
	case FIREWALL_STATE:
		return read_word(states, COUNT_OF(states), text, out);
	case FIREWALL_SOURCE_TYPE:
	case FIREWALL_DESTINATION_TYPE:
		return read_word(types, COUNT_OF(types), text, out);
	case FIREWALL_ICMP_TYPE:
		return read_icmp_type(reader->family, text, out);
	case FIREWALL_TTL:
		return read_one(text, out);
	case FIREWALL_ARP_OPERATION:
		return read_operation(text, out);
	case FIREWALL_IP:
	case FIREWALL_STATUS:
	case FIREWALL_UNKNOWN:
		break;
	}
	return false;
}

/* ---- rules ---- */

static const struct option_row {
	const char *name;
	enum firewall_field field;
	bool is_list; /* commas between values */
} options[] = {
	{"-p", FIREWALL_PROTOCOL, false},
	{"-s", FIREWALL_SOURCE, true},
	{"-d", FIREWALL_DESTINATION, true},
	{"-i", FIREWALL_INTERFACE_IN, false},
	{"-o", FIREWALL_INTERFACE_OUT, false},
	{"--src-range", FIREWALL_SOURCE, false},
	{"--dst-range", FIREWALL_DESTINATION, false},
	{"--sport", FIREWALL_SOURCE_PORT, false},
	{"--dport", FIREWALL_PORT, false},
	{"--sports", FIREWALL_SOURCE_PORT, true},
	{"--dports", FIREWALL_PORT, true},
	{"--ctstate", FIREWALL_STATE, true},
	{"--state", FIREWALL_STATE, true},
	{"--opcode", FIREWALL_ARP_OPERATION, false},
	{"--src-type", FIREWALL_SOURCE_TYPE, true},
	{"--dst-type", FIREWALL_DESTINATION_TYPE, true},
	{"--icmp-type", FIREWALL_ICMP_TYPE, false},
	{"--icmpv6-type", FIREWALL_ICMP_TYPE, false},
	{"--hl-eq", FIREWALL_TTL, false},
	{"--ttl-eq", FIREWALL_TTL, false},
};

/* Modules whose options are all above, or say nothing of the packet. */
static bool is_known_module(const char *name)
{
	static const char *const names[] = {"tcp",     "udp",       "sctp",    "icmp",  "icmp6",
					    "state",   "conntrack", "comment", "hl",    "ttl",
					    "iprange", "multiport", "addrtype"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static const struct option_row *option_find(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (!strcmp(options[i].name, word))
			return &options[i];
	return NULL;
}

static void add_unknown(struct reader *reader, struct firewall_rule *rule)
{
	firewall_add_match(reader->arena, rule, FIREWALL_UNKNOWN);
}

static void add_option(struct reader *reader, struct firewall_rule *rule,
		       const struct option_row *row, char *text, bool negated)
{
	struct firewall_match *match = firewall_add_match(reader->arena, rule, row->field);
	char *next = text, *one;

	if (!match)
		return;
	match->negated = negated;
	while ((one = row->is_list ? strsep(&next, ",") : next)) {
		struct firewall_value *value = firewall_add_value(reader->arena, match);

		if (!value || !read_value(reader, row->field, one, value)) {
			match->field = FIREWALL_UNKNOWN;
			return;
		}
		if (row->field == FIREWALL_PROTOCOL && !value->first)
			value->last = UINT8_MAX; /* all */
		if (!row->is_list)
			return;
	}
}

/* A code is more than packets are given here. */
static void take_option(struct reader *reader, struct firewall_rule *rule,
			const struct option_row *row, char *text, bool negated)
{
	bool has_code = row->field == FIREWALL_ICMP_TYPE && strchr(text, '/');

	if (!has_code || !negated)
		add_option(reader, rule, row, text, negated);
	if (has_code)
		add_unknown(reader, rule);
}

static void take_target(struct reader *reader, struct firewall_rule *rule, const char *name,
			bool is_goto)
{
	if (!strcmp(name, "ACCEPT"))
		rule->verdict = FIREWALL_ACCEPT;
	else if (!strcmp(name, "DROP") || !strcmp(name, "REJECT"))
		rule->verdict = FIREWALL_DROP;
	else if (!strcmp(name, "RETURN"))
		rule->verdict = FIREWALL_RETURN;
	else if (!strcmp(name, "DNAT") || !strcmp(name, "REDIRECT") || !strcmp(name, "TPROXY") ||
		 !strcmp(name, "mangle")) /* arptables': of the sender, as a rule */
		rule->verdict = FIREWALL_CHANGE;
	else if (firewall_chain(reader->out, reader->family_name, reader->table, name))
		rule->verdict = is_goto ? FIREWALL_GOTO : FIREWALL_JUMP;
	rule->target = arena_strdup(reader->arena, name);
}

static bool may_have_options(enum firewall_verdict verdict)
{
	return verdict == FIREWALL_CONTINUE || verdict == FIREWALL_DROP || verdict == FIREWALL_CHANGE;
}

/* Options behind a target are the target's, but that arptables puts its targets first. */
static void read_rule(struct reader *reader, char **words, size_t count)
{
	struct firewall_chain *chain =
		firewall_chain(reader->out, reader->family_name, reader->table, words[1]);
	struct firewall_rule *rule = chain ? firewall_add_rule(reader->arena, chain) : NULL;
	bool negated = false;

	for (size_t i = 2; i < count && rule; i++) {
		const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
		const struct option_row *row = option_find(word);

		if (!strcmp(word, "!")) {
			negated = true;
			continue;
		}
		if ((!strcmp(word, "-j") || !strcmp(word, "-g")) && value) {
			take_target(reader, rule, value, word[1] == 'g');
			if (may_have_options(rule->verdict) && reader->family != FIREWALL_ARP)
				return;
			i++;
		} else if (row && value) {
			take_option(reader, rule, row, words[++i], negated);
		} else if (!strcmp(word, "-m") && value) {
			if (!is_known_module(words[++i]))
				add_unknown(reader, rule);
		} else if (!strcmp(word, "--comment") && value) {
			i++;
		} else if (word[0] == '-' && strncmp(word, "--h-", 4) != 0 &&
			   strncmp(word, "--mangle-", 9) != 0) {
			add_unknown(reader, rule);
		}
		negated = false;
	}
}

/* ---- tables and chains ---- */

static const struct {
	const char *name;
	enum firewall_hook hook;
} hooks[] = {
	{"PREROUTING", FIREWALL_PREROUTING}, {"INPUT", FIREWALL_INPUT},
	{"FORWARD", FIREWALL_FORWARD},       {"OUTPUT", FIREWALL_OUTPUT},
	{"POSTROUTING", FIREWALL_POSTROUTING},
};

/* enum nf_ip_hook_priorities. */
static const struct {
	const char *table;
	int priority;
} priorities[] = {{"raw", -300}, {"mangle", -150}, {"filter", 0}, {"security", 50}, {"nat", -100}};

static void read_chain(struct reader *reader, char **words, size_t count)
{
	struct firewall_chain chain = {
		.family = reader->family,
		.tool = reader->tool,
		.family_name = reader->family_name,
		.table = reader->table,
		.name = arena_strdup(reader->arena, words[0] + 1),
		.drops = count > 1 && !strcmp(words[1], "DROP"),
	};
	if (!chain.name)
		return;
	for (size_t i = 0; i < COUNT_OF(hooks); i++)
		if (!strcmp(chain.name, hooks[i].name) && count > 1 && strcmp(words[1], "-") != 0)
			chain.hook = hooks[i].hook;
	for (size_t i = 0; i < COUNT_OF(priorities); i++)
		if (!strcmp(chain.table, priorities[i].table))
			chain.priority = priorities[i].priority;
	(void)firewall_add_chain(reader->arena, reader->out, &chain);
}

static void read_line(struct reader *reader, char *line)
{
	char *words[WORDS];
	size_t count;

	if (*line == '*') {
		reader->table = arena_strdup(reader->arena, line + 1);
		return;
	}
	count = reader->table ? cut(line, words) : 0;
	if (count && words[0][0] == ':')
		read_chain(reader, words, count);
	else if (count > 1 && !strcmp(words[0], "-A"))
		read_rule(reader, words, count);
}

/* Those of iptables-legacy are other tables than those of nf_tables, under the same names. */
static const char *name_family(enum firewall_family family, enum firewall_tool tool)
{
	bool legacy = tool == FIREWALL_IPTABLES_LEGACY;

	if (family == FIREWALL_ARP)
		return legacy ? "legacy arp" : "arp";
	if (family == FIREWALL_IPV6)
		return legacy ? "legacy ip6" : "ip6";
	return legacy ? "legacy ip" : "ip";
}

int firewall_read_save(struct arena *arena, const char *text, enum firewall_family family,
		       enum firewall_tool tool, struct firewall *out)
{
	struct reader reader = {.arena = arena,
				.out = out,
				.family = family,
				.tool = tool,
				.family_name = name_family(family, tool)};
	char line[LINE];

	for (const char *at = text; *at;) {
		size_t length = strcspn(at, "\n"), kept = length < LINE ? length : LINE - 1;

		memcpy(line, at, kept);
		line[kept] = '\0';
		read_line(&reader, line);
		at += length;
		at += *at == '\n';
	}
	return arena_failed(arena) ? -ENOMEM : 0;
}
