/* The frame of a worker; the header tells its part in a reload. What it owns: the loop, the supervisor's channel, the
 * links, the mapped state page. A prepared slice is mapped only while prepare runs. */
#include "core/worker.h"

#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/carry.h"
#include "core/buildid.h"
#include "core/channel.h"
#include "core/child.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/sealed.h"
#include "core/statepage.h"

#define HEARTBEAT (500 * NSTIME_MS)
#define LAST_WORD (500 * NSTIME_MS)
#define LAST_WORDS (2500 * NSTIME_MS) /* of a release, which may be many; less than would pass for a hang */
#define LAST_FACTS (200 * NSTIME_MS) /* for a peer that does not read */
#define FIRST_COMMAND 64 /* records below are facts */

struct link {
	struct worker *worker;
	struct channel *channel;
	int peer;
	bool missed; /* that no descriptor came for it has been told */
};

struct worker {
	int role;
	const char *name;
	const struct worker_ops *ops;
	void *ctx;
	struct loop *loop;
	struct channel *supervisor;
	struct link links[WORKER_PEERS];
	struct statepage *page;
	struct loop_timer heartbeat;
	uint32_t generation, prepared;
	uint8_t *kept; /* of a carry */
	size_t kept_size;
	int status;
};

struct loop *worker_loop(struct worker *worker)
{
	return worker->loop;
}

struct statepage *worker_page(struct worker *worker)
{
	return worker->page;
}

uint32_t worker_generation(const struct worker *worker)
{
	return worker->generation;
}

void worker_tell(struct worker *worker, uint16_t type, const void *value, size_t size, int fd)
{
	if (worker->supervisor)
		channel_send(worker->supervisor, type, value, size, fd);
}

bool worker_was_heard(const struct worker *worker)
{
	return !worker->supervisor || channel_idle(worker->supervisor);
}

static void tell_generation(struct worker *worker, uint16_t type, uint32_t generation)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, generation);
	worker_tell(worker, type, bytes, writer_used(&out), -1);
}

void worker_line(struct worker *worker, const char *format, ...)
{
	uint8_t bytes[2048];
	char line[2000];
	struct writer out = writer_of(bytes, sizeof(bytes));
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	put_text(&out, line);
	worker_tell(worker, RECORD_LINE, bytes, writer_used(&out), -1);
}

/* The next worker waits for this, so it does not wait for the end of our turn. */
void worker_committed(struct worker *worker)
{
	tell_generation(worker, RECORD_COMMITTED, worker->generation);
	if (worker->supervisor)
		channel_flush(worker->supervisor, 0);
}

/* What a release has changed may not have left yet, and nobody tells it after us. */
static void links_flush(struct worker *worker)
{
	for (int i = 0; i < WORKER_PEERS; i++)
		if (worker->links[i].channel)
			channel_flush(worker->links[i].channel, LAST_FACTS);
}

void worker_released(struct worker *worker)
{
	links_flush(worker);
	worker_tell(worker, RECORD_RELEASED, NULL, 0, -1);
	if (worker->supervisor)
		channel_flush(worker->supervisor, LAST_WORDS);
	loop_stop(worker->loop);
}

/* Without memory for the carry the successor knows less: it begins as after a crash. */
void worker_left(struct worker *worker, const void *carry, size_t size)
{
	const struct iovec whole = {.iov_base = (void *)(uintptr_t)carry, .iov_len = size};
	int fd = size ? sealed_make("lbha-carry", &whole, 1) : -1;

	if (size && fd < 0)
		log_warning("the %s worker hands nothing over: %s", worker->name, strerror(-fd));
	worker_tell(worker, RECORD_CARRY, NULL, 0, fd < 0 ? -1 : fd);
	if (fd >= 0)
		close(fd);
	if (worker->supervisor)
		channel_flush(worker->supervisor, LAST_WORD);
	loop_stop(worker->loop);
}

void worker_keep(struct worker *worker, const struct reader *in)
{
	size_t size = reader_left(in);

	worker_kept_end(worker);
	worker->kept = size ? malloc(size) : NULL;
	if (!worker->kept)
		return;
	memcpy(worker->kept, in->at, size);
	worker->kept_size = size;
}

bool worker_kept(const struct worker *worker, struct reader *in)
{
	*in = reader_of(worker->kept, worker->kept_size);
	return worker->kept != NULL;
}

void worker_kept_end(struct worker *worker)
{
	free(worker->kept);
	worker->kept = NULL;
	worker->kept_size = 0;
}

void worker_again(struct worker *worker)
{
	worker->status = WORKER_AGAIN;
	loop_stop(worker->loop);
}

/* ---- links and facts ------------------------------------------------------------------------------------ */

static uint32_t own_facts(struct worker *worker)
{
	return worker->ops->fact_count ? worker->ops->fact_count(worker->ctx) : 0;
}

