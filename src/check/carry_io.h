/* What is known of all probes of a roster as bytes, and back (check/carry.h). */
#ifndef LBHA_CHECK_CARRY_IO_H
#define LBHA_CHECK_CARRY_IO_H

#include <stddef.h>

#include "base/nstime.h"

struct reader;
struct roster;

/* The whole carry, malloc'ed; NULL when out of memory. */
void *roster_carry(const struct roster *roster, size_t *size);

/* For a roster that is prepared and the first to be committed: its probes go on with what a predecessor knew of them.
 * Returns of how many something is known now; what is malformed ends the reading, what was read until then
 * holds. */
size_t roster_inherit(struct roster *roster, struct reader *in, nstime now);

#endif
