/* From the text of lbha.conf to the model of one node, in two steps: config_load() parses the file
 * and what it includes into a tree; config_compile() reads the tree by the tables of
 * config/schema.h for one director, checks it, and gives the model or all the errors. Neither opens
 * files: the caller gives bytes (struct config_files), so that the compiler worker can ask the
 * supervisor. config_load() is in load_io.c (libyaml), the rest is pure. */
#ifndef LBHA_CONFIG_COMPILE_H
#define LBHA_CONFIG_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/diagnostics.h"
#include "config/model.h"

struct arena;
struct config_tree;

#define CONFIG_SIZE_MAX (32u << 20) /* bytes of one file */
#define CONFIG_FILES_MAX 1000       /* files included in all */
#define CONFIG_INCLUDE_DEPTH 8
#define CONFIG_WHY 256
#define CONFIG_SECRET_MAX 1024     /* bytes of a secret's file */
#define CONFIG_KEY_MAX (64u << 10) /* bytes of a private key */
#define CONFIG_CERTIFICATES_MAX (1u << 20)

/* Files that keys name, by what may be done with them: others may read certificates, but neither secrets
 * nor private keys. */
enum config_file {
	CONFIG_FILE_SECRET,
	CONFIG_FILE_CA,          /* certificates of those who are believed, PEM */
	CONFIG_FILE_CERTIFICATE, /* ours and those between it and its CA, PEM */
	CONFIG_FILE_KEY,         /* of that certificate, PEM */
};

/* The most bytes that one may have. */
size_t config_file_max(enum config_file kind);

struct config_files {
	/* Calls `found` for every file that `pattern` (relative to the folder of `including_file`)
	 * names, in the order of their names; `path` is how errors will call the file; the bytes
	 * need to live during the call only. A nonzero return of `found` ends the walk and is
	 * returned. A pattern that names nothing: 0 if it has wildcards (* ? [), else -ENOENT. On
	 * failure returns a negative errno with a sentence about the reason in `why` (CONFIG_WHY
	 * bytes). */
	int (*include)(void *ctx, const char *including_file, const char *pattern,
		       int (*found)(void *found_ctx, const char *path, const char *bytes,
				    size_t size),
		       void *found_ctx, char *why);
	/* The value of a variable for ${NAME}, or NULL; must stay valid during config_load(). NULL:
	 * no variables. */
	const char *(*environment)(void *ctx, const char *name);
	/* The bytes of a file that a key names (path absolute, or relative to the folder of the main
	 * file) into `out` (config_file_max() bytes) and their number. On failure a negative errno
	 * with a sentence in `why` (CONFIG_WHY bytes). NULL: such files are not opened, and what is
	 * in them is left out of the model. */
	int (*file)(void *ctx, enum config_file kind, const char *path, char *out, size_t *size,
		    char *why);
	/* Looks into the text of a CA, certificate or key (which is held against `certificate`). 0; a
	 * negative errno with a sentence about the file in `why` (CONFIG_WHY bytes); 1 with a
	 * sentence that is a warning. NULL: nobody looks. */
	int (*look)(void *ctx, enum config_file kind, const char *text, const char *certificate,
		    char *why);
	/* Whether anybody can read this file of the configuration (path as errors call it). NULL:
	 * nobody is kept from writing secrets into it. */
	bool (*is_shared)(void *ctx, const char *path);
	/* Whether a text is a regular expression; else false with a complaint in `why` (CONFIG_WHY
	 * bytes). NULL: regular expressions are not judged. */
	bool (*pattern)(void *ctx, const char *expression, char *why);
	void *ctx;
};

/* Parses the main file and all it includes; `files` must live as long as the tree is compiled.
 * Errors go to `diagnostics`, all of them that can be found; NULL only when the main file is no
 * YAML at all or memory is out. Everything of the tree lives in `arena`. */
struct config_tree *config_load(struct arena *arena, const struct config_files *files,
				const char *path, const char *bytes, size_t size,
				struct diagnostics *diagnostics);

/* The directors of the file in its order; config_director() gives NULL at the end. */
size_t config_director_count(const struct config_tree *tree);
const char *config_director(const struct config_tree *tree, size_t index);

/* Which director we are. `name` (--node) if given; else the director called like this host (`host`,
 * or `host` up to its first dot); else the only director; else an error that lists them. A file
 * without directors has the one node NULL, and any --node is an error. 0 with *node set (inside the
 * tree), or -ENOENT with an error in `diagnostics`. */
int config_pick_node(const struct config_tree *tree, const char *name, const char *host,
		     struct diagnostics *diagnostics, const char **node);

/* The model for the director `node`. NULL is for no director (lbha-rs, or a file without
 * `directors`): if the file has directors, instances are then left out, since what they are depends
 * on the director. The whole file is checked, for every director in it, whichever is asked for.
 * NULL when `diagnostics` has an error (one of config_load() counts) or when memory is out
 * (arena_failed()). Compiling the same tree again, for another node, is fine. */
struct model *config_compile(struct arena *arena, const struct config_tree *tree, const char *node,
			     uint32_t generation, struct diagnostics *diagnostics);

#endif
