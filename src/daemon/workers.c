/* Processes and their channels; see the header. A worker that dies is started again: at once the first three times,
 * then later and later (backoff.h). Never two of one role at once: a new one is started only when the pidfd has said that
 * the old one is gone.
 *
 * The addresses of a dead vrrp worker stay in the kernel for the next one to go on with. When it is clear that none will
 * go on in time, and in a stop, they are withdrawn, for they must not answer for a director that does not advertise: by a
 * worker without a configuration; if that fails, by a child that does it itself, without executing anything; if there is
 * no child to be had, right here. */
#include "daemon/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "core/buildid.h"
#include "core/channel.h"
#include "core/child.h"
#include "core/log.h"
#include "core/packet.h"
#include "core/protocol.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "daemon/backoff.h"

#define PULSE (500 * NSTIME_MS) /* as a heart beats */
#define LAST_WORDS 1000 /* batches of packets */
#define PATIENCE_WITHDRAW (5 * NSTIME_S)

#define REALTIME_VRRP 11 /* the supervisor runs one below */

static void slot_start(void *ctx);
static int slot_bear(struct slot *slot, enum slot_errand errand);

/* ---- the worker speaks ---------------------------------------------------------------------------------- */

static void hello(struct slot *slot, struct reader *in)
{
	char id[128];

	get_text(in, id, sizeof(id));
	if (!reader_done(in) || strcmp(id, build_id)) {
		log_error("the %s worker is of another build (%s, not %s): was it replaced without a restart?",
			  role_name(slot->role), id, build_id);
		slot_kill(slot, "another build");
		return;
	}
	if (slot->errand != ERRAND_WORK)
		return;
	slot->hello = true;
	slot->workers->ops->ready(slot->workers->ctx, slot);
}

/* An answer to a PREPARE that was given up meanwhile says nothing about the present one, which may have the same number:
 * a generation that was refused is none. */
static void prepared(struct slot *slot, uint32_t generation, bool accepted)
{
	if (slot->owed && !--slot->owed)
		slot->workers->ops->prepared(slot->workers->ctx, slot, generation, accepted);
}

/* Only who was told to leaves. */
static void carried(struct slot *slot, int fd)
{
	if (!slot->leaving || slot->left)
		return;
	slot->left = true;
	if (slot->carry >= 0)
		close(slot->carry);
	slot->carry = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void take_record(struct slot *slot, uint16_t type, struct reader *in, int fd)
{
	const struct workers_ops *ops = slot->workers->ops;
	char line[2048];

	switch (type) {
	case RECORD_HELLO:
		hello(slot, in);
		break;
	case RECORD_LINE:
		get_text(in, line, sizeof(line));
		if (slot->owed <= 1)
			ops->line(slot->workers->ctx, slot, line);
		break;
	case RECORD_PREPARED: {
		uint32_t generation = get_u32(in);
		bool accepted = get_bool(in);

		if (reader_done(in))
			prepared(slot, generation, accepted);
		break;
	}
	case RECORD_COMMITTED: {
		uint32_t committed = get_u32(in);

		if (reader_done(in))
			ops->committed(slot->workers->ctx, slot, committed);
		break;
	}
	case RECORD_REQUEST:
		if (slot->role == ROLE_CONTROL)
			ops->request(slot->workers->ctx, slot, in);
		break;
	case RECORD_SAY:
	case RECORD_SAID:
		if (slot->role == ROLE_CONTROL)
			ops->say(slot->workers->ctx, slot, type, in);
		break;
	case RECORD_NOTIFY:
		if (slot->role == ROLE_CONTROL)
			ops->notify(slot->workers->ctx, slot, in);
		break;
	case RECORD_ORDER_TOLD:
	case RECORD_ORDER_END:
		if (slot->role == ROLE_VRRP)
			ops->order(slot->workers->ctx, slot, type, in);
		break;
	case RECORD_UNLINKED:
		slot->unlinked |= 1u << get_u8(in) % ROLE_COUNT; /* seen to by the next pulse */
		break;
	case RECORD_RELEASED:
		slot->released = true; /* the pidfd tells the rest */
		break;
	case RECORD_CARRY:
		carried(slot, fd);
		break;
	case RECORD_RUN:
	case RECORD_RUN_CANCEL:
		if (slot->role == ROLE_CHECK)
			ops->script(slot->workers->ctx, slot, type, in, fd);
		break;
	default:
		break;
	}
}

static void slot_record(void *ctx, uint32_t unused, uint16_t type, struct reader *in, int fd)
{
	(void)unused;
	take_record(ctx, type, in, fd);
	if (fd >= 0)
		close(fd); /* who wants to keep a descriptor has made another of it */
}

static void slot_closed(void *ctx)
{
	struct slot *slot = ctx;

	channel_free(slot->channel);
	slot->channel = NULL;
	slot->hello = false;
	if (slot->pid > 0)
		kill(slot->pid, SIGKILL); /* a worker without its supervisor's ear is of no use */
}

static bool slot_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	struct slot *slot = ctx;

	return slot->role == ROLE_CONTROL && slot->workers->ops->fact(slot->workers->ctx, index, type, out);
}

