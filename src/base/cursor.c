/* Bounded cursors; see the header for the one rule: failing sticks. */
#include "base/cursor.h"

#include <string.h>

struct reader reader_of(const void *bytes, size_t size)
{
	const uint8_t *start = bytes;

	return (struct reader){.at = start, .end = size ? start + size : start};
}

size_t reader_left(const struct reader *in)
{
	return in->failed ? 0 : (size_t)(in->end - in->at);
}

const uint8_t *get_bytes(struct reader *in, size_t size)
{
	const uint8_t *at = in->at;

	if (in->failed || size > (size_t)(in->end - in->at)) {
		in->failed = true;
		return NULL;
	}
	if (size)
		in->at += size;
	return at;
}

static uint64_t get_number(struct reader *in, size_t size)
{
	const uint8_t *bytes = get_bytes(in, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t get_u8(struct reader *in)
{
	return (uint8_t)get_number(in, 1);
}

uint16_t get_u16(struct reader *in)
{
	return (uint16_t)get_number(in, 2);
}

uint32_t get_u32(struct reader *in)
{
	return (uint32_t)get_number(in, 4);
}

uint64_t get_u64(struct reader *in)
{
	return get_number(in, 8);
}

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

struct reader get_part(struct reader *in, size_t size)
{
	const uint8_t *bytes = get_bytes(in, size);

	if (!bytes)
		return (struct reader){.failed = true};
	return reader_of(bytes, size);
}

bool reader_done(const struct reader *in)
{
	return !in->failed && in->at == in->end;
}

struct writer writer_of(void *bytes, size_t size)
{
	uint8_t *start = bytes;

	return (struct writer){.start = start, .at = start, .end = start + size};
}

size_t writer_used(const struct writer *out)
{
	return (size_t)(out->at - out->start);
}

size_t writer_left(const struct writer *out)
{
	return out->failed ? 0 : (size_t)(out->end - out->at);
}

uint8_t *put_space(struct writer *out, size_t size)
{
	uint8_t *at = out->at;

	if (out->failed || size > (size_t)(out->end - out->at)) {
		out->failed = true;
		return NULL;
	}
	out->at += size;
	return at;
}

void put_bytes(struct writer *out, const void *bytes, size_t size)
{
	uint8_t *at = put_space(out, size);

	if (at && size)
		memcpy(at, bytes, size);
}

static void put_number(struct writer *out, uint64_t value, size_t size)
{
	uint8_t *at = put_space(out, size);

	for (size_t i = size; at && i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

void put_u8(struct writer *out, uint8_t value)
{
	put_number(out, value, 1);
}

void put_u16(struct writer *out, uint16_t value)
{
	put_number(out, value, 2);
}

void put_u32(struct writer *out, uint32_t value)
{
	put_number(out, value, 4);
}

void put_u64(struct writer *out, uint64_t value)
{
	put_number(out, value, 8);
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
