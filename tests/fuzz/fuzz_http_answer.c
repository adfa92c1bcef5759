/* Any line of headers from a server: a field lies in the line, without blanks where none may be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *line = (const char *)bytes;
	struct http_field field;

	if (!http_field_parse(line, size, &field))
		return 0;
	if (!field.name_size || field.name != line || field.value < line ||
	    field.name_size + field.value_size >= size ||
	    field.value + field.value_size > line + size)
		abort();
	if (field.value_size &&
	    (is_blank(field.value[0]) || is_blank(field.value[field.value_size - 1])))
		abort();
	for (size_t i = 0; i < field.name_size; i++)
		if (is_blank(field.name[i]) || field.name[i] == ':')
			abort();
	http_field_is(&field, "location");
	return 0;
}
