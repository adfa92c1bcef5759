/* Golden tests of the configuration: every cases/NAME.conf is compiled for all its directors, and
 * what is said about it must be what stands in NAME.err (no file: nothing is said). A valid file is
 * also rendered for one node and compared with NAME.model; the rendering must compile to an equal
 * model and every slice of it must decode again.
 *
 *   golden [--update] FOLDER      --update writes what came out instead of comparing it
 *
 * With LBHA_SLICES=FOLDER in the environment the slices of valid files are written there as seeds for
 * test-fuzz-config-slice: the number of the role, then the records without the head.
 *
 * Comments at the head of a case: "# node: NAME" (default: the first director), "# env:
 * NAME=value", "# shared: FILE" (everybody can read that file of the configuration). Files that a case includes lie in folders of its own, so that they are no cases
 * themselves. */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "check/match_io.h"
#include "config/codec.h"
#include "config/compile.h"
#include "config/diff.h"
#include "config/pem_io.h"
#include "config/render.h"

#define LINES_MAX (1 << 20)

struct lines {
	char text[LINES_MAX];
	size_t used;
};

struct golden {
	const char *folder, *name; /* "cases", "x.conf" */
	char *bytes;
	size_t size;
	char node[64], env[8][256], shared[64];
	size_t env_count;
	bool update;
	unsigned failed;
};

static struct lines said, rendered, again;

static void add_line(void *ctx, const char *text)
{
	struct lines *lines = ctx;
	int length = snprintf(lines->text + lines->used, LINES_MAX - lines->used, "%s\n", text);

	if (length > 0 && (size_t)length < LINES_MAX - lines->used)
		lines->used += (size_t)length;
}

static void fail(struct golden *g, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct golden *g, const char *format, ...)
{
	va_list list;

	printf("FAIL %s: ", g->name);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	g->failed++;
}

static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *bytes;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &status) || !S_ISREG(status.st_mode)) {
		fclose(file);
		return NULL;
	}
	bytes = calloc(1, (size_t)status.st_size + 1);
	*size = bytes ? fread(bytes, 1, (size_t)status.st_size, file) : 0;
	fclose(file);
	return bytes;
}

/* ---- files of a case ------------------------------------------------------------------------ */

static int include_files(void *ctx, const char *including_file, const char *pattern,
			 int (*found)(void *found_ctx, const char *path, const char *bytes,
				      size_t size),
			 void *found_ctx, char *why)
{
	const struct golden *g = ctx;
	const char *slash = strrchr(including_file, '/');
	char full[512];
	glob_t names = {0};
	int err = 0;

	snprintf(full, sizeof(full), "%s/%.*s%s", g->folder,
		 slash ? (int)(slash + 1 - including_file) : 0, including_file, pattern);
	if (glob(full, 0, NULL, &names) && !strpbrk(pattern, "*?[")) {
		snprintf(why, CONFIG_WHY, "there is no file \"%s\"", pattern);
		err = -ENOENT;
	}
	for (size_t i = 0; !err && i < names.gl_pathc; i++) {
		size_t size;
		char *bytes = read_file(names.gl_pathv[i], &size);

		err = bytes ? found(found_ctx, names.gl_pathv[i] + strlen(g->folder) + 1, bytes,
				    size)
			    : -EIO;
		free(bytes);
	}
	globfree(&names);
	return err;
}

static const char *environment(void *ctx, const char *name)
{
	const struct golden *g = ctx;
	size_t length = strlen(name);

	for (size_t i = 0; i < g->env_count; i++)
		if (!strncmp(g->env[i], name, length) && g->env[i][length] == '=')
			return g->env[i] + length + 1;
	return NULL;
}

static int read_named(void *ctx, enum config_file kind, const char *path, char *out, size_t *size,
		      char *why)
{
	const struct golden *g = ctx;
	char full[512];
	char *bytes;

	snprintf(full, sizeof(full), "%s/%s", g->folder, path);
	bytes = read_file(full, size);
	if (!bytes || *size > config_file_max(kind)) {
		free(bytes);
		snprintf(why, CONFIG_WHY, "cannot open %s", path);
		return -ENOENT;
	}
	memcpy(out, bytes, *size);
	free(bytes);
	return 0;
}

static bool is_shared(void *ctx, const char *path)
{
	const struct golden *g = ctx;

	return !strcmp(g->shared, path);
}

static void read_head(struct golden *g)
{
	char *copy = strdup(g->bytes), *state;

	g->node[0] = g->shared[0] = '\0';
	g->env_count = 0;
	for (char *line = strtok_r(copy, "\n", &state); line && *line == '#';
	     line = strtok_r(NULL, "\n", &state)) {
		sscanf(line, "# node: %63s", g->node);
		sscanf(line, "# shared: %63s", g->shared);
		if (g->env_count < COUNT_OF(g->env) &&
		    sscanf(line, "# env: %255s", g->env[g->env_count]) == 1)
			g->env_count++;
	}
	free(copy);
}

/* ---- what must hold of a valid file --------------------------------------------------------- */

#define SLICE_HEAD 13 /* magic, fingerprint, role: the fuzz target makes its own */

