/* Memory with one lifetime: allocate many, free all at once. A configuration, a plan, a decoded slice each live
 * in an arena of their own. The only base module that calls malloc. Not thread safe. */
#ifndef LBHA_BASE_ARENA_H
#define LBHA_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct arena;

/* A new arena that may hold at most `limit` bytes (0: no limit). NULL when out of memory. */
struct arena *arena_new(size_t limit);
/* The same without a limit, for one of many that stay small: its first block has room for `first` bytes and no more. */
struct arena *arena_new_small(size_t first);

/* Forgets all that was allocated from it, and keeps the memory for the next to come: after a few rounds of the same size
 * it needs no more. */
void arena_reset(struct arena *arena);

/* Frees the arena and all that was allocated from it; NULL is fine. */
void arena_free(struct arena *arena);
void arena_freep(struct arena **arena);
#define auto_arena cleanup(arena_freep) struct arena

/* `size` zeroed bytes, aligned for any type; NULL when memory or the limit is exhausted. The failure sticks:
 * a builder may allocate many times and ask arena_failed() once. */
void *arena_alloc(struct arena *arena, size_t size);

/* `count` zeroed elements of `size` bytes; NULL on overflow or exhaustion. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Copies; NULL only when exhausted. arena_text takes `length` bytes and adds the zero. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_text(struct arena *arena, const char *bytes, size_t length);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list list) PRINTF_LIKE(2, 0);

/* Grows an array kept in the arena by one element (capacities double): returns the new element, zeroed, and
 * updates *items and *count; NULL when exhausted. `*items` must have come from this function or be NULL. */
void *arena_push(struct arena *arena, void *items, size_t *count, size_t size);

/* Whether any allocation has failed so far; bytes handed out so far. */
int arena_failed(const struct arena *arena);
size_t arena_used(const struct arena *arena);

#endif
