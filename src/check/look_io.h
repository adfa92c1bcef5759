/* Looks: probes beside the schedule that an operator has asked for (`lbhactl check`), with a transcript
 * of all that is done. They fly as others do, under the same limits, and count for nothing: no verdict,
 * no counter and no time of the schedule changes by them. FACT_LOOKS at once; a transcript has memory
 * while somebody wants it. */
#ifndef LBHA_CHECK_LOOK_IO_H
#define LBHA_CHECK_LOOK_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "check/outcome.h"
#include "check/transcript.h"
#include "config/facts.h"

struct engine;
struct flight;
struct look;
struct looks;
struct model;

/* One of them, for the engine. */
struct look {
	struct flight *flight; /* NULL: it does not fly */
	struct transcript transcript;
	struct fact_seen seen;
	void (*ended)(struct look *look);
	void *ctx;
};

/* Before its flight starts: what is to be probed. `held`: it is not on the schedule now. */
void look_begin(struct look *look, const struct model *model, uint32_t probe, bool held);
/* The flight ends so. */
void look_end(struct look *look, const struct flight *flight, const struct outcome *outcome);

/* `told` is called when there is something to be told of a place. NULL when out of memory. */
struct looks *looks_new(struct engine *engine, void (*told)(void *ctx, uint32_t place), void *ctx);
void looks_free(struct looks *looks);

/* What is wanted in a place: begins, or ends what is no longer wanted. */
void looks_take(struct looks *looks, const struct fact_look *wanted);
/* Ends all: before another generation, or for good. */
void looks_forget(struct looks *looks);
/* Puts what has come of a place, if anything has (FACT_SEEN). */
bool looks_fact(const struct looks *looks, uint32_t place, struct writer *out);

#endif
