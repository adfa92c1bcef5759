/* type http: one HTTP/1.1 request on a connection of its own, judged by its status. Passed when a
 * wanted status and the whole answer came before the deadline; redirects are answers like others.
 * No proxy, no cookies, no credentials, nothing from the environment. An answer may have 64 KiB of
 * headers and 1 MiB of body. */
#ifndef LBHA_CHECK_PROBE_HTTP_H
#define LBHA_CHECK_PROBE_HTTP_H

struct probe_type;

extern const struct probe_type probe_http;

#endif
