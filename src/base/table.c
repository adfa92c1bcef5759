/* Linear probing, at most half full; see the header. Entries are never removed: an index lives as long as the
 * set it was built for. */
#include "base/table.h"

#include <errno.h>

#include "base/arena.h"

struct table_slot {
	uint64_t hash;
	uint32_t value;
	bool used;
};

int table_init(struct table *table, struct arena *arena, size_t expected)
{
	size_t room = 16;

	while (room < expected * 2)
		room *= 2;
	*table = (struct table){.arena = arena};
	table->slots = arena_array(arena, room, sizeof(*table->slots));
	if (!table->slots)
		return -ENOMEM;
	table->room = room;
	return 0;
}

static void slot_fill(struct table *table, uint64_t hash, uint32_t value)
{
	size_t at = hash & (table->room - 1);

	while (table->slots[at].used)
		at = (at + 1) & (table->room - 1);
	table->slots[at] = (struct table_slot){.hash = hash, .value = value, .used = true};
	table->count++;
}

static int table_grow(struct table *table)
{
	struct table grown;
	int err = table->arena ? table_init(&grown, table->arena, table->room) : -ENOMEM;

	if (err)
		return err;
	for (size_t i = 0; i < table->room; i++)
		if (table->slots[i].used)
			slot_fill(&grown, table->slots[i].hash, table->slots[i].value);
	*table = grown;
	return 0;
}

int table_add(struct table *table, uint64_t hash, uint32_t value)
{
	if (table->count * 2 >= table->room && table_grow(table))
		return -ENOMEM;
	slot_fill(table, hash, value);
	return 0;
}

bool table_next(const struct table *table, uint64_t hash, size_t *step, uint32_t *value)
{
	while (*step < table->room) {
		size_t at = (hash + *step) & (table->room - 1);

		if (!table->slots[at].used)
			return false;
		(*step)++;
		if (table->slots[at].hash == hash) {
			*value = table->slots[at].value;
			return true;
		}
	}
	return false;
}
