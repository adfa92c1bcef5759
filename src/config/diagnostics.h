/* What is wrong with a configuration, all of it at once: collected while reading and checking, then
 * shown sorted by place and without repeats (a file is compiled for several directors, which find
 * the same faults). */
#ifndef LBHA_CONFIG_DIAGNOSTICS_H
#define LBHA_CONFIG_DIAGNOSTICS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/table.h"

struct arena;

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

struct diagnostic {
	enum severity severity;
	const char *file;      /* as it was opened; NULL: about no file */
	uint32_t line, column; /* from 1; 0: about the file as a whole */
	const char *path;      /* "services[0].schedular"; NULL: none */
	const char *text;      /* a sentence without capital and full stop */
	size_t order;          /* of discovery; set by diagnostics_add() */
};

#define DIAGNOSTICS_MAX 2000 /* more are counted, not kept */

/* Everything lives in the arena that was given to diagnostics_init(). */
struct diagnostics {
	struct arena *arena;
	struct diagnostic *items; /* in order of discovery until diagnostics_sort() */
	size_t count;
	size_t errors, warnings;
	size_t dropped;        /* beyond DIAGNOSTICS_MAX; among errors and warnings */
	const char *main_file; /* sorts before all others; NULL: none */
	struct table seen;     /* of what is kept: repeats are not added */
};

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena);

/* Adds one, unless the same text was said about the same place. `where` gives all but the text; its
 * strings are kept, not copied. The text is cleaned of control characters: file contents reach
 * terminals and logs through it. */
void diagnostics_add(struct diagnostics *diagnostics, const struct diagnostic *where,
		     const char *format, ...) PRINTF_LIKE(3, 4);
void diagnostics_addv(struct diagnostics *diagnostics, const struct diagnostic *where,
		      const char *format, va_list list) PRINTF_LIKE(3, 0);

/* Sorts by file (the main file first), line and column. */
void diagnostics_sort(struct diagnostics *diagnostics);

/* Room for one line with its zero; longer ones are cut. */
#define DIAGNOSTIC_LINE 1024

/* "lbha.conf:12:5: error: services[0].schedular: unknown key; did you mean …" into `out`; returns
 * it. */
const char *diagnostic_format(const struct diagnostic *diagnostic, char out[DIAGNOSTIC_LINE]);

/* Sorts, then gives every line and at last "2 errors, 1 warning"; nothing at all when there is
 * nothing to say. */
void diagnostics_print(struct diagnostics *diagnostics, void (*line)(void *ctx, const char *text),
		       void *ctx);

#endif
