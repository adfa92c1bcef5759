/* A draft of lbha.conf: an ordered tree of maps, lists and scalars with comments, made by an import
 * from another program's configuration and written as YAML that lbha.conf's reader takes for what was
 * meant.
 *
 * All of it lives in the arena; what is handed over is copied. Out of memory sticks to the arena
 * (arena_failed()): functions then return NULL, and take NULL as a node. */
#ifndef LBHA_CONVERT_DRAFT_H
#define LBHA_CONVERT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct arena;

enum draft_kind {
	DRAFT_TEXT,   /* any text: quoted where it could be taken for anything else */
	DRAFT_VALUE,  /* a number, a boolean, a share: never in quotes */
	DRAFT_LIST,
	DRAFT_MAP,
};

struct draft_comment {
	const char *text;
	struct draft_comment *next;
};

struct draft {
	enum draft_kind kind;
	bool is_short;                /* a list or map that goes into one line if it is not too long */
	const char *key;              /* in a map */
	const char *text;             /* of a scalar */
	struct draft_comment *above;  /* in lines of their own */
	struct draft_comment *below;  /* of a list or map: behind its last element */
	const char *beside;           /* at the end of its line */
	struct draft *first, *last, *next;
};

/* The empty root, a map. */
struct draft *draft_new(struct arena *arena);

/* The map or list under a key of a map, made at its end when it is not there yet. */
struct draft *draft_map(struct arena *arena, struct draft *map, const char *key);
struct draft *draft_list(struct arena *arena, struct draft *map, const char *key);
/* A new map or list at the end of a list. */
struct draft *draft_item(struct arena *arena, struct draft *list, enum draft_kind kind);

/* A scalar under a key (a second one replaces the first), or a new one at the end of a list (`key` is
 * then NULL). */
struct draft *draft_text(struct arena *arena, struct draft *parent, const char *key, const char *text);
struct draft *draft_textf(struct arena *arena, struct draft *parent, const char *key,
			  const char *format, ...) PRINTF_LIKE(4, 5);
struct draft *draft_value(struct arena *arena, struct draft *parent, const char *key,
			  const char *format, ...) PRINTF_LIKE(4, 5);

/* What is under a key; NULL: nothing. */
struct draft *draft_find(const struct draft *map, const char *key);
/* Takes it out again. */
void draft_remove(struct draft *map, const char *key);
void draft_drop_last(struct draft *list);
size_t draft_count(const struct draft *node);

/* A comment in a line of its own above the node, behind those that it has; beside it, in the place of
 * the one before; behind its last element. */
void draft_above(struct arena *arena, struct draft *node, const char *format, ...) PRINTF_LIKE(3, 4);
void draft_beside(struct arena *arena, struct draft *node, const char *format, ...) PRINTF_LIKE(3, 4);
void draft_below(struct arena *arena, struct draft *node, const char *format, ...) PRINTF_LIKE(3, 4);

/* Writes the draft line by line, without ends of lines. `scratch` may be the draft's arena. -ENOMEM, or
 * -E2BIG for a line that is longer than a reader would take. */
int draft_write(const struct draft *root, struct arena *scratch,
		void (*line)(void *ctx, const char *text), void *ctx);

/* A map that has nothing but this text becomes the text itself. */
void draft_flatten(struct draft *map, const char *key);
/* Puts a node that is in no tree (any more) under a key. */
void draft_adopt(struct arena *arena, struct draft *map, const char *key, const struct draft *node);

/* What stands above the first comes above what stands above the second. */
void draft_follow(struct draft *before, struct draft *node);

/* Whether two trees say the same; comments and places do not count. */
bool draft_equal(const struct draft *a, const struct draft *b);

#endif
