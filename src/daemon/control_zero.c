/* See the header. */
#include "daemon/control_zero.h"

#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"

static const char *name_at(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	return model && index < model->service_count ? model->services[index].name : NULL;
}

static char *unknown_service(const struct model *model, const char *name)
{
	char error[CONTROL_ERROR];
	struct text out = text_of(error, sizeof(error));
	const char *near = text_nearest(name, name_at, model);

	text_add(&out, "no service is called \"");
	text_add_clean(&out, name, strlen(name));
	if (near)
		text_add(&out, "\"; did you mean \"%s\"?", near);
	else
		text_add(&out, model && model->service_count ? "\"" : "\": this node has none");
	return control_refusal(error, NULL);
}

static void zero_service(struct mirror *mirror, size_t s, nstime now)
{
	struct mirror_service *service = &mirror->services[s];

	traffic_zero(&service->traffic, now);
	for (size_t i = 0; i < service_server_count(&mirror->model->services[s]); i++)
		traffic_zero(&service->servers[i].traffic, now);
}

char *zero_answer(struct mirror *mirror, const char *service, nstime now)
{
	const struct model *model = mirror->model;
	json_t *zeroed = json_array();

	for (size_t s = 0; model && s < model->service_count; s++) {
		if (*service && strcmp(model->services[s].name, service) != 0)
			continue;
		zero_service(mirror, s, now);
		json_array_append_new(zeroed, status_text(model->services[s].name));
	}
	if (!*service || json_array_size(zeroed))
		return control_answer(json_pack("{s:o}", "zeroed", zeroed));
	json_decref(zeroed);
	return unknown_service(model, service);
}
