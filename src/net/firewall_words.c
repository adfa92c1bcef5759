/* See the header. */
#include "net/firewall_words.h"

#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/transport.h"

#define COMMAND 1024

/* A packet by what tells it from others: one side of it. */
struct side {
	bool is_source;
	const struct addr *address; /* family 0: nothing does */
	int port;
};

static struct side side_of(const struct firewall_packet *packet)
{
	if (packet->source.family && !packet->destination.family)
		return (struct side){true, &packet->source, packet->source_port};
	return (struct side){false, &packet->destination, packet->port};
}

static bool has_ports(int protocol)
{
	return protocol == transport_number(transport_name((uint8_t)protocol));
}

static void add_iptables(struct text *out, const struct firewall_packet *packet,
			 const struct firewall_chain *chain)
{
	struct side side = side_of(packet);
	bool is_arp = packet->family == FIREWALL_ARP;
	char address[ADDR_TEXT];

	text_add(out, "%s%s", is_arp ? "arptables" : packet->family == FIREWALL_IPV6 ? "ip6tables" : "iptables",
		 chain->tool == FIREWALL_IPTABLES_LEGACY ? "-legacy" : "");
	if (strcmp(chain->table, "filter") != 0)
		text_add(out, " -t %s", chain->table);
	text_add(out, " -I %s", chain->name);
	if (side.address->family)
		text_add(out, " %s %s", side.is_source ? "-s" : "-d", addr_format(side.address, address));
	if (!is_arp)
		text_add(out, " -p %d", packet->protocol);
	if (has_ports(packet->protocol) && side.port > 0)
		text_add(out, " --%s %d", side.is_source ? "sport" : "dport", side.port);
	text_add(out, " -j ACCEPT");
}

static void add_nft(struct text *out, const struct firewall_packet *packet,
		    const struct firewall_chain *chain)
{
	struct side side = side_of(packet);
	bool is_arp = packet->family == FIREWALL_ARP;
	const char *family = is_arp ? "arp" : packet->family == FIREWALL_IPV6 ? "ip6" : "ip";
	char address[ADDR_TEXT];

	text_add(out, "nft insert rule %s %s %s", chain->family_name, chain->table, chain->name);
	if (side.address->family)
		text_add(out, " %s %s%s %s", family, side.is_source ? "saddr" : "daddr",
			 is_arp ? " ip" : "", addr_format(side.address, address));
	if (has_ports(packet->protocol) && side.port > 0)
		text_add(out, " %s %s %d", transport_name((uint8_t)packet->protocol),
			 side.is_source ? "sport" : "dport", side.port);
	else if (!is_arp)
		text_add(out, " meta l4proto %d", packet->protocol);
	text_add(out, " accept");
}

/* firewalld goes by the names of /etc/protocols. */
static const char *protocol_name(int protocol)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{1, "icmp"}, {4, "ipencap"}, {41, "ipv6"},  {47, "gre"},
		{51, "ah"},  {58, "ipv6-icmp"}, {112, "vrrp"},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].number == protocol)
			return names[i].name;
	return NULL;
}

/* What comes in for a port or in a protocol; false: it has no words for that. */
static bool add_firewalld(struct text *out, const struct firewall_packet *packet,
			  const struct firewall_chain *chain)
{
	const char *protocol = protocol_name(packet->protocol);

	if (strcmp(chain->table, "firewalld") != 0 || chain->hook != FIREWALL_INPUT ||
	    packet->family == FIREWALL_ARP)
		return false;
	if (has_ports(packet->protocol) && packet->port > 0)
		text_add(out, "firewall-cmd --permanent --add-port=%d/%s", packet->port,
			 transport_name((uint8_t)packet->protocol));
	else if (protocol)
		text_add(out, "firewall-cmd --permanent --add-protocol=%s", protocol);
	else
		return false;
	text_add(out, " && firewall-cmd --reload");
	return true;
}

const char *firewall_let_pass(struct arena *arena, const struct firewall_chain *chain,
			      const struct firewall_packet *packet)
{
	char command[COMMAND] = "";
	struct text out = text_of(command, sizeof(command));

	if (chain->tool != FIREWALL_NFT)
		add_iptables(&out, packet, chain);
	else if (!add_firewalld(&out, packet, chain))
		add_nft(&out, packet, chain);
	return arena_strdup(arena, command);
}

const char *firewall_blame(struct arena *arena, const struct firewall_fate *fate)
{
	const struct firewall_chain *chain = fate->chain;
	const char *family = strchr(chain->family_name, ' '), *text; /* "legacy ip" */

	text = arena_printf(arena, "%s chain %s of table %s %s%s %s",
			    fate->rule ? "a rule in" : "the policy of", chain->name,
			    family ? family + 1 : chain->family_name, chain->table,
			    chain->tool == FIREWALL_IPTABLES_LEGACY ? " (iptables-legacy)" : "",
			    fate->is_certain ? "drops" : "may drop");
	return text ? text : "";
}
