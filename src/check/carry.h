/* What a check worker leaves to the next one (base/carry.h): of each probe of which anything is known, one record.
 * The successor, maybe of another release, finds the probe again by its key and goes on with it as a reload does:
 * verdict, rows of passes and failures, damping, the last outcome, what the server was told to be, and when its
 * next probe is due.
 *
 * The numbers of enum verdict, probe_reason, outcome_step, check_type and those of config/advice.h are part of it:
 * they never change. Times are points of CLOCK_MONOTONIC, so a carry is of one boot. What is foreign or hostile in
 * it is refused or brought into bounds here; nothing that comes out can be out of range. */
#ifndef LBHA_CHECK_CARRY_H
#define LBHA_CHECK_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/nstime.h"
#include "check/automaton.h"
#include "check/outcome.h"

enum check_carry {
	CHECK_CARRY_PROBE = 1, /* struct probe_carry */
};

#define PROBE_CARRY_MAX 320 /* bytes of a record at most, with its head */

struct probe_carry {
	uint64_t key;
	struct automaton automaton; /* but for `starved`, which was the predecessor's own matter */
	struct outcome last;        /* `fault` is in `words`, or NULL */
	nstime ended;               /* when that was; 0: none has ended */
	nstime due;                 /* when its next probe was to start; 0: at once */
	struct hindrance here;
	struct advice told;
	char words[OUTCOME_SAID];
};

/* Whether anything is known that a successor would not know by itself. */
bool probe_carry_matters(const struct probe_carry *carry);

/* The whole record, `last.fault` cut to fit. */
void probe_carry_put(struct writer *out, const struct probe_carry *carry);
/* Its value. False: it is malformed, or what it says cannot be. */
bool probe_carry_get(struct reader *in, nstime now, struct probe_carry *carry);

#endif
