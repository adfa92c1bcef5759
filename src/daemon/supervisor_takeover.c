/* Takes over from the lbhad that was this process a moment ago. Its workers, the *elders*, go on; beside each an *heir* of
 * this build is started, looks at the kernel, accepts the configuration and waits. Until all heirs wait nothing has
 * changed: whatever goes wrong, they are killed, and the baton goes back to who gave it. Nothing is read from elders up to
 * then, so nothing of what they say is lost.
 *
 * Then there is no way back. One role after the other (check, ipvs, vrrp, control): the elder is told to leave, hands its
 * carry over and ends; the heir inherits and commits. Never do two of a role touch the kernel. An elder that does not
 * leave in time is killed, and its heir is what follows a crash. control is last, since whoever asked for the upgrade is
 * answered through it. To elders goes nothing but LEAVE and answers, whose form no release changes (core/protocol.h). */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buildid.h"
#include "core/channel.h"
#include "core/log.h"
#include "core/statepage.h"
#include "daemon/baton.h"
#include "daemon/load.h"
#include "daemon/reexec.h"
#include "daemon/supervisor_state.h"

#define PATIENCE_HEIRS (15 * NSTIME_S) /* from the first to be started to the last to be prepared */
#define PATIENCE_ELDER (5 * NSTIME_S)  /* vrrp waits for its next advertisement */

#define LAST_WORDS 1000                /* packets that wait at most when somebody has ended, in batches */

static_assert(RECORD_RELEASE == 1024 && RECORD_LEAVE == 1026 && RECORD_CARRY == 1027 && RECORD_REPLY_LINE == 1029 &&
		      RECORD_REPLY == 1030,
	      "elders of earlier releases say and understand these");

static const enum role ORDER[] = {ROLE_CHECK, ROLE_IPVS, ROLE_VRRP, ROLE_CONTROL};

static void turn_go_on(struct supervisor *s);

static bool is_under_way(const struct supervisor *s)
{
	return s->takeover.baton != NULL;
}

static struct elder *elder_now(struct supervisor *s)
{
	return &s->takeover.elders[ORDER[s->takeover.turn]];
}

/* ---- back ---------------------------------------------------------------------------------------------------- */

/* All that this program has made ends with it; what it was given is as it was. */
static int give_back(struct supervisor *s, const char *why, int signal)
{
	const struct baton *baton = s->takeover.baton;
	int fd = baton_refuse(baton, why), err;

	load_cancel(s->load);
	s->load = NULL;
	supervisor_exporter_end(s);
	workers_kill(&s->workers);
	if (fd < 0)
		return fd;
	err = reexec(baton->lbhad, s->options->path, s->options->argv, baton, fd, signal);
	close(fd);
	return err;
}

static void give_back_for(struct supervisor *s, const char *why, int signal)
{
	char words[BATON_WHY];
	int err;

	snprintf(words, sizeof(words), "%s", why ? why : s->lines.length ? s->lines.start : "the new daemon cannot start");
	log_warning("upgrade: the build that ran before goes on: %.*s", (int)strcspn(words, "\n"), words);
	err = give_back(s, words, signal);
	log_error("it cannot be executed again: %s", strerror(-err));
	s->stopping = true;
	s->status = 1;
	loop_stop(s->loop);
}

void supervisor_give_back(struct supervisor *s, const char *why)
{
	give_back_for(s, why, 0);
}

/* ---- elders -------------------------------------------------------------------------------------------------- */

static void refuse_request(struct elder *elder, struct reader *in)
{
	uint8_t bytes[128];
	struct writer out = writer_of(bytes, sizeof(bytes));
	uint32_t request = get_u32(in);

	put_u32(&out, request);
	put_text(&out, "lbhad is being upgraded; try again");
	channel_send(elder->channel, RECORD_REPLY_LINE, bytes, writer_used(&out), -1);
	out = writer_of(bytes, sizeof(bytes));
	put_u32(&out, request);
	put_bool(&out, false);
	channel_send(elder->channel, RECORD_REPLY, bytes, writer_used(&out), -1);
}

