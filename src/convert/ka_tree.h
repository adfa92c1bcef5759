/* keepalived.conf as a tree of statements: comments, quotes, includes, conditions (@id), definitions
 * ($NAME=) and sequences (~SEQ, ~LST) are resolved as keepalived's parser resolves them (lib/parser.c
 * of 2.2 and later), line numbers are kept. The parser gets bytes; whoever calls it opens files. */
#ifndef LBHA_CONVERT_KA_TREE_H
#define LBHA_CONVERT_KA_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define KA_WHY 256
#define KA_LINES_MAX 400000       /* with all that definitions and sequences make of them */
#define KA_INCLUDES_MAX 10000
#define KA_LINE_MAX 8192          /* bytes; keepalived's own limit is less */
#define KA_DEPTH_MAX 32           /* blocks, includes, definitions in definitions */

/* One line, or the part of one up to a brace: a keyword, its words, and the block behind it. */
struct ka_node {
	const char *file;
	uint32_t line;
	const char **words; /* the keyword and what follows; quotes are gone */
	bool *quoted;       /* of each word: it stood in double quotes */
	size_t count;
	const char *raw;    /* the text as it stands, for those who quote in their own way */
	bool has_block;
	struct ka_node *first, *last, *next;
};

struct ka_files {
	/* Calls `found` for every file of a pattern (braces too), relative to the folder of
	 * `including_file`, in the order of their names. 0; what `found` returned; or a negative
	 * errno with a sentence in `why` (KA_WHY bytes). NULL: nothing is included. */
	int (*include)(void *ctx, const char *including_file, const char *pattern,
		       int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size),
		       void *found_ctx, char *why);
	/* What is wrong with a line. May be NULL. */
	void (*say)(void *ctx, const char *file, uint32_t line, const char *text);
	void *ctx;
};

/* The root, whose children are the statements outside of blocks. `id` is what lines with @id are held
 * against (keepalived -i, else the host's name). NULL when memory is out or a limit is reached; then
 * `say` has been told. */
struct ka_node *ka_parse(struct arena *arena, const struct ka_files *files, const char *id,
			 const char *path, const char *bytes, size_t size);

/* A word of a statement, NULL beyond the last. */
const char *ka_word(const struct ka_node *node, size_t index);
bool ka_is(const struct ka_node *node, const char *keyword);
/* The first child with that keyword, or NULL. */
const struct ka_node *ka_child(const struct ka_node *node, const char *keyword);

#endif
