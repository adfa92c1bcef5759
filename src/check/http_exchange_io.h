/* One request and its answer, for all types of checks that speak HTTP: the way there (dial, TLS), and what it
 * means that no whole answer came back. */
#ifndef LBHA_CHECK_HTTP_EXCHANGE_IO_H
#define LBHA_CHECK_HTTP_EXCHANGE_IO_H

#include <curl/curl.h>
#include <stdbool.h>

#include "check/outcome.h"

struct flight;
struct http_request;

#define HTTP_HEADERS_MOST (64u << 10) /* bytes of an answer's headers, the user's to count */

/* A flight's start(): connects, over TLS if its check says so, and sends what the user fills in. It may be
 * called again after http_reset(). */
void http_begin(struct flight *flight);
/* A flight's expired(). */
struct outcome http_expired(const struct flight *flight);

/* How a transfer failed that its user has not ended; CURLE_OK: there were no headers. */
struct outcome http_broken(const struct http_request *request, CURLcode code, bool headers_done);

#endif