static void elder_record(void *ctx, uint32_t unused, uint16_t type, struct reader *in, int fd)
{
	struct elder *elder = ctx;

	(void)unused;
	if (type == RECORD_CARRY && !elder->left) {
		elder->left = true;
		elder->carry = fd;
		return;
	}
	if (type == RECORD_REQUEST && elder->role == ROLE_CONTROL)
		refuse_request(elder, in);
	if (fd >= 0)
		close(fd);
}

static void elder_closed(void *ctx)
{
	struct elder *elder = ctx;

	channel_free(elder->channel);
	elder->channel = NULL; /* the pidfd tells the rest */
	if (elder->pid > 0 && !elder->left)
		kill(elder->pid, SIGKILL);
}

static const struct channel_ops elder_ops = {.record = elder_record, .closed = elder_closed};

static void elder_forget(struct elder *elder)
{
	io_fini(&elder->watch);
	channel_free(elder->channel);
	elder->channel = NULL;
	if (elder->fd >= 0)
		close(elder->fd);
	if (elder->pidfd >= 0)
		close(elder->pidfd);
	elder->fd = elder->pidfd = -1;
	elder->pid = 0;
}

/* What a vrrp worker that died without a carry knew stands in its page, if builds agree on that: whoever follows begins
 * with a copy of it, as after any crash. */
static void elder_page_copy(struct supervisor *s, const struct elder *elder)
{
	struct statepage *page = statepage_map(s->takeover.baton->workers[elder->role].page);
	struct slot *heir = &s->workers.slots[elder->role];

	if (!page)
		return;
	memcpy(heir->page->instances, page->instances, sizeof(page->instances));
	heir->page->quickest = page->quickest;
	statepage_unmap(page);
	slot_kill(heir, "another begins with what its predecessor knew");
}

static void elder_dead(void *ctx)
{
	struct elder *elder = ctx;
	struct supervisor *s = elder->supervisor;
	siginfo_t how = {0};
	char why[64];

	if (!s->takeover.moving) { /* whose child it is will see to it */
		snprintf(why, sizeof(why), "the %s worker died", role_name(elder->role));
		supervisor_give_back(s, why);
		return;
	}
	if (waitid(P_PIDFD, (id_t)elder->pidfd, &how, WEXITED | WNOHANG) || !how.si_pid)
		return;
	for (int i = 0; i < LAST_WORDS && elder->channel && !elder->left; i++)
		channel_receive(elder->channel);
	log_debug("the %s worker of the earlier build (pid %d) has ended", role_name(elder->role), (int)elder->pid);
	elder_forget(elder);
	slot_succeed(&s->workers.slots[elder->role], true);
	if (!elder->left) {
		log_error("the %s worker of the earlier build died before it had left", role_name(elder->role));
		if (elder->role == ROLE_VRRP)
			elder_page_copy(s, elder);
	}
	turn_go_on(s);
}

/* From here on it is heard. */
static bool elder_listen(struct supervisor *s, struct elder *elder)
{
	if (elder->channel || elder->fd < 0)
		return elder->channel;
	elder->channel = channel_new(s->loop, elder->fd, &elder_ops, elder);
	elder->fd = -1;
	return elder->channel;
}

static void elder_leave(struct supervisor *s, struct elder *elder)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_time(&out, 0);
	if (!elder_listen(s, elder) || channel_send(elder->channel, RECORD_LEAVE, bytes, writer_used(&out), -1))
		kill(elder->pid, SIGKILL);
	timer_at(&s->takeover.timer, clock_now() + PATIENCE_ELDER);
}

/* ---- turns ---------------------------------------------------------------------------------------------------- */

