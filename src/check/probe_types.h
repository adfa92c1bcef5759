/* Which probes a check is made by. */
#ifndef LBHA_CHECK_PROBE_TYPES_H
#define LBHA_CHECK_PROBE_TYPES_H

#include <stdbool.h>

#include "config/model.h"

struct probe_type;

/* By the type of a check, whatever else it says. */
const struct probe_type *probe_type_named(enum check_type type);

/* With all that it says: tcp and dns may be talks. */
const struct probe_type *probe_type_of(const struct check *check);

/* Whether its outcomes may have words made for the one server, beyond what reason, errno and status tell. */
bool probe_type_has_words(const struct check *check);

#endif
