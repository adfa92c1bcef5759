/* See grid.h. Cells and notes are kept in one list in the order they came; the widths are known
 * when all are there. */
#include "ctl/grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2

struct cell {
	struct cell *next;
	bool is_note;
	enum ink ink;
	char text[];
};

struct grid {
	const struct grid_column *columns;
	size_t count;
	struct cell *first, **last;
};

struct grid *grid_new(const struct grid_column *columns, size_t count)
{
	struct grid *grid = calloc(1, sizeof(*grid));

	if (!grid)
		return NULL;
	*grid = (struct grid){.columns = columns, .count = count};
	grid->last = &grid->first;
	return grid;
}

void grid_free(struct grid *grid)
{
	while (grid && grid->first) {
		struct cell *cell = grid->first;

		grid->first = cell->next;
		free(cell);
	}
	free(grid);
}

static void PRINTF_LIKE(4, 0) append(struct grid *grid, bool is_note, enum ink ink,
				     const char *format, va_list list)
{
	char text[4096];
	struct cell *cell;
	int length = vsnprintf(text, sizeof(text), format, list);

	if (!grid || length < 0)
		return;
	cell = malloc(sizeof(*cell) + strlen(text) + 1);
	if (!cell)
		return;
	*cell = (struct cell){.is_note = is_note, .ink = ink};
	strcpy(cell->text, text);
	*grid->last = cell;
	grid->last = &cell->next;
}

void grid_cell(struct grid *grid, enum ink ink, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append(grid, false, ink, format, list);
	va_end(list);
}

void grid_note(struct grid *grid, enum ink ink, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append(grid, true, ink, format, list);
	va_end(list);
}

static size_t longest_word(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, " ");
		char word[PAPER_TEXT];

		snprintf(word, sizeof(word), "%.*s", (int)length, text);
		if (paper_columns(word) > longest)
			longest = paper_columns(word);
		text += length + (text[length] == ' ');
	}
	return longest;
}

/* Each column's width, the folding one narrowed to what is left over by the others. */
static void measure(const struct grid *grid, size_t indent, size_t *widths)
{
	size_t least[GRID_COLUMNS], total = indent + GAP * (grid->count - 1), at = 0;

	for (size_t i = 0; i < grid->count; i++)
		widths[i] = least[i] = paper_columns(grid->columns[i].title);
	for (const struct cell *cell = grid->first; cell; cell = cell->next) {
		if (cell->is_note)
			continue;
		if (paper_columns(cell->text) > widths[at])
			widths[at] = paper_columns(cell->text);
		if (longest_word(cell->text) > least[at])
			least[at] = longest_word(cell->text);
		at = (at + 1) % grid->count;
	}
	for (size_t i = 0; i < grid->count; i++)
		total += widths[i];
	for (size_t i = 0; i < grid->count && total > PAPER_WIDTH; i++) {
		size_t over = total - PAPER_WIDTH, room = over < widths[i] ? widths[i] - over : 0;

		if (!grid->columns[i].folds)
			continue;
		total -= widths[i];
		widths[i] = room > least[i] ? room : least[i];
		total += widths[i];
	}
}

/* The bytes of `text` that fit into `width` columns, cut between words when it is too long. */
static size_t fitting(const char *text, size_t width)
{
	size_t best = 0;

	for (size_t at = 0;; at++) {
		char head[PAPER_TEXT];

		at += strcspn(text + at, " ");
		snprintf(head, sizeof(head), "%.*s", (int)at, text);
		if (best && paper_columns(head) > width)
			return best;
		best = at;
		if (!text[at])
			return best;
	}
}

static void print_cell(const struct grid *grid, const struct paper *paper, size_t column,
		       enum ink ink, const char *text, size_t bytes, const size_t *widths)
{
	char part[PAPER_TEXT];
	size_t columns, pad;
	bool is_last = column + 1 == grid->count;

	snprintf(part, sizeof(part), "%.*s", (int)bytes, text);
	columns = paper_columns(part);
	pad = columns < widths[column] ? widths[column] - columns : 0;
	if (grid->columns[column].is_number)
		paper_put(paper, INK_PLAIN, "%*s", (int)pad, "");
	if (*part)
		paper_put(paper, ink, "%s", part);
	if (!is_last)
		paper_put(paper, INK_PLAIN, "%*s",
			  (int)(GAP + (grid->columns[column].is_number ? 0 : pad)), "");
}

/* Drops the blanks at the end of a line that is made of cells: prints only up to the last that has
 * text. */
static size_t columns_used(const struct grid *grid, const char *const *rest)
{
	size_t used = 0;

	for (size_t i = 0; i < grid->count; i++)
		if (*rest[i])
			used = i + 1;
	return used;
}

static void print_row(const struct grid *grid, const struct paper *paper, size_t indent,
		      const char **rest, const enum ink *inks, const size_t *widths)
{
	for (size_t used = columns_used(grid, rest); used; used = columns_used(grid, rest)) {
		struct grid line = {.columns = grid->columns, .count = used};

		paper_put(paper, INK_PLAIN, "%*s", (int)indent, "");
		for (size_t i = 0; i < used; i++) {
			size_t bytes = fitting(rest[i], widths[i]);

			print_cell(&line, paper, i, inks[i], rest[i], bytes, widths);
			rest[i] += bytes;
			rest[i] += strspn(rest[i], " ");
		}
		paper_put(paper, INK_PLAIN, "\n");
	}
}

void grid_print(const struct grid *grid, const struct paper *paper, size_t indent)
{
	size_t widths[GRID_COLUMNS], at = 0, note_at;
	const char *rest[GRID_COLUMNS];
	enum ink inks[GRID_COLUMNS];

	if (!grid)
		return;
	measure(grid, indent, widths);
	note_at = indent + widths[0] + GAP;
	if (note_at > PAPER_WIDTH / 3)
		note_at = indent + GAP;
	for (size_t i = 0; i < grid->count; i++) {
		rest[i] = grid->columns[i].title;
		inks[i] = INK_DIM;
	}
	print_row(grid, paper, indent, rest, inks, widths);
	for (const struct cell *cell = grid->first; cell; cell = cell->next) {
		if (cell->is_note) {
			paper_put(paper, INK_PLAIN, "%*s", (int)note_at, "");
			paper_fold(paper, cell->ink, note_at, note_at, cell->text);
			continue;
		}
		rest[at] = cell->text;
		inks[at] = cell->ink;
		at = (at + 1) % grid->count;
		if (!at)
			print_row(grid, paper, indent, rest, inks, widths);
	}
}
