/* What is wrong with a configuration, all of it at once: collected while reading and checking, then shown sorted by
 * place and without repeats (a file is compiled for several directors, which find the same faults). */
#ifndef LBHA_CONFIG_DIAGNOSTICS_H
#define LBHA_CONFIG_DIAGNOSTICS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

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
};

/* Everything lives in the arena that was given to diagnostics_init(). */
struct diagnostics {
	struct arena *arena;
	struct diagnostic *items; /* in order of discovery until diagnostics_settle() */
	size_t count;
	size_t errors, warnings;  /* exact after diagnostics_settle(); before it repeats count too */
};

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena);

/* Adds one. `path` and `file` are kept, not copied; the text is cleaned of control characters. */
void diagnostics_add(struct diagnostics *diagnostics, const struct diagnostic *where, const char *format, ...)
	PRINTF_LIKE(3, 4);
void diagnostics_addv(struct diagnostics *diagnostics, const struct diagnostic *where, const char *format, va_list list)
	PRINTF_LIKE(3, 0);

/* Sorts by file (in order of first opening), line and column, and drops repeats: same place, same text. */
void diagnostics_settle(struct diagnostics *diagnostics);

/* Room for one line with its zero; longer ones are cut. */
#define DIAGNOSTIC_LINE 1024

/* "lbha.conf:12:5: error: services[0].schedular: unknown key; did you mean …" into `out`; returns it. */
const char *diagnostic_format(const struct diagnostic *diagnostic, char out[DIAGNOSTIC_LINE]);

/* Settles, then gives every line and at last "2 errors, 1 warning"; nothing at all when there is nothing to say. */
void diagnostics_print(struct diagnostics *diagnostics, void (*line)(void *ctx, const char *text), void *ctx);

#endif
