/* Rules that may drop what comes for a service. What a ruleset does cannot be told in general, so
 * this looks for the two usual things in the text of `nft -n list ruleset` and calls them warnings:
 * an input chain that drops what nothing accepts, with no rule that might accept the service's
 * port; and a rule that names the port, or the VIP alone, and drops. A rule that is not understood
 * may accept. Rules of iptables-nft are in that text, too. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "rs-agent/doctor.h"

#define RULE 512    /* of a line is looked at */
#define CHAIN 128   /* of a name */

/* A chain; `input`: a base chain of that hook, and whether what reaches its end is dropped. */
struct chain {
	char family[16], table[CHAIN], name[CHAIN];
	bool input, drops;
	bool aside; /* a base chain that what is for this host does not pass */
};

struct firewall {
	struct doctor *doctor;
	const struct doctor_port *port;
	char vip[ADDR_TEXT];
};

/* ---- lines ---- */

/* The next line without what surrounds it; false at the end. */
static bool next_line(const char **at, char *out)
{
	const char *start = *at, *end = start + strcspn(start, "\n");
	size_t length;

	if (!*start)
		return false;
	*at = *end ? end + 1 : end;
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	length = (size_t)(end - start);
	if (length >= RULE)
		length = RULE - 1;
	memcpy(out, start, length);
	out[length] = '\0';
	return true;
}

/* Whether a word stands in a line: with no letter, digit, dot, colon or dash around it. */
static bool is_part(char c)
{
	return c == '.' || c == ':' || c == '-' || c == '_' || isalnum((unsigned char)c);
}

static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(line, word); at; at = strstr(at + 1, word))
		if ((at == line || !is_part(at[-1])) && !is_part(at[length]))
			return true;
	return false;
}

static bool drops(const char *line)
{
	return has_word(line, "drop") || has_word(line, "reject");
}

/* ---- ports ---- */

static bool in_list(const char *list, uint16_t port)
{
	while (*list && *list != '}') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list) {
			list++;
			continue;
		}
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first <= port && port <= last)
			return true;
		list = end;
	}
	return false;
}

enum dport {
	DPORT_NONE, /* says nothing of ports */
	DPORT_OURS,
	DPORT_OTHER,
	DPORT_UNKNOWN, /* a named set, a negation, a map */
};

static enum dport dport_of(const char *line, uint16_t port)
{
	const char *value = strstr(line, "dport ");
	char *end;
	unsigned long first;

	if (!value)
		return strstr(line, "xt match") ? DPORT_UNKNOWN : DPORT_NONE;
	value += strlen("dport ");
	if (*value == '{')
		return strchr(value, ':') ? DPORT_UNKNOWN
		       : in_list(value, port) ? DPORT_OURS : DPORT_OTHER;
	if (!isdigit((unsigned char)*value))
		return DPORT_UNKNOWN;
	first = strtoul(value, &end, 10);
	if (*end == '-')
		return first <= port && port <= strtoul(end + 1, NULL, 10) ? DPORT_OURS
									   : DPORT_OTHER;
	return first == port ? DPORT_OURS : DPORT_OTHER;
}

/* ---- rules ---- */

static const char *protocol_name(enum protocol protocol)
{
	return protocol == PROTOCOL_UDP ? "udp" : "tcp";
}

static bool other_protocol(const char *line, enum protocol protocol)
{
	return has_word(line, protocol == PROTOCOL_UDP ? "tcp" : "udp") &&
	       !has_word(line, protocol_name(protocol));
}

/* A condition under which no client's first packet comes. */
static bool beside_the_point(const char *line)
{
	return (strstr(line, "ct state") && !has_word(line, "new") && !strstr(line, "vmap")) ||
	       strstr(line, "ct state vmap") || strstr(line, "icmp") ||
	       strstr(line, "iif \"lo\"") || strstr(line, "iifname \"lo\"") ||
	       strstr(line, "iif lo ") || strstr(line, "saddr 127.");
}

static bool may_accept(const struct firewall *firewall, const char *line)
{
	enum dport dport = dport_of(line, firewall->port->at.port);

	if (!has_word(line, "accept") || beside_the_point(line) ||
	    other_protocol(line, firewall->port->protocol))
		return false;
	return dport != DPORT_OTHER;
}

/* It drops, and is about our port; or about the VIP and no port at all. */
static bool is_against(const struct firewall *firewall, const char *line)
{
	enum dport dport = dport_of(line, firewall->port->at.port);

	if (!drops(line) || beside_the_point(line) ||
	    other_protocol(line, firewall->port->protocol))
		return false;
	if (strstr(line, "daddr ") && !has_word(line, firewall->vip))
		return false;
	return dport == DPORT_OURS || (dport == DPORT_NONE && has_word(line, firewall->vip));
}

/* A rule without a condition that drops: all that is left of it are counters and logs. */
static bool drops_everything(const char *line)
{
	return drops(line) && (!strncmp(line, "drop", 4) || !strncmp(line, "reject", 6) ||
			       !strncmp(line, "counter ", 8) || !strncmp(line, "log ", 4)) &&
	       !strstr(line, "addr ") && !strstr(line, "port ") && !strstr(line, "ct ");
}

/* ---- chains ---- */

static bool family_counts(const struct firewall *firewall, const char *family)
{
	return !strcmp(family, "inet") ||
	       !strcmp(family, firewall->port->at.address.family == AF_INET ? "ip" : "ip6");
}

