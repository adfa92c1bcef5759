/* One answer of lbhad's, kept and shared: whoever wants it gets the one that is there while it is fresh, and else waits with
 * all others for the next. So a storm of clients costs lbhad one request per KEPT_FRESH, and none when nobody asks. That
 * lbhad does not answer is kept as long. */
#ifndef LBHA_EXPORTER_KEPT_H
#define LBHA_EXPORTER_KEPT_H

#include <stddef.h>

struct kept;
struct link;
struct shared;

#define KEPT_FRESH NSTIME_S
#define KEPT_WAITERS 256 /* more are told that there is nothing */

/* Makes the body that is kept of an answer (`line`, taken over, and not of a refusal only); NULL: it is as if there were none. */
typedef struct shared *kept_make(void *ctx, char *line, size_t length);

/* `body` stays the giver's; NULL: lbhad does not answer, or what it says is of no use. */
typedef void kept_ready(void *ctx, struct shared *body);

/* `request` is kept, not copied: what stands there when lbhad is asked. `ctx` is for `make`. NULL when out of memory. */
struct kept *kept_new(struct link *link, const char *request, kept_make *make, void *ctx);
void kept_free(struct kept *kept); /* nobody is called any more */

/* Calls `ready` once, now or later. */
void kept_want(struct kept *kept, kept_ready *ready, void *ctx);

#endif
