/* QUIT: this daemon ends and leaves what it has in the kernel to the next one, which is started by whoever sent the signal
 * (systemctl restart). First the lbhad that is installed by now is asked whether it accepts the file; else there would be
 * nobody to go on, and the stop is that of TERM. Room for what is handed over is made before the first worker leaves:
 * then it can still be the stop of TERM. All workers leave at once; vrrp lends its addresses until the deadline. When all
 * are gone the handover is written.
 *
 * A vrrp worker that does not leave in order has not lent its addresses, and what cannot be written down nobody goes on
 * with: then they are withdrawn.
 *
 * The next daemon finds the handover at its start, gives each worker its part before the first commit, and removes the
 * file when all have committed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buildid.h"
#include "core/log.h"
#include "core/sealed.h"
#include "core/statepage.h"
#include "daemon/handover_file.h"
#include "daemon/notifier.h"
#include "daemon/runner.h"
#include "daemon/successor.h"
#include "daemon/supervisor_state.h"
#include "vrrp/heir.h"

#define PATIENCE_LEAVE (5 * NSTIME_S)
#define PATIENCE_CLEAR (10 * NSTIME_S)
#define LINES_LOGGED 20
#define LEASE_MOST (180 * NSTIME_S) /* adverts come every 40.95 s at least */
#define ROOM_LEAST (256 << 10) /* of the handover; carries are about as big as what workers were configured with */

/* ---- whether ------------------------------------------------------------------------------------------------ */

/* Until when the next daemon may come: as long as the slowest of the backups waits. Instances are vrrp's part of the
 * configuration. */
static nstime deadline_of(const struct supervisor *s)
{
	nstime lease = s->workers.slots[ROLE_VRRP].page->lease;

	return clock_now() + nstime_min(nstime_max(lease, VRRP_LEASE_MIN), LEASE_MOST);
}

static size_t room_for(const struct supervisor *s)
{
	size_t room = ROOM_LEAST;
	struct stat about;

	for (int role = 0; role < ROLE_COUNT; role++)
		if (s->now.slices[role] >= 0 && !fstat(s->now.slices[role], &about))
			room += (size_t)about.st_size;
	return room;
}

/* `why` may have several lines. */
static void detach_refused(struct supervisor *s, const char *why)
{
	log_warning("nothing is left to another lbhad, this is a stop:");
	for (unsigned told = 0; *why && told < LINES_LOGGED; told++) {
		int length = (int)strcspn(why, "\n");

		log_warning("%.*s", length, why);
		why += length + (why[length] != '\0');
	}
	supervisor_stop(s, 0);
}

/* Who is between two states has nothing in order to leave. */
static bool vrrp_runs(const struct supervisor *s)
{
	const struct slot *slot = &s->workers.slots[ROLE_VRRP];

	return slot->hello && slot->generation;
}

static void leave_all(struct supervisor *s)
{
	nstime deadline = deadline_of(s);

	s->stopping = s->detach.leaving = true;
	s->detach.deadline = deadline;
	manager_stopping(&s->manager);
	supervisor_jobs_stop(s);
	runner_model(s->runner, NULL);
	runner_forget(s->runner);
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (WORKERS_ALL & 1u << role)
			slot_leave(&s->workers.slots[role], deadline, PATIENCE_LEAVE);
	supervisor_left(s);
}

static void answered(void *ctx, bool accepted, const char *why)
{
	struct supervisor *s = ctx;

	s->detach.asked = NULL;
	if (!accepted) {
		detach_refused(s, why);
		return;
	}
	if (!vrrp_runs(s)) {
		detach_refused(s, "the vrrp worker does not run");
		return;
	}
	s->detach.file = handover_begin(s->rundir.dir, room_for(s));
	if (s->detach.file < 0) {
		log_error("%s/handover cannot be written: %s", s->rundir.run, strerror(-s->detach.file));
		detach_refused(s, "there is no room to hand anything over");
		return;
	}
	leave_all(s);
}

static int ask(struct supervisor *s)
{
	struct successor_order order = {.executable = s->options->path ? successor_open(s->options->path) : -ENOENT,
					.file = s->options->file,
					.node = s->options->node ? s->options->node : s->now.model->node,
					.state = handover_sample(deadline_of(s)),
					.patience = SUCCESSOR_PATIENCE};
	int err = order.executable < 0 ? order.executable : order.state < 0 ? order.state : 0;

	if (!err)
		err = successor_start(s->loop, &order, answered, s, &s->detach.asked);
	if (order.executable >= 0)
		close(order.executable);
	if (order.state >= 0)
		close(order.state);
	return err;
}

