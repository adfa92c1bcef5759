/* Collecting, sorting and printing what is wrong; see the header. Repeats are told by place,
 * severity and text, not by path, because an alias or a default is one place that many paths lead
 * to. */
#include "config/diagnostics.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena)
{
	*diagnostics = (struct diagnostics){.arena = arena};
}

static int text_order(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* By line, column, severity and text: zero means that one of the two is a repeat. */
static int same_file_order(const struct diagnostic *a, const struct diagnostic *b)
{
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity < b->severity ? -1 : 1;
	return strcmp(a->text, b->text);
}

static bool was_said(struct diagnostics *diagnostics, const struct diagnostic *item, uint64_t hash)
{
	uint32_t at;

	if (!diagnostics->count && table_init(&diagnostics->seen, diagnostics->arena, 64))
		return false;
	for (size_t step = 0; table_next(&diagnostics->seen, hash, &step, &at);)
		if (!text_order(diagnostics->items[at].file, item->file) &&
		    !same_file_order(&diagnostics->items[at], item))
			return true;
	return false;
}

void diagnostics_addv(struct diagnostics *diagnostics, const struct diagnostic *where,
		      const char *format, va_list list)
{
	struct diagnostic item = *where, *added;
	char *text = arena_vprintf(diagnostics->arena, format, list);
	uint64_t hash;

	if (!text)
		return;
	text_clean(text);
	item.text = text;
	item.order = diagnostics->count;
	hash = text_hash(text_hash(TEXT_HASH, &item.line, sizeof(item.line)), text, strlen(text));
	if (was_said(diagnostics, &item, hash))
		return;
	if (item.severity == SEVERITY_ERROR)
		diagnostics->errors++;
	else
		diagnostics->warnings++;
	if (diagnostics->count >= DIAGNOSTICS_MAX) {
		diagnostics->dropped++;
		return;
	}
	added = arena_push(diagnostics->arena, &diagnostics->items, &diagnostics->count,
			   sizeof(*added));
	if (!added || table_add(&diagnostics->seen, hash, (uint32_t)item.order))
		return;
	*added = item;
}

void diagnostics_add(struct diagnostics *diagnostics, const struct diagnostic *where,
		     const char *format, ...)
{
	va_list list;

	va_start(list, format);
	diagnostics_addv(diagnostics, where, format, list);
	va_end(list);
}

static int place_order(const void *left, const void *right)
{
	const struct diagnostic *a = left, *b = right;
	int order = text_order(a->file, b->file);

	if (!order)
		order = same_file_order(a, b);
	if (!order)
		order = a->order < b->order ? -1 : 1;
	return order;
}

/* Moves the messages about the main file to the front; both parts stay in order. */
static void main_file_first(struct diagnostics *diagnostics)
{
	struct diagnostic *items = diagnostics->items;
	size_t first = 0, behind;
	struct diagnostic *copy;

	while (first < diagnostics->count && text_order(items[first].file, diagnostics->main_file))
		first++;
	behind = first;
	while (behind < diagnostics->count &&
	       !text_order(items[behind].file, diagnostics->main_file))
		behind++;
	if (!first || first == behind)
		return;
	copy = arena_copy(diagnostics->arena, items, first * sizeof(*items));
	if (!copy)
		return;
	memmove(items, items + first, (behind - first) * sizeof(*items));
	memcpy(items + (behind - first), copy, first * sizeof(*items));
}

void diagnostics_sort(struct diagnostics *diagnostics)
{
	if (!diagnostics->count)
		return;
	qsort(diagnostics->items, diagnostics->count, sizeof(*diagnostics->items), place_order);
	main_file_first(diagnostics);
}

const char *diagnostic_format(const struct diagnostic *diagnostic, char out[DIAGNOSTIC_LINE])
{
	struct text line = text_of(out, DIAGNOSTIC_LINE);

	if (diagnostic->file) {
		text_add_clean(&line, diagnostic->file, strlen(diagnostic->file));
		if (diagnostic->line)
			text_add(&line, ":%u:%u", diagnostic->line, diagnostic->column);
		text_add(&line, ": ");
	}
	text_add(&line, "%s: ", diagnostic->severity == SEVERITY_ERROR ? "error" : "warning");
	if (diagnostic->path && *diagnostic->path) {
		text_add_clean(&line, diagnostic->path, strlen(diagnostic->path));
		text_add(&line, ": ");
	}
	text_add_clean(&line, diagnostic->text, strlen(diagnostic->text));
	return out;
}

void diagnostics_print(struct diagnostics *diagnostics, void (*line)(void *ctx, const char *text),
		       void *ctx)
{
	char buffer[DIAGNOSTIC_LINE];
	struct text sum;

	diagnostics_sort(diagnostics);
	for (size_t i = 0; i < diagnostics->count; i++)
		line(ctx, diagnostic_format(&diagnostics->items[i], buffer));
	if (!diagnostics->errors && !diagnostics->warnings)
		return;
	sum = text_of(buffer, sizeof(buffer));
	text_add(&sum, "%zu error%s, %zu warning%s", diagnostics->errors,
		 diagnostics->errors == 1 ? "" : "s", diagnostics->warnings,
		 diagnostics->warnings == 1 ? "" : "s");
	if (diagnostics->dropped)
		text_add(&sum, ", of which %zu are not shown", diagnostics->dropped);
	line(ctx, buffer);
}
