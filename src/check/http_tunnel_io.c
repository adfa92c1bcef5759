/* Two streams, each with one buffer: nothing is read from one side before the other has taken what came last. */
#include "check/http_tunnel_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/outcome.h"
#include "check/tls_io.h"
#include "check/tls_tell_io.h"
#include "config/model.h"
#include "core/loop.h"

#define STREAM 4096
#define BACKLOG 8

struct stream {
	uint8_t bytes[STREAM];
	size_t at, filled;
	bool ended; /* its source gives no more */
};

struct http_tunnel {
	struct flight *flight;
	void (*ready)(struct flight *flight, const struct outcome *failure);
	struct tls tls;
	int listener;          /* where libcurl will come in; -1: it has */
	int inner, outer;      /* our end, and libcurl's; -1: not there, or given away */
	struct sockaddr_un name;
	socklen_t name_size;
	struct loop_io io;     /* watches the listener, then inner; flight->io the connection */
	struct stream in, out; /* from the server; from libcurl */
	bool told_end;         /* libcurl knows that no more comes */
	bool stands, failed;
	uint32_t received;
};

static bool is_empty(const struct stream *stream)
{
	return stream->at == stream->filled;
}

static const struct tls_options *options_of(const struct http_tunnel *tunnel)
{
	return &tunnel->flight->check->tls;
}

/* ---- what moves: true when something did ------------------------------------------------------ */

static bool take_from_server(struct http_tunnel *tunnel)
{
	struct stream *in = &tunnel->in;
	ssize_t got;

	if (!is_empty(in) || in->ended)
		return false;
	got = tls_read(&tunnel->tls, options_of(tunnel), in->bytes, sizeof(in->bytes));
	if (got == -EAGAIN)
		return false;
	in->at = 0;
	in->filled = got > 0 ? (size_t)got : 0;
	in->ended = got <= 0;
	tunnel->failed |= got < 0;
	tunnel->received += (uint32_t)in->filled;
	return true;
}

static bool give_to_curl(struct http_tunnel *tunnel)
{
	struct stream *in = &tunnel->in;
	ssize_t sent;

	if (is_empty(in)) {
		if (!in->ended || tunnel->told_end)
			return false;
		shutdown(tunnel->inner, SHUT_WR);
		tunnel->told_end = true;
		return true;
	}
	sent = send(tunnel->inner, in->bytes + in->at, in->filled - in->at, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN) { /* it has closed: what comes is for nobody */
		in->at = in->filled;
		in->ended = tunnel->told_end = true;
	}
	if (sent <= 0)
		return false;
	in->at += (size_t)sent;
	return true;
}

static bool take_from_curl(struct http_tunnel *tunnel)
{
	struct stream *out = &tunnel->out;
	ssize_t got;

	if (!is_empty(out) || out->ended)
		return false;
	got = recv(tunnel->inner, out->bytes, sizeof(out->bytes), 0);
	if (got < 0 && errno == EAGAIN)
		return false;
	out->at = 0;
	out->filled = got > 0 ? (size_t)got : 0;
	out->ended = got <= 0;
	return got > 0;
}

static bool give_to_server(struct http_tunnel *tunnel)
{
	struct stream *out = &tunnel->out;
	ssize_t sent;

	if (is_empty(out))
		return false;
	sent = tls_write(&tunnel->tls, options_of(tunnel), out->bytes + out->at,
			 out->filled - out->at);
	if (sent == -EAGAIN)
		return false;
	if (sent <= 0) { /* what the server says to that is still read */
		out->at = out->filled;
		out->ended = true;
		tunnel->failed |= sent < 0;
		return false;
	}
	out->at += (size_t)sent;
	return true;
}

static void tunnel_pump(struct http_tunnel *tunnel)
{
	struct flight *flight = tunnel->flight;
	bool moved;

	if (tunnel->inner < 0) { /* nobody would take it */
		io_want_read(&flight->io, false);
		io_want_write(&flight->io, false);
		return;
	}
	do {
		moved = take_from_curl(tunnel);
		moved |= give_to_server(tunnel);
		moved |= take_from_server(tunnel);
		moved |= give_to_curl(tunnel);
	} while (moved);
	io_want_read(&flight->io, is_empty(&tunnel->in) && !tunnel->in.ended);
	io_want_write(&flight->io, !is_empty(&tunnel->out));
	io_want_read(&tunnel->io, is_empty(&tunnel->out) && !tunnel->out.ended);
	io_want_write(&tunnel->io, !is_empty(&tunnel->in));
}

static void inner_event(void *ctx)
{
	tunnel_pump(ctx);
}

/* ---- the handshake -------------------------------------------------------------------------- */

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.pid == getpid();
}

