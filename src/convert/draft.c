/* Growing the tree; see the header. */
#include "convert/draft.h"

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"

struct draft *draft_new(struct arena *arena)
{
	struct draft *root = arena_alloc(arena, sizeof(*root));

	if (root)
		root->kind = DRAFT_MAP;
	return root;
}

struct draft *draft_find(const struct draft *map, const char *key)
{
	struct draft *at = map ? map->first : NULL;

	while (at && (!at->key || strcmp(at->key, key) != 0))
		at = at->next;
	return at;
}

void draft_remove(struct draft *map, const char *key)
{
	struct draft *before = NULL;

	if (!map)
		return;
	for (struct draft *at = map->first; at; before = at, at = at->next) {
		if (!at->key || strcmp(at->key, key) != 0)
			continue;
		*(before ? &before->next : &map->first) = at->next;
		if (map->last == at)
			map->last = before;
		return;
	}
}

void draft_drop_last(struct draft *list)
{
	struct draft *before = NULL;

	for (struct draft *at = list ? list->first : NULL; at && at->next; at = at->next)
		before = at;
	if (!list || !list->first)
		return;
	*(before ? &before->next : &list->first) = NULL;
	list->last = before;
}

size_t draft_count(const struct draft *node)
{
	size_t count = 0;

	for (const struct draft *at = node ? node->first : NULL; at; at = at->next)
		count++;
	return count;
}

/* The node under a key, or a new last one. */
static struct draft *grow(struct arena *arena, struct draft *parent, const char *key,
			  enum draft_kind kind)
{
	struct draft *node = key ? draft_find(parent, key) : NULL;

	if (!parent)
		return NULL;
	if (node) {
		node->kind = kind;
		return node;
	}
	node = arena_alloc(arena, sizeof(*node));
	if (!node)
		return NULL;
	node->kind = kind;
	node->key = key ? arena_strdup(arena, key) : NULL;
	*(parent->last ? &parent->last->next : &parent->first) = node;
	parent->last = node;
	return key && !node->key ? NULL : node;
}

struct draft *draft_map(struct arena *arena, struct draft *map, const char *key)
{
	return grow(arena, map, key, DRAFT_MAP);
}

struct draft *draft_list(struct arena *arena, struct draft *map, const char *key)
{
	return grow(arena, map, key, DRAFT_LIST);
}

struct draft *draft_item(struct arena *arena, struct draft *list, enum draft_kind kind)
{
	return grow(arena, list, NULL, kind);
}

void draft_flatten(struct draft *map, const char *key)
{
	const struct draft *only = map ? map->first : NULL;

	if (!only || only->next || !only->key || strcmp(only->key, key) != 0 || only->beside || only->above)
		return;
	map->kind = only->kind;
	map->text = only->text;
	map->first = map->last = NULL;
}

void draft_adopt(struct arena *arena, struct draft *map, const char *key, const struct draft *node)
{
	struct draft *place = grow(arena, map, key, node->kind), *next;
	const char *name;

	if (!place)
		return;
	next = place->next;
	name = place->key;
	*place = *node;
	place->next = next;
	place->key = name;
}

static struct draft *scalar(struct draft *node, const char *text)
{
	if (!node || !text)
		return NULL;
	node->text = text;
	return node;
}

struct draft *draft_text(struct arena *arena, struct draft *parent, const char *key, const char *text)
{
	return scalar(grow(arena, parent, key, DRAFT_TEXT), arena_strdup(arena, text));
}

struct draft *draft_textf(struct arena *arena, struct draft *parent, const char *key,
			  const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = arena_vprintf(arena, format, list);
	va_end(list);
	return scalar(grow(arena, parent, key, DRAFT_TEXT), text);
}

struct draft *draft_value(struct arena *arena, struct draft *parent, const char *key,
			  const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = arena_vprintf(arena, format, list);
	va_end(list);
	return scalar(grow(arena, parent, key, DRAFT_VALUE), text);
}

/* ---- comments ------------------------------------------------------------------------------- */

static void PRINTF_LIKE(3, 0) comment_add(struct arena *arena, struct draft_comment **list,
					 const char *format, va_list values)
{
	struct draft_comment *comment = arena_alloc(arena, sizeof(*comment));

	if (!comment)
		return;
	comment->text = arena_vprintf(arena, format, values);
	if (!comment->text)
		return;
	while (*list)
		list = &(*list)->next;
	*list = comment;
}

void draft_above(struct arena *arena, struct draft *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (node)
		comment_add(arena, &node->above, format, list);
	va_end(list);
}

void draft_below(struct arena *arena, struct draft *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (node)
		comment_add(arena, &node->below, format, list);
	va_end(list);
}

void draft_beside(struct arena *arena, struct draft *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (node)
		node->beside = arena_vprintf(arena, format, list);
	va_end(list);
}

void draft_follow(struct draft *before, struct draft *node)
{
	struct draft_comment **end = &before->above;

	if (!node)
		return;
	while (*end)
		end = &(*end)->next;
	*end = node->above;
	node->above = before->above;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool draft_equal(const struct draft *a, const struct draft *b)
{
	const struct draft *left = a->first, *right = b->first;

	if (a->kind != b->kind || !texts_equal(a->text, b->text))
		return false;
	for (; left && right; left = left->next, right = right->next)
		if (!texts_equal(left->key, right->key) || !draft_equal(left, right))
			return false;
	return !left && !right;
}
