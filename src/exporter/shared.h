/* A text that many read and nobody changes: the body of an answer, made once and sent to all who wait for it. It goes with
 * its last holder. */
#ifndef LBHA_EXPORTER_SHARED_H
#define LBHA_EXPORTER_SHARED_H

#include <stddef.h>

struct shared {
	size_t holders, size;
	char *text; /* not terminated by a zero unless whoever made it put one behind `size` */
};

/* Takes `text` over, malloc'ed; its one holder is the caller. NULL when out of memory (or `text` is NULL). */
struct shared *shared_new(char *text, size_t size);
struct shared *shared_hold(struct shared *shared); /* NULL: NULL */
void shared_drop(struct shared *shared);           /* NULL: nothing */

#endif
