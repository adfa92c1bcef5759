/* Notify scripts: what each must be, wherever it is named, and the list of all for the supervisor. What is at the
 * path is judged when it runs (daemon/trusted_path.h): a file may come and go while its configuration stays. */
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "config/build.h"
#include "config/notify.h"
#include "config/users.h"

/* The lists of one kind of object. */
struct listed {
	const struct schema_record *record;
	struct origin *origins; /* of the object's rows; NULL: it was not read */
	const struct origin *self;
	struct notify *notify;
	size_t count;
};

static struct origin place(struct build *build, const struct listed *listed, size_t number, const char *key)
{
	return list_item_key(build, &schema_notify, origin_of(listed->record, listed->origins, "notify"), listed->self,
			     number, key);
}

static void judge_path(struct build *build, const struct listed *listed, size_t number)
{
	const struct notify *notify = &listed->notify[number];
	const char *path = notify->script[0];
	struct origin at = place(build, listed, number, "script");

	if (path[0] != '/')
		origin_report(&build->reader, SEVERITY_ERROR, &at, listed->self,
			      "\"%s\" is no absolute path of a program (there is no shell)", path);
	else if (notify->script_count == 1 && strchr(path, ' '))
		origin_report(&build->reader, SEVERITY_WARNING, &at, listed->self,
			      "is the path of one program with blanks in it; arguments are items of a list: "
			      "{script: [/path, first, second]}");
}

static void judge(struct build *build, const struct listed *listed, size_t number)
{
	const struct notify *notify = &listed->notify[number];
	struct origin at;

	if (!notify->script_count || !notify->script[0])
		return; /* said already */
	judge_path(build, listed, number);
	if (!notify->user || !users_of_worker(&build->model->global.users, notify->user))
		return;
	at = place(build, listed, number, "user");
	origin_report(&build->reader, SEVERITY_ERROR, &at, listed->self,
		      "\"%s\" is a user of lbhad itself: give the script one of its own", notify->user);
}

static void judge_list(struct build *build, const struct listed *listed)
{
	for (size_t i = 0; listed->origins && i < listed->count; i++)
		judge(build, listed, i);
}

/* ---- the list of all ------------------------------------------------------------------------ */

/* Named twice it is one script all the same; the longer timeout is for both. */
static void collect(struct build *build, struct notify_search *search, const struct notify *list, size_t count)
{
	struct model *model = build->model;

	for (size_t i = 0; i < count; i++) {
		struct notify *known = (struct notify *)(uintptr_t)notify_search(search, notify_key(&list[i]));
		struct notify *added;

		if (known) {
			if (known->timeout < list[i].timeout)
				known->timeout = list[i].timeout;
			continue;
		}
		added = arena_push(build->arena, &model->notifies, &model->notifies_count, sizeof(*added));
		if (!added)
			return; /* the arena remembers */
		*added = list[i];
		notify_search_add(search);
	}
}

static void collect_all(struct build *build)
{
	const struct model *model = build->model;
	struct notify_search search;

	if (notify_search_init(&search, build->arena, model))
		return; /* the arena remembers */
	collect(build, &search, model->global.notify, model->global.notify_count);
	for (size_t i = 0; i < model->instance_count; i++)
		collect(build, &search, model->instances[i].notify, model->instances[i].notify_count);
	for (size_t i = 0; i < model->sync_group_count; i++)
		collect(build, &search, model->sync_groups[i].notify, model->sync_groups[i].notify_count);
	for (size_t i = 0; i < model->service_count; i++)
		collect(build, &search, model->services[i].notify, model->services[i].notify_count);
}

void build_notifies(struct build *build)
{
	const struct global *global = &build->model->global;
	size_t directors = build->director_count ? build->director_count : 1;
	const struct origin nowhere = {0};

	judge_list(build, &(struct listed){&schema_global, build->global_origins, &nowhere, global->notify,
					   global->notify_count});
	for (size_t i = 0; i < build->instance_count * directors; i++) {
		const struct build_instance *one = &build->instances[i];

		judge_list(build, &(struct listed){&schema_instance, one->origins, &one->self, one->model.notify,
						   one->model.notify_count});
	}
	for (size_t i = 0; i < build->group_count * directors; i++) {
		const struct build_group *one = &build->groups[i];

		judge_list(build, &(struct listed){&schema_sync_group, one->origins, &one->self, one->model.notify,
						   one->model.notify_count});
	}
	for (size_t i = 0; i < build->service_count; i++) {
		const struct build_service *one = &build->services[i];

		judge_list(build, &(struct listed){&schema_service, one->origins, &one->self, one->model->notify,
						   one->model->notify_count});
	}
	if (!build->reader.diagnostics->errors)
		collect_all(build);
}
