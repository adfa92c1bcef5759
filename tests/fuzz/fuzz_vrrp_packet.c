/* Any IP packet into the advert decoder, of either family, and to routers of every kind: what one
 * of them takes must survive encoding and decoding, and be taken again. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/accept.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool open_packet(const uint8_t *bytes, size_t size, struct vrrp_datagram *out)
{
	if (!size || bytes[0] >> 4 != 6)
		return vrrp_ipv4_open(bytes, size, out);
	if (size < 40)
		return false;
	*out = (struct vrrp_datagram){.message = bytes + 40, .size = size - 40};
	out->envelope.source = addr_from_bytes(AF_INET6, bytes + 8);
	out->envelope.destination = addr_from_bytes(AF_INET6, bytes + 24);
	out->envelope.ttl = bytes[7];
	out->envelope.protocol = VRRP_PROTOCOL;
	return true;
}

static struct addr peer4 = {AF_INET, {192, 168, 8, 10}}, peer6 = {AF_INET6, {0xfd, [15] = 0x10}};

static const struct instance routers[] = {
	{.version = 3, .transport = VRRP_TRANSPORT_MULTICAST},
	{.version = 3, .transport = VRRP_TRANSPORT_BOTH},
	{.version = 3, .transport = VRRP_TRANSPORT_UNICAST, .checksum = VRRP_CHECKSUM_RFC9568},
	{.version = 2, .transport = VRRP_TRANSPORT_MULTICAST},
	{.version = 2,
	 .transport = VRRP_TRANSPORT_BOTH,
	 .authentication = {.type = VRRP_AUTH_PASS, .key = "secret"}},
	{.version = 2,
	 .transport = VRRP_TRANSPORT_BOTH,
	 .authentication = {.type = VRRP_AUTH_AH, .key = "secret"}},
};

/* The interval of version 2 and the group are what the packet says, or nothing would be taken. */
static struct instance router_like(const struct instance *kind, const struct vrrp_datagram *packet,
				   const struct vrrp_advert *advert)
{
	bool is_ipv6 = packet->envelope.source.family == AF_INET6;
	struct instance about = *kind;

	about.advert_interval = advert->interval;
	about.multicast_group = packet->envelope.destination;
	about.unicast = (struct unicast){.peers = is_ipv6 ? &peer6 : &peer4,
					 .peer_count = 1,
					 .min_ttl = 64};
	return about;
}

static void encode_again(const struct instance *about, const struct addr *own,
			 const struct vrrp_datagram *packet, const struct vrrp_advert *first)
{
	uint8_t again[VRRP_PACKET_MAX];
	struct writer out = writer_of(again, sizeof(again));
	struct vrrp_datagram datagram;
	struct vrrp_advert second;
	enum vrrp_drop why;

	vrrp_packet_encode(&out, &packet->envelope, first, about->checksum);
	if (out.failed || !open_packet(again, writer_used(&out), &datagram) ||
	    !vrrp_advert_decode(&datagram, &second, &why) ||
	    !vrrp_accept(about, own, &datagram, &second, &why))
		abort();
	if (memcmp(&datagram.envelope, &packet->envelope, sizeof(datagram.envelope)) ||
	    first->virtual_router_id != second.virtual_router_id ||
	    first->priority != second.priority || first->interval != second.interval ||
	    first->auth != second.auth || first->sequence != second.sequence ||
	    first->address_count != second.address_count ||
	    memcmp(first->addresses, second.addresses,
		   first->address_count * addr_size(packet->envelope.source.family)))
		abort();
}

/* Writes the checksum that a message ought to have, so that what is behind that check is reached. */
static void mend_checksum(uint8_t *bytes, size_t size)
{
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	enum vrrp_drop why;
	uint8_t *message;
	uint32_t sum;

	if (!open_packet(bytes, size, &datagram) ||
	    !vrrp_advert_decode(&datagram, &advert, &why) || !advert.complete)
		return;
	message = bytes + (advert.message - bytes);
	message[6] = message[7] = 0;
	sum = checksum_add(0, message, advert.length);
	if (datagram.envelope.source.family == AF_INET6 && advert.version == 3) {
		sum = checksum_add(sum, bytes + 8, 32);
		sum += VRRP_PROTOCOL + (uint32_t)advert.length;
	}
	message[6] = (uint8_t)(checksum_fold(sum) >> 8);
	message[7] = (uint8_t)checksum_fold(sum);
}

static void try(const uint8_t *bytes, size_t size)
{
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	enum vrrp_drop why = VRRP_DROP_COUNT;

	if (!open_packet(bytes, size, &datagram))
		return;
	if (!vrrp_advert_decode(&datagram, &advert, &why)) {
		if (why >= VRRP_DROP_COUNT)
			abort();
		return;
	}
	for (size_t i = 0; i < COUNT_OF(routers); i++) {
		struct instance about = router_like(&routers[i], &datagram, &advert);
		struct addr own = datagram.envelope.destination;

		why = VRRP_DROP_COUNT;
		if (vrrp_accept(&about, &own, &datagram, &advert, &why))
			encode_again(&about, &own, &datagram, &advert);
		else if (why >= VRRP_DROP_COUNT)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *mended = malloc(size ? size : 1);

	try(bytes, size);
	if (!mended)
		abort();
	memcpy(mended, bytes, size);
	mend_checksum(mended, size);
	try(mended, size);
	free(mended);
	return 0;
}
