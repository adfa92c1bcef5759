/* What an answer of HTTP says beside its body, from lines that a stranger sent. */
#ifndef LBHA_CHECK_HTTP_ANSWER_H
#define LBHA_CHECK_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A header field; both parts lie in the line. */
struct http_field {
	const char *name, *value; /* not terminated; no blanks around the value */
	size_t name_size, value_size;
};

/* One line as it came, with or without its end. False when it is no field: a status line, the empty line,
 * a line that has no name or blanks in it. */
bool http_field_parse(const char *line, size_t size, struct http_field *out);
/* Names are compared without case. */
bool http_field_is(const struct http_field *field, const char *name);

/* Whether a status sends elsewhere (with a Location). */
bool http_status_redirects(uint16_t status);
/* Whether what follows is a GET without the body of the first request (RFC 9110 section 15.4). */
bool http_status_drops_body(uint16_t status, const char *method);

/* A SHA-256 of 32 bytes equals what is written in 64 hexadecimal digits of either case. */
bool http_digest_is(const uint8_t digest[32], const char *hex);

#endif
