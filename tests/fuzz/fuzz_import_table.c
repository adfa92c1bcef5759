/* Tables of ipvsadm and files of ldirectord, whatever is in them: a draft or none, that can be written and read
 * again as YAML. The first byte chooses. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/compile.h"
#include "convert/draft.h"
#include "convert/ipvsadm_import.h"
#include "convert/ldirectord_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool no_address(void *ctx, const char *name, uint8_t family, struct addr *out)
{
	(void)ctx;
	(void)name;
	(void)family;
	(void)out;
	return false;
}

static bool no_port(void *ctx, const char *name, const char *protocol, uint16_t *out)
{
	(void)ctx;
	(void)name;
	(void)protocol;
	(void)out;
	return false;
}

static void say(void *ctx, enum import_severity severity, const char *file, uint32_t line, const char *text)
{
	(void)ctx;
	(void)severity;
	if (!line || !*text || strcmp(file, "f") != 0)
		abort();
}

struct lines {
	char *text;
	size_t length, room;
};

static void put_line(void *ctx, const char *text)
{
	struct lines *lines = ctx;
	size_t length = strlen(text);

	if (lines->length + length + 2 > lines->room) {
		lines->room = 2 * (lines->length + length) + 4096;
		lines->text = realloc(lines->text, lines->room);
	}
	if (!lines->text)
		abort();
	memcpy(lines->text + lines->length, text, length);
	lines->length += length;
	lines->text[lines->length++] = '\n';
}

/* What was written is YAML with the keys of lbha.conf: errors are about values alone. */
static void read_again(struct arena *arena, const struct lines *lines)
{
	static const struct config_files files;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	if (!config_load(arena, &files, "lbha.conf", lines->text ? lines->text : "", lines->length, &diagnostics) ||
	    diagnostics.errors)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct import_names names = {no_address, no_port, NULL};
	const struct import_report report = {say, NULL};
	struct arena *arena = arena_new(0);
	struct lines lines = {0};
	struct draft *draft = NULL;
	char *text = size && size < 20000 ? arena_text(arena, (const char *)data + 1, size - 1) : NULL;

	if (text)
		draft = (*data == 'l' ? ldirectord_import : ipvsadm_import)(arena, "f", text, &names, &report);
	if (draft && !draft_write(draft, arena, put_line, &lines))
		read_again(arena, &lines);
	free(lines.text);
	arena_free(arena);
	return 0;
}
