/* Bounded text and nearest words; see the header. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct text text_of(char *buffer, size_t size)
{
	if (size)
		buffer[0] = '\0';
	return (struct text){.start = buffer, .size = size};
}

/* Where to end a text that was cut at `length`, so that no character is left in part. */
static size_t whole_characters(const char *text, size_t length)
{
	size_t start = length;

	while (start && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (!start || (unsigned char)text[start - 1] < 0xc0)
		return length;
	start--; /* its first byte, which says how many there are */
	return length - start < ((unsigned char)text[start] >= 0xf0   ? 4u
				 : (unsigned char)text[start] >= 0xe0 ? 3u
								      : 2u)
		       ? start
		       : length;
}

void text_addv(struct text *out, const char *format, va_list list)
{
	size_t room = out->size - out->length;
	int length = vsnprintf(out->start + out->length, room, format, list);

	if (length < 0)
		return;
	if ((size_t)length < room) {
		out->length += (size_t)length;
		return;
	}
	out->cut = true;
	if (!room)
		return;
	out->length = whole_characters(out->start, out->size - 1);
	out->start[out->length] = '\0';
}

void text_add(struct text *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	text_addv(out, format, list);
	va_end(list);
}

/* Length of the well-formed UTF-8 sequence at `at` (1..4), 0 if there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	if (length == 1)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Whether a terminal shows these bytes where they stand: no control character (C0, DEL, C1) and none that turns the line
 * round or ends it (U+200E, U+200F, U+2028..U+202E, U+2066..U+2069; Unicode annex 9). */
static bool is_shown(const unsigned char *at, size_t size)
{
	if (size == 1)
		return *at >= 0x20 && *at != 0x7f;
	if (size == 2)
		return *at != 0xc2 || at[1] >= 0xa0;
	if (size == 3 && at[0] == 0xe2 && at[1] == 0x80)
		return (at[2] < 0x8e || at[2] > 0x8f) && (at[2] < 0xa8 || at[2] > 0xae);
	if (size == 3 && at[0] == 0xe2 && at[1] == 0x81)
		return at[2] < 0xa6 || at[2] > 0xa9;
	return size;
}

/* Bytes that are no format. */
static void text_append(struct text *out, const void *bytes, size_t size)
{
	if (out->size - out->length <= size) {
		out->cut = true;
		return;
	}
	memcpy(out->start + out->length, bytes, size);
	out->length += size;
	out->start[out->length] = '\0';
}

void text_add_clean(struct text *out, const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = length ? at + length : at;

	while (at < end) {
		size_t size = utf8_length(at, (size_t)(end - at));

		if (is_shown(at, size) && out->size - out->length > size)
			text_append(out, at, size);
		else
			text_append(out, "?", 1);
		at += size ? size : 1;
	}
}

void text_clean(char *text)
{
	unsigned char *at = (unsigned char *)text, *end = at + strlen(text), *out = at;

	while (at < end) {
		size_t size = utf8_length(at, (size_t)(end - at)), whole = size ? size : 1;

		if (is_shown(at, size)) {
			memmove(out, at, whole);
			out += whole;
		} else {
			*out++ = '?';
		}
		at += whole;
	}
	*out = '\0';
}

#define WORD_MAX 64

unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *now = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return limit + 1;
	for (size_t j = 0; j <= lb; j++)
		above[j] = (unsigned)j;
	memset(before, 0, sizeof(rows[0]));
	for (size_t i = 1; i <= la; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = above;
		above = now;
		now = spare;
	}
	return above[lb] > limit ? limit + 1 : above[lb];
}

const char *text_nearest(const char *word, const char *(*next)(const void *ctx, size_t index), const void *ctx)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1;
	const char *candidate, *nearest = NULL;

	for (size_t i = 0; (candidate = next(ctx, i)); i++) {
		unsigned distance = text_distance(word, candidate, best);

		if (distance < best || (distance == best && !nearest)) {
			best = distance;
			nearest = candidate;
		}
	}
	return nearest;
}

unsigned long long text_hash(unsigned long long hash, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}
