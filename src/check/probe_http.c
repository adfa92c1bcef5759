/* libcurl's multi interface on our loop. The connection is made by dial_io.c, which knows sources,
 * interfaces and exact errors; libcurl gets it ready-made (CURL_SOCKOPT_ALREADY_CONNECTED) and only
 * speaks HTTP over it. So a server that is down costs no libcurl at all, and the URL is numeric:
 * nothing is ever resolved.
 *
 * Requests (an easy handle and our notes on it) are pooled by probes in flight. A request is with
 * its flight from http_connected() to http_stop(). The socket is closed by libcurl through
 * closed(), after it told watch() to let go.
 *
 * libcurl has no time limit: the engine's deadline is the one there is (two would race, and a
 * process that was held up would have libcurl blame the server).
 *
 * A status that is not wanted ends the probe at the end of the headers: what follows cannot make it
 * better. */
#include "check/probe_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/outcome.h"
#include "config.h"
#include "config/model.h"
#include "core/loop.h"

#define HEADERS_MOST (64u << 10)
#define BODY_MOST (1u << 20)
#define BUFFER 4096L
#define IDLE_MOST 32 /* requests kept for reuse */
#define RUSH 256     /* requests at once that are out of the common */
#define URL_ROOM (sizeof("http:///") + ENDPOINT_TEXT)

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct http_request *idle;
	unsigned idle_count;
	unsigned busy,
		peak; /* requests with a flight; the most of them since memory was given back */
};

struct http_request {
	struct http_request *next; /* while idle */
	struct http_client *client;
	struct flight *flight;
	CURL *easy;
	struct curl_slist *headers;
	struct loop_io io;
	bool lent, headers_done, unwanted;
	uint32_t header_bytes, body_bytes, received;
	const char *fault;
};

/* ---- what came ------------------------------------------------------------------------------- */

static uint16_t status_of(struct http_request *request)
{
	long status = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	return (uint16_t)status;
}

/* One line of the headers, the empty one at their end included. Anything but `size` stops the
 * transfer. */
static size_t got_header(char *bytes, size_t one, size_t size, void *ctx)
{
	struct http_request *request = ctx;

	(void)one;
	request->header_bytes += (uint32_t)size;
	if (request->header_bytes > HEADERS_MOST) {
		request->fault = "headers larger than 64KiB";
		return 0;
	}
	if (bytes[0] != '\r' && bytes[0] != '\n')
		return size;
	if (status_of(request) < 200) /* interim: the real ones follow */
		return size;
	request->headers_done = true;
	request->unwanted = outcome_of_status(request->flight->check, status_of(request)).reason ==
			    REASON_STATUS;
	return request->unwanted ? 0 : size;
}

static size_t got_body(char *bytes, size_t one, size_t size, void *ctx)
{
	struct http_request *request = ctx;

	(void)bytes;
	(void)one;
	request->body_bytes += (uint32_t)size;
	if (request->body_bytes <= BODY_MOST)
		return size;
	request->fault = "reply larger than 1MiB";
	return 0;
}

/* The connection broke or was closed before the answer was complete. */
static struct outcome broken(const struct http_request *request)
{
	struct outcome out = {.reason = REASON_RESET, .step = STEP_REPLY};
	long error = 0;

	curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
	if (error)
		out = outcome_of_error(STEP_REPLY, (int)error);
	out.received = request->received;
	return out;
}

static struct outcome malformed(const char *fault)
{
	return (struct outcome){.reason = REASON_PROTOCOL, .step = STEP_REPLY, .fault = fault};
}

static struct outcome too_large(const char *fault)
{
	return (struct outcome){.reason = REASON_TOO_LARGE, .step = STEP_REPLY, .fault = fault};
}

/* libcurl says "out of memory" for a header line above its own limit of 100 KB, too. */
static struct outcome no_memory(const struct http_request *request)
{
	if (!request->headers_done && request->received > HEADERS_MOST)
		return too_large("headers larger than 64KiB");
	return outcome_of_error(STEP_REPLY, ENOMEM);
}

/* CURLE_RECV_ERROR is a broken connection if the kernel says so, else (libcurl before 8) a bad
 * chunk. */
static struct outcome not_received(const struct http_request *request)
{
	long error = 0;

	curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
	return error ? broken(request) : malformed("malformed chunked reply");
}

static struct outcome judge(struct http_request *request, CURLcode code)
{
	if (request->unwanted)
		return outcome_of_status(request->flight->check, status_of(request));
	if (request->fault)
		return too_large(request->fault);
	switch (code) {
	case CURLE_OK: /* libcurl takes headers without an end for an answer */
		return request->headers_done
			       ? outcome_of_status(request->flight->check, status_of(request))
			       : broken(request);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
		return broken(request);
	case CURLE_RECV_ERROR:
		return not_received(request);
	case CURLE_OUT_OF_MEMORY:
		return no_memory(request);
	default:
		return malformed("reply is not HTTP");
	}
}

/* ---- libcurl in our loop ------------------------------------------------------------------------
 */

/* Everything that has ended ends its flight; never called from inside libcurl. */
static void collect(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct http_request *request = NULL;
		struct outcome outcome;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		outcome = judge(request, message->data.result);
		flight_end(request->flight, &outcome);
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
	(void)address;
	if (request->lent)
		return CURL_SOCKET_BAD;
	request->lent = true;
	return request->flight->fd;
}

