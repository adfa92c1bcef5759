/* Rules that may drop what comes for a service. What a ruleset does cannot be told in general, so
 * this looks for the two usual things in the text of `nft list ruleset` and calls them warnings:
 * an input chain that drops what nothing accepts, with no rule that might accept the service's
 * port; and a rule that names the port, or the VIP alone, and drops. A rule that is not understood
 * may accept. Rules of iptables-nft are in that text, too. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rs-agent/doctor.h"
#include "rs-agent/ruleset.h"

/* What has to come in: a protocol for an address, with a port or (a tunnel's packets) without. */
struct firewall {
	struct doctor *doctor;
	uint8_t family;
	const char *protocol;      /* as nft calls it, */
	const char *other_name;    /* and as it might, too; */
	const char *number;        /* and its number as text */
	uint16_t port;             /* 0: none */
	char address[ADDR_TEXT];
	char what[ADDR_TEXT + 32]; /* "tcp port 80", "protocol gre" */
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

static bool names_protocol(const struct firewall *firewall, const char *line)
{
	return ruleset_has_word(line, firewall->protocol) ||
	       ruleset_has_word(line, firewall->other_name) ||
	       ruleset_has_word(line, firewall->number);
}

/* It speaks of a protocol, and not of ours. */
static bool other_protocol(const struct firewall *firewall, const char *line)
{
	bool speaks = strstr(line, "protocol ") || strstr(line, "l4proto ") ||
		      strstr(line, "nexthdr ") || strstr(line, "tcp ") || strstr(line, "udp ");

	return speaks && !names_protocol(firewall, line);
}

/* A condition under which no client's first packet comes. */
static bool beside_the_point(const char *line)
{
	return (strstr(line, "ct state") && !ruleset_has_word(line, "new")) ||
	       strstr(line, "ct state vmap") || strstr(line, "icmp") ||
	       strstr(line, "iif \"lo\"") || strstr(line, "iifname \"lo\"") ||
	       strstr(line, "iif lo ") || strstr(line, "saddr 127.");
}

static bool may_accept(const struct firewall *firewall, const char *line)
{
	return ruleset_has_word(line, "accept") && !beside_the_point(line) &&
	       !other_protocol(firewall, line) && dport_of(line, firewall->port) != DPORT_OTHER;
}

/* It drops, and is about our port or protocol; or about the address and nothing else. */
static bool is_against(const struct firewall *firewall, const char *line)
{
	enum dport dport = dport_of(line, firewall->port);
	bool named = ruleset_has_word(line, firewall->address);

	if (!drops(line) || beside_the_point(line) || other_protocol(firewall, line) ||
	    (strstr(line, "daddr ") && !named))
		return false;
	return dport == DPORT_OURS ||
	       (dport == DPORT_NONE &&
		(named || (!firewall->port && names_protocol(firewall, line))));
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
	       !strcmp(family, firewall->family == AF_INET ? "ip" : "ip6");
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
	struct doctor *doctor = firewall->doctor;
	bool ipv6 = firewall->family == AF_INET6,
	     iptables = !strcmp(chain->name, "INPUT") && !strcmp(chain->table, "filter");
	const char *tables = ipv6 ? "ip6tables" : "iptables", *ip = ipv6 ? "ip6" : "ip";

	if (iptables && firewall->port)
		return doctor_text(doctor, "%s -I INPUT -d %s -p %s --dport %d -j ACCEPT", tables,
				   firewall->address, firewall->protocol, firewall->port);
	if (iptables)
		return doctor_text(doctor, "%s -I INPUT -d %s -p %s -j ACCEPT", tables,
				   firewall->address, firewall->number);
	if (firewall->port)
		return doctor_text(doctor, "nft insert rule %s %s %s %s daddr %s %s dport %d accept",
				   chain->family, chain->table, chain->name, ip, firewall->address,
				   firewall->protocol, firewall->port);
	return doctor_text(doctor, "nft insert rule %s %s %s %s daddr %s meta l4proto %s accept",
			   chain->family, chain->table, chain->name, ip, firewall->address,
			   firewall->number);
}

static void judge_end(const struct firewall *firewall, const struct ruleset_chain *chain)
{
	if (!table_may_accept(firewall, chain))
		doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
			   "chain %s of table %s %s drops what no rule accepts, and none names %s "
			   "or %s",
			   chain->name, chain->family, chain->table, firewall->what,
			   firewall->address);
}

