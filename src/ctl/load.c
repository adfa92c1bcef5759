/* See load.h. The three shapes are told apart by what they are: an array of overrides, an object
 * that has one, or overrides one after the other. */
#include "ctl/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/walltime.h"
#include "config/override.h"
#include "ctl/paper.h"

#define FILE_MAX ((size_t)16 << 20)

struct loading {
	json_t *overrides;
	size_t seen; /* overrides so far */
	char *error;
};

static bool PRINTF_LIKE(2, 3) refuse(struct loading *loading, const char *format, ...)
{
	struct text out = text_of(loading->error, LOAD_ERROR);
	va_list list;

	if (loading->seen)
		text_add(&out, "override %zu: ", loading->seen);
	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
	text_clean(loading->error);
	return false;
}

/* A time, null, or nothing. */
static bool is_time(const json_t *time)
{
	nstime point;

	return !time || json_is_null(time) ||
	       (json_is_string(time) && !walltime_parse(json_string_value(time), &point));
}

/* What lbhad wants to know of it: by whom and since when is said anew. */
static json_t *entry_of(const json_t *record)
{
	static const char *const keys[] = {"object", "kind",  "value",
					   "comment", "until", "deadline"};
	json_t *entry = json_object();

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (json_object_get(record, keys[i]))
			json_object_set(entry, keys[i], json_object_get(record, keys[i]));
	return entry;
}

static bool text_fits(const json_t *record, const char *key, char *out, size_t size)
{
	const char *text = json_text(record, key);

	if (strlen(text) >= size)
		return false;
	strcpy(out, text);
	return true;
}

static bool take_record(struct loading *loading, const json_t *record)
{
	struct override override = {0};
	const char *kind = json_text(record, "kind"), *wrong;

	loading->seen++;
	if (!json_is_object(record))
		return refuse(loading, "it is no JSON object");
	if (!override_kind_find(kind, &override.kind))
		return refuse(loading, "\"%.64s\" is no kind of override", kind);
	if (!text_fits(record, "object", override.object, sizeof(override.object)) ||
	    !text_fits(record, "value", override.value, sizeof(override.value)) ||
	    !text_fits(record, "comment", override.comment, sizeof(override.comment)))
		return refuse(loading, "a text is too long");
	wrong = override_wrong(&override);
	if (wrong)
		return refuse(loading, "%s", wrong);
	if (!is_time(json_object_get(record, "until")) ||
	    !is_time(json_object_get(record, "deadline")))
		return refuse(loading, "\"until\" or \"deadline\" is no time");
	return !json_array_append_new(loading->overrides, entry_of(record));
}

static bool take_array(struct loading *loading, const json_t *array)
{
	const json_t *record;
	size_t at;

	json_array_foreach(array, at, record) if (!take_record(loading, record)) return false;
	return true;
}

static bool take_value(struct loading *loading, const json_t *value)
{
	const json_t *inside = json_object_get(value, "overrides");

	if (json_is_array(value))
		return take_array(loading, value);
	if (json_is_array(inside))
		return take_array(loading, inside);
	if (json_object_get(value, "lbha_overrides"))
		return true; /* the head of lbhad's own file */
	return take_record(loading, value);
}

static bool take_all(struct loading *loading, const char *text, size_t size)
{
	size_t at = 0;
	bool fine = true;

	while (fine) {
		json_error_t why;
		json_t *value;

		while (at < size && strchr(" \t\r\n", text[at]) && text[at])
			at++;
		if (at == size)
			return true;
		value = json_loadb(text + at, size - at,
				   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &why);
		if (!value)
			return refuse(loading, "no JSON: %s", why.text);
		fine = take_value(loading, value);
		json_decref(value);
		at += (size_t)why.position;
	}
	return fine;
}

json_t *load_request(const char *text, size_t size, char *error)
{
	struct loading loading = {.overrides = json_array(), .error = error};

	if (loading.overrides && take_all(&loading, text, size))
		return json_pack("{s:s, s:o}", "request", "load", "overrides", loading.overrides);
	json_decref(loading.overrides);
	return NULL;
}

static char *read_all(FILE *file, size_t *size)
{
	char *text = malloc(FILE_MAX + 1);

	if (!text)
		return NULL;
	*size = fread(text, 1, FILE_MAX + 1, file);
	if (!ferror(file) && *size <= FILE_MAX)
		return text;
	free(text);
	return NULL;
}

json_t *load_file(const char *path, char *error)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *text = file ? read_all(file, &size) : NULL;
	json_t *request = NULL;
	char why[LOAD_ERROR];

	if (!file)
		snprintf(error, LOAD_ERROR, "cannot read %.300s: %s", path, strerror(errno));
	else if (!text)
		snprintf(error, LOAD_ERROR, "cannot read %.300s: it is too large, or no file",
			 path);
	if (file)
		fclose(file);
	if (!text)
		return NULL;
	request = load_request(text, size, why);
	if (!request)
		snprintf(error, LOAD_ERROR, "%.200s: %.300s", path, why);
	free(text);
	return request;
}
