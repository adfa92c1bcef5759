/* The HTTP server: who may ask what, how long, and how many at once; what is answered is the routes' business. Read-only: GET
 * and HEAD. Nothing a client does makes another wait for long: at most HTTP_CLIENTS are there, whoever has not sent a whole
 * request HTTP_PATIENCE after it came (or after its last answer) is hung up on, so is who does not take an answer in
 * HTTP_PATIENCE_ANSWER or stops reading for HTTP_STALL, and when the places are taken the one that has been waited for
 * longest goes. A body lives as long as somebody has not read all of it: what slow readers hold is limited, too. Beyond
 * HTTP_HELD_MAX those go that have been at it for longest, if that is for ten seconds; if nobody has, a long answer has to
 * wait: 503, and when to come again.
 *
 * Where it listens on a loopback address alone, requests must name an address or "localhost" as their host: else a page
 * of anybody's could have a browser on this machine ask here under a name of its own (DNS rebinding). */
#ifndef LBHA_EXPORTER_HTTP_H
#define LBHA_EXPORTER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/nstime.h"

struct endpoint;
struct evhttp_request;
struct http;
struct loop;
struct shared;

#define HTTP_CLIENTS 128
#define HTTP_PATIENCE (10 * NSTIME_S)
#define HTTP_PATIENCE_ANSWER (120 * NSTIME_S)
#define HTTP_STALL 20 /* seconds */
#define HTTP_HEAD_MAX 8192
#define HTTP_HELD_MAX ((size_t)64 << 20) /* bytes of bodies that are being sent, but for the one that comes on top */
#define HTTP_SHORT 65536                 /* a body that is always sent */
#define HTTP_BODY_MAX 4096 /* nobody needs one: so much is read of it before it is refused */

/* A path (exactly this one; what stands behind a "?" is for http_query) and what answers it: with one call of http_reply or
 * http_reply_text for the request, now or later, also when the client has left meanwhile. */
struct http_route {
	const char *path;
	void (*handle)(void *ctx, struct evhttp_request *request);
};

/* `routes` ends with a path of NULL. NULL: why not has been logged. */
struct http *http_new(struct loop *loop, const struct endpoint *listen, const struct http_route *routes, void *ctx);
/* Lets go of the address: nobody comes in any more, and those who are there get their answers. */
void http_close(struct http *http);
/* Whether nobody waits for an answer. */
bool http_is_idle(const struct http *http);
void http_free(struct http *http);

/* `type` is the Content-Type. The body stays the caller's (it is held, not copied); HEAD gets its size alone. Where slow
 * readers hold too much, this one gets 503. */
void http_reply(struct evhttp_request *request, int code, const char *type, struct shared *body);
/* A few words as plain text, copied. */
void http_reply_text(struct evhttp_request *request, int code, const char *text);
/* A header of the answer that is yet to be sent, over the one of that name (policies of a page). */
void http_header(struct evhttp_request *request, const char *name, const char *value);
/* The value behind "?name=", decoded, in `out`; false: it is not there, or too long. */
bool http_query(struct evhttp_request *request, const char *name, char *out, size_t size);

#endif
