/* Connection synchronisation as every director has it: the kernel's name of its interface, and the
 * instance that it follows. What the other directors lack is reported, too. */
#include <string.h>

#include "base/arena.h"
#include "config/build.h"

#define BOTH "both" /* a word of `follow`, and so no instance that could be followed */

/* Where global.ipvs.sync stands; NULL: nowhere. */
static const struct origin *sync_origin(struct build *build)
{
	struct origin *ipvs =
		build->global_origins
			? origin_inner(origin_of(&schema_global, build->global_origins, "ipvs"), 0)
			: NULL;
	const struct origin *sync = ipvs ? origin_of(&schema_ipvs, ipvs, "sync") : NULL;

	return sync && sync->value ? sync : NULL;
}

static struct origin place_of(struct build *build, const struct origin *sync, const char *key)
{
	return list_item_key(build, &schema_conn_sync, sync, sync, 0, key);
}

static void resolve_interface(struct build *build, const struct origin *origin,
			      struct ipvs_sync *model)
{
	struct origin at = place_of(build, origin, "interface");
	const char *written = model->interface;

	if (!written)
		return;
	for (size_t d = 0; d < build->director_count; d++) {
		const char *name = build_interface(build, &build->directors[d], written, &at);

		if (&build->directors[d] == build->self)
			model->interface = name;
	}
}

static const char *instance_name(const void *ctx, size_t index)
{
	const struct build *build = ctx;

	return index < build->instance_count ? build->instances[index].model.name : NULL;
}

/* Who comes back knows none of the connections that were made meanwhile, until their packets have
 * had the other director tell it. */
static void warn_preempt(struct build *build, const struct origin *at, const struct instance *model)
{
	if (build->director_count < 2 || !model->preempt || model->preempt_delay)
		return;
	node_warning(build->reader.diagnostics, at->value, at->path,
		     "\"%s\" preempts at once: a director that comes back is MASTER before it has "
		     "heard of the connections; give the instance a preempt_delay, or preempt: false",
		     model->name);
}

static void resolve_follow(struct build *build, const struct origin *origin,
			   struct ipvs_sync *model)
{
	struct origin at = place_of(build, origin, "follow");

	if (model->follow && !strcmp(model->follow, BOTH))
		model->follow = NULL;
	if (!model->follow)
		return;
	for (uint32_t i = 0; i < build->instance_count; i++) {
		const struct instance *instance = &build->instances[i].model;

		if (!instance->name || strcmp(instance->name, model->follow) != 0)
			continue;
		model->instance = i;
		warn_preempt(build, &at, instance);
		return;
	}
	build_no_such(build, "instance", model->follow, at.value, at.path, instance_name, build);
}

void build_conn_sync(struct build *build)
{
	const struct origin *origin = sync_origin(build);
	struct ipvs_global *ipvs = &build->model->global.ipvs;

	if (!origin || !ipvs->sync_count || arena_failed(build->arena))
		return;
	if (ipvs->sync_count > 1) {
		struct origin second = list_item(build, origin, origin, 1);

		node_error(build->reader.diagnostics, second.value, second.path,
			   "there is one synchronisation of connections, not more");
		return;
	}
	resolve_interface(build, origin, &ipvs->sync[0]);
	resolve_follow(build, origin, &ipvs->sync[0]);
}
