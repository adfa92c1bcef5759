/* See the header. A line becomes an override only as a whole: a member that is missing, of another
 * type or too long leaves it to be kept, never half applied. */
#include "daemon/overrides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "base/walltime.h"

#define VERSION 1
#define HEAD "{\"lbha_overrides\":1}\n"

void overrides_free(struct overrides *list)
{
	free(list->rows);
	free(list->kept);
	*list = (struct overrides){0};
}

/* ---- the list -------------------------------------------------------------------------------- */

static struct override *find(const struct overrides *list, enum override_kind kind,
			     const char *object)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->rows[i].kind == kind && !strcmp(list->rows[i].object, object))
			return &list->rows[i];
	return NULL;
}

const struct override *overrides_find(const struct overrides *list, enum override_kind kind,
				      const char *object)
{
	return find(list, kind, object);
}

static int grow(struct overrides *list)
{
	size_t room = list->room ? 2 * list->room : 16;
	struct override *rows;

	if (list->count < list->room)
		return 0;
	if (list->count >= OVERRIDES_MAX)
		return -ENOSPC;
	rows = realloc(list->rows, room * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	list->room = room;
	return 0;
}

int overrides_set(struct overrides *list, const struct override *override)
{
	struct override *there = find(list, override->kind, override->object);
	int err = there ? 0 : grow(list);

	if (override_wrong(override))
		return -EINVAL;
	if (err)
		return err;
	if (there)
		*there = *override;
	else
		list->rows[list->count++] = *override;
	return 0;
}

int overrides_copy(struct overrides *to, const struct overrides *from)
{
	struct overrides made = {.count = from->count, .room = from->count + 1};

	made.rows = calloc(made.room, sizeof(*made.rows));
	if (!made.rows)
		return -ENOMEM;
	if (from->count)
		memcpy(made.rows, from->rows, from->count * sizeof(*made.rows));
	*to = made;
	return 0;
}

static void remove_at(struct overrides *list, size_t at)
{
	memmove(&list->rows[at], &list->rows[at + 1], (list->count - 1 - at) * sizeof(*list->rows));
	list->count--;
}

bool overrides_remove(struct overrides *list, enum override_kind kind, const char *object)
{
	struct override *there = find(list, kind, object);

	if (there)
		remove_at(list, (size_t)(there - list->rows));
	return there != NULL;
}

size_t overrides_expire(struct overrides *list, nstime now,
			void (*tell)(void *ctx, const struct override *gone), void *ctx)
{
	size_t before = list->count;

	for (size_t i = list->count; i-- > 0;) {
		if (!list->rows[i].until || list->rows[i].until > now)
			continue;
		if (tell)
			tell(ctx, &list->rows[i]);
		remove_at(list, i);
	}
	return before - list->count;
}

nstime overrides_next_end(const struct overrides *list)
{
	nstime next = NSTIME_NEVER;

	for (size_t i = 0; i < list->count; i++)
		if (list->rows[i].until)
			next = nstime_min(next, list->rows[i].until);
	return next;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
	struct overrides *list;
	void (*tell)(void *ctx, unsigned line, const char *why);
	void *ctx;
	unsigned line;
};

static bool text_of_member(const json_t *record, const char *name, char *out, size_t size)
{
	const json_t *member = json_object_get(record, name);

	if (!json_is_string(member) || json_string_length(member) >= size ||
	    json_string_length(member) != strlen(json_string_value(member)))
		return false;
	text_clean(strcpy(out, json_string_value(member)));
	return true;
}

/* A time, or null for none; a member that is not of every version may be missing. */
static bool time_of_member(const json_t *record, const char *name, bool may_miss, nstime *out)
{
	const json_t *member = json_object_get(record, name);

	*out = 0;
	if (json_is_null(member) || (!member && may_miss))
		return true;
	return json_is_string(member) && !walltime_parse(json_string_value(member), out);
}

/* Why it is no override of ours; NULL when it is one. */
static const char *override_of(const json_t *record, struct override *out)
{
	struct override override = {0};
	char kind[OVERRIDE_KIND];

	if (!json_is_object(record))
		return "no JSON object";
	if (!text_of_member(record, "kind", kind, sizeof(kind)) ||
	    !override_kind_find(kind, &override.kind))
		return "of no kind that this version knows";
	if (!text_of_member(record, "object", override.object, sizeof(override.object)) ||
	    !text_of_member(record, "value", override.value, sizeof(override.value)) ||
	    !text_of_member(record, "by", override.by, sizeof(override.by)) ||
	    !text_of_member(record, "comment", override.comment, sizeof(override.comment)) ||
	    !time_of_member(record, "since", false, &override.since) ||
	    !time_of_member(record, "until", false, &override.until) ||
	    !time_of_member(record, "deadline", true, &override.deadline))
		return "a member is missing, or of another form";
	*out = override;
	return override_wrong(&override);
}

static int keep(struct reading *reading, const char *line, size_t length, const char *why)
{
	struct overrides *list = reading->list;
	char *kept = realloc(list->kept, list->kept_size + length + 1);

	if (!kept)
		return -ENOMEM;
	list->kept = kept;
	memcpy(kept + list->kept_size, line, length);
	kept[list->kept_size + length] = '\n';
	list->kept_size += length + 1;
	if (reading->tell)
		reading->tell(reading->ctx, reading->line, why);
	return 0;
}

static int line_take(struct reading *reading, const char *line, size_t length)
{
	json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	struct override override;
	const char *why = override_of(record, &override);
	int err = 0;

	json_decref(record);
	if (!why) {
		err = overrides_set(reading->list, &override);
		if (err == -ENOSPC)
			why = "one too many";
	}
	return why ? keep(reading, line, length, why) : err;
}

static bool is_head(const char *line, size_t length)
{
	json_t *head = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *version = json_object_get(head, "lbha_overrides");
	bool ours = json_is_integer(version) && json_integer_value(version) == VERSION;

	json_decref(head);
	return ours;
}

int overrides_parse(struct overrides *list, const char *text, size_t size,
		    void (*tell)(void *ctx, unsigned line, const char *why), void *ctx)
{
	struct reading reading = {.list = list, .tell = tell, .ctx = ctx};
	int err = 0;

	for (size_t at = 0; at < size && !err;) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;

		reading.line++;
		if (reading.line == 1 && !is_head(text, length))
			return -EPROTO;
		if (reading.line > 1 && length)
			err = line_take(&reading, text + at, length);
		at += length + 1;
	}
	if (err)
		overrides_free(list);
	return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *time_json(nstime point)
{
	char text[WALLTIME_TEXT];

	return point ? json_string(walltime_format(point, text)) : json_null();
}

static char *line_of(const struct override *override)
{
	json_t *record =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "object", override->object, "kind",
			  override_kind_name(override->kind), "value", override->value, "by",
			  override->by, "comment", override->comment, "since",
			  time_json(override->since), "until", time_json(override->until));
	char *line;

	if (override->deadline)
		json_object_set_new(record, "deadline", time_json(override->deadline));
	line = record ? json_dumps(record, JSON_COMPACT) : NULL;
	json_decref(record);
	return line;
}

char *overrides_format(const struct overrides *list, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	bool failed = false;

	if (!out)
		return NULL;
	fputs(HEAD, out);
	for (size_t i = 0; i < list->count && !failed; i++) {
		char *line = line_of(&list->rows[i]);

		failed = !line || fprintf(out, "%s\n", line) < 0;
		free(line);
	}
	if (list->kept_size)
		failed |= fwrite(list->kept, 1, list->kept_size, out) != list->kept_size;
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}
