/* See the header. */
#include "exporter/kept.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/loop.h"
#include "exporter/link.h"
#include "exporter/shared.h"

struct waiter {
	kept_ready *ready;
	void *ctx;
};

struct kept {
	struct link *link;
	const char *request;
	kept_make *make;
	void *ctx;
	struct shared *body;
	nstime fresh_until;
	bool asking;
	size_t waiting;
	struct waiter waiters[KEPT_WAITERS];
};

static void answered(void *ctx, char *line, size_t length)
{
	struct kept *kept = ctx;
	struct shared *body = line ? kept->make(kept->ctx, line, length) : NULL;
	size_t waiting = kept->waiting;

	shared_drop(kept->body);
	kept->body = body;
	kept->fresh_until = clock_now() + KEPT_FRESH;
	kept->asking = false;
	shared_hold(body);
	kept->waiting = 0; /* who asks from within a call is served there and then */
	for (size_t i = 0; i < waiting; i++)
		kept->waiters[i].ready(kept->waiters[i].ctx, body);
	shared_drop(body);
}

void kept_want(struct kept *kept, kept_ready *ready, void *ctx)
{
	if (!kept->asking && clock_now() < kept->fresh_until) {
		ready(ctx, kept->body);
		return;
	}
	if (kept->waiting == KEPT_WAITERS) {
		ready(ctx, NULL);
		return;
	}
	kept->waiters[kept->waiting++] = (struct waiter){ready, ctx};
	if (kept->asking)
		return;
	kept->asking = true;
	link_ask(kept->link, kept->request, answered, kept);
}

struct kept *kept_new(struct link *link, const char *request, kept_make *make, void *ctx)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->link = link;
	kept->request = request;
	kept->make = make;
	kept->ctx = ctx;
	return kept;
}

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	shared_drop(kept->body);
	free(kept);
}
