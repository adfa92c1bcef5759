/* What operators said as JSON (control_status.h), beside what is configured. */
#include "daemon/control_status.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"

static const struct real_server *server_of(const struct model *model, const char *object)
{
	for (size_t s = 0; model && s < model->service_count; s++) {
		const struct service *service = &model->services[s];
		const char *name = override_server(object, service->name);

		for (size_t i = 0; name && i < service->real_server_count; i++)
			if (!strcmp(service->real_servers[i].name, name))
				return &service->real_servers[i];
	}
	return NULL;
}

static const struct instance *instance_of(const struct model *model, const char *object)
{
	for (size_t i = 0; model && i < model->instance_count; i++)
		if (!strcmp(model->instances[i].name, object))
			return &model->instances[i];
	return NULL;
}

static json_t *value_of_server(const struct real_server *server, enum override_kind kind)
{
	char weight[OVERRIDE_VALUE];

	if (!server)
		return json_null();
	snprintf(weight, sizeof(weight), "%u", server->weight);
	return json_string(kind == OVERRIDE_STATE ? admin_state_name(server->state) : weight);
}

/* In the shape of an override's value; null: its object is not configured. */
static json_t *configured_json(const struct model *model, const struct override *override)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	const struct instance *instance;
	char priority[OVERRIDE_VALUE];

	switch (override->kind) {
	case OVERRIDE_PRIORITY:
		instance = instance_of(model, override->object);
		if (!instance)
			return json_null();
		snprintf(priority, sizeof(priority), "%u", instance->priority);
		return json_string(priority);
	case OVERRIDE_STATE:
	case OVERRIDE_WEIGHT:
		return value_of_server(server_of(model, override->object), override->kind);
	case OVERRIDE_LOG:
		return json_string(model ? levels[model->global.log.level % COUNT_OF(levels)] : "info");
	case OVERRIDE_MAINTENANCE:
	case OVERRIDE_KINDS:
		break;
	}
	return json_string("off");
}

json_t *status_override_json(const struct model *model, const struct override *override)
{
	json_t *object = json_object(), *configured = configured_json(model, override);
	bool is_configured = !json_is_null(configured);

	status_put(&object, "object", status_text(override->object));
	status_put(&object, "kind", json_string(override_kind_name(override->kind)));
	status_put(&object, "value", status_text(override->value));
	status_put(&object, "by", status_text(override->by));
	status_put(&object, "comment", status_text(override->comment));
	status_put(&object, "since", status_time(override->since, 0));
	status_put(&object, "until", status_time(override->until, 0));
	status_put(&object, "configured", json_boolean(is_configured));
	status_put(&object, "configured_value", configured);
	status_put(&object, "deadline", status_time(override->deadline, 0));
	return object;
}

json_t *status_overrides_json(const struct mirror *mirror)
{
	json_t *array = json_array();

	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *override = override_mirror_row(&mirror->overrides, i);

		if (override)
			array = status_append(array, status_override_json(mirror->model, override));
	}
	return array;
}
