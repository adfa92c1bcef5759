/* See the header: what all commands use. */
#include "ctl/command.h"

#include <stdarg.h>

static char first_complaint[CLIENT_ERROR];
static bool printed_json;

int complain(int status, const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("lbhactl: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	if (!*first_complaint) {
		va_start(list, format);
		vsnprintf(first_complaint, sizeof(first_complaint), format, list);
		va_end(list);
	}
	return status;
}

const char *complaint(void)
{
	return *first_complaint ? first_complaint : NULL;
}

bool json_is_printed(void)
{
	return printed_json;
}

void print_json(const json_t *value)
{
	printed_json = true;
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
