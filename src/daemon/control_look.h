/* `check`: an operator looks at a probe of his own. Names are held against the model; the check worker is
 * asked by a fact (FACT_LOOK) and tells what came of it by another (FACT_SEEN), whose number says which
 * wish it is about: so an answer to somebody who has left is nobody's. FACT_LOOKS at once; who asks
 * beyond that is refused. A wish ends with its answer, with its client, with its generation, or when the
 * check worker is silent for too long. */
#ifndef LBHA_DAEMON_CONTROL_LOOK_H
#define LBHA_DAEMON_CONTROL_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/nstime.h"

struct control_looks;
struct control_request;
struct loop;
struct mirror;

struct control_looks_ops {
	void (*answer)(void *ctx, uint32_t ticket, char *text);
	void (*changed)(void *ctx, uint32_t place); /* its fact has another value */
};

/* NULL when out of memory. */
struct control_looks *control_looks_new(struct loop *loop, const struct mirror *mirror,
					const struct control_looks_ops *ops, void *ctx);
void control_looks_free(struct control_looks *looks);

/* A refusal at once, malloc'ed, or NULL: it is answered later. */
char *control_looks_ask(struct control_looks *looks, uint32_t ticket,
			const struct control_request *request);
/* The fact of a place. */
void control_looks_put(const struct control_looks *looks, uint32_t place, struct writer *out);
/* A FACT_SEEN; false when it is malformed. */
bool control_looks_seen(struct control_looks *looks, struct reader *in);
/* This client has left. True: it had asked for a look, which is not answered any more. */
bool control_looks_left(struct control_looks *looks, uint32_t ticket);
/* Refuses all that are under way; after another model has come into the mirror, before anything else is asked of them. */
void control_looks_end(struct control_looks *looks, const char *why);

#endif