static const struct channel_ops slot_ops = {.record = slot_record, .closed = slot_closed, .fact = slot_fact};

/* ---- sending ------------------------------------------------------------------------------------------------ */

/* Where there are too many descriptors the record goes without: a worker knows what that means, and lives. */
static void tell(struct slot *slot, uint16_t type, const void *bytes, size_t size, int fd)
{
	int err = slot->channel ? channel_send(slot->channel, type, bytes, size, fd) : 0;

	if (err == -EMFILE || err == -ENFILE)
		err = channel_send(slot->channel, type, bytes, size, -1);
	if (err)
		slot_kill(slot, strerror(-err));
}

void slot_send_bytes(struct slot *slot, uint16_t type, const void *bytes, size_t size)
{
	tell(slot, type, bytes, size, -1);
}

void slot_send_with(struct slot *slot, uint16_t type, const void *bytes, size_t size, int fd)
{
	tell(slot, type, bytes, size, fd);
}

void slot_send(struct slot *slot, uint16_t type, uint32_t generation, int fd)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, generation);
	slot->owed += type == RECORD_PREPARE && slot->channel;
	tell(slot, type, bytes, writer_used(&out), fd);
}

static void link_send(struct slot *slot, enum role peer, int fd)
{
	uint8_t role = (uint8_t)peer;

	tell(slot, RECORD_LINK, &role, 1, fd);
}

static unsigned bit(const struct slot *slot)
{
	return 1u << slot->role;
}

/* Where that fails it is tried again by the pulse: without its peers a worker would wait for facts for ever. */
static void link_two(struct slot *slot, struct slot *other)
{
	int pair[2], err = packet_pair(pair);

	if (err && !(slot->unlinked & bit(other)))
		log_error("no link between the %s and the %s worker: %s; it is tried again", role_name(slot->role),
			  role_name(other->role), strerror(-err));
	if (err) {
		slot->unlinked |= bit(other);
		return;
	}
	if (slot->unlinked & bit(other))
		log_info("the %s and the %s worker are linked again", role_name(slot->role), role_name(other->role));
	slot->unlinked &= ~bit(other);
	other->unlinked &= ~bit(slot);
	link_send(slot, other->role, pair[0]);
	link_send(other, slot->role, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static bool can_be_linked(const struct slot *slot)
{
	return slot->hello && slot->generation;
}

void workers_link(struct workers *workers, struct slot *slot)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		struct slot *other = &workers->slots[role];

		if (other != slot && can_be_linked(other))
			link_two(slot, other);
	}
}

static void links_mend(struct slot *slot)
{
	for (int role = ROLE_CONTROL; slot->unlinked && role < ROLE_COUNT; role++) {
		struct slot *other = &slot->workers->slots[role];

		if (slot->unlinked & bit(other) && can_be_linked(slot) && can_be_linked(other))
			link_two(slot, other);
	}
}

unsigned workers_live(const struct workers *workers)
{
	unsigned set = 0;

	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (workers->slots[role].hello)
			set |= 1u << role;
	return set;
}

void workers_facts_dirty(struct workers *workers, uint32_t index)
{
	if (workers->slots[ROLE_CONTROL].channel)
		channel_dirty(workers->slots[ROLE_CONTROL].channel, index);
}

void workers_facts_restart(struct workers *workers)
{
	struct slot *control = &workers->slots[ROLE_CONTROL];

	if (control->channel && channel_facts_restart(control->channel, workers->ops->fact_count(workers->ctx)))
		slot_kill(control, "no memory for its facts");
}

/* ---- life and death -------------------------------------------------------------------------------------------- */

