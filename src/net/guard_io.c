/* One thread for as long as there is something to do: it takes the newest list, makes it so, and
 * goes; the loop joins it when it has said so. The socket outlives it: the table is its own. */
#include "net/guard_io.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "net/guard.h"
#include "net/thread_io.h"

#define ANSWERS 16384

struct guard {
	void (*done)(void *ctx, int error);
	void *ctx;
	struct loop_io results;
	int ready;              /* the thread has ended */
	bool running;
	pthread_t thread;
	struct addr *wanted;    /* to be set next; NULL: nothing new */
	size_t wanted_count;
	/* the thread's while it runs */
	struct addr *addresses;
	size_t count;
	char table[GUARD_NAME];
	int socket;             /* -1: no table */
	bool made;
	uint32_t sequence;
	int error;
};

/* ---- the thread ---- */

static int socket_open(size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), on = 1;
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int room = (int)(size < 65536 ? 65536 : 2 * size);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (bind(fd, (void *)&self, sizeof(self))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* The first refusal, or that of the whole: all answers are there when the send returns. */
static int read_answers(int fd, uint32_t last)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[ANSWERS];
	bool acknowledged = false;
	int error = 0;

	for (;;) {
		ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		size_t left = size > 0 ? (size_t)size : 0;

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return error ? error : acknowledged ? 0 : -EIO;
		for (struct nlmsghdr *head = (void *)bytes; NLMSG_OK(head, left);
		     head = NLMSG_NEXT(head, left)) {
			const struct nlmsgerr *answer = NLMSG_DATA(head);

			if (head->nlmsg_type != NLMSG_ERROR)
				continue;
			error = error ? error : answer->error;
			acknowledged |= head->nlmsg_seq == last;
		}
	}
}

static int table_make(struct guard *guard)
{
	size_t size = guard_size(guard->count);
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	uint8_t *bytes = malloc(size);
	struct writer out = writer_of(bytes, bytes ? size : 0);
	uint32_t last;
	int err = 0;

	if (guard->socket < 0)
		guard->socket = socket_open(size);
	guard_put(&out, guard->table, guard->made, guard->addresses, guard->count, guard->sequence,
		  &last);
	if (out.failed)
		err = -ENOMEM;
	else if (guard->socket < 0)
		err = guard->socket;
	else if (sendto(guard->socket, bytes, writer_used(&out), 0, (void *)&kernel,
			sizeof(kernel)) < 0)
		err = -errno;
	else
		err = read_answers(guard->socket, last);
	free(bytes);
	guard->sequence = last + 2;
	guard->made |= !err;
	return err;
}

static void table_drop(struct guard *guard)
{
	if (guard->socket >= 0)
		close(guard->socket);
	guard->socket = -1;
	guard->made = false;
}

static void *guard_run(void *ctx)
{
	struct guard *guard = ctx;

	guard->error = 0;
	if (guard->count)
		guard->error = table_make(guard);
	else
		table_drop(guard);
	wake_up(guard->ready);
	return NULL;
}

/* ---- the loop's side ---- */

static int start(struct guard *guard)
{
	int err;

	free(guard->addresses);
	guard->addresses = guard->wanted;
	guard->count = guard->wanted_count;
	guard->wanted = NULL;
	err = thread_start(&guard->thread, guard_run, guard);
	guard->running = !err;
	return err;
}

static void ended(void *ctx)
{
	struct guard *guard = ctx;
	int err;

	wake_clear(guard->ready);
	if (!guard->running)
		return;
	pthread_join(guard->thread, NULL);
	guard->running = false;
	err = guard->error;
	if (guard->wanted)
		err = start(guard);
	if (!guard->running)
		guard->done(guard->ctx, err);
}

int guard_new(struct loop *loop, void (*done)(void *ctx, int error), void *ctx,
	      struct guard **out)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	uint32_t number = 0;
	int err;

	if (!guard)
		return -ENOMEM;
	guard->done = done;
	guard->ctx = ctx;
	guard->socket = -1;
	guard->sequence = 1;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint32_t)getpid();
	snprintf(guard->table, sizeof(guard->table), "lbha_vrrp_%08x", number);
	guard->ready = wake_open();
	err = guard->ready < 0 ? guard->ready
			       : io_init(loop, &guard->results, guard->ready, LOOP_NORMAL, ended,
					 NULL, guard);
	if (err)
		guard_free(guard);
	else
		*out = guard;
	return err;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	if (guard->running)
		pthread_join(guard->thread, NULL);
	table_drop(guard);
	io_fini(&guard->results);
	if (guard->ready >= 0)
		close(guard->ready);
	free(guard->addresses);
	free(guard->wanted);
	free(guard);
}

int guard_set(struct guard *guard, const struct addr *addresses, size_t count)
{
	struct addr *copy = calloc(count + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, addresses, count * sizeof(*copy));
	free(guard->wanted);
	guard->wanted = copy;
	guard->wanted_count = count;
	return guard->running ? 0 : start(guard);
}
