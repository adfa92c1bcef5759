/* A chain of causes as JSON: an array from the roots to the effect, empty when there is nothing to explain. */
#ifndef LBHA_DAEMON_CONTROL_CAUSE_H
#define LBHA_DAEMON_CONTROL_CAUSE_H

#include <jansson.h>

#include "base/nstime.h"
#include "daemon/cause.h"

/* `wall` is clock_wall_offset(). */
json_t *cause_json(const struct cause *cause, nstime wall);

#endif
