/* Owns the compiler process: its channel, its pidfd and a deadline. Whichever ends first (COMPILED, death, deadline)
 * gives the result. */
#include "daemon/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "config/files_io.h"
#include "core/channel.h"
#include "core/child.h"
#include "core/loop.h"
#include "core/packet.h"
#include "core/protocol.h"

#define PATIENCE (30 * NSTIME_S) /* thousands of instances take a second */

struct load {
	const struct load_ops *ops;
	void *ctx;
	struct channel *channel;
	struct loop_timer deadline;
	struct config_folder folder;
	struct load_result result;
	pid_t pid;
	int pidfd;
};

static void slices_close(struct load_result *result)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (result->slices[i] >= 0)
			close(result->slices[i]);
		result->slices[i] = -1;
	}
}

static void load_free(struct load *load)
{
	channel_free(load->channel);
	timer_fini(&load->deadline);
	if (load->pid > 0) {
		kill(load->pid, SIGKILL);
		waitpid(load->pid, NULL, 0);
	}
	if (load->pidfd >= 0)
		close(load->pidfd);
	slices_close(&load->result);
	free(load);
}

void load_cancel(struct load *load)
{
	if (load)
		load_free(load);
}

static void load_end(struct load *load, bool accepted)
{
	const struct load_ops *ops = load->ops;
	struct load_result result = load->result;
	void *ctx = load->ctx;

	for (int i = 0; i < ROLE_COUNT; i++)
		load->result.slices[i] = -1; /* handed over */
	load_free(load);
	result.accepted = accepted;
	if (!accepted)
		slices_close(&result);
	ops->done(ctx, &result);
}

/* ---- includes -------------------------------------------------------------------------------------------- */

struct include_walk {
	struct load *load;
	char *why;
};

static int include_one(void *ctx, const char *path)
{
	struct include_walk *walk = ctx;
	uint8_t bytes[4200];
	struct writer out = writer_of(bytes, sizeof(bytes));
	int fd = config_include_open(&walk->load->folder, path, walk->why);

	if (fd < 0)
		return fd;
	put_text(&out, path);
	channel_send(walk->load->channel, RECORD_INCLUDED, bytes, writer_used(&out), fd);
	close(fd);
	return 0;
}

static void include_end(struct load *load, int err, const char *why)
{
	uint8_t bytes[CONFIG_WHY + 2];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_text(&out, !err ? "" : *why ? why : strerror(-err));
	channel_send(load->channel, RECORD_INCLUDE_END, bytes, writer_used(&out), -1);
}

static void include_answer(struct load *load, struct reader *in)
{
	char including[4096], pattern[4096], why[CONFIG_WHY] = "";
	struct include_walk walk = {.load = load, .why = why};
	int err;

	get_text(in, including, sizeof(including));
	get_text(in, pattern, sizeof(pattern));
	if (!reader_done(in))
		return;
	err = config_include_list(&load->folder, including, pattern, include_one, &walk, why);
	include_end(load, err, why);
}

/* A file that a key names: the descriptor goes to the compiler unread. */
static void named_answer(struct load *load, struct reader *in)
{
	char path[4096], why[CONFIG_WHY] = "";
	uint8_t bytes[4200];
	struct writer out = writer_of(bytes, sizeof(bytes));
	uint8_t kind = get_u8(in);
	int fd;

	get_text(in, path, sizeof(path));
	if (!reader_done(in) || kind > CONFIG_FILE_KEY)
		return;
	fd = config_named_open(&load->folder, (enum config_file)kind, path, why);
	if (fd >= 0) {
		put_text(&out, path);
		channel_send(load->channel, RECORD_INCLUDED, bytes, writer_used(&out), fd);
		close(fd);
	}
	include_end(load, fd < 0 ? fd : 0, why);
}

/* ---- the compiler speaks ---------------------------------------------------------------------------------- */

static void slice_keep(struct load *load, struct reader *in, int fd)
{
	uint8_t role = get_u8(in);
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

	if (!reader_done(in) || role >= ROLE_COUNT || fd < 0 || (fcntl(fd, F_GET_SEALS) & seals) != seals) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (load->result.slices[role] >= 0)
		close(load->result.slices[role]);
	load->result.slices[role] = fd;
}

