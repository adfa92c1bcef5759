/* From bytes to lines; see the header. A line goes through: its comment is cut off; it belongs to a
 * definition that goes over several lines, or its condition is looked at, it is a definition, it is
 * repeated for a sequence, or definitions in it are replaced, after which it begins again. What is
 * left is an include or is handed over. */
#include "convert/ka_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"

#define BLANKS " \t"
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define REPLACED_MAX 1000 /* definitions in one line */
#define VALUES_MAX 100000 /* of a sequence */

struct definition {
	const char *name, *value;
	bool is_open; /* it goes on in the next line */
	struct definition *next;
};

struct reading {
	const struct ka_lines *lines;
	struct definition *definitions;
	struct definition *open;     /* the one that lines are added to */
	const char *file;
	uint32_t line;
	unsigned depth, include_depth, include_count;
	size_t count;
	char *rooms[KA_DEPTH_MAX]; /* where definitions are put in, by depth */
};

#define ROOM (9 * KA_LINE_MAX)

static int take_line(struct reading *r, char *text);

static int refuse(struct reading *r, const char *why)
{
	if (r->lines->files->say)
		r->lines->files->say(r->lines->files->ctx, r->file, r->line, why);
	return -E2BIG;
}

static void warn(struct reading *r, const char *format, const char *what)
{
	char text[KA_WHY];
	struct text out = text_of(text, sizeof(text));

	text_add(&out, "%s", format);
	text_add_clean(&out, what, strlen(what));
	if (r->lines->files->say)
		r->lines->files->say(r->lines->files->ctx, r->file, r->line, text);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void trim(char *text)
{
	size_t blanks = strspn(text, BLANKS), length;

	memmove(text, text + blanks, strlen(text + blanks) + 1);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		text[--length] = '\0';
}

/* Cuts off a comment that stands outside of double quotes, and blanks around the rest. A backslash
 * keeps the next sign from its meaning; at the end it says that the line goes on. */
static void decomment(char *text)
{
	bool quoted = false, goes_on = false;
	char *at = text;

	while ((at = strpbrk(at, "!#\"\\"))) {
		if (*at == '\\' && !at[1]) {
			*at = '\0';
			goes_on = true;
			break;
		}
		if (*at == '\\') {
			if (!quoted && strchr("#!", at[1]))
				memmove(at, at + 1, strlen(at + 1) + 1), at++;
			else
				at += 2;
			continue;
		}
		if (*at != '"' && !quoted) {
			*at = '\0';
			break;
		}
		quoted ^= *at++ == '"';
	}
	trim(text);
	if (goes_on)
		memcpy(text + strlen(text), "\\", 2);
}

/* ---- definitions ---------------------------------------------------------------------------- */

static struct definition *definition_of(struct reading *r, const char *name, size_t length)
{
	struct definition *at = r->definitions;

	while (at && (strlen(at->name) != length || memcmp(at->name, name, length) != 0))
		at = at->next;
	return at;
}

static struct definition *define(struct reading *r, const char *name, size_t length,
				 const char *value)
{
	struct definition *definition = definition_of(r, name, length);

	if (!definition) {
		definition = arena_alloc(r->lines->arena, sizeof(*definition));
		if (!definition)
			return NULL;
		definition->name = arena_text(r->lines->arena, name, length);
		definition->next = r->definitions;
		if (!definition->name)
			return NULL;
		r->definitions = definition;
	}
	definition->value = arena_strdup(r->lines->arena, value);
	if (!definition->value)
		definition->value = "";
	return definition;
}

/* Adds a line of a definition that goes over several. */
static void definition_grow(struct reading *r, char *text)
{
	struct definition *definition = r->open;
	size_t length = strlen(text);

	r->open = NULL;
	if (length && text[length - 1] == '\\') {
		text[length - 1] = '\0';
		r->open = definition;
	}
	trim(text);
	if (*text)
		definition->value = *definition->value
					    ? arena_printf(r->lines->arena, "%s\n%s",
							   definition->value, text)
					    : arena_strdup(r->lines->arena, text);
	if (!definition->value)
		definition->value = "";
}

/* Whether the line is $NAME=VALUE; then it has been kept. */
static bool take_definition(struct reading *r, char *text)
{
	size_t length = strspn(text + 1, NAME_LETTERS);
	struct definition *definition;
	char *value = text + 1 + length, *end;

	if (text[0] != '$' || !length || (text[1] >= '0' && text[1] <= '9'))
		return false;
	value += strspn(value, BLANKS);
	if (*value != '=')
		return false;
	value += 1 + strspn(value + 1, BLANKS);
	end = value + strlen(value);
	if (end > value && end[-1] == '\\') {
		end[-1] = '\0';
		trim(value);
		definition = define(r, text + 1, length, value);
		r->open = definition;
		return true;
	}
	define(r, text + 1, length, value);
	return true;
}

/* The folder of the file, as keepalived's ${_PWD}. */
static const char *folder_of(struct reading *r)
{
	const char *slash = strrchr(r->file, '/');

	return slash ? arena_text(r->lines->arena, r->file, (size_t)(slash - r->file)) : ".";
}

/* What a name stands for; NULL: nothing. */
static const char *value_of(struct reading *r, const char *name, size_t length)
{
	static const struct {
		const char *name, *value;
	} fixed[] = {{"_HASH", "#"}, {"_BANG", "!"}};
	struct definition *definition = definition_of(r, name, length);

	if (definition)
		return definition->value;
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		if (strlen(fixed[i].name) == length && !memcmp(fixed[i].name, name, length))
			return fixed[i].value;
	if (length == 4 && !memcmp(name, "_PWD", 4))
		return folder_of(r);
	if (length == 9 && !memcmp(name, "_INSTANCE", 9))
		return r->lines->id;
	return NULL;
}

/* Where ${NAME PARAMETERS} ends, whose name does; NULL: it is none. keepalived has parameters for what it makes up itself
 * at its start, and for nothing else. */
static const char *parameters_end(struct reading *r, const char *name, const char *behind)
{
	const char *end = behind + strspn(behind, NAME_LETTERS BLANKS);
	size_t length = (size_t)(behind - name);
	bool is_made_up = (length == 7 && !memcmp(name, "_RANDOM", 7)) || (length == 4 && !memcmp(name, "_ENV", 4));

	if (*end != '}' || (!is_made_up && (end == behind || !definition_of(r, name, length))))
		return NULL;
	return end;
}

static void cut_parameters(struct reading *r, char *at, const char *end)
{
	size_t length = (size_t)(end + 1 - at);
	const char *what = arena_text(r->lines->arena, at, length);

	warn(r, "a value that is not known here, or parameters that keepalived does not know; left out: ",
	     what ? what : "");
	memmove(at, end + 1, strlen(end + 1) + 1);
}

/* Puts a value in the place of a name. False with *err when the line grows beyond all bounds. */
static bool put_value(struct reading *r, char *text, char *at, const char *behind, const char *value, int *err)
{
	size_t length = strlen(value);

	if ((strlen(text) + length >= KA_LINE_MAX && !strchr(value, '\n')) ||
	    (size_t)(at - text) + length + strlen(behind) >= 8 * KA_LINE_MAX) {
		*err = refuse(r, "definitions make this line too long");
		return false;
	}
	memmove(at + length, behind, strlen(behind) + 1);
	memcpy(at, value, length);
	return true;
}

/* Replaces the first $NAME or ${NAME} that stands for something from *from on; *from is where to look
 * next. A name without braces ends with a blank, a comma or a parenthesis. Whether it did; false with *err when the line
 * grows beyond all bounds. */
static bool replace_one(struct reading *r, char *text, size_t *from, int *err)
{
	char *at = text + *from;

	while ((at = strchr(at, '$'))) {
		bool braces = at[1] == '{';
		const char *name = at + 1 + braces, *behind = name + strspn(name, NAME_LETTERS), *value;
		const char *parameters = braces && behind != name ? parameters_end(r, name, behind) : NULL;
		bool is_name = behind != name && (braces ? *behind == '}' : !*behind || strchr(BLANKS ",)", *behind));

		if (parameters) {
			cut_parameters(r, at, parameters);
			continue;
		}
		value = is_name ? value_of(r, name, (size_t)(behind - name)) : NULL;
		if (value) {
			*from = (size_t)(at - text);
			return put_value(r, text, at, behind + braces, value, err);
		}
		at++;
	}
	return false;
}

/* All of them; `text` has ROOM bytes. */
static int replace_all(struct reading *r, char *text)
{
	size_t from = 0;
	int err = 0, left = REPLACED_MAX;

	while (left-- && replace_one(r, text, &from, &err) && !strchr(text, '\n'))
		;
	return err ? err : left < 0 ? refuse(r, "a definition contains itself") : 0;
}

/* Where a copy of a text can grow; of this depth. NULL: told. */
static char *room_for(struct reading *r, const char *text)
{
	char **room = &r->rooms[r->depth - 1];

	if (!*room)
		*room = arena_alloc(r->lines->arena, ROOM);
	if (!*room || strlen(text) > KA_LINE_MAX) {
		refuse(r, "the line is too long");
		return NULL;
	}
	memcpy(*room, text, strlen(text) + 1);
	return *room;
}

/* ---- sequences ------------------------------------------------------------------------------ */

static int again(struct reading *r, const char *rest)
{
	char *copy = arena_strdup(r->lines->arena, rest);

	return copy ? take_line(r, copy) : -ENOMEM;
}

static size_t split(char *list, char **parts, size_t room)
{
	size_t count = 0;

	for (char *at = list; at && count < room;) {
		char *comma = strchr(at, ',');

		if (comma)
			*comma = '\0';
		trim(at);
		parts[count++] = at;
		at = comma ? comma + 1 : NULL;
	}
	return count;
}

#define NUMBER_MAX 0x7fffffffL

struct numbers {
	long start, step, end;
};

static bool parse_number(const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 0);
	return end != text && !*end && !errno && *out <= NUMBER_MAX && *out >= -NUMBER_MAX;
}

