#include "check/http_answer.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool http_field_parse(const char *line, size_t size, struct http_field *out)
{
	const char *colon = memchr(line, ':', size), *value, *end = line + size;

	if (!colon || colon == line)
		return false;
	for (const char *at = line; at < colon; at++)
		if (is_blank(*at))
			return false;
	for (value = colon + 1; value < end && is_blank(*value); value++)
		;
	while (end > value && is_blank(end[-1]))
		end--;
	*out = (struct http_field){line, value, (size_t)(colon - line), (size_t)(end - value)};
	return true;
}

bool http_field_is(const struct http_field *field, const char *name)
{
	return strlen(name) == field->name_size &&
	       !strncasecmp(name, field->name, field->name_size);
}

bool http_status_redirects(uint16_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool http_status_drops_body(uint16_t status, const char *method)
{
	if (status == 303)
		return true;
	return (status == 301 || status == 302) && !strcmp(method, "POST");
}

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

bool http_digest_is(const uint8_t digest[32], const char *hex)
{
	if (strlen(hex) != 64)
		return false;
	for (size_t i = 0; i < 32; i++)
		if (digit_of(hex[2 * i]) != digest[i] >> 4 ||
		    digit_of(hex[2 * i + 1]) != (digest[i] & 15))
			return false;
	return true;
}
