/* A connection and a handshake, always a whole one. A server that asks for a certificate is listened to a
 * moment longer: with TLS 1.3 it may refuse ours when our side is done. */
#include "check/probe_tls.h"

#include <errno.h>
#include <stdlib.h>

#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/outcome.h"
#include "check/tls_io.h"
#include "check/tls_tell_io.h"
#include "config/model.h"

static void tls_end(struct flight *flight, enum tls_next how)
{
	struct tls *tls = flight->request;
	struct outcome outcome = {.reason = REASON_PASSED, .step = STEP_REPLY, .fault = tls->said};

	if (how == TLS_FAILED) {
		outcome = tls->failure;
		outcome.received = dial_received(flight->fd);
	}
	/* a server whose program lives hears our goodbye, see tls_io.c; the reset that dial_io.c has prepared is
	 * for others */
	flight->farewell = outcome.reason != REASON_RESET;
	flight_end(flight, &outcome);
}

static void tls_go_on(void *ctx)
{
	struct flight *flight = ctx;
	const struct tls_options *options = &flight->check->tls;
	struct tls *tls = flight->request;
	enum tls_next next = TLS_DONE;

	if (!tls->is_done) {
		next = tls_handshake(tls, options);
		if (next == TLS_DONE || next == TLS_FAILED)
			tls_tell(flight, tls);
	}
	tls->is_done |= next == TLS_DONE;
	if (tls->is_done && tls_is_doubtful(tls))
		next = tls_confirm(tls, options);
	if (next == TLS_DONE || next == TLS_FAILED) {
		tls_end(flight, next);
		return;
	}
	io_want_read(&flight->io, next == TLS_READ);
	io_want_write(&flight->io, next == TLS_WRITE);
}

static void tls_connected(struct flight *flight)
{
	struct tls *tls;

	if (!flight->tls) {
		flight_fail(flight, STEP_REPLY, ENOKEY);
		return;
	}
	tls = malloc(sizeof(*tls));
	flight->request = tls;
	if (!tls || tls_open(tls, flight->tls, &flight->check->tls, flight->fd, &flight->target) ||
	    io_init(flight->loop, &flight->io, flight->fd, LOOP_NORMAL, tls_go_on, tls_go_on, flight)) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
		return;
	}
	tls_tell_start(flight);
	tls_go_on(flight);
}

static void tls_start(struct flight *flight)
{
	dial_start(flight, tls_connected);
}

static void tls_stop(struct flight *flight)
{
	struct tls *tls = flight->request;

	if (tls)
		tls_close(tls);
	free(tls);
	flight->request = NULL;
}

static struct outcome tls_deadline(const struct flight *flight)
{
	return tls_expired(flight->connected, dial_received(flight->fd));
}

const struct probe_type probe_tls = {
	.start = tls_start,
	.stop = tls_stop,
	.expired = tls_deadline,
};
