/* See the header. */
#include "net/macvlan.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static unsigned version_of(uint8_t family)
{
	return family == AF_INET6 ? 6 : 4;
}

void macvlan_name(const char *parent, uint8_t family, uint8_t virtual_router_id,
		  char out[LINK_NAME])
{
	unsigned version = version_of(family);
	uint64_t hash = text_hash(TEXT_HASH, parent, strlen(parent));
	char whole[LINK_NAME + 16];

	snprintf(whole, sizeof(whole), "%s-v%u-%u", parent, version, virtual_router_id);
	if (strlen(whole) >= LINK_NAME)
		snprintf(whole, sizeof(whole), "v%u-%u-%08x", version, virtual_router_id,
			 (unsigned)(hash ^ hash >> 32));
	memcpy(out, whole, strlen(whole) + 1);
}

void macvlan_mac(uint8_t family, uint8_t virtual_router_id, uint8_t out[LINK_MAC])
{
	const uint8_t mac[LINK_MAC] = {
		0x00, 0x00, 0x5e, 0x00, family == AF_INET6 ? 0x02 : 0x01, virtual_router_id};

	memcpy(out, mac, LINK_MAC);
}

bool macvlan_is_virtual(const uint8_t mac[LINK_MAC])
{
	static const uint8_t prefix[] = {0x00, 0x00, 0x5e, 0x00};

	return !memcmp(mac, prefix, sizeof(prefix)) && (mac[4] == 1 || mac[4] == 2);
}

const char *macvlan_alias(const char *instance, char out[MACVLAN_ALIAS])
{
	snprintf(out, MACVLAN_ALIAS, "lbha:%s", instance);
	return out;
}

bool macvlan_is(const struct link *there, const struct macvlan *wanted, bool known)
{
	return there->macvlan && !strcmp(there->name, wanted->name) &&
	       !memcmp(there->mac, wanted->mac, LINK_MAC) &&
	       (known || there->alias == link_alias_print(wanted->alias));
}
