/* libcurl's multi interface on our loop. The connection is made by dial_io.c, which knows sources,
 * interfaces and exact errors; libcurl gets it ready-made (CURL_SOCKOPT_ALREADY_CONNECTED) and only
 * speaks HTTP over it. So a server that is down costs no libcurl at all, and nothing is ever resolved.
 *
 * The socket is closed by libcurl through closed(), after it told watch() to let go.
 *
 * libcurl has no time limit: the engine's deadline is the one there is (two would race, and a
 * process that was held up would have libcurl blame the server). */
#include "check/http_client_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/http_tunnel_io.h"
#include "config.h"
#include "core/loop.h"

#define BUFFER 4096L
#define IDLE_MOST 32       /* requests kept for reuse */
#define KEPT_MOST (64u << 20) /* bytes of bodies in all */
#define KEPT_FIRST 4096
#define NO_LIMIT 86400000L /* ms: longer than any check may take */

struct http_client {
	struct loop *loop;
	const struct http_user *user;
	size_t answer_size;
	CURLM *multi;
	size_t kept; /* bytes that requests keep */
	struct loop_timer timer;
	struct http_request *idle;
	unsigned idle_count;
};

uint16_t http_status(const struct http_request *request)
{
	long status = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	return (uint16_t)status;
}

int http_error(const struct http_request *request)
{
	long error = 0;

	curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
	return (int)error;
}

/* ---- libcurl in our loop -------------------------------------------------------------------- */

/* Never called from inside libcurl. */
static void collect(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct http_request *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		client->user->done(request, message->data.result);
	}
}

static void turn(struct http_client *client, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(client->multi, fd, what, &running);
	collect(client);
}

static void request_readable(void *ctx)
{
	struct http_request *request = ctx;

	turn(request->client, request->io.fd, CURL_CSELECT_IN);
}

static void request_writable(void *ctx)
{
	struct http_request *request = ctx;

	turn(request->client, request->io.fd, CURL_CSELECT_OUT);
}

static void client_timer(void *ctx)
{
	turn(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
	struct http_client *client = ctx;
	struct http_request *request = NULL;

	(void)socket;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
	if (!request)
		return 0;
	if (what == CURL_POLL_REMOVE) {
		io_fini(&request->io);
		return 0;
	}
	if (!request->io.read && io_init(client->loop, &request->io, fd, LOOP_NORMAL,
					 request_readable, request_writable, request))
		return -1;
	io_want_read(&request->io, what & CURL_POLL_IN);
	io_want_write(&request->io, what & CURL_POLL_OUT);
	return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *ctx)
{
	struct http_client *client = ctx;

	(void)multi;
	timer_at(&client->timer,
		 milliseconds < 0 ? NSTIME_NEVER : clock_now() + milliseconds * NSTIME_MS);
	return 0;
}

/* libcurl gets the connection that stands; it never gets a second one. */
static curl_socket_t lend(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_request *request = ctx;

	(void)purpose;
	if (request->lent)
		return CURL_SOCKET_BAD;
	request->lent = true;
	if (!request->tunnel)
		return request->flight->fd;
	address->family = AF_UNIX;
	return http_tunnel_end(request->tunnel, &address->addr, &address->addrlen);
}

/* The way into a tunnel libcurl has to go by itself. */
static int already_connected(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	const struct http_request *request = ctx;

	(void)fd;
	(void)purpose;
	return request->tunnel ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int closed(void *ctx, curl_socket_t fd)
{
	struct http_request *request = ctx;

	if (request->flight && request->flight->fd == fd) {
		io_fini(&request->io);
		request->received = dial_received(fd);
		request->flight->fd = -1;
	} else if (request->tunnel) {
		io_fini(&request->io);
		request->received = http_tunnel_received(request->tunnel);
	}
	return close(fd);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Anything but `size` stops the transfer. */
static size_t got_header(char *bytes, size_t one, size_t size, void *ctx)
{
	struct http_request *request = ctx;

	(void)one;
	flight_heard_head(request->flight, bytes, size);
	return !size || request->client->user->header(request, bytes, size) ? size : 0;
}

static size_t got_body(char *bytes, size_t one, size_t size, void *ctx)
{
	struct http_request *request = ctx;

	(void)one;
	if (size)
		flight_heard(request->flight, bytes, size);
	return !size || request->client->user->body(request, bytes, size) ? size : 0;
}

/* What libcurl sends, for who looks on. What comes is told as it is judged, by the functions above. */
static int told(CURL *easy, curl_infotype type, char *bytes, size_t size, void *ctx)
{
	const struct http_request *request = ctx;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT && request->flight)
		flight_sent_head(request->flight, bytes, size);
	else if (type == CURLINFO_DATA_OUT && request->flight)
		flight_sent(request->flight, bytes, size);
	return 0;
}

static void request_free(struct http_request *request)
{
	if (request->easy)
		curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	free(request->answer);
	free(request);
}

/* What is the same for all requests. */
static void request_prepare(struct http_request *request)
{
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, NO_LIMIT);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, got_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, got_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, lend);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, already_connected);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, request);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, closed);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, request);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, told);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, request);
}