static void answer_through(struct elder *control, const struct job *job, const char *line, bool done)
{
	uint8_t bytes[512];
	struct writer out = writer_of(bytes, sizeof(bytes));

	if (!job->from_control || !control->channel)
		return;
	put_u32(&out, job->request);
	put_text(&out, line);
	channel_send(control->channel, RECORD_REPLY_LINE, bytes, writer_used(&out), -1);
	out = writer_of(bytes, sizeof(bytes));
	put_u32(&out, job->request);
	put_bool(&out, done);
	channel_send(control->channel, RECORD_REPLY, bytes, writer_used(&out), -1);
}

/* Who asked the build that ran before is answered through its control worker, before that leaves. A reload that waited has
 * been done: the file was read later than it was asked for. */
static void answer_all(struct supervisor *s, struct elder *control)
{
	const struct baton *baton = s->takeover.baton;
	char line[256];

	if (control->pid <= 0 || !elder_listen(s, control))
		return;
	snprintf(line, sizeof(line), "build %s has taken over from %s", build_id, baton->build);
	for (unsigned i = 0; i < baton->job_count; i++) {
		bool done = baton->jobs[i].kind != REQUEST_PLAN;

		answer_through(control, &baton->jobs[i], done ? line : "lbhad was upgraded meanwhile; try again", done);
	}
	for (unsigned i = 0; i < baton->order_count; i++)
		answer_through(control, &(struct job){.from_control = true, .request = baton->orders[i].request},
			       "lbhad was upgraded meanwhile: lbhactl vrrp shows what came of it", false);
}

static void heir_commit(struct supervisor *s, struct slot *heir)
{
	struct elder *elder = &s->takeover.elders[heir->role];

	s->takeover.prepared &= ~(1u << heir->role);
	slot_inherit(heir, elder->carry);
	slot_expect(heir, PATIENCE_HEIRS);
	heir->duty = SLOT_COMMITTING;
	slot_send(heir, RECORD_COMMIT, s->now.number, -1);
}

static void takeover_end(struct supervisor *s)
{
	struct takeover *takeover = &s->takeover;
	int signal = takeover->signal;

	log_info("upgrade: build %s has taken over from %s, within %lld ms", build_id, takeover->baton->build,
		 (long long)((clock_now() - takeover->began) / NSTIME_MS));
	s->facts.upgrade_time = clock_now();
	snprintf(s->facts.upgrade_text, sizeof(s->facts.upgrade_text), "%s", takeover->baton->build);
	supervisor_facts_changed(s);
	supervisor_takeover_fini(s);
	supervisor_next(s);
	if (signal)
		raise(signal);
}

/* The next of whom something can be done: tells an elder to leave, or its heir to commit. */
static void turn_go_on(struct supervisor *s)
{
	struct takeover *takeover = &s->takeover;
	struct elder *elder = elder_now(s);

	if (elder->pid > 0) {
		if (elder->role == ROLE_CONTROL)
			answer_all(s, elder);
		elder_leave(s, elder);
		return;
	}
	timer_cancel(&takeover->timer);
	if (takeover->prepared & 1u << elder->role)
		heir_commit(s, &s->workers.slots[elder->role]);
}

static void turn_next(struct supervisor *s)
{
	s->takeover.turn++;
	if (s->takeover.turn < COUNT_OF(ORDER))
		turn_go_on(s);
	else
		takeover_end(s);
}

static void takeover_late(void *ctx)
{
	struct supervisor *s = ctx;
	struct elder *elder = elder_now(s);
	char why[64];

	if (s->takeover.moving) {
		log_error("the %s worker of the earlier build is killed: it did not leave in time", role_name(elder->role));
		kill(elder->pid, SIGKILL);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(ORDER); i++)
		if (!(s->takeover.prepared & 1u << ORDER[i]))
			elder = &s->takeover.elders[ORDER[i]];
	snprintf(why, sizeof(why), "the new %s worker was not ready in time", role_name(elder->role));
	supervisor_give_back(s, why);
}

/* ---- heirs ---------------------------------------------------------------------------------------------------- */

