/* The frame of every worker: speaks with the supervisor, beats the heart, keeps the links to other workers, and
 * calls the worker's own part. The two-phase reload as a worker sees it:
 *
 *   prepare  decode the slice of a new generation (mapped only during the call), compare it with what runs, say the operations that it would cause
 *            (worker_line) or the reasons why not; change nothing. The first start is the same with nothing running.
 *   commit   the new generation is the truth: apply adds and changes; call worker_committed() when the kernel has them
 *            (at once, or later from a callback): it is sent there and then, so what nobody waits for can be done
 *            behind it. Facts go out under the new generation from here.
 *   finish   removals that had to wait for the others (ipvs); optional.
 *   abort    forget what was prepared.
 *   applied  everybody has the generation; the frame sends all facts again by itself. Optional.
 *   release  planned stop: give everything up in good order, then worker_released().
 *   leave    planned change: a successor goes on with what is in the kernel. Do nothing more to it, then worker_left()
 *            with what the successor wants to know and cannot see there (base/carry.h).
 *   inherit  what the predecessor left; before the first commit.
 *
 * Facts: the worker's objects are numbered 0..fact_count()-1, one numbering for all peers. worker_dirty() marks one for
 * every linked peer. The supervisor connects peers; a (re)connected peer gets all facts, then SYNC. Facts received under
 * another generation than ours are dropped by the frame: they come again after APPLIED. */
#ifndef LBHA_CORE_WORKER_H
#define LBHA_CORE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/cursor.h"

struct loop;
struct statepage;
struct worker;

#define WORKER_PEERS 8 /* roles are smaller than this */

struct worker_ops {
	int (*prepare)(void *ctx, const void *slice, size_t size, uint32_t generation);
	void (*commit)(void *ctx);
	void (*finish)(void *ctx);
	void (*abort)(void *ctx);
	void (*applied)(void *ctx);
	void (*release)(void *ctx);
	/* `deadline`: 0, the successor is ready; else it comes before then. Answered by worker_left, at once or later.
	 * NULL: there is nothing to leave. */
	void (*leave)(void *ctx, nstime deadline);
	/* The records behind the head of the carry, maybe of another release's making. NULL: not wanted. */
	void (*inherit)(void *ctx, struct reader *in);
	/* The supervisor is gone without a word: let go of what must not outlive it, then exit (NULL: exit at once). */
	void (*orphaned)(void *ctx);

	uint32_t (*fact_count)(void *ctx);
	/* Encode object `index` for `peer`; false: it does not concern that peer. */
	bool (*fact)(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out);
	/* A fact of our generation from a peer. Type FACT_SYNC (1) has no value. */
	void (*fact_received)(void *ctx, int peer, uint16_t type, struct reader *in);
	/* A record of the supervisor that the frame does not know (a command); may be NULL. */
	void (*command)(void *ctx, uint16_t type, struct reader *in, int fd);
};

/* A worker is started with these descriptors (the supervisor arranges them before exec). */
#define WORKER_FD_SUPERVISOR 3
#define WORKER_FD_PAGE 4
#define WORKER_FD_OWNED 5 /* the owned file, for those who write it; else closed */
#define WORKER_FD_CONTROL 6 /* the listening control socket, for the control worker; else closed */

/* Builds loop, supervisor channel and heartbeat. `role` is an enum role; `name` is for logs. NULL (logged) when the
 * descriptors are not what a supervisor hands over. */
struct worker *worker_new(int role, const char *name, const struct worker_ops *ops, void *ctx);
void worker_free(struct worker *worker);
struct loop *worker_loop(struct worker *worker);
struct statepage *worker_page(struct worker *worker);
/* The generation committed last; 0 before the first commit. */
uint32_t worker_generation(const struct worker *worker);

/* Says HELLO and runs until released, orphaned or told to exit; returns the exit status. */
int worker_run(struct worker *worker);

/* During prepare: one line of the plan (an operation), or of the refusal. */
void worker_line(struct worker *worker, const char *format, ...) PRINTF_LIKE(2, 3);
void worker_committed(struct worker *worker);
void worker_released(struct worker *worker);
/* Hands over a whole carry (head and records; size 0: none) and ends. */
void worker_left(struct worker *worker, const void *carry, size_t size);
/* Keeps what `inherit` gets for a worker that can take it up only with its first commit, since it may come before PREPARE
 * or behind it. There: true, and `in` reads it; gone with worker_kept_end (when out of memory at once). */
void worker_keep(struct worker *worker, const struct reader *in);
bool worker_kept(const struct worker *worker, struct reader *in);
void worker_kept_end(struct worker *worker);
/* Ends so that another one takes its place at once (exit status WORKER_AGAIN). */
void worker_again(struct worker *worker);
#define WORKER_AGAIN 75
/* A beat of the heart in the middle of long work that makes progress: the loop will turn again. */
void worker_alive(struct worker *worker);
void worker_dirty(struct worker *worker, uint32_t index);
/* The number of objects has changed (outside a commit, which does this by itself): send all again. */
void worker_facts_restart(struct worker *worker);
/* Sends the supervisor a record of its own type (see core/protocol.h). */
void worker_tell(struct worker *worker, uint16_t type, const void *value, size_t size, int fd);
/* It has taken all that it was told. */
bool worker_was_heard(const struct worker *worker);

#endif
