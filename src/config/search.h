/* Probes of an old model by their keys. Most stand in a new one as they stood, one behind the other,
 * so the next is tried first; an index is made when that fails for the first time. */
#ifndef LBHA_CONFIG_SEARCH_H
#define LBHA_CONFIG_SEARCH_H

#include "base/table.h"
#include "config/model.h"

struct probe_search {
	const struct probe *old;
	size_t count;
	struct arena *arena; /* of the index */
	struct table index;
	size_t next;         /* behind the one that was found last */
	bool is_indexed;
};

struct probe_search probe_search_of(struct arena *arena, const struct model *old);

/* The index of the old probe with this key into *out. -ENOENT, -ENOMEM. */
int probe_search(struct probe_search *search, uint64_t key, uint32_t *out);

#endif
