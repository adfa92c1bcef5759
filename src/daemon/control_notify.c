/* See the header. */
#include "daemon/control_notify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/notify.h"
#include "core/channel.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/worker.h"
#include "daemon/control_mirror.h"
#include "daemon/events.h"
#include "daemon/notice.h"

#define AT_A_TIME 200 /* objects */
#define PAUSE (2 * NSTIME_MS)

/* Scripts of one object, or of all. */
struct listeners {
	const struct notify *scripts;
	size_t count;
};

/* Where telling how all is has come to: objects of the model one after the other. */
enum stage {
	STAGE_INSTANCES,
	STAGE_GROUPS,
	STAGE_SERVICES,
	STAGE_END,
};

struct control_notify {
	struct worker *worker;
	const struct mirror *mirror;
	struct arena *arena;
	struct table instances, groups, services; /* by name; those with scripts */
	bool has_listeners;
	enum stage stage;
	size_t object, part; /* part: 0 the object itself, then its trackers or servers */
	uint64_t number;
	struct loop_timer timer;
	struct log_bucket too_long;
};

/* ---- who listens -------------------------------------------------------------------------------------------------- */

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

static void index_all(struct control_notify *notify)
{
	const struct model *model = notify->mirror->model;
	struct arena *arena = notify->arena;

	notify->has_listeners = model->global.notify_count > 0;
	if (!arena || table_init(&notify->instances, arena, model->instance_count) ||
	    table_init(&notify->groups, arena, model->sync_group_count) ||
	    table_init(&notify->services, arena, model->service_count)) {
		log_error("no memory to know whom to notify");
		return;
	}
	for (uint32_t i = 0; i < model->instance_count; i++) {
		table_add(&notify->instances, name_hash(model->instances[i].name), i);
		notify->has_listeners |= model->instances[i].notify_count > 0;
	}
	for (uint32_t i = 0; i < model->sync_group_count; i++) {
		table_add(&notify->groups, name_hash(model->sync_groups[i].name), i);
		notify->has_listeners |= model->sync_groups[i].notify_count > 0;
	}
	for (uint32_t i = 0; i < model->service_count; i++) {
		table_add(&notify->services, name_hash(model->services[i].name), i);
		notify->has_listeners |= model->services[i].notify_count > 0;
	}
}

void control_notify_model(struct control_notify *notify)
{
	arena_free(notify->arena);
	notify->arena = arena_new(0);
	notify->instances = notify->groups = notify->services = (struct table){0};
	index_all(notify);
	notify->stage = STAGE_END; /* the next SYNC begins it anew */
}

static struct listeners of_instance(const struct control_notify *notify, const char *name)
{
	const struct model *model = notify->mirror->model;
	uint32_t i;

	for (size_t step = 0; table_next(&notify->instances, name_hash(name), &step, &i);)
		if (!strcmp(model->instances[i].name, name))
			return (struct listeners){model->instances[i].notify, model->instances[i].notify_count};
	return (struct listeners){0};
}

static struct listeners of_group(const struct control_notify *notify, const char *name)
{
	const struct model *model = notify->mirror->model;
	uint32_t i;

	for (size_t step = 0; table_next(&notify->groups, name_hash(name), &step, &i);)
		if (!strcmp(model->sync_groups[i].name, name))
			return (struct listeners){model->sync_groups[i].notify, model->sync_groups[i].notify_count};
	return (struct listeners){0};
}

static struct listeners of_service(const struct control_notify *notify, const char *name)
{
	const struct model *model = notify->mirror->model;
	uint32_t i;

	for (size_t step = 0; table_next(&notify->services, name_hash(name), &step, &i);)
		if (!strcmp(model->services[i].name, name))
			return (struct listeners){model->services[i].notify, model->services[i].notify_count};
	return (struct listeners){0};
}

