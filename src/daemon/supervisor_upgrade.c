/* Makes place for the installed lbhad. It is asked first (successor.h), with the baton in its hands; then all becomes
 * quiet: no script runs, no worker is between two states, nothing is left to be sent. Then the baton has all that counts,
 * and this process becomes the other program. When that cannot take over it gives the baton back, this program is
 * executed once more, and goes on with its workers, who have noticed nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buildid.h"
#include "core/channel.h"
#include "core/log.h"
#include "core/sdnotify.h"
#include "daemon/baton.h"
#include "daemon/reexec.h"
#include "daemon/notifier.h"
#include "daemon/runner.h"
#include "daemon/successor.h"
#include "daemon/supervisor_state.h"

#define PATIENCE (10 * NSTIME_S) /* until all is quiet; a worker that crashed is back by then */
#define LENIENCE (2 * NSTIME_S)  /* with scripts of checks; then they are killed, and run again later */
#define LOOK_EVERY (5 * NSTIME_MS)

/* ---- the baton ---------------------------------------------------------------------------------------------- */

static void baton_of_workers(const struct supervisor *s, struct baton *baton)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct slot *slot = &s->workers.slots[role];

		baton->slices[role] = s->now.slices[role];
		if (slot->pid <= 0 || !slot->channel)
			continue;
		baton->workers[role] = (struct baton_worker){.there = true,
							     .pid = slot->pid,
							     .pidfd = slot->pidfd,
							     .channel = channel_fd(slot->channel),
							     .page = slot->page_fd,
							     .started = slot->started,
							     .restarts = slot->restarts,
							     .deaths = slot->deaths};
	}
}

static void baton_of_requests(const struct supervisor *s, struct baton *baton)
{
	for (unsigned i = 0; i < s->jobs.count; i++)
		baton->jobs[baton->job_count++] = s->jobs.jobs[(s->jobs.first + i) % JOBS];
	for (size_t i = 0; i < SUPERVISOR_ORDERS && baton->order_count < BATON_ORDERS; i++)
		if (s->orders[i].number)
			baton->orders[baton->order_count++] = (struct baton_order){
				s->orders[i].number, s->orders[i].request, s->orders[i].failed, s->orders[i].deadline};
}

/* malloc'ed with what it points to (baton_drop). */
static struct baton *baton_of(const struct supervisor *s)
{
	struct baton *baton = calloc(1, sizeof(*baton));

	if (!baton)
		return NULL;
	baton->started = s->facts.started;
	baton->generation = s->now.number;
	baton->last_order = s->last_order;
	baton->silent = s->workers.silent;
	baton->lbhad = s->workers.lbhad;
	baton->checkd = s->workers.checkd;
	baton->run_dir = s->rundir.dir;
	baton->state_dir = s->rundir.state_dir;
	baton->lock = s->rundir.lock;
	baton->owned = s->rundir.owned;
	baton->control = s->rundir.control;
	baton->services = s->rundir.services;
	baton->reload_time = s->facts.reload_time;
	baton->reload_failed = s->facts.reload_failed;
	snprintf(baton->reload_error, sizeof(baton->reload_error), "%s", s->facts.reload_error);
	baton_of_workers(s, baton);
	baton_of_requests(s, baton);
	baton->overrides = overrides_format(&s->overrides, &baton->overrides_size);
	if (!baton->overrides) {
		free(baton);
		return NULL;
	}
	baton->told = supervisor_notify_told(s, &baton->told_size);
	return baton;
}

static void baton_drop(struct baton *baton)
{
	free((void *)(uintptr_t)baton->overrides);
	free((void *)(uintptr_t)baton->told);
	free(baton);
}

/* ---- the end of an upgrade that did not happen -------------------------------------------------------------- */

