/* `import keepalived [NAME=]FILE…`: each file is one director's. Its name is NAME, else the host's; lines
 * with @id are taken as keepalived -i NAME would. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "convert/ka_import.h"
#include "ctl/command.h"
#include "ctl/import.h"

#define ARENA_MAX (512u << 20)
#define SOURCES_MAX 3

/* ---- includes ------------------------------------------------------------------------------- */

static int found_path(const char *path,
		      int (*found)(void *ctx, const char *path, const char *bytes, size_t size),
		      void *ctx, char *why)
{
	struct stat status;
	size_t size;
	char *bytes = NULL;
	int err;

	if (!stat(path, &status) && !S_ISREG(status.st_mode))
		return 0;
	bytes = import_read(path, &size);
	if (!bytes) {
		snprintf(why, KA_WHY, "%.180s: %s", path, strerror(errno));
		return -EIO;
	}
	err = found(ctx, path, bytes, size);
	free(bytes);
	return err;
}

/* As keepalived does it: a pattern is relative to the folder of the file that it stands in. */
static int include(UNUSED void *ctx, const char *including_file, const char *pattern,
		   int (*found)(void *ctx, const char *path, const char *bytes, size_t size),
		   void *found_ctx, char *why)
{
	const char *slash = strrchr(including_file, '/');
	char path[PATH_MAX];
	glob_t names = {0};
	int err = 0;

	snprintf(path, sizeof(path), "%.*s%s",
		 *pattern != '/' && slash ? (int)(slash + 1 - including_file) : 0, including_file, pattern);
	if (glob(path, GLOB_BRACE, NULL, &names)) {
		snprintf(why, KA_WHY, "there is no file %.200s", pattern);
		return -ENOENT;
	}
	for (size_t i = 0; !err && i < names.gl_pathc; i++)
		err = found_path(names.gl_pathv[i], found, found_ctx, why);
	globfree(&names);
	return err;
}

/* ---- the command line ----------------------------------------------------------------------- */

/* The host's name up to its first dot, as keepalived's default id. */
static const char *host_name(void)
{
	static char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof(name) - 1) || !*name)
		strcpy(name, "director");
	name[strcspn(name, ".")] = '\0';
	return name;
}

static int read_source(struct arena *arena, const char *argument, struct ka_source *source,
		       char **bytes)
{
	const char *equals = strchr(argument, '='), *slash = strchr(argument, '/');
	bool is_named = equals && equals > argument && (!slash || slash > equals);

	source->node = is_named ? arena_text(arena, argument, (size_t)(equals - argument)) : host_name();
	source->id = source->node;
	source->path = is_named ? equals + 1 : argument;
	*bytes = import_read(source->path, &source->size);
	source->bytes = *bytes;
	if (*bytes)
		return EXIT_DONE;
	return complain(EXIT_FAILED, "%s: %s", source->path, strerror(errno));
}

static int check_names(const struct ka_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(sources[i].node, sources[k].node))
				return complain(EXIT_USAGE,
						"each file is one director's, and two are %s: write NAME=FILE for each",
						sources[i].node);
	return EXIT_DONE;
}

static int import(struct run *run, struct arena *arena, const struct ka_source *sources, size_t count)
{
	struct ka_files files = {.include = include};
	struct import_said said;

	import_said_init(&said, run);
	return import_finish(run, &said, ka_import(arena, &files, sources, count, &said.report));
}

int run_import_keepalived(struct run *run)
{
	const char *arguments[SOURCES_MAX] = {run->argument, run->second, run->third};
	struct ka_source sources[SOURCES_MAX] = {0};
	char *bytes[SOURCES_MAX] = {NULL};
	auto_arena *arena = arena_new(ARENA_MAX);
	int status = arena ? EXIT_DONE : EXIT_FAILED;
	size_t count = 0;

	for (; status == EXIT_DONE && count < SOURCES_MAX && arguments[count]; count++)
		status = read_source(arena, arguments[count], &sources[count], &bytes[count]);
	if (status == EXIT_DONE)
		status = check_names(sources, count);
	if (status == EXIT_DONE)
		status = import(run, arena, sources, count);
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		free(bytes[i]);
	return status;
}
