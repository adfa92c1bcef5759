/* A talk: one dialogue with a server over a connection, as a machine without effects. It is given the
 * bytes that were received and not taken yet, and answers: send this, wait for more, passed, failed.
 * Whatever pieces the bytes come in, the end is the same: a dialogue looks at what is there, takes
 * whole messages only, and waits when one is not complete.
 *
 * A type is a `struct dialogue` (its own pure file: tcp.c) and a row in probe_talk.c, which has the
 * connection. All bytes are foreign, and bounded: TALK_IN received and not taken, TALK_OUT to send. */
#ifndef LBHA_CHECK_TALK_H
#define LBHA_CHECK_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "check/match.h"
#include "check/outcome.h"

struct check;

#define TALK_IN (16u << 10)
#define TALK_OUT 4096u

enum talk_next {
	TALK_MORE,   /* no whole message is there: it goes on with more bytes */
	TALK_AGAIN,  /* a step forward: what is left may hold the next message */
	TALK_TLS,    /* what was put to be sent is sent, then it goes on inside TLS: with talk->secure */
	TALK_PASSED, /* what was put to be sent and has not gone yet is sent first */
	TALK_FAILED, /* talk->reason says why */
};

struct talk {
	const struct check *check;
	const uint8_t *bytes; /* received and not taken yet */
	size_t size;
	bool closed;          /* the server sends no more: it has closed or reset the connection */
	bool secure;          /* TLS is there: bytes come and go inside it */
	bool full;            /* TALK_IN bytes are there: there is no room for more */
	struct writer out;    /* what is to be sent: put_bytes() and the like */
	match_search_function *search; /* for the check's expression */
	const struct pattern *wanted;
	/* the dialogue's own, all 0 at the beginning */
	unsigned step;
	size_t seen;          /* of `bytes`: looked at in vain */
	uint64_t work;        /* of searches so far */
	/* What comes next, for a person, without an article: "greeting". NULL: reply. A static text. */
	const char *awaits;
	/* The end is an orderly close, not a reset: for servers that count or log the latter. Costs a port
	 * for a minute. Whoever passes with bytes still to be sent gets it anyway. */
	bool orderly;
	bool goodbye;         /* what was sent last asks the server to close: it is waited for to do so, for a moment */
	struct advice told;   /* of the server, beside its end */
	enum probe_reason reason;
	const char *fault;    /* words of the end: static, or `said`; NULL: none */
	char said[OUTCOME_SAID];
};

struct dialogue {
	/* One step on what is there; first with nothing received, to say what the client says first. When
	 * it answers MORE on a talk that is closed or full, talk_next() makes the failure of it. */
	enum talk_next (*step)(struct talk *talk);
};

/* Begins: `room` (TALK_OUT bytes) is for what will be sent. */
void talk_init(struct talk *talk, const struct check *check, uint8_t *room);

/* Steps until the talk waits or ends: MORE, TLS, PASSED or FAILED. What came before TLS and was not asked for fails
 * it: it could pass for something said inside (CVE-2011-0411). */
enum talk_next talk_next(struct talk *talk, const struct dialogue *dialogue);

/* The outcome of a talk that has ended (PASSED, or FAILED with its reason); `received` in all. */
struct outcome talk_outcome(const struct talk *talk, enum talk_next end, uint32_t received);
/* The outcome when the connection breaks (errno; 0: closed) or its deadline comes meanwhile. */
struct outcome talk_broken(const struct talk *talk, int error, uint32_t received);
struct outcome talk_expired(const struct talk *talk, nstime connected, uint32_t received);

/* ---- for dialogues ------------------------------------------------------------------------------ */

/* The first `count` bytes are done with. */
void talk_take(struct talk *talk, size_t count);

/* The end with words; `fault` static. */
enum talk_next talk_pass(struct talk *talk, const char *fault);
enum talk_next talk_fail(struct talk *talk, enum probe_reason reason, const char *fault);

/* The words of an end that says something of this server: into talk->said. */
enum talk_next talk_pass_saying(struct talk *talk, const char *format, ...) PRINTF_LIKE(2, 3);
enum talk_next talk_fail_saying(struct talk *talk, enum probe_reason reason, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Foreign bytes for a person: one line without what follows the last one that is no blank, at most 60 bytes and "…"
 * when there are more. */
#define TALK_QUOTE 64
const char *talk_quote(const void *bytes, size_t size, char out[TALK_QUOTE]);

#endif
