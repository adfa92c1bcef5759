/* The codec of adverts; layouts: RFC 791 section 3.1, RFC 8200 section 3, RFC 2402 section 2, and
 *
 *   version 3 (RFC 9568 section 5.1)       version 2 (RFC 3768 section 5.1)
 *   version 4 | type 4 · VRID 8 · priority 8 · address count 8
 *   reserved 4 | interval 12 · checksum    auth type 8 · interval 8 · checksum 16
 *   addresses, 4 or 16 bytes each          addresses, 4 bytes each · authentication data 64 */
#include "vrrp/packet.h"

#include <string.h>
#include <sys/socket.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define AH_HEADER 24
#define AH_LENGTH 4 /* in words, less two */
#define VRRP_FIXED 8
#define IP_MORE_OR_OFFSET 0x3fff

static size_t message_size(uint8_t family, uint8_t version, size_t addresses)
{
	return VRRP_FIXED + addresses * addr_size(family) + (version == 2 ? VRRP_PASSWORD : 0);
}

size_t vrrp_packet_size(uint8_t family, uint8_t version, enum vrrp_auth auth, size_t addresses)
{
	return (family == AF_INET6 ? IPV6_HEADER : IPV4_HEADER) +
	       (auth == VRRP_AUTH_AH ? AH_HEADER : 0) + message_size(family, version, addresses);
}

/* ---- checksum ------------------------------------------------------------------------------- */

/* The pseudo header of RFC 9568 section 5.2.8: source, destination, protocol and length of the
 * message. The IPv6 one (RFC 8200 section 8.1) has wider fields, which add up to the same. */
static uint32_t pseudo_header_sum(const struct vrrp_envelope *envelope, size_t length)
{
	size_t size = addr_size(envelope->source.family);
	uint32_t sum = checksum_add(0, envelope->source.bytes, size);

	sum = checksum_add(sum, envelope->destination.bytes, size);
	return sum + VRRP_PROTOCOL + (uint32_t)length;
}

