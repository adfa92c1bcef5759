/* See the header. */
#include "daemon/control_cause.h"

#include "daemon/control_json.h"

static json_t *link_json(const struct cause_link *link, nstime wall)
{
	json_t *object = json_object();
	bool leads = link->leads_to != CAUSE_NONE;

	status_put(&object, "kind", json_string(cause_kind_name(link->kind)));
	status_put(&object, "object", status_text(link->object));
	status_put(&object, "state", status_text(link->state));
	status_put(&object, "since", status_time(link->since, link->is_wall ? 0 : wall));
	status_put(&object, "reason", status_text(link->reason));
	if (link->kind == CAUSE_SERVER)
		status_put(&object, "address", status_address(&link->address.address));
	status_put(&object, "leads_to", leads ? status_number(link->leads_to) : json_null());
	return object;
}

json_t *cause_json(const struct cause *cause, nstime wall)
{
	json_t *array = json_array();

	for (size_t i = 0; i < cause->count; i++)
		array = status_append(array, link_json(&cause->links[i], wall));
	return array;
}
