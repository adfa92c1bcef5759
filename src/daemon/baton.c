/* See the header. New records get new numbers; a record that grows does so at its end. */
#include "daemon/baton.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/carry.h"
#include "base/cleanup.h"
#include "core/buildid.h"
#include "core/sealed.h"

enum baton_record {
	BATON_DAEMON = 1, /* text build, time started, u32 generation, u32 last order, bool silent */
	BATON_PROGRAMS,   /* fd lbhad, fd checkd */
	BATON_FOLDERS,    /* fd run, fd state, fd lock, fd owned, fd control, fd services */
	BATON_WORKER,     /* text role, u32 pid, fd pidfd, fd channel, fd page, time started, u32 restarts, u32 deaths */
	BATON_SLICE,      /* text role, fd */
	BATON_JOB,        /* u8 enum request_kind, bool from control, u32 request, text path */
	BATON_ORDER,      /* u32 number, u32 request, bool failed, time deadline */
	BATON_RELOAD,     /* time, bool failed, text error */
	BATON_OVERRIDES,  /* the text of daemon/overrides.h, to the record's end */
	BATON_REFUSED,    /* text why */
	BATON_TOLD,       /* of notify scripts (u64 about, u64 script, text state)*, to the record's end */
};

#define ROOM (JOBS * (JOB_PATH + 64) + 65536)
#define LONG_HEAD 6 /* of a record: type and size */
#define NO_FD UINT32_MAX

static_assert(REQUEST_RELOAD == 1 && REQUEST_PLAN == 2 && REQUEST_UPGRADE == 8, "batons of earlier releases say so");

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void put_fd(struct writer *out, int fd)
{
	put_u32(out, fd < 0 ? NO_FD : (uint32_t)fd);
}

static void put_daemon(struct writer *out, const struct baton *baton)
{
	uint8_t *record = carry_record(out, BATON_DAEMON);

	put_text(out, build_id);
	put_time(out, baton->started);
	put_u32(out, baton->generation);
	put_u32(out, baton->last_order);
	put_bool(out, baton->silent);
	carry_end(out, record);
	record = carry_record(out, BATON_PROGRAMS);
	put_fd(out, baton->lbhad);
	put_fd(out, baton->checkd);
	carry_end(out, record);
	record = carry_record(out, BATON_RELOAD);
	put_time(out, baton->reload_time);
	put_bool(out, baton->reload_failed);
	put_text(out, baton->reload_error);
	carry_end(out, record);
}

static void put_folders(struct writer *out, const struct baton *baton)
{
	uint8_t *record = carry_record(out, BATON_FOLDERS);

	put_fd(out, baton->run_dir);
	put_fd(out, baton->state_dir);
	put_fd(out, baton->lock);
	put_fd(out, baton->owned);
	put_fd(out, baton->control);
	put_fd(out, baton->services);
	carry_end(out, record);
}

static void put_worker(struct writer *out, enum role role, const struct baton_worker *worker)
{
	uint8_t *record = carry_record(out, BATON_WORKER);

	put_text(out, role_name(role));
	put_u32(out, (uint32_t)worker->pid);
	put_fd(out, worker->pidfd);
	put_fd(out, worker->channel);
	put_fd(out, worker->page);
	put_time(out, worker->started);
	put_u32(out, worker->restarts);
	put_u32(out, worker->deaths);
	carry_end(out, record);
}

static void put_workers(struct writer *out, const struct baton *baton)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		uint8_t *record;

		if (baton->workers[role].there)
			put_worker(out, role, &baton->workers[role]);
		if (baton->slices[role] < 0)
			continue;
		record = carry_record(out, BATON_SLICE);
		put_text(out, role_name(role));
		put_fd(out, baton->slices[role]);
		carry_end(out, record);
	}
}

static void put_jobs(struct writer *out, const struct baton *baton)
{
	for (unsigned i = 0; i < baton->job_count; i++) {
		const struct job *job = &baton->jobs[i];
		uint8_t *record = carry_record(out, BATON_JOB);

		put_u8(out, (uint8_t)job->kind);
		put_bool(out, job->from_control);
		put_u32(out, job->request);
		put_text(out, job->path);
		carry_end(out, record);
	}
	for (unsigned i = 0; i < baton->order_count; i++) {
		const struct baton_order *order = &baton->orders[i];
		uint8_t *record = carry_record(out, BATON_ORDER);

		put_u32(out, order->number);
		put_u32(out, order->request);
		put_bool(out, order->failed);
		put_time(out, order->deadline);
		carry_end(out, record);
	}
}