/* "end", "start, end" or "start, step, end". */
static bool parse_numbers(char *list, struct numbers *out)
{
	char *parts[4];
	size_t count = split(list, parts, COUNT_OF(parts));
	long number[3];

	if (!count || count > 3)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!parse_number(parts[i], &number[i]))
			return false;
	out->end = number[count - 1];
	out->start = count > 1 ? number[0] : out->end < 0 ? -1 : 1;
	out->step = count > 2 ? number[1] : out->start <= out->end ? 1 : -1;
	return out->step && (out->start == out->end || (out->step > 0) == (out->start < out->end)) &&
	       (out->end - out->start) / out->step <= VALUES_MAX;
}

/* ~SEQ(var, start, step, end) and ~SEQx: start and step may be left out, and definitions may stand for numbers. */
static int take_numbers(struct reading *r, char *list, const char *rest, bool hex)
{
	char *comma = strchr(list, ','), *text, value[24];
	struct numbers numbers;
	int err = 0;

	text = room_for(r, comma ? comma + 1 : list);
	if (!text || (err = replace_all(r, text)))
		return text ? err : -E2BIG;
	if (!comma || strchr(text, '\n') || !parse_numbers(text, &numbers) ||
	    (hex && (numbers.start < 0 || numbers.end < 0)))
		return warn(r, "no sequence: ", list), 0;
	*comma = '\0';
	trim(list);
	for (long at = numbers.start; !err && (numbers.step > 0 ? at <= numbers.end : at >= numbers.end);
	     at += numbers.step) {
		struct text out = text_of(value, sizeof(value));

		text_add(&out, hex ? "%lx" : "%ld", at);
		define(r, list, strlen(list), value);
		err = again(r, rest);
	}
	return err;
}

