/* Bounded reading and writing of bytes. A cursor that runs out of room or input turns failed and stays so:
 * reads then give zeros, writes do nothing; ask once at the end. Numbers are big-endian (the wire's order; our
 * own messages use it too). */
#ifndef LBHA_BASE_CURSOR_H
#define LBHA_BASE_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/nstime.h"

#define SIZE_LONG 255 /* sizes below it are one byte, others follow it in 32 bits */

struct reader {
	const uint8_t *at, *end;
	bool failed;
};

struct writer {
	uint8_t *start, *at, *end;
	bool failed;
};

/* ---- reading ----------------------------------------------------------------------------------- */

static inline struct reader reader_of(const void *bytes, size_t size)
{
	const uint8_t *start = bytes;

	return (struct reader){.at = start, .end = size ? start + size : start};
}

static inline size_t reader_left(const struct reader *in)
{
	return in->failed ? 0 : (size_t)(in->end - in->at);
}

/* Points to `size` bytes inside the input, which must outlive the use; NULL when there are not so many. */
static inline const uint8_t *get_bytes(struct reader *in, size_t size)
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

static inline uint8_t get_u8(struct reader *in)
{
	const uint8_t *at = get_bytes(in, 1);

	return at ? *at : 0;
}

static inline uint16_t get_u16(struct reader *in)
{
	const uint8_t *at = get_bytes(in, 2);
	uint16_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static inline uint32_t get_u32(struct reader *in)
{
	const uint8_t *at = get_bytes(in, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static inline uint64_t get_u64(struct reader *in)
{
	const uint8_t *at = get_bytes(in, 8);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

/* A size as put_size writes it; fails on any longer form. */
static inline uint32_t get_size(struct reader *in)
{
	uint32_t size = get_u8(in);

	if (size < SIZE_LONG)
		return size;
	size = get_u32(in);
	if (size >= SIZE_LONG)
		return size;
	in->failed = true;
	return 0;
}

/* The number that put_digits has written and that is all that is left; fails on leading zeros. */
static inline uint64_t get_digits(struct reader *in)
{
	size_t size = reader_left(in);
	const uint8_t *at = get_bytes(in, size);
	uint64_t value = 0;

	if (size > sizeof(value) || (size && at && !*at)) {
		in->failed = true;
		return 0;
	}
	for (size_t i = 0; at && i < size; i++)
		value = value << 8 | at[i];
	return value;
}

bool get_bool(struct reader *in); /* fails on anything but 0 and 1 */
nstime get_time(struct reader *in);
struct addr get_addr(struct reader *in); /* family byte, then its bytes */
struct endpoint get_endpoint(struct reader *in);
/* A text of put_text into `out`, cut to fit `size`, always terminated; returns out. */
char *get_text(struct reader *in, char *out, size_t size);
/* A reader over the next `size` bytes; failed when there are not so many. */
static inline struct reader get_part(struct reader *in, size_t size)
{
	const uint8_t *bytes = get_bytes(in, size);

	return bytes ? reader_of(bytes, size) : (struct reader){.failed = true};
}

/* True when nothing failed and nothing is left: the "all consumed" check. */
static inline bool reader_done(const struct reader *in)
{
	return !in->failed && in->at == in->end;
}

/* ---- writing ----------------------------------------------------------------------------------- */

struct writer writer_of(void *bytes, size_t size);
size_t writer_used(const struct writer *out);
size_t writer_left(const struct writer *out);

/* Keeps `size` bytes for later and returns where they start (NULL when failed). */
static inline uint8_t *put_space(struct writer *out, size_t size)
{
	uint8_t *at = out->at;

	if (out->failed || size > (size_t)(out->end - out->at)) {
		out->failed = true;
		return NULL;
	}
	out->at += size;
	return at;
}

static inline void put_bytes(struct writer *out, const void *bytes, size_t size)
{
	uint8_t *at = put_space(out, size);

	if (at && size)
		memcpy(at, bytes, size);
}

static inline void put_u8(struct writer *out, uint8_t value)
{
	put_bytes(out, &value, 1);
}

static inline void put_u16(struct writer *out, uint16_t value)
{
	value = htobe16(value);
	put_bytes(out, &value, sizeof(value));
}

static inline void put_u32(struct writer *out, uint32_t value)
{
	value = htobe32(value);
	put_bytes(out, &value, sizeof(value));
}

static inline void put_u64(struct writer *out, uint64_t value)
{
	value = htobe64(value);
	put_bytes(out, &value, sizeof(value));
}

static inline void put_size(struct writer *out, uint32_t size)
{
	put_u8(out, size < SIZE_LONG ? (uint8_t)size : SIZE_LONG);
	if (size >= SIZE_LONG)
		put_u32(out, size);
}

/* How many bytes put_digits writes. */
static inline size_t digits_size(uint64_t value)
{
	return value ? 8 - (size_t)__builtin_clzll(value) / 8 : 0;
}

/* A number without its leading zero bytes: none for 0. */
static inline void put_digits(struct writer *out, uint64_t value)
{
	size_t size = digits_size(value);

	value = htobe64(value);
	put_bytes(out, (const uint8_t *)&value + sizeof(value) - size, size);
}

void put_bool(struct writer *out, bool value);
void put_time(struct writer *out, nstime value);
void put_addr(struct writer *out, const struct addr *address);
void put_endpoint(struct writer *out, const struct endpoint *endpoint);
/* A length (16 bits) and the bytes; NULL is the empty text; longer than 65535 bytes is cut. */
void put_text(struct writer *out, const char *text);
/* The Internet checksum (RFC 1071) of some bytes, added to `sum` (0, or an earlier result before folding);
 * checksum_fold gives the 16 bits in host order as they are put with put_u16. An odd run counts as padded by
 * zero, so only the last part may be odd. */
uint32_t checksum_add(uint32_t sum, const void *bytes, size_t size);
uint16_t checksum_fold(uint32_t sum);

#endif
