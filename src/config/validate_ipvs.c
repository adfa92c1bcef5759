/* What the kernel's IPVS can make of one service. Names of schedulers are the kernel's to judge,
 * since modules may bring new ones; what a known one cannot do is an error here, at the place where
 * it was asked for. */
#include <string.h>

#include "base/text.h"
#include "config/build.h"
#include "config/scheduler.h"

/* An unknown name is often a slip. */
static void warn_name(struct build *build, struct build_service *service, const char *key,
		      const char *what, const char *name,
		      const char *(*next)(const void *ctx, size_t index))
{
	const struct origin *origin = service_place(service, key);
	const char *nearest = text_nearest(name, next, NULL);

	origin_report(&build->reader, SEVERITY_WARNING, origin, origin,
		      "\"%s\" is no %s that lbha knows; the kernel will judge%s%s%s", name, what,
		      nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		      nearest ? "\"?" : "");
}

/* The words of a set of flags: "sh-fallback, sh-port". */
static void add_flags(struct text *out, uint32_t flags)
{
	const struct schema_field *field = schema_find(&schema_service, "flags");
	const char *before = "";

	for (const struct schema_word *word = field->words; word->text; word++) {
		if (!(flags & word->value))
			continue;
		text_add(out, "%s%s", before, word->text);
		before = ", ";
	}
}

static bool flags_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *origin = service_place(service, "flags");
	uint32_t has = scheduler_flags_of(model->scheduler), odd = model->scheduler_flags & ~has;
	char wrong[64], right[64];
	struct text wrong_text = text_of(wrong, sizeof(wrong));
	struct text right_text = text_of(right, sizeof(right));

	if (!odd)
		return true;
	add_flags(&wrong_text, odd);
	add_flags(&right_text, has);
	origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
		      "scheduler %s does not have %s (its flags: %s)", model->scheduler, wrong,
		      has ? right : "none");
	return false;
}

bool validate_ipvs(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;

	if (!model->scheduler)
		return false;
	if (!scheduler_is_known(model->scheduler))
		warn_name(build, service, "scheduler", "scheduler", model->scheduler,
			  scheduler_next);
	return flags_fit(build, service);
}
