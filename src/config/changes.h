/* What differs between two objects, in words, by the tables of config/schema.h: a key that can
 * change is told without anybody having to remember it. */
#ifndef LBHA_CONFIG_CHANGES_H
#define LBHA_CONFIG_CHANGES_H

#include "config/schema.h"

#define CHANGE_TEXT 256 /* longer lines are cut */

/* Gives a line for each difference: "announce.count 5 → 9", then, for elements of lists, "add
 * virtual address 10.0.0.3/32 label eth0:1", "remove …" and "virtual address 10.0.0.1/24 label none
 * → eth0:1". Descriptions and derived members are left out; the order of elements counts for
 * nothing. */
void schema_changes(const struct schema_record *record, const void *old, const void *new,
		    void (*line)(void *ctx, const char *text), void *ctx);

#endif
