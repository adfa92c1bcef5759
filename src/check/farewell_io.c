/* A ring: the oldest is the next one to be given up, for its time or for its place. So few are enough for 2000 probes a
 * second of servers that close within 16 ms, and they are within what the engine leaves of the limit of open files. */
#include "check/farewell_io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/nstime.h"
#include "core/loop.h"

#define FAREWELLS_MOST 32
#define PATIENCE NSTIME_S
#define SAID_MOST (256 * 1024) /* bytes that are listened to */

struct farewell {
	struct loop_io io;
	int fd; /* -1: none */
	nstime until;
	size_t said;
};

struct farewells {
	struct loop *loop;
	struct loop_timer timer;
	struct farewell ring[FAREWELLS_MOST];
	unsigned next; /* its place is taken next, and is the oldest's */
};

/* As it is: a reset, if the server has not closed. */
static void drop(struct farewell *one)
{
	if (one->fd < 0)
		return;
	io_fini(&one->io);
	close(one->fd);
	one->fd = -1;
}

static void close_orderly(struct farewell *one)
{
	const struct linger off = {0};

	if (one->fd >= 0)
		setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	drop(one);
}

static void hear(void *ctx)
{
	struct farewell *one = ctx;
	ssize_t got = recv(one->fd, NULL, SAID_MOST, MSG_TRUNC | MSG_DONTWAIT); /* thrown away: tcp(7) */

	if (got > 0)
		one->said += (size_t)got;
	else if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || one->said > SAID_MOST)
		drop(one);
}

static void give_up(void *ctx)
{
	struct farewells *all = ctx;
	nstime now = clock_now(), next = NSTIME_NEVER;

	for (unsigned i = 0; i < FAREWELLS_MOST; i++) {
		struct farewell *one = &all->ring[i];

		if (one->fd >= 0 && one->until <= now)
			close_orderly(one);
		else if (one->fd >= 0)
			next = nstime_min(next, one->until);
	}
	if (next != NSTIME_NEVER)
		timer_at(&all->timer, next);
}

struct farewells *farewells_new(struct loop *loop)
{
	struct farewells *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->loop = loop;
	for (unsigned i = 0; i < FAREWELLS_MOST; i++)
		all->ring[i] = (struct farewell){.fd = -1};
	if (!timer_init(loop, &all->timer, LOOP_NORMAL, give_up, all))
		return all;
	free(all);
	return NULL;
}

void farewells_free(struct farewells *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < FAREWELLS_MOST; i++)
		drop(&all->ring[i]);
	timer_fini(&all->timer);
	free(all);
}

void farewells_take(struct farewells *all, int fd)
{
	struct farewell *one = &all->ring[all->next];

	all->next = (all->next + 1) % FAREWELLS_MOST;
	close_orderly(one);
	*one = (struct farewell){.fd = fd, .until = nstime_after(clock_now(), PATIENCE)};
	if (io_init(all->loop, &one->io, fd, LOOP_NORMAL, hear, NULL, one)) {
		close_orderly(one);
		return;
	}
	if (!timer_armed(&all->timer))
		timer_at(&all->timer, one->until);
}
