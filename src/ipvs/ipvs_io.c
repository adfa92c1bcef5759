/* One generic netlink socket, non-blocking. Requests are numbered; answers with another number than
 * those waited for are leftovers of a request that was given up, and passed over. A batch asks for
 * an acknowledgement of its last message only; errors come without being asked for and are mapped
 * back to operations by their numbers. */
#include "ipvs/ipvs_io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "core/loop.h"
#include "ipvs/codec.h"

/* 16 to 64 KiB per send are best. The kernel fills at most 32 KiB of a dump at a time. Every
 * message of a batch may fail: the socket has room for as many answers. */
#define PATIENCE IPVS_IO_PATIENCE
#define BATCH_BYTES 32768
#define RECEIVE_BYTES 65536
#define RECEIVE_BUFFER (1024 * 1024)

/* The kernel makes each packet of a dump as large as we have room for, however little there is to put
 * into it, and clears it first. This is the most that two pages hold, and some thirty destinations. */
#define PIECE_BYTES 7680

struct ipvs_io {
	struct mnl_socket *socket;
	size_t room; /* for a packet */
	uint16_t family;
	uint32_t seq; /* of the request sent last */
	void (*alive)(void *ctx);
	void *ctx;
	uint8_t batch[BATCH_BYTES];
	uint8_t received[RECEIVE_BYTES];
};

/* ---- sending and receiving ------------------------------------------------------------------- */

void ipvs_io_tell_alive(struct ipvs_io *io, void (*alive)(void *ctx), void *ctx)
{
	io->alive = alive;
	io->ctx = ctx;
}

static void tell_alive(struct ipvs_io *io)
{
	if (io->alive)
		io->alive(io->ctx);
}

static int wait_for(struct ipvs_io *io, short events, nstime deadline)
{
	struct pollfd wait = {.fd = mnl_socket_get_fd(io->socket), .events = events};
	nstime left = deadline - clock_now();
	int ready;

	if (left <= 0)
		return -ETIMEDOUT;
	ready = poll(&wait, 1, (int)(left / NSTIME_MS) + 1);
	if (ready < 0 && errno != EINTR)
		return -errno;
	return ready ? 0 : -ETIMEDOUT;
}