static struct http_request *request_new(struct http_client *client)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->client = client;
	request->answer = calloc(1, client->answer_size);
	request->easy = curl_easy_init();
	if (!request->easy || !request->answer) {
		request_free(request);
		return NULL;
	}
	request_prepare(request);
	return request;
}

struct http_request *http_take(struct http_client *client, struct flight *flight)
{
	struct http_request *request = client->idle;

	if (request) {
		client->idle = request->next;
		client->idle_count--;
	} else {
		request = request_new(client);
	}
	if (!request)
		return NULL;
	request->flight = flight;
	curl_easy_setopt(request->easy, CURLOPT_VERBOSE, flight->look ? 1L : 0L);
	request->lent = false;
	request->received = 0;
	memset(request->answer, 0, client->answer_size);
	return request;
}

bool http_keep(struct http_request *request, const char *bytes, size_t size)
{
	struct http_client *client = request->client;
	size_t needed = request->kept_size + size, room = request->kept_room;
	char *larger;

	if (needed > room) {
		room = room ? 2 * room : KEPT_FIRST;
		if (room < needed)
			room = needed;
		if (client->kept + room - request->kept_room > KEPT_MOST)
			return false;
		larger = realloc(request->kept, room);
		if (!larger)
			return false;
		client->kept += room - request->kept_room;
		request->kept = larger;
		request->kept_room = room;
	}
	memcpy(request->kept + request->kept_size, bytes, size);
	request->kept_size = needed;
	return true;
}

static void forget_body(struct http_request *request)
{
	request->client->kept -= request->kept_room;
	free(request->kept);
	request->kept = NULL;
	request->kept_size = request->kept_room = 0;
}

/* A tunnel's connection is not libcurl's to close. */
static void tunnel_end(struct http_request *request)
{
	struct flight *flight = request->flight;

	if (!request->tunnel)
		return;
	http_tunnel_close(take(request->tunnel));
	close(flight->fd);
	flight->fd = -1;
}

void http_reset(struct http_request *request)
{
	curl_multi_remove_handle(request->client->multi, request->easy);
	io_fini(&request->io);
	tunnel_end(request);
	forget_body(request);
	curl_slist_free_all(request->headers);
	request->headers = NULL;
	request->lent = false;
}

void http_give_back(struct http_request *request)
{
	struct http_client *client = request->client;

	http_reset(request);
	request->flight = NULL;
	if (client->idle_count >= IDLE_MOST) {
		request_free(request);
		return;
	}
	request->next = client->idle;
	client->idle = request;
	client->idle_count++;
}

bool http_send(struct http_request *request)
{
	if (!request->client->user->fill(request) ||
	    curl_multi_add_handle(request->client->multi, request->easy))
		return false;
	turn(request->client, CURL_SOCKET_TIMEOUT, 0);
	return true;
}

/* ---- the client ----------------------------------------------------------------------------- */

void http_client_free(void *ctx)
{
	struct http_client *client = ctx;

	while (client->idle) {
		struct http_request *request = client->idle;

		client->idle = request->next;
		request_free(request);
	}
	if (client->multi)
		curl_multi_cleanup(client->multi);
	timer_fini(&client->timer);
	free(client);
	curl_global_cleanup();
}

static int client_prepare(struct http_client *client)
{
	client->multi = curl_multi_init();
	if (!client->multi)
		return -ENOMEM;
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	return timer_init(client->loop, &client->timer, LOOP_NORMAL, client_timer, client);
}

struct http_client *http_client_new(struct loop *loop, const struct http_user *user,
				    size_t answer_size)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	*client = (struct http_client){.loop = loop, .user = user, .answer_size = answer_size};
	if (curl_global_init(CURL_GLOBAL_NOTHING) || client_prepare(client)) {
		http_client_free(client);
		return NULL;
	}
	return client;
}
