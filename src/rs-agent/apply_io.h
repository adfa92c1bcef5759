/* A plan done step by step: to the kernel, into the journal, and told. */
#ifndef LBHA_RS_AGENT_APPLY_IO_H
#define LBHA_RS_AGENT_APPLY_IO_H

#include <stdbool.h>

#include "rs-agent/plan.h"

struct arena;
struct kernel;
struct report;
struct store;

struct applier {
	struct arena *arena;
	struct kernel *kernel;
	struct store *store;
	const char *state_dir; /* for people */
	struct report *report;
	bool goes_on; /* with the next step after one that failed */
};

/* Fills in what each step lacks (act_prepare). 0, or the last -errno; all is told to the report. */
int apply_plan(const struct applier *applier, struct rs_plan *plan);

#endif
