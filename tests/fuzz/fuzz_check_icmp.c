/* Any packet that a raw socket may give, of the family that the first byte says: what is taken for a
 * message is whole, and what it means is one of the table. Checksums are mended, or little would get
 * behind them. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "check/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void mend(uint8_t *packet, size_t size)
{
	size_t header = size ? (packet[0] & 15u) * 4 : 0, total;
	uint16_t sum;

	if (header < 20 || size < header + 8)
		return;
	total = (size_t)packet[2] << 8 | packet[3];
	if (total > size)
		total = size;
	if (total < header + 8)
		return;
	packet[header + 2] = packet[header + 3] = 0;
	sum = checksum_fold(checksum_add(0, packet + header, total - header));
	packet[header + 2] = (uint8_t)(sum >> 8);
	packet[header + 3] = (uint8_t)sum;
}

static void try(uint8_t family, const uint8_t *packet, size_t size)
{
	struct icmp_message message = {.type = 77};
	struct icmp_complaint complaint;

	if (!icmp_message_get(family, packet, size, &message)) {
		if (message.type != 77)
			abort();
		return;
	}
	if ((family == AF_INET) != (message.source.family == AF_INET) ||
	    message.is_reply != (message.destination.family == 0) ||
	    (message.is_reply && !message.has_cookie) || (!message.has_cookie && message.echo.cookie))
		abort();
	complaint = icmp_complaint(family, message.type, message.code);
	if ((complaint.reason == REASON_NONE) != !complaint.text || complaint.reason >= REASON_COUNT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *packet;

	if (!size)
		return 0;
	packet = malloc(size);
	if (!packet)
		abort();
	memcpy(packet, bytes + 1, size - 1);
	try(bytes[0] & 1 ? AF_INET6 : AF_INET, packet, size - 1);
	if (!(bytes[0] & 1)) {
		mend(packet, size - 1);
		try(AF_INET, packet, size - 1);
	}
	free(packet);
	return 0;
}