/* ~LST(var, a, b) */
static int take_values(struct reading *r, char *list, const char *rest)
{
	char *parts[256];
	size_t count = split(list, parts, COUNT_OF(parts));
	int err = 0;

	for (size_t i = 1; !err && i < count; i++) {
		define(r, parts[0], strlen(parts[0]), parts[i]);
		err = again(r, rest);
	}
	return err;
}

/* ~LST({a, b}, {1, 2}, {3, 4}) */
static int take_tuples(struct reading *r, char *list, const char *rest)
{
	char *names[16], *values[16], *close = strchr(list, '}');
	size_t count;
	int err = 0;

	if (!close)
		return warn(r, "no list: ", list), 0;
	*close = '\0';
	count = split(list + 1, names, COUNT_OF(names));
	for (char *at = strchr(close + 1, '{'); !err && at && (close = strchr(at, '}'));
	     at = strchr(close + 1, '{')) {
		size_t given;

		*close = '\0';
		given = split(at + 1, values, COUNT_OF(values));
		for (size_t i = 0; i < count && i < given; i++)
			define(r, names[i], strlen(names[i]), values[i]);
		err = again(r, rest);
	}
	return err;
}

static int take_sequence(struct reading *r, char *text)
{
	char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL, *rest;
	long step = close ? 1 : 0;

	if (!step)
		return warn(r, "no sequence: ", text), 0;
	*close = '\0';
	rest = close + 1;
	rest += strspn(rest, BLANKS);
	open++;
	open += strspn(open, BLANKS);
	if (text[1] == 'S')
		return take_numbers(r, open, rest, text[4] == 'x');
	return *open == '{' ? take_tuples(r, open, rest) : take_values(r, open, rest);
}

/* ---- includes ------------------------------------------------------------------------------- */

static int take_file(struct reading *r, const char *path, const char *bytes, size_t size);

