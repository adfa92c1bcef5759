/* Building JSON of what the control worker knows. When memory is out an object or array under construction becomes
 * NULL and stays so, so nobody checks in between. */
#ifndef LBHA_DAEMON_CONTROL_JSON_H
#define LBHA_DAEMON_CONTROL_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "base/addr.h"
#include "base/nstime.h"

#define NOT_REPORTED "not reported yet"

/* Any text as a JSON string: what is not UTF-8 or would steer a terminal becomes '?'; NULL becomes
 * null. */
json_t *status_text(const char *text);
/* A point of our clock as wall time (`wall`: clock_wall_offset()); points at or before the machine's start mean
 * never: null. */
json_t *status_time(nstime point, nstime wall);
json_t *status_number(uint64_t value);
/* null without a family. */
json_t *status_address(const struct addr *address);
json_t *status_endpoint(const struct endpoint *endpoint);

/* Appends to an array under construction, which is returned. */
json_t *status_append(json_t *array, json_t *item);
/* Adds a member to an object under construction. */
void status_put(json_t **object, const char *key, json_t *value);

#endif
