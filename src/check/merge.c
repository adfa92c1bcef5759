/* One index over the old keys, one pass over the new probes, most of which stand as they stood. */
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

static bool is_free(const struct probe *old, const struct probe *fresh, const uint32_t *to,
		    uint32_t at)
{
	return to[at] == MERGE_NONE && old[at].key == fresh->key &&
	       !endpoint_compare(&old[at].target, &fresh->target);
}

/* `likely`: behind the one that was found last. */
static uint32_t partner(const struct table *table, const struct probe *old, size_t old_count,
			const struct probe *fresh, const uint32_t *to, size_t likely)
{
	uint32_t found;

	if (likely < old_count && is_free(old, fresh, to, (uint32_t)likely))
		return (uint32_t)likely;
	for (size_t step = 0; table_next(table, fresh->key, &step, &found);)
		if (is_free(old, fresh, to, found))
			return found;
	return MERGE_NONE;
}

int merge_probes(const struct probe *old, size_t old_count, const struct probe *fresh,
		 size_t fresh_count, struct arena *arena, struct merge *out)
{
	struct merge merge = {.from = map_none(arena, fresh_count),
			      .to = map_none(arena, old_count)};
	struct table table;
	size_t likely = 0;

	if (!merge.from || !merge.to || index_keys(&table, arena, old, old_count))
		return -ENOMEM;
	for (size_t i = 0; i < fresh_count; i++) {
		uint32_t found = partner(&table, old, old_count, &fresh[i], merge.to, likely);

		if (found == MERGE_NONE)
			continue;
		merge.from[i] = found;
		merge.to[found] = (uint32_t)i;
		merge.kept++;
		likely = (size_t)found + 1;
	}
	merge.added = fresh_count - merge.kept;
	merge.removed = old_count - merge.kept;
	*out = merge;
	return 0;
}
