/* Two lines of flights: those that wait and those whose order is out. An order stays counted until it is
 * answered, also when its flight has gone meanwhile: so the supervisor's slots are never asked for twice.
 * A STALE answer means that the supervisor has a newer generation than we: its flight waits again, at the
 * head, and nobody is sent before the commit that must be on its way. */
#include "check/probe_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/text.h"
#include "check/flight_io.h"
#include "check/run.h"
#include "config/model.h"
#include "core/log.h"
#include "core/loop.h"

#define GRACE (5 * NSTIME_S) /* for the answer, beyond the timeout that the supervisor watches */

TAILQ_HEAD(script_line, script);

struct script {
	TAILQ_ENTRY(script) next;
	struct scripts *all;
	struct flight *flight;
	struct script_line *line; /* where it stands */
	uint32_t run;             /* while its order is out */
	struct run_tail tail;
};

struct scripts {
	const struct scripts_ops *ops;
	void *ctx;
	struct script_line waiting, running;
	uint32_t out;     /* orders that were not answered */
	uint32_t last;    /* number of the last order */
	uint32_t refused; /* the generation that the supervisor has no more; 0: none */
};

static void script_move(struct script *script, struct script_line *line, bool first)
{
	if (script->line)
		TAILQ_REMOVE(script->line, script, next);
	if (first)
		TAILQ_INSERT_HEAD(line, script, next);
	else
		TAILQ_INSERT_TAIL(line, script, next);
	script->line = line;
}

struct scripts *scripts_new(const struct scripts_ops *ops, void *ctx)
{
	struct scripts *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->ops = ops;
	all->ctx = ctx;
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->running);
	return all;
}

static void scripts_free(void *client)
{
	free(client); /* the engine has ended all flights */
}

/* ---- a run ---------------------------------------------------------------------------------- */

/* Takes what the script wrote; false when it wrote too much, or nothing more can come. */
static bool script_read(struct script *script)
{
	char bytes[4096];
	ssize_t got;

	do {
		got = read(script->flight->fd, bytes, sizeof(bytes));
		if (got > 0)
			flight_heard(script->flight, bytes, (size_t)got);
		if (got > 0 && !run_tail_take(&script->tail, bytes, (size_t)got))
			return false;
	} while (got > 0);
	return got < 0 && errno == EAGAIN;
}

static const struct outcome too_large = {.reason = REASON_TOO_LARGE,
					 .fault = "more than 64 KiB of output"};

static void script_readable(void *ctx)
{
	struct script *script = ctx;

	if (script_read(script))
		return;
	if (script->tail.total > RUN_OUTPUT_MAX)
		flight_end(script->flight, &too_large);
	else
		io_want_read(&script->flight->io, false); /* closed: the end comes by the answer */
}

/* The pipe of a run: our end stays in the flight, the other one goes out. */
static int script_pipe(struct script *script, int *output)
{
	struct flight *flight = script->flight;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	flight->fd = ends[0];
	*output = ends[1];
	if (!fcntl(ends[0], F_SETFL, O_NONBLOCK) &&
	    !io_init(flight->loop, &flight->io, ends[0], LOOP_NORMAL, script_readable, NULL, script))
		return 0;
	close(ends[1]);
	return ENOMEM;
}

/* As somebody would type it. */
static void tell_command(const struct flight *flight)
{
	const struct check *check = flight->check;
	char words[256];
	struct text text = text_of(words, sizeof(words));

	for (size_t i = 0; flight->look && i < check->command_count; i++)
		text_add(&text, " %s", check->command[i]);
	flight_did(flight, "start%s%s%s", words, check->user ? ", as " : "", check->user ? check->user : "");
}

