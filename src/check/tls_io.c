/* See the header. OpenSSL reads and writes the socket by itself. It takes five bytes first, and stops when these
 * are no TLS: with what is left in the socket they tell what a server has said instead.
 *
 * A probe ends with close_notify on its way and an orderly close of the socket: a reset in place of that makes
 * servers log a failed handshake, since with TLS 1.3 they still write when ours is done. */
#include "check/tls_io.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "check/tls_memory_io.h"
#include "check/tls_words_io.h"
#include "config/model.h"

#define PEEK 64
#define ALPN_ROOM 1024

/* Record types that begin a server's side of a handshake. */
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22

/* What OpenSSL does not tell otherwise: messages that came, by their first bytes. */
static void message(int sent, int version, int type, const void *bytes, size_t size, SSL *ssl, void *ctx)
{
	const uint8_t *byte = bytes;
	struct tls *tls = ctx;

	(void)version;
	(void)ssl;
	if (!sent && type == SSL3_RT_HEADER && !tls->answered && size == sizeof(tls->head)) {
		memcpy(tls->head, bytes, size);
		tls->answered = true;
	}
	if (sent || type != SSL3_RT_HANDSHAKE || !size)
		return;
	if (byte[0] == SSL3_MT_SERVER_HELLO && size >= 6)
		tls->version = (uint16_t)(byte[4] << 8 | byte[5]);
	tls->asked |= byte[0] == SSL3_MT_CERTIFICATE_REQUEST;
	tls->ticket |= byte[0] == SSL3_MT_NEWSESSION_TICKET;
}

/* Length and name of each, one after the other. */
static bool set_alpn(SSL *ssl, const struct tls_options *options)
{
	uint8_t wire[ALPN_ROOM];
	size_t used = 0;

	for (size_t i = 0; i < options->alpn_count; i++) {
		size_t length = strlen(options->alpn[i]);

		if (used + 1 + length > sizeof(wire))
			return false;
		wire[used++] = (uint8_t)length;
		memcpy(wire + used, options->alpn[i], length);
		used += length;
	}
	return !used || !SSL_set_alpn_protos(ssl, wire, (unsigned)used);
}

/* Who the server must be: by its name, or by the address that is probed. */
static bool set_identity(SSL *ssl, const struct tls_options *options, const struct addr *address)
{
	if (!options->sni)
		return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address->bytes,
						 addr_size(address->family));
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* as SSL_set_tlsext_host_name(), which casts const away; it is copied */
	return SSL_set1_host(ssl, options->sni) &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)options->sni);
}

int tls_open(struct tls *tls, SSL_CTX *context, const struct tls_options *options, int fd,
	     const struct endpoint *target)
{
	*tls = (struct tls){.fd = fd, .target = target, .starved = tls_memory_failures()};
	tls->ssl = SSL_new(context);
	if (tls->ssl && SSL_set_fd(tls->ssl, fd) && set_alpn(tls->ssl, options) &&
	    set_identity(tls->ssl, options, &target->address)) {
		SSL_set_msg_callback(tls->ssl, message);
		SSL_set_msg_callback_arg(tls->ssl, tls);
		SSL_set_connect_state(tls->ssl);
		return 0;
	}
	SSL_free(tls->ssl);
	tls->ssl = NULL;
	ERR_clear_error();
	return -ENOMEM;
}

/* ---- failures ------------------------------------------------------------------------------- */

static enum tls_next fail_socket(struct tls *tls, int error)
{
	tls->failure = outcome_of_error(STEP_REPLY, error);
	if (tls->failure.reason == REASON_RESET)
		tls->failure.fault = SSL_is_init_finished(tls->ssl) ? NULL : TLS_AWAITS;
	return TLS_FAILED;
}

