/* Rules that may drop what comes for a service. What a ruleset does cannot be told in general, so
 * this looks for the two usual things in the text of `nft -n list ruleset` and calls them warnings:
 * an input chain that drops what nothing accepts, with no rule that might accept the service's
 * port; and a rule that names the port, or the VIP alone, and drops. A rule that is not understood
 * may accept. Rules of iptables-nft are in that text, too. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rs-agent/doctor.h"
#include "rs-agent/ruleset.h"

struct firewall {
	struct doctor *doctor;
	const struct doctor_port *port;
	char vip[ADDR_TEXT];
};

static bool drops(const char *line)
{
	return ruleset_has_word(line, "drop") || ruleset_has_word(line, "reject");
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
	return ruleset_has_word(line, protocol == PROTOCOL_UDP ? "tcp" : "udp") &&
	       !ruleset_has_word(line, protocol_name(protocol));
}

/* A condition under which no client's first packet comes. */
static bool beside_the_point(const char *line)
{
	return (strstr(line, "ct state") && !ruleset_has_word(line, "new") && !strstr(line, "vmap")) ||
	       strstr(line, "ct state vmap") || strstr(line, "icmp") ||
	       strstr(line, "iif \"lo\"") || strstr(line, "iifname \"lo\"") ||
	       strstr(line, "iif lo ") || strstr(line, "saddr 127.");
}

static bool may_accept(const struct firewall *firewall, const char *line)
{
	enum dport dport = dport_of(line, firewall->port->at.port);

	if (!ruleset_has_word(line, "accept") || beside_the_point(line) ||
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
	if (strstr(line, "daddr ") && !ruleset_has_word(line, firewall->vip))
		return false;
	return dport == DPORT_OURS || (dport == DPORT_NONE && ruleset_has_word(line, firewall->vip));
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

static bool same_table(const struct ruleset_chain *a, const struct ruleset_chain *b)
{
	return !strcmp(a->family, b->family) && !strcmp(a->table, b->table);
}

/* Any rule of that table; the input chain may jump there. */
static bool table_may_accept(const struct firewall *firewall, const struct ruleset_chain *wanted)
{
	struct ruleset walk = ruleset_of(firewall->doctor->sight->ruleset);
	enum ruleset_part part;

	while ((part = ruleset_next(&walk)) != RULESET_END)
		if (part == RULESET_RULE && same_table(&walk.chain, wanted) &&
		    may_accept(firewall, walk.line))
			return true;
	return false;
}

static const char *let_in(const struct firewall *firewall, const struct ruleset_chain *chain)
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

static void judge_end(const struct firewall *firewall, const struct ruleset_chain *chain)
{
	if (!table_may_accept(firewall, chain))
		doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
			   "chain %s of table %s %s drops what no rule accepts, and none names %s "
			   "port %d or %s",
			   chain->name, chain->family, chain->table,
			   protocol_name(firewall->port->protocol), firewall->port->at.port,
			   firewall->vip);
}

static void judge_rule(const struct firewall *firewall, const struct ruleset_chain *chain, const char *line)
{
	doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
		   "a rule in chain %s of table %s %s drops what comes for %s port %d: %s",
		   chain->name, chain->family, chain->table, firewall->vip,
		   firewall->port->at.port, line);
}

/* What an earlier rule of a chain accepts is safe from those behind it, and the first one that is
 * against us is enough: then true. */
static bool judge_line(const struct firewall *firewall, struct ruleset *walk)
{
	const char *line = walk->line;

	if (walk->chain.hook == RULESET_INPUT && drops_everything(line)) {
		walk->chain.drops = true;
		return false;
	}
	if (is_against(firewall, line)) {
		judge_rule(firewall, &walk->chain, line);
		return true;
	}
	return may_accept(firewall, line) &&
	       (ruleset_has_word(line, firewall->vip) ||
		dport_of(line, firewall->port->at.port) == DPORT_OURS);
}

static void judge_port(const struct firewall *firewall)
{
	struct ruleset walk = ruleset_of(firewall->doctor->sight->ruleset);
	enum ruleset_part part;
	bool settled = false;

	while ((part = ruleset_next(&walk)) != RULESET_END) {
		if (!family_counts(firewall, walk.chain.family))
			continue;
		if (part == RULESET_CLOSE) {
			if (walk.chain.hook == RULESET_INPUT && walk.chain.drops && !settled)
				judge_end(firewall, &walk.chain);
			settled = false;
		} else if (part == RULESET_RULE && !settled && walk.chain.hook != RULESET_ASIDE &&
			   walk.chain.hook != RULESET_OUTPUT) {
			settled = judge_line(firewall, &walk);
		}
	}
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