static void state_set(struct slot *slot, enum worker_state state)
{
	slot->state = state;
	workers_facts_dirty(slot->workers, (uint32_t)slot->role);
	if (slot->workers->ops->changed)
		slot->workers->ops->changed(slot->workers->ctx, slot);
}

void slot_expect(struct slot *slot, nstime patience)
{
	timer_at(&slot->timer, clock_now() + patience);
}

void slot_reached(struct slot *slot, uint32_t generation)
{
	slot->generation = generation;
	if (!slot->stopping && !slot->leaving)
		timer_cancel(&slot->timer);
	if (slot->state == WORKER_RUNNING)
		return;
	if (slot->wait)
		log_info("the %s worker runs again after %u deaths in a row", role_name(slot->role), slot->deaths);
	slot->wait = 0;
	state_set(slot, WORKER_RUNNING);
}

static bool is_again(const siginfo_t *how)
{
	return how->si_code == CLD_EXITED && how->si_status == WORKER_AGAIN;
}

/* In words that follow the worker's name. */
static void tell_death(const struct slot *slot, const siginfo_t *how, char out[SLOT_HOW])
{
	if (slot->doom[0] && how->si_code != CLD_EXITED)
		snprintf(out, SLOT_HOW, "was killed: %s", slot->doom);
	else if (is_again(how))
		snprintf(out, SLOT_HOW, "wanted another one in its place");
	else if (how->si_code == CLD_EXITED && how->si_status == 127)
		snprintf(out, SLOT_HOW, "could not be executed, or not be given its rights");
	else if (how->si_code == CLD_EXITED)
		snprintf(out, SLOT_HOW, "ended with status %d", how->si_status);
	else
		snprintf(out, SLOT_HOW, "was killed by signal %d (%s)", how->si_status, strsignal(how->si_status));
}

static void log_death(const struct slot *slot, const siginfo_t *how, const char *words)
{
	if (slot->errand != ERRAND_WORK && slot->released)
		log_info("what the %s worker left is taken away", role_name(slot->role));
	else if (slot->left || (slot->stopping && (slot->released || slot->role != ROLE_VRRP)))
		log_debug("the %s worker (pid %d) has ended", role_name(slot->role), (int)slot->pid);
	else if (is_again(how))
		log_info("another %s worker takes the place of pid %d", role_name(slot->role), (int)slot->pid);
	else
		log_error("the %s worker (pid %d) %s", role_name(slot->role), (int)slot->pid, words);
}

static void slot_forget(struct slot *slot)
{
	io_fini(&slot->watch);
	channel_free(slot->channel);
	slot->channel = NULL;
	close(slot->pidfd);
	slot->pidfd = -1;
	slot->pid = 0;
	slot->hello = false;
	slot->generation = 0;
	slot->owed = 0;
	slot->unlinked = 0;
	slot->duty = SLOT_NONE;
}

/* A death, or a start that failed: when the next one comes. Who wanted to be replaced, after some work, has not failed. */
static void slot_again(struct slot *slot, bool wanted)
{
	nstime now = clock_now();

	if (!wanted || now - slot->started < NSTIME_S)
		slot->deaths = backoff_deaths(slot->deaths, now - slot->started);
	slot->wait = backoff_wait(slot->deaths);
	slot->due = now + slot->wait;
	slot->restarts++;
	state_set(slot, WORKER_BACKOFF);
	if (slot->wait)
		log_warning("the %s worker is started again in %lld s (%u deaths in a row)", role_name(slot->role),
			    (long long)(slot->wait / NSTIME_S), slot->deaths);
}

static const char *const withdrawals[] = {
	[ERRAND_WITHDRAW] = "left addresses in the kernel: it is started without a configuration to take them away",
	[ERRAND_TAKE_AWAY] = "cannot take its addresses away: the supervisor does",
};

/* One way of withdrawing after the other, until one has begun; the last one is over at once. */
static bool slot_withdraw(struct slot *slot)
{
	struct workers *workers = slot->workers;

	while (slot->errand < ERRAND_TAKE_AWAY) {
		enum slot_errand next = slot->errand + 1;

		log_warning("the %s worker %s", role_name(slot->role), withdrawals[next]);
		if (!slot_bear(slot, next)) {
			slot_send_bytes(slot, RECORD_RELEASE, NULL, 0);
			slot_expect(slot, PATIENCE_WITHDRAW);
			return true;
		}
	}
	slot->released = workers->take_away && !workers->take_away(workers->owned);
	return false;
}

