/* The lines of keepalived.conf after all that its parser does to them: no comments, definitions
 * replaced, sequences repeated, conditions decided, files included. */
#ifndef LBHA_CONVERT_KA_LINES_H
#define LBHA_CONVERT_KA_LINES_H

#include "convert/ka_tree.h"

/* Hands over each line that is left. A negative return of `handle` ends it. */
struct ka_lines {
	struct arena *arena;
	const struct ka_files *files;
	const char *id;
	int (*handle)(void *ctx, const char *file, uint32_t line, char *text);
	void *ctx;
};

/* 0, what `handle` returned, or -E2BIG (told). */
int ka_lines_read(const struct ka_lines *lines, const char *path, const char *bytes, size_t size);

#endif
