/* See the header: what all commands use. */
#include "ctl/command.h"

#include <stdarg.h>

int complain(int status, const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("lbhactl: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return status;
}

void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putchar('\n');
}

void print_lines(FILE *out, json_t *lines)
{
	const json_t *line;
	size_t at;

	paper_clean(lines);
	json_array_foreach (lines, at, line)
		fprintf(out, "%s\n", json_string_value(line));
}

int add_text(json_t *request, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	if (!text)
		return EXIT_DONE;
	if (!value || json_object_set_new(request, key, value))
		return complain(EXIT_FAILED, "\"%s\" is not UTF-8", key);
	return EXIT_DONE;
}
