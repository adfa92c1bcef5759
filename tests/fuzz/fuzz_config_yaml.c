/* Any bytes as lbha.conf: errors, or a model. A model must survive being rendered and compiled
 * again, and being sliced and put together again, for every role. The variables A (a word) and N (a
 * number) are set; includes find nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/codec.h"
#include "config/compile.h"
#include "config/diff.h"
#include "config/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ARENA_LIMIT (512u << 20)
#define RENDERED_MAX (8u << 20)

struct rendered {
	char *text;
	size_t used;
	bool cut;
};

static const char *environment(void *ctx, const char *name)
{
	(void)ctx;
	if (!strcmp(name, "A"))
		return "word";
	return strcmp(name, "N") ? NULL : "7";
}

/* One file, whatever its name. */
static int named(void *ctx, enum config_file kind, const char *path, char *out, size_t *size, char *why)
{
	(void)ctx;
	(void)kind;
	(void)why;
	*size = path[0] == 'n' ? 0 : 7;
	memcpy(out, "secret\n", *size);
	return 0;
}

static void count_line(void *ctx, const char *text)
{
	*(size_t *)ctx += strlen(text) + 1;
}

static void add_line(void *ctx, const char *text)
{
	struct rendered *out = ctx;
	size_t length = strlen(text);

	if (out->used + length + 1 > RENDERED_MAX) {
		out->cut = true;
		return;
	}
	memcpy(out->text + out->used, text, length);
	out->text[out->used + length] = '\n';
	out->used += length + 1;
}

/* What is said must end in its sum, and a model is made exactly when no error is. */
static struct model *compile(struct arena *arena, const char *bytes, size_t size, const char *node,
			     bool all)
{
	struct config_files files = {.environment = environment, .file = named};
	struct diagnostics diagnostics;
	struct config_tree *tree;
	struct model *model = NULL;
	size_t said = 0;

	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, "fuzz.conf", bytes, size, &diagnostics);
	for (size_t i = 0; tree && all && i < config_director_count(tree) && i < 4; i++)
		config_compile(arena, tree, config_director(tree, i), 1, &diagnostics);
	if (tree)
		model = config_compile(arena, tree, all ? config_director(tree, 0) : node, 1,
				       &diagnostics);
	diagnostics_print(&diagnostics, count_line, &said);
	if (arena_failed(arena))
		return NULL;
	if ((diagnostics.errors == 0) != (model != NULL) || (diagnostics.errors && !said))
		abort();
	return model;
}

static void check_rendering(struct arena *arena, const struct model *model)
{
	struct rendered out = {.text = malloc(RENDERED_MAX)};
	struct model *again;

	if (!out.text || config_render(model, arena, add_line, &out) || out.cut) {
		free(out.text);
		return;
	}
	again = compile(arena, out.text, out.used, model->node, false);
	if (!arena_failed(arena) && (!again || !model_equal(model, again)))
		abort();
	free(out.text);
}

static void check_slices(struct arena *arena, const struct model *model)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const uint8_t *bytes;
		size_t size;
		struct model *slice;
		int err;

		if (role == ROLE_COMPILER || slice_encode(model, role, arena, &bytes, &size))
			continue;
		err = slice_decode(bytes, size, arena, &slice);
		if (err == -ENOMEM)
			return;
		if (err || (role == ROLE_CONTROL && !model_equal(model, slice)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena *arena = arena_new(ARENA_LIMIT);
	const struct model *model = compile(arena, (const char *)bytes, size, NULL, true);

	if (model) {
		check_slices(arena, model);
		check_rendering(arena, model);
	}
	arena_free(arena);
	return 0;
}
