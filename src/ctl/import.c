/* What imports have in common; see the header. */
#include "ctl/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "convert/draft.h"
#include "ctl/command.h"

char *import_read(const char *path, size_t *size)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *bytes = NULL, *more;
	size_t room = 0, got = 1;
	int err;

	*size = 0;
	if (!file)
		return NULL;
	while (got && *size < IMPORT_SIZE_MAX) {
		room = room ? 2 * room : 65536;
		more = realloc(bytes, room + 1);
		if (!more)
			break;
		bytes = more;
		got = fread(bytes + *size, 1, room - *size, file);
		*size += got;
	}
	if (got && *size >= IMPORT_SIZE_MAX)
		errno = EFBIG;
	err = errno;
	if (ferror(file) || got) {
		free(bytes);
		bytes = NULL;
	}
	if (bytes)
		bytes[*size] = '\0';
	if (file != stdin)
		fclose(file);
	errno = err;
	return bytes;
}

/* ---- what is said --------------------------------------------------------------------------- */

/* A block that becomes several objects is read several times. */
static bool is_said(struct import_said *said, const char *file, uint32_t line, const char *text)
{
	json_t *key = json_sprintf("%s:%u: %s", file, line, text);
	bool is_known = json_object_get(said->seen, json_string_value(key));

	json_object_set_new(said->seen, json_string_value(key), json_true());
	json_decref(key);
	return is_known;
}

static void say(void *ctx, enum import_severity severity, const char *file, uint32_t line,
		const char *text)
{
	struct import_said *said = ctx;
	const char *word = severity == IMPORT_WARNING ? "warning" : "note";

	if (is_said(said, file, line, text))
		return;
	*(severity == IMPORT_WARNING ? &said->warnings : &said->notes) += 1;
	if (said->json)
		json_array_append_new(said->messages,
				      json_pack("{s:o, s:i, s:s, s:o}", "file", json_of_text(file), "line",
						(int)line, "severity", word, "text",
						json_of_text(text)));
	else if (line)
		fprintf(stderr, "%s:%u: %s: %s\n", file, line, word, text);
	else
		fprintf(stderr, "%s: %s: %s\n", file, word, text);
}

void import_said_init(struct import_said *said, const struct run *run)
{
	*said = (struct import_said){.json = run->json, .messages = json_array(), .seen = json_object()};
	said->report = (struct import_report){say, said};
}

static void write_line(void *ctx, const char *text)
{
	fprintf(ctx, "%s\n", text);
}

static char *draft_render(const struct draft *draft)
{
	struct arena *scratch = arena_new(0);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = scratch && out ? draft_write(draft, scratch, write_line, out) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -ENOMEM;
	arena_free(scratch);
	if (!err)
		return text;
	free(text);
	errno = -err;
	return NULL;
}

static void count(const struct import_said *said)
{
	if (said->warnings || said->notes)
		fprintf(stderr, "%zu warning%s, %zu note%s\n", said->warnings,
			said->warnings == 1 ? "" : "s", said->notes, said->notes == 1 ? "" : "s");
}

int import_finish(struct run *run, struct import_said *said, const struct draft *draft)
{
	char *text = draft ? draft_render(draft) : NULL;
	json_t *shown;

	if (text && run->json) {
		shown = json_pack("{s:s, s:s, s:O}", "format", "lbha.conf", "text", text, "messages",
				  said->messages);
		print_json(shown);
		json_decref(shown);
	} else if (text) {
		fputs(text, stdout);
		count(said);
	}
	json_decref(said->messages);
	json_decref(said->seen);
	free(text);
	if (!draft)
		return complain(EXIT_FAILED, "nothing was imported");
	return text ? EXIT_DONE : complain(EXIT_FAILED, "cannot write it: %s", strerror(errno));
}
