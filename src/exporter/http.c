/* See the header. evhttp knows no limit on connections and no deadline but one between two bytes: so each connection's
 * bufferevent is made here and held a little longer than evhttp holds it, and who has to go is hung up on below it, which
 * evhttp takes as the client's own doing. That a bufferevent has been given up shows in its callbacks, which are gone. */
#include "exporter/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "core/log.h"
#include "core/loop.h"
#include "exporter/shared.h"

#define SWEEP NSTIME_S
#define SWEEP_SOON (20 * NSTIME_MS) /* somebody waits for a place */
#define OLD_ANSWER (10 * NSTIME_S)  /* who takes longer may be hung up on for another */
#define RETRY "10"                  /* seconds, after which one of those may */

struct guest {
	struct bufferevent *bev; /* NULL: a free place */
	nstime since;            /* it came, its last request came, or its answer was made */
	bool asks;               /* its request is whole */
	struct shared *body;     /* that it is being sent; NULL: none, or it is hung up on */
};

struct http {
	struct evhttp *server;
	struct evhttp_bound_socket *bound; /* NULL: it listens no more */
	struct evconnlistener *listener;
	const struct http_route *routes;
	void *ctx;
	struct loop_timer sweep;
	bool local, full;
	struct guest guests[HTTP_CLIENTS];
};

static struct http *serving; /* there is one in a program; evhttp hands nothing along with a request */

/* ---- clients -------------------------------------------------------------------------------- */

static bool is_given_up(struct bufferevent *bev)
{
	bufferevent_data_cb readable = NULL, writable = NULL;
	bufferevent_event_cb event = NULL;

	bufferevent_getcb(bev, &readable, &writable, &event, NULL);
	return !readable && !writable && !event;
}

/* It has its place, and holds nothing of ours. */
static void guest_is(struct guest *guest, nstime since, bool asks)
{
	shared_drop(guest->body);
	*guest = (struct guest){.bev = guest->bev, .since = since, .asks = asks};
}

static void guest_expel(struct guest *guest)
{
	shutdown(bufferevent_getfd(guest->bev), SHUT_RDWR);
	guest_is(guest, clock_now(), guest->asks); /* evhttp will see its end */
}

/* Places of those who have left; how many are there still. */
static size_t guests_count(struct http *http)
{
	size_t count = 0;

	for (size_t i = 0; i < HTTP_CLIENTS; i++) {
		struct guest *guest = &http->guests[i];

		if (guest->bev && is_given_up(guest->bev)) {
			bufferevent_decref(guest->bev);
			shared_drop(guest->body);
			*guest = (struct guest){0};
		}
		count += guest->bev != NULL;
	}
	return count;
}

static struct guest *guest_of(struct http *http, const struct bufferevent *bev)
{
	for (size_t i = 0; i < HTTP_CLIENTS; i++)
		if (http->guests[i].bev == bev)
			return &http->guests[i];
	return NULL;
}

/* Somebody else is in greater need of its place; rather one that says nothing. */
static struct guest *guest_least(struct http *http, nstime now)
{
	struct guest *least = NULL;

	for (size_t i = 0; i < HTTP_CLIENTS; i++) {
		struct guest *guest = &http->guests[i];

		if (!guest->bev || (guest->asks && now - guest->since < OLD_ANSWER))
			continue;
		if (!least || guest->asks < least->asks ||
		    (guest->asks == least->asks && guest->since < least->since))
			least = guest;
	}
	return least;
}

/* No more are accepted until there is a place. */
static void house_full(struct http *http)
{
	struct guest *least = guest_least(http, clock_now());

	if (least)
		guest_expel(least);
	http->full = true;
	if (http->listener)
		evconnlistener_disable(http->listener);
	timer_at(&http->sweep, clock_now() + SWEEP_SOON);
}

static struct bufferevent *guest_comes(struct event_base *base, void *ctx)
{
	struct http *http = ctx;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct guest *guest = guests_count(http) < HTTP_CLIENTS ? guest_of(http, NULL) : NULL;

	if (!bev || !guest)
		return bev;
	bufferevent_incref(bev);
	*guest = (struct guest){.bev = bev, .since = clock_now()};
	if (!guest_of(http, NULL))
		house_full(http);
	return bev;
}

static bool is_too_late(const struct guest *guest, nstime now)
{
	return now - guest->since > (guest->asks ? HTTP_PATIENCE_ANSWER : HTTP_PATIENCE);
}

static void sweep(void *ctx)
{
	struct http *http = ctx;
	nstime now = clock_now();
	size_t count = guests_count(http);

	for (size_t i = 0; i < HTTP_CLIENTS; i++)
		if (http->guests[i].bev && is_too_late(&http->guests[i], now))
			guest_expel(&http->guests[i]);
	if (http->full && count < HTTP_CLIENTS) {
		http->full = false;
		if (http->listener)
			evconnlistener_enable(http->listener);
	} else if (http->full) {
		house_full(http);
		return;
	}
	timer_at(&http->sweep, now + SWEEP);
}

