/* See control_request.h. The line comes from whoever may open the socket: bounded in length by the
 * caller and in depth by jansson; keys given twice are refused. */
#include "daemon/control_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/control_json.h"

#define UNCHANGED "nothing was changed"

static const struct request_row {
	const char *name;
	bool is_command;
	enum request_kind order; /* what the supervisor knows it as; 0: it does not, as such */
	const char *refusal;     /* of the supervisor's, in words; NULL: it is not asked */
} rows[] = {
	[CONTROL_PING] = {"ping"},
	[CONTROL_STATUS] = {"status"},
	[CONTROL_VRRP] = {"vrrp"},
	[CONTROL_SERVICES] = {"services"},
	[CONTROL_CONFIG] = {"config"},
	[CONTROL_EVENTS] = {"events"},
	[CONTROL_OVERRIDES] = {"overrides"},
	[CONTROL_EXPORT] = {"export"},
	[CONTROL_TRAFFIC] = {"traffic"},
	[CONTROL_METRICS] = {"metrics"},
	[CONTROL_NAMES] = {"names"},
	[CONTROL_ZERO] = {"zero", .is_command = true},
	[CONTROL_RELOAD] = {"reload", true, REQUEST_RELOAD,
			    "the reload was refused; everything is as before"},
	[CONTROL_PLAN] = {"plan", true, REQUEST_PLAN, "that configuration would be refused"},
	[CONTROL_STOP] = {"stop", true, REQUEST_STOP, "the supervisor refused"},
	[CONTROL_UPGRADE] = {"upgrade", true, REQUEST_UPGRADE,
			     "the upgrade did not happen; everything is as before"},
	[CONTROL_RELEASE] = {"release", true, REQUEST_RELEASE, "not released"},
	[CONTROL_CLAIM] = {"claim", true, REQUEST_CLAIM, "not claimed"},
	[CONTROL_PRIORITY] = {"priority", true, REQUEST_PRIORITY, "the priority was not set"},
	[CONTROL_MAINTENANCE] = {"maintenance", true, REQUEST_MAINTENANCE,
				 "not everything was done"},
	/* these go to the supervisor word by word (control_words.h) */
	[CONTROL_DRAIN] = {"drain", true, .refusal = UNCHANGED},
	[CONTROL_DISABLE] = {"disable", true, .refusal = UNCHANGED},
	[CONTROL_ENABLE] = {"enable", true, .refusal = UNCHANGED},
	[CONTROL_WEIGHT] = {"weight", true, .refusal = UNCHANGED},
	[CONTROL_LOG] = {"log", true, .refusal = UNCHANGED},
	[CONTROL_LOAD] = {"load", true, .refusal = UNCHANGED},
	[CONTROL_CHECK] = {"check", .is_command = true}, /* the check worker's: control_look.h */
};

bool control_request_is_command(enum control_kind kind)
{
	return rows[kind].is_command;
}

enum request_kind control_request_order(enum control_kind kind)
{
	return rows[kind].order;
}

const char *control_request_refusal(enum control_kind kind)
{
	return rows[kind].refusal;
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

/* ---- members -------------------------------------------------------------------------------- */

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

static int parse_watch(json_t *value, struct control_request *out, char *error)
{
	if (!json_is_true(value))
		return complain(error, "\"watch\" can only be true");
	out->watch = true;
	return 0;
}

static int parse_instance(json_t *value, struct control_request *out, char *error)
{
	const char *name = json_string_value(value);

	if (!name || !*name || strlen(name) >= sizeof(out->instance))
		return complain(error, "\"instance\" must be the name of an instance");
	strcpy(out->instance, name);
	return 0;
}

static int parse_format(json_t *value, struct control_request *out, char *error)
{
	const char *name = json_string_value(value);

	if (!name || (strcmp(name, "ipvsadm") != 0 && strcmp(name, "keepalived") != 0))
		return complain(error, "the \"format\" can only be \"ipvsadm\" or \"keepalived\"");
	strcpy(out->format, name);
	return 0;
}

static int parse_service(json_t *value, struct control_request *out, char *error)
{
	const char *name = json_string_value(value);

	if (!name || !*name || strlen(name) >= sizeof(out->service))
		return complain(error, "\"service\" must be the name of a service");
	strcpy(out->service, name);
	return 0;
}

static int parse_server(json_t *value, struct control_request *out, char *error)
{
	const char *name = json_string_value(value);

	if (!name || !*name || strlen(name) >= sizeof(out->server))
		return complain(error, "\"server\" must be the name of a server or its address");
	strcpy(out->server, name);
	return 0;
}

static int parse_overrides(json_t *value, struct control_request *out, char *error)
{
	const json_t *one;
	size_t at;

	if (!json_is_array(value))
		return complain(error, "\"overrides\" must be an array");
	json_array_foreach (value, at, one)
		if (!json_is_object(one))
			return complain(error, "each of \"overrides\" must be an object");
	out->overrides = value;
	return 0;
}

static int parse_check(json_t *value, struct control_request *out, char *error)
{
	const char *name = json_string_value(value);

	if (!name || !*name || strlen(name) >= sizeof(out->check))
		return complain(error, "\"check\" must be the name of a check");
	strcpy(out->check, name);
	return 0;
}

static int parse_at(json_t *value, struct control_request *out, char *error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
		return complain(error, "\"at\" must be the number of a probe");
	out->at = (uint32_t)json_integer_value(value);
	return 0;
}

static int parse_all(json_t *value, struct control_request *out, char *error)
{
	if (!json_is_true(value))
		return complain(error, "\"all\" can only be true");
	out->all = true;
	return 0;
}

static int parse_value(json_t *value, struct control_request *out, char *error)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) >= sizeof(out->value))
		return complain(error, "\"value\" must be a short text");
	strcpy(out->value, text);
	return 0;
}

