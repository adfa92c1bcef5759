/* See control_clients.h. A client is in one of five moods: reading (no line is open), open (its
 * line is with the callee, `ticket` is not 0), sending (`answer` is not NULL), told in pieces
 * (`pieces` is not NULL: when all is sent the next is made, a turn of the loop later), following
 * (`more` is not NULL: when all is sent it asks for more). Reading goes on
 * while there is room in its buffer, so that its end is seen; the next line is cut when the last
 * answer has left. A client that has closed its sending side still gets its answers. */
#include "daemon/control_clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/control_request.h"

#define ACCEPT_PAUSE (100 * NSTIME_MS) /* after an accept that failed for lack of something */

struct client {
	struct clients *clients; /* NULL: a free place */
	int fd;
	struct loop_io io;
	struct loop_timer stall;
	struct client_peer peer;
	uint32_t ticket;
	nstime heard;
	bool ended;   /* nothing more comes from it */
	bool cutting; /* its lines are being handled further up the stack */
	clients_more *more; /* of a follower */
	clients_more *pieces; /* of an answer that is not at its end */
	uint64_t cursor;
	char *answer;
	size_t sent, size;
	size_t used, room, most;
	char *line; /* room bytes: at first CONTROL_LINE_MAX, up to `most` when a line needs it */
};

struct clients {
	struct loop *loop;
	int listener;
	struct loop_io io;
	struct loop_timer pause, wake;
	size_t followers;
	clients_access *access;
	clients_line *handle;
	clients_left *left; /* NULL: nobody wants to know */
	void *ctx;
	uint32_t last_ticket;
	size_t long_line;
	size_t waiting; /* bytes of answers */
	bool deaf;      /* that nobody can be accepted has been told */
	struct client places[CLIENTS_MAX];
};

static void client_drop(struct client *client)
{
	io_fini(&client->io);
	timer_fini(&client->stall);
	close(client->fd);
	client->clients->waiting -= client->size;
	client->clients->followers -= client->more != NULL;
	free(client->answer);
	free(client->line);
	*client = (struct client){0};
}

static void client_stalled(void *ctx)
{
	struct client *client = ctx;

	log_debug("control: client with pid %d does not read its answer, dropped",
		  (int)client->peer.pid);
	client_drop(client);
}

static nstime patience(const struct client *client)
{
	return client->more ? FOLLOWER_STALL : CLIENT_STALL;
}

/* Sends what the socket takes; false when the client is gone. */
static bool client_send(struct client *client)
{
	while (client->sent < client->size) {
		ssize_t sent = send(client->fd, client->answer + client->sent,
				    client->size - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN)) {
			io_want_write(&client->io, true);
			return true;
		}
		if (sent < 0) {
			client_drop(client);
			return false;
		}
		client->sent += (size_t)sent;
		timer_at(&client->stall, clock_now() + patience(client));
	}
	io_want_write(&client->io, false);
	timer_cancel(&client->stall);
	client->clients->waiting -= client->size;
	free(client->answer);
	client->answer = NULL;
	client->size = client->sent = 0;
	return true;
}

static void client_set_answer(struct client *client, char *answer)
{
	size_t size = answer ? strlen(answer) : 0;

	if (answer && client->clients->waiting + size > CLIENTS_BYTES_MAX) {
		free(answer);
		answer = control_refusal("too many answers wait to be read; try again", NULL);
		size = answer ? strlen(answer) : 0;
	}
	client->ticket = 0;
	client->answer = answer;
	client->size = size;
	client->clients->waiting += size;
	timer_at(&client->stall, clock_now() + patience(client));
}

static uint32_t next_ticket(struct clients *clients)
{
	return ++clients->last_ticket ? clients->last_ticket : ++clients->last_ticket;
}

/* Gives the first line of the buffer to the callee; false when there is none. */
static bool client_cut_line(struct client *client)
{
	struct clients *clients = client->clients;
	const char *end = memchr(client->line, '\n', client->used);
	size_t length;

	if (!end)
		return false;
	length = (size_t)(end - client->line);
	client->ticket = next_ticket(clients);
	clients->handle(clients->ctx, client->ticket, &client->peer, client->line, length);
	if (!client->used)
		return true; /* it is given up */
	client->used -= length + 1;
	memmove(client->line, client->line + length + 1, client->used);
	return true;
}

/* A line that does not fit and may be longer gets more room. */
static void client_grow(struct client *client)
{
	size_t room = 2 * client->room < client->most ? 2 * client->room : client->most;
	char *line;

	if (client->used < client->room || room == client->room)
		return;
	line = realloc(client->line, room);
	if (!line)
		return;
	client->line = line;
	client->room = room;
}

static void client_line_too_long(struct client *client)
{
	client->used = 0;
	client->ended = true;
	client_set_answer(client, control_refusal("the line is too long", NULL));
}

/* A follower with nothing left to send asks for more; false when there is none. */
static bool client_take_more(struct client *client)
{
	struct clients *clients = client->clients;
	char *text = client->more(clients->ctx, &client->cursor);

	if (!text)
		return false;
	client_set_answer(client, text);
	return true;
}

