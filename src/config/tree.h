/* The parsed text of lbha.conf before it means anything: nodes that know where they were written,
 * paths that say how one got there, and the sections of the main file merged with those of its
 * includes. Aliases share nodes (the tree is a DAG), so a node's place is where it was written and
 * its path is a matter of the reader. Made by yaml.c, pure here. */
#ifndef LBHA_CONFIG_TREE_H
#define LBHA_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/diagnostics.h"

struct arena;
struct config_files;

enum node_kind {
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING,
};

struct node_pair {
	const struct node *key, *value; /* the key is a scalar */
};

struct node {
	enum node_kind kind;
	bool plain, quoted; /* scalars; as in struct scalar of config/value.h */
	bool bad;           /* reported already: no value can be taken from it */
	bool variable;      /* a ${VARIABLE} was replaced in it */
	uint32_t line, column;
	const char *file;
	const char *text;          /* scalars */
	const struct node **items; /* sequences */
	struct node_pair *pairs;   /* mappings; merge keys are resolved, keys are unique */
	size_t count;              /* items or pairs */
	size_t weight;             /* nodes in it with aliases expanded; yaml.c limits it */
};

/* How one gets to a node: "services" → 0 → "scheduler". Links live in an arena or on the stack of
 * the reader. */
struct path {
	const struct path *up;
	const char *key; /* NULL: `index` */
	size_t index;
};

/* "services[0].scheduler"; NULL when memory is out, "" for no path. */
const char *path_format(const struct path *path, struct arena *arena);

/* Adds a message at a node; `path` may be NULL. */
void node_report(struct diagnostics *diagnostics, enum severity severity, const struct node *node,
		 const struct path *path, const char *format, ...) PRINTF_LIKE(5, 6);
#define node_error(diagnostics, node, path, ...)                                                   \
	node_report(diagnostics, SEVERITY_ERROR, node, path, __VA_ARGS__)
#define node_warning(diagnostics, node, path, ...)                                                 \
	node_report(diagnostics, SEVERITY_WARNING, node, path, __VA_ARGS__)

/* "file:line:column" of a node, for "first given at …"; the file is left out when it is that of
 * `from`. */
const char *node_place(const struct node *node, const struct node *from, struct arena *arena);

bool node_is_null(const struct node *node);
/* "a list", "a mapping", or a scalar in quotes, for messages. */
const char *node_what(const struct diagnostics *diagnostics, const struct node *node);
/* The value under a key, or NULL. */
const struct node_pair *node_find(const struct node *mapping, const char *key);

/* ${NAME}, ${NAME:-default} and $${ in a text. *out is `text` itself when there is nothing to
 * replace. On failure a negative errno with a sentence in `why` (CONFIG_WHY bytes). */
int text_substitute(const char *text, const char *(*environment)(void *ctx, const char *name),
		    void *ctx, struct arena *arena, const char **out, char *why);

/* One key of the root: what the files gave for it, in order. Sections that are one value have one
 * part. */
struct config_section {
	struct node_pair *parts;
	size_t count;
};

struct config_tree {
	const char *main_file;
	const struct config_files *files;
	struct config_section *sections; /* by row of schema_model */
	const char **directors;
	size_t director_count;
};

struct config_tree *tree_new(struct arena *arena, const char *main_file);

/* Merges the root of one file (which may be NULL: empty): unknown keys, wrong kinds and repeats are
 * reported. */
void tree_add(struct config_tree *tree, struct arena *arena, const struct node *root,
	      struct diagnostics *diagnostics);

/* The section of a root key. */
const struct config_section *tree_section(const struct config_tree *tree, const char *key);

/* After the last tree_add(): names of map sections that were given twice, the list of directors. */
void tree_finish(struct config_tree *tree, struct arena *arena, struct diagnostics *diagnostics);

/* The elements of a list or map section over all its parts. */
struct section_item {
	const struct node *key; /* of a map */
	const struct node *value;
	const struct path *path; /* in the arena */
};
struct section_item *section_items(const struct config_tree *tree, const char *key,
				   struct arena *arena, size_t *count);

#endif