/* Names may hold a "/" themselves: the first part that is a service is it. */
static struct listeners of_server(const struct control_notify *notify, const char *object)
{
	char name[EVENT_OBJECT];

	for (const char *at = strchr(object, '/'); at; at = strchr(at + 1, '/')) {
		struct listeners found;

		snprintf(name, sizeof(name), "%.*s", (int)(at - object), object);
		found = of_service(notify, name);
		if (found.count)
			return found;
	}
	return (struct listeners){0};
}

static const char *more_text(const struct event *event, const char *key)
{
	for (size_t i = 0; i < EVENT_MORE && event->more[i].key; i++)
		if (!strcmp(event->more[i].key, key) && event->more[i].text)
			return event->more[i].text;
	return "";
}

static struct listeners of_override(const struct control_notify *notify, const struct event *event)
{
	struct listeners found = of_instance(notify, event->object);

	return found.count ? found : of_server(notify, event->object);
}

static struct listeners listeners_of(const struct control_notify *notify, const struct event *event)
{
	switch (event->kind) {
	case EVENT_VRRP_STATE:
	case EVENT_COMPETING_MASTER:
	case EVENT_NO_PEER_HEARD:
	case EVENT_DRIFT_REPAIRED:
	case EVENT_CONTESTED:
		return of_instance(notify, event->object);
	case EVENT_TRACKER_STATE:
		return of_instance(notify, more_text(event, "instance"));
	case EVENT_GROUP_STATE:
		return of_group(notify, event->object);
	case EVENT_SERVICE_STATE:
		return of_service(notify, event->object);
	case EVENT_SERVER_STATE:
		return of_service(notify, more_text(event, "service"));
	case EVENT_OVERRIDE:
		return of_override(notify, event);
	case EVENT_RELOAD:
	case EVENT_UPGRADE:
	case EVENT_WORKER_RESTART:
		break;
	}
	return (struct listeners){0};
}

/* ---- notices -------------------------------------------------------------------------------------------------------- */

static bool is_state(enum event_kind kind)
{
	return kind == EVENT_VRRP_STATE || kind == EVENT_GROUP_STATE || kind == EVENT_TRACKER_STATE ||
	       kind == EVENT_SERVICE_STATE || kind == EVENT_SERVER_STATE;
}

/* A script that is named for all and for the object hears it once. */
static void add_listeners(struct notice *notice, struct listeners from)
{
	for (size_t i = 0; i < from.count; i++) {
		uint64_t key = notify_key(&from.scripts[i]);
		bool known = false;

		for (unsigned j = 0; j < notice->script_count; j++)
			known |= notice->scripts[j] == key;
		if (!known && notice->script_count < NOTICE_SCRIPTS)
			notice->scripts[notice->script_count++] = key;
	}
}

/* A member's value as a variable has it; NULL: none. */
static const char *value_of(const json_t *value, char *room, size_t size)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_null(value))
		return "";
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value))
		snprintf(room, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(room, size, "%.17g", json_real_value(value));
	else
		return NULL;
	return room;
}

static unsigned members_of(json_t *object)
{
	unsigned count = 0;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
		count += !json_is_object(value) && !json_is_array(value) && strlen(name) < NOTICE_NAME;
	return count < NOTICE_MEMBERS ? count : NOTICE_MEMBERS;
}

/* False: it does not fit. */
static bool encode(struct writer *out, const struct notice *notice, json_t *object)
{
	unsigned members = members_of(object), put = 0;
	char *text = json_dumps(object, JSON_COMPACT), room[40];
	const char *name;
	json_t *value;
	bool fits = text && strlen(text) < NOTICE_JSON;

	notice_put_head(out, notice, members);
	json_object_foreach(object, name, value) {
		const char *word = strlen(name) < NOTICE_NAME ? value_of(value, room, sizeof(room)) : NULL;

		if (word && put++ < members)
			notice_put_member(out, name, word);
	}
	if (fits) {
		text[strlen(text) - 1] = '\0'; /* its last brace: the supervisor has something to add */
		notice_put_text(out, text);
	}
	free(text);
	return fits && !out->failed;
}

