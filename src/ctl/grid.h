/* A table of texts: columns as wide as their widest cell, some of them folded between words when 80
 * columns are not enough. What is too long even then is not cut, so that addresses can be copied: it stands on a line
 * of its own before the rest of its row, or behind it if it is the last. A row may carry notes that stand below it over the
 * whole width. */
#ifndef LBHA_CTL_GRID_H
#define LBHA_CTL_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "ctl/paper.h"

#define GRID_COLUMNS 12

struct grid_column {
	const char *title;
	bool is_number; /* to the right */
	bool folds;
};

struct grid;

/* `columns` must outlive it. NULL when out of memory; all others take NULL and what could not be
 * kept is missing. */
struct grid *grid_new(const struct grid_column *columns, size_t count);
void grid_free(struct grid *grid);

/* The next cell; rows fill by themselves. */
void grid_cell(struct grid *grid, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);
/* Text below the row that was filled last. */
void grid_note(struct grid *grid, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);

void grid_print(const struct grid *grid, const struct paper *paper, size_t indent);

#endif
