/* Slots. A slot lives from the fork until its process was reaped (daemon/script_run.h). */
#include "daemon/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "config/model.h"
#include "core/loop.h"
#include "daemon/script_run.h"

#define UNDEAD NSTIME_S /* after SIGKILL a process is gone in less, unless it waits for a device */

struct run {
	struct runner *runner;
	uint32_t number;  /* the asker's */
	uint64_t key;     /* the probe's, turned over for a run that somebody looks at */
	struct script_run script;
	bool answered;
};

struct runner {
	struct loop *loop;
	runner_answer *answer;
	void *ctx;
	const struct model *model;
	bool paused;
	struct run runs[RUNS_AT_ONCE];
};

static void answer(struct run *run, const struct run_answer *what)
{
	if (!run->answered)
		run->runner->answer(run->runner->ctx, what);
	run->answered = true;
}

/* ---- the end of a run ----------------------------------------------------------------------- */

static void run_ended(void *ctx, const struct run_answer *how)
{
	struct run *run = ctx;
	struct run_answer out = *how;

	out.run = run->number;
	answer(run, &out);
}

static void run_late(void *ctx)
{
	struct run *run = ctx;

	answer(run, &(struct run_answer){.run = run->number, .end = RUN_TIMED_OUT});
}

/* ---- the start ------------------------------------------------------------------------------ */

struct surroundings {
	char name[128], address[sizeof("LBHA_ADDRESS=") + ADDR_TEXT], port[24];
	const char *environment[4];
};

static void surroundings_of(const struct check *check, const struct endpoint *target, struct surroundings *out)
{
	size_t count = 0;
	char address[ADDR_TEXT];

	memset(out->environment, 0, sizeof(out->environment));
	if (check->name) {
		snprintf(out->name, sizeof(out->name), "LBHA_CHECK=%s", check->name);
		out->environment[count++] = out->name;
	}
	if (!target->address.family)
		return;
	snprintf(out->address, sizeof(out->address), "LBHA_ADDRESS=%s", addr_format(&target->address, address));
	out->environment[count++] = out->address;
	if (!target->port)
		return;
	snprintf(out->port, sizeof(out->port), "LBHA_PORT=%u", target->port);
	out->environment[count++] = out->port;
}

/* When the machine has no process or memory left the check fails: what cannot be asked is not well. */
static void run_start(struct run *run, const struct probe *probe, int output)
{
	const struct model *model = run->runner->model;
	const struct check *check = &model->checks[probe->check];
	struct surroundings around;
	const struct script_child script = {.argv = check->command,
					    .argc = check->command_count,
					    .environment = around.environment,
					    .user = check->user ? check->user : model->global.users.script,
					    .input = -1,
					    .output = output};
	struct run_answer failed = {.run = run->number, .end = RUN_NOT_STARTED};
	int err;

	surroundings_of(check, &probe->target, &around);
	err = script_run_start(&run->script, &script, check->timeout);
	if (!err)
		return;
	snprintf(failed.why, sizeof(failed.why), "no process: %s", strerror(-err));
	answer(run, &failed);
}

static void refuse(struct runner *runner, const struct run_order *order, enum run_end end, const char *why)
{
	struct run_answer out = {.run = order->run, .end = end, .number = order->generation};

	snprintf(out.why, sizeof(out.why), "%s", why);
	runner->answer(runner->ctx, &out);
}

/* A free slot; NULL when there is none, or the last run of the same probe has not ended (*before). */
static struct run *slot_find(struct runner *runner, uint64_t key, const struct run **before)
{
	struct run *vacant = NULL;

	*before = NULL;
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		if (!run->script.pid)
			vacant = run;
		else if (run->key == key)
			*before = run;
	}
	return *before ? NULL : vacant;
}

static bool is_pipe(int fd)
{
	struct stat about;

	return fd >= 0 && !fstat(fd, &about) && S_ISFIFO(about.st_mode);
}

bool runner_run(struct runner *runner, const struct run_order *order, int output)
{
	const struct model *model = runner->model;
	const struct probe *probe;
	const struct run *before;
	uint64_t key;
	struct run *run;

	if (!is_pipe(output))
		return false;
	if (!model || order->generation != model->generation) {
		refuse(runner, order, RUN_STALE, "");
		return true;
	}
	if (order->probe >= model->probe_count)
		return false;
	probe = &model->probes[order->probe];
	if (model->checks[probe->check].type != CHECK_SCRIPT)
		return false;
	key = order->is_look ? ~probe->key : probe->key;
	run = slot_find(runner, key, &before);
	if (!run || runner->paused) {
		bool undead = before && before->script.killed && clock_now() - before->script.killed > UNDEAD;

		refuse(runner, order, undead ? RUN_NOT_STARTED : RUN_BUSY, "the last run hangs and cannot be killed");
		return true;
	}
	run->number = order->run;
	run->key = key;
	run->answered = false;
	run_start(run, probe, output);
	return true;
}

void runner_cancel(struct runner *runner, uint32_t number)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++)
		if (runner->runs[i].script.pid && runner->runs[i].number == number && !runner->runs[i].script.killed)
			script_run_kill(&runner->runs[i].script);
}

void runner_pause(struct runner *runner, bool paused)
{
	runner->paused = paused;
}

bool runner_busy(const struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++)
		if (runner->runs[i].script.pid)
			return true;
	return false;
}

void runner_interrupt(struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		if (!run->script.pid)
			continue;
		answer(run, &(struct run_answer){.run = run->number, .end = RUN_BUSY});
		script_run_kill(&run->script);
	}
}

void runner_forget(struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		if (!run->script.pid)
			continue;
		run->answered = true;
		script_run_kill(&run->script);
	}
}

/* ---- life ----------------------------------------------------------------------------------- */

struct runner *runner_new(struct loop *loop, runner_answer *answer_with, void *ctx)
{
	struct runner *runner = calloc(1, sizeof(*runner));

	if (!runner)
		return NULL;
	*runner = (struct runner){.loop = loop, .answer = answer_with, .ctx = ctx};
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		run->runner = runner;
		run->script = (struct script_run){.loop = loop, .ended = run_ended, .late = run_late, .ctx = run};
		if (script_run_init(&run->script)) {
			runner_free(runner);
			return NULL;
		}
	}
	return runner;
}

void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	runner_forget(runner);
	for (size_t i = 0; i < RUNS_AT_ONCE; i++)
		script_run_fini(&runner->runs[i].script);
	free(runner);
}

void runner_model(struct runner *runner, const struct model *model)
{
	runner->model = model;
}
