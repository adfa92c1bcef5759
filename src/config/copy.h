/* A deep copy of an object of the model, by the tables of config/schema.h: for workers that keep an
 * object longer than the generation that it came with. */
#ifndef LBHA_CONFIG_COPY_H
#define LBHA_CONFIG_COPY_H

#include "config/model.h"

struct arena;

/* All values and lists but the description, in the arena. -ENOMEM: *to is not to be used. */
int instance_copy(struct arena *arena, const struct instance *from, struct instance *to);
int sync_group_copy(struct arena *arena, const struct sync_group *from, struct sync_group *to);

#endif