static void judge_rule(const struct firewall *firewall, const struct ruleset_chain *chain,
		       const char *line)
{
	doctor_say(firewall->doctor, DOCTOR_WARNING, "firewall", let_in(firewall, chain),
		   "a rule in chain %s of table %s %s drops what comes for %s, %s: %s", chain->name,
		   chain->family, chain->table, firewall->address, firewall->what, line);
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
	       (ruleset_has_word(line, firewall->address) ||
		dport_of(line, firewall->port) == DPORT_OURS);
}

static void judge_rules(const struct firewall *firewall)
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

static void judge_port(struct doctor *doctor, const struct endpoint *at, enum protocol protocol)
{
	bool udp = protocol == PROTOCOL_UDP;
	struct firewall firewall = {
		.doctor = doctor,
		.family = at->address.family,
		.protocol = udp ? "udp" : "tcp",
		.other_name = udp ? "udp" : "tcp",
		.number = udp ? "17" : "6",
		.port = at->port,
	};

	addr_format(&at->address, firewall.address);
	snprintf(firewall.what, sizeof(firewall.what), "%s port %d", firewall.protocol, at->port);
	judge_rules(&firewall);
}

/* What carries the packets, before they are taken out. */
static struct firewall carrier_of(struct doctor *doctor, const struct doctor_vip *vip)
{
	struct firewall carrier = {.doctor = doctor, .family = vip->local.family};

	if (vip->tunnel.type == TUNNEL_GRE) {
		carrier.protocol = carrier.other_name = "gre";
		carrier.number = "47";
	} else if (vip->address.family == AF_INET6) {
		carrier.protocol = carrier.other_name = "ipv6";
		carrier.number = "41";
	} else {
		carrier.protocol = "ipencap";
		carrier.other_name = "ipip";
		carrier.number = "4";
	}
	addr_format(&vip->local, carrier.address);
	snprintf(carrier.what, sizeof(carrier.what), "protocol %s", carrier.protocol);
	return carrier;
}

static void judge_carrier(struct doctor *doctor, const struct doctor_vip *vip)
{
	struct firewall carrier = carrier_of(doctor, vip);

	if (!vip->local.family)
		return;
	if (vip->tunnel.type == TUNNEL_GUE)
		judge_port(doctor, &(struct endpoint){vip->local, vip->tunnel.port}, PROTOCOL_UDP);
	else
		judge_rules(&carrier);
}

/* An earlier one comes in the same way. */
static bool carried(const struct doctor_case *wanted, size_t index)
{
	const struct doctor_vip *vip = &wanted->vips[index];

	for (size_t i = 0; i < index; i++) {
		const struct doctor_vip *one = &wanted->vips[i];

		if (one->forwarding == FORWARDING_TUNNEL &&
		    one->address.family == vip->address.family &&
		    addr_equal(&one->local, &vip->local) &&
		    one->tunnel.type == vip->tunnel.type && one->tunnel.port == vip->tunnel.port)
			return true;
	}
	return false;
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
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (wanted->vips[i].forwarding == FORWARDING_TUNNEL && !carried(wanted, i))
			judge_carrier(doctor, &wanted->vips[i]);
	for (size_t i = 0; i < wanted->port_count; i++)
		judge_port(doctor, &wanted->ports[i].at, wanted->ports[i].protocol);
	if (wanted->port_count && doctor->findings.count == before)
		doctor_say(doctor, DOCTOR_OK, "firewall", NULL,
			   "no rule of nftables is seen to drop what comes for the services");
}