void supervisor_upgrade_cancel(struct supervisor *s)
{
	struct upgrade *upgrade = &s->upgrade;

	successor_cancel(upgrade->successor);
	upgrade->successor = NULL;
	timer_cancel(&upgrade->timer);
	if (upgrade->executable >= 0)
		close(upgrade->executable);
	upgrade->executable = -1;
	runner_pause(s->runner, false);
	if (!s->detach.leaving) /* then the next lbhad tells */
		notifier_pause(s->notifier, false);
}

static void upgrade_fail(struct supervisor *s, const char *why)
{
	supervisor_upgrade_cancel(s);
	supervisor_job_fail(s, why);
}

static void upgrade_fail_lines(struct supervisor *s, char *lines, const char *why)
{
	char *rest = NULL;

	for (char *at = strtok_r(lines, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
		supervisor_job_line(s, at);
	upgrade_fail(s, why);
}

/* ---- becoming another --------------------------------------------------------------------------------------- */

static void upgrade_execute(struct supervisor *s)
{
	struct baton *baton = baton_of(s);
	int fd = baton ? baton_write(baton) : -ENOMEM, err = fd;
	char why[128];

	if (fd >= 0) {
		supervisor_exporter_end(s);
		err = reexec(s->upgrade.executable, s->options->path, s->options->argv, baton, fd, 0);
		close(fd);
		supervisor_exporter_enter(s);
	}
	if (baton)
		baton_drop(baton);
	snprintf(why, sizeof(why), "the installed lbhad cannot be executed: %s", strerror(-err));
	upgrade_fail(s, why);
}

/* What has to be waited for; NULL: nothing. */
static const char *unquiet(const struct supervisor *s, char *room, size_t size)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		const struct slot *slot = &s->workers.slots[role];

		if (!(WORKERS_ALL & 1u << role))
			continue;
		if (slot->hello && slot->channel && slot->generation == s->now.number && slot->duty == SLOT_NONE &&
		    channel_idle(slot->channel))
			continue;
		snprintf(room, size, "the %s worker is not ready for it", role_name(role));
		return room;
	}
	if (s->detach.asked)
		return "it is asked to go on in another process";
	if (runner_busy(s->runner))
		return "scripts of checks do not end";
	if (notifier_running(s->notifier))
		return "notify scripts do not end";
	return s->said.count ? "an operator's words are not complete" : NULL;
}

static void upgrade_look(void *ctx)
{
	struct supervisor *s = ctx;
	char room[64];
	const char *why = unquiet(s, room, sizeof(room));
	nstime now = clock_now();

	if (!why) {
		upgrade_execute(s);
	} else if (now > s->upgrade.deadline) {
		upgrade_fail(s, why);
	} else {
		if (now > s->upgrade.deadline - PATIENCE + LENIENCE)
			runner_interrupt(s->runner);
		if (now > s->upgrade.deadline - LENIENCE)
			notifier_interrupt(s->notifier);
		timer_at(&s->upgrade.timer, now + LOOK_EVERY);
	}
}

static void upgrade_answered(void *ctx, bool accepted, const char *why)
{
	struct supervisor *s = ctx;
	char lines[BATON_WHY];

	s->upgrade.successor = NULL;
	if (!accepted) {
		snprintf(lines, sizeof(lines), "%s", why);
		upgrade_fail_lines(s, lines, "the installed lbhad does not take over");
		return;
	}
	runner_pause(s->runner, true);
	notifier_pause(s->notifier, true);
	s->upgrade.deadline = clock_now() + PATIENCE;
	upgrade_look(s);
}

/* It is asked with a baton as it is now; the real one has other numbers in the same places. */
static int upgrade_ask(struct supervisor *s)
{
	struct successor_order order = {.executable = s->upgrade.executable,
					.file = s->options->file,
					.node = s->options->node,
					.patience = SUCCESSOR_PATIENCE};
	struct baton *baton = baton_of(s);
	int err;

	if (!baton)
		return -ENOMEM;
	order.state = baton_write(baton);
	baton_drop(baton);
	if (order.state < 0)
		return order.state;
	err = successor_start(s->loop, &order, upgrade_answered, s, &s->upgrade.successor);
	close(order.state);
	return err;
}

