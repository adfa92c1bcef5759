/* See control_request.h. The line comes from whoever may open the socket: bounded in length by the
 * caller and in depth by jansson; keys given twice are refused. */
#include "daemon/control_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/control_status.h"

static const struct request_row {
	const char *name;
	bool is_command;
} rows[] = {
	[CONTROL_PING] = {"ping", false},     [CONTROL_STATUS] = {"status", false},
	[CONTROL_VRRP] = {"vrrp", false},     [CONTROL_SERVICES] = {"services", false},
	[CONTROL_CONFIG] = {"config", false}, [CONTROL_EVENTS] = {"events", false},
	[CONTROL_RELOAD] = {"reload", true},  [CONTROL_PLAN] = {"plan", true},
	[CONTROL_STOP] = {"stop", true},
};

bool control_request_is_command(enum control_kind kind)
{
	return rows[kind].is_command;
}

const char *control_request_name(enum control_kind kind)
{
	return rows[kind].name;
}

static const char *next_name(UNUSED const void *ctx, size_t index)
{
	return index < COUNT_OF(rows) ? rows[index].name : NULL;
}

static int unknown_request(const char *name, char *error)
{
	struct text out = text_of(error, CONTROL_ERROR);
	const char *near = text_nearest(name, next_name, NULL);

	text_add(&out, "unknown request \"");
	text_add_clean(&out, name, strnlen(name, 64));
	text_add(&out, near ? "\"; did you mean \"%s\"?" : "\"", near);
	return -EINVAL;
}

static int complain(char *error, const char *reason)
{
	snprintf(error, CONTROL_ERROR, "%s", reason);
	return -EINVAL;
}

static int parse_kind(json_t *object, struct control_request *out, char *error)
{
	const char *name = json_string_value(json_object_get(object, "request"));

	if (!name)
		return complain(error, "a request is a JSON object with \"request\": its name");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!strcmp(rows[i].name, name)) {
			out->kind = (enum control_kind)i;
			return 0;
		}
	}
	return unknown_request(name, error);
}

static int parse_file(json_t *value, struct control_request *out, char *error)
{
	const char *file = json_string_value(value);

	if (!file || file[0] != '/' || strlen(file) >= sizeof(out->file))
		return complain(error, "\"file\" must be an absolute path");
	strcpy(out->file, file);
	return 0;
}

static int parse_since(json_t *value, struct control_request *out, char *error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return complain(error, "\"since\" must be the number of an event");
	out->since = (uint64_t)json_integer_value(value);
	out->has_since = true;
	return 0;
}

static int parse_follow(json_t *value, struct control_request *out, char *error)
{
	if (!json_is_boolean(value))
		return complain(error, "\"follow\" must be true or false");
	out->follow = json_is_true(value);
	return 0;
}

/* The members of requests that have some. */
static const struct member_row {
	enum control_kind kind;
	const char *key;
	int (*parse)(json_t *value, struct control_request *out, char *error);
} members[] = {
	{CONTROL_PLAN, "file", parse_file},
	{CONTROL_EVENTS, "since", parse_since},
	{CONTROL_EVENTS, "follow", parse_follow},
};

static const struct member_row *member_find(enum control_kind kind, const char *key)
{
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (members[i].kind == kind && !strcmp(members[i].key, key))
			return &members[i];
	return NULL;
}

static int parse_members(json_t *object, struct control_request *out, char *error)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		const struct member_row *member = member_find(out->kind, key);
		struct text text = text_of(error, CONTROL_ERROR);
		int err;

		if (!strcmp(key, "request"))
			continue;
		if (member) {
			err = member->parse(value, out, error);
			if (err)
				return err;
			continue;
		}
		text_add(&text, "the request \"%s\" has no \"", rows[out->kind].name);
		text_add_clean(&text, key, strnlen(key, 64));
		text_add(&text, "\"");
		return -EINVAL;
	}
	return 0;
}

int control_request_parse(const char *line, size_t length, struct control_request *out, char *error)
{
	struct control_request request = {0};
	json_error_t why;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
	int err;

	if (!object) {
		struct text text = text_of(error, CONTROL_ERROR);

		text_add(&text, "not a line of JSON: ");
		text_add_clean(&text, why.text, strlen(why.text));
		return -EINVAL;
	}
	err = parse_kind(object, &request, error);
	if (!err)
		err = parse_members(object, &request, error);
	json_decref(object);
	if (!err)
		*out = request;
	return err;
}

/* One line: compact, reals in as few digits as they were meant to have. */
static char *as_line(json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
	char *line = text ? realloc(text, strlen(text) + 2) : NULL;

	json_decref(answer);
	if (!line) {
		free(text);
		return NULL;
	}
	strcat(line, "\n");
	return line;
}

char *control_answer(json_t *result)
{
	return as_line(json_pack("{s:b, s:o}", "ok", true, "result", result));
}

char *control_refusal(const char *error, json_t *lines)
{
	return as_line(json_pack("{s:b, s:o, s:o}", "ok", false, "error", status_text(error),
				 "lines", lines ? lines : json_array()));
}
