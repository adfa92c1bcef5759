/* Text built in a fixed buffer, and the nearest word for suggestions. */
#ifndef LBHA_BASE_TEXT_H
#define LBHA_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* A text under construction: always terminated; what does not fit is cut and `cut` says so. */
struct text {
	char *start;
	size_t length, size;
	bool cut;
};

struct text text_of(char *buffer, size_t size);
void text_add(struct text *out, const char *format, ...) PRINTF_LIKE(2, 3);
void text_addv(struct text *out, const char *format, va_list list) PRINTF_LIKE(2, 0);
/* Control characters, those that turn a line round, and bytes that are no UTF-8 become '?': for foreign text on its way to a log or terminal. */
void text_add_clean(struct text *out, const char *bytes, size_t length);
/* The same in place; it gets no longer. */
void text_clean(char *text);

/* Edits (insert, delete, change, swap of neighbours) that turn a into b; more than `limit` gives limit + 1. */
unsigned text_distance(const char *a, const char *b, unsigned limit);

/* The candidate nearest to `word`, or NULL if none is near enough to be meant. next(ctx, i) gives the i-th
 * candidate, NULL at the end. */
const char *text_nearest(const char *word, const char *(*next)(const void *ctx, size_t index), const void *ctx);

/* FNV-1a, 64 bits: for tables and stable hashes; never for secrets. Start with TEXT_HASH. */
#define TEXT_HASH 0xcbf29ce484222325ull
unsigned long long text_hash(unsigned long long hash, const void *bytes, size_t size);

#endif