/* libcurl knocks. */
static void listener_readable(void *ctx)
{
	struct http_tunnel *tunnel = ctx;
	int fd = accept4(tunnel->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!is_ours(fd)) {
		close(fd);
		return;
	}
	io_fini(&tunnel->io);
	close(tunnel->listener);
	tunnel->listener = -1;
	tunnel->inner = fd;
	if (io_init(tunnel->flight->loop, &tunnel->io, fd, LOOP_NORMAL, inner_event, inner_event,
		    tunnel))
		flight_fail(tunnel->flight, STEP_SOCKET, ENOMEM);
	else
		tunnel_pump(tunnel);
}

/* The kernel chooses the name (unix(7), autobind). */
static bool listen_somewhere(struct http_tunnel *tunnel)
{
	const struct sockaddr_un any = {.sun_family = AF_UNIX};

	tunnel->name_size = sizeof(tunnel->name);
	tunnel->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	tunnel->outer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return tunnel->listener >= 0 && tunnel->outer >= 0 &&
	       !bind(tunnel->listener, (const struct sockaddr *)&any, sizeof(any.sun_family)) &&
	       !listen(tunnel->listener, BACKLOG) &&
	       !getsockname(tunnel->listener, (struct sockaddr *)&tunnel->name,
			    &tunnel->name_size) &&
	       tunnel->name_size <= sizeof(struct sockaddr);
}

/* Only when the handshake is done: servers that refuse it cost no descriptors. */
static bool tunnel_stand(struct http_tunnel *tunnel)
{
	if (!listen_somewhere(tunnel)) {
		tunnel->tls.failure = outcome_of_error(STEP_SOCKET, errno);
		return false;
	}
	if (io_init(tunnel->flight->loop, &tunnel->io, tunnel->listener, LOOP_NORMAL,
		    listener_readable, NULL, tunnel)) {
		tunnel->tls.failure = outcome_of_error(STEP_SOCKET, ENOMEM);
		return false;
	}
	io_want_read(&tunnel->io, true);
	tunnel->stands = true;
	return true;
}

static void tunnel_shake(struct http_tunnel *tunnel)
{
	struct flight *flight = tunnel->flight;
	enum tls_next next = tls_handshake(&tunnel->tls, options_of(tunnel));

	if (next == TLS_READ || next == TLS_WRITE) {
		io_want_read(&flight->io, next == TLS_READ);
		io_want_write(&flight->io, next == TLS_WRITE);
		return;
	}
	tls_tell(flight, &tunnel->tls);
	if (next == TLS_FAILED)
		tunnel->tls.failure.received = dial_received(flight->fd);
	if (next == TLS_FAILED || !tunnel_stand(tunnel)) {
		tunnel->ready(flight, &tunnel->tls.failure);
		return;
	}
	tunnel_pump(tunnel);
	tunnel->ready(flight, NULL);
}

static void connection_event(void *ctx)
{
	struct http_tunnel *tunnel = ctx;

	if (tunnel->stands)
		tunnel_pump(tunnel);
	else
		tunnel_shake(tunnel);
}

struct http_tunnel *http_tunnel_open(struct flight *flight,
				     void (*ready)(struct flight *flight,
						   const struct outcome *failure))
{
	struct http_tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	tunnel->flight = flight;
	tunnel->ready = ready;
	tunnel->listener = tunnel->inner = tunnel->outer = -1;
	if (tls_open(&tunnel->tls, flight->tls, options_of(tunnel), flight->fd, &flight->target) ||
	    io_init(flight->loop, &flight->io, flight->fd, LOOP_NORMAL, connection_event,
		    connection_event, tunnel)) {
		http_tunnel_close(tunnel);
		return NULL;
	}
	tls_tell_start(flight);
	io_want_write(&flight->io, true); /* the connection stands: our hello goes out in the next turn */
	return tunnel;
}

void http_tunnel_close(struct http_tunnel *tunnel)
{
	if (!tunnel)
		return;
	io_fini(&tunnel->flight->io);
	io_fini(&tunnel->io);
	tls_close(&tunnel->tls);
	if (tunnel->listener >= 0)
		close(tunnel->listener);
	if (tunnel->inner >= 0)
		close(tunnel->inner);
	if (tunnel->outer >= 0)
		close(tunnel->outer);
	free(tunnel);
}

int http_tunnel_end(struct http_tunnel *tunnel, struct sockaddr *name, unsigned *size)
{
	int end = tunnel->outer;

	memcpy(name, &tunnel->name, tunnel->name_size);
	*size = tunnel->name_size;
	tunnel->outer = -1;
	return end;
}

const struct outcome *http_tunnel_failure(const struct http_tunnel *tunnel)
{
	return tunnel->failed ? &tunnel->tls.failure : NULL;
}

uint32_t http_tunnel_received(const struct http_tunnel *tunnel)
{
	return tunnel->received;
}

bool http_tunnel_stands(const struct http_tunnel *tunnel)
{
	return tunnel->stands;
}
