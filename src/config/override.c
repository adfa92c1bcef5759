/* See the header. */
#include "config/override.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *const names[] = {
	[OVERRIDE_PRIORITY] = "priority",
	[OVERRIDE_MAINTENANCE] = "maintenance",
	[OVERRIDE_STATE] = "state",
	[OVERRIDE_WEIGHT] = "weight",
	[OVERRIDE_LOG] = "log",
};

_Static_assert(COUNT_OF(names) == OVERRIDE_KINDS, "every kind has a name");

const char *override_kind_name(enum override_kind kind)
{
	return (unsigned)kind < OVERRIDE_KINDS ? names[kind] : "unknown";
}

bool override_kind_find(const char *name, enum override_kind *out)
{
	for (unsigned i = 0; i < OVERRIDE_KINDS; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum override_kind)i;
		return true;
	}
	return false;
}

/* A number in plain decimal digits up to `most`; -1: it is none. */
static int32_t number_of(const char *value, int32_t most)
{
	int32_t number = 0;
	size_t length = strlen(value);

	if (length < 1 || length > 5 || (value[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -1;
		number = number * 10 + (value[i] - '0');
	}
	return number <= most ? number : -1;
}

/* False: no state has that name. */
static bool state_of(const char *value, enum admin_state *out)
{
	static const enum admin_state states[] = {ADMIN_ENABLED, ADMIN_DRAINED, ADMIN_DISABLED};

	for (size_t i = 0; i < COUNT_OF(states); i++) {
		if (strcmp(admin_state_name(states[i]), value) != 0)
			continue;
		*out = states[i];
		return true;
	}
	return false;
}

/* -1: there is none of that name. */
static int level_of(const char *value)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};

	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (!strcmp(levels[i], value))
			return (int)i;
	return -1;
}

static const char *log_wrong(const struct override *override)
{
	if (strcmp(override->object, OVERRIDE_DIRECTOR) != 0)
		return "log is of the \"" OVERRIDE_DIRECTOR "\"";
	return level_of(override->value) < 0 ? "a level is error, warning, info or debug" : NULL;
}

/* Of a server; NULL when there is nothing wrong. */
static const char *server_wrong(const struct override *override)
{
	const char *slash = strchr(override->object, '/');
	enum admin_state state;

	if (!slash || slash == override->object || !slash[1])
		return "the object is \"SERVICE/SERVER\"";
	if (override->kind == OVERRIDE_WEIGHT)
		return number_of(override->value, 65535) < 0
			       ? "a weight is a number from 0 to 65535"
			       : NULL;
	if (!state_of(override->value, &state))
		return "a state is enabled, drained or disabled";
	return override->deadline && state != ADMIN_DRAINED ? "only what is drained has a deadline"
							    : NULL;
}

const char *override_wrong(const struct override *override)
{
	if (!override->object[0])
		return "no object is named";
	if (override->since < 0 || override->until < 0 || override->deadline < 0)
		return "its times are not after 1970";
	if (override->deadline && override->kind != OVERRIDE_STATE)
		return "only what is drained has a deadline";
	switch (override->kind) {
	case OVERRIDE_PRIORITY:
		return number_of(override->value, 254) > 0 ? NULL
							   : "a priority is a number from 1 to 254";
	case OVERRIDE_MAINTENANCE:
		if (strcmp(override->object, OVERRIDE_DIRECTOR) != 0)
			return "maintenance is of the \"" OVERRIDE_DIRECTOR "\"";
		return strcmp(override->value, "on") ? "maintenance is \"on\", or not there" : NULL;
	case OVERRIDE_STATE:
	case OVERRIDE_WEIGHT:
		return server_wrong(override);
	case OVERRIDE_LOG:
		return log_wrong(override);
	case OVERRIDE_KINDS:
		break;
	}
	return "no such kind";
}

uint8_t override_priority(const struct override *override)
{
	return (uint8_t)number_of(override->value, 254);
}

enum admin_state override_state(const struct override *override)
{
	enum admin_state state = ADMIN_ENABLED;

	state_of(override->value, &state);
	return state;
}

uint32_t override_weight(const struct override *override)
{
	return (uint32_t)number_of(override->value, 65535);
}

uint8_t override_log_level(const struct override *override)
{
	return (uint8_t)level_of(override->value);
}

/* ---- servers --------------------------------------------------------------------------------- */

bool override_is_of_servers(enum override_kind kind)
{
	return kind == OVERRIDE_STATE || kind == OVERRIDE_WEIGHT;
}

bool override_object_of(char out[OVERRIDE_OBJECT], const char *service, const char *server)
{
	size_t first = strlen(service), second = strlen(server);

	if (first + 1 + second >= OVERRIDE_OBJECT)
		return false;
	memcpy(out, service, first);
	out[first] = '/';
	memcpy(out + first + 1, server, second + 1);
	return true;
}

const char *override_server(const char *object, const char *service)
{
	size_t length = strlen(service);

	return !strncmp(object, service, length) && object[length] == '/' ? object + length + 1
									  : NULL;
}

enum admin_state override_admin(enum admin_state configured, const struct override *said)
{
	return said && configured != ADMIN_DISABLED ? override_state(said) : configured;
}

/* ---- between processes ----------------------------------------------------------------------- */

void override_put(struct writer *out, const struct override *override)
{
	put_u8(out, (uint8_t) override->kind);
	put_text(out, override->object);
	put_text(out, override->value);
	put_text(out, override->by);
	put_text(out, override->comment);
	put_time(out, override->since);
	put_time(out, override->until);
	put_time(out, override->deadline);
}

static void get_clean(struct reader *in, char *out, size_t size)
{
	text_clean(get_text(in, out, size));
}

bool override_get(struct reader *in, struct override *override)
{
	struct override got = {.kind = (enum override_kind)get_u8(in)};

	get_clean(in, got.object, sizeof(got.object));
	get_clean(in, got.value, sizeof(got.value));
	get_clean(in, got.by, sizeof(got.by));
	get_clean(in, got.comment, sizeof(got.comment));
	got.since = get_time(in);
	got.until = get_time(in);
	got.deadline = get_time(in);
	if (!reader_done(in) || override_wrong(&got))
		return false;
	*override = got;
	return true;
}
