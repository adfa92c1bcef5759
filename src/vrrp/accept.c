/* One function per question; judge() asks them in order. */
#include "vrrp/accept.h"

#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static bool is_multicast(const struct vrrp_datagram *datagram)
{
	return addr_is_multicast(&datagram->envelope.destination);
}

/* Whether it came as this router wants to be reached; what comes to others on the same socket (a
 * second group, a second address, the broadcast address) is not for it. */
static bool is_transport_good(const struct instance *about, const struct addr *own,
			      const struct vrrp_datagram *datagram)
{
	const struct addr *to = &datagram->envelope.destination;

	if (is_multicast(datagram))
		return (about->transport & VRRP_TRANSPORT_MULTICAST) &&
		       addr_equal(to, &about->multicast_group);
	return (about->transport & VRRP_TRANSPORT_UNICAST) && own->family && addr_equal(to, own);
}

/* A packet of a kind that is not wanted at all has another fault than its TTL. */
static bool is_ttl_good(const struct instance *about, const struct vrrp_datagram *datagram)
{
	if (is_multicast(datagram))
		return datagram->envelope.ttl == VRRP_TTL;
	return !(about->transport & VRRP_TRANSPORT_UNICAST) ||
	       datagram->envelope.ttl >= about->unicast.min_ttl;
}

/* Version 2 knows no IPv6 (keepalived sends it even so). */
static bool is_version_good(const struct instance *about, const struct vrrp_datagram *datagram,
			    const struct vrrp_advert *advert)
{
	return advert->version == about->version &&
	       (advert->version == 3 || datagram->envelope.source.family == AF_INET);
}

static bool is_peer(const struct instance *about, const struct addr *source)
{
	for (size_t i = 0; i < about->unicast.peer_count; i++)
		if (addr_equal(&about->unicast.peers[i], source))
			return true;
	return false;
}

/* An AH header belongs to that type and to no other. */
static bool is_auth_type_good(const struct instance *about, const struct vrrp_advert *advert)
{
	return advert->auth == (uint8_t)about->authentication.type &&
	       (advert->icv != NULL) == (about->authentication.type == VRRP_AUTH_AH);
}

/* In a time that does not depend on where the first difference is. */
static bool is_password_good(const struct instance *about, const struct vrrp_advert *advert)
{
	uint8_t password[VRRP_PASSWORD];
	unsigned difference = 0;

	if (about->authentication.type != VRRP_AUTH_PASS)
		return true;
	vrrp_password(about->authentication.key, password);
	for (size_t i = 0; i < VRRP_PASSWORD; i++)
		difference |= password[i] ^ advert->password[i];
	return difference == 0;
}

/* Version 2 has one interval for all (RFC 3768 section 7.1); version 3 follows the master's. */
static bool is_interval_good(const struct instance *about, const struct vrrp_advert *advert)
{
	return advert->interval &&
	       (about->version != 2 || advert->interval == about->advert_interval);
}

/* VRRP_DROP_COUNT: none. */
static enum vrrp_drop judge(const struct instance *about, const struct addr *own,
			    const struct vrrp_datagram *datagram, const struct vrrp_advert *advert)
{
	const struct addr *source = &datagram->envelope.source;

	if (!is_ttl_good(about, datagram))
		return VRRP_DROP_TTL;
	if (!is_version_good(about, datagram, advert))
		return VRRP_DROP_VERSION;
	if (advert->type != VRRP_ADVERTISEMENT)
		return VRRP_DROP_TYPE;
	if (!advert->complete || !advert->address_count)
		return VRRP_DROP_LENGTH;
	if (!vrrp_checksum_good(&datagram->envelope, advert))
		return VRRP_DROP_CHECKSUM;
	if (!is_transport_good(about, own, datagram))
		return VRRP_DROP_TRANSPORT;
	if (addr_equal(source, own))
		return VRRP_DROP_OWN;
	if (!is_multicast(datagram) && !is_peer(about, source))
		return VRRP_DROP_SOURCE;
	if (!is_auth_type_good(about, advert))
		return VRRP_DROP_AUTH_TYPE;
	if (!is_password_good(about, advert))
		return VRRP_DROP_AUTH;
	if (!is_interval_good(about, advert))
		return VRRP_DROP_INTERVAL;
	return VRRP_DROP_COUNT;
}

bool vrrp_accept(const struct instance *about, const struct addr *own,
		 const struct vrrp_datagram *datagram, const struct vrrp_advert *advert,
		 enum vrrp_drop *why)
{
	enum vrrp_drop reason = judge(about, own, datagram, advert);

	if (reason == VRRP_DROP_COUNT)
		return true;
	*why = reason;
	return false;
}

void vrrp_password(const char *key, uint8_t out[VRRP_PASSWORD])
{
	memset(out, 0, VRRP_PASSWORD);
	if (key)
		memcpy(out, key, strnlen(key, VRRP_PASSWORD));
}

/* Without it neighbouring addresses would add up to the same (.1 and .2, .0 and .3). */
static uint64_t mixed(uint64_t hash)
{
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ull;
	return hash ^ hash >> 32;
}

uint64_t vrrp_addresses_print(uint8_t family, const uint8_t *addresses, size_t count)
{
	size_t size = addr_size(family);
	uint64_t sum = count;

	for (size_t i = 0; i < count; i++)
		sum += mixed(text_hash(TEXT_HASH, addresses + i * size, size));
	return sum;
}