static int found_file(void *ctx, const char *path, const char *bytes, size_t size)
{
	return take_file(ctx, path, bytes, size);
}

/* The pattern of an include line (include, and includer, m, w, b, a of later versions), or NULL. */
static const char *include_pattern(const char *text)
{
	const char *at = text + 7;

	if (strncmp(text, "include", 7) != 0)
		return NULL;
	if (*at && strchr("rmwba", *at))
		at++;
	return strchr(BLANKS, *at) && *at ? at + strspn(at, BLANKS) : NULL;
}

static int take_include(struct reading *r, const char *pattern)
{
	const struct ka_files *files = r->lines->files;
	const char *file = r->file;
	uint32_t line = r->line;
	char why[KA_WHY] = "";
	int err = 0;

	if (r->include_depth >= KA_DEPTH_MAX || ++r->include_count > KA_INCLUDES_MAX)
		return refuse(r, "includes are nested too deeply, or in a loop");
	r->include_depth++;
	if (files->include)
		err = files->include(files->ctx, file, pattern, found_file, r, why);
	r->include_depth--;
	r->file = file;
	r->line = line;
	if (!err || !why[0])
		return err;
	warn(r, "include: ", why);
	return 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* What stands behind @id or @^id; NULL: the line is for others. */
static char *take_condition(struct reading *r, char *text)
{
	bool is_reverse = text[1] == '^';
	const char *id = text + 1 + is_reverse;
	size_t length = strcspn(id, BLANKS);
	bool is_ours = r->lines->id && strlen(r->lines->id) == length &&
		       !memcmp(r->lines->id, id, length);

	if (!id[length] || is_ours == is_reverse)
		return NULL;
	return text + (id - text) + length + strspn(id + length, BLANKS);
}

/* A definition over several lines has been put in: each line by itself. */
static int take_several(struct reading *r, char *text)
{
	int err = 0;

	for (char *at = text; at && !err;) {
		char *end = strchr(at, '\n');

		if (end)
			*end = '\0';
		err = take_line(r, at);
		at = end ? end + 1 : NULL;
	}
	return err;
}

/* Replaces what stands for something; `text` has room for that. */
static int take_replaced(struct reading *r, char *text)
{
	const char *pattern;
	int err = replace_all(r, text);

	if (err)
		return err;
	if (strchr(text, '\n'))
		return take_several(r, text);
	decomment(text);
	if (*text == '@' || *text == '~')
		return take_line(r, text);
	pattern = include_pattern(text);
	if (pattern)
		return take_include(r, pattern);
	return *text ? r->lines->handle(r->lines->ctx, r->file, r->line, text) : 0;
}

static int take_deeper(struct reading *r, char *text)
{
	char *room;

	if (r->open)
		return definition_grow(r, text), 0;
	if (*text == '@')
		text = take_condition(r, text);
	if (!text || !*text || take_definition(r, text))
		return 0;
	if (!strncmp(text, "~SEQ", 4) || !strncmp(text, "~LST", 4))
		return take_sequence(r, text);
	if (!strchr(text, '$'))
		return take_replaced(r, text);
	room = room_for(r, text);
	return room ? take_replaced(r, room) : -E2BIG;
}

static int take_line(struct reading *r, char *text)
{
	int err;

	if (r->depth >= KA_DEPTH_MAX)
		return refuse(r, r->include_depth ? "includes or definitions are nested too deeply, or in a loop"
						  : "definitions are nested too deeply");
	if (++r->count > KA_LINES_MAX || arena_failed(r->lines->arena))
		return refuse(r, "the file becomes too large");
	r->depth++;
	err = take_deeper(r, text);
	r->depth--;
	return err;
}

static int take_file(struct reading *r, const char *path, const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;
	int err = 0;

	r->file = arena_strdup(r->lines->arena, path);
	if (!r->file)
		return -ENOMEM;
	r->line = 0;
	while (at < end && !err) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char *text;

		r->line++;
		if (length && at[length - 1] == '\r')
			length--;
		/* two bytes more than the line: decomment() may put a backslash back */
		text = arena_alloc(r->lines->arena, length + 2);
		if (!text || length > KA_LINE_MAX)
			return refuse(r, "the line is too long");
		memcpy(text, at, length);
		decomment(text);
		if (!length)
			r->open = NULL; /* an empty line ends a definition */
		else if (*text)
			err = take_line(r, text);
		at = stop ? stop + 1 : end;
	}
	return err;
}

int ka_lines_read(const struct ka_lines *lines, const char *path, const char *bytes, size_t size)
{
	struct reading reading = {.lines = lines, .file = path};

	return take_file(&reading, path, bytes, size);
}
