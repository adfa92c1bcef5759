/* See the header. keepalived.conf is made from the model alone. The IPVS table is made from the model and from what the ipvs worker says of each
 * server: whether it is in the table, and with which weight. */
#include "daemon/control_export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_export.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"
#include "ipvs/desired.h"
#include "ipvs/rules.h"

static struct ipvs_want want_of(const struct mirror_server *seen)
{
	if (!seen->known || !seen->fact.in_table)
		return (struct ipvs_want){IPVS_ABSENT, 0};
	return (struct ipvs_want){IPVS_PRESENT, seen->fact.effective_weight,
				  seen->fact.told.parts & ADVICE_MAXCONN, seen->fact.told.maxconn};
}

static int make_service(struct arena *arena, const struct mirror *mirror,
			const struct ipvs_layout *layout, size_t v, struct ipvs_service *out)
{
	uint32_t s = layout->virtuals[v].service;
	size_t count = service_server_count(&mirror->model->services[s]);
	struct ipvs_want *wants = arena_array(arena, count + 1, sizeof(*wants));
	struct ipvs_dest *dests = arena_array(arena, count + 1, sizeof(*dests));

	if (!wants || !dests)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		wants[i] = want_of(&mirror->services[s].servers[i]);
	ipvs_desired_service(layout, v, wants, NULL, dests, out);
	return 0;
}

static int make_table(struct arena *arena, const struct mirror *mirror, struct ipvs_table *out,
		      struct text *why)
{
	struct ipvs_layout layout;
	int error = ipvs_layout_build(arena, mirror->model, &layout, why);

	if (error)
		return error;
	out->count = 0;
	out->services = arena_array(arena, layout.count, sizeof(*out->services));
	if (!out->services)
		return -ENOMEM;
	for (size_t v = 0; v < layout.count && !error; v++) {
		const struct mirror_service *service =
			&mirror->services[layout.virtuals[v].service];

		/* while its instance is not MASTER it is not in the kernel */
		if (service->known && !service->fact.programmed)
			continue;
		error = make_service(arena, mirror, &layout, v, &out->services[out->count++]);
	}
	return error;
}

static void write_line(void *ctx, const char *text)
{
	FILE *out = ctx;

	fprintf(out, "%s\n", text);
}

static int write_table(struct arena *arena, const struct mirror *mirror, struct text *why, FILE *out)
{
	struct ipvs_table table = {0};
	int error = make_table(arena, mirror, &table, why);

	return error ? error : ipvs_rules_write(arena, &table, write_line, out);
}

char *export_answer(const struct mirror *mirror, const char *format)
{
	auto_arena *arena = arena_new(0);
	char reason[CONTROL_ERROR] = "", *text = NULL, *answer;
	struct text why = text_of(reason, sizeof(reason));
	size_t size;
	FILE *out;
	int error;

	if (!mirror->model)
		return control_refusal("no configuration is loaded yet", NULL);
	out = open_memstream(&text, &size);
	error = arena && out ? 0 : -ENOMEM;
	if (!error && !strcmp(format, "keepalived"))
		ka_export(mirror->model, write_line, out);
	else if (!error)
		error = write_table(arena, mirror, &why, out);
	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (error)
		answer = control_refusal(reason[0] ? reason : strerror(-error), NULL);
	else
		answer = control_answer(json_pack("{s:s, s:s}", "format", format, "text", text));
	free(text);
	return answer;
}
