/* For check-convert: what a lbha.conf means on its first director.
 *
 *   look export FILE     as keepalived.conf
 *   look model FILE      as the model, every value written out */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/compile.h"
#include "config/diagnostics.h"
#include "config/files_io.h"
#include "config/render.h"
#include "convert/ka_export.h"

static void print_line(void *ctx, const char *text)
{
	fprintf(ctx, "%s\n", text);
}

static const struct model *compile(struct arena *arena, const char *path, struct diagnostics *diagnostics)
{
	static struct config_folder folder;
	static struct config_files files;
	char why[CONFIG_WHY], *bytes = NULL;
	struct config_tree *tree;
	size_t size;

	if (config_folder_of(&folder, path) || config_file_read(path, &bytes, &size, why))
		return NULL;
	files = config_files_plain(&folder);
	tree = config_load(arena, &files, path, bytes, size, diagnostics);
	free(bytes);
	return tree ? config_compile(arena, tree, config_director(tree, 0), 1, diagnostics) : NULL;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(0);
	struct diagnostics diagnostics;
	const struct model *model;
	int err = 0;

	if (argc != 3 || !arena)
		return 2;
	diagnostics_init(&diagnostics, arena);
	model = compile(arena, argv[2], &diagnostics);
	if (!model) {
		diagnostics_print(&diagnostics, print_line, stderr);
		return 1;
	}
	if (!strcmp(argv[1], "export"))
		ka_export(model, print_line, stdout);
	else
		err = config_render(model, arena, print_line, stdout);
	arena_free(arena);
	return err ? 1 : 0;
}
