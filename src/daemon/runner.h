/* Runs the scripts of checks: at most RUNS_AT_ONCE at a time, each with its check's timeout. Whoever asks names a
 * probe; the command, the user and the timeout are those of the model, so that a check worker in a stranger's hands
 * can start what is configured and nothing else. The runner neither waits nor reads what a script writes.
 *
 * At its timeout a script is killed at once, with its whole process group: a probe has no work to put in order, and a
 * second signal would only hold the slot. A timeout is answered when it happens, even if the process cannot die (a disk that hangs); its slot is taken until it
 * has, and its probe is not run a second time beside it. */
#ifndef LBHA_DAEMON_RUNNER_H
#define LBHA_DAEMON_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct model;
struct run_answer;
struct run_order;
struct runner;

/* How answers leave: one for each order that was accepted, BUSY and STALE included. */
typedef void runner_answer(void *ctx, const struct run_answer *answer);

/* NULL when out of memory. */
struct runner *runner_new(struct loop *loop, runner_answer *answer, void *ctx);
void runner_free(struct runner *runner); /* kills what is left */

/* The generation in force; runs that are under way go on. NULL: none, every order is stale. */
void runner_model(struct runner *runner, const struct model *model);

/* Starts a run, or answers at once why not. `output` (a pipe) stays the caller's. False: no honest check worker asks
 * so (a probe that is no script, an output that is no pipe), and nothing is answered. */
bool runner_run(struct runner *runner, const struct run_order *order, int output);

/* Kills a run that nobody waits for any more; it is answered when it has ended. */
void runner_cancel(struct runner *runner, uint32_t run);

/* While paused none starts: whoever asks is told that all places are taken. */
void runner_pause(struct runner *runner, bool paused);
bool runner_busy(const struct runner *runner); /* something has not ended */
/* Kills all runs, and answers as if they had had no place: they are asked for again. */
void runner_interrupt(struct runner *runner);

/* Whoever asked is gone: kills all runs, and answers none. */
void runner_forget(struct runner *runner);

#endif
