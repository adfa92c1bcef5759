/* See the header. Brackets are counted and strings passed over; all else is copied as it stands. */
#include "ctl/verbatim.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define INDENT 2

/* The end of the string that begins at `at`; NULL: it has none. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end; at++)
		if (*at == '\\')
			at++;
		else if (*at == '"')
			return at + 1;
	return NULL;
}

static void new_line(FILE *out, int depth)
{
	putc_unlocked('\n', out);
	for (int i = 0; i < depth * INDENT; i++)
		putc_unlocked(' ', out);
}

/* An opening bracket; what is empty stays in one line. Returns where to go on. */
static const char *print_opening(const char *at, const char *end, FILE *out, int *depth)
{
	putc_unlocked(*at, out);
	if (at + 1 < end && (at[1] == '}' || at[1] == ']')) {
		putc_unlocked(at[1], out);
		return at + 2;
	}
	new_line(out, ++*depth);
	return at + 1;
}

static const char *print_string(const char *at, const char *end, FILE *out)
{
	const char *behind = string_end(at, end);

	if (behind)
		fwrite_unlocked(at, 1, (size_t)(behind - at), out);
	return behind;
}

/* One token; NULL: no JSON. */
static const char *print_token(const char *at, const char *end, FILE *out, int *depth)
{
	switch (*at) {
	case '{':
	case '[':
		return *depth < DEPTH_MAX ? print_opening(at, end, out, depth) : NULL;
	case '}':
	case ']':
		if (!*depth)
			return NULL;
		new_line(out, --*depth);
		break;
	case '"':
		return print_string(at, end, out);
	case ',':
		putc_unlocked(',', out);
		new_line(out, *depth);
		return at + 1;
	case ':':
		putc_unlocked(':', out);
		putc_unlocked(' ', out);
		return at + 1;
	}
	putc_unlocked(*at, out);
	return at + 1;
}

bool verbatim_print(const char *json, size_t size, FILE *out)
{
	const char *at = json, *end = json + size;
	int depth = 0;

	while (at && at < end)
		at = print_token(at, end, out, &depth);
	return at && !depth && !ferror_unlocked(out);
}

/* Behind the array that begins at `at`; NULL: it has no end. */
static const char *array_end(const char *at, const char *end)
{
	int depth = 0;

	while (at && at < end) {
		if (*at == '"') {
			at = string_end(at, end);
			continue;
		}
		depth += *at == '[';
		depth -= *at == ']';
		at++;
		if (!depth)
			return at;
	}
	return NULL;
}

/* Whether the string from `at` to `behind` is the key of an array. */
static bool is_key_of_array(const char *at, const char *behind, const char *end, const char *key)
{
	size_t length = (size_t)(behind - at) - 2;

	return strlen(key) == length && !memcmp(at + 1, key, length) && end - behind >= 2 &&
	       behind[0] == ':' && behind[1] == '[';
}

char *verbatim_without(const char *json, size_t size, const char *key)
{
	const char *at = json, *end = json + size;
	char *copy = malloc(size + 1), *to = copy;

	while (copy && at && at < end) {
		const char *behind = *at == '"' ? string_end(at, end) : at + 1;
		bool is_left_out = behind && *at == '"' && is_key_of_array(at, behind, end, key);

		if (behind)
			to = (char *)memcpy(to, at, (size_t)(behind - at)) + (behind - at);
		at = behind;
		if (!is_left_out)
			continue;
		at = array_end(behind + 1, end);
		to = (char *)memcpy(to, ":[]", 3) + 3;
	}
	if (!copy || !at) {
		free(copy);
		return NULL;
	}
	*to = '\0';
	return copy;
}
