/* See the header. */
#include "config/search.h"

#include <errno.h>

struct probe_search probe_search_of(struct arena *arena, const struct model *old)
{
	return (struct probe_search){
		.old = old->probes, .count = old->probe_count, .arena = arena};
}

static int make_index(struct probe_search *search)
{
	int error = table_init(&search->index, search->arena, search->count);

	for (size_t p = 0; p < search->count && !error; p++)
		error = table_add(&search->index, search->old[p].key, (uint32_t)p);
	search->is_indexed = !error;
	return error;
}

int probe_search(struct probe_search *search, uint64_t key, uint32_t *out)
{
	size_t step = 0;

	*out = (uint32_t)search->next;
	if (search->next < search->count && search->old[search->next].key == key) {
		search->next++;
		return 0;
	}
	if (!search->is_indexed && make_index(search))
		return -ENOMEM;
	if (!table_next(&search->index, key, &step, out))
		return -ENOENT;
	search->next = (size_t)*out + 1;
	return 0;
}