/* "table inet filter {", "chain input {": the words between, cut to fit. */
static void names_of(const char *line, char *first, size_t first_size, char *second)
{
	const char *end = line + strcspn(line, " {");

	second[0] = '\0';
	if ((size_t)(end - line) >= first_size)
		end = line + first_size - 1;
	memcpy(first, line, (size_t)(end - line));
	first[end - line] = '\0';
	line = end + strspn(end, " ");
	for (size_t i = 0; i < CHAIN - 1 && *line && !strchr(" {", *line); i++) {
		second[i] = *line++;
		second[i + 1] = '\0';
	}
}

/* Follows the lines: which chain the next rule belongs to. True: the line is a rule. */
static bool follow(struct chain *chain, const char *line)
{
	char rest[CHAIN];

	if (!strncmp(line, "table ", 6) || !strncmp(line, "chain ", 6) || !strcmp(line, "}")) {
		chain->input = chain->drops = chain->aside = false;
		chain->name[0] = '\0';
	}
	if (!strncmp(line, "table ", 6)) {
		names_of(line + 6, chain->family, sizeof(chain->family), chain->table);
	} else if (!strncmp(line, "chain ", 6)) {
		names_of(line + 6, chain->name, sizeof(chain->name), rest);
	} else if (!strncmp(line, "type ", 5) && strstr(line, " hook ")) {
		chain->input = strstr(line, " hook input ") != NULL;
		chain->drops = strstr(line, "policy drop") != NULL;
		chain->aside = !chain->input && !strstr(line, " hook prerouting ");
	} else {
		return *line && *line != '#' && *line != '}' && chain->name[0];
	}
	return false;
}

static bool same_table(const struct chain *a, const struct chain *b)
{
	return !strcmp(a->family, b->family) && !strcmp(a->table, b->table);
}

/* Any rule of that table; the input chain may jump there. */
static bool table_may_accept(const struct firewall *firewall, const struct chain *wanted)
{
	const char *at = firewall->doctor->sight->ruleset;
	struct chain chain = {0};
	char line[RULE];

	while (next_line(&at, line))
		if (follow(&chain, line) && same_table(&chain, wanted) &&
		    may_accept(firewall, line))
			return true;
	return false;
}

static const char *let_in(const struct firewall *firewall, const struct chain *chain)
{
	const struct doctor_port *port = firewall->port;
	const char *protocol = protocol_name(port->protocol);
	bool ipv6 = port->at.address.family == AF_INET6;

	if (!strcmp(chain->name, "INPUT") && !strcmp(chain->table, "filter"))
		return doctor_text(firewall->doctor, "%s -I INPUT -d %s -p %s --dport %d -j ACCEPT",
				   ipv6 ? "ip6tables" : "iptables", firewall->vip, protocol,
				   port->at.port);
	return doctor_text(firewall->doctor,
			   "nft insert rule %s %s %s %s daddr %s %s dport %d accept", chain->family,
			   chain->table, chain->name, ipv6 ? "ip6" : "ip", firewall->vip, protocol,
			   port->at.port);
}

static void judge_end(const struct firewall *firewall, const struct chain *chain)
{
	if (!table_may_accept(firewall, chain))
		doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
			   "chain %s of table %s %s drops what no rule accepts, and none names %s "
			   "port %d or %s",
			   chain->name, chain->family, chain->table,
			   protocol_name(firewall->port->protocol), firewall->port->at.port,
			   firewall->vip);
}

static void judge_rule(const struct firewall *firewall, const struct chain *chain, const char *line)
{
	doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
		   "a rule in chain %s of table %s %s drops what comes for %s port %d: %s",
		   chain->name, chain->family, chain->table, firewall->vip,
		   firewall->port->at.port, line);
}

/* Rule by rule; what an earlier one of the same chain accepts is safe from those behind it, and the
 * first one that is against us is enough. */
struct walk {
	struct chain chain;
	bool settled; /* accepted, or told */
};

static void judge_line(const struct firewall *firewall, struct walk *walk, const char *line)
{
	bool ends = !strcmp(line, "}");

	if (ends && walk->chain.input && walk->chain.drops && !walk->settled &&
	    family_counts(firewall, walk->chain.family))
		judge_end(firewall, &walk->chain);
	if (ends)
		walk->settled = false;
	if (!follow(&walk->chain, line) || walk->settled || walk->chain.aside ||
	    !family_counts(firewall, walk->chain.family))
		return;
	if (walk->chain.input && drops_everything(line))
		walk->chain.drops = true;
	else if (is_against(firewall, line)) {
		judge_rule(firewall, &walk->chain, line);
		walk->settled = true;
	} else {
		walk->settled = may_accept(firewall, line) &&
				(has_word(line, firewall->vip) ||
				 dport_of(line, firewall->port->at.port) == DPORT_OURS);
	}
}

static void judge_port(struct firewall *firewall)
{
	const char *at = firewall->doctor->sight->ruleset;
	struct walk walk = {0};
	char line[RULE];

	while (next_line(&at, line))
		judge_line(firewall, &walk, line);
}

void doctor_firewall(struct doctor *doctor)
{
	const struct doctor_case *wanted = doctor->wanted;
	size_t before = doctor->findings.count;

	if (!doctor->sight->ruleset) {
		if (doctor->sight->ruleset_why)
			doctor_say(doctor, DOCTOR_WARNING, "firewall", NULL,
				   "the firewall's rules were not looked at: %s",
				   doctor->sight->ruleset_why);
		return;
	}
	for (size_t i = 0; i < wanted->port_count; i++) {
		struct firewall firewall = {.doctor = doctor, .port = &wanted->ports[i]};

		addr_format(&wanted->ports[i].at.address, firewall.vip);
		judge_port(&firewall);
	}
	if (wanted->port_count && doctor->findings.count == before)
		doctor_say(doctor, DOCTOR_OK, "firewall", NULL,
			   "no rule of nftables is seen to drop what comes for the services");
}