void worker_dirty(struct worker *worker, uint32_t index)
{
	for (int i = 0; i < WORKER_PEERS; i++)
		if (worker->links[i].channel)
			channel_dirty(worker->links[i].channel, index);
}

void worker_facts_restart(struct worker *worker)
{
	uint32_t count = own_facts(worker);

	for (int i = 0; i < WORKER_PEERS; i++) {
		if (!worker->links[i].channel)
			continue;
		channel_set_generation(worker->links[i].channel, worker->generation);
		if (channel_facts_restart(worker->links[i].channel, count))
			log_error("no memory for the facts of %u objects", count);
	}
}

static bool link_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	struct link *link = ctx;

	return link->worker->ops->fact && link->worker->ops->fact(link->worker->ctx, link->peer, index, type, out);
}

static void link_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct link *link = ctx;
	struct worker *worker = link->worker;

	if (fd >= 0)
		close(fd);
	if (generation == worker->generation && worker->ops->fact_received)
		worker->ops->fact_received(worker->ctx, link->peer, type, in);
}

/* What we knew stays until the supervisor has connected us anew, which it does when the peer lives. */
static void link_lost(struct link *link)
{
	uint8_t peer = (uint8_t)link->peer;

	channel_free(link->channel);
	link->channel = NULL;
	worker_tell(link->worker, RECORD_UNLINKED, &peer, 1, -1);
}

static void link_closed(void *ctx)
{
	link_lost(ctx);
}

/* The kernel leaves a descriptor out of a packet when we can have no more of them. */
static void link_missed(struct link *link)
{
	if (!link->missed)
		log_error("no link to another worker: no descriptor came with it (too many open files?)");
	link->missed = true;
	link_lost(link);
}

/* Who was released before us has said its last, which is not to wait behind our own release. */
static void links_hear(struct worker *worker)
{
	for (int i = 0; i < WORKER_PEERS; i++)
		if (worker->links[i].channel)
			channel_receive(worker->links[i].channel);
}

static const struct channel_ops link_ops = {.record = link_record, .closed = link_closed, .fact = link_fact};

static void link_set(struct worker *worker, struct reader *in, int fd)
{
	uint8_t peer = get_u8(in);
	struct link *link = &worker->links[peer % WORKER_PEERS];

	if (!reader_done(in) || peer >= WORKER_PEERS) {
		if (fd >= 0)
			close(fd);
		return;
	}
	link->worker = worker;
	link->peer = peer;
	if (fd < 0) {
		link_missed(link);
		return;
	}
	if (link->missed)
		log_info("linked to all other workers again");
	link->missed = false;
	channel_free(link->channel);
	link->channel = channel_new(worker->loop, fd, &link_ops, link);
	if (!link->channel)
		return;
	channel_set_generation(link->channel, worker->generation);
	if (worker->generation)
		channel_facts_restart(link->channel, own_facts(worker));
}

/* ---- the two phases ----------------------------------------------------------------------------------------- */

static void prepare(struct worker *worker, uint32_t generation, int fd)
{
	uint8_t answer[8];
	struct writer out = writer_of(answer, sizeof(answer));
	size_t size = 0;
	const void *slice = fd >= 0 ? sealed_map(fd, &size) : NULL;
	int err = -EBADMSG;

	if (worker->prepared && worker->ops->abort)
		worker->ops->abort(worker->ctx);
	worker->prepared = 0;
	if (slice) {
		err = worker->ops->prepare(worker->ctx, slice, size, generation);
		munmap((void *)(uintptr_t)slice, size);
	} else {
		worker_line(worker, "the %s worker got no sealed configuration", worker->name);
	}
	if (!err)
		worker->prepared = generation;
	put_u32(&out, generation);
	put_bool(&out, err == 0);
	worker_tell(worker, RECORD_PREPARED, answer, writer_used(&out), -1);
}

static void commit(struct worker *worker, uint32_t generation)
{
	if (!worker->prepared || worker->prepared != generation) {
		log_error("told to commit generation %u, but %u is prepared", generation, worker->prepared);
		return;
	}
	worker->generation = worker->prepared;
	worker->prepared = 0;
	worker->ops->commit(worker->ctx);
	worker_facts_restart(worker);
}

static void leave(struct worker *worker, nstime deadline)
{
	if (worker->ops->leave)
		worker->ops->leave(worker->ctx, deadline);
	else
		worker_left(worker, NULL, 0);
}

static void inherit(struct worker *worker, int fd)
{
	size_t size = 0;
	const void *bytes = fd >= 0 && worker->ops->inherit ? sealed_map(fd, &size) : NULL;
	struct reader in = reader_of(bytes, size);

	if (!bytes)
		return;
	if (carry_start(&in))
		worker->ops->inherit(worker->ctx, &in);
	else
		log_warning("what the predecessor left is no carry");
	munmap((void *)(uintptr_t)bytes, size);
}

