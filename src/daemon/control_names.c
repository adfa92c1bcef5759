/* See the header. */
#include "daemon/control_names.h"

#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"

static json_t *instances_json(const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; model && i < model->instance_count; i++)
		array = status_append(array, status_text(model->instances[i].name));
	return array;
}

static json_t *service_json(const struct service *service)
{
	json_t *object = json_object(), *servers = json_array();

	for (size_t i = 0; i < service->real_server_count; i++)
		servers = status_append(servers, status_text(service->real_servers[i].name));
	status_put(&object, "name", status_text(service->name));
	status_put(&object, "servers", servers);
	return object;
}

static json_t *services_json(const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; model && i < model->service_count; i++)
		array = status_append(array, service_json(&model->services[i]));
	return array;
}

/* Those that trackers probe: they have a target of their own. */
static json_t *checks_json(const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; model && i < model->check_count; i++)
		if (model->checks[i].name)
			array = status_append(array, status_text(model->checks[i].name));
	return array;
}

char *names_answer(const struct mirror *mirror)
{
	json_t *object = json_object();

	status_put(&object, "instances", instances_json(mirror->model));
	status_put(&object, "services", services_json(mirror->model));
	status_put(&object, "checks", checks_json(mirror->model));
	return control_answer(object);
}
