/* A ring of jobs. */
#include "daemon/job.h"

#include <stddef.h>

struct job *job_first(struct job_queue *queue)
{
	return queue->count ? &queue->jobs[queue->first] : NULL;
}

/* A reload that waits will read the file later than now: a signal asks for no more than that. */
static bool joins(const struct job *waiting, const struct job *job)
{
	return !job->from_control && job->kind == REQUEST_RELOAD && waiting->kind == REQUEST_RELOAD;
}

bool job_add(struct job_queue *queue, const struct job *job)
{
	/* the first one may be under way already and have read the file: only a later one is joined */
	for (unsigned i = 1; i < queue->count; i++)
		if (joins(&queue->jobs[(queue->first + i) % JOBS], job))
			return true;
	if (queue->count + job->from_control >= JOBS)
		return false;
	queue->jobs[(queue->first + queue->count++) % JOBS] = *job;
	return true;
}

void job_drop(struct job_queue *queue)
{
	queue->first = (queue->first + 1) % JOBS;
	queue->count--;
}

void job_forget_askers(struct job_queue *queue)
{
	for (unsigned i = 0; i < queue->count; i++)
		queue->jobs[(queue->first + i) % JOBS].from_control = false;
}
