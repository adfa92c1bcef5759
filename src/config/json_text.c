/* See the header. */
#include "config/json_text.h"

#include <inttypes.h>
#include <stdio.h>

#define LINES_DEEP 4 /* what is deeper stands in one line */

void json_put(struct json_text *e, const char *text)
{
	e->out(e->ctx, text);
}

static void put_quoted(struct json_text *e, const char *text)
{
	json_put(e, "\"");
	for (; *text; text++) {
		char one[8] = {*text};

		if (*text == '"' || *text == '\\')
			snprintf(one, sizeof(one), "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			snprintf(one, sizeof(one), "\\u%04x", *text);
		json_put(e, one);
	}
	json_put(e, "\"");
}

/* A line of its own, down to the rows of the definitions. */
static void line(struct json_text *e)
{
	if (e->depth > LINES_DEEP)
		return;
	json_put(e, "\n");
	for (int i = 0; i < e->depth; i++)
		json_put(e, " ");
}

/* The next member or element: a comma if needed, its key. */
void json_next(struct json_text *e, const char *key)
{
	if (e->filled[e->depth])
		json_put(e, e->depth > LINES_DEEP ? ", " : ",");
	if (e->depth)
		line(e);
	e->filled[e->depth] = true;
	if (!key)
		return;
	put_quoted(e, key);
	json_put(e, ": ");
}

void json_begin(struct json_text *e, const char *key, const char *bracket)
{
	json_next(e, key);
	json_put(e, bracket);
	e->filled[++e->depth] = false;
}

void json_finish(struct json_text *e, const char *bracket)
{
	if (e->depth-- <= LINES_DEEP)
		line(e);
	e->filled[e->depth] = true;
	json_put(e, bracket);
}

void json_put_text(struct json_text *e, const char *key, const char *value)
{
	json_next(e, key);
	put_quoted(e, value);
}

void json_put_raw(struct json_text *e, const char *key, const char *value)
{
	json_next(e, key);
	json_put(e, value);
}

void json_put_number(struct json_text *e, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	json_put_raw(e, key, digits);
}
