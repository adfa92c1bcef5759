/* The codec of adverts; layouts: RFC 791 section 3.1 and RFC 9568 section 5.1.
 *
 *   version 4 | type 4 · VRID 8 · priority 8 · address count 8
 *   reserved 4 | max advertise interval 12 (centiseconds) · checksum 16
 *   addresses, 4 bytes each */
#include "vrrp/packet.h"

#include <sys/socket.h>

#define IP_HEADER 20
#define VRRP_FIXED 8
#define VRRP_VERSION_TYPE 0x31 /* version 3, ADVERTISEMENT */
#define IP_MORE_OR_OFFSET 0x3fff

/* The pseudo header of RFC 9568 section 5.2.8: source, destination, zero, protocol, length of the
 * VRRP message. */
static uint32_t pseudo_header_sum(const struct addr *source, const struct addr *destination,
				  size_t length)
{
	uint32_t sum = checksum_add(0, source->bytes, 4);

	sum = checksum_add(sum, destination->bytes, 4);
	return sum + VRRP_PROTOCOL + (uint32_t)length;
}

static bool checksum_good(const struct vrrp_advert *advert, const uint8_t *message, size_t length)
{
	uint32_t plain = checksum_add(0, message, length);

	return checksum_fold(plain) == 0 ||
	       checksum_fold(plain +
			     pseudo_header_sum(&advert->source, &advert->destination, length)) == 0;
}

/* The IP header: leaves the reader `in` on the VRRP message and nothing behind it. */
static bool ip_decode(struct reader *in, struct vrrp_advert *out, uint8_t *ttl)
{
	uint8_t version_length = get_u8(in);
	size_t header = (version_length & 0x0fu) * 4, size = reader_left(in) + 1, total;
	const uint8_t *source, *destination;
	uint16_t fragment;
	uint8_t protocol;

	get_u8(in); /* type of service */
	total = get_u16(in);
	get_u16(in); /* identification */
	fragment = get_u16(in);
	*ttl = get_u8(in);
	protocol = get_u8(in);
	get_u16(in); /* header checksum: the kernel has looked */
	source = get_bytes(in, 4);
	destination = get_bytes(in, 4);
	if (!source || !destination || version_length >> 4 != 4 || protocol != VRRP_PROTOCOL)
		return false;
	out->source = addr_from_bytes(AF_INET, source);
	out->destination = addr_from_bytes(AF_INET, destination);
	if (header < IP_HEADER || total < header || total > size || (fragment & IP_MORE_OR_OFFSET))
		return false;
	get_bytes(in, header - IP_HEADER);
	*in = get_part(in, total - header);
	return !in->failed;
}

bool vrrp_packet_decode(const void *packet, size_t size, struct vrrp_advert *out,
			enum vrrp_drop *why)
{
	struct reader in = reader_of(packet, size);
	const uint8_t *message;
	uint8_t ttl = 0, version_type;
	size_t length;

	*out = (struct vrrp_advert){0};
	*why = VRRP_DROP_HEADER;
	if (!ip_decode(&in, out, &ttl))
		return false;
	message = in.at;
	version_type = get_u8(&in);
	out->virtual_router_id = get_u8(&in);
	out->priority = get_u8(&in);
	out->address_count = get_u8(&in);
	out->interval = (get_u16(&in) & 0x0fff) * VRRP_INTERVAL_UNIT;
	get_u16(&in); /* checksum */
	out->addresses = get_bytes(&in, out->address_count * (size_t)4);
	length = VRRP_FIXED + out->address_count * (size_t)4;

	if (ttl != VRRP_TTL)
		*why = VRRP_DROP_TTL;
	else if (version_type >> 4 != VRRP_VERSION_TYPE >> 4)
		*why = VRRP_DROP_VERSION;
	else if ((version_type & 0x0f) != (VRRP_VERSION_TYPE & 0x0f))
		*why = VRRP_DROP_TYPE;
	else if (in.failed || !out->address_count)
		*why = VRRP_DROP_LENGTH;
	else if (!checksum_good(out, message, length))
		*why = VRRP_DROP_CHECKSUM;
	else if (!out->interval)
		*why = VRRP_DROP_INTERVAL;
	else
		return true;
	return false;
}

static void ip_encode(struct writer *out, const struct vrrp_advert *advert, size_t total)
{
	uint8_t *start = out->at, *sum;
	struct writer patch;

	put_u8(out, 0x45);
	put_u8(out, VRRP_TOS);
	put_u16(out, (uint16_t)total);
	put_u16(out, 0); /* identification: the kernel's */
	put_u16(out, 0);
	put_u8(out, VRRP_TTL);
	put_u8(out, VRRP_PROTOCOL);
	sum = put_space(out, 2);
	put_bytes(out, advert->source.bytes, 4);
	put_bytes(out, advert->destination.bytes, 4);
	if (out->failed)
		return;
	patch = writer_of(sum, 2);
	put_u16(&patch, 0);
	patch = writer_of(sum, 2);
	put_u16(&patch, checksum_fold(checksum_add(0, start, IP_HEADER)));
}

void vrrp_packet_encode(struct writer *out, const struct vrrp_advert *advert)
{
	size_t length = VRRP_FIXED + advert->address_count * (size_t)4;
	uint8_t *message, *at;
	struct writer sum;

	if (!advert->address_count || advert->interval < VRRP_INTERVAL_UNIT ||
	    advert->interval > VRRP_INTERVAL_MAX) {
		out->failed = true;
		return;
	}
	ip_encode(out, advert, IP_HEADER + length);
	message = out->at;
	put_u8(out, VRRP_VERSION_TYPE);
	put_u8(out, advert->virtual_router_id);
	put_u8(out, advert->priority);
	put_u8(out, advert->address_count);
	put_u16(out, (uint16_t)(advert->interval / VRRP_INTERVAL_UNIT));
	at = out->at;
	put_u16(out, 0);
	put_bytes(out, advert->addresses, advert->address_count * (size_t)4);
	if (out->failed)
		return;
	sum = writer_of(at, 2);
	put_u16(&sum, checksum_fold(checksum_add(
			      pseudo_header_sum(&advert->source, &advert->destination, length),
			      message, length)));
}