static void script_order(struct script *script)
{
	struct scripts *all = script->all;
	struct flight *flight = script->flight;
	struct run_order order = {.generation = all->ops->generation(all->ctx),
				  .probe = flight->probe,
				  .is_look = flight->look != NULL};
	int output = -1, error = script_pipe(script, &output);

	if (error) {
		flight_fail(flight, STEP_SOCKET, error);
		return;
	}
	all->last += all->last == UINT32_MAX ? 2 : 1;
	order.run = script->run = all->last;
	script_move(script, &all->running, false);
	all->out++;
	flight_begin(flight, flight->check->timeout + GRACE);
	tell_command(flight);
	all->ops->order(all->ctx, &order, output);
	close(output);
}

static void scripts_go(struct scripts *all)
{
	while (all->out < RUNS_AT_ONCE && !TAILQ_EMPTY(&all->waiting) &&
	       all->refused != all->ops->generation(all->ctx))
		script_order(TAILQ_FIRST(&all->waiting));
}

/* ---- the flight ----------------------------------------------------------------------------- */

static nstime patience(const struct check *check)
{
	return nstime_max(check->interval, check->timeout);
}

static void script_start(struct flight *flight)
{
	struct scripts *all = flight->client;
	struct script *script = all ? calloc(1, sizeof(*script)) : NULL;

	if (!script) {
		flight_fail(flight, STEP_SOCKET, ENOMEM);
		return;
	}
	script->all = all;
	script->flight = flight;
	flight->request = script;
	script_move(script, &all->waiting, false);
	flight_begin(flight, patience(flight->check));
	scripts_go(all);
}

static void script_stop(struct flight *flight)
{
	struct script *script = flight->request;

	if (!script)
		return;
	if (script->run)
		script->all->ops->cancel(script->all->ctx, script->run);
	TAILQ_REMOVE(script->line, script, next);
	flight->request = NULL;
	free(script);
}

/* No slot within its patience, or no answer of the supervisor: neither says anything about the object. */
static struct outcome script_expired(const struct flight *flight)
{
	const struct script *script = flight->request;

	return outcome_of_error(STEP_REPLY, script->run ? ETIME : EBUSY);
}

const struct probe_type probe_script = {.client_free = scripts_free,
					.start = script_start,
					.stop = script_stop,
					.expired = script_expired};

/* ---- answers -------------------------------------------------------------------------------- */

/* Back to the head of those who wait. */
static void script_again(struct script *script)
{
	struct scripts *all = script->all;
	struct flight *flight = script->flight;

	io_fini(&flight->io);
	close(flight->fd);
	flight->fd = -1;
	script_move(script, &all->waiting, true);
	script->run = 0;
	script->tail = (struct run_tail){0};
	flight_begin(flight, patience(flight->check));
}

static void script_ended(struct script *script, const struct run_answer *answer)
{
	struct flight *flight = script->flight;
	char said[OUTCOME_SAID];
	struct outcome outcome;

	script->run = 0; /* nothing is left to be cancelled */
	script_read(script);
	if (answer->end == RUN_BUSY)
		outcome = outcome_of_error(STEP_REPLY, EBUSY);
	else if (script->tail.total > RUN_OUTPUT_MAX)
		outcome = too_large;
	else
		outcome = run_outcome(answer, &script->tail, flight->check, said);
	flight_end(flight, &outcome);
}

static struct script *script_find(const struct scripts *all, uint32_t run)
{
	struct script *script;

	TAILQ_FOREACH(script, &all->running, next)
		if (script->run == run)
			return script;
	return NULL;
}

void scripts_answered(struct scripts *all, struct reader *in)
{
	struct run_answer answer;
	struct script *script;

	if (!run_answer_get(in, &answer)) {
		log_error("the supervisor sent an answer that is none");
		return;
	}
	all->out -= all->out > 0;
	script = script_find(all, answer.run);
	if (answer.end == RUN_STALE)
		all->refused = answer.number;
	if (script && answer.end == RUN_STALE)
		script_again(script);
	else if (script)
		script_ended(script, &answer);
	scripts_go(all);
}

void scripts_committed(struct scripts *all)
{
	scripts_go(all);
}
