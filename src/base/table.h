/* One small hash index: 64-bit keys to 32-bit values, open addressing, in an arena. For finding objects by name,
 * endpoint or number when a set is too large to search: the caller hashes (text_hash) and compares. */
#ifndef LBHA_BASE_TABLE_H
#define LBHA_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct table {
	struct table_slot *slots;
	size_t count, room; /* room: a power of two */
	struct arena *arena;
};

/* An empty index with place for `expected` entries; grows beyond. -ENOMEM: it stays usable, but empty (so does a zeroed
 * struct): table_add fails, table_next finds nothing. */
int table_init(struct table *table, struct arena *arena, size_t expected);

/* Adds an entry (equal hashes are kept side by side). -ENOMEM. */
int table_add(struct table *table, uint64_t hash, uint32_t value);

/* Walks the values stored under a hash: start with *step = 0, call until it returns false. */
bool table_next(const struct table *table, uint64_t hash, size_t *step, uint32_t *value);

#endif
