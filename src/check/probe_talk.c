/* The machine of talk.h on a connection: what it wants to say is written as the socket takes it, what
 * comes is read into its buffer, and each reading is a step.
 *
 * A conversation (machine and buffers) is with its flight from the connection on; a few are kept for
 * reuse. A server that is down costs none.
 *
 * Once a dialogue wants TLS, all of this goes on inside it (tls_io.c).
 *
 * A server may have answered and gone before we have written anything ("too many connections"): an
 * error of writing ends nothing while there may be something to read. */
#include "check/probe_talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "check/agent.h"
#include "check/dial_io.h"
#include "check/dns.h"
#include "check/dns_words.h"
#include "check/flight_io.h"
#include "check/ldap.h"
#include "check/match_io.h"
#include "check/mysql.h"
#include "check/outcome.h"
#include "check/postgresql.h"
#include "check/redis.h"
#include "check/smtp.h"
#include "check/talk.h"
#include "check/tcp.h"
#include "check/tls_io.h"
#include "check/tls_tell_io.h"
#include "config/model.h"
#include "core/loop.h"

#define IDLE_MOST 32 /* conversations kept for reuse */

static const struct dialogue *const DIALOGUES[CHECK_TYPES] = {
	[CHECK_TCP] = &tcp_dialogue,
	[CHECK_AGENT] = &agent_dialogue,
	[CHECK_DNS] = &dns_dialogue,
	[CHECK_REDIS] = &redis_dialogue,
	[CHECK_MYSQL] = &mysql_dialogue,
	[CHECK_POSTGRESQL] = &postgresql_dialogue,
	[CHECK_LDAP] = &ldap_dialogue,
	[CHECK_SMTP] = &smtp_dialogue,
};

struct talk_client {
	struct conversation *idle;
	unsigned idle_count;
};

struct conversation {
	struct conversation *next; /* while idle */
	const struct dialogue *dialogue;
	struct talk talk;
	size_t filled; /* of `in` */
	size_t sent;   /* of `out` */
	int error;     /* of writing; 0: none */
	uint32_t received;
	enum talk_next end; /* PASSED, TLS: as soon as all is sent */
	bool shaking;       /* hands, over TLS */
	struct tls tls;
	uint8_t out[TALK_OUT], in[TALK_IN];
};

/* ---- memory ------------------------------------------------------------------------------------- */

static struct conversation *conversation_take(struct talk_client *client)
{
	struct conversation *taken = client->idle;

	if (!taken)
		return malloc(sizeof(*taken));
	client->idle = taken->next;
	client->idle_count--;
	return taken;
}

static void conversation_give_back(struct talk_client *client, struct conversation *given)
{
	if (client->idle_count >= IDLE_MOST) {
		free(given);
		return;
	}
	given->next = client->idle;
	client->idle = given;
	client->idle_count++;
}

/* What a reload renews. */
static void conversation_renew(struct conversation *it, const struct flight *flight)
{
	it->talk.check = flight->check;
	it->talk.wanted = flight->patterns->wanted;
}

static void conversation_begin(struct conversation *it, const struct flight *flight)
{
	it->dialogue = DIALOGUES[flight->check->type];
	it->filled = it->sent = it->received = 0;
	it->error = 0;
	it->end = TALK_MORE;
	it->shaking = false;
	it->tls.ssl = NULL;
	talk_init(&it->talk, flight->check, it->out);
	it->talk.bytes = it->in;
	it->talk.search = pattern_search;
}

/* ---- the end ------------------------------------------------------------------------------------ */

