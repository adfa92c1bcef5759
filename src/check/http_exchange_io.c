/* See the header. */
#include "check/http_exchange_io.h"

#include <errno.h>

#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/http_client_io.h"
#include "check/http_tunnel_io.h"
#include "check/tls_io.h"
#include "config/model.h"

/* ---- how it broke --------------------------------------------------------------------------- */

static struct outcome malformed(const char *fault)
{
	return (struct outcome){.reason = REASON_PROTOCOL, .step = STEP_REPLY, .fault = fault};
}

/* The connection broke or was closed before the answer was complete. */
static struct outcome broken(const struct http_request *request)
{
	struct outcome out = {.reason = REASON_RESET, .step = STEP_REPLY};
	int error = http_error(request);

	if (error)
		out = outcome_of_error(STEP_REPLY, error);
	out.received = request->received;
	return out;
}

/* libcurl says "out of memory" for a header line above its own limit of 100 KB, too. */
static struct outcome no_memory(const struct http_request *request, bool headers_done)
{
	if (!headers_done && request->received > HTTP_HEADERS_MOST)
		return (struct outcome){.reason = REASON_TOO_LARGE,
					.step = STEP_REPLY,
					.fault = "headers larger than 64KiB"};
	return outcome_of_error(STEP_REPLY, ENOMEM);
}

/* CURLE_RECV_ERROR is a broken connection if the kernel says so, else (libcurl before 8) a bad
 * chunk. */
static struct outcome not_received(const struct http_request *request)
{
	return http_error(request) ? broken(request) : malformed("malformed chunked reply");
}

/* How libcurl (nghttp2) says that frames were none, or that the server took the request back. */
static struct outcome judge_http2(const struct http_request *request, CURLcode code)
{
	switch (code) {
	case CURLE_GOT_NOTHING:
		return request->received ? malformed("server does not speak HTTP/2")
					 : broken(request);
	case CURLE_HTTP2_STREAM: /* also for an answer that came before all of the request was sent */
		return malformed("HTTP/2 stream broken off, by the server or for an error in its reply");
	case CURLE_COULDNT_CONNECT: /* for a second try */
		return malformed("server refused the request");
	case CURLE_RECV_ERROR:
		return http_error(request) ? broken(request)
					   : malformed("reply is not valid HTTP/2");
	default:
		return malformed("reply is not valid HTTP/2");
	}
}

static bool is_http2(const struct check *check)
{
	return check->type == CHECK_GRPC || check->version == HTTP_VERSION_2;
}

/* What TLS says of a connection that broke; NULL: nothing. */
static const struct outcome *tunnel_failure(const struct http_request *request)
{
	return request->tunnel ? http_tunnel_failure(request->tunnel) : NULL;
}

struct outcome http_broken(const struct http_request *request, CURLcode code, bool headers_done)
{
	const struct outcome *failure = tunnel_failure(request);

	if (code != CURLE_OK && failure)
		return *failure;
	switch (code) {
	case CURLE_OK: /* libcurl takes headers without an end for an answer */
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
		return broken(request);
	case CURLE_OUT_OF_MEMORY:
		return no_memory(request, headers_done);
	default:
		break;
	}
	if (is_http2(request->flight->check))
		return judge_http2(request, code);
	if (code == CURLE_GOT_NOTHING)
		return broken(request);
	return code == CURLE_RECV_ERROR ? not_received(request) : malformed("reply is not HTTP");
}

/* ---- the way there -------------------------------------------------------------------------- */

/* It stands. */
static void ask(struct flight *flight, const struct outcome *failure)
{
	struct outcome ended;

	if (failure) {
		ended = *failure; /* it goes with the tunnel */
		flight_end(flight, &ended);
	} else if (!http_send(flight->request)) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
	}
}

static void connected(struct flight *flight)
{
	struct http_request *request = flight->request;

	if (!request)
		flight->request = request = http_take(flight->client, flight);
	if (!request) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
	} else if (!check_speaks_tls(flight->check)) {
		ask(flight, NULL);
	} else if (!flight->tls) {
		flight_fail(flight, STEP_REPLY, ENOKEY);
	} else {
		request->tunnel = http_tunnel_open(flight, ask);
		if (!request->tunnel)
			flight_fail(flight, STEP_REPLY, ENOMEM);
	}
}

void http_begin(struct flight *flight)
{
	dial_start(flight, connected);
}

struct outcome http_expired(const struct flight *flight)
{
	const struct http_request *request = flight->request;
	const struct http_tunnel *tunnel = request ? request->tunnel : NULL;
	bool stands = tunnel && http_tunnel_stands(tunnel);
	struct outcome outcome = outcome_of_deadline(flight->connected,
						     stands ? http_tunnel_received(tunnel)
							    : dial_received(flight->fd));

	if (tunnel && !stands)
		outcome.fault = TLS_AWAITS;
	return outcome;
}
