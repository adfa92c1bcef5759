/* type http: one request on a connection of its own, judged by its status, headers and body. Passed
 * when all is as expected and the whole answer came before the deadline; redirects are answers like
 * others unless they are to be followed. No proxy, no cookies, no credentials, nothing from the environment. An answer may have 64 KiB of
 * headers and 1 MiB of body. */
#ifndef LBHA_CHECK_PROBE_HTTP_H
#define LBHA_CHECK_PROBE_HTTP_H

#include <stdbool.h>

struct check;
struct probe_type;

extern const struct probe_type probe_http;

/* Whether a failure may have words of its own: a check for the status alone needs no room for them. */
bool http_has_words(const struct check *check);

#endif
