/* One index over the old keys, one pass over the new probes. */
#include "check/merge.h"

#include <errno.h>

#include "base/arena.h"
#include "base/table.h"
#include "config/model.h"

static int index_keys(struct table *table, struct arena *arena, const struct probe *old,
		      size_t count)
{
	int err = table_init(table, arena, count);

	for (size_t i = 0; !err && i < count; i++)
		err = table_add(table, old[i].key, (uint32_t)i);
	return err;
}

static uint32_t *map_none(struct arena *arena, size_t count)
{
	uint32_t *map = arena_array(arena, count ? count : 1, sizeof(*map));

	for (size_t i = 0; map && i < count; i++)
		map[i] = MERGE_NONE;
	return map;
}

static uint32_t partner(const struct table *table, const struct probe *old,
			const struct probe *fresh, const uint32_t *to)
{
	uint32_t found;

	for (size_t step = 0; table_next(table, fresh->key, &step, &found);)
		if (to[found] == MERGE_NONE &&
		    !endpoint_compare(&old[found].target, &fresh->target))
			return found;
	return MERGE_NONE;
}

int merge_probes(const struct probe *old, size_t old_count, const struct probe *fresh,
		 size_t fresh_count, struct arena *arena, struct merge *out)
{
	struct merge merge = {.from = map_none(arena, fresh_count),
			      .to = map_none(arena, old_count)};
	struct table table;

	if (!merge.from || !merge.to || index_keys(&table, arena, old, old_count))
		return -ENOMEM;
	for (size_t i = 0; i < fresh_count; i++) {
		uint32_t found = partner(&table, old, &fresh[i], merge.to);

		if (found == MERGE_NONE)
			continue;
		merge.from[i] = found;
		merge.to[found] = (uint32_t)i;
		merge.kept++;
	}
	merge.added = fresh_count - merge.kept;
	merge.removed = old_count - merge.kept;
	*out = merge;
	return 0;
}
