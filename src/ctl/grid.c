/* See grid.h. Cells and notes are kept in one list in the order they came; the widths are known
 * when all are there. */
#include "ctl/grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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

/* ---- widths ------------------------------------------------------------------------ */

#define LEAST 8 /* columns are not narrowed below, or below their title */

/* What a column needs so that no cell overflows it: its longest text, or its longest word if it folds. */
struct need {
	size_t whole, word;
};

static void find_needs(const struct grid *grid, struct need *needs)
{
	size_t at = 0;

	for (size_t i = 0; i < grid->count; i++)
		needs[i].whole = needs[i].word = paper_columns(grid->columns[i].title);
	for (const struct cell *cell = grid->first; cell; cell = cell->next) {
		size_t whole, word;

		if (cell->is_note)
			continue;
		whole = paper_columns(cell->text);
		word = longest_word(cell->text);
		needs[at].whole = whole > needs[at].whole ? whole : needs[at].whole;
		needs[at].word = word > needs[at].word ? word : needs[at].word;
		at = (at + 1) % grid->count;
	}
}

static size_t total_of(const struct grid *grid, size_t indent, const size_t *widths)
{
	size_t total = indent + GAP * (grid->count - 1);

	for (size_t i = 0; i < grid->count; i++)
		total += widths[i];
	return total;
}

/* Takes `over` from a column, but leaves it at least so wide. */
static void narrow(size_t *width, size_t over, size_t least)
{
	size_t room = *width > over ? *width - over : 0;

	if (*width > least)
		*width = room > least ? room : least;
}

/* The widest column that can still be narrowed; grid->count: none. */
static size_t widest(const struct grid *grid, const size_t *widths)
{
	size_t found = grid->count;

	for (size_t i = 0; i < grid->count; i++) {
		size_t title = paper_columns(grid->columns[i].title);

		if (widths[i] > LEAST && widths[i] > title &&
		    (found == grid->count || widths[i] > widths[found]))
			found = i;
	}
	return found;
}

/* Each column's width: folding ones are narrowed to their longest word; if that is not enough the widest is narrowed, and what
 * does not fit into it stands in a line of its own. */
static void measure(const struct grid *grid, size_t indent, size_t *widths)
{
	struct need needs[GRID_COLUMNS];
	size_t total, at;

	find_needs(grid, needs);
	for (size_t i = 0; i < grid->count; i++)
		widths[i] = needs[i].whole;
	for (size_t i = 0; i < grid->count; i++) {
		total = total_of(grid, indent, widths);
		if (total > PAPER_WIDTH && grid->columns[i].folds)
			narrow(&widths[i], total - PAPER_WIDTH, needs[i].word);
	}
	while ((total = total_of(grid, indent, widths)) > PAPER_WIDTH &&
	       (at = widest(grid, widths)) < grid->count)
		widths[at]--;
}

/* ---- rows --------------------------------------------------------------------------- */

struct row {
	const char *texts[GRID_COLUMNS];
	enum ink inks[GRID_COLUMNS];
};

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
static size_t columns_used(const struct grid *grid, const struct row *row)
{
	size_t used = 0;

	for (size_t i = 0; i < grid->count; i++)
		if (*row->texts[i])
			used = i + 1;
	return used;
}

static void print_lines_of(const struct grid *grid, const struct paper *paper, size_t indent,
			   struct row *row, const size_t *widths)
{
	for (size_t used = columns_used(grid, row); used; used = columns_used(grid, row)) {
		struct grid line = {.columns = grid->columns, .count = used};

		paper_put(paper, INK_PLAIN, "%*s", (int)indent, "");
		for (size_t i = 0; i < used; i++) {
			size_t bytes = fitting(row->texts[i], widths[i]);

			print_cell(&line, paper, i, row->inks[i], row->texts[i], bytes, widths);
			row->texts[i] += bytes;
			row->texts[i] += strspn(row->texts[i], " ");
		}
		paper_put(paper, INK_PLAIN, "\n");
	}
}

static bool overflows(const struct grid *grid, const struct row *row, size_t column,
		      const size_t *widths)
{
	const char *text = row->texts[column];

	return (grid->columns[column].folds ? longest_word(text) : paper_columns(text)) >
	       widths[column];
}

/* The first columns of a row up to its last cell that is too long (but for the last of all), one behind the other on a
 * line before the rest. */
static void print_head(const struct grid *grid, const struct paper *paper, size_t indent,
		       struct row *row, const size_t *widths)
{
	char head[8 * PAPER_TEXT];
	struct text out = text_of(head, sizeof(head));
	size_t count = 0;

	for (size_t i = 0; i + 1 < grid->count; i++)
		if (overflows(grid, row, i, widths))
			count = i + 1;
	for (size_t i = 0; i < count; i++) {
		if (*row->texts[i])
			text_add(&out, "%s%s", out.length ? "  " : "", row->texts[i]);
		row->texts[i] = "";
	}
	if (!count)
		return;
	paper_put(paper, INK_PLAIN, "%*s", (int)indent, "");
	paper_fold(paper, row->inks[count - 1], indent, indent + GAP, head);
}

/* One that is too long at the end of a row stands below it, as far to the right as it can. */
static void print_tail(const struct paper *paper, size_t indent, const char *text, enum ink ink)
{
	size_t word = longest_word(text), at = PAPER_WIDTH > word ? PAPER_WIDTH - word : 0;

	if (at < indent + GAP)
		at = indent + GAP;
	paper_put(paper, INK_PLAIN, "%*s", (int)at, "");
	paper_fold(paper, ink, at, at, text);
}

static void print_row(const struct grid *grid, const struct paper *paper, size_t indent,
		      struct row *row, const size_t *widths)
{
	size_t last = grid->count - 1;
	const char *tail = NULL;

	if (last && overflows(grid, row, last, widths)) {
		tail = row->texts[last];
		row->texts[last] = "";
	}
	print_head(grid, paper, indent, row, widths);
	print_lines_of(grid, paper, indent, row, widths);
	if (tail)
		print_tail(paper, indent, tail, row->inks[last]);
}

static void print_titles(const struct grid *grid, const struct paper *paper, size_t indent,
			 const size_t *widths)
{
	struct row row;

	for (size_t i = 0; i < grid->count; i++) {
		row.texts[i] = grid->columns[i].title;
		row.inks[i] = INK_DIM;
	}
	print_row(grid, paper, indent, &row, widths);
}

void grid_print(const struct grid *grid, const struct paper *paper, size_t indent)
{
	size_t widths[GRID_COLUMNS], at = 0, note_at;
	struct row row;

	if (!grid)
		return;
	measure(grid, indent, widths);
	note_at = indent + widths[0] + GAP;
	if (note_at > PAPER_WIDTH / 3)
		note_at = indent + GAP;
	print_titles(grid, paper, indent, widths);
	for (const struct cell *cell = grid->first; cell; cell = cell->next) {
		if (cell->is_note) {
			paper_put(paper, INK_PLAIN, "%*s", (int)note_at, "");
			paper_fold(paper, cell->ink, note_at, note_at, cell->text);
			continue;
		}
		row.texts[at] = cell->text;
		row.inks[at] = cell->ink;
		at = (at + 1) % grid->count;
		if (!at)
			print_row(grid, paper, indent, &row, widths);
	}
}
