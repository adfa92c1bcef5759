/* Bounded reading and writing of bytes. A cursor that runs out of room or input turns failed and stays so:
 * reads then give zeros, writes do nothing; ask once at the end. Numbers are big-endian (the wire's order; our
 * own messages use it too). */
#ifndef LBHA_BASE_CURSOR_H
#define LBHA_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

struct reader {
	const uint8_t *at, *end;
	bool failed;
};

struct writer {
	uint8_t *start, *at, *end;
	bool failed;
};

struct reader reader_of(const void *bytes, size_t size);
size_t reader_left(const struct reader *in);
uint8_t get_u8(struct reader *in);
uint16_t get_u16(struct reader *in);
uint32_t get_u32(struct reader *in);
uint64_t get_u64(struct reader *in);
bool get_bool(struct reader *in); /* fails on anything but 0 and 1 */
nstime get_time(struct reader *in);
/* Points to `size` bytes inside the input, which must outlive the use; NULL when there are not so many. */
const uint8_t *get_bytes(struct reader *in, size_t size);
struct addr get_addr(struct reader *in); /* family byte, then its bytes */
struct endpoint get_endpoint(struct reader *in);
/* A text of put_text into `out`, cut to fit `size`, always terminated; returns out. */
char *get_text(struct reader *in, char *out, size_t size);
/* A reader over the next `size` bytes; failed when there are not so many. */
struct reader get_part(struct reader *in, size_t size);
/* True when nothing failed and nothing is left: the "all consumed" check. */
bool reader_done(const struct reader *in);

struct writer writer_of(void *bytes, size_t size);
size_t writer_used(const struct writer *out);
size_t writer_left(const struct writer *out);
void put_u8(struct writer *out, uint8_t value);
void put_u16(struct writer *out, uint16_t value);
void put_u32(struct writer *out, uint32_t value);
void put_u64(struct writer *out, uint64_t value);
void put_bool(struct writer *out, bool value);
void put_time(struct writer *out, nstime value);
void put_bytes(struct writer *out, const void *bytes, size_t size);
void put_addr(struct writer *out, const struct addr *address);
void put_endpoint(struct writer *out, const struct endpoint *endpoint);
/* A length (16 bits) and the bytes; NULL is the empty text; longer than 65535 bytes is cut. */
void put_text(struct writer *out, const char *text);
/* Keeps `size` bytes for later and returns where they start (NULL when failed). */
uint8_t *put_space(struct writer *out, size_t size);

/* The Internet checksum (RFC 1071) of some bytes, added to `sum` (0, or an earlier result before folding);
 * checksum_fold gives the 16 bits in host order as they are put with put_u16. An odd run counts as padded by
 * zero, so only the last part may be odd. */
uint32_t checksum_add(uint32_t sum, const void *bytes, size_t size);
uint16_t checksum_fold(uint32_t sum);

#endif