static void keep_slice(const struct golden *g, enum role role, const uint8_t *bytes, size_t size)
{
	const char *folder = getenv("LBHA_SLICES");
	char path[512];
	FILE *file;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%.*s-%s", folder,
		 (int)(strlen(g->name) - strlen(".conf")), g->name, role_name(role));
	file = fopen(path, "w");
	if (!file)
		return;
	fputc((int)role, file);
	fwrite(bytes + SLICE_HEAD, 1, size - SLICE_HEAD, file);
	fclose(file);
}

static void check_slices(struct golden *g, struct arena *arena, const struct model *model)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const uint8_t *bytes, *same;
		size_t size, same_size;
		struct model *slice;

		if (role == ROLE_COMPILER)
			continue;
		if (slice_encode(model, role, arena, &bytes, &size) ||
		    slice_decode(bytes, size, arena, &slice)) {
			fail(g, "the slice for %s cannot be made and read", role_name(role));
			continue;
		}
		keep_slice(g, role, bytes, size);
		if (role == ROLE_CONTROL && !model_equal(model, slice))
			fail(g, "the slice for control is not the model");
		for (size_t i = 0; role == ROLE_VRRP && i < model->instance_count; i++)
			if (!instance_equal(&model->instances[i], &slice->instances[i]))
				fail(g, "the slice for vrrp has another instance");
		if (slice_encode(slice, role, arena, &same, &same_size) || same_size != size ||
		    memcmp(bytes, same, size))
			fail(g, "the slice for %s changes when it is made again", role_name(role));
	}
}

static void check_rendering(struct golden *g, struct arena *arena, const struct model *model)
{
	struct config_files files = {.file = read_named, .ctx = g};
	struct diagnostics diagnostics;
	struct config_tree *tree;
	struct model *read_back = NULL;

	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, "rendered", rendered.text, rendered.used, &diagnostics);
	if (tree)
		read_back =
			config_compile(arena, tree, model->node, model->generation, &diagnostics);
	if (!read_back) {
		again.used = 0;
		diagnostics_print(&diagnostics, add_line, &again);
		fail(g, "the rendered configuration is not valid:\n%.*s%.*s", (int)again.used,
		     again.text, (int)rendered.used, rendered.text);
	} else if (!model_equal(model, read_back)) {
		fail(g, "the rendered configuration makes another model");
	}
}

static void compile_case(struct golden *g, struct arena *arena)
{
	struct config_files files = {.include = include_files,
				     .pattern = pattern_judge,
				     .environment = environment,
				     .file = read_named,
				     .look = pem_look,
				     .is_shared = is_shared,
				     .ctx = g};
	struct diagnostics diagnostics;
	struct config_tree *tree;
	const char *node = *g->node ? g->node : NULL;
	struct model *model = NULL;

	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, g->name, g->bytes, g->size, &diagnostics);
	for (size_t i = 0; tree && i < config_director_count(tree); i++)
		config_compile(arena, tree, config_director(tree, i), 1, &diagnostics);
	if (tree && !node)
		node = config_director(tree, 0);
	if (tree)
		model = config_compile(arena, tree, node && strcmp(node, "none") ? node : NULL, 1,
				       &diagnostics);
	diagnostics_print(&diagnostics, add_line, &said);
	if (!model != (diagnostics.errors > 0))
		fail(g, "a model is made if and only if there is no error");
	if (!model)
		return;
	config_render(model, arena, add_line, &rendered);
	check_slices(g, arena, model);
	check_rendering(g, arena, model);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void compare(struct golden *g, const char *ending, const struct lines *got)
{
	char path[512];
	size_t size = 0;
	char *wanted;

	snprintf(path, sizeof(path), "%s/%.*s%s", g->folder,
		 (int)(strlen(g->name) - strlen(".conf")), g->name, ending);
	if (g->update) {
		FILE *file = got->used ? fopen(path, "w") : NULL;

		if (file) {
			fwrite(got->text, 1, got->used, file);
			fclose(file);
		} else {
			remove(path);
		}
		return;
	}
	wanted = read_file(path, &size);
	if (size != got->used || (size && memcmp(wanted, got->text, size)))
		fail(g, "%s differs; wanted:\n%s--- got:\n%.*s", ending, wanted ? wanted : "",
		     (int)got->used, got->text);
	free(wanted);
}

static void run_case(struct golden *g, const char *path)
{
	struct arena *arena = arena_new(0);

	g->name = strrchr(path, '/') + 1;
	g->bytes = read_file(path, &g->size);
	if (!arena || !g->bytes) {
		fail(g, "cannot be read");
	} else {
		said.used = rendered.used = 0;
		read_head(g);
		compile_case(g, arena);
		compare(g, ".err", &said);
		compare(g, ".model", &rendered);
	}
	free(g->bytes);
	arena_free(arena);
}

int main(int argc, char **argv)
{
	const char *source = getenv("srcdir");
	struct golden g = {.update = argc > 1 && !strcmp(argv[1], "--update")};
	char folder[256], pattern[300];
	glob_t names = {0};

	snprintf(folder, sizeof(folder), "%s/tests/golden/cases", source ? source : ".");
	g.folder = argc > 1 + g.update ? argv[1 + g.update] : folder;
	snprintf(pattern, sizeof(pattern), "%s/*.conf", g.folder);
	if (glob(pattern, 0, NULL, &names)) {
		printf("no cases in %s\n", g.folder);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < names.gl_pathc; i++)
		run_case(&g, names.gl_pathv[i]);
	printf("golden: %zu cases, %u failed\n", names.gl_pathc, g.failed);
	globfree(&names);
	return g.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