/* Makes the next piece; false when there is none and the client is gone: it asks once more. */
static bool client_make_piece(struct client *client)
{
	char *text = client->pieces(client->clients->ctx, &client->cursor);

	if (!text) {
		client_drop(client);
		return false;
	}
	if (client->cursor == UINT64_MAX)
		client->pieces = NULL;
	client_set_answer(client, text);
	return true;
}

/* The next piece is made when the socket takes it; one of a client that does not read is not writable although the last
 * piece went into it (the kernel wants three quarters of it free). */
static void client_await_piece(struct client *client)
{
	io_want_write(&client->io, true);
	timer_at(&client->stall, clock_now() + patience(client));
}

/* Not one that only sends no more. */
static bool has_hung_up(const struct client *client)
{
	struct pollfd wait = {.fd = client->fd};

	return poll(&wait, 1, 0) > 0 && wait.revents & POLLHUP;
}

/* Its line is given up where the callee gives it up. */
static void client_leave(struct client *client)
{
	const struct clients *clients = client->clients;

	if (client->ticket && clients->left && clients->left(clients->ctx, client->ticket))
		client->ticket = 0;
}

/* Moves the client on as far as it goes now: send, then the next line, until something has to be
 * waited for. */
static void client_go(struct client *client)
{
	client->cutting = true;
	for (;;) {
		if (client->answer && !client_send(client))
			return;
		if (client->pieces && !client->answer)
			client_await_piece(client);
		if (client->ticket && client->ended && has_hung_up(client))
			client_leave(client);
		if (client->answer || client->ticket || client->pieces)
			break;
		if (client->more) {
			if (client_take_more(client))
				continue;
			break;
		}
		if (client_cut_line(client))
			continue;
		client_grow(client);
		if (client->used == client->room) {
			client_line_too_long(client);
			continue;
		}
		if (client->ended) {
			client_drop(client);
			return;
		}
		break;
	}
	client->cutting = false;
	io_want_read(&client->io, !client->ended && client->used < client->room);
}

static void client_readable(void *ctx)
{
	struct client *client = ctx;
	ssize_t got;

	if (client->used == client->room)
		return;
	got = recv(client->fd, client->line + client->used, client->room - client->used,
		   MSG_DONTWAIT);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got < 0) {
		client_leave(client);
		client_drop(client);
		return;
	}
	if (got == 0 && client->more) {
		client_drop(client);
		return;
	}
	if (got == 0)
		client->ended = true;
	client->used += client->more ? 0 : (size_t)got;
	client->heard = clock_now();
	client_go(client);
}

static void client_writable(void *ctx)
{
	struct client *client = ctx;

	if (client->pieces && !client->answer && !client_make_piece(client))
		return;
	client_go(client);
}

/* NULL: it has left. */
static struct client *client_find(struct clients *clients, uint32_t ticket)
{
	for (size_t i = 0; ticket && i < CLIENTS_MAX; i++)
		if (clients->places[i].clients && clients->places[i].ticket == ticket)
			return &clients->places[i];
	return NULL;
}

void clients_answer(struct clients *clients, uint32_t ticket, char *answer)
{
	struct client *client = client_find(clients, ticket);

	if (!client) {
		free(answer);
		return;
	}
	if (!answer && !client->cutting) {
		client_drop(client);
		return;
	}
	if (!answer) {
		client->ended = true;
		client->used = 0;
	}
	client_set_answer(client, answer);
	if (!client->cutting)
		client_go(client);
}

void clients_on_left(struct clients *clients, clients_left *left)
{
	clients->left = left;
}

void clients_tell(struct clients *clients, uint32_t ticket, clients_more *pieces)
{
	struct client *client = client_find(clients, ticket);

	if (!client)
		return;
	client->ticket = 0;
	client->pieces = pieces;
	client->cursor = 0;
	if (!client->cutting)
		client_go(client);
}

bool clients_follow(struct clients *clients, uint32_t ticket, char *answer, clients_more *more,
		    uint64_t cursor)
{
	struct client *client = client_find(clients, ticket);

	if (clients->followers == FOLLOWERS_MAX)
		return false;
	if (client && answer) {
		client->more = more;
		client->cursor = cursor;
		client->used = 0;
		clients->followers++;
	}
	clients_answer(clients, ticket, answer);
	return true;
}

void clients_wake(struct clients *clients)
{
	if (clients->followers && !timer_armed(&clients->wake))
		timer_at(&clients->wake, 0);
}

static void wake_followers(void *ctx)
{
	struct clients *clients = ctx;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->places[i].more && !clients->places[i].answer)
			client_go(&clients->places[i]);
}

/* Those that have something to be sent; what can go now goes. */
static nfds_t clients_unsent(struct clients *clients, struct pollfd *waits)
{
	nfds_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->places[i];

		if (!client->clients)
			continue;
		client->ended = true; /* no line of it is heard */
		client->used = 0;
		if (client->pieces && !client->answer && !client_make_piece(client))
			continue;
		if (client->answer || client->more)
			client_go(client);
		if (client->clients && (client->answer || client->pieces))
			waits[count++] = (struct pollfd){.fd = client->fd, .events = POLLOUT};
	}
	return count;
}

