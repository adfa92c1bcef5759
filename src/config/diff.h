/* What stayed the same over a reload, by the tables of config/schema.h: so that what did not change
 * keeps its timers, counters, verdicts and connections. Descriptions never count, nor do indices
 * (they number another generation). */
#ifndef LBHA_CONFIG_DIFF_H
#define LBHA_CONFIG_DIFF_H

#include <stdbool.h>

#include "config/model.h"

/* All that an instance does: every value but the description. Its group and the probes of its
 * trackers are compared where they live. */
bool instance_equal(const struct instance *a, const struct instance *b);

/* All that decides what a probe does and how it is judged: every value but name and description. */
bool check_equal(const struct check *a, const struct check *b);

/* The service's own values; its real servers are compared one by one with real_server_equal(). */
bool service_equal(const struct service *a, const struct service *b);

/* Name, address, weight and forwarding; not the numbers of its probes (compare probe.key for
 * these). */
bool real_server_equal(const struct real_server *a, const struct real_server *b);

bool global_equal(const struct global *a, const struct global *b);

/* Two whole models, descriptions and indices included; only the generation may differ, and secrets,
 * which one of them may not have. */
bool model_equal(const struct model *a, const struct model *b);

#endif
