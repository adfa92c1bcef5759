/* Putting back what somebody else keeps removing: the first time at once, then ever more slowly, so
 * that two programs do not fight over an address for ever. Pure. */
#ifndef LBHA_NET_REPAIR_H
#define LBHA_NET_REPAIR_H

#include <stdbool.h>

#include "base/nstime.h"

#define REPAIR_FIRST (10 * NSTIME_S) /* between the first repair and the second; doubles */
#define REPAIR_LONGEST (300 * NSTIME_S)

/* All zero: never repaired. */
struct repair {
	unsigned streak; /* repairs in a row, each undone again soon */
	nstime last;
};

/* From when on the next repair may be done. */
nstime repair_due(const struct repair *repair, nstime now);

/* It was done now. What has held for twice its waiting time begins a new streak. */
void repair_done(struct repair *repair, nstime now);

/* The last repair undid one that had not held either, and it has not held long enough itself. */
bool repair_contested(const struct repair *repair, nstime now);
/* When it will have held long enough, if it does. */
nstime repair_forgotten(const struct repair *repair);

#endif
