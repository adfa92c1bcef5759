/* A run: one execution of a script. The check worker has no right to start anything, so it asks the
 * supervisor with an order (which probe of which generation, never what to execute) and the write end of
 * a pipe; the supervisor answers every order once, when the run has ended. What the script writes goes
 * through the pipe to the check worker alone: the supervisor reads nothing foreign.
 *
 * Here: both records, the last line of the output, and what a run means for its probe. */
#ifndef LBHA_CHECK_RUN_H
#define LBHA_CHECK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "check/outcome.h"

struct check;

#define RUNS_AT_ONCE 32             /* scripts under way on a director */
#define RUN_OUTPUT_MAX (64 * 1024)  /* bytes that a script may write */
#define RUN_WHY OUTCOME_SAID        /* room for why a script was not started */

struct run_order {
	uint32_t run;        /* the asker's number for it, not 0 */
	uint32_t generation; /* whose models both must have */
	uint32_t probe;      /* index into model.probes */
	bool is_look;        /* beside the schedule: it may run while another run of the probe does */
};

enum run_end {
	RUN_EXITED,      /* number: its status */
	RUN_KILLED,      /* number: the signal */
	RUN_TIMED_OUT,   /* killed, with all its children, at the check's timeout */
	RUN_NOT_STARTED, /* why: a sentence */
	RUN_BUSY,        /* as many run as may */
	RUN_STALE,       /* the supervisor has another generation than the order's; number: that one */
	RUN_ENDS,
};

struct run_answer {
	uint32_t run;
	enum run_end end;
	uint32_t number;
	char why[RUN_WHY];
};

void run_order_put(struct writer *out, const struct run_order *order);
bool run_order_get(struct reader *in, struct run_order *order);
void run_answer_put(struct writer *out, const struct run_answer *answer);
bool run_answer_get(struct reader *in, struct run_answer *answer);

/* The last line of a stream that holds more than blanks, as far as there is room, and how much there was. */
struct run_tail {
	char line[OUTCOME_SAID]; /* the last whole one, or the one under way when that is not blank */
	size_t length;           /* of `line` */
	size_t total;            /* bytes taken */
	bool ended;              /* `line` is whole: the next byte that is not blank begins another */
};

/* More bytes; false when there were more than RUN_OUTPUT_MAX in all. */
bool run_tail_take(struct run_tail *tail, const char *bytes, size_t size);

/* What an answer (none of BUSY and STALE) means: reason and words in `said` (OUTCOME_SAID bytes), which
 * the outcome points to. */
struct outcome run_outcome(const struct run_answer *answer, const struct run_tail *tail,
			   const struct check *check, char *said);

#endif
