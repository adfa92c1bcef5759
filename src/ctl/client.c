/* See client.h. SO_PEERCRED of a connected unix socket names the process that called listen(): the
 * supervisor. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MAX ((size_t)256 << 20)
#define CONNECT_PATIENCE 5 /* seconds */

static nstime now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSTIME_S + time.tv_nsec;
}

static int connect_error(const char *path, int err, char *error)
{
	if (err == ENOENT || err == ECONNREFUSED || err == ENOTDIR) {
		snprintf(error, CLIENT_ERROR, "no lbhad is running here (nobody listens on %s)",
			 path);
		return -ENOENT;
	}
	if (err == EACCES || err == EPERM)
		snprintf(error, CLIENT_ERROR, "not permitted to open %s; root may", path);
	else if (err == EAGAIN)
		snprintf(error, CLIENT_ERROR, "lbhad does not take up the connection on %s", path);
	else
		snprintf(error, CLIENT_ERROR, "cannot connect to %s: %s", path, strerror(err));
	return -err;
}

int client_open(struct client *client, const char *path, char *error)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = CONNECT_PATIENCE};
	struct ucred who;
	socklen_t size = sizeof(who);
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return connect_error(path, ENAMETOOLONG, error);
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return connect_error(path, errno, error);
	/* a connect waits for a place in the listener's queue as long as a send may wait */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		int err = errno;

		close(fd);
		return connect_error(path, err, error);
	}
	*client = (struct client){.fd = fd, .path = path};
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size))
		client->pid = who.pid;
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->text);
	*client = (struct client){.fd = -1};
}

/* The request stays the caller's. */
static int send_line(struct client *client, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t size = text ? strlen(text) : 0;
	int err = text ? 0 : -ENOMEM;

	if (text)
		text[size++] = '\n'; /* in place of the zero */
	for (size_t sent = 0; !err && sent < size;) {
		ssize_t took = send(client->fd, text + sent, size - sent, MSG_NOSIGNAL);

		if (took < 0 && errno != EINTR)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else if (took > 0)
			sent += (size_t)took;
	}
	free(text);
	return err;
}

/* Waits until there is something to read (or the end). */
static int wait_readable(int fd, nstime deadline)
{
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		nstime left = deadline - now();
		int ready;

		if (left <= 0)
			return -ETIMEDOUT;
		ready = poll(&wait, 1, (int)(nstime_min(left, 3600 * NSTIME_S) / NSTIME_MS) + 1);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

static int grow(struct client *client)
{
	size_t room = client->room ? 2 * client->room : 65536;
	char *grown = room <= ANSWER_MAX ? realloc(client->text, room) : NULL;

	if (!grown)
		return -ENOMEM;
	client->text = grown;
	client->room = room;
	return 0;
}

/* Waits for bytes and takes them in: how many, or -errno. */
static ssize_t receive_some(struct client *client, nstime deadline)
{
	ssize_t got;
	int err = client->size == client->room ? grow(client) : 0;

	if (!err)
		err = wait_readable(client->fd, deadline);
	if (err)
		return err;
	got = recv(client->fd, client->text + client->size, client->room - client->size,
		   MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	client->size += (size_t)got;
	return got;
}

/* The text up to the end of a line, malloc'ed; what came behind it is kept for the next. Patience
 * begins anew with each part that comes: the answer of a large site is long under way. */
static int receive_line(struct client *client, nstime patience, char **out, size_t *length)
{
	char *end = client->size ? memchr(client->text, '\n', client->size) : NULL, *line;
	nstime deadline = nstime_after(now(), patience);

	while (!end) {
		ssize_t got = receive_some(client, deadline);

		if (got < 0)
			return (int)got;
		if (got <= 0)
			continue;
		deadline = nstime_after(now(), patience);
		end = memchr(client->text + client->size - got, '\n', (size_t)got);
	}
	*length = (size_t)(end - client->text);
	line = malloc(*length + 1);
	if (!line)
		return -ENOMEM;
	memcpy(line, client->text, *length);
	line[*length] = '\0';
	client->size -= *length + 1;
	memmove(client->text, end + 1, client->size);
	*out = line;
	return 0;
}

int client_line(struct client *client, nstime patience, char **line, size_t *length)
{
	return receive_line(client, patience, line, length);
}

static int ask_error(int err, nstime patience, char *error)
{
	switch (err) {
	case -ETIMEDOUT:
		snprintf(error, CLIENT_ERROR, "lbhad gave no answer within %ds",
			 (int)(patience / NSTIME_S));
		break;
	case -EPIPE:
		snprintf(error, CLIENT_ERROR, "lbhad hung up");
		break;
	case -EBADMSG:
		snprintf(error, CLIENT_ERROR,
			 "what answers on this socket does not speak lbha's control protocol");
		break;
	default:
		snprintf(error, CLIENT_ERROR, "cannot talk to lbhad: %s", strerror(-err));
	}
	return err;
}

static int ask_once(struct client *client, const json_t *request, nstime patience, char **answer, size_t *length)
{
	int err = send_line(client, request);

	/* a refusal may stand in the socket although our line was not wanted any more */
	if (!err || err == -EPIPE || err == -ECONNRESET)
		err = receive_line(client, patience, answer, length);
	return err;
}

/* Questions, and none that does something. */
static bool is_told_in_pieces(const json_t *request)
{
	static const char *const names[] = {"status", "services", "traffic"};
	const char *name = json_string_value(json_object_get(request, "request"));

	for (size_t i = 0; name && i < COUNT_OF(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int client_ask_text(struct client *client, json_t *request, nstime patience, char **answer,
		    size_t *length, char *error)
{
	int err = ask_once(client, request, patience, answer, length);
	bool is_broken_off = err == -EPIPE && client->size && is_told_in_pieces(request);
	const char *path = client->path;

	if (is_broken_off) {
		client_close(client);
		err = client_open(client, path, error);
		if (err) {
			json_decref(request);
			return err;
		}
		err = ask_once(client, request, patience, answer, length);
	}
	json_decref(request);
	return err ? ask_error(err, patience, error) : 0;
}

int client_take(char *text, size_t length, json_t **answer, char *error)
{
	json_t *got = json_loadb(text, length, 0, NULL);

	free(text);
	if (!json_is_boolean(json_object_get(got, "ok"))) {
		json_decref(got);
		return ask_error(-EBADMSG, 0, error);
	}
	*answer = got;
	return 0;
}

int client_ask(struct client *client, json_t *request, nstime patience, json_t **answer,
	       char *error)
{
	char *text = NULL;
	size_t length = 0;
	int err = client_ask_text(client, request, patience, &text, &length, error);

	return err ? err : client_take(text, length, answer, error);
}

int client_wait_end(struct client *client, nstime patience)
{
	nstime deadline = now() + patience;
	int fd = client->pid > 0 ? (int)syscall(SYS_pidfd_open, client->pid, 0) : -1;
	char bytes[256];
	int err;

	if (fd >= 0) {
		err = wait_readable(fd, deadline);
		close(fd);
		return err;
	}
	if (client->pid > 0 && errno == ESRCH)
		return 0;
	do
		err = wait_readable(client->fd, deadline);
	while (!err && recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0);
	return err;
}
