/* Any bytes into the advert decoder; what it takes must survive encoding and decoding. */
#include <stdlib.h>
#include <string.h>

#include "vrrp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t again[VRRP_PACKET_MAX];
	struct writer out = writer_of(again, sizeof(again));
	struct vrrp_advert first, second;
	enum vrrp_drop why;

	if (!vrrp_packet_decode(bytes, size, &first, &why)) {
		if (why >= VRRP_DROP_COUNT)
			abort();
		return 0;
	}
	vrrp_packet_encode(&out, &first);
	if (out.failed || !vrrp_packet_decode(again, writer_used(&out), &second, &why))
		abort();
	if (!addr_equal(&first.source, &second.source) ||
	    !addr_equal(&first.destination, &second.destination) ||
	    first.virtual_router_id != second.virtual_router_id ||
	    first.priority != second.priority || first.interval != second.interval ||
	    first.address_count != second.address_count ||
	    memcmp(first.addresses, second.addresses, first.address_count * (size_t)4))
		abort();
	return 0;
}