void supervisor_upgrade(struct supervisor *s)
{
	const char *path = s->options->path;
	char why[JOB_PATH];
	int err = 0;

	log_info("upgrade from build %s to what is installed as %s begins", build_id, path ? path : "?");
	sdnotify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now() / NSTIME_US));
	s->upgrade.executable = path ? successor_open(path) : -ENOENT;
	err = s->upgrade.executable < 0 ? s->upgrade.executable : upgrade_ask(s);
	if (!err)
		return;
	snprintf(why, sizeof(why), "%s: %s", path ? path : "lbhad", strerror(-err));
	upgrade_fail(s, why);
}

/* ---- back again ---------------------------------------------------------------------------------------------- */

static int resume_workers(struct supervisor *s, const struct baton *baton)
{
	int err = 0;

	for (int role = 0; role < ROLE_COUNT && !err; role++) {
		const struct baton_worker *worker = &baton->workers[role];
		struct slot *slot = &s->workers.slots[role];

		if (!worker->there)
			continue;
		err = slot_adopt(slot, &(struct slot_past){.pid = worker->pid,
							   .pidfd = worker->pidfd,
							   .channel = worker->channel,
							   .page = worker->page,
							   .started = worker->started,
							   .restarts = worker->restarts,
							   .deaths = worker->deaths,
							   .generation = baton->generation});
	}
	return err;
}

static void resume_requests(struct supervisor *s, const struct baton *baton)
{
	for (unsigned i = 0; i < baton->job_count; i++)
		job_add(&s->jobs, &baton->jobs[i]);
	for (unsigned i = 0; i < baton->order_count && i < SUPERVISOR_ORDERS; i++)
		s->orders[i] = (struct order){baton->orders[i].number, baton->orders[i].request, baton->orders[i].failed,
					      baton->orders[i].deadline};
	s->last_order = baton->last_order;
	if (baton->order_count)
		timer_at(&s->orders_timer, clock_now());
}

static void resume_facts(struct supervisor *s, const struct baton *baton)
{
	s->facts.started = baton->started;
	s->facts.ready = true;
	s->facts.reload_time = baton->reload_time;
	s->facts.reload_failed = baton->reload_failed;
	snprintf(s->facts.reload_error, sizeof(s->facts.reload_error), "%.*s",
		 (int)sizeof(s->facts.reload_error) - 1, baton->reload_error);
}

int supervisor_resume(struct supervisor *s)
{
	struct baton *baton = s->takeover.baton;
	char lines[BATON_WHY];
	int err = supervisor_generation_adopt(s, baton->generation, baton->slices);

	s->takeover.baton = NULL;
	if (s->options->checkd >= 0)
		close(s->options->checkd); /* of the other build */
	close(baton->lbhad); /* we are it */
	s->workers.checkd = baton->checkd;
	s->job_running = true; /* the upgrade */
	resume_requests(s, baton);
	resume_facts(s, baton);
	supervisor_status(s, "running");
	if (!err && !supervisor_users(s))
		err = -ENOENT;
	if (!err)
		err = resume_workers(s, baton);
	if (!err) {
		supervisor_access_enter(s);
		s->workers.owned = s->rundir.owned;
		s->workers.control = s->rundir.control;
		workers_resume(&s->workers);
		snprintf(lines, sizeof(lines), "%s", baton->why);
		upgrade_fail_lines(s, lines, "everything is as before");
		supervisor_notify_again(s); /* the baton has no notices that wait */
	}
	baton_free(baton);
	return err;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

int supervisor_upgrade_init(struct supervisor *s)
{
	return timer_init(s->loop, &s->upgrade.timer, LOOP_NORMAL, upgrade_look, s);
}

void supervisor_upgrade_fini(struct supervisor *s)
{
	if (s->upgrade.successor || s->upgrade.executable >= 0)
		supervisor_upgrade_cancel(s);
	timer_fini(&s->upgrade.timer);
}
