/* What it means when adverts of a router are dropped: the reasons of status as words for people. */
#ifndef LBHA_CTL_DROPS_H
#define LBHA_CTL_DROPS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/nstime.h"

struct drop_words {
	const char *reason;   /* as in status */
	const char *what;     /* "wrong password" */
	const char *look;     /* what it means, or where to look; "" where that says nothing */
	bool is_mismatch;     /* two routers that ought to understand one another do not */
};

/* The words of a reason; those of an unknown one are its name. Valid until the next call. */
const struct drop_words *drop_words(const char *reason);

/* The reason for which an instance drops adverts that a peer may have meant, and did so within
 * `recent` before `now` (since the epoch): the one that counted most. NULL: none. */
const struct drop_words *drops_mismatch(const json_t *instance, nstime now, nstime recent);

#endif
