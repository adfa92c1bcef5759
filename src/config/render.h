/* The effective configuration of a node as YAML, by the tables of config/schema.h: every value that
 * is in force, defaults and overrides resolved, pools expanded. lbha reads it back to an equal
 * model (for the same node). */
#ifndef LBHA_CONFIG_RENDER_H
#define LBHA_CONFIG_RENDER_H

#include "config/model.h"

struct arena;

/* Gives each line (without newline) in order. `scratch` is for texts under way. -ENOMEM. */
int config_render(const struct model *model, struct arena *scratch,
		  void (*line)(void *ctx, const char *text), void *ctx);

#endif
