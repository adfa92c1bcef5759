/* <run-dir>/handover on disk: written whole or not at all, read with suspicion. */
#ifndef LBHA_DAEMON_HANDOVER_FILE_H
#define LBHA_DAEMON_HANDOVER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/handover.h"

/* The boot and network namespace of this process, in the places where a handover has them. */
void handover_here(struct handover *out);

/* Begins one beside the name that it will have, and keeps `room` bytes for it, so that a full disk is known before
 * anything depends on it. The descriptor, or -errno. */
int handover_begin(int dir, size_t room);
/* Writes it, and gives it its name when the disk has it. `fd` is closed. -errno: there is none, old or new. */
int handover_finish(int dir, int fd, const struct handover *handover);
/* Nobody will go on with one. */
void handover_abandon(int dir, int fd); /* fd -1: only what has its name */

/* One as this daemon would write it, but for the workers' carries, in sealed memory: for the next one to look at before
 * anything depends on it. The descriptor, or -errno. */
int handover_sample(nstime deadline);
/* Whether a descriptor is of a handover that this release can read. */
bool handover_understood(int fd);

struct handover_found {
	bool fresh;             /* to be gone on with; else nothing else is set but `why` */
	struct handover handover;
	void *bytes;            /* that it points into: free() */
	char why[160];          /* not fresh: in words, what follows "<path>: "; "": there is none */
};

/* What there is. One that others could write is not believed. */
void handover_find(int dir, nstime now, struct handover_found *out);
void handover_found_free(struct handover_found *found);

#endif
