/* Bounded cursors; see the header for the one rule: failing sticks. */
#include "base/cursor.h"

bool get_bool(struct reader *in)
{
	uint8_t value = get_u8(in);

	if (value > 1)
		in->failed = true;
	return value == 1;
}

nstime get_time(struct reader *in)
{
	return (nstime)get_u64(in);
}

struct addr get_addr(struct reader *in)
{
	uint8_t family = get_u8(in);
	size_t size = addr_size(family);
	const uint8_t *bytes;

	if (family && !size)
		in->failed = true;
	bytes = get_bytes(in, size);
	return bytes ? addr_from_bytes(family, bytes) : (struct addr){0};
}

struct endpoint get_endpoint(struct reader *in)
{
	struct endpoint endpoint;

	endpoint.address = get_addr(in);
	endpoint.port = get_u16(in);
	return endpoint;
}

char *get_text(struct reader *in, char *out, size_t size)
{
	size_t length = get_u16(in);
	const uint8_t *bytes = get_bytes(in, length);

	if (!bytes)
		length = 0;
	if (length >= size)
		length = size - 1;
	if (length)
		memcpy(out, bytes, length);
	out[length] = '\0';
	return out;
}

struct writer writer_of(void *bytes, size_t size)
{
	uint8_t *start = bytes;

	/* nothing may be added to NULL, not even nothing */
	return (struct writer){.start = start, .at = start, .end = size ? start + size : start};
}

size_t writer_used(const struct writer *out)
{
	return (size_t)(out->at - out->start);
}

size_t writer_left(const struct writer *out)
{
	return out->failed ? 0 : (size_t)(out->end - out->at);
}

void put_bool(struct writer *out, bool value)
{
	put_u8(out, value);
}

void put_time(struct writer *out, nstime value)
{
	put_u64(out, (uint64_t)value);
}

void put_addr(struct writer *out, const struct addr *address)
{
	size_t size = addr_size(address->family);

	put_u8(out, size ? address->family : 0);
	put_bytes(out, address->bytes, size);
}

void put_endpoint(struct writer *out, const struct endpoint *endpoint)
{
	put_addr(out, &endpoint->address);
	put_u16(out, endpoint->port);
}

void put_text(struct writer *out, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length > UINT16_MAX)
		length = UINT16_MAX;
	put_u16(out, (uint16_t)length);
	put_bytes(out, text, length);
}

uint32_t checksum_add(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (; size > 1; at += 2, size -= 2) {
		sum += (uint32_t)at[0] << 8 | at[1];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (size)
		sum += (uint32_t)at[0] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