static void command(struct worker *worker, uint16_t type, struct reader *in, int fd)
{
	switch (type) {
	case RECORD_LINK:
		link_set(worker, in, fd);
		return;
	case RECORD_PREPARE:
		prepare(worker, get_u32(in), fd);
		break;
	case RECORD_COMMIT:
		commit(worker, get_u32(in));
		break;
	case RECORD_FINISH:
		if (worker->ops->finish)
			worker->ops->finish(worker->ctx);
		break;
	case RECORD_ABORT:
		worker->prepared = 0;
		if (worker->ops->abort)
			worker->ops->abort(worker->ctx);
		break;
	case RECORD_APPLIED:
		if (worker->ops->applied)
			worker->ops->applied(worker->ctx);
		worker_facts_restart(worker);
		break;
	case RECORD_RELEASE:
		links_hear(worker);
		if (worker->ops->release)
			worker->ops->release(worker->ctx);
		else
			worker_released(worker);
		break;
	case RECORD_LEAVE:
		leave(worker, get_time(in));
		break;
	case RECORD_INHERIT:
		inherit(worker, fd);
		break;
	case RECORD_LOG:
		log_force(get_u8(in));
		break;
	default:
		if (worker->ops->command) {
			worker->ops->command(worker->ctx, type, in, fd);
			return;
		}
		log_warning("the supervisor sent record %u, which this worker does not know", type);
	}
	if (fd >= 0)
		close(fd);
}

static void supervisor_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct worker *worker = ctx;

	(void)generation;
	if (type >= FIRST_COMMAND) {
		command(worker, type, in, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (worker->ops->fact_received)
		worker->ops->fact_received(worker->ctx, 0, type, in);
}

static void supervisor_closed(void *ctx)
{
	struct worker *worker = ctx;

	channel_free(worker->supervisor);
	worker->supervisor = NULL;
	log_warning("the supervisor is gone");
	worker->status = 1;
	if (worker->ops->orphaned)
		worker->ops->orphaned(worker->ctx);
	else
		loop_stop(worker->loop);
}

static const struct channel_ops supervisor_ops = {.record = supervisor_record, .closed = supervisor_closed};

/* ---- life ----------------------------------------------------------------------------------------------------- */

void worker_alive(struct worker *worker)
{
	__atomic_store_n(&worker->page->heartbeat, clock_now(), __ATOMIC_RELAXED);
}

static void beat(void *ctx)
{
	struct worker *worker = ctx;

	worker_alive(worker);
	timer_at(&worker->heartbeat, clock_now() + HEARTBEAT);
}

/* They have come through the one exec(2) that there was to come through. With the inheritable ones go the ambient ones. */
static void keep_rights_from_programs(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() ||
	    capng_updatev(CAPNG_DROP, CAPNG_INHERITABLE, CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, -1) ||
	    capng_apply(CAPNG_SELECT_CAPS))
		log_warning("capabilities stay inheritable: %s", strerror(errno));
}

/* When the supervisor dies its channel says so, but not to a worker that was stopped: who has something to let go of goes
 * on then, whoever has not dies on the spot. */
static void die_with_supervisor(const struct worker_ops *ops)
{
	prctl(PR_SET_PDEATHSIG, ops->orphaned ? SIGCONT : SIGKILL);
}

struct worker *worker_new(int role, const char *name, const struct worker_ops *ops, void *ctx)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	child_ignore_signals();
	log_open(name);
	keep_rights_from_programs();
	die_with_supervisor(ops);
	*worker = (struct worker){.role = role, .name = name, .ops = ops, .ctx = ctx};
	worker->page = statepage_map(WORKER_FD_PAGE);
	worker->loop = loop_new();
	if (!worker->page || !worker->loop) {
		log_error("a worker is started by lbhad only");
		worker_free(worker);
		return NULL;
	}
	close(WORKER_FD_PAGE);
	worker->supervisor = channel_new(worker->loop, WORKER_FD_SUPERVISOR, &supervisor_ops, worker);
	if (!worker->supervisor || timer_init(worker->loop, &worker->heartbeat, LOOP_NORMAL, beat, worker)) {
		log_error("no memory to start");
		worker_free(worker);
		return NULL;
	}
	return worker;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	for (int i = 0; i < WORKER_PEERS; i++)
		channel_free(worker->links[i].channel);
	channel_free(worker->supervisor);
	timer_fini(&worker->heartbeat);
	loop_free(worker->loop);
	worker_kept_end(worker);
	statepage_unmap(worker->page);
	free(worker);
}

int worker_run(struct worker *worker)
{
	uint8_t bytes[128];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_text(&out, build_id);
	worker_tell(worker, RECORD_HELLO, bytes, writer_used(&out), -1);
	beat(worker);
	if (loop_run(worker->loop)) {
		log_error("the event loop failed");
		return 1;
	}
	return worker->status;
}
