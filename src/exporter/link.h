/* The way to lbhad: one connection to the control socket, one request at a time, nobody waits in a call. It is made when
 * somebody asks and kept while it holds. A daemon whose control worker is being replaced, or which hangs up within an answer
 * because another configuration has come into force, is asked once more, and the question waits in the socket's queue until
 * somebody answers; one that is not there is known at once. */
#ifndef LBHA_EXPORTER_LINK_H
#define LBHA_EXPORTER_LINK_H

#include <stddef.h>

struct link;
struct loop;

#define LINK_PATIENCE (5 * NSTIME_S) /* with a daemon that says nothing */

/* What lbhad said, without the end of the line, malloc'ed and the callee's; NULL: nothing. */
typedef void link_answer(void *ctx, char *line, size_t length);

/* `path` is kept, not copied. NULL when out of memory. */
struct link *link_new(struct loop *loop, const char *path);
void link_free(struct link *link); /* nobody is answered any more */

/* Asks `request`, a line of JSON without its end (kept, not copied). Questions are answered in order, each once, and may
 * be so before the call returns. */
void link_ask(struct link *link, const char *request, link_answer *answer, void *ctx);

#endif
