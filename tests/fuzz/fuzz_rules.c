/* Rules of firewalls as other programs list them, and a packet of each family sent through them. The first byte
 * chooses: nft's JSON, or the text of iptables-save. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/firewall_nft_io.h"
#include "net/firewall_save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pass(const struct firewall *firewall, enum firewall_family family)
{
	struct firewall_packet packet = firewall_packet_of(family);

	packet.in = "eth0";
	packet.protocol = 6;
	packet.port = 80;
	packet.state = FIREWALL_STATE_NEW;
	packet.destination = (struct addr){family == FIREWALL_IPV6 ? AF_INET6 : AF_INET, {192, 168, 8, 200}};
	for (int hook = FIREWALL_INGRESS; hook <= FIREWALL_POSTROUTING; hook++) {
		struct firewall_fate fate = firewall_pass(firewall, (enum firewall_hook)hook, INT64_MAX, &packet);

		if (fate.verdict == FIREWALL_DROP ? !fate.chain
						  : !fate.rule != (fate.is_certain || fate.verdict == FIREWALL_CHANGE))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	struct firewall firewall = {0};
	bool has_xtables;
	char *text = size ? arena_text(arena, (const char *)data + 1, size - 1) : NULL;
	int err = -EINVAL;

	if (text && *data == 'n')
		err = firewall_read_nft(arena, text, &firewall, &has_xtables);
	else if (text)
		err = firewall_read_save(arena, text,
					 *data == 'a'   ? FIREWALL_ARP
					 : *data == '6' ? FIREWALL_IPV6
							: FIREWALL_IPV4,
					 FIREWALL_IPTABLES, &firewall);
	if (!err) {
		pass(&firewall, FIREWALL_IPV4);
		pass(&firewall, FIREWALL_IPV6);
		pass(&firewall, FIREWALL_ARP);
	}
	arena_free(arena);
	return 0;
}
