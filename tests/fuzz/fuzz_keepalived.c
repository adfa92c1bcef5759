/* Any bytes as keepalived.conf, once for one director and once for two: an import ends, within its bounds, and what it
 * writes is YAML that the reader takes. The bytes are a file's; an include names that file again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/yaml.h"
#include "convert/ka_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct file {
	const char *bytes;
	size_t size;
	unsigned left;
};

static void demand(int fine)
{
	if (!fine)
		abort();
}

static int include(void *ctx, const char *including_file, const char *pattern,
		   int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size),
		   void *found_ctx, char *why)
{
	struct file *file = ctx;

	(void)including_file, (void)pattern;
	if (file->left)
		return file->left--, found(found_ctx, "a", file->bytes, file->size);
	snprintf(why, KA_WHY, "no more");
	return -1;
}

static void say(void *ctx, enum import_severity severity, const char *file, uint32_t line, const char *text)
{
	(void)ctx, (void)severity, (void)line;
	demand(file && *text && strlen(text) < 1024);
}

static void add_line(void *ctx, const char *text)
{
	demand(!strchr(text, '\n'));
	fprintf(ctx, "%s\n", text);
}

static void read_again(struct arena *arena, const char *text, size_t size)
{
	static const struct config_files none;
	struct diagnostics diagnostics;
	const struct node *root;

	diagnostics_init(&diagnostics, arena);
	demand(!yaml_parse(arena, "t", text, size, &none, &diagnostics, &root) || arena_failed(arena));
}

static void import(const char *bytes, size_t size, size_t count)
{
	struct file file = {bytes, size, 3};
	struct ka_files files = {.include = include, .ctx = &file};
	struct ka_source sources[] = {{"lb1", "lb1", "f", bytes, size}, {"lb2", "lb2", "f", bytes, size}};
	struct import_report report = {say, NULL};
	auto_arena *arena = arena_new(32u << 20), *scratch = arena_new(0);
	struct draft *draft = ka_import(arena, &files, sources, count, &report);
	char *text = NULL;
	size_t length;
	FILE *out;

	if (!draft)
		return;
	out = open_memstream(&text, &length);
	demand(out != NULL);
	if (!draft_write(draft, scratch, add_line, out)) {
		fflush(out);
		read_again(scratch, text, length);
	}
	fclose(out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* longer ones only take time */
	if (size > 16384)
		return 0;
	import((const char *)bytes, size, 1);
	import((const char *)bytes, size, 2);
	return 0;
}
