/* Waiting for servers that are drained with a deadline: asks once a second how many connections they
 * have, and shows it: on a terminal in one line, else a line for each change. Ctrl-C ends the waiting
 * and leaves the drain going. */
#ifndef LBHA_CTL_DRAIN_H
#define LBHA_CTL_DRAIN_H

#include <stdbool.h>

#include <jansson.h>

#include "base/nstime.h"

struct client;

struct drain_watch {
	struct client *client;
	bool silent;
};

/* Waits until all objects ("SERVICE/SERVER", the members of the answer to `drain`) are out of the
 * table. False: `error` (CLIENT_ERROR bytes) says why that is not to be waited for. */
bool drain_wait(const struct drain_watch *watch, const json_t *objects, char *error);

enum drain_stage {
	DRAIN_UNSEEN, /* it is not in the status yet, or no more */
	DRAIN_GOES_ON,
	DRAIN_OUT,
};

struct drain_view {
	enum drain_stage stage;
	long long active, inactive, persistent;
	nstime deadline; /* since the epoch */
};

/* What an array of services says of an object. */
struct drain_view drain_view_of(const json_t *services, const char *object);

#endif
