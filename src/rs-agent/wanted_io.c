/* The configuration is compiled for no node: a real server needs the services, not what differs
 * between directors. A file with errors is refused as a whole, as by lbhad; warnings are for lbhad
 * --check. */
#include "rs-agent/wanted_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/diagnostics.h"
#include "config/files_io.h"
#include "rs-agent/report_io.h"

static void print_diagnostic(void *ctx, const char *line)
{
	report_diagnostic(ctx, line);
}

static const struct model *compile(struct arena *arena, const char *file, const char *bytes,
				   size_t size, struct diagnostics *diagnostics)
{
	struct config_folder *folder = arena_alloc(arena, sizeof(*folder));
	struct config_files files;
	struct config_tree *tree;

	if (!folder || config_folder_of(folder, file))
		return NULL;
	files = config_files_plain(folder);
	files.file = NULL; /* secrets and certificates are for directors alone, and may not even be on this host */
	tree = config_load(arena, &files, file, bytes, size, diagnostics);
	return tree ? config_compile(arena, tree, NULL, 1, diagnostics) : NULL;
}

static const struct model *model_read(struct arena *arena, const char *file, struct report *report)
{
	char why[CONFIG_WHY], *bytes = NULL;
	struct diagnostics diagnostics;
	const struct model *model;
	size_t size;

	if (config_file_read(file, &bytes, &size, why)) {
		report_error(report, "%s", why);
		return NULL;
	}
	diagnostics_init(&diagnostics, arena);
	model = compile(arena, file, bytes, size, &diagnostics);
	free(bytes);
	if (!model && arena_failed(arena))
		report_error(report, "out of memory");
	else if (!model)
		diagnostics_print(&diagnostics, print_diagnostic, report);
	return model;
}

static const char *service_name(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	return index < model->service_count ? model->services[index].name : NULL;
}

static bool service_exists(const struct model *model, const char *service)
{
	for (size_t i = 0; i < model->service_count; i++)
		if (!strcmp(model->services[i].name, service))
			return true;
	return false;
}

static void refuse_service(const struct model *model, const char *file, const char *service,
			  struct report *report)
{
	const char *near = text_nearest(service, service_name, model);

	if (near)
		report_error(report, "%s has no service \"%s\"; did you mean \"%s\"?", file,
			     service, near);
	else
		report_error(report, "%s has no service \"%s\"", file, service);
}

static void note_other(struct report *report, const struct rs_other_service *service)
{
	switch (service->forwarding) {
	case FORWARDING_NAT:
		report_note(report,
			    "service %s reaches this host by nat and names no gateway: its answers "
			    "must leave through the director, which is not seen to here",
			    service->name);
		return;
	case FORWARDING_FULLNAT:
	case FORWARDING_LOCAL:
		report_note(report, "service %s needs nothing of this host", service->name);
		return;
	case FORWARDING_DR:
	case FORWARDING_TUNNEL:
		return;
	}
}

const struct model *wanted_model(struct arena *arena, const char *file, const char *service,
				 struct report *report)
{
	const struct model *model = model_read(arena, file, report);

	if (model && service && !service_exists(model, service)) {
		refuse_service(model, file, service, report);
		return NULL;
	}
	return model;
}

int wanted_read(struct arena *arena, const char *file, const char *service,
		const struct address_list *own, struct report *report, struct rs_wishes *out,
		bool *serves)
{
	const struct model *model = wanted_model(arena, file, service, report);
	struct rs_other other;
	int err;

	if (!model)
		return -EINVAL;
	err = rs_wishes_of_model(arena, model, service, own, out, &other);
	if (err) {
		report_error(report, "out of memory");
		return err;
	}
	for (size_t i = 0; i < other.count; i++)
		note_other(report, &other.services[i]);
	*serves = out->count || other.count;
	return 0;
}
