/* `traffic`: what goes through services and servers, for somebody who looks again and again: less
 * than `services`, and with the time at which the kernel's counters were read. */
#ifndef LBHA_DAEMON_CONTROL_LIVE_H
#define LBHA_DAEMON_CONTROL_LIVE_H

#include <jansson.h>

#include "base/nstime.h"

struct mirror;

/* {"time","monotonic_ms"}: when the kernel was read; and one of the services. The caller's. `wall` is
 * clock_wall_offset(). */
json_t *live_time_json(const struct mirror *mirror, nstime wall);
json_t *live_service_json(const struct mirror *mirror, size_t service, nstime wall);

#endif