static void drop_members_within(json_t *object)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
		if (json_is_object(value) || json_is_array(value))
			json_object_del(object, name);
}

/* What is too long goes without the members that have members. */
static void send(struct control_notify *notify, const struct notice *notice, json_t *object)
{
	uint8_t bytes[CHANNEL_RECORD_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));
	bool fits = object && encode(&out, notice, object);
	unsigned suppressed;

	if (object && !fits) {
		drop_members_within(object);
		out = writer_of(bytes, sizeof(bytes));
		fits = encode(&out, notice, object);
	}
	if (fits)
		worker_tell(notify->worker, RECORD_NOTIFY, bytes, writer_used(&out), -1);
	else if (log_limit(&notify->too_long, clock_now(), &suppressed))
		log_warning("notify: %s of %s is too long for a script (and %u before)", notice->event, notice->object,
			    suppressed);
	json_decref(object);
}

static void tell(struct control_notify *notify, const struct event *event, uint64_t number, bool present)
{
	const struct global *global = &notify->mirror->model->global;
	struct notice notice = {.present = present};

	add_listeners(&notice, (struct listeners){global->notify, global->notify_count});
	add_listeners(&notice, listeners_of(notify, event));
	if (!notice.script_count)
		return;
	snprintf(notice.object, sizeof(notice.object), "%s", event->object);
	snprintf(notice.event, sizeof(notice.event), "%s", event_kind_name(event->kind));
	if (is_state(event->kind))
		snprintf(notice.state, sizeof(notice.state), "%.*s", NOTICE_STATE - 1, event->new);
	send(notify, &notice, events_object(event, number, clock_wall_offset()));
}

void control_notify_event(struct control_notify *notify, const struct event *event, uint64_t number)
{
	if (notify->has_listeners && notify->mirror->model)
		tell(notify, event, number, false);
}

/* ---- how all is ----------------------------------------------------------------------------------------------------- */

static void tell_present(void *ctx, const struct event *event)
{
	struct control_notify *notify = ctx;

	if (is_state(event->kind))
		tell(notify, event, notify->number, true);
}

static void tell_instance(struct control_notify *notify, const struct event_sink *sink, nstime now)
{
	const struct instance *instance = &notify->mirror->model->instances[notify->object];
	const struct mirror_instance *known = &notify->mirror->instances[notify->object];
	struct event_seen_instance seen = {0};
	const struct mirror_tracker *tracker;

	if (!notify->part) {
		if (known->known)
			event_instance(sink, &seen, instance->name, &known->fact, now);
		return;
	}
	tracker = &known->trackers[notify->part - 1];
	if (tracker->known && tracker->fact.state != VERDICT_UNKNOWN)
		event_tracker(sink, &(struct event_seen){0}, instance->name,
			      model_tracker(notify->mirror->model, instance, notify->part - 1)->name, &tracker->fact, now);
}

static void tell_service(struct control_notify *notify, const struct event_sink *sink, nstime now)
{
	const struct service *service = &notify->mirror->model->services[notify->object];
	const struct mirror_service *known = &notify->mirror->services[notify->object];
	const struct mirror_server *server;

	if (!notify->part) {
		if (known->known)
			event_service(sink, &(struct event_seen){0}, service->name, &known->fact, now);
		return;
	}
	server = &known->servers[notify->part - 1];
	if (server->known && server->fact.health != VERDICT_UNKNOWN)
		event_server(sink, &(struct event_seen){0}, service->name,
			     service_server(service, notify->part - 1)->name, &server->fact, now);
}

