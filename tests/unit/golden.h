/* Golden texts: what a function printed once, looked at by a person and kept in tests/golden. With
 * LBHA_GOLDEN_WRITE=1 the files are written anew instead of compared: look at the difference before
 * committing it. */
#ifndef LBHA_TESTS_GOLDEN_H
#define LBHA_TESTS_GOLDEN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *golden_path(const char *name, char *out, size_t size)
{
	const char *top = getenv("top_srcdir");

	snprintf(out, size, "%s/tests/golden/%s", top ? top : ".", name);
	return out;
}

/* The whole file, malloc'ed, with a zero at the end. */
static inline char *golden_read(const char *name)
{
	char path[4096];
	FILE *file = fopen(golden_path(name, path, sizeof(path)), "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file && text, "cannot read %s", path);
	text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static inline void golden_compare(const char *name, const char *text)
{
	char path[4096], *wanted;

	if (getenv("LBHA_GOLDEN_WRITE")) {
		FILE *file = fopen(golden_path(name, path, sizeof(path)), "w");

		ck_assert_msg(file && fputs(text, file) >= 0 && !fclose(file), "cannot write %s",
			      path);
		return;
	}
	wanted = golden_read(name);
	ck_assert_msg(!strcmp(text, wanted), "%s differs; got:\n%s", name, text);
	free(wanted);
}

#endif
