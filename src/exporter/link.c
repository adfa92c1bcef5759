/* See the header. */
#include "exporter/link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/log.h"
#include "core/loop.h"
#include "exporter/shared.h"

#define QUESTIONS 16 /* at once: there are a few kinds, each asked once at a time */
#define ANSWER_MAX ((size_t)256 << 20)
#define ROOM 65536 /* at first */

struct question {
	const char *request;
	link_answer *answer;
	void *ctx;
};

struct link {
	struct loop *loop;
	const char *path;
	int fd; /* -1: there is no connection */
	struct loop_io io;
	struct loop_timer patience;
	struct question questions[QUESTIONS]; /* the first is with lbhad */
	size_t count, sent;
	bool used;  /* the connection has carried an answer */
	bool again; /* the first question has been asked twice */
	char *line; /* what has come of the answer */
	size_t size, room;
};

static void link_go(struct link *link);

static void hang_up(struct link *link)
{
	if (link->fd < 0)
		return;
	io_fini(&link->io);
	close(link->fd);
	link->fd = -1;
	link->sent = link->size = 0;
}

/* Whoever is answered may ask again. */
static void answer_first(struct link *link, char *line, size_t length)
{
	struct question first = link->questions[0];

	timer_cancel(&link->patience);
	link->again = false;
	memmove(link->questions, link->questions + 1, --link->count * sizeof(*link->questions));
	link->sent = 0;
	first.answer(first.ctx, line, length);
}

/* All who wait: what failed for one of them fails for the others. */
static void give_up(struct link *link)
{
	size_t waiting = link->count;

	hang_up(link);
	free(link->line);
	link->line = NULL;
	link->room = 0;
	while (waiting-- && link->count)
		answer_first(link, NULL, 0);
	link_go(link);
}

/* A connection that had served before may have ended with the control worker, whom another follows; one that ends within an
 * answer, with a configuration. */
static void lost(struct link *link)
{
	bool again = (link->used || link->size) && link->count && !link->again;

	hang_up(link);
	link->used = false;
	link->again = again;
	if (again)
		link_go(link);
	else
		give_up(link);
}

static void impatient(void *ctx)
{
	struct link *link = ctx;

	log_debug("lbhad gave no answer in time");
	give_up(link);
}

static bool grow(struct link *link)
{
	size_t room = link->room ? 2 * link->room : ROOM;
	char *grown = room <= ANSWER_MAX ? realloc(link->line, room) : NULL;

	if (!grown)
		return false;
	link->line = grown;
	link->room = room;
	return true;
}

/* An answer is whole: its memory goes with it. */
static void take_line(struct link *link, size_t length)
{
	char *line = take(link->line);

	link->size = link->room = 0;
	link->used = true;
	answer_first(link, line, length);
	link_go(link);
}

static void link_readable(void *ctx)
{
	struct link *link = ctx;
	ssize_t got;
	const char *end;

	if (link->size == link->room && !grow(link)) {
		log_warning("no memory for lbhad's answer of more than %zu bytes", link->size);
		give_up(link);
		return;
	}
	got = recv(link->fd, link->line + link->size, link->room - link->size, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lost(link);
		return;
	}
	end = memchr(link->line + link->size, '\n', (size_t)got);
	link->size += (size_t)got;
	if (!link->count || (end && end + 1 != link->line + link->size)) {
		log_warning("what answers on %s says what nobody asked for", link->path);
		give_up(link);
		return;
	}
	timer_at(&link->patience, clock_now() + LINK_PATIENCE);
	if (end)
		take_line(link, link->size - 1);
}

static void link_writable(void *ctx)
{
	link_go(ctx);
}

/* -errno; a connect to a unix socket is done at once, or never. */
static int call_up(struct link *link)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int err = 0, fd;

	if (strlen(link->path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, link->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		err = -errno;
	if (!err)
		err = io_init(link->loop, &link->io, fd, LOOP_NORMAL, link_readable, link_writable, link);
	if (err)
		close(fd);
	else
		link->fd = fd;
	return err;
}

/* The first question, as far as the socket takes it: 0, or -errno when there is no connection. */
static int send_first(struct link *link)
{
	const char *request = link->questions[0].request;
	size_t length = strlen(request);

	while (link->sent <= length) {
		bool rest = link->sent < length;
		ssize_t sent = send(link->fd, rest ? request + link->sent : "\n",
				    rest ? length - link->sent : 1, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN) {
			io_want_write(&link->io, true);
			return 0;
		}
		if (sent < 0 && errno != EINTR)
			return -errno;
		link->sent += sent > 0 ? (size_t)sent : 0;
	}
	io_want_write(&link->io, false);
	return 0;
}

/* Sends the first question, if it is not under way. */
static void link_go(struct link *link)
{
	int err;

	if (!link->count)
		return;
	if (link->fd < 0) {
		err = call_up(link);
		if (err) {
			log_debug("no connection to %s: %s", link->path, strerror(-err));
			give_up(link);
			return;
		}
	}
	if (!timer_armed(&link->patience))
		timer_at(&link->patience, clock_now() + LINK_PATIENCE);
	if (send_first(link))
		lost(link);
}

void link_ask(struct link *link, const char *request, link_answer *answer, void *ctx)
{
	if (link->count == QUESTIONS) {
		answer(ctx, NULL, 0);
		return;
	}
	link->questions[link->count++] = (struct question){request, answer, ctx};
	if (link->count == 1)
		link_go(link);
}

struct link *link_new(struct loop *loop, const char *path)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	*link = (struct link){.loop = loop, .path = path, .fd = -1};
	if (!timer_init(loop, &link->patience, LOOP_NORMAL, impatient, link))
		return link;
	free(link);
	return NULL;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	hang_up(link);
	timer_fini(&link->patience);
	free(link->line);
	free(link);
}