/* Nobody will advertise for what stands in the kernel. */
static bool slot_is_lost(const struct slot *slot)
{
	if (slot->role != ROLE_VRRP || !slot->owes || slot->heir || slot->leaving || slot->workers->closing)
		return false;
	return slot->stopping || slot->errand != ERRAND_WORK ||
	       ((slot->wait || slot->alive < slot->started) &&
		backoff_is_too_late(slot->alive, slot->page->quickest, slot->due));
}

/* There is no process now. */
static void slot_next(struct slot *slot)
{
	if (slot_is_lost(slot) && !slot->released && slot_withdraw(slot))
		return;
	if (slot->owes && slot->released) {
		slot->owes = false;
		slot->page->withdrawn = clock_now();
	} else if (slot->owes && slot->errand == ERRAND_TAKE_AWAY) {
		log_error("addresses may be in the kernel for which nobody advertises: remove them with ip address del");
	}
	if (slot->stopping || slot->leaving || slot->workers->closing)
		state_set(slot, WORKER_STOPPED);
	else
		timer_at(&slot->timer, slot->due);
}

/* They may still be in the socket: a carry, that it has released, what scripts are to be told of the stop. */
static void last_words(struct slot *slot)
{
	for (int i = 0; i < LAST_WORDS && (slot->leaving || slot->stopping) && slot->channel; i++)
		channel_receive(slot->channel);
}

static void slot_dead(void *ctx)
{
	struct slot *slot = ctx;
	siginfo_t how = {0};
	char words[SLOT_HOW];

	if (waitid(P_PIDFD, (id_t)slot->pidfd, &how, WEXITED | WNOHANG | WNOWAIT) || !how.si_pid)
		return;
	last_words(slot); /* its number is still its own: at the end of the channel it is killed by that */
	waitid(P_PIDFD, (id_t)slot->pidfd, &(siginfo_t){0}, WEXITED | WNOHANG);
	slot->released |= slot->errand == ERRAND_TAKE_AWAY && how.si_code == CLD_EXITED && !how.si_status;
	tell_death(slot, &how, words);
	log_death(slot, &how, words);
	if (slot->errand == ERRAND_WORK)
		memcpy(slot->how, words, sizeof(words));
	if (slot->generation) /* its heart may have beaten just before the end, or long ago */
		slot->alive = nstime_min(clock_now(), slot->page->heartbeat + PULSE);
	slot_forget(slot);
	timer_cancel(&slot->timer);
	if (slot->errand == ERRAND_WORK && !slot->stopping && !slot->leaving && !slot->workers->closing)
		slot_again(slot, is_again(&how));
	slot_next(slot);
	slot->workers->ops->died(slot->workers->ctx, slot);
}

/* The timer has two meanings, told apart by the process being there. */
static void slot_timer(void *ctx)
{
	struct slot *slot = ctx;

	if (slot->pid > 0)
		slot_kill(slot, slot->stopping || slot->leaving ? "did not end in time" : "did not answer in time");
	else
		slot_start(slot);
}

static void child_of(const struct workers *workers, enum role role, struct child *child)
{
	child->uid = workers->users[role].uid;
	child->gid = workers->users[role].gid;
	switch (role) {
	case ROLE_CHECK:
		child->executable = workers->checkd;
		child->caps[0] = CAP_NET_RAW; /* given up at the commit unless checks need it */
		child->cap_count = 1;
		return;
	case ROLE_CONTROL:
		child->fds[2] = -1;
		child->fds[3] = workers->control;
		child->fd_count = 4;
		return;
	case ROLE_VRRP:
		child->caps[1] = CAP_NET_RAW;
		child->caps[2] = CAP_IPC_LOCK;
		child->cap_count = 3;
		child->realtime = true;
		child->realtime_priority = REALTIME_VRRP;
		break;
	case ROLE_IPVS:
		child->cap_count = 1;
		break;
	case ROLE_SUPERVISOR:
	case ROLE_COMPILER:
	case ROLE_COUNT:
		break;
	}
	child->fds[2] = workers->owned;
	child->fd_count = 3;
	child->caps[0] = CAP_NET_ADMIN;
}

/* In a new process with all rights of the supervisor. */
static void take_away(void *ctx)
{
	const struct workers *workers = ctx;

	_exit(workers->take_away && !workers->take_away(workers->owned) ? 0 : 1);
}

