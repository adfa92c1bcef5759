/* Notify scripts: what makes one the same as another, also in another generation and another process. */
#ifndef LBHA_CONFIG_NOTIFY_H
#define LBHA_CONFIG_NOTIFY_H

#include <stdint.h>

#include "base/table.h"

struct model;
struct notify;

/* Of its path, arguments and user: the control worker names a script so, the supervisor has it in its own model, and
 * what was told to it is known again after a reload. Never 0. */
uint64_t notify_key(const struct notify *notify);

/* All scripts of a model (struct model.notifies) by their keys, each of which is worked out once. */
struct notify_search {
	const struct model *model;
	struct table index;
};

/* Of those that are in the model, which outlives it, with memory of `arena`. -ENOMEM: nothing is found. */
int notify_search_init(struct notify_search *search, struct arena *arena, const struct model *model);
/* The last of the model's is new. -ENOMEM. */
int notify_search_add(struct notify_search *search);
/* NULL: none is configured. */
const struct notify *notify_search(const struct notify_search *search, uint64_t key);

#endif