/* ---- what they hold ------------------------------------------------------------------------- */

static bool is_counted(const struct http *http, size_t before, const struct shared *body)
{
	for (size_t i = 0; i < before; i++)
		if (http->guests[i].body == body)
			return true;
	return false;
}

/* Bytes of all bodies that are being sent, each once, but for this one. */
static size_t held_beside(const struct http *http, const struct shared *body)
{
	size_t held = 0;

	for (size_t i = 0; i < HTTP_CLIENTS; i++) {
		const struct shared *other = http->guests[i].body;

		if (other && other != body && !is_counted(http, i, other))
			held += other->size;
	}
	return held;
}

/* Who has been at another body for longest; NULL: nobody for long. */
static struct guest *guest_slowest(struct http *http, const struct shared *body, nstime now)
{
	struct guest *slowest = NULL;

	for (size_t i = 0; i < HTTP_CLIENTS; i++) {
		struct guest *guest = &http->guests[i];

		if (!guest->body || guest->body == body || now - guest->since < OLD_ANSWER)
			continue;
		if (!slowest || guest->since < slowest->since)
			slowest = guest;
	}
	return slowest;
}

/* Makes room for a body, at the cost of slow readers of others; false: there is none. */
static bool has_room(struct http *http, const struct shared *body)
{
	nstime now = clock_now();

	guests_count(http);
	while (held_beside(http, body) > HTTP_HELD_MAX) {
		struct guest *slowest = guest_slowest(http, body, now);

		if (!slowest)
			return false;
		guest_expel(slowest);
	}
	return true;
}

/* ---- requests ------------------------------------------------------------------------------- */

static struct guest *guest_of_request(struct http *http, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);

	return connection ? guest_of(http, evhttp_connection_get_bufferevent(connection)) : NULL;
}

/* All of the answer has left: the next request may take its time. */
static void answer_gone(struct evhttp_request *request, void *ctx)
{
	struct guest *guest = guest_of_request(ctx, request);

	if (guest)
		guest_is(guest, clock_now(), false);
}

static void request_begins(struct http *http, struct evhttp_request *request)
{
	struct guest *guest = guest_of_request(http, request);

	if (guest)
		guest_is(guest, clock_now(), true);
	evhttp_request_set_on_complete_cb(request, answer_gone, http);
}

/* "localhost" or an address; who names none is no browser. */
static bool is_local_host(struct evhttp_request *request)
{
	const char *host = evhttp_request_get_host(request);
	size_t length = host ? strlen(host) : 0;
	char bare[ADDR_TEXT];
	struct addr address;

	if (!host || !strcasecmp(host, "localhost"))
		return true;
	if (length && host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	}
	if (length >= sizeof(bare))
		return false;
	memcpy(bare, host, length);
	bare[length] = '\0';
	return !addr_parse(bare, &address);
}

/* A page that shows more says what it needs for that (http_header). */
static void add_policies(struct evhttp_request *request)
{
	static const char *const headers[][2] = {
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Referrer-Policy", "no-referrer"},
		{"Cache-Control", "no-store"},
	};

	for (size_t i = 0; i < COUNT_OF(headers); i++)
		evhttp_add_header(evhttp_request_get_output_headers(request), headers[i][0], headers[i][1]);
}

static const struct http_route *route_of(const struct http *http, struct evhttp_request *request)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	for (const struct http_route *route = http->routes; path && route->path; route++)
		if (!strcmp(route->path, path))
			return route;
	return NULL;
}

static void http_request(struct evhttp_request *request, void *ctx)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	struct http *http = ctx;
	const struct http_route *route = route_of(http, request);

	request_begins(http, request);
	add_policies(request);
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		http_header(request, "Allow", "GET, HEAD");
		http_reply_text(request, 405, "only GET and HEAD are answered here\n");
	} else if (http->local && !is_local_host(request)) {
		http_reply_text(request, 403, "this server is for clients on this machine, "
					      "who name it by its address or as localhost\n");
	} else if (!route) {
		http_reply_text(request, 404, "there is nothing here\n");
	} else {
		route->handle(http->ctx, request);
	}
}

/* ---- answers -------------------------------------------------------------------------------- */

static const char *phrase(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 503:
		return "Service Unavailable";
	default:
		return "Answer";
	}
}

void http_header(struct evhttp_request *request, const char *name, const char *value)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	evhttp_remove_header(headers, name);
	evhttp_add_header(headers, name, value);
}

static void body_sent(const void *bytes, size_t size, void *ctx)
{
	(void)bytes;
	(void)size;
	shared_drop(ctx);
}

/* Whether it may be sent; then it counts for whoever gets it. */
static bool body_admit(struct evhttp_request *request, struct shared *body)
{
	struct guest *guest = guest_of_request(serving, request);

	if (body->size > HTTP_SHORT && !has_room(serving, body))
		return false;
	if (guest && !guest->body)
		guest->body = shared_hold(body);
	return true;
}

