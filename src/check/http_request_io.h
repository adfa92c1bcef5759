/* What a check asks for, as libcurl's options. */
#ifndef LBHA_CHECK_HTTP_REQUEST_IO_H
#define LBHA_CHECK_HTTP_REQUEST_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check;
struct http_request;

/* A check of type http. `target` (path and query) and `host` instead of the check's, for a redirect;
 * `without_body`: GET instead of the check's method, unless that is HEAD. NULL, NULL, false: as
 * configured. False when out of memory. */
bool http_fill(struct http_request *request, const char *target, const char *host,
	       bool without_body);

/* A call of gRPC: POST over HTTP/2 with these bytes, which are copied. False when out of memory. */
bool http_fill_call(struct http_request *request, const char *path, const uint8_t *body,
		    size_t size);

/* Whom the check asks for: its Host header or host; NULL: the target. */
const char *http_host(const struct check *check);

#endif
