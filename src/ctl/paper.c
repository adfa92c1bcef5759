/* See paper.h. */
#include "ctl/paper.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/duration.h"
#include "base/text.h"

bool paper_takes_escapes(FILE *out)
{
	const char *terminal = getenv("TERM");

	return isatty(fileno(out)) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static bool is_colourful(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");

	return paper_takes_escapes(out) && !(no_colour && *no_colour);
}

struct paper paper_of(FILE *out, enum paper_colour colour)
{
	struct timespec now;
	struct paper paper = {.out = out};

	clock_gettime(CLOCK_REALTIME, &now);
	paper.now = now.tv_sec * NSTIME_S + now.tv_nsec;
	paper.colour = colour == PAPER_AUTO ? is_colourful(out) : colour == PAPER_ALWAYS;
	return paper;
}

static const char *escape_of(enum ink ink)
{
	switch (ink) {
	case INK_GOOD:
		return "\033[32m";
	case INK_WARN:
		return "\033[33m";
	case INK_BAD:
		return "\033[1;31m";
	case INK_HEAD:
		return "\033[1m";
	case INK_DIM:
		return "\033[2m";
	case INK_PLAIN:
		break;
	}
	return NULL;
}

void paper_put(const struct paper *paper, enum ink ink, const char *format, ...)
{
	const char *escape = paper->colour ? escape_of(ink) : NULL;
	va_list list;

	if (escape)
		fputs(escape, paper->out);
	va_start(list, format);
	vfprintf(paper->out, format, list);
	va_end(list);
	if (escape)
		fputs("\033[0m", paper->out);
}

/* How many bytes the first character of a text has, and how many columns of a terminal it takes. Without a locale that
 * knows (main sets one) each takes one. */
static size_t character(const char *text, size_t length, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t bytes = mbrtowc(&wide, text, length, &state);
	int width;

	*columns = 1;
	if (bytes > 0 && bytes <= length) {
		width = wcwidth(wide);
		if (width >= 0)
			*columns = (size_t)width;
		return bytes;
	}
	for (bytes = 1; bytes < length && ((unsigned char)text[bytes] & 0xc0) == 0x80;)
		bytes++;
	return bytes;
}

static size_t columns_of(const char *text, size_t length)
{
	size_t columns = 0, one;

	for (size_t at = 0; at < length; columns += one)
		at += character(text + at, length - at, &one);
	return columns;
}

size_t paper_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

size_t paper_fitting(const char *text, size_t columns)
{
	size_t length = strlen(text), at = 0, used = 0;

	while (at < length) {
		size_t one, bytes = character(text + at, length - at, &one);

		if (used + one > columns)
			break;
		used += one;
		at += bytes;
	}
	return at;
}

/* A word that is longer than a line: as much of it as there is room for, at least one character. */
static size_t part_of_word(const char *text, size_t length, size_t room)
{
	size_t part = paper_fitting(text, room), one;

	if (!part)
		part = character(text, length, &one);
	return part < length ? part : length;
}

static void new_line(struct flow *flow)
{
	paper_put(flow->paper, INK_PLAIN, "\n%*s", (int)flow->indent, "");
	flow->at = flow->indent;
	flow->has_text = false;
}

/* A word, on this line if there is room; a longer one than a line is broken at its end. */
static void put_word(struct flow *flow, enum ink ink, const char *word, size_t length)
{
	size_t blank = flow->wants_blank && flow->has_text;

	if (flow->at + blank + columns_of(word, length) > PAPER_WIDTH &&
	    (flow->has_text || flow->at > flow->indent)) {
		new_line(flow);
		blank = 0;
	}
	flow->wants_blank = false;
	while (length) {
		size_t used = flow->at + blank,
		       room = used < PAPER_WIDTH ? PAPER_WIDTH - used : 1,
		       part = columns_of(word, length) > room ? part_of_word(word, length, room)
							      : length;

		paper_put(flow->paper, ink, "%s%.*s", blank ? " " : "", (int)part, word);
		flow->at += blank + columns_of(word, part);
		flow->has_text = true;
		blank = 0;
		word += part;
		length -= part;
		if (length)
			new_line(flow);
	}
}

void flow_put(struct flow *flow, enum ink ink, const char *format, ...)
{
	char text[8 * PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));
	const char *at = text;
	va_list list;

	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
	while (*at) {
		size_t length = strcspn(at, " ");

		if (length)
			put_word(flow, ink, at, length);
		at += length;
		flow->wants_blank |= *at == ' ';
		at += strspn(at, " ");
	}
}

