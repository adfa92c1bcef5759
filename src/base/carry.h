/* A carry: what a process hands to the one that takes its place, maybe of another release: records of type (16 bits) ·
 * length (32) · value behind a head. This form and the types that a release has used never change: who does not know a
 * type skips it, and more may be put behind the end of a known value. Nothing in it is an index or a pointer. */
#ifndef LBHA_BASE_CARRY_H
#define LBHA_BASE_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define CARRY_HEAD 8        /* bytes */
#define CARRY_RECORD_HEAD 6

/* The head; first of all. */
void carry_begin(struct writer *out);
/* A record's head; its value is what is put until carry_end gets what this returned (NULL when there is no room). */
uint8_t *carry_record(struct writer *out, uint16_t type);
void carry_end(struct writer *out, uint8_t *record);

/* Takes the head; false: it is no carry. */
bool carry_start(struct reader *in);
/* The next record; false at the end, and `in` has failed when that was not the end of a record. */
bool carry_next(struct reader *in, uint16_t *type, struct reader *value);

/* A number that is mostly small: one byte says how many follow. */
void carry_number_put(struct writer *out, uint64_t number);
uint64_t carry_number_get(struct reader *in);
#define CARRY_NUMBER_MAX 9 /* bytes */

/* A point in time (put_time) that has been: one to come is now, one before the clock began fails. */
nstime carry_past_get(struct reader *in, nstime now);

#endif
