/* See the header. */
#include "net/firewall_words.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/transport.h"
#include "net/firewall_manager.h"

#define COMMAND 1024

struct firewall_side firewall_side_of(const struct firewall_packet *packet)
{
	if (packet->source.family && !packet->destination.family)
		return (struct firewall_side){true, &packet->source, packet->source_port};
	return (struct firewall_side){false, &packet->destination, packet->port};
}

bool firewall_has_ports(int protocol)
{
	return protocol == transport_number(transport_name((uint8_t)protocol));
}

void firewall_add_iptables_matches(struct text *out, const struct firewall_packet *packet)
{
	struct firewall_side side = firewall_side_of(packet);
	char address[ADDR_TEXT];

	if (side.address->family)
		text_add(out, " %s %s", side.is_source ? "-s" : "-d", addr_format(side.address, address));
	if (packet->family != FIREWALL_ARP)
		text_add(out, " -p %d", packet->protocol);
	if (firewall_has_ports(packet->protocol) && side.port > 0)
		text_add(out, " --%s %d", side.is_source ? "sport" : "dport", side.port);
	text_add(out, " -j ACCEPT");
}

static void add_iptables(struct text *out, const struct firewall_packet *packet,
			 const struct firewall_chain *chain)
{
	text_add(out, "%s%s",
		 packet->family == FIREWALL_ARP    ? "arptables"
		 : packet->family == FIREWALL_IPV6 ? "ip6tables"
						   : "iptables",
		 chain->tool == FIREWALL_IPTABLES_LEGACY ? "-legacy" : "");
	if (strcmp(chain->table, "filter") != 0)
		text_add(out, " -t %s", chain->table);
	text_add(out, " -I %s", chain->name);
	firewall_add_iptables_matches(out, packet);
}

static void add_nft(struct text *out, const struct firewall_packet *packet,
		    const struct firewall_chain *chain)
{
	struct firewall_side side = firewall_side_of(packet);
	bool is_arp = packet->family == FIREWALL_ARP;
	const char *family = is_arp ? "arp" : packet->family == FIREWALL_IPV6 ? "ip6" : "ip";
	char address[ADDR_TEXT];

	text_add(out, "nft insert rule %s %s %s", chain->family_name, chain->table, chain->name);
	if (side.address->family)
		text_add(out, " %s %s%s %s", family, side.is_source ? "saddr" : "daddr",
			 is_arp ? " ip" : "", addr_format(side.address, address));
	if (firewall_has_ports(packet->protocol) && side.port > 0)
		text_add(out, " %s %s %d", transport_name((uint8_t)packet->protocol),
			 side.is_source ? "sport" : "dport", side.port);
	else if (!is_arp)
		text_add(out, " meta l4proto %d", packet->protocol);
	text_add(out, " accept");
}

const char *firewall_let_pass(struct arena *arena, const struct firewall_chain *chain,
			      const struct firewall_packet *packet)
{
	char command[COMMAND] = "";
	struct text out = text_of(command, sizeof(command));

	if (firewall_add_manager(&out, chain, packet))
		return arena_strdup(arena, command);
	if (chain->tool != FIREWALL_NFT)
		add_iptables(&out, packet, chain);
	else
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