static int slot_spawn(struct slot *slot, int channel_end)
{
	struct workers *workers = slot->workers;
	const char *argv[] = {slot->role == ROLE_CHECK ? "lbha-checkd" : "lbhad", "--worker", role_name(slot->role),
			      NULL};
	struct child child = {.executable = workers->lbhad,
			      .argv = argv,
			      .fds = {channel_end, slot->page_fd},
			      .fd_count = 2,
			      .silent = workers->silent};

	child_of(workers, slot->role, &child);
	if (slot->errand == ERRAND_TAKE_AWAY)
		child = (struct child){.enter = take_away, .ctx = workers};
	return child_start(&child, &slot->pid, &slot->pidfd);
}

static int slot_connect(struct slot *slot, int our_end)
{
	struct workers *workers = slot->workers;
	int err;

	slot->channel = channel_new(workers->loop, our_end, &slot_ops, slot);
	if (!slot->channel)
		return -ENOMEM;
	err = io_init(workers->loop, &slot->watch, slot->pidfd, LOOP_NORMAL, slot_dead, NULL, slot);
	if (!err && slot->role == ROLE_CONTROL)
		err = channel_facts_restart(slot->channel, workers->ops->fact_count(workers->ctx));
	return err;
}

/* Starts a process; -errno, and then there is none. */
static int slot_bear(struct slot *slot, enum slot_errand errand)
{
	int pair[2], err = packet_pair(pair);

	slot->errand = errand;
	slot->released = false;
	slot->doom[0] = '\0';
	slot->started = clock_now();
	slot->page->heartbeat = slot->started;
	if (err)
		return err;
	err = slot_spawn(slot, pair[1]);
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		err = slot_connect(slot, pair[0]);
	if (err && slot->pid > 0) {
		kill(slot->pid, SIGKILL);
		waitpid(slot->pid, NULL, 0);
		slot_forget(slot);
	}
	return err;
}

/* It has said HELLO long ago, and to a program of this very build. */
int slot_adopt(struct slot *slot, const struct slot_past *past)
{
	struct statepage *page = statepage_map(past->page);

	if (!page)
		return -EBADMSG;
	statepage_unmap(slot->page);
	close(slot->page_fd);
	slot->page = page;
	slot->page_fd = past->page;
	slot->pid = past->pid;
	slot->pidfd = past->pidfd;
	slot->started = past->started;
	slot->restarts = past->restarts;
	slot->deaths = past->deaths;
	slot->owes = slot->role == ROLE_VRRP;
	slot->alive = clock_now();
	slot->generation = past->generation;
	slot->hello = true;
	slot->state = WORKER_RUNNING;
	return slot_connect(slot, past->channel);
}

void slot_succeed(struct slot *slot, bool yet)
{
	slot->heir = !yet;
	if (yet)
		slot->alive = clock_now();
}

static void slot_start(void *ctx)
{
	struct slot *slot = ctx;
	int err;

	if (slot->workers->closing || slot->stopping || slot->leaving)
		return;
	slot->owes |= slot->role == ROLE_VRRP; /* an earlier daemon's, at the first start */
	err = slot_bear(slot, ERRAND_WORK);
	if (!err) {
		state_set(slot, WORKER_STARTING);
		return;
	}
	snprintf(slot->how, sizeof(slot->how), "cannot be started: %s", strerror(-err));
	log_error("the %s worker %s", role_name(slot->role), slot->how);
	slot_again(slot, false);
	slot_next(slot);
}

void slot_kill(struct slot *slot, const char *why)
{
	if (slot->pid <= 0)
		return;
	log_error("the %s worker (pid %d) is killed: %s", role_name(slot->role), (int)slot->pid, why);
	snprintf(slot->doom, sizeof(slot->doom), "%s", why);
	kill(slot->pid, SIGKILL);
}

void slot_release(struct slot *slot, nstime patience)
{
	slot->stopping = true;
	if (slot->pid <= 0) {
		timer_cancel(&slot->timer);
		slot_next(slot);
		return;
	}
	if (slot->errand != ERRAND_WORK)
		return; /* it does that already */
	slot_send_bytes(slot, RECORD_RELEASE, NULL, 0);
	timer_at(&slot->timer, clock_now() + patience);
}