/* Whether a server has said something that is no TLS, and what. */
static bool blame_plain(struct tls *tls)
{
	uint8_t bytes[PEEK];
	ssize_t more;

	if (!tls->answered || tls->head[0] == RECORD_ALERT || tls->head[0] == RECORD_HANDSHAKE ||
	    SSL_is_init_finished(tls->ssl))
		return false;
	memcpy(bytes, tls->head, sizeof(tls->head));
	more = recv(tls->fd, bytes + sizeof(tls->head), sizeof(bytes) - sizeof(tls->head),
		    MSG_PEEK | MSG_DONTWAIT);
	tls_blame_plain(tls, bytes, sizeof(tls->head) + (more > 0 ? (size_t)more : 0));
	return true;
}

/* What the last call of OpenSSL means. */
static enum tls_next judge(struct tls *tls, const struct tls_options *options, int result)
{
	int saved = errno;
	unsigned long error = ERR_peek_error();

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_ZERO_RETURN:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WRITE;
	case SSL_ERROR_SYSCALL:
		return fail_socket(tls, saved);
	default:
		break;
	}
	if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		fail_socket(tls, 0);
	else if (!blame_plain(tls))
		tls_blame(tls, options);
	ERR_clear_error();
	return TLS_FAILED;
}

/* The end of a connection that has failed: for want of memory, it says nothing of the server. */
static enum tls_next fail(struct tls *tls)
{
	if (tls->starved != tls_memory_failures())
		tls->failure = outcome_of_error(STEP_REPLY, ENOMEM);
	return TLS_FAILED;
}

/* ---- the handshake -------------------------------------------------------------------------- */

enum tls_next tls_handshake(struct tls *tls, const struct tls_options *options)
{
	enum tls_next next;

	ERR_clear_error();
	errno = 0;
	next = judge(tls, options, SSL_connect(tls->ssl));
	if (next == TLS_READ || next == TLS_WRITE)
		return next;
	if (next == TLS_DONE && tls_judge_alpn(tls, options) && tls_judge_days(tls, options))
		return TLS_DONE;
	return fail(tls);
}

bool tls_is_doubtful(const struct tls *tls)
{
	return tls->asked && !tls->ticket && SSL_version(tls->ssl) >= TLS1_3_VERSION;
}

enum tls_next tls_confirm(struct tls *tls, const struct tls_options *options)
{
	char byte;
	ssize_t got;

	if (!(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN)) {
		SSL_shutdown(tls->ssl);
		shutdown(tls->fd, SHUT_WR);
	}
	got = tls_read(tls, options, &byte, 1);
	if (got >= 0 || tls->ticket)
		return TLS_DONE;
	return got == -EAGAIN ? TLS_READ : fail(tls);
}

/* ---- what follows --------------------------------------------------------------------------- */

static ssize_t moved(struct tls *tls, const struct tls_options *options, int result)
{
	if (result > 0)
		return result;
	switch (judge(tls, options, result)) {
	case TLS_DONE:
		return 0;
	case TLS_READ:
	case TLS_WRITE:
		return -EAGAIN;
	case TLS_FAILED:
		fail(tls);
		break;
	}
	return tls->failure.reason == REASON_RESET && !tls->failure.error ? 0 : -EPROTO;
}

ssize_t tls_read(struct tls *tls, const struct tls_options *options, void *bytes, size_t size)
{
	ERR_clear_error();
	errno = 0;
	return moved(tls, options, SSL_read(tls->ssl, bytes, (int)size));
}

ssize_t tls_write(struct tls *tls, const struct tls_options *options, const void *bytes, size_t size)
{
	ERR_clear_error();
	errno = 0;
	return moved(tls, options, SSL_write(tls->ssl, bytes, (int)size));
}

struct outcome tls_expired(nstime connected, uint32_t received)
{
	struct outcome outcome = outcome_of_deadline(connected, received);

	outcome.fault = TLS_AWAITS;
	return outcome;
}

void tls_close(struct tls *tls)
{
	if (!tls->ssl)
		return;
	ERR_clear_error();
	if (SSL_is_init_finished(tls->ssl) && !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
		SSL_shutdown(tls->ssl);
	SSL_free(tls->ssl);
	tls->ssl = NULL;
	ERR_clear_error();
}
