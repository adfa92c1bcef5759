/* See the header. A priority is said of one instance and holds for its whole sync group: members of
 * a group are of one priority, or the directors would not agree on who is to have the group. */
#include "daemon/control_operator.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/protocol.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_words.h"

#define OWNER 255 /* RFC 9568: such a priority says whose the addresses are */

static const char *name_at(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	return index < model->instance_count ? model->instances[index].name : NULL;
}

static const struct instance *instance_find(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->instance_count; i++)
		if (!strcmp(model->instances[i].name, name))
			return &model->instances[i];
	return NULL;
}

static int unknown_instance(const struct model *model, const char *name, char *error)
{
	struct text out = text_of(error, CONTROL_ERROR);
	const char *near = text_nearest(name, name_at, model);

	text_add(&out, "no instance is called \"");
	text_add_clean(&out, name, strlen(name));
	if (near)
		text_add(&out, "\"; did you mean \"%s\"?", near);
	else
		text_add(&out, model->instance_count ? "\"" : "\": this node has none");
	return -EINVAL;
}

static int refuse_owner(const struct instance *instance, char *error)
{
	struct text text = text_of(error, CONTROL_ERROR);

	if (instance->priority != OWNER)
		return 0;
	text_add(&text, "%s owns its addresses (priority 255): no override changes that",
		 instance->name);
	return -EINVAL;
}

const struct instance *operator_instance(const struct model *model, const char *name, char *error)
{
	const struct instance *instance = instance_find(model, name);

	if (!instance)
		unknown_instance(model, name, error);
	return instance && !refuse_owner(instance, error) ? instance : NULL;
}

/* The names that a priority is said of. */
static void put_members(struct writer *out, const struct model *model,
			const struct instance *instance)
{
	const struct sync_group *group;

	if (!instance->sync_group || instance->sync_group > model->sync_group_count) {
		put_u16(out, 1);
		put_text(out, instance->name);
		return;
	}
	group = &model->sync_groups[instance->sync_group - 1];
	put_u16(out, (uint16_t)group->instance_count);
	for (size_t i = 0; i < group->instance_count; i++)
		put_text(out, model->instances[group->instances[i]].name);
}

/* An override may be taken back although its instance is no longer configured. */
static bool has_override(const struct mirror *mirror, const char *name)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *override = override_mirror_row(&mirror->overrides, i);

		if (override && override->kind == OVERRIDE_PRIORITY &&
		    !strcmp(override->object, name))
			return true;
	}
	return false;
}

static int put_priority_objects(const struct mirror *mirror, const struct control_request *request,
				struct writer *out, char *error)
{
	const struct instance *instance = instance_find(mirror->model, request->instance);
	bool back = !strcmp(request->value, "auto");

	if (!instance && back && has_override(mirror, request->instance)) {
		put_u16(out, 1);
		put_text(out, request->instance);
		return 0;
	}
	if (!instance)
		return unknown_instance(mirror->model, request->instance, error);
	if (!back && refuse_owner(instance, error))
		return -EINVAL;
	put_members(out, mirror->model, instance);
	return 0;
}

static int put_objects(const struct mirror *mirror, const struct control_request *request,
		       struct writer *out, char *error)
{
	const struct model *model = mirror->model;

	if (request->kind == CONTROL_PRIORITY && model)
		return put_priority_objects(mirror, request, out, error);
	if (request->instance[0] && (!model || !instance_find(model, request->instance)))
		return unknown_instance(model ? model : &(struct model){0}, request->instance,
					error);
	put_u16(out, request->instance[0] ? 1 : 0);
	if (request->instance[0])
		put_text(out, request->instance);
	return 0;
}

int operator_encode(const struct mirror *mirror, uint32_t ticket, uid_t uid,
		    const struct control_request *request, struct writer *out, char *error)
{
	struct text text = text_of(error, CONTROL_ERROR);
	int err;

	put_u32(out, ticket);
	put_u8(out, (uint8_t)control_request_order(request->kind));
	put_u32(out, uid);
	put_text(out, request->file);
	put_text(out, request->value);
	put_text(out, request->comment);
	put_time(out, request->timeout);
	err = put_objects(mirror, request, out, error);
	if (!err && out->failed) {
		text_add(&text, "its sync group has too many members");
		err = -EMSGSIZE;
	}
	return err;
}

void operator_warn(const struct mirror *mirror, enum control_kind kind, json_t *lines)
{
	const struct model *model = mirror->model;
	char line[1024];
	struct text text = text_of(line, sizeof(line));
	size_t others = 0;

	if (!model || !model->node || kind == CONTROL_LOG ||
	    (kind != CONTROL_PRIORITY && kind != CONTROL_MAINTENANCE && !words_are_asked(kind)))
		return;
	text_add(&text, "overrides are this director's own; not told:");
	for (size_t i = 0; i < model->director_count; i++) {
		if (!strcmp(model->directors[i].name, model->node))
			continue;
		text_add(&text, "%s%s", others ? ", " : " ", model->directors[i].name);
		others++;
	}
	if (others)
		json_array_append_new(lines, status_text(line));
}