void flow_end(struct flow *flow)
{
	paper_put(flow->paper, INK_PLAIN, "\n");
}

void paper_fold(const struct paper *paper, enum ink ink, size_t at, size_t indent, const char *text)
{
	struct flow flow = {.paper = paper, .at = at, .indent = indent};

	flow_put(&flow, ink, "%s", text);
	flow_end(&flow);
}

enum ink paper_ink(const char *state)
{
	static const struct {
		const char *state;
		enum ink ink;
	} inks[] = {
		{"MASTER", INK_GOOD},  {"up", INK_GOOD},    {"passed", INK_GOOD},
		{"running", INK_GOOD}, {"INIT", INK_WARN},  {"degraded", INK_WARN},
		{"panic", INK_WARN},   {"sorry", INK_WARN}, {"FAULT", INK_BAD},
		{"down", INK_BAD},     {"failed", INK_BAD}, {"unknown", INK_WARN},
	};

	for (size_t i = 0; i < COUNT_OF(inks); i++)
		if (!strcmp(inks[i].state, state))
			return inks[i].ink;
	return INK_PLAIN;
}

/* RFC 3339 in UTC, as the daemon writes it. */
static bool time_parse(const json_t *time, struct tm *tm, int *millis)
{
	const char *text = json_string_value(time);

	*tm = (struct tm){0};
	return text && sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &tm->tm_year, &tm->tm_mon,
			      &tm->tm_mday, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, millis) == 7;
}

const char *paper_ago(const struct paper *paper, const json_t *time, char *out)
{
	struct tm tm;
	int millis;
	nstime point;

	if (!time_parse(time, &tm, &millis))
		return strcpy(out, "-");
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	point = timegm(&tm) * NSTIME_S + millis * NSTIME_MS;
	return duration_about((paper->now - point) / NSTIME_MS * NSTIME_MS, out);
}

const char *paper_time(const json_t *time, char *out)
{
	struct tm tm;
	int millis;

	if (!time_parse(time, &tm, &millis))
		return strcpy(out, "-");
	snprintf(out, PAPER_TEXT, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year, tm.tm_mon,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

static void clean_string(json_t *value)
{
	size_t length = json_string_length(value), size = 4 * length + 1;
	char *clean = malloc(size);
	struct text out;

	if (!clean)
		return;
	out = text_of(clean, size);
	text_add_clean(&out, json_string_value(value), length);
	json_string_set(value, clean);
	free(clean);
}

void paper_clean(json_t *value)
{
	const char *key;
	json_t *member;
	size_t at;

	if (json_is_string(value))
		clean_string(value);
	json_object_foreach (value, key, member)
		paper_clean(member);
	json_array_foreach (value, at, member)
		paper_clean(member);
}

void paper_lines(const struct paper *paper, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		json_t *line = json_stringn(text, length);

		paper_clean(line);
		paper_put(paper, INK_PLAIN, "%s\n", json_string_value(line));
		json_decref(line);
		text += length + (text[length] == '\n');
	}
}

json_t *json_of_text(const char *text)
{
	json_t *value = json_string(text);
	char *clean = value ? NULL : strdup(text);

	if (!clean)
		return value;
	text_clean(clean);
	value = json_string(clean);
	free(clean);
	return value;
}

const char *json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

long long json_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool json_truth(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}