static int already_connected(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	(void)ctx;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int closed(void *ctx, curl_socket_t fd)
{
	struct http_request *request = ctx;

	if (request->flight && request->flight->fd == fd) {
		io_fini(&request->io);
		if (!request->headers_done || request->body_bytes)
			request->received = dial_received(fd);
		request->flight->fd = -1;
	}
	return close(fd);
}

/* ---- requests -----------------------------------------------------------------------------------
 */

static void request_free(struct http_request *request)
{
	if (request->easy)
		curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	free(request);
}

/* What is the same for all requests. */
static void request_prepare(struct http_request *request)
{
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
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
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, closed);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, request);
}

static struct http_request *request_new(struct http_client *client)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->client = client;
	request->easy = curl_easy_init();
	if (!request->easy) {
		request_free(request);
		return NULL;
	}
	request_prepare(request);
	return request;
}

static struct http_request *request_take(struct http_client *client)
{
	struct http_request *request = client->idle;

	if (request) {
		client->idle = request->next;
		client->idle_count--;
	} else {
		request = request_new(client);
	}
	if (request && ++client->busy > client->peak)
		client->peak = client->busy;
	return request;
}

/* After a rush (ten thousand first probes, or servers that hung) its memory goes back to the
 * kernel: the allocator keeps it otherwise, 20 KB a request. */
static void rush_over(struct http_client *client)
{
	if (client->busy > IDLE_MOST || client->peak < RUSH)
		return;
	client->peak = client->busy;
	malloc_trim(0);
}

static void request_give_back(struct http_request *request)
{
	struct http_client *client = request->client;

	client->busy--;
	curl_slist_free_all(request->headers);
	request->headers = NULL;
	request->flight = NULL;
	if (client->idle_count >= IDLE_MOST) {
		request_free(request);
		rush_over(client);
		return;
	}
	request->next = client->idle;
	client->idle = request;
	client->idle_count++;
}

static bool add_header(struct http_request *request, const char *line)
{
	struct curl_slist *longer = curl_slist_append(request->headers, line);

	if (longer)
		request->headers = longer;
	return longer != NULL;
}

/* "name: value", or libcurl's form "name;" for an empty value. */
static bool add_field(struct http_request *request, const char *name, const char *value)
{
	size_t room = strlen(name) + strlen(value) + 3;
	char *line = malloc(room);
	bool added;

	if (!line)
		return false;
	snprintf(line, room, *value ? "%s: %s" : "%s;%s", name, value);
	added = add_header(request, line);
	free(line);
	return added;
}

static bool has_header(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->header_count; i++)
		if (!strcasecmp(check->headers[i].name, name))
			return true;
	return false;
}

/* The check's own headers win over ours. "Connection: close" is the truth: one request per
 * connection. */
static bool set_headers(struct http_request *request, const struct check *check)
{
	bool fine = true;

	for (size_t i = 0; i < check->header_count; i++)
		fine = fine && add_field(request, check->headers[i].name, check->headers[i].value);
	if (check->host && !has_header(check, "host"))
		fine = fine && add_field(request, "Host", check->host);
	if (!has_header(check, "connection"))
		fine = fine && add_header(request, "Connection: close");
	if (!has_header(check, "content-type"))
		fine = fine && add_header(request,
					  "Content-Type:"); /* libcurl would make one up for POST */
	return fine && !curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

/* HEAD has no body to wait for; POST, PUT and PATCH say that theirs is empty. */
static bool set_method(CURL *easy, const char *method)
{
	bool head = method && !strcmp(method, "HEAD");
	bool sends = method && (!strcmp(method, "POST") || !strcmp(method, "PUT") ||
				!strcmp(method, "PATCH"));

	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (sends) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	}
	return !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, head ? NULL : method);
}

static bool set_target(CURL *easy, const struct flight *flight)
{
	char url[URL_ROOM], target[ENDPOINT_TEXT];

	snprintf(url, sizeof(url), "http://%s/", endpoint_format(&flight->target, target));
	return !curl_easy_setopt(easy, CURLOPT_URL, url) &&
	       !curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET,
				 flight->check->path ? flight->check->path : "/");
}

static bool request_fill(struct http_request *request, struct flight *flight)
{
	request->flight = flight;
	request->lent = request->headers_done = request->unwanted = false;
	request->header_bytes = request->body_bytes = request->received = 0;
	request->fault = NULL;
	return set_target(request->easy, flight) &&
	       set_method(request->easy, flight->check->method) &&
	       set_headers(request, flight->check);
}

/* ---- the type
 * ------------------------------------------------------------------------------------- */

static void http_connected(struct flight *flight)
{
	struct http_client *client = flight->client;
	struct http_request *request = request_take(client);

	flight->request = request;
	if (!request || !request_fill(request, flight) ||
	    curl_multi_add_handle(client->multi, request->easy)) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
		return;
	}
	turn(client, CURL_SOCKET_TIMEOUT, 0);
}

static void http_start(struct flight *flight)
{
	dial_start(flight, http_connected);
}

static void http_stop(struct flight *flight)
{
	struct http_request *request = flight->request;

	if (!request)
		return;
	curl_multi_remove_handle(request->client->multi, request->easy);
	io_fini(&request->io);
	request_give_back(request);
	flight->request = NULL;
}

static void http_client_free(void *ctx)
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

static void *http_client_new(struct loop *loop)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->loop = loop;
	if (curl_global_init(CURL_GLOBAL_NOTHING) || client_prepare(client)) {
		http_client_free(client);
		return NULL;
	}
	return client;
}

const struct probe_type probe_http = {
	.client_new = http_client_new,
	.client_free = http_client_free,
	.start = http_start,
	.stop = http_stop,
};
