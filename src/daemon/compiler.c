/* One conversation on descriptor 3, in order and blocking (with poll): COMPILE comes in; INCLUDE and FILE go out and
 * are answered by INCLUDED… INCLUDE_END; at the end LINE…, SLICE… and COMPILED. The supervisor kills whoever takes too long. */
#include "daemon/compiler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "check/match_io.h"
#include "config/codec.h"
#include "config/compile.h"
#include "config/files_io.h"
#include "config/pem_io.h"
#include "core/log.h"
#include "core/oom.h"
#include "core/packet.h"
#include "core/protocol.h"
#include "core/sandbox.h"
#include "core/sealed.h"
#include "core/worker.h"

#define PATH_TEXT 4096

/* One record as received. */
struct record {
	uint16_t type;
	struct reader value;
	int fd;
	uint8_t bytes[PACKET_MAX];
};

/* The record that came last, and which files of the configuration everybody can read. */
struct conversation {
	struct record record;
	char **shared;
	size_t shared_count;
};

static int wait_for(short events)
{
	struct pollfd wait = {.fd = WORKER_FD_SUPERVISOR, .events = events};

	while (poll(&wait, 1, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int record_receive(struct record *record)
{
	struct reader in;
	ssize_t size;

	do {
		if (wait_for(POLLIN))
			return -EIO;
		size = packet_receive(WORKER_FD_SUPERVISOR, record->bytes, sizeof(record->bytes), &record->fd);
	} while (size == -EAGAIN);
	if (size <= 0)
		return size ? (int)size : -EPIPE;
	in = reader_of(record->bytes, (size_t)size);
	get_u16(&in);
	get_u32(&in);
	record->type = get_u16(&in);
	record->value = get_part(&in, get_u16(&in));
	return reader_done(&in) ? 0 : -EPROTO;
}

static int record_send(uint16_t type, const struct writer *value, int fd)
{
	uint8_t bytes[PACKET_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));
	size_t size = value ? writer_used(value) : 0;
	int err;

	put_u16(&out, PACKET_VERSION);
	put_u32(&out, 0);
	put_u16(&out, type);
	put_u16(&out, (uint16_t)size);
	if (size)
		put_bytes(&out, value->start, size);
	if (out.failed)
		return -EMSGSIZE;
	while ((err = packet_send(WORKER_FD_SUPERVISOR, bytes, writer_used(&out), fd)) == -EAGAIN)
		if (wait_for(POLLOUT))
			return -EIO;
	return err;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* Remembers a file by the name that errors give it. */
static int note_shared(struct conversation *talk, const char *path)
{
	char **more = reallocarray(talk->shared, talk->shared_count + 1, sizeof(*more));
	char *name = strdup(path);

	if (more)
		talk->shared = more;
	if (!more || !name) {
		free(name);
		return -ENOMEM;
	}
	more[talk->shared_count++] = name;
	return 0;
}

static bool is_shared(void *ctx, const char *path)
{
	const struct conversation *talk = ctx;

	for (size_t i = 0; i < talk->shared_count; i++)
		if (!strcmp(talk->shared[i], path))
			return true;
	return false;
}

/* Reads a file of the configuration that the supervisor opened, to its end; closes it. NULL: *err says why. */
static char *read_all(struct conversation *talk, int fd, const char *path, size_t *size, int *err)
{
	struct stat about;
	char *bytes = NULL;
	size_t got = 0;

	*err = -EBADF;
	if (fd < 0)
		return NULL;
	*err = fstat(fd, &about) ? -errno : 0;
	if (!*err && (about.st_size < 0 || about.st_size > (off_t)CONFIG_SIZE_MAX))
		*err = -EFBIG;
	if (!*err && (about.st_mode & S_IROTH))
		*err = note_shared(talk, path);
	if (!*err && !(bytes = malloc((size_t)about.st_size + 1)))
		*err = -ENOMEM;
	while (!*err && got < (size_t)about.st_size) {
		ssize_t now = read(fd, bytes + got, (size_t)about.st_size - got);

		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			*err = -errno;
		if (now <= 0)
			break;
		got += (size_t)now;
	}
	close(fd);
	*size = got;
	if (*err) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* What comes until INCLUDE_END, which ends the loop: its text, or a failure, goes to `why`. */
static int answer_end(struct conversation *talk, int err, char *why)
{
	char text[CONFIG_WHY];

	if (err || talk->record.type != RECORD_INCLUDE_END) {
		snprintf(why, CONFIG_WHY, "the supervisor did not answer");
		return err ? err : -EPROTO;
	}
	get_text(&talk->record.value, text, sizeof(text));
	if (!text[0])
		return 0;
	snprintf(why, CONFIG_WHY, "%s", text);
	return -ENOENT;
}

static int ask_include(void *ctx, const char *including_file, const char *pattern,
		       int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size),
		       void *found_ctx, char *why)
{
	uint8_t question[2 * PATH_TEXT];
	struct writer out = writer_of(question, sizeof(question));
	struct conversation *talk = ctx;
	struct record *record = &talk->record;
	char path[PATH_TEXT];
	int err, stop = 0;

	put_text(&out, including_file);
	put_text(&out, pattern);
	err = out.failed ? -ENAMETOOLONG : record_send(RECORD_INCLUDE, &out, -1);
	while (!err) {
		size_t size = 0;
		char *bytes;
		int unreadable;

		err = record_receive(record);
		if (err || record->type != RECORD_INCLUDED)
			break;
		get_text(&record->value, path, sizeof(path));
		bytes = read_all(talk, record->fd, path, &size, &unreadable);
		if (bytes && !stop)
			stop = found(found_ctx, path, bytes, size);
		free(bytes);
		if (!bytes && !stop) {
			snprintf(why, CONFIG_WHY, "%.150s cannot be read: %s", path, strerror(-unreadable));
			stop = unreadable;
		}
	}
	return stop ? stop : answer_end(talk, err, why);
}

static int ask_file(void *ctx, enum config_file kind, const char *path, char *bytes, size_t *size, char *why)
{
	uint8_t question[PATH_TEXT + 3];
	struct writer out = writer_of(question, sizeof(question));
	struct conversation *talk = ctx;
	int err, unreadable = 0;

	put_u8(&out, (uint8_t)kind);
	put_text(&out, path);
	err = out.failed ? -ENAMETOOLONG : record_send(RECORD_FILE, &out, -1);
	if (!err)
		err = record_receive(&talk->record);
	if (!err && talk->record.type == RECORD_INCLUDED && talk->record.fd >= 0) {
		unreadable = config_named_read(talk->record.fd, kind, path, bytes, size, why);
		close(talk->record.fd);
		err = record_receive(&talk->record);
	}
	return unreadable ? unreadable : answer_end(talk, err, why);
}

static const char *own_environment(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

/* ---- results -------------------------------------------------------------------------------------------- */

static void say_line(void *ctx, const char *line)
{
	uint8_t bytes[PATH_TEXT];
	struct writer out = writer_of(bytes, sizeof(bytes));
	char cut[PATH_TEXT - 2];

	(void)ctx;
	snprintf(cut, sizeof(cut), "%s", line);
	put_text(&out, cut);
	record_send(RECORD_LINE, &out, -1);
}

static void say_unreadable(const char *path, int err)
{
	char line[PATH_TEXT - 2];

	snprintf(line, sizeof(line), "cannot read %.*s: %s", (int)sizeof(line) - 128, path,
		 strerror(-err));
	say_line(NULL, line);
}

static int slice_seal(const struct slice *slice, struct arena *arena)
{
	struct iovec *parts = arena_array(arena, slice->count + 1, sizeof(*parts));

	for (size_t i = 0; parts && i < slice->count; i++)
		parts[i] = (struct iovec){.iov_base = (void *)(uintptr_t)slice->parts[i].bytes,
					  .iov_len = slice->parts[i].size};
	return parts ? sealed_make("lbha-slice", parts, slice->count) : -ENOMEM;
}

static int send_slice(const struct slice *slice, enum role role, struct arena *arena)
{
	uint8_t byte[1];
	struct writer out = writer_of(byte, sizeof(byte));
	int fd = slice_seal(slice, arena), err;

	if (fd < 0)
		return fd;
	put_u8(&out, (uint8_t)role);
	err = record_send(RECORD_SLICE, &out, fd);
	close(fd);
	return err;
}

static int send_slices(const struct model *model, struct arena *arena)
{
	static const enum role roles[] = {ROLE_SUPERVISOR, ROLE_CONTROL, ROLE_CHECK, ROLE_IPVS, ROLE_VRRP};
	struct slices slices;
	int err = slices_encode(model, arena, &slices);

	for (size_t i = 0; !err && i < COUNT_OF(roles); i++)
		err = send_slice(&slices.of[roles[i]], roles[i], arena);
	if (err)
		say_line(NULL, strerror(-err));
	return err;
}

static int send_end(bool accepted, const struct diagnostics *diagnostics)
{
	uint8_t bytes[16];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_bool(&out, accepted);
	put_u32(&out, (uint32_t)diagnostics->errors);
	put_u32(&out, (uint32_t)diagnostics->warnings);
	return record_send(RECORD_COMPILED, &out, -1);
}

struct order {
	uint32_t generation;
	char node[256], host[256], path[PATH_TEXT];
};

static const struct model *compile(const struct order *order, struct arena *arena, const struct config_files *files,
				   const char *bytes, size_t size, struct diagnostics *diagnostics)
{
	struct config_tree *tree = config_load(arena, files, order->path, bytes, size, diagnostics);
	const char *node = NULL;

	if (!tree ||
	    config_pick_node(tree, order->node[0] ? order->node : NULL, order->host, diagnostics, &node))
		return NULL;
	return config_compile(arena, tree, node, order->generation, diagnostics);
}

static int run(struct conversation *talk)
{
	auto_arena *arena = arena_new(0);
	struct config_files files = {.include = ask_include,
				     .environment = own_environment,
				     .file = ask_file,
				     .look = pem_look,
				     .is_shared = is_shared,
				     .pattern = pattern_judge,
				     .ctx = talk};
	struct record *record = &talk->record;
	struct diagnostics diagnostics;
	const struct model *model;
	struct order order;
	size_t size = 0;
	char *bytes;
	int err;

	if (!arena || record_receive(record) || record->type != RECORD_COMPILE)
		return 1;
	order.generation = get_u32(&record->value);
	get_text(&record->value, order.node, sizeof(order.node));
	get_text(&record->value, order.host, sizeof(order.host));
	get_text(&record->value, order.path, sizeof(order.path));
	diagnostics_init(&diagnostics, arena);
	bytes = read_all(talk, record->fd, order.path, &size, &err);
	if (!bytes) {
		say_unreadable(order.path, err);
		return send_end(false, &diagnostics) != 0;
	}
	model = compile(&order, arena, &files, bytes, size, &diagnostics);
	free(bytes);
	diagnostics_print(&diagnostics, say_line, NULL);
	if (arena_failed(arena))
		say_line(NULL, "out of memory");
	return send_end(model && !send_slices(model, arena), &diagnostics) != 0;
}

int compiler_main(void)
{
	struct conversation *talk = calloc(1, sizeof(*talk));
	int status;

	oom_score_set(OOM_FIRST); /* a load can be done without */
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* also one that was stopped */
	log_open("lbha-compiler");
	if (!talk)
		return 1;
	sandbox_begin(SANDBOX_COMPILER);
	status = run(talk);
	for (size_t i = 0; i < talk->shared_count; i++)
		free(talk->shared[i]);
	free(talk->shared);
	free(talk);
	return status;
}
