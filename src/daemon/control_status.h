/* Status as JSON, in the shapes of interface.md section 3: a function of the mirror and two clock
 * readings, nothing else. Facts that have not come yet show as INIT, unknown or down with the
 * reason "not reported yet". Times are RFC 3339 in UTC with milliseconds, null for never. */
#ifndef LBHA_DAEMON_CONTROL_STATUS_H
#define LBHA_DAEMON_CONTROL_STATUS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/nstime.h"

struct mirror;
struct model;
struct override;

/* Everything (as it is `now`), or one array of it; the caller owns the result. `wall` is
 * clock_wall_offset(). NULL when out of memory. */
json_t *status_json(const struct mirror *mirror, nstime now, nstime wall);
json_t *status_vrrp_json(const struct mirror *mirror, nstime wall);
/* `name`: of that service alone; NULL: of all. */
json_t *status_services_json(const struct mirror *mirror, const char *name, nstime wall);
json_t *status_service_json(const struct mirror *mirror, size_t index, nstime wall);
/* Everything but the services. */
json_t *status_rest_json(const struct mirror *mirror, nstime now, nstime wall);
json_t *status_overrides_json(const struct mirror *mirror);
/* Its times are wall time already. */
json_t *status_override_json(const struct model *model, const struct override *override);
/* Whether an operator has said so. */
bool status_in_maintenance(const struct mirror *mirror);

#endif