void http_reply(struct evhttp_request *request, int code, const char *type, struct shared *body)
{
	bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	struct evbuffer *out;
	char size[24];

	if (!is_head && !body_admit(request, body)) {
		http_header(request, "Retry-After", RETRY);
		http_reply_text(request, 503, "too many clients read slowly; come again\n");
		return;
	}
	out = evbuffer_new();
	snprintf(size, sizeof(size), "%zu", body->size);
	http_header(request, "Content-Type", type);
	http_header(request, "Content-Length", size);
	if (!is_head && out &&
	    evbuffer_add_reference(out, body->text, body->size, body_sent, shared_hold(body)))
		shared_drop(body);
	evhttp_send_reply(request, code, phrase(code), out);
	if (out)
		evbuffer_free(out);
}

void http_reply_text(struct evhttp_request *request, int code, const char *text)
{
	struct shared *body = shared_new(strdup(text), strlen(text));

	if (body)
		http_reply(request, code, "text/plain; charset=utf-8", body);
	else
		evhttp_send_reply(request, 503, phrase(503), NULL);
	shared_drop(body);
}

bool http_query(struct evhttp_request *request, const char *name, char *out, size_t size)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL, *value;
	struct evkeyvalq pairs;
	bool found;

	if (!query || evhttp_parse_query_str(query, &pairs))
		return false;
	value = evhttp_find_header(&pairs, name);
	found = value && strlen(value) < size;
	if (found)
		strcpy(out, value);
	evhttp_clear_headers(&pairs);
	return found;
}

/* ---- life ----------------------------------------------------------------------------------- */

static socklen_t sockaddr_of(const struct endpoint *listen, struct sockaddr_storage *out)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(listen->port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(listen->port)};

	if (listen->address.family == AF_INET6) {
		memcpy(&six.sin6_addr, listen->address.bytes, 16);
		memcpy(out, &six, sizeof(six));
		return sizeof(six);
	}
	memcpy(&four.sin_addr, listen->address.bytes, 4);
	memcpy(out, &four, sizeof(four));
	return sizeof(four);
}

/* A listening socket, or -errno. The address may be one that comes and goes, as a virtual address does. */
static int listen_on(const struct endpoint *at)
{
	static const int on = 1;
	struct sockaddr_storage name;
	socklen_t size = sockaddr_of(at, &name);
	int fd = socket(at->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) &&
	    !bind(fd, (struct sockaddr *)&name, size) && !listen(fd, HTTP_CLIENTS))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int server_init(struct http *http, struct event_base *base, int fd)
{
	static const unsigned methods = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
					EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
					EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH;

	http->server = evhttp_new(base);
	if (!http->server)
		return -ENOMEM;
	evhttp_set_allowed_methods(http->server, methods); /* to be refused in our own words */
	evhttp_set_max_headers_size(http->server, HTTP_HEAD_MAX);
	evhttp_set_max_body_size(http->server, HTTP_BODY_MAX);
	evhttp_set_timeout(http->server, HTTP_STALL);
	evhttp_set_bevcb(http->server, guest_comes, http);
	evhttp_set_gencb(http->server, http_request, http);
	http->listener = evconnlistener_new(base, NULL, NULL,
					    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, fd);
	if (http->listener)
		http->bound = evhttp_bind_listener(http->server, http->listener);
	return http->bound ? 0 : -ENOMEM;
}

struct http *http_new(struct loop *loop, const struct endpoint *listen, const struct http_route *routes, void *ctx)
{
	struct http *http = calloc(1, sizeof(*http));
	int fd = listen_on(listen), err = fd < 0 ? fd : http ? 0 : -ENOMEM;
	char text[ENDPOINT_TEXT];

	if (!err)
		*http = (struct http){
			.routes = routes, .ctx = ctx, .local = addr_is_loopback(&listen->address)};
	if (!err)
		err = timer_init(loop, &http->sweep, LOOP_NORMAL, sweep, http);
	if (!err)
		err = server_init(http, loop_base(loop), fd);
	if (!err) {
		timer_at(&http->sweep, clock_now() + SWEEP);
		serving = http;
		return http;
	}
	log_error("cannot listen on %s: %s", endpoint_format(listen, text), strerror(-err));
	http_free(http);
	return NULL;
}

void http_close(struct http *http)
{
	if (http->bound)
		evhttp_del_accept_socket(http->server, http->bound);
	http->bound = NULL;
	http->listener = NULL;
}

bool http_is_idle(const struct http *http)
{
	for (size_t i = 0; i < HTTP_CLIENTS; i++)
		if (http->guests[i].asks && !is_given_up(http->guests[i].bev))
			return false;
	return true;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->server)
		evhttp_free(http->server); /* and the listener */
	guests_count(http);
	timer_fini(&http->sweep);
	free(http);
}
