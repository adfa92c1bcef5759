/* See the header. */
#include "config/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"

/* The bits of a number, in the places of the mask's. */
static uint32_t spread(uint64_t number, uint32_t mask)
{
	uint32_t mark = 0;

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(mask & bit))
			continue;
		mark |= number & 1 ? bit : 0;
		number >>= 1;
	}
	return mark;
}

static uint64_t numbers(uint32_t mask)
{
	uint64_t count = 1;

	for (uint32_t bit = 1; bit; bit <<= 1)
		count <<= (mask & bit) != 0;
	return count;
}

uint64_t mark_room(uint32_t base, uint32_t mask)
{
	return numbers(mask) - !base;
}

bool mark_is_own(uint32_t base, uint32_t mask, uint32_t mark)
{
	return mark && (mark & ~mask) == base;
}

/* The kernel's tables of marks hash, too, so any bits of ours are good. */
static uint64_t first_number(const char *name, uint64_t room)
{
	uint64_t hash = text_hash(TEXT_HASH, name, strlen(name));

	return (hash ^ hash >> 32) & (room - 1);
}

struct entry {
	const char *name;
	size_t place;
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static bool is_taken(const struct table *taken, uint32_t mark)
{
	uint32_t found;
	size_t step = 0;

	while (table_next(taken, mark, &step, &found))
		if (found == mark)
			return true;
	return false;
}

/* The next free mark; there is one. */
static int settle_one(struct table *taken, uint32_t base, uint32_t mask, const char *name,
		      uint32_t *out)
{
	uint64_t room = numbers(mask), number = first_number(name, room);
	uint32_t mark = base | spread(number, mask);

	while (!mark || is_taken(taken, mark)) {
		number = (number + 1) & (room - 1);
		mark = base | spread(number, mask);
	}
	*out = mark;
	return table_add(taken, mark, mark);
}

int marks_settle_beside(struct arena *arena, uint32_t base, uint32_t mask, const uint32_t *others,
			size_t other_count, const char *const *names, size_t count, uint32_t *out)
{
	struct entry *entries = arena_array(arena, count + 1, sizeof(*entries));
	struct table taken;
	int error = 0;

	if (count + other_count > mark_room(base, mask))
		return -ENOSPC;
	if (!entries || table_init(&taken, arena, count + other_count))
		return -ENOMEM;
	for (size_t i = 0; i < other_count; i++)
		if (table_add(&taken, others[i], others[i]))
			return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct entry){names[i], i};
	qsort(entries, count, sizeof(*entries), by_name);
	for (size_t i = 0; i < count && !error; i++)
		error = settle_one(&taken, base, mask, entries[i].name, &out[entries[i].place]);
	return error;
}

int marks_settle(struct arena *arena, uint32_t base, uint32_t mask, const char *const *names,
		 size_t count, uint32_t *out)
{
	return marks_settle_beside(arena, base, mask, NULL, 0, names, count, out);
}