static void tell_group(struct control_notify *notify, const struct event_sink *sink, nstime now)
{
	const struct mirror_group *known = &notify->mirror->groups[notify->object];

	if (known->known && known->fact.state != VRRP_INIT)
		event_group(sink, &(struct event_seen){0}, notify->mirror->model->sync_groups[notify->object].name,
			    &known->fact, now);
}

/* How many objects a stage has, and the present one parts. */
static size_t objects_of(const struct model *model, enum stage stage)
{
	switch (stage) {
	case STAGE_INSTANCES:
		return model->instance_count;
	case STAGE_GROUPS:
		return model->sync_group_count;
	case STAGE_SERVICES:
		return model->service_count;
	case STAGE_END:
		break;
	}
	return 0;
}

static size_t parts_of(const struct model *model, enum stage stage, size_t object)
{
	if (stage == STAGE_INSTANCES)
		return 1 + model_tracker_count(model, &model->instances[object]);
	if (stage == STAGE_SERVICES)
		return 1 + service_server_count(&model->services[object]);
	return 1;
}

static void tell_one(struct control_notify *notify, nstime now)
{
	const struct event_sink sink = {.event = tell_present, .ctx = notify, .started = -1};

	if (notify->stage == STAGE_INSTANCES)
		tell_instance(notify, &sink, now);
	else if (notify->stage == STAGE_GROUPS)
		tell_group(notify, &sink, now);
	else
		tell_service(notify, &sink, now);
}

/* False: that was the last. */
static bool step(struct control_notify *notify)
{
	const struct model *model = notify->mirror->model;

	if (notify->object < objects_of(model, notify->stage) &&
	    ++notify->part >= parts_of(model, notify->stage, notify->object)) {
		notify->part = 0;
		notify->object++;
	}
	while (notify->stage < STAGE_END && notify->object >= objects_of(model, notify->stage)) {
		notify->stage++;
		notify->object = notify->part = 0;
	}
	return notify->stage < STAGE_END;
}

/* Its event comes in a moment: before that, what it is now would be told in its place. */
static bool is_due(const struct control_notify *notify)
{
	const struct mirror *mirror = notify->mirror;

	if (notify->part || notify->object >= objects_of(mirror->model, notify->stage))
		return false;
	switch (notify->stage) {
	case STAGE_INSTANCES:
		return mirror->instances[notify->object].due;
	case STAGE_GROUPS:
		return mirror->groups[notify->object].due;
	case STAGE_SERVICES:
		return mirror->services[notify->object].due;
	case STAGE_END:
		break;
	}
	return false;
}

static void go_on(void *ctx)
{
	struct control_notify *notify = ctx;
	nstime now = clock_now();

	if (worker_was_heard(notify->worker))
		for (int i = 0; i < AT_A_TIME && notify->stage < STAGE_END && !is_due(notify); i++) {
			if (notify->object < objects_of(notify->mirror->model, notify->stage))
				tell_one(notify, now);
			step(notify);
		}
	if (notify->stage < STAGE_END)
		timer_at(&notify->timer, now + PAUSE);
}

void control_notify_all(struct control_notify *notify, uint64_t number)
{
	if (!notify->has_listeners || !notify->mirror->model)
		return;
	notify->number = number;
	notify->stage = STAGE_INSTANCES;
	notify->object = notify->part = 0;
	timer_at(&notify->timer, clock_now());
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

struct control_notify *control_notify_new(struct worker *worker, const struct mirror *mirror)
{
	struct control_notify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return NULL;
	notify->worker = worker;
	notify->mirror = mirror;
	notify->stage = STAGE_END;
	notify->too_long = (struct log_bucket){.every = 60 * NSTIME_S, .burst = 1};
	if (!timer_init(worker_loop(worker), &notify->timer, LOOP_NORMAL, go_on, notify))
		return notify;
	free(notify);
	return NULL;
}

void control_notify_free(struct control_notify *notify)
{
	if (!notify)
		return;
	timer_fini(&notify->timer);
	arena_free(notify->arena);
	free(notify);
}
