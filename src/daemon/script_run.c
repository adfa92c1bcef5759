/* See the header. */
#include "daemon/script_run.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

/* The group, and the process itself for the moment before it has become the leader of one. */
void script_run_kill(struct script_run *run)
{
	kill(-run->pid, SIGKILL);
	syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0);
	if (!run->killed)
		run->killed = clock_now();
}

static void run_free(struct script_run *run)
{
	io_fini(&run->watch);
	timer_cancel(&run->timer);
	close(run->pidfd);
	close(run->report);
	run->pid = 0;
}

/* What the new process said before it became the script; "" when it did. */
static void read_report(const struct script_run *run, char *why)
{
	ssize_t got = read(run->report, why, RUN_WHY - 1);

	why[got > 0 ? got : 0] = '\0';
	text_clean(why);
}

static void run_dead(void *ctx)
{
	struct script_run *run = ctx;
	struct run_answer out = {.end = RUN_EXITED};
	siginfo_t how = {0};

	if (waitid(P_PIDFD, (id_t)run->pidfd, &how, WEXITED | WNOHANG | WNOWAIT) || !how.si_pid)
		return;
	kill(-run->pid, SIGKILL);
	waitid(P_PIDFD, (id_t)run->pidfd, &how, WEXITED | WNOHANG);
	out.number = (uint32_t)how.si_status;
	if (how.si_code != CLD_EXITED)
		out.end = RUN_KILLED;
	read_report(run, out.why);
	if (out.why[0])
		out.end = RUN_NOT_STARTED;
	run_free(run);
	run->ended(run->ctx, &out);
}

static void run_late(void *ctx)
{
	struct script_run *run = ctx;

	script_run_kill(run);
	run->late(run->ctx);
}

int script_run_start(struct script_run *run, const struct script_child *script, nstime timeout)
{
	int err = script_child_start(script, &run->pid, &run->pidfd, &run->report);

	run->killed = 0;
	if (err) {
		run->pid = 0;
		return err;
	}
	err = io_init(run->loop, &run->watch, run->pidfd, LOOP_NORMAL, run_dead, NULL, run);
	if (!err) {
		timer_at(&run->timer, nstime_after(clock_now(), timeout));
		return 0;
	}
	script_run_kill(run);
	waitid(P_PIDFD, (id_t)run->pidfd, &(siginfo_t){0}, WEXITED | WNOHANG);
	run_free(run);
	return err;
}

int script_run_init(struct script_run *run)
{
	run->pid = 0;
	return timer_init(run->loop, &run->timer, LOOP_NORMAL, run_late, run);
}

void script_run_fini(struct script_run *run)
{
	if (run->pid) {
		script_run_kill(run);
		run_free(run);
	}
	timer_fini(&run->timer);
}
