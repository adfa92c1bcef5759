/* type script: passes when a program, started by the supervisor, ends with status 0. The client of all
 * such flights is made by the worker, which alone can speak with the supervisor, and given to the
 * engine. At most RUNS_AT_ONCE orders are out; further flights wait in line, which does not count
 * against their timeout and, when it takes longer than their interval, is our lack and no failure. */
#ifndef LBHA_CHECK_PROBE_SCRIPT_H
#define LBHA_CHECK_PROBE_SCRIPT_H

#include <stdint.h>

struct probe_type;
struct reader;
struct run_order;
struct scripts;

extern const struct probe_type probe_script;

/* The way to the supervisor. */
struct scripts_ops {
	/* Sends the order with a descriptor that the callee does not keep. */
	void (*order)(void *ctx, const struct run_order *order, int output);
	void (*cancel)(void *ctx, uint32_t run);
	uint32_t (*generation)(void *ctx);
};

/* NULL when out of memory. */
struct scripts *scripts_new(const struct scripts_ops *ops, void *ctx);

/* An answer of the supervisor (RECORD_RAN). */
void scripts_answered(struct scripts *scripts, struct reader *in);
/* A generation was committed: flights that waited for it go. */
void scripts_committed(struct scripts *scripts);

#endif
