/* See the header. Where verification has failed OpenSSL keeps the chain as it was built, but no peer. */
#include "check/tls_tell_io.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "check/flight_io.h"
#include "check/tls_io.h"
#include "config/model.h"

#define NAME_ROOM 200
#define CHAIN_SHOWN 4

void tls_tell_start(const struct flight *flight)
{
	const struct tls_options *options = &flight->check->tls;

	flight_did(flight, "TLS: handshake%s%s%s%s", options->sni ? ", asking for " : " without a name",
		   options->sni ? options->sni : "",
		   options->certificate_file ? ", with our certificate" : "",
		   options->verify ? "" : "; what it shows is not verified");
}

static const char *name_of(const X509_NAME *name, char out[NAME_ROOM])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int got = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		got = BIO_read(bio, out, NAME_ROOM - 1);
	BIO_free(bio);
	out[got > 0 ? got : 0] = '\0';
	return out;
}

/* "www.example.org, 192.0.2.1 and 3 more" would need a decision on what matters: as OpenSSL writes them. */
static void tell_names(const struct flight *flight, X509 *certificate)
{
	int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
	BIO *bio = BIO_new(BIO_s_mem());
	char names[NAME_ROOM];
	int got = 0;

	if (bio && at >= 0 && X509V3_EXT_print(bio, X509_get_ext(certificate, at), 0, 0))
		got = BIO_read(bio, names, sizeof(names) - 1);
	BIO_free(bio);
	names[got > 0 ? got : 0] = '\0';
	if (got > 0)
		flight_did(flight, "TLS:   for %s%s", names, got == NAME_ROOM - 1 ? "…" : "");
}

static void tell_certificate(const struct flight *flight, X509 *certificate, int at)
{
	char subject[NAME_ROOM], issuer[NAME_ROOM];
	int days = 0, seconds = 0;

	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
	flight_did(flight, "TLS: %s %s, issued by %s, %s%d day%s", at ? "issuer" : "certificate",
		   name_of(X509_get_subject_name(certificate), subject),
		   name_of(X509_get_issuer_name(certificate), issuer),
		   days < 0 || seconds < 0 ? "expired since " : "valid for ", days < 0 ? -days : days,
		   days == 1 || days == -1 ? "" : "s");
	if (!at)
		tell_names(flight, certificate);
}

static void tell_chain(const struct flight *flight, SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	if (!chain)
		chain = SSL_get0_verified_chain(ssl);
	for (int i = 0; i < sk_X509_num(chain) && i < CHAIN_SHOWN; i++)
		tell_certificate(flight, sk_X509_value(chain, i), i);
}

static void tell_agreed(const struct flight *flight, const SSL *ssl)
{
	const unsigned char *alpn;
	unsigned length;

	SSL_get0_alpn_selected(ssl, &alpn, &length);
	flight_did(flight, "TLS: %s, %s%s%.*s", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
		   length ? ", alpn " : "", (int)length, length ? (const char *)alpn : "");
}

void tls_tell(const struct flight *flight, const struct tls *tls)
{
	long verified;

	if (!flight->look || !tls->ssl)
		return;
	if (SSL_is_init_finished(tls->ssl) || SSL_get_current_cipher(tls->ssl))
		tell_agreed(flight, tls->ssl);
	tell_chain(flight, tls->ssl);
	verified = SSL_get_verify_result(tls->ssl);
	if (verified != X509_V_OK)
		flight_did(flight, "TLS: %s: %s",
			   flight->check->tls.verify ? "not believed" : "would not be believed, which is not asked for",
			   X509_verify_cert_error_string(verified));
	else if (flight->check->tls.verify && SSL_is_init_finished(tls->ssl))
		flight_did(flight, "TLS: the certificate is verified");
	ERR_clear_error();
}
