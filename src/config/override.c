/* See the header. */
#include "config/override.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *const names[] = {
	[OVERRIDE_PRIORITY] = "priority",
	[OVERRIDE_MAINTENANCE] = "maintenance",
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

/* 1..254 in plain decimal digits; 0: it is none. */
static unsigned priority_of(const char *value)
{
	unsigned number = 0;
	size_t length = strlen(value);

	if (length < 1 || length > 3 || value[0] == '0')
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(value[i] - '0');
	}
	return number <= 254 ? number : 0;
}

const char *override_wrong(const struct override *override)
{
	if (!override->object[0])
		return "no object is named";
	if (override->since < 0 || override->until < 0)
		return "its times are not after 1970";
	switch (override->kind) {
	case OVERRIDE_PRIORITY:
		return priority_of(override->value) ? NULL : "a priority is a number from 1 to 254";
	case OVERRIDE_MAINTENANCE:
		if (strcmp(override->object, OVERRIDE_DIRECTOR) != 0)
			return "maintenance is of the \"" OVERRIDE_DIRECTOR "\"";
		return strcmp(override->value, "on") ? "maintenance is \"on\", or not there" : NULL;
	case OVERRIDE_KINDS:
		break;
	}
	return "no such kind";
}

uint8_t override_priority(const struct override *override)
{
	return (uint8_t)priority_of(override->value);
}

void override_put(struct writer *out, const struct override *override)
{
	put_u8(out, (uint8_t) override->kind);
	put_text(out, override->object);
	put_text(out, override->value);
	put_text(out, override->by);
	put_text(out, override->comment);
	put_time(out, override->since);
	put_time(out, override->until);
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
	if (!reader_done(in) || override_wrong(&got))
		return false;
	*override = got;
	return true;
}
