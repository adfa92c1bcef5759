/* TLS 1.2 and 1.3 as a client, over the connected socket of a flight: nothing waits. For probe_tls.c and for
 * dialogues that go on over TLS (probe_talk.c). */
#ifndef LBHA_CHECK_TLS_IO_H
#define LBHA_CHECK_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "check/outcome.h"

struct endpoint;
struct ssl_ctx_st;
struct ssl_st;
struct tls_options;

/* What a deadline or an early end is said to have come without. */
#define TLS_AWAITS "TLS handshake"

enum tls_next {
	TLS_READ,   /* call again when there is something to read */
	TLS_WRITE,  /* … when there is room to write */
	TLS_DONE,
	TLS_FAILED, /* `failure` says why */
};

struct tls {
	struct ssl_st *ssl;    /* NULL: not open */
	const struct endpoint *target;
	int fd;
	uint8_t head[5];       /* of the first record that came, whatever it is */
	bool answered;         /* it has come */
	bool is_done;          /* the handshake is, as far as we can tell */
	bool asked;            /* the server wants a certificate of ours */
	bool ticket;           /* it has sent a ticket: it has taken our side of the handshake */
	unsigned starved;      /* tls_memory_failures() at its beginning */
	uint16_t version;      /* that the server's hello has; 0: none has come */
	struct outcome failure;
	char said[OUTCOME_SAID]; /* words of the failure, or of what was agreed on */
};

/* A connection that stands; `target` is kept. -ENOMEM. */
int tls_open(struct tls *tls, struct ssl_ctx_st *context, const struct tls_options *options, int fd,
	     const struct endpoint *target);

/* A step of the handshake, and at its end the options' say. DONE: `said` has what was agreed on. */
enum tls_next tls_handshake(struct tls *tls, const struct tls_options *options);

/* Whether the server has yet to say what it thinks of our certificate (TLS 1.3: it may refuse it after our
 * handshake is done); a step towards that: we say goodbye and listen. */
bool tls_is_doubtful(const struct tls *tls);
enum tls_next tls_confirm(struct tls *tls, const struct tls_options *options);

/* As read(2) and write(2): bytes, 0 at the end, or -EAGAIN; another negative errno: `failure` says why. What is left
 * inside after a read is to be read before waiting. */
ssize_t tls_read(struct tls *tls, const struct tls_options *options, void *bytes, size_t size);
ssize_t tls_write(struct tls *tls, const struct tls_options *options, const void *bytes, size_t size);

/* The outcome when a deadline comes before the end of a handshake; `received` in all. */
struct outcome tls_expired(nstime connected, uint32_t received);

/* Says goodbye if there is room, without waiting; the socket stays open. */
void tls_close(struct tls *tls);

#endif
