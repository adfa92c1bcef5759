/* Any bytes as AH packets of a few peers, one after the other (a length byte, who, the packet). What
 * is covered is in the packet; a packet that we seal is authentic; counters that are taken rise. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/auth.h"
#include "vrrp/auth_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_seal(const struct vrrp_datagram *datagram, const struct vrrp_advert *advert)
{
	uint8_t packet[UINT16_MAX], covered[UINT16_MAX], icv[VRRP_ICV];
	size_t at = (size_t)(advert->icv - datagram->packet), size = datagram->packet_size;
	bool unicast = !addr_is_multicast(&datagram->envelope.destination);

	if (at + VRRP_ICV > size)
		abort();
	vrrp_ah_cover(datagram->packet, size, advert->icv, unicast, covered);
	if (ah_icv("secret", covered, size, icv))
		abort();
	memcpy(packet, datagram->packet, size);
	memcpy(packet + at, icv, VRRP_ICV);
	packet[1] ^= 0xff; /* a router on the way */
	vrrp_ah_cover(packet, size, packet + at, unicast, covered);
	if (ah_icv("secret", covered, size, icv) || !vrrp_icv_equal(icv, packet + at))
		abort();
	packet[size - 1] ^= 1; /* somebody else: the last byte is the VRRP message's, or the ICV's */
	vrrp_ah_cover(packet, size, packet + at, unicast, covered);
	if (ah_icv("secret", covered, size, icv) || vrrp_icv_equal(icv, packet + at))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader in = reader_of(bytes, size);
	struct vrrp_counters counters = {0};
	uint32_t last[256] = {0};
	bool crowded = false;
	char words[128];
	nstime now = 0;

	if (ah_open(words, sizeof(words)))
		abort();
	while (reader_left(&in)) {
		struct reader part = get_part(&in, get_u8(&in));
		uint8_t who = get_u8(&part);
		struct addr source = addr_from_bytes(AF_INET, (uint8_t[4]){10, 0, 0, who});
		struct vrrp_datagram datagram;
		struct vrrp_advert advert;
		enum vrrp_drop why;

		if (part.failed || !vrrp_ipv4_open(part.at, reader_left(&part), &datagram) ||
		    !vrrp_advert_decode(&datagram, &advert, &why) || !advert.icv)
			continue;
		check_seal(&datagram, &advert);
		crowded |= who >= VRRP_AH_PEERS; /* from now on peers are pushed out */
		if (!vrrp_counter_accept(&counters, &source, advert.sequence, now, NSTIME_S))
			continue;
		if (counters.highest < advert.sequence ||
		    (!crowded && last[who] && advert.sequence <= last[who]))
			abort();
		last[who] = advert.sequence;
	}
	return 0;
}
