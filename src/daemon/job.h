/* What the supervisor was asked to do, one after the other: reloads (by signal or lbhactl) and plans. */
#ifndef LBHA_DAEMON_JOB_H
#define LBHA_DAEMON_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/protocol.h"

#define JOBS 20 /* more than control has under way at a time */
#define JOB_PATH 4096

struct job {
	enum request_kind kind;
	bool from_control;     /* answer `request` when done */
	uint32_t request;
	char path[JOB_PATH];   /* plan of another file; "": the daemon's own */
};

struct job_queue {
	struct job jobs[JOBS];
	unsigned first, count;
};

/* The job under way (or next), NULL when there is none. */
struct job *job_first(struct job_queue *queue);
/* Adds a copy; false when the queue is full. A reload by signal joins any reload that waits already, and one place is
 * kept for it: nobody could be told that it was lost. */
bool job_add(struct job_queue *queue, const struct job *job);
void job_drop(struct job_queue *queue);
/* Whoever asked by way of control hears of none any more: that worker has died. */
void job_forget_askers(struct job_queue *queue);

#endif