/* The last ones may be as long as they like: their heads are made here, their values stay where they are. */
static void put_long(struct iovec *parts, unsigned *count, uint8_t *head, uint16_t type, const void *value, size_t size)
{
	struct writer out = writer_of(head, LONG_HEAD);

	if (!value)
		return;
	put_u16(&out, type);
	put_u32(&out, (uint32_t)size);
	parts[(*count)++] = (struct iovec){.iov_base = head, .iov_len = LONG_HEAD};
	parts[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)value, .iov_len = size};
}

int baton_write(const struct baton *baton)
{
	uint8_t *room = malloc(ROOM), heads[2][LONG_HEAD];
	struct writer out = writer_of(room, room ? ROOM : 0);
	struct iovec parts[5];
	unsigned count = 1;
	int fd;

	carry_begin(&out);
	put_daemon(&out, baton);
	put_folders(&out, baton);
	put_workers(&out, baton);
	put_jobs(&out, baton);
	parts[0] = (struct iovec){.iov_base = room, .iov_len = writer_used(&out)};
	put_long(parts, &count, heads[0], BATON_OVERRIDES, baton->overrides, baton->overrides_size);
	put_long(parts, &count, heads[1], BATON_TOLD, baton->told, baton->told_size);
	fd = !room ? -ENOMEM : out.failed ? -EMSGSIZE : sealed_make("lbha-baton", parts, count);
	free(room);
	return fd;
}

int baton_refuse(const struct baton *baton, const char *why)
{
	uint8_t bytes[BATON_WHY + 64];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)baton->bytes, .iov_len = baton->size},
				 {.iov_base = bytes}};
	uint8_t *record = carry_record(&out, BATON_REFUSED);
	char words[BATON_WHY];

	snprintf(words, sizeof(words), "%s", why);
	put_text(&out, words);
	carry_end(&out, record);
	parts[1].iov_len = writer_used(&out);
	return sealed_make("lbha-baton", parts, 2);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static int get_fd(struct reader *in)
{
	uint32_t fd = get_u32(in);

	if (fd == NO_FD)
		return -1;
	in->failed |= fd > INT32_MAX || fd < 3;
	return in->failed ? -1 : (int)fd;
}

/* ROLE_COUNT: not one of ours. */
static enum role get_role(struct reader *in)
{
	char name[32];

	get_text(in, name, sizeof(name));
	for (int role = 0; role < ROLE_COUNT; role++)
		if (!strcmp(name, role_name(role)))
			return role;
	return ROLE_COUNT;
}

static void get_daemon(struct reader *in, struct baton *baton)
{
	get_text(in, baton->build, sizeof(baton->build));
	baton->started = get_time(in);
	baton->generation = get_u32(in);
	baton->last_order = get_u32(in);
	baton->silent = get_bool(in);
}

static void get_folders(struct reader *in, struct baton *baton)
{
	baton->run_dir = get_fd(in);
	baton->state_dir = get_fd(in);
	baton->lock = get_fd(in);
	baton->owned = get_fd(in);
	baton->control = get_fd(in);
	baton->services = get_fd(in);
}

static int get_worker(struct reader *in, struct baton *baton)
{
	enum role role = get_role(in);
	struct baton_worker *worker = &baton->workers[role];

	if (in->failed)
		return -EPROTO;
	if (role == ROLE_COUNT)
		return -ENOTSUP;
	*worker = (struct baton_worker){.there = true};
	worker->pid = (pid_t)get_u32(in);
	worker->pidfd = get_fd(in);
	worker->channel = get_fd(in);
	worker->page = get_fd(in);
	worker->started = get_time(in);
	worker->restarts = get_u32(in);
	worker->deaths = get_u32(in);
	return worker->pid <= 0 || worker->pidfd < 0 || worker->channel < 0 ? -EPROTO : 0;
}

static void get_slice(struct reader *in, struct baton *baton)
{
	enum role role = get_role(in);

	if (role != ROLE_COUNT)
		baton->slices[role] = get_fd(in);
}

