/* See the header. */
#include "exporter/lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536 /* at first */

static void add_bytes(struct lines *lines, const char *bytes, size_t size)
{
	size_t room = lines->room ? lines->room : ROOM;
	char *grown;

	while (room < lines->size + size)
		room *= 2;
	if (room > lines->room) {
		grown = lines->failed ? NULL : realloc(lines->text, room);
		if (!grown) {
			lines->failed = true;
			return;
		}
		lines->text = grown;
		lines->room = room;
	}
	memcpy(lines->text + lines->size, bytes, size);
	lines->size += size;
}

void lines_add(struct lines *lines, const char *text)
{
	add_bytes(lines, text, strlen(text));
}

void lines_family(struct lines *lines, const char *name, const char *type, const char *help)
{
	const char *const parts[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		lines_add(lines, parts[i]);
}

void lines_begin(struct lines *lines, const char *name)
{
	lines_add(lines, name);
	lines->labelled = false;
}

static void add_escaped(struct lines *lines, const char *value)
{
	for (size_t plain; *value; value += plain) {
		plain = strcspn(value, "\\\"\n");
		add_bytes(lines, value, plain);
		if (!value[plain])
			return;
		lines_add(lines, value[plain] == '\n' ? "\\n" : value[plain] == '"' ? "\\\"" : "\\\\");
		plain++;
	}
}

void lines_label(struct lines *lines, const char *name, const char *value)
{
	if (!value)
		return;
	lines_add(lines, lines->labelled ? "," : "{");
	lines->labelled = true;
	lines_add(lines, name);
	lines_add(lines, "=\"");
	add_escaped(lines, value);
	lines_add(lines, "\"");
}

static void end(struct lines *lines, const char *value)
{
	lines_add(lines, lines->labelled ? "} " : " ");
	lines_add(lines, value);
	lines_add(lines, "\n");
}

void lines_end(struct lines *lines, double value)
{
	char text[40];

	snprintf(text, sizeof(text), isnan(value) ? "NaN" : "%.15g", value);
	end(lines, text);
}

void lines_end_count(struct lines *lines, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	end(lines, text);
}
