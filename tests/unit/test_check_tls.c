/* Handshakes in which one allocation of OpenSSL's fails, or all from one on: whichever it is, the server is not to
 * blame. The server is a child process on the other end of a socket. */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"
#include "check/outcome.h"
#include "check/tls_io.h"
#include "check/tls_memory_io.h"
#include "config/model.h"
#include "suite.h"

static long left = -1; /* allocations until one fails; below 0: none does */
static bool for_good;  /* and all behind it */
static bool reached;

static void *scarce(void *memory, size_t size)
{
	if (left > 0) {
		left--;
	} else if (!left) {
		reached = true;
		left -= !for_good;
		return NULL;
	}
	return realloc(memory, size);
}

static EVP_PKEY *key;
static X509 *certificate;

/* Of itself, for "a.example". */
static void make_certificate(void)
{
	X509_EXTENSION *names;

	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"a.example", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.example");
	X509_add_ext(certificate, names, -1);
	X509_EXTENSION_free(names);
	ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
}

/* A server, until its client has gone. */
static pid_t serve(int version, int fd, int other)
{
	SSL_CTX *context;
	SSL *ssl;
	char byte;
	pid_t pid = fork();

	if (pid)
		return pid;
	close(other);
	alarm(10);
	context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_max_proto_version(context, version);
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		SSL_read(ssl, &byte, 1);
	_exit(0);
}

static SSL_CTX *client_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
	return context;
}

/* One handshake, in which allocation `number` fails. False: it was not reached, and all was well. */
static bool shake_hands(SSL_CTX *context, int version, long number, bool all_behind)
{
	const struct tls_options options = {.sni = "a.example", .verify = true};
	const struct endpoint target = {0};
	enum tls_next next;
	struct tls tls;
	pid_t server;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	server = serve(version, ends[1], ends[0]);
	close(ends[1]);
	for_good = all_behind;
	reached = false;
	left = number;
	if (!tls_open(&tls, context, &options, ends[0], &target)) {
		next = tls_handshake(&tls, &options);
		ck_assert_msg(next == TLS_DONE || (next == TLS_FAILED && tls.failure.reason == REASON_RESOURCES),
			      "allocation %ld: %d, reason %d, %s", number, next, (int)tls.failure.reason,
			      tls.failure.fault ? tls.failure.fault : "");
		left = -1;
		tls_close(&tls);
	}
	left = -1;
	close(ends[0]);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
	return reached;
}

static void starve_at_each(int version, bool all_behind)
{
	SSL_CTX *context;
	long number = 0, step = 1;

	ck_assert(tls_memory_watch(scarce));
	signal(SIGPIPE, SIG_IGN);
	make_certificate();
	context = client_context();
	ck_assert(!shake_hands(context, version, 1000000, false)); /* what OpenSSL makes once is there */
	for (; shake_hands(context, version, number, all_behind); number += step)
		step = 1 + number / 50;
	ck_assert_int_gt(number, 100);
	SSL_CTX_free(context);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

START_TEST(a_handshake_without_memory_for_one_thing_blames_nobody)
{
	starve_at_each(_i ? TLS1_3_VERSION : TLS1_2_VERSION, false);
}
END_TEST

START_TEST(a_handshake_without_memory_from_then_on_blames_nobody)
{
	starve_at_each(_i ? TLS1_3_VERSION : TLS1_2_VERSION, true);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("memory");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_handshake_without_memory_for_one_thing_blames_nobody, 0, 2);
	tcase_add_loop_test(tcase, a_handshake_without_memory_from_then_on_blames_nobody, 0, 2);
	return SUITE_RUN("check-tls", tcase);
}