void slot_clear(struct slot *slot, nstime patience)
{
	slot->leaving = slot->released = false;
	slot->stopping = true;
	if (slot->role == ROLE_VRRP) { /* there are more ways than this one */
		slot->owes = true;
		slot_next(slot);
		if (slot->pid > 0)
			slot_expect(slot, patience);
	} else if (!slot_bear(slot, ERRAND_WITHDRAW)) {
		slot_send_bytes(slot, RECORD_RELEASE, NULL, 0);
		slot_expect(slot, patience);
	}
}

void slot_leave(struct slot *slot, nstime deadline, nstime patience)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_time(&out, deadline);
	slot->leaving = true;
	slot->left = false;
	if (slot->pid <= 0) {
		timer_cancel(&slot->timer);
		return;
	}
	slot_send_bytes(slot, RECORD_LEAVE, bytes, writer_used(&out));
	timer_at(&slot->timer, clock_now() + patience);
}

void slot_inherit(struct slot *slot, int fd)
{
	if (fd >= 0)
		slot_send_with(slot, RECORD_INHERIT, NULL, 0, fd);
}

static void slot_feel(struct slot *slot, nstime now)
{
	nstime beat = __atomic_load_n(&slot->page->heartbeat, __ATOMIC_RELAXED);
	nstime stale = backoff_stale(slot->role == ROLE_VRRP ? slot->page->quickest : 0);
	char why[48];

	if (now - nstime_max(beat, slot->workers->woke) <= stale)
		return;
	snprintf(why, sizeof(why), "no heartbeat for %lld s", (long long)(stale / NSTIME_S));
	slot_kill(slot, why);
	slot->page->heartbeat = now;
}

/* A loop that does not turn writes no heartbeat: the worker hangs. A stopped process counts as hanging, too; but when it
 * was us who could not run (the whole machine stood still), all have had no time to beat. */
static void pulse(void *ctx)
{
	struct workers *workers = ctx;
	nstime now = clock_now();

	if (now - workers->pulsed > 3 * PULSE)
		workers->woke = now;
	workers->pulsed = now;
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (workers->slots[role].pid > 0) {
			slot_feel(&workers->slots[role], now);
			links_mend(&workers->slots[role]);
		}
	timer_at(&workers->pulse, now + PULSE);
}

void workers_retry(struct workers *workers)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		struct slot *slot = &workers->slots[role];

		if (slot->state != WORKER_BACKOFF || !slot->wait)
			continue;
		slot->due = clock_now();
		if (slot->pid <= 0)
			timer_at(&slot->timer, slot->due);
	}
}

int workers_init(struct workers *workers)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct slot *slot = &workers->slots[role];

		*slot = (struct slot){.workers = workers, .role = role, .state = WORKER_STOPPED, .pidfd = -1,
				      .page_fd = -1, .carry = -1, .alive = clock_now()};
		if (!(WORKERS_ALL & 1u << role))
			continue;
		slot->page_fd = statepage_create();
		slot->page = slot->page_fd < 0 ? NULL : statepage_map(slot->page_fd);
		if (!slot->page || timer_init(workers->loop, &slot->timer, LOOP_NORMAL, slot_timer, slot))
			return -ENOMEM;
	}
	return timer_init(workers->loop, &workers->pulse, LOOP_NORMAL, pulse, workers);
}

void workers_start(struct workers *workers)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (WORKERS_ALL & 1u << role)
			slot_start(&workers->slots[role]);
	workers->pulsed = clock_now();
	timer_at(&workers->pulse, workers->pulsed + PULSE);
}

void workers_resume(struct workers *workers)
{
	workers->pulsed = clock_now();
	timer_at(&workers->pulse, workers->pulsed + PULSE);
}

void workers_kill(struct workers *workers)
{
	workers->closing = true;
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		struct slot *slot = &workers->slots[role];

		if (slot->pid <= 0)
			continue;
		kill(slot->pid, SIGKILL);
		waitpid(slot->pid, NULL, 0);
		slot->pid = 0;
	}
}

void workers_fini(struct workers *workers)
{
	workers->closing = true;
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++) {
		struct slot *slot = &workers->slots[role];

		if (slot->pid > 0) {
			kill(slot->pid, SIGKILL);
			waitpid(slot->pid, NULL, 0);
			slot_forget(slot);
		}
		timer_fini(&slot->timer);
		statepage_unmap(slot->page);
		if (slot->page_fd >= 0)
			close(slot->page_fd);
		if (slot->carry >= 0)
			close(slot->carry);
	}
	timer_fini(&workers->pulse);
}
