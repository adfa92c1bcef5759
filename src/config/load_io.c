/* config_load(): the main file, then what it includes, in the order of the keys and of the names;
 * each file once. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/yaml.h"

struct loaded {
	const char *path;
	const struct node *by; /* the include that brought it; NULL: the main file */
};

struct loader {
	struct arena *arena;
	const struct config_files *files;
	struct diagnostics *diagnostics;
	struct config_tree *tree;
	struct loaded *loaded;
	size_t loaded_count;
	unsigned depth;
};

/* One include being followed. */
struct following {
	struct loader *loader;
	const struct node *include;
	const struct path *path;
};

static int load_file(struct loader *loader, const char *path, const char *bytes, size_t size);

/* Notes that a file is being loaded; false (reported) when it was before, or one too many. */
static bool load_once(struct following *following, const char *path)
{
	struct loader *loader = following->loader;
	struct loaded *added;

	for (size_t i = 0; i < loader->loaded_count; i++) {
		const struct loaded *other = &loader->loaded[i];

		if (strcmp(other->path, path))
			continue;
		if (other->by)
			node_error(loader->diagnostics, following->include, following->path,
				   "%s is included twice; first at %s", path,
				   node_place(other->by, following->include, loader->arena));
		else
			node_error(loader->diagnostics, following->include, following->path,
				   "%s is the main file itself", path);
		return false;
	}
	if (loader->loaded_count > CONFIG_FILES_MAX) {
		node_error(loader->diagnostics, following->include, following->path,
			   "more than %d files are included", CONFIG_FILES_MAX);
		return false;
	}
	added = arena_push(loader->arena, &loader->loaded, &loader->loaded_count, sizeof(*added));
	if (added)
		*added = (struct loaded){path, following->include};
	return added != NULL;
}

static int found_file(void *ctx, const char *path, const char *bytes, size_t size)
{
	struct following *following = ctx;
	struct loader *loader = following->loader;
	const char *kept = arena_strdup(loader->arena, path);

	if (!kept)
		return -ENOMEM;
	if (!load_once(following, kept))
		return 0;
	if (loader->depth >= CONFIG_INCLUDE_DEPTH) {
		node_error(loader->diagnostics, following->include, following->path,
			   "includes are nested deeper than %d", CONFIG_INCLUDE_DEPTH);
		return 0;
	}
	loader->depth++;
	load_file(loader, kept, bytes, size);
	loader->depth--;
	return 0;
}

static void follow_include(struct loader *loader, const struct node *include,
			   const struct path *path)
{
	struct following following = {loader, include, path};
	char why[CONFIG_WHY] = "";
	int err;

	if (include->kind != NODE_SCALAR || node_is_null(include) || !*include->text) {
		node_error(loader->diagnostics, include, path,
			   "the name of a file is expected, not %s",
			   node_what(loader->diagnostics, include));
		return;
	}
	if (!loader->files->include) {
		node_error(loader->diagnostics, include, path, "files cannot be included here");
		return;
	}
	err = loader->files->include(loader->files->ctx, include->file, include->text, found_file,
				     &following, why);
	if (err)
		node_error(loader->diagnostics, include, path, "%s", *why ? why : strerror(-err));
}

static void follow_includes(struct loader *loader, const struct node *root)
{
	const struct node_pair *pair =
		root && root->kind == NODE_MAPPING ? node_find(root, "include") : NULL;
	struct path path = {.key = "include"};

	if (!pair || node_is_null(pair->value))
		return; /* nothing given is reported with the other keys */
	if (pair->value->kind != NODE_SEQUENCE) {
		follow_include(loader, pair->value, &path);
		return;
	}
	for (size_t i = 0; i < pair->value->count; i++) {
		struct path item = {.up = &path, .index = i};

		follow_include(loader, pair->value->items[i], &item);
	}
}

static int load_file(struct loader *loader, const char *path, const char *bytes, size_t size)
{
	const struct node *root = NULL;
	int err;

	if (size > CONFIG_SIZE_MAX) {
		node_error(loader->diagnostics, &(struct node){.file = path}, NULL,
			   "is larger than %u MiB", CONFIG_SIZE_MAX >> 20);
		return -EFBIG;
	}
	err = yaml_parse(loader->arena, path, bytes, size, loader->files, loader->diagnostics,
			 &root);
	if (err)
		return err;
	tree_add(loader->tree, loader->arena, root, loader->diagnostics);
	follow_includes(loader, root);
	return 0;
}

struct config_tree *config_load(struct arena *arena, const struct config_files *files,
				const char *path, const char *bytes, size_t size,
				struct diagnostics *diagnostics)
{
	struct loader loader = {.arena = arena, .files = files, .diagnostics = diagnostics};
	const char *kept = arena_strdup(arena, path);
	struct loaded *first;

	if (!kept)
		return NULL;
	diagnostics->main_file = kept;
	loader.tree = tree_new(arena, kept);
	first = arena_push(arena, &loader.loaded, &loader.loaded_count, sizeof(*first));
	if (!loader.tree || !first)
		return NULL;
	loader.tree->files = files;
	first->path = kept;
	if (load_file(&loader, kept, bytes, size))
		return NULL;
	tree_finish(loader.tree, arena, diagnostics);
	return arena_failed(arena) ? NULL : loader.tree;
}