static bool slices_complete(const struct load *load)
{
	static const enum role needed[] = {ROLE_SUPERVISOR, ROLE_CONTROL, ROLE_CHECK, ROLE_IPVS, ROLE_VRRP};

	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (load->result.slices[needed[i]] < 0)
			return false;
	return true;
}

static void load_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct load *load = ctx;
	char line[4096];

	(void)generation;
	switch (type) {
	case RECORD_LINE:
		load->ops->line(load->ctx, get_text(in, line, sizeof(line)));
		break;
	case RECORD_INCLUDE:
		include_answer(load, in);
		break;
	case RECORD_FILE:
		named_answer(load, in);
		break;
	case RECORD_SLICE:
		slice_keep(load, in, fd);
		return;
	case RECORD_COMPILED: {
		bool accepted = get_bool(in);

		get_u32(in);
		load->result.warnings = get_u32(in);
		load_end(load, accepted && reader_done(in) && slices_complete(load));
		break;
	}
	default:
		break;
	}
	if (fd >= 0)
		close(fd);
}

static void load_closed(void *ctx)
{
	struct load *load = ctx;

	load->ops->line(load->ctx, "the compiler died before it was done");
	load_end(load, false);
}

static const struct channel_ops load_channel = {.record = load_record, .closed = load_closed};

static void load_late(void *ctx)
{
	struct load *load = ctx;

	load->ops->line(load->ctx, "the compiler took too long");
	load_end(load, false);
}

static void load_failed(void *ctx)
{
	load_end(ctx, false);
}

static int compiler_start(struct load *load, const struct load_order *order, struct loop *loop)
{
	static const char *const argv[] = {"lbhad", "--worker", "compiler", NULL};
	int pair[2], err = packet_pair(pair);
	struct child child = {.executable = order->executable,
			      .argv = argv,
			      .fds = {pair[1]},
			      .fd_count = 1,
			      .whole_environment = true, /* ${NAME} */
			      .uid = order->uid,
			      .gid = order->gid};

	if (err)
		return err;
	err = child_start(&child, &load->pid, &load->pidfd);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	load->channel = channel_new(loop, pair[0], &load_channel, load);
	return load->channel ? 0 : -ENOMEM;
}

static int order_send(struct load *load, const struct load_order *order, int file)
{
	uint8_t bytes[8192];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, order->generation);
	put_text(&out, order->node);
	put_text(&out, order->host);
	put_text(&out, order->path);
	return out.failed ? -ENAMETOOLONG : channel_send(load->channel, RECORD_COMPILE, bytes, writer_used(&out), file);
}

/* What keeps a load from beginning is told from the loop as every other failure. */
static int load_begin(struct load *load, struct loop *loop, const struct load_order *order)
{
	/* The main file may be a symbolic link: it is named by whoever starts the daemon. */
	int file = open(order->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	char line[4200];

	if (file < 0) {
		load->result.unreadable = true;
		snprintf(line, sizeof(line), "%s: cannot be opened: %m", order->path);
		load->ops->line(load->ctx, line);
		return -ENOENT;
	}
	err = config_folder_of(&load->folder, order->path);
	if (!err)
		err = compiler_start(load, order, loop);
	if (!err)
		err = order_send(load, order, file);
	close(file);
	if (err) {
		snprintf(line, sizeof(line), "the compiler cannot be started: %s", strerror(-err));
		load->ops->line(load->ctx, line);
	}
	return err;
}

int load_start(struct loop *loop, const struct load_order *order, const struct load_ops *ops, void *ctx,
	       struct load **out)
{
	struct load *load = calloc(1, sizeof(*load));

	if (!load)
		return -ENOMEM;
	*load = (struct load){.ops = ops, .ctx = ctx, .pidfd = -1};
	for (int i = 0; i < ROLE_COUNT; i++)
		load->result.slices[i] = -1;
	if (timer_init(loop, &load->deadline, LOOP_NORMAL, load_late, load)) {
		load_free(load);
		return -ENOMEM;
	}
	*out = load;
	if (load_begin(load, loop, order)) {
		load->deadline.fire = load_failed;
		timer_at(&load->deadline, clock_now());
	} else {
		timer_at(&load->deadline, clock_now() + PATIENCE);
	}
	return 0;
}