static int send_batch(struct ipvs_io *io, const struct writer *out, nstime deadline)
{
	if (out->failed)
		return -EMSGSIZE;
	for (;;) {
		int error;

		if (mnl_socket_sendto(io->socket, io->batch, writer_used(out)) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		error = wait_for(io, POLLOUT, deadline);
		if (error)
			return error;
	}
}

/* One packet of the kernel's; answers that did not fit into the socket's buffer are -ENOBUFS. */
static int receive(struct ipvs_io *io, nstime deadline, struct reader *out)
{
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(io->socket, io->received, io->room);
		int error;

		if (size >= 0) {
			*out = reader_of(io->received, (size_t)size);
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		error = wait_for(io, POLLIN, deadline);
		if (error)
			return error;
	}
}

/* ---- dumps ----------------------------------------------------------------------------------- */

/* Takes one value of a dump; -errno gives up. */
typedef int take_value(void *ctx, const struct netlink_message *message);

/* Hands out what a packet has of the request numbered io->seq; `failed` is the first failure of that
 * so far. 1: there is more to come; else it has ended, with DONE or with an error. */
static int read_packet(const struct ipvs_io *io, struct reader *in, take_value *each, void *ctx,
		       int *failed)
{
	struct netlink_message message;
	bool malformed;

	while (netlink_next(in, &message, &malformed)) {
		if (message.seq != io->seq)
			continue;
		if (message.kind == NETLINK_DONE || message.kind == NETLINK_ERROR)
			return *failed ? *failed : message.error;
		if (message.kind == NETLINK_DATA && !*failed)
			*failed = each(ctx, &message);
	}
	return malformed ? -EBADMSG : 1;
}

/* Reads until the request has ended. */
static int read_answer(struct ipvs_io *io, nstime deadline, take_value *each, void *ctx)
{
	int failed = 0, result = 1;

	while (result == 1) {
		struct reader in;
		int error = receive(io, deadline, &in);

		if (error)
			return error;
		result = read_packet(io, &in, each, ctx, &failed);
		deadline = clock_now() + PATIENCE;
	}
	return result;
}

struct dump {
	struct arena *arena;
	struct ipvs_table table;
	struct ipvs_service *service; /* whose destinations are being read */
};

static int take_service(void *ctx, const struct netlink_message *message)
{
	struct dump *dump = ctx;
	struct ipvs_message value;
	struct ipvs_service *service;

	if (!ipvs_decode_message(message->value, 0, &value) || !value.has_service)
		return -EBADMSG;
	service = arena_push(dump->arena, &dump->table.services, &dump->table.count,
			     sizeof(*service));
	if (!service)
		return -ENOMEM;
	*service = value.service;
	return 0;
}

static int take_dest(void *ctx, const struct netlink_message *message)
{
	struct dump *dump = ctx;
	struct ipvs_service *service = dump->service;
	struct ipvs_message value;
	struct ipvs_dest *dest;

	if (!ipvs_decode_message(message->value, service->key.address.family, &value) ||
	    !value.has_dest)
		return -EBADMSG;
	dest = arena_push(dump->arena, &service->dests, &service->dest_count, sizeof(*dest));
	if (!dest)
		return -ENOMEM;
	*dest = value.dest;
	return 0;
}

static int dump_services(struct ipvs_io *io, struct dump *dump, nstime deadline)
{
	struct writer out = writer_of(io->batch, sizeof(io->batch));
	int error;

	ipvs_encode_dump_services(&out, io->family, ++io->seq);
	error = send_batch(io, &out, deadline);
	return error ? error : read_answer(io, deadline, take_service, dump);
}

/* The kernel tells the destination first that was added last. */
static void number_places(struct ipvs_service *service)
{
	for (size_t i = 0; i < service->dest_count; i++)
		service->dests[i].place = (uint32_t)(service->dest_count - 1 - i);
}

/* A service that went between the two dumps has no destinations any more: no error. */
static int dump_dests(struct ipvs_io *io, struct dump *dump, struct ipvs_service *service,
		      nstime deadline)
{
	struct writer out = writer_of(io->batch, sizeof(io->batch));
	int error;

	tell_alive(io);
	dump->service = service;
	ipvs_encode_dump_dests(&out, io->family, ++io->seq, &service->key);
	error = send_batch(io, &out, deadline);
	if (!error)
		error = read_answer(io, deadline, take_dest, dump);
	number_places(service);
	return error == -ESRCH ? 0 : error;
}

int ipvs_io_dump_unknown(struct ipvs_io *io, struct arena *arena, struct ipvs_table *out,
			 const struct ipvs_service *(*known)(void *ctx,
							     const struct ipvs_service_key *key),
			 void *ctx)
{
	struct dump dump = {.arena = arena};
	int error = dump_services(io, &dump, clock_now() + PATIENCE);

	for (size_t i = 0; i < dump.table.count && !error; i++) {
		struct ipvs_service *service = &dump.table.services[i];
		const struct ipvs_service *it = known ? known(ctx, &service->key) : NULL;

		if (!it) {
			error = dump_dests(io, &dump, service, clock_now() + PATIENCE);
			continue;
		}
		service->dests = it->dests;
		service->dest_count = it->dest_count;
	}
	if (error)
		return error;
	ipvs_table_sort(&dump.table);
	*out = dump.table;
	return 0;
}

int ipvs_io_dump(struct ipvs_io *io, struct arena *arena, struct ipvs_table *out)
{
	return ipvs_io_dump_unknown(io, arena, out, NULL, NULL);
}

int ipvs_io_dump_dests(struct ipvs_io *io, struct arena *arena, struct ipvs_table *services)
{
	struct dump dump = {.arena = arena, .table = *services};
	int error = 0;

	for (size_t i = 0; i < services->count && !error; i++)
		error = dump_dests(io, &dump, &services->services[i], clock_now() + PATIENCE);
	if (!error)
		ipvs_table_sort(services);
	return error;
}

/* ---- dumps in pieces ------------------------------------------------------------------------- */

/* The kernel answers within the send, so there is always room for a request. */
static int ask(struct ipvs_io *io, const struct writer *out)
{
	return mnl_socket_sendto(io->socket, io->batch, writer_used(out)) < 0 ? -errno : 0;
}

int ipvs_io_ask_services(struct ipvs_io *io)
{
	struct writer out = writer_of(io->batch, sizeof(io->batch));

	ipvs_encode_dump_services(&out, io->family, ++io->seq);
	return ask(io, &out);
}

int ipvs_io_ask_dests(struct ipvs_io *io, const struct ipvs_service_key *service)
{
	struct writer out = writer_of(io->batch, sizeof(io->batch));

	ipvs_encode_dump_dests(&out, io->family, ++io->seq, service);
	return ask(io, &out);
}

static int take_packet(struct ipvs_io *io, take_value *each, void *ctx)
{
	ssize_t size = mnl_socket_recvfrom(io->socket, io->received, io->room);
	struct reader in;
	int failed = 0, result;

	if (size < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	in = reader_of(io->received, (size_t)size);
	result = read_packet(io, &in, each, ctx, &failed);
	return failed ? failed : result;
}

struct listing {
	struct ipvs_service *(*room)(void *ctx);
	void *ctx;
};

static int list_service(void *ctx, const struct netlink_message *message)
{
	struct listing *listing = ctx;
	struct ipvs_message value;
	struct ipvs_service *service;

	if (!ipvs_decode_message(message->value, 0, &value) || !value.has_service)
		return -EBADMSG;
	service = listing->room(listing->ctx);
	if (!service)
		return -ENOMEM;
	*service = value.service;
	return 0;
}

int ipvs_io_take_services(struct ipvs_io *io, struct ipvs_service *(*room)(void *ctx), void *ctx)
{
	struct listing listing = {.room = room, .ctx = ctx};

	return take_packet(io, list_service, &listing);
}

int ipvs_io_take_dests(struct ipvs_io *io, struct arena *arena, struct ipvs_service *service)
{
	struct dump dump = {.arena = arena, .service = service};
	int result = take_packet(io, take_dest, &dump);

	return result == -ESRCH ? 0 : result;
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Schedulers and persistence engines are modules. One that is missing is looked for whenever it is
 * named, and that starts a program. So the first operation that names a pair ends its send, and when
 * it was refused the others are, without asking the kernel. */
#define PAIRS 32

struct pair {
	const struct ipvs_service_attr *attr;
	bool missing;
};

struct batch {
	const struct ipvs_op *ops; /* the first of this batch has the number `first` */
	uint32_t first, last;
	ipvs_refused *refused;
	void *ctx;
	int refusals;
	struct pair pairs[PAIRS];
	size_t pair_count;
};

/* The pair that an operation names; NULL: it names none, or one that was not met before. */
static struct pair *find_pair(struct batch *batch, const struct ipvs_op *op)
{
	if (op->kind != IPVS_ADD_SERVICE && op->kind != IPVS_SET_SERVICE)
		return NULL;
	for (size_t i = 0; i < batch->pair_count; i++)
		if (!strcmp(batch->pairs[i].attr->scheduler, op->service_attr.scheduler) &&
		    !strcmp(batch->pairs[i].attr->engine, op->service_attr.engine))
			return &batch->pairs[i];
	return NULL;
}

static bool is_missing(struct batch *batch, const struct ipvs_op *op)
{
	const struct pair *pair = find_pair(batch, op);

	return pair && pair->missing;
}

/* Remembers what an operation names; true when it is the first to do so. */
static bool note_pair(struct batch *batch, const struct ipvs_op *op)
{
	if ((op->kind != IPVS_ADD_SERVICE && op->kind != IPVS_SET_SERVICE) ||
	    batch->pair_count == PAIRS || find_pair(batch, op))
		return false;
	batch->pairs[batch->pair_count++] = (struct pair){.attr = &op->service_attr};
	return true;
}

static void take_refusal(struct batch *batch, const struct ipvs_op *op, int error,
			 const char *words)
{
	struct pair *pair = find_pair(batch, op);

	if (pair && error == -ENOENT)
		pair->missing = true;
	batch->refusals++;
	batch->refused(batch->ctx, op, error, words);
}

/* Looks at one answer; true when it is the one to the last message. */
static bool take_acknowledgement(struct batch *batch, const struct netlink_message *message)
{
	uint32_t index = message->seq - batch->first;

	if (message->kind != NETLINK_ERROR || index > batch->last - batch->first)
		return false;
	if (message->error)
		take_refusal(batch, &batch->ops[index], message->error, message->text);
	return message->seq == batch->last;
}

static int read_acknowledgements(struct ipvs_io *io, struct batch *batch, nstime deadline)
{
	for (;;) {
		struct netlink_message message;
		struct reader in;
		bool malformed, done = false;
		int error = receive(io, deadline, &in);

		if (error)
			return error;
		while (netlink_next(&in, &message, &malformed))
			done = take_acknowledgement(batch, &message) || done;
		if (malformed)
			return -EBADMSG;
		if (done)
			return 0;
	}
}

/* Encodes as many operations as fit, the first at least; returns how many. The last asks for the
 * acknowledgement. */
static size_t fill_batch(struct ipvs_io *io, struct batch *batch, size_t count, struct writer *out)
{
	size_t i = 0;
	bool last = false;

	*out = writer_of(io->batch, sizeof(io->batch));
	while (!last) {
		last = i + 1 == count || writer_left(out) < 2 * IPVS_MESSAGE_MAX ||
		       note_pair(batch, &batch->ops[i]) || is_missing(batch, &batch->ops[i + 1]);
		ipvs_encode_op(out, io->family, ++io->seq, last, &batch->ops[i++]);
	}
	return i;
}

int ipvs_io_apply(struct ipvs_io *io, const struct ipvs_op *ops, size_t count,
		  ipvs_refused *refused, void *ctx)
{
	struct batch batch = {.refused = refused, .ctx = ctx};

	for (size_t done = 0; done < count;) {
		nstime deadline = clock_now() + PATIENCE;
		struct writer out;
		int error;

		tell_alive(io);
		if (is_missing(&batch, &ops[done])) {
			take_refusal(&batch, &ops[done++], -ENOENT, "");
			continue;
		}
		batch.ops = ops + done;
		batch.first = io->seq + 1;
		done += fill_batch(io, &batch, count - done, &out);
		batch.last = io->seq;
		error = send_batch(io, &out, deadline);
		if (!error)
			error = read_acknowledgements(io, &batch, deadline);
		if (error)
			return error;
	}
	return batch.refusals;
}

/* ---- timeouts -------------------------------------------------------------------------------- */

static int take_timeouts(void *ctx, const struct netlink_message *message)
{
	return ipvs_decode_timeouts(message->value, ctx) ? 0 : -EBADMSG;
}

int ipvs_io_get_timeouts(struct ipvs_io *io, struct ipvs_timeouts *out)
{
	nstime deadline = clock_now() + PATIENCE;
	struct writer request = writer_of(io->batch, sizeof(io->batch));
	struct ipvs_timeouts timeouts = {0};
	int error;

	ipvs_encode_get_timeouts(&request, io->family, ++io->seq);
	error = send_batch(io, &request, deadline);
	if (!error)
		error = read_answer(io, deadline, take_timeouts, &timeouts);
	if (!error)
		*out = timeouts;
	return error;
}

static int take_nothing(UNUSED void *ctx, UNUSED const struct netlink_message *message)
{
	return 0;
}

int ipvs_io_set_timeouts(struct ipvs_io *io, const struct ipvs_timeouts *timeouts)
{
	nstime deadline = clock_now() + PATIENCE;
	struct writer request = writer_of(io->batch, sizeof(io->batch));
	int error;

	ipvs_encode_set_timeouts(&request, io->family, ++io->seq, timeouts);
	error = send_batch(io, &request, deadline);
	return error ? error : read_answer(io, deadline, take_nothing, NULL);
}

/* ---- connection synchronisation -------------------------------------------------------------- */

static int take_daemon(void *ctx, const struct netlink_message *message)
{
	return ipvs_decode_daemon(message->value, ctx) ? 0 : -EBADMSG;
}

int ipvs_io_get_daemons(struct ipvs_io *io, struct ipvs_daemons *out)
{
	nstime deadline = clock_now() + PATIENCE;
	struct writer request = writer_of(io->batch, sizeof(io->batch));
	struct ipvs_daemons daemons = {0};
	int error;

	ipvs_encode_dump_daemons(&request, io->family, ++io->seq);
	error = send_batch(io, &request, deadline);
	if (!error)
		error = read_answer(io, deadline, take_daemon, &daemons);
	if (!error)
		*out = daemons;
	return error;
}

int ipvs_io_sync(struct ipvs_io *io, const struct ipvs_sync_op *op)
{
	nstime deadline = clock_now() + PATIENCE;
	struct writer request = writer_of(io->batch, sizeof(io->batch));
	int error;

	ipvs_encode_sync_op(&request, io->family, ++io->seq, op);
	error = send_batch(io, &request, deadline);
	return error ? error : read_answer(io, deadline, take_nothing, NULL);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int take_family(void *ctx, const struct netlink_message *message)
{
	return ipvs_decode_family(message->value, ctx) ? 0 : -EBADMSG;
}

static int find_family(struct ipvs_io *io)
{
	nstime deadline = clock_now() + PATIENCE;
	struct writer out = writer_of(io->batch, sizeof(io->batch));
	int error;

	ipvs_encode_get_family(&out, ++io->seq);
	error = send_batch(io, &out, deadline);
	if (!error)
		error = read_answer(io, deadline, take_family, &io->family);
	if (error)
		return error;
	return io->family ? 0 : -ENOENT;
}

/* Options of the socket are for better messages and more room; without them it works as well. */
static void set_options(struct ipvs_io *io)
{
	int on = 1, size = RECEIVE_BUFFER;

	mnl_socket_setsockopt(io->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(io->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(io->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static int open_socket(struct ipvs_io **out, size_t room)
{
	struct ipvs_io *io = calloc(1, sizeof(*io));
	int error;

	if (!io)
		return -ENOMEM;
	io->room = room;
	io->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	error = io->socket && !mnl_socket_bind(io->socket, 0, MNL_SOCKET_AUTOPID) ? 0 : -errno;
	if (!error) {
		set_options(io);
		error = find_family(io);
	}
	if (error) {
		ipvs_io_close(io);
		return error;
	}
	*out = io;
	return 0;
}

int ipvs_io_open(struct ipvs_io **out)
{
	return open_socket(out, RECEIVE_BYTES);
}

int ipvs_io_open_reader(struct ipvs_io **out)
{
	return open_socket(out, PIECE_BYTES);
}

void ipvs_io_close(struct ipvs_io *io)
{
	if (!io)
		return;
	if (io->socket)
		mnl_socket_close(io->socket);
	free(io);
}
