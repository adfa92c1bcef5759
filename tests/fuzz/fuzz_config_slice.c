/* Any bytes as a slice: the first is the role, the rest its records (the head with this build's
 * fingerprint is put in front, or nothing would come through). What is taken must be a fixed point
 * of encoding and decoding. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "config/codec.h"
#include "config/diff.h"
#include "config/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define HEAD 13 /* magic, fingerprint, role */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	uint8_t *slice = malloc(HEAD + size);
	struct writer head = writer_of(slice, HEAD);
	const uint8_t *encoded;
	struct model *first, *second;
	size_t encoded_size;

	if (!slice || !size) {
		free(slice);
		arena_free(arena);
		return 0;
	}
	put_u32(&head, 0x4c424853);
	put_u64(&head, schema_fingerprint());
	put_u8(&head, bytes[0]);
	memcpy(slice + HEAD, bytes + 1, size - 1);
	if (!slice_decode(slice, HEAD + size - 1, arena, &first)) {
		if (slice_encode(first, bytes[0], arena, &encoded, &encoded_size) ||
		    slice_decode(encoded, encoded_size, arena, &second) ||
		    !model_equal(first, second))
			abort();
		if (encoded_size != HEAD + size - 1 || memcmp(encoded, slice, encoded_size))
			abort(); /* there is one encoding of a model only */
	}
	free(slice);
	arena_free(arena);
	return 0;
}
