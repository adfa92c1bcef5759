/* What operators say of servers (drain, disable, enable, weight) and whole
 * files of overrides, as a list of words for the supervisor. Names are held
 * against the model: one that means nothing, or two things, refuses the whole
 * request with a sentence that says what would be right. */
#ifndef LBHA_DAEMON_CONTROL_WORDS_H
#define LBHA_DAEMON_CONTROL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/override.h"
#include "daemon/control_request.h"

struct mirror;
struct real_server;
struct service;

struct word {
	bool holds;		  /* false: it is taken back */
	struct override override; /* without `by` and `since` */
};

struct words {
	struct word *rows;
	size_t count, room;
};

/* Whether a request is about words. */
bool words_are_asked(enum control_kind kind);

/* The words of such a request; `wall` is the time since the epoch. -EINVAL with
 * `error` (CONTROL_ERROR bytes), -ENOMEM; nothing is to be freed then. What has
 * ended by now is left out. */
int words_of(const struct mirror *mirror, const struct control_request *request, nstime wall,
	     struct words *out, char *error);
void words_free(struct words *words);

/* The server of a service that these names mean, the sorry server included, and `in` which service. NULL: none, or
 * several, and `error` (CONTROL_ERROR bytes) says what would be right. */
const struct real_server *words_server(const struct mirror *mirror, const char *service, const char *server,
				       const struct service **in, char *error);

#endif