void clients_finish(struct clients *clients, nstime until)
{
	struct pollfd waits[CLIENTS_MAX];

	io_want_read(&clients->io, false);
	timer_cancel(&clients->pause);
	while (clock_now() < until) {
		nfds_t count = clients_unsent(clients, waits);
		nstime left = until - clock_now();

		if (!count || (left > 0 && poll(waits, count, (int)(left / NSTIME_MS) + 1) < 0 && errno != EINTR))
			return;
	}
}

/* A free place; else that of the client which has been silent longest with nothing open. NULL:
 * none. */
static struct client *place_find(struct clients *clients)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->places[i];

		if (!client->clients)
			return client;
		if (!client->ticket && !client->answer && !client->pieces && !client->more &&
		    (!oldest || client->heard < oldest->heard))
			oldest = client;
	}
	if (oldest)
		client_drop(oldest);
	return oldest;
}

bool client_is_member(const struct client_peer *peer, gid_t group)
{
	gid_t few[64], *groups = few;
	socklen_t size = sizeof(few);
	bool found = peer->gid == group;
	int err = getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, few, &size);

	if (err && errno == ERANGE) {
		groups = malloc(size); /* it says how many there are */
		err = groups ? getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) : -1;
	}
	for (size_t i = 0; !err && !found && i < size / sizeof(gid_t); i++)
		found = groups[i] == group;
	if (groups != few)
		free(groups);
	return found;
}

static int client_init(struct client *client, struct clients *clients,
		       const struct client_peer *peer, enum client_access access)
{
	*client = (struct client){
		.clients = clients, .fd = peer->fd, .peer = *peer, .heard = clock_now()};
	client->room = client->most = CONTROL_LINE_MAX;
	if (access == CLIENT_WRITES)
		client->most = clients->long_line;
	client->line = malloc(client->room);
	if (!client->line)
		return -ENOMEM;
	if (io_init(clients->loop, &client->io, client->fd, LOOP_IDLE, client_readable, client_writable,
		    client) ||
	    timer_init(clients->loop, &client->stall, LOOP_IDLE, client_stalled, client))
		return -ENOMEM;
	return 0;
}

static void refuse(int fd, const char *why)
{
	char *text = control_refusal(why, NULL);

	if (!text || send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: a client was refused without a word: %s", strerror(errno));
	free(text);
	close(fd);
}

/* False: it is refused, and gone. */
static bool client_admit(const struct clients *clients, int fd, struct client_peer *peer,
			 enum client_access *access)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size)) {
		close(fd);
		return false;
	}
	*peer = (struct client_peer){.uid = who.uid, .gid = who.gid, .pid = who.pid, .fd = fd};
	*access = clients->access(clients->ctx, peer);
	if (*access != CLIENT_STRANGER)
		return true;
	log_debug("control: user %u, process %d may neither ask nor command", (unsigned)who.uid,
		  (int)who.pid);
	refuse(fd, CONTROL_NO_STRANGERS);
	return false;
}

static void clients_accept(void *ctx)
{
	struct clients *clients = ctx;
	int fd = accept4(clients->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	enum client_access access;
	struct client_peer peer;
	struct client *client;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		if (!clients->deaf)
			log_warning("control: cannot accept a client: %s", strerror(errno));
		clients->deaf = true;
		io_want_read(&clients->io, false);
		timer_at(&clients->pause, clock_now() + ACCEPT_PAUSE);
		return;
	}
	if (clients->deaf)
		log_info("control: clients are accepted again");
	clients->deaf = false;
	if (!client_admit(clients, fd, &peer, &access))
		return;
	client = place_find(clients);
	if (!client) {
		refuse(fd, "too many clients; try again");
		return;
	}
	if (client_init(client, clients, &peer, access))
		client_drop(client);
}

static void accept_again(void *ctx)
{
	struct clients *clients = ctx;

	io_want_read(&clients->io, true);
}

struct clients *clients_new(struct loop *loop, int listener, size_t long_line,
			    clients_access *access, clients_line *line, void *ctx)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	int flags = fcntl(listener, F_GETFL);

	if (!clients)
		return NULL;
	*clients = (struct clients){.loop = loop, .listener = listener, .access = access,
				    .handle = line, .ctx = ctx, .long_line = long_line};
	/* a late answer to a predecessor of this process must not find a ticket of ours */
	clients->last_ticket = (uint32_t)(clock_now() / NSTIME_US);
	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(listener, F_SETFD, FD_CLOEXEC) ||
	    io_init(loop, &clients->io, listener, LOOP_IDLE, clients_accept, NULL, clients) ||
	    timer_init(loop, &clients->pause, LOOP_IDLE, accept_again, clients) ||
	    timer_init(loop, &clients->wake, LOOP_IDLE, wake_followers, clients)) {
		clients_free(clients);
		return NULL;
	}
	return clients;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->places[i].clients)
			client_drop(&clients->places[i]);
	io_fini(&clients->io);
	timer_fini(&clients->pause);
	timer_fini(&clients->wake);
	close(clients->listener);
	free(clients);
}