/* Instead of the reset that dial_io.c has prepared. */
static void close_orderly(int fd)
{
	const struct linger off = {0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

static void end(struct flight *flight, enum talk_next how)
{
	struct conversation *it = flight->request;
	const struct outcome outcome = talk_outcome(&it->talk, how, it->received);

	flight->farewell = it->talk.goodbye || it->talk.secure;
	if (it->talk.orderly && !flight->farewell)
		close_orderly(flight->fd);
	flight_end(flight, &outcome);
}

/* TLS says why. */
static void end_tls(struct flight *flight)
{
	struct conversation *it = flight->request;
	struct outcome outcome = it->tls.failure;

	outcome.received = dial_received(flight->fd);
	flight->farewell = outcome.reason != REASON_RESET;
	flight_end(flight, &outcome);
}

/* No more can come: the dialogue may know what to make of what did. */
static void end_broken(struct flight *flight, int error)
{
	struct conversation *it = flight->request;
	struct outcome outcome;

	if (it->talk.secure && error == EPROTO) {
		end_tls(flight);
		return;
	}
	conversation_renew(it, flight);
	it->talk.closed = true;
	outcome = talk_outcome(&it->talk, talk_next(&it->talk, it->dialogue), it->received);
	if (outcome.reason == REASON_RESET)
		outcome = talk_broken(&it->talk, error, it->received);
	flight_end(flight, &outcome);
}

/* ---- sending and receiving ---------------------------------------------------------------------- */

static ssize_t transmit_any(struct flight *flight, const void *bytes, size_t size)
{
	struct conversation *it = flight->request;
	ssize_t sent;

	if (it->talk.secure)
		return tls_write(&it->tls, &flight->check->tls, bytes, size);
	sent = send(flight->fd, bytes, size, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return sent;
}

/* DNS: a message behind its length, if it came in one piece. */
static void tell_message(const struct flight *flight, const char *what, const uint8_t *bytes, size_t size)
{
	char words[400];

	if (flight->look && flight->check->type == CHECK_DNS && size > 2)
		flight_did(flight, "DNS %s: %s", what, dns_words(bytes + 2, size - 2, words, sizeof(words)));
}

static ssize_t transmit(struct flight *flight, const void *bytes, size_t size)
{
	ssize_t sent = transmit_any(flight, bytes, size);

	if (sent > 0)
		flight_sent(flight, bytes, (size_t)sent);
	if (sent > 0)
		tell_message(flight, "question", bytes, (size_t)sent);
	return sent;
}

static ssize_t receive_any(struct flight *flight, void *bytes, size_t size)
{
	struct conversation *it = flight->request;
	ssize_t got;

	if (it->talk.secure)
		return tls_read(&it->tls, &flight->check->tls, bytes, size);
	got = recv(flight->fd, bytes, size, 0);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return got;
}

static ssize_t receive(struct flight *flight, void *bytes, size_t size)
{
	ssize_t got = receive_any(flight, bytes, size);

	if (got > 0)
		flight_heard(flight, bytes, (size_t)got);
	if (got > 0)
		tell_message(flight, "answer", bytes, (size_t)got);
	else if (!got)
		flight_did(flight, "the server has closed the connection");
	return got;
}

/* Sends what the socket takes. True when nothing is left to be sent, or nothing can be. */
static bool flush(struct flight *flight)
{
	struct conversation *it = flight->request;
	size_t left = writer_used(&it->talk.out) - it->sent;
	ssize_t sent = 0;

	if (left && !it->error) {
		sent = transmit(flight, it->out + it->sent, left);
		if (sent < 0 && sent != -EAGAIN)
			it->error = (int)-sent;
	}
	if (it->error || !left)
		return true;
	it->sent += sent > 0 ? (size_t)sent : 0;
	left -= sent > 0 ? (size_t)sent : 0;
	if (!left) { /* the room is free for what comes next */
		it->talk.out.at = it->talk.out.start;
		it->sent = 0;
	}
	io_want_write(&flight->io, left > 0);
	return !left;
}

static void shake(struct flight *flight);

static void start_tls(struct flight *flight)
{
	struct conversation *it = flight->request;

	if (!flight->tls) {
		flight_fail(flight, STEP_REPLY, ENOKEY);
		return;
	}
	if (tls_open(&it->tls, flight->tls, &flight->check->tls, flight->fd, &flight->target)) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
		return;
	}
	it->shaking = true;
	tls_tell_start(flight);
	shake(flight);
}

/* What the end of a step asks for, when all is sent. */
static void conclude(struct flight *flight)
{
	struct conversation *it = flight->request;

	if (it->error && (!it->received || it->end == TALK_TLS)) /* it rests on what was not sent */
		end_broken(flight, it->error);
	else if (it->end == TALK_TLS)
		start_tls(flight);
	else
		end(flight, TALK_PASSED);
}

/* Goes on as far as it can. False: it has ended, or goes on elsewhere: the flight may be gone. */
static bool converse(struct flight *flight)
{
	struct conversation *it = flight->request;

	conversation_renew(it, flight);
	if (it->end == TALK_MORE)
		it->end = talk_next(&it->talk, it->dialogue);
	if (it->end == TALK_FAILED) {
		end(flight, TALK_FAILED);
		return false;
	}
	if (it->end != TALK_MORE)
		io_want_read(&flight->io, false);
	if (it->end == TALK_PASSED && writer_used(&it->talk.out) && !it->talk.goodbye)
		it->talk.orderly = true;
	if (!flush(flight) || it->end == TALK_MORE)
		return it->end == TALK_MORE;
	conclude(flight);
	return false;
}

/* A step of the handshake; after it the dialogue has the word. */
static void shake(struct flight *flight)
{
	struct conversation *it = flight->request;
	enum tls_next next = tls_handshake(&it->tls, &flight->check->tls);

	io_want_read(&flight->io, next == TLS_READ || next == TLS_DONE);
	io_want_write(&flight->io, next == TLS_WRITE);
	if (next == TLS_FAILED || next == TLS_DONE)
		tls_tell(flight, &it->tls);
	if (next == TLS_FAILED) {
		end_tls(flight);
	} else if (next == TLS_DONE) {
		it->shaking = false;
		it->talk.secure = true;
		it->end = TALK_MORE;
		converse(flight);
	}
}

static void talk_writable(void *ctx)
{
	struct flight *flight = ctx;
	struct conversation *it = flight->request;

	if (it->shaking)
		shake(flight);
	else if (it->error)
		io_want_write(&flight->io, false);
	else
		converse(flight);
}

/* What the machine has taken makes room. */
static void make_room(struct conversation *it)
{
	size_t left = it->talk.size;

	if (it->talk.bytes != it->in)
		memmove(it->in, it->talk.bytes, left);
	it->talk.bytes = it->in;
	it->filled = left;
}

/* What one read has brought, to the dialogue. As converse(). */
static bool hear(struct flight *flight, ssize_t got)
{
	struct conversation *it = flight->request;

	if (got < 0 || (!got && it->error)) { /* closed before it heard us */
		end_broken(flight, got < 0 ? (int)-got : it->error);
		return false;
	}
	it->talk.closed = !got;
	it->filled += (size_t)got;
	it->received += (uint32_t)got;
	it->talk.size = it->filled;
	it->talk.full = it->filled == sizeof(it->in);
	return converse(flight);
}

static void talk_readable(void *ctx)
{
	struct flight *flight = ctx;
	struct conversation *it = flight->request;
	ssize_t got;

	if (it->shaking) {
		shake(flight);
		return;
	}
	do { /* TLS may hold more than we have room for */
		make_room(it);
		got = receive(flight, it->in + it->filled, sizeof(it->in) - it->filled);
	} while (got != -EAGAIN && hear(flight, got) && it->talk.secure && got > 0);
}

/* ---- the type ----------------------------------------------------------------------------------- */

static void talk_connected(struct flight *flight)
{
	struct conversation *it = conversation_take(flight->client);

	flight->request = it;
	if (!it || io_init(flight->loop, &flight->io, flight->fd, LOOP_NORMAL, talk_readable,
			   talk_writable, flight)) {
		flight_fail(flight, STEP_REPLY, ENOMEM);
		return;
	}
	conversation_begin(it, flight);
	converse(flight);
}

static void talk_start(struct flight *flight)
{
	dial_start(flight, talk_connected);
}

static void talk_stop(struct flight *flight)
{
	struct conversation *it = flight->request;

	if (!it)
		return;
	tls_close(&it->tls);
	conversation_give_back(flight->client, it);
	flight->request = NULL;
}

static struct outcome talk_deadline(const struct flight *flight)
{
	const struct conversation *it = flight->request;

	if (!it)
		return outcome_of_deadline(flight->connected, 0);
	if (it->shaking)
		return tls_expired(flight->connected, dial_received(flight->fd));
	return talk_expired(&it->talk, flight->connected, it->received);
}

static void *talk_client_new(struct loop *loop)
{
	(void)loop;
	return calloc(1, sizeof(struct talk_client));
}

static void talk_client_free(void *ctx)
{
	struct talk_client *client = ctx;

	while (client->idle)
		free(conversation_take(client));
	free(client);
}

const struct probe_type probe_talk = {
	.client_new = talk_client_new,
	.client_free = talk_client_free,
	.start = talk_start,
	.stop = talk_stop,
	.expired = talk_deadline,
};
