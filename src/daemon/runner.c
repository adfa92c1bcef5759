/* Slots. A slot lives from the fork until its process was reaped; the group is killed before that, while the dead
 * leader still keeps its number from being given to anybody else. */
#include "daemon/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/run.h"
#include "config/model.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/script_child.h"

#define UNDEAD NSTIME_S /* after SIGKILL a process is gone in less, unless it waits for a device */

struct run {
	struct runner *runner;
	uint32_t number;  /* the asker's */
	uint64_t key;     /* the probe's */
	pid_t pid;        /* 0: the slot is free */
	int pidfd, report;
	struct loop_io watch;
	struct loop_timer timer;
	nstime killed;    /* when; 0: not by us */
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

/* The group, and the process itself for the moment before it has become the leader of one. */
static void run_kill(struct run *run)
{
	kill(-run->pid, SIGKILL);
	syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0);
	if (!run->killed)
		run->killed = clock_now();
}

static void run_free(struct run *run)
{
	io_fini(&run->watch);
	timer_cancel(&run->timer);
	close(run->pidfd);
	close(run->report);
	run->pid = 0;
}

/* What the new process said before it became the script; "" when it did. */
static void read_report(const struct run *run, char *why)
{
	ssize_t got = read(run->report, why, RUN_WHY - 1);

	why[got > 0 ? got : 0] = '\0';
	text_clean(why);
}

static struct run_answer answer_of(const struct run *run, const siginfo_t *how)
{
	struct run_answer out = {.run = run->number, .end = RUN_EXITED, .number = (uint32_t)how->si_status};

	if (how->si_code != CLD_EXITED)
		out.end = RUN_KILLED;
	read_report(run, out.why);
	if (out.why[0])
		out.end = RUN_NOT_STARTED;
	return out;
}

static void run_dead(void *ctx)
{
	struct run *run = ctx;
	struct run_answer out;
	siginfo_t how = {0};

	if (waitid(P_PIDFD, (id_t)run->pidfd, &how, WEXITED | WNOHANG | WNOWAIT) || !how.si_pid)
		return;
	kill(-run->pid, SIGKILL);
	waitid(P_PIDFD, (id_t)run->pidfd, &how, WEXITED | WNOHANG);
	out = answer_of(run, &how);
	run_free(run);
	answer(run, &out);
}

static void run_late(void *ctx)
{
	struct run *run = ctx;

	run_kill(run);
	answer(run, &(struct run_answer){.run = run->number, .end = RUN_TIMED_OUT});
}

/* ---- the start ------------------------------------------------------------------------------ */

static int run_watch(struct run *run, nstime timeout)
{
	struct loop *loop = run->runner->loop;
	int err = io_init(loop, &run->watch, run->pidfd, LOOP_NORMAL, run_dead, NULL, run);

	if (!err)
		timer_at(&run->timer, nstime_after(clock_now(), timeout));
	return err;
}

/* Forks. When the machine has no process or memory left the check fails: what cannot be asked is not well. */
static void run_start(struct run *run, const struct probe *probe, int output)
{
	const struct model *model = run->runner->model;
	const struct check *check = &model->checks[probe->check];
	const struct script_child script = {.check = check,
					    .target = &probe->target,
					    .user = check->user ? check->user : model->global.users.script,
					    .output = output};
	struct run_answer failed = {.run = run->number, .end = RUN_NOT_STARTED};
	int err = script_child_start(&script, &run->pid, &run->pidfd, &run->report);

	if (!err) {
		err = run_watch(run, check->timeout);
		if (!err)
			return;
		run_kill(run);
		waitid(P_PIDFD, (id_t)run->pidfd, &(siginfo_t){0}, WEXITED | WNOHANG);
		run_free(run);
	}
	run->pid = 0;
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

		if (!run->pid)
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
	run = slot_find(runner, probe->key, &before);
	if (!run || runner->paused) {
		bool undead = before && before->killed && clock_now() - before->killed > UNDEAD;

		refuse(runner, order, undead ? RUN_NOT_STARTED : RUN_BUSY, "the last run hangs and cannot be killed");
		return true;
	}
	run->number = order->run;
	run->key = probe->key;
	run->killed = 0;
	run->answered = false;
	run_start(run, probe, output);
	return true;
}

void runner_cancel(struct runner *runner, uint32_t number)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++)
		if (runner->runs[i].pid && runner->runs[i].number == number && !runner->runs[i].killed)
			run_kill(&runner->runs[i]);
}

void runner_pause(struct runner *runner, bool paused)
{
	runner->paused = paused;
}

bool runner_busy(const struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++)
		if (runner->runs[i].pid)
			return true;
	return false;
}

void runner_interrupt(struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		if (!run->pid)
			continue;
		answer(run, &(struct run_answer){.run = run->number, .end = RUN_BUSY});
		run_kill(run);
	}
}

void runner_forget(struct runner *runner)
{
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		struct run *run = &runner->runs[i];

		if (!run->pid)
			continue;
		run->answered = true;
		run_kill(run);
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
		runner->runs[i].runner = runner;
		if (timer_init(loop, &runner->runs[i].timer, LOOP_NORMAL, run_late, &runner->runs[i])) {
			runner_free(runner);
			return NULL;
		}
	}
	return runner;
}

/* Nobody waits for those that cannot die: init inherits them. */
void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	runner_forget(runner);
	for (size_t i = 0; i < RUNS_AT_ONCE; i++) {
		if (runner->runs[i].pid)
			run_free(&runner->runs[i]);
		timer_fini(&runner->runs[i].timer);
	}
	free(runner);
}

void runner_model(struct runner *runner, const struct model *model)
{
	runner->model = model;
}