static int parse_comment(json_t *value, struct control_request *out, char *error)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) >= sizeof(out->comment))
		return complain(error, "\"comment\" must be a text of at most 255 bytes");
	strcpy(out->comment, text);
	text_clean(out->comment);
	return 0;
}

/* Up to ten years: further away it may as well be forever. */
static int parse_timeout(json_t *value, struct control_request *out, char *error)
{
	double seconds = json_number_value(value);

	if (!json_is_number(value) || !(seconds >= 0.001 && seconds <= 10 * 366 * 86400.0))
		return complain(error, "\"timeout\" must be seconds, 0.001 to ten years");
	out->timeout = (nstime)(seconds * (double)NSTIME_S);
	return 0;
}

#define BIT(kind) (1u << CONTROL_##kind)
#define ORDERS (BIT(RELEASE) | BIT(CLAIM))
#define STATES (BIT(DRAIN) | BIT(DISABLE) | BIT(ENABLE))
#define SERVERS (STATES | BIT(WEIGHT))
#define OVERRIDES (BIT(PRIORITY) | BIT(MAINTENANCE) | BIT(LOG) | SERVERS)

static const struct member_row {
	const char *name;
	unsigned kinds; /* of requests that have it */
	int (*parse)(json_t *value, struct control_request *out, char *error);
} members[] = {
	{"file", BIT(PLAN), parse_file},
	{"since", BIT(EVENTS), parse_since},
	{"follow", BIT(EVENTS), parse_follow},
	{"watch", BIT(STATUS), parse_watch},
	{"instance", ORDERS | BIT(PRIORITY), parse_instance},
	{"all", ORDERS | STATES, parse_all},
	{"format", BIT(EXPORT), parse_format},
	{"service", SERVERS | BIT(SERVICES) | BIT(ZERO) | BIT(CHECK), parse_service},
	{"server", SERVERS | BIT(CHECK), parse_server},
	{"check", BIT(CHECK), parse_check},
	{"at", BIT(CHECK), parse_at},
	{"overrides", BIT(LOAD), parse_overrides},
	{"value", BIT(PRIORITY) | BIT(MAINTENANCE) | BIT(WEIGHT) | BIT(LOG), parse_value},
	{"comment", OVERRIDES, parse_comment},
	{"timeout", OVERRIDES, parse_timeout},
};

static const struct member_row *member_find(enum control_kind kind, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(members); i++)
		if (members[i].kinds & 1u << kind && !strcmp(members[i].name, name))
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
		err = member ? member->parse(value, out, error) : -EINVAL;
		if (!member) {
			text_add(&text, "the request \"%s\" has no \"", rows[out->kind].name);
			text_add_clean(&text, key, strnlen(key, 64));
			text_add(&text, "\"");
		}
		if (err)
			return err;
	}
	return 0;
}

/* What the members mean together. */
static int check_priority(const struct control_request *request, char *error)
{
	struct override override = {.kind = OVERRIDE_PRIORITY, .object = "any"};
	bool back = !strcmp(request->value, "auto");

	memcpy(override.value, request->value, sizeof(override.value));
	if (!request->instance[0])
		return complain(error, "\"instance\" is missing");
	if (!back && override_wrong(&override))
		return complain(error, "the priority must be a number from 1 to 254, or auto");
	return back && request->timeout ? complain(error, "auto has no timeout") : 0;
}