static void get_job(struct reader *in, struct baton *baton)
{
	struct job *job = &baton->jobs[baton->job_count];

	if (baton->job_count == JOBS)
		return;
	baton->job_count++;
	job->kind = get_u8(in);
	job->from_control = get_bool(in);
	job->request = get_u32(in);
	get_text(in, job->path, sizeof(job->path));
}

static void get_order(struct reader *in, struct baton *baton)
{
	struct baton_order *order = &baton->orders[baton->order_count];

	if (baton->order_count == BATON_ORDERS)
		return;
	baton->order_count++;
	order->number = get_u32(in);
	order->request = get_u32(in);
	order->failed = get_bool(in);
	order->deadline = get_time(in);
}

static int get_record(struct baton *baton, uint16_t type, struct reader *in)
{
	int err = 0;

	switch (type) {
	case BATON_DAEMON:
		get_daemon(in, baton);
		break;
	case BATON_PROGRAMS:
		baton->lbhad = get_fd(in);
		baton->checkd = get_fd(in);
		break;
	case BATON_FOLDERS:
		get_folders(in, baton);
		break;
	case BATON_WORKER:
		err = get_worker(in, baton);
		break;
	case BATON_SLICE:
		get_slice(in, baton);
		break;
	case BATON_JOB:
		get_job(in, baton);
		break;
	case BATON_ORDER:
		get_order(in, baton);
		break;
	case BATON_RELOAD:
		baton->reload_time = get_time(in);
		baton->reload_failed = get_bool(in);
		get_text(in, baton->reload_error, sizeof(baton->reload_error));
		break;
	case BATON_OVERRIDES:
		baton->overrides_size = reader_left(in);
		baton->overrides = (const char *)get_bytes(in, baton->overrides_size);
		break;
	case BATON_TOLD:
		baton->told_size = reader_left(in);
		baton->told = get_bytes(in, baton->told_size);
		break;
	case BATON_REFUSED:
		baton->refused = true;
		get_text(in, baton->why, sizeof(baton->why));
		break;
	default: /* of a later release */
		break;
	}
	return err ? err : in->failed ? -EPROTO : 0;
}

static bool complete(const struct baton *baton)
{
	return baton->build[0] && baton->generation && baton->lbhad >= 0 && baton->checkd >= 0 && baton->run_dir >= 0 &&
	       baton->lock >= 0 && baton->owned >= 0 && baton->control >= 0;
}

static int baton_parse(struct baton *baton)
{
	struct reader in = reader_of(baton->bytes, baton->size), value;
	uint16_t type;
	int err = carry_start(&in) ? 0 : -EPROTO;

	while (!err && carry_next(&in, &type, &value))
		err = get_record(baton, type, &value);
	if (!err && (in.failed || !complete(baton)))
		err = -EPROTO;
	return err;
}

int baton_read(int fd, struct baton **out)
{
	struct baton *baton = calloc(1, sizeof(*baton));
	int err;

	if (!baton)
		return -ENOMEM;
	baton->lbhad = baton->checkd = baton->run_dir = baton->lock = baton->owned = baton->control = -1;
	baton->state_dir = baton->services = -1;
	for (int role = 0; role < ROLE_COUNT; role++)
		baton->slices[role] = -1;
	baton->bytes = sealed_map(fd, &baton->size);
	err = baton->bytes ? baton_parse(baton) : -EPROTO;
	if (err) {
		baton_free(baton);
		return err;
	}
	*out = baton;
	return 0;
}

void baton_free(struct baton *baton)
{
	if (!baton)
		return;
	if (baton->bytes)
		munmap((void *)(uintptr_t)baton->bytes, baton->size);
	free(baton);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

static void keep_fd(int fd, bool keep)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

void baton_keep(const struct baton *baton, bool keep)
{
	const int fds[] = {baton->lbhad, baton->checkd, baton->run_dir, baton->state_dir,
			   baton->lock,  baton->owned,  baton->control, baton->services};

	for (size_t i = 0; i < COUNT_OF(fds); i++)
		keep_fd(fds[i], keep);
	for (int role = 0; role < ROLE_COUNT; role++) {
		keep_fd(baton->slices[role], keep);
		if (!baton->workers[role].there)
			continue;
		keep_fd(baton->workers[role].pidfd, keep);
		keep_fd(baton->workers[role].channel, keep);
		keep_fd(baton->workers[role].page, keep);
	}
}