/* Whose elder has gone before its turn waits for its turn all the same. */
static bool must_wait(const struct supervisor *s, const struct slot *heir)
{
	unsigned place = 0;

	while (ORDER[place] != heir->role)
		place++;
	return place > s->takeover.turn || s->takeover.elders[heir->role].pid > 0;
}

bool supervisor_heir_prepared(struct supervisor *s, struct slot *slot)
{
	struct takeover *takeover = &s->takeover;

	if (!is_under_way(s))
		return false;
	takeover->prepared |= 1u << slot->role;
	timer_cancel(&slot->timer);
	if (!takeover->moving && takeover->prepared == WORKERS_ALL) {
		log_info("upgrade: all workers of build %s are ready; those of %s leave", build_id,
			 takeover->baton->build);
		takeover->moving = true;
		turn_go_on(s);
	} else if (takeover->moving && !must_wait(s, slot)) {
		heir_commit(s, slot);
	}
	return true;
}

void supervisor_heir_committed(struct supervisor *s, const struct slot *slot)
{
	if (is_under_way(s) && elder_now(s)->role == slot->role)
		turn_next(s);
}

void supervisor_heir_lost(struct supervisor *s, const struct slot *slot)
{
	char why[64];

	if (!is_under_way(s))
		return;
	s->takeover.prepared &= ~(1u << slot->role);
	if (s->takeover.moving)
		return;
	snprintf(why, sizeof(why), "the new %s worker died", role_name(slot->role));
	supervisor_job_line(s, why);
	supervisor_give_back(s, NULL);
}

bool supervisor_takeover_signal(struct supervisor *s, int number)
{
	if (!is_under_way(s))
		return false;
	if (s->takeover.moving)
		s->takeover.signal = number;
	else
		give_back_for(s, "the daemon was told to end meanwhile", number);
	return true;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static int elder_init(struct supervisor *s, enum role role)
{
	const struct baton_worker *worker = &s->takeover.baton->workers[role];
	struct elder *elder = &s->takeover.elders[role];

	*elder = (struct elder){.supervisor = s, .role = role, .pidfd = -1, .fd = -1, .carry = -1};
	if (!worker->there)
		return 0;
	elder->pid = worker->pid;
	elder->pidfd = worker->pidfd;
	elder->fd = worker->channel;
	return io_init(s->loop, &elder->watch, elder->pidfd, LOOP_NORMAL, elder_dead, NULL, elder);
}

int supervisor_takeover(struct supervisor *s)
{
	struct takeover *takeover = &s->takeover;
	const struct baton *baton = takeover->baton;
	int err = timer_init(s->loop, &takeover->timer, LOOP_NORMAL, takeover_late, s);

	for (int role = 0; role < ROLE_COUNT && !err; role++) {
		err = elder_init(s, role);
		slot_succeed(&s->workers.slots[role], !s->takeover.elders[role].pid);
		if (s->workers.slots[role].page)
			s->workers.slots[role].page->created = baton->started;
	}
	if (err)
		return err;
	log_info("upgrade: build %s begins to take over from %s", build_id, baton->build);
	takeover->began = clock_now();
	s->facts.started = baton->started;
	s->first_number = baton->generation;
	s->last_order = baton->last_order;
	timer_at(&takeover->timer, clock_now() + PATIENCE_HEIRS);
	return 0;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The descriptors of the folders are the supervisor's now. */
void supervisor_takeover_fini(struct supervisor *s)
{
	struct baton *baton = s->takeover.baton;

	if (!baton)
		return;
	timer_fini(&s->takeover.timer);
	for (int role = 0; role < ROLE_COUNT; role++) {
		close_one(s->takeover.elders[role].carry);
		elder_forget(&s->takeover.elders[role]);
		close_one(baton->slices[role]);
		if (baton->workers[role].there)
			close_one(baton->workers[role].page);
	}
	close_one(baton->lbhad);
	close_one(baton->checkd);
	baton_free(baton);
	s->takeover = (struct takeover){0};
}