void supervisor_detach(struct supervisor *s)
{
	int err;

	if (s->stopping || s->detach.asked)
		return;
	if (!s->facts.ready) {
		detach_refused(s, "it has only just begun");
		return;
	}
	log_info("detach: asks the installed lbhad whether it goes on");
	/* a service manager sends the signal to all of the control group: scripts that die of it have not failed */
	runner_pause(s->runner, true);
	runner_interrupt(s->runner);
	notifier_pause(s->notifier, true); /* the next one tells how all is */
	err = ask(s);
	if (err)
		detach_refused(s, strerror(-err));
}

void supervisor_detach_cancel(struct supervisor *s)
{
	successor_cancel(s->detach.asked);
	s->detach.asked = NULL;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static bool all_gone(const struct supervisor *s)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (s->workers.slots[role].pid > 0)
			return false;
	return true;
}

static int hand_over(const struct supervisor *s)
{
	struct handover handover = {.written = clock_now(), .deadline = s->detach.deadline,
				    .generation = s->now.number};
	int err;

	handover_here(&handover);
	snprintf(handover.version, sizeof(handover.version), "%s", build_version);
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct slot *slot = &s->workers.slots[role];

		if (slot->left && slot->carry >= 0)
			handover.carries[role].bytes = sealed_map(slot->carry, &handover.carries[role].size);
	}
	err = handover_finish(s->rundir.dir, s->detach.file, &handover);
	for (int role = 0; role < ROLE_COUNT; role++)
		if (handover.carries[role].bytes)
			munmap((void *)(uintptr_t)handover.carries[role].bytes, handover.carries[role].size);
	return err;
}

/* Nobody will go on: what was left is taken away by workers without a configuration. */
static void take_away(struct supervisor *s)
{
	s->detach.leaving = false;
	s->detach.withdraws = true;
	notifier_pause(s->notifier, false);
	slot_clear(&s->workers.slots[ROLE_VRRP], PATIENCE_CLEAR);
	if (s->workers.slots[ROLE_VRRP].pid <= 0)
		supervisor_stop_rest(s);
}

void supervisor_left(struct supervisor *s)
{
	const struct slot *vrrp = &s->workers.slots[ROLE_VRRP];
	int err;

	if (!all_gone(s))
		return;
	if (!vrrp->left) {
		log_error("the vrrp worker has not left in order: nothing is left to another lbhad, this is a stop");
		handover_abandon(s->rundir.dir, s->detach.file);
		take_away(s);
		return;
	}
	err = hand_over(s);
	if (err) {
		log_error("%s/handover cannot be written: %s: nothing is left to another lbhad, this is a stop",
			  s->rundir.run, strerror(-err));
		take_away(s);
		return;
	}
	log_info("detached: the next lbhad has %.1f s to go on", (double)(s->detach.deadline - clock_now()) / NSTIME_S);
	loop_stop(s->loop);
}

/* ---- the beginning ------------------------------------------------------------------------------------------ */

static int heritage_of(const struct handover *handover, int role)
{
	const struct iovec carry = {.iov_base = (void *)(uintptr_t)handover->carries[role].bytes,
				    .iov_len = handover->carries[role].size};

	return carry.iov_base ? sealed_make("lbha-carry", &carry, 1) : -1;
}

void supervisor_heritage_find(struct supervisor *s)
{
	struct handover_found found;

	for (int role = 0; role < ROLE_COUNT; role++)
		s->heritage[role] = -1;
	handover_find(s->rundir.dir, clock_now(), &found);
	if (!found.fresh) {
		if (found.why[0])
			log_warning("%s/handover, what an earlier lbhad left, is not used: %s", s->rundir.run, found.why);
		handover_abandon(s->rundir.dir, -1);
		return;
	}
	for (int role = 0; role < ROLE_COUNT; role++)
		s->heritage[role] = heritage_of(&found.handover, role);
	log_info("goes on where lbhad %s left %.1f s ago", found.handover.version,
		 (double)(clock_now() - found.handover.written) / NSTIME_S);
	handover_found_free(&found);
}

void supervisor_heritage_taken(struct supervisor *s, enum role role)
{
	if (s->heritage[role] >= 0)
		close(s->heritage[role]);
	s->heritage[role] = -1;
}

void supervisor_heritage_end(struct supervisor *s)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		supervisor_heritage_taken(s, (enum role)role);
	handover_abandon(s->rundir.dir, -1);
}
