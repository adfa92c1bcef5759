/* Events as an operator reads them: a line each, and following them as long as it takes. */
#ifndef LBHA_CTL_EVENTS_H
#define LBHA_CTL_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/paper.h"

/* One event: "2026-01-02 03:28:20 UTC vrrp_state public: BACKUP → MASTER: no advert from …". Its texts
 * are clean already. */
void show_event(const struct paper *paper, const json_t *event);
/* All events of an answer; `raw`: as lines of JSON. */
void show_events(const struct paper *paper, json_t *events, bool raw);

struct follow {
	struct client *client;  /* where the answer to the request came from */
	const char *socket;     /* to connect to again */
	const struct paper *paper;
	bool raw;
	uint64_t last;          /* the number of the last event that is known */
};

/* Prints events as they come. When the connection breaks it is made again and goes on behind the
 * last event; returns when that is in vain, or the paper takes no more, with -errno; `error`
 * (CLIENT_ERROR bytes) gets the sentence. */
int events_follow(struct follow *follow, char *error);

#endif
