/* See the header. */
#include "daemon/control_json.h"

#include <string.h>

#include "base/text.h"
#include "base/walltime.h"

json_t *status_text(const char *text)
{
	char clean[1024];
	struct text out = text_of(clean, sizeof(clean));

	if (!text)
		return json_null();
	text_add_clean(&out, text, strlen(text));
	return json_string(clean);
}

json_t *status_time(nstime point, nstime wall)
{
	char out[WALLTIME_TEXT];

	if (point <= 0)
		return json_null();
	return json_string(walltime_format(nstime_after(point, wall), out));
}

json_t *status_number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *status_address(const struct addr *address)
{
	char out[ADDR_TEXT];

	return address->family ? json_string(addr_format(address, out)) : json_null();
}

json_t *status_endpoint(const struct endpoint *endpoint)
{
	char out[ENDPOINT_TEXT];

	return endpoint->address.family ? json_string(endpoint_format(endpoint, out)) : json_null();
}

json_t *status_append(json_t *array, json_t *item)
{
	if (array && !json_array_append_new(array, item))
		return array;
	if (!array)
		json_decref(item);
	json_decref(array);
	return NULL;
}

void status_put(json_t **object, const char *key, json_t *value)
{
	if (!*object) {
		json_decref(value);
	} else if (json_object_set_new(*object, key, value)) {
		json_decref(*object);
		*object = NULL;
	}
}