bool vrrp_checksum_good(const struct vrrp_envelope *envelope, const struct vrrp_advert *advert)
{
	uint32_t plain = checksum_add(0, advert->message, advert->length);
	uint32_t with = plain + pseudo_header_sum(envelope, advert->length);

	if (advert->version == 2)
		return checksum_fold(plain) == 0;
	if (envelope->source.family == AF_INET6)
		return checksum_fold(with) == 0;
	return checksum_fold(plain) == 0 || checksum_fold(with) == 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

bool vrrp_ipv4_open(const void *packet, size_t size, struct vrrp_datagram *out)
{
	struct reader in = reader_of(packet, size);
	struct vrrp_datagram opened = {.packet = packet};
	uint8_t version_length = get_u8(&in);
	size_t header = (version_length & 0x0fu) * 4;
	const uint8_t *source, *destination;
	uint16_t fragment;

	get_u8(&in); /* type of service */
	opened.packet_size = get_u16(&in);
	get_u16(&in); /* identification */
	fragment = get_u16(&in);
	opened.envelope.ttl = get_u8(&in);
	opened.envelope.protocol = get_u8(&in);
	get_u16(&in); /* header checksum: the kernel has looked */
	source = get_bytes(&in, 4);
	destination = get_bytes(&in, 4);
	if (source && destination && version_length >> 4 == 4) {
		opened.envelope.source = addr_from_bytes(AF_INET, source);
		opened.envelope.destination = addr_from_bytes(AF_INET, destination);
	}
	*out = opened;
	if (!opened.envelope.source.family || header < IPV4_HEADER ||
	    opened.packet_size < header || opened.packet_size > size ||
	    (fragment & IP_MORE_OR_OFFSET) ||
	    (opened.envelope.protocol != VRRP_PROTOCOL &&
	     opened.envelope.protocol != VRRP_PROTOCOL_AH))
		return false;
	out->message = opened.packet + header;
	out->size = opened.packet_size - header;
	return true;
}

/* The AH header in front of a message, with an integrity check value of 96 bits. */
static bool ah_decode(struct reader *in, struct vrrp_advert *out)
{
	uint8_t next = get_u8(in), length = get_u8(in);

	get_u16(in); /* reserved */
	out->spi = get_u32(in);
	out->sequence = get_u32(in);
	out->icv = get_bytes(in, VRRP_ICV);
	return out->icv && next == VRRP_PROTOCOL && length == AH_LENGTH;
}

/* What stands between the address count and the checksum. */
static void timing_decode(struct reader *in, struct vrrp_advert *out)
{
	if (out->version == 2) {
		out->auth = get_u8(in);
		out->interval = get_u8(in) * NSTIME_S;
	} else {
		out->interval = (get_u16(in) & 0x0fff) * VRRP_INTERVAL_UNIT;
	}
}

bool vrrp_advert_decode(const struct vrrp_datagram *datagram, struct vrrp_advert *out,
			enum vrrp_drop *why)
{
	struct reader in = reader_of(datagram->message, datagram->size);
	uint8_t family = datagram->envelope.source.family, version_type;
	struct vrrp_advert advert = {0};

	*out = advert;
	if (datagram->envelope.protocol == VRRP_PROTOCOL_AH && !ah_decode(&in, &advert)) {
		*why = VRRP_DROP_HEADER;
		return false;
	}
	advert.message = in.at;
	version_type = get_u8(&in);
	advert.version = version_type >> 4;
	advert.type = version_type & 0x0f;
	advert.virtual_router_id = get_u8(&in);
	if (in.failed) {
		*why = VRRP_DROP_LENGTH;
		return false;
	}
	advert.priority = get_u8(&in);
	advert.address_count = get_u8(&in);
	timing_decode(&in, &advert);
	get_u16(&in); /* checksum */
	advert.addresses = get_bytes(&in, advert.address_count * addr_size(family));
	if (advert.version == 2) {
		const uint8_t *password = get_bytes(&in, VRRP_PASSWORD);

		if (password)
			memcpy(advert.password, password, VRRP_PASSWORD);
	}
	advert.complete = !in.failed && !datagram->cut;
	advert.length = message_size(family, advert.version, advert.address_count);
	*out = advert;
	return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_checksum(uint8_t *at, uint32_t sum)
{
	struct writer out = writer_of(at, 2);

	put_u16(&out, checksum_fold(sum));
}

/* The kernel fills in an identification of zero. AH covers it, so there it is ours to give. */
static uint16_t identification(const struct vrrp_envelope *envelope,
			       const struct vrrp_advert *advert)
{
	uint16_t low = (uint16_t)advert->sequence;

	if (envelope->protocol != VRRP_PROTOCOL_AH)
		return 0;
	return low ? low : 1;
}

static void ipv4_encode(struct writer *out, const struct vrrp_envelope *envelope,
			const struct vrrp_advert *advert, size_t total)
{
	uint8_t *start = out->at, *sum;

	put_u8(out, 0x45);
	put_u8(out, VRRP_TOS);
	put_u16(out, (uint16_t)total);
	put_u16(out, identification(envelope, advert));
	put_u16(out, 0);
	put_u8(out, envelope->ttl);
	put_u8(out, envelope->protocol);
	sum = out->at;
	put_u16(out, 0);
	put_bytes(out, envelope->source.bytes, 4);
	put_bytes(out, envelope->destination.bytes, 4);
	if (!out->failed)
		put_checksum(sum, checksum_add(0, start, IPV4_HEADER));
}

static void ipv6_encode(struct writer *out, const struct vrrp_envelope *envelope, size_t length)
{
	put_u32(out, 0x60000000 | VRRP_TOS << 20);
	put_u16(out, (uint16_t)length);
	put_u8(out, envelope->protocol);
	put_u8(out, envelope->ttl);
	put_bytes(out, envelope->source.bytes, 16);
	put_bytes(out, envelope->destination.bytes, 16);
}

static void ah_encode(struct writer *out, const struct vrrp_envelope *envelope,
		      const struct vrrp_advert *advert)
{
	static const uint8_t no_icv[VRRP_ICV];

	put_u8(out, VRRP_PROTOCOL);
	put_u8(out, AH_LENGTH);
	put_u16(out, 0);
	put_bytes(out, envelope->source.bytes, 4); /* the SPI, as keepalived chooses it */
	put_u32(out, advert->sequence);
	put_bytes(out, no_icv, sizeof(no_icv));
}

static void message_encode(struct writer *out, const struct vrrp_envelope *envelope,
			   const struct vrrp_advert *advert, enum vrrp_checksum checksum)
{
	uint8_t *message = out->at, *at, family = envelope->source.family;
	size_t length = message_size(family, advert->version, advert->address_count);
	bool plain = advert->version == 2 ||
		     (family == AF_INET && checksum == VRRP_CHECKSUM_RFC9568);

	put_u8(out, (uint8_t)(advert->version << 4 | VRRP_ADVERTISEMENT));
	put_u8(out, advert->virtual_router_id);
	put_u8(out, advert->priority);
	put_u8(out, advert->address_count);
	if (advert->version == 2) {
		put_u8(out, advert->auth);
		put_u8(out, (uint8_t)(advert->interval / NSTIME_S));
	} else {
		put_u16(out, (uint16_t)(advert->interval / VRRP_INTERVAL_UNIT));
	}
	at = out->at;
	put_u16(out, 0);
	put_bytes(out, advert->addresses, advert->address_count * addr_size(family));
	if (advert->version == 2)
		put_bytes(out, advert->password, VRRP_PASSWORD);
	if (!out->failed)
		put_checksum(at, checksum_add(plain ? 0 : pseudo_header_sum(envelope, length),
					      message, length));
}

static bool can_be_encoded(const struct vrrp_envelope *envelope, const struct vrrp_advert *advert)
{
	uint8_t family = envelope->source.family;
	nstime unit = advert->version == 2 ? NSTIME_S : VRRP_INTERVAL_UNIT;
	nstime longest = advert->version == 2 ? VRRP_INTERVAL_MAX_V2 : VRRP_INTERVAL_MAX;

	return addr_size(family) && envelope->destination.family == family &&
	       (advert->version == 3 || (advert->version == 2 && family == AF_INET)) &&
	       advert->address_count && advert->interval >= unit && advert->interval <= longest;
}

void vrrp_packet_encode(struct writer *out, const struct vrrp_envelope *envelope,
			const struct vrrp_advert *advert, enum vrrp_checksum checksum)
{
	struct vrrp_envelope to = *envelope;
	bool sealed = advert->version == 2 && advert->auth == VRRP_AUTH_AH;
	size_t total;

	if (!can_be_encoded(envelope, advert)) {
		out->failed = true;
		return;
	}
	to.protocol = sealed ? VRRP_PROTOCOL_AH : VRRP_PROTOCOL;
	total = vrrp_packet_size(to.source.family, advert->version,
				 sealed ? VRRP_AUTH_AH : VRRP_AUTH_NONE, advert->address_count);
	if (to.source.family == AF_INET6)
		ipv6_encode(out, &to, total - IPV6_HEADER);
	else
		ipv4_encode(out, &to, advert, total);
	if (sealed)
		ah_encode(out, &to, advert);
	message_encode(out, &to, advert, checksum);
}
