/* See the header. */
#include "net/firewall_manager.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/transport.h"
#include "net/firewall_words.h"

/* ---- firewalld ---- */

/* By the names of /etc/protocols, or by numbers. */
static void add_protocol(struct text *out, int protocol)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{1, "icmp"}, {6, "tcp"}, {17, "udp"},       {47, "gre"},
		{51, "ah"},  {58, "ipv6-icmp"}, {112, "vrrp"}, {132, "sctp"},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].number == protocol) {
			text_add(out, "%s", names[i].name);
			return;
		}
	text_add(out, "%d", protocol);
}

static void add_rich_rule(struct text *out, const struct firewall_packet *packet)
{
	struct firewall_side side = firewall_side_of(packet);
	char address[ADDR_TEXT];

	text_add(out, " --add-rich-rule='rule family=\"%s\"",
		 packet->family == FIREWALL_IPV6 ? "ipv6" : "ipv4");
	if (side.address->family)
		text_add(out, " %s address=\"%s\"", side.is_source ? "source" : "destination",
			 addr_format(side.address, address));
	if (firewall_has_ports(packet->protocol) && side.port > 0) {
		text_add(out, " %sport port=\"%d\" protocol=\"%s\"", side.is_source ? "source-" : "",
			 side.port, transport_name((uint8_t)packet->protocol));
	} else {
		text_add(out, " protocol value=\"");
		add_protocol(out, packet->protocol);
		text_add(out, "\"");
	}
	text_add(out, " accept'");
}

/* Into the zone by which it comes: an interface that is in none has the default zone. */
static void add_to_zone(struct text *out, const struct firewall_packet *packet)
{
	struct firewall_side side = firewall_side_of(packet);
	bool has_ports = firewall_has_ports(packet->protocol);

	text_add(out, "firewall-cmd --permanent");
	if (packet->in)
		text_add(out,
			 " --zone=\"$(firewall-cmd --get-zone-of-interface=%s || firewall-cmd "
			 "--get-default-zone)\"",
			 packet->in);
	if (side.is_source || (has_ports && side.port <= 0)) {
		add_rich_rule(out, packet);
	} else if (has_ports) {
		text_add(out, " --add-port=%d/%s", side.port,
			 transport_name((uint8_t)packet->protocol));
	} else {
		text_add(out, " --add-protocol=");
		add_protocol(out, packet->protocol);
	}
}

/* What does not come in for this host goes by a policy, which may be there already. */
static void add_policy(struct text *out, const struct firewall_packet *packet, const char *name,
		       const char *ingress)
{
	text_add(out,
		 "p='firewall-cmd --permanent --policy=%s'; firewall-cmd --permanent "
		 "--new-policy=%s; $p --add-ingress-zone=%s && $p --add-egress-zone=ANY && $p",
		 name, name, ingress);
	add_rich_rule(out, packet);
}

static bool add_firewalld(struct text *out, const struct firewall_chain *chain,
			  const struct firewall_packet *packet)
{
	if (strcmp(chain->table, "firewalld") != 0 || packet->family == FIREWALL_ARP)
		return false;
	if (chain->hook == FIREWALL_INPUT)
		add_to_zone(out, packet);
	else if (chain->hook == FIREWALL_FORWARD)
		add_policy(out, packet, "lbha-forward", "ANY");
	else if (chain->hook == FIREWALL_OUTPUT)
		add_policy(out, packet, "lbha-output", "HOST");
	else
		return false;
	text_add(out, " && firewall-cmd --reload");
	return true;
}

/* ---- ufw ---- */

static bool is_ufw(const struct firewall_chain *chain)
{
	if (chain->tool == FIREWALL_NFT || strcmp(chain->table, "filter") != 0)
		return false;
	for (size_t i = 0; i < chain->rule_count; i++) {
		const char *target = chain->rules[i].target;

		if (target && (!strncmp(target, "ufw-", 4) || !strncmp(target, "ufw6-", 5)))
			return true;
	}
	return false;
}

/* NULL: it takes no such protocol. */
static const char *ufw_protocol(int protocol)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{6, "tcp"},  {17, "udp"}, {41, "ipv6"},  {47, "gre"},
		{50, "esp"}, {51, "ah"},  {112, "vrrp"},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].number == protocol)
			return names[i].name;
	return NULL;
}

static void add_end(struct text *out, const char *word, const struct addr *address, int port)
{
	char text[ADDR_TEXT];

	text_add(out, " %s %s", word, address->family ? addr_format(address, text) : "any");
	if (port > 0)
		text_add(out, " port %d", port);
}

/* In front of the rules that it has. */
static void add_ufw_rule(struct text *out, enum firewall_hook hook,
			 const struct firewall_packet *packet, const char *protocol)
{
	static const struct addr any;
	struct firewall_side side = firewall_side_of(packet);

	text_add(out, "ufw %sprepend allow", hook == FIREWALL_FORWARD ? "route " : "");
	if (hook == FIREWALL_OUTPUT)
		text_add(out, packet->out ? " out on %s" : " out", packet->out);
	else if (packet->in)
		text_add(out, " in on %s", packet->in);
	if (hook == FIREWALL_FORWARD && packet->out)
		text_add(out, " out on %s", packet->out);
	text_add(out, " proto %s", protocol);
	add_end(out, "from", side.is_source ? side.address : &any, side.is_source ? side.port : 0);
	add_end(out, "to", side.is_source ? &any : side.address, side.is_source ? 0 : side.port);
}

/* What it has no words for is a line of its files, in front of all others of its chains. */
static void add_ufw_file(struct text *out, enum firewall_hook hook,
			 const struct firewall_packet *packet)
{
	const char *six = packet->family == FIREWALL_IPV6 ? "6" : "";

	text_add(out, "sed -i '0,/^-A ufw%s-before-/s//-A ufw%s-before-%s", six, six,
		 hook == FIREWALL_INPUT     ? "input"
		 : hook == FIREWALL_FORWARD ? "forward"
					    : "output");
	firewall_add_iptables_matches(out, packet);
	text_add(out, "\\n&/' /etc/ufw/before%s.rules && ufw reload", six);
}

static bool add_ufw(struct text *out, const struct firewall_chain *chain,
		    const struct firewall_packet *packet)
{
	const char *protocol = ufw_protocol(packet->protocol);

	if (!is_ufw(chain) || (chain->hook != FIREWALL_INPUT && chain->hook != FIREWALL_FORWARD &&
			       chain->hook != FIREWALL_OUTPUT))
		return false;
	if (protocol)
		add_ufw_rule(out, chain->hook, packet, protocol);
	if (!protocol || !strcmp(protocol, "vrrp")) { /* which it knows from 0.36.2 on */
		text_add(out, protocol ? " || { " : "");
		add_ufw_file(out, chain->hook, packet);
		text_add(out, protocol ? "; }" : "");
	}
	return true;
}

bool firewall_add_manager(struct text *out, const struct firewall_chain *chain,
			  const struct firewall_packet *packet)
{
	return add_firewalld(out, chain, packet) || add_ufw(out, chain, packet);
}