static int check_maintenance(const struct control_request *request, char *error)
{
	bool off = !strcmp(request->value, "off");

	if (!off && strcmp(request->value, "on") != 0)
		return complain(error, "maintenance must be on or off");
	return off && request->timeout ? complain(error, "off has no timeout") : 0;
}

static int check_log(const struct control_request *request, char *error)
{
	struct override override = {.kind = OVERRIDE_LOG, .object = OVERRIDE_DIRECTOR};
	bool back = !strcmp(request->value, "auto");

	memcpy(override.value, request->value, sizeof(override.value));
	if (!back && override_wrong(&override))
		return complain(error, "the level must be error, warning, info, debug or auto");
	return back && request->timeout ? complain(error, "auto has no timeout") : 0;
}

static int check_server(const struct control_request *request, char *error)
{
	if (request->all == (request->service[0] != '\0'))
		return complain(error, request->kind == CONTROL_WEIGHT
					       ? "\"service\" is missing"
					       : "either \"service\" or \"all\" is needed");
	return request->server[0] ? 0 : complain(error, "\"server\" is missing");
}

static int check_weight(const struct control_request *request, char *error)
{
	struct override override = {.kind = OVERRIDE_WEIGHT, .object = "any/any"};
	bool back = !strcmp(request->value, "auto");

	memcpy(override.value, request->value, sizeof(override.value));
	if (!back && override_wrong(&override))
		return complain(error, "the weight must be a number from 0 to 65535, or auto");
	if (back && request->timeout)
		return complain(error, "auto has no timeout");
	return check_server(request, error);
}

static int check_look(const struct control_request *request, char *error)
{
	if (request->check[0])
		return request->service[0] || request->server[0]
			       ? complain(error, "either a \"check\" or a \"service\" and a \"server\"")
			       : 0;
	if (!request->service[0])
		return complain(error, "\"service\" is missing");
	return request->server[0] ? 0 : complain(error, "\"server\" is missing");
}

static int check_members(const struct control_request *request, char *error)
{
	switch (request->kind) {
	case CONTROL_RELEASE:
	case CONTROL_CLAIM:
		if (request->all == (request->instance[0] != '\0'))
			return complain(error, "either \"instance\" or \"all\" is needed");
		return 0;
	case CONTROL_PRIORITY:
		return check_priority(request, error);
	case CONTROL_MAINTENANCE:
		return check_maintenance(request, error);
	case CONTROL_LOG:
		return check_log(request, error);
	case CONTROL_DRAIN:
	case CONTROL_DISABLE:
	case CONTROL_ENABLE:
		return check_server(request, error);
	case CONTROL_WEIGHT:
		return check_weight(request, error);
	case CONTROL_CHECK:
		return check_look(request, error);
	case CONTROL_EXPORT:
		return request->format[0] ? 0 : complain(error, "\"format\" is missing");
	case CONTROL_LOAD:
		return request->overrides ? 0 : complain(error, "\"overrides\" is missing");
	case CONTROL_PING:
	case CONTROL_STATUS:
	case CONTROL_VRRP:
	case CONTROL_SERVICES:
	case CONTROL_CONFIG:
	case CONTROL_RELOAD:
	case CONTROL_PLAN:
	case CONTROL_UPGRADE:
	case CONTROL_STOP:
	case CONTROL_EVENTS:
	case CONTROL_OVERRIDES:
	case CONTROL_ZERO:
	case CONTROL_TRAFFIC:
	case CONTROL_METRICS:
	case CONTROL_NAMES:
		break;
	}
	return 0;
}

/* ---- lines ------------------------------------------------------------------------------------ */

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
	if (!err)
		err = check_members(&request, error);
	if (!err) {
		json_incref(request.overrides);
		*out = request;
	}
	json_decref(object);
	return err;
}

void control_request_fini(struct control_request *request)
{
	json_decref(request->overrides);
	request->overrides = NULL;
}

/* One line: compact, reals in as few digits as they were meant to have. */
static char *as_line(json_t *answer)
{
	char *text = answer ? json_dumps(answer, CONTROL_JSON) : NULL;
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

char *control_refusal_of(const char *error, json_t *lines, json_t *objects)
{
	return as_line(json_pack("{s:b, s:o, s:o, s:o}", "ok", false, "error", status_text(error),
				 "lines", lines ? lines : json_array(), "objects",
				 objects ? objects : json_array()));
}
