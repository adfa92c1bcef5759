/* The supervisor's side of one load: starts a compiler, opens files for it, collects lines and slices. */
#ifndef LBHA_DAEMON_LOAD_H
#define LBHA_DAEMON_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/model.h"

struct loop;
struct load;

struct load_order {
	int executable;          /* lbhad itself */
	const char *path;        /* the main file */
	const char *node, *host; /* node: NULL unless --node was given */
	uint32_t generation;
	uid_t uid;               /* the compiler runs as this */
	gid_t gid;
};

struct load_result {
	bool accepted;
	bool unreadable;         /* the main file could not be opened */
	int slices[ROLE_COUNT];  /* sealed; now the callee's; -1: none */
	uint32_t warnings;
};

struct load_ops {
	void (*line)(void *ctx, const char *text);  /* a diagnostic */
	void (*done)(void *ctx, struct load_result *result); /* exactly once; the load is freed by then */
};

/* Begins; `done` comes later from the loop, even on failure. 0 or -errno (then nothing comes). */
int load_start(struct loop *loop, const struct load_order *order, const struct load_ops *ops, void *ctx,
	       struct load **out);
/* Ends it without a result. NULL is fine. */
void load_cancel(struct load *load);

#endif
