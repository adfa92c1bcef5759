/* Tables from OpenSSL's numbers to sentences, and those that name what is in the certificate. */
#include "check/tls_words_io.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "check/talk.h"
#include "check/tls_io.h"
#include "config/model.h"

#define NAME_ROOM 64 /* of a certificate, as shown */

static struct text fail(struct tls *tls, enum probe_reason reason)
{
	tls->failure = (struct outcome){.reason = reason, .step = STEP_REPLY, .fault = tls->said};
	return text_of(tls->said, sizeof(tls->said));
}

/* ---- names ---------------------------------------------------------------------------------- */

/* The common name of a subject, foreign bytes; "(no name)". */
static void add_common_name(struct text *out, const X509_NAME *name)
{
	char bytes[NAME_ROOM];
	int length = X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, NID_commonName, bytes,
					       sizeof(bytes));

	if (length > 0)
		text_add_clean(out, bytes, strlen(bytes));
	else
		text_add(out, "(no name)");
}

static void add_address(struct text *out, const ASN1_OCTET_STRING *bytes)
{
	struct addr address = {.family = bytes->length == 4 ? AF_INET : AF_INET6};
	char shown[ADDR_TEXT];

	if (bytes->length != (int)addr_size(address.family))
		return;
	memcpy(address.bytes, bytes->data, (size_t)bytes->length);
	text_add(out, "%s", addr_format(&address, shown));
}

static bool add_alternative(struct text *out, const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *host = name->d.dNSName;

	if (name->type == GEN_DNS)
		text_add_clean(out, (const char *)ASN1_STRING_get0_data(host),
			       (size_t)(ASN1_STRING_length(host) < NAME_ROOM ? ASN1_STRING_length(host)
									     : NAME_ROOM));
	else if (name->type == GEN_IPADD)
		add_address(out, name->d.iPAddress);
	else
		return false;
	return true;
}

/* Whom it is for: its first name, and how many more there are. */
static void add_owner(struct text *out, const X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (count)
			count += name->type == GEN_DNS || name->type == GEN_IPADD;
		else
			count += add_alternative(out, name);
	}
	if (count > 1)
		text_add(out, " and %d more", count - 1);
	if (!count)
		add_common_name(out, X509_get_subject_name(certificate));
	GENERAL_NAMES_free(names);
}

/* ---- days ----------------------------------------------------------------------------------- */

/* From now to then, in days of 24 hours towards zero and the seconds that are left over; past: negative. */
static bool time_left(const ASN1_TIME *then, int *days, int *seconds)
{
	return ASN1_TIME_diff(days, seconds, NULL, then);
}

static void add_span(struct text *out, int days, int seconds)
{
	int hours = (seconds < 0 ? -seconds : seconds) / 3600;

	days = days < 0 ? -days : days;
	if (days)
		text_add(out, "%d day%s", days, days == 1 ? "" : "s");
	else if (hours)
		text_add(out, "%d hour%s", hours, hours == 1 ? "" : "s");
	else
		text_add(out, "less than an hour");
}

/* The one of the chain that ends first; the server's own where none was verified. */
static const X509 *first_to_end(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	const X509 *first = SSL_get0_peer_certificate(ssl);

	for (int i = 0; SSL_get_verify_mode(ssl) && i < sk_X509_num(chain); i++) {
		const X509 *one = sk_X509_value(chain, i);

		if (ASN1_TIME_compare(X509_get0_notAfter(one), X509_get0_notAfter(first)) < 0)
			first = one;
	}
	return first;
}

/* "certificate", or whose it is if not the server's. */
static void add_subject(struct text *out, const X509 *certificate, bool is_servers)
{
	text_add(out, "certificate ");
	if (is_servers)
		return;
	text_add(out, "of issuer ");
	add_common_name(out, X509_get_subject_name(certificate));
	text_add(out, " ");
}

bool tls_judge_days(struct tls *tls, const struct tls_options *options)
{
	const X509 *servers = SSL_get0_peer_certificate(tls->ssl), *first;
	struct text out = text_of(tls->said, sizeof(tls->said));
	int days, seconds;

	if (!servers) {
		out = fail(tls, REASON_CERTIFICATE);
		text_add(&out, "no certificate");
		return false;
	}
	first = first_to_end(tls->ssl);
	if (!time_left(X509_get0_notAfter(first), &days, &seconds)) {
		out = fail(tls, REASON_CERTIFICATE);
		text_add(&out, "certificate without a valid date");
		return false;
	}
	if (!options->min_days_left || days >= (int)options->min_days_left) {
		text_add(&out, "%s, certificate %s ", SSL_get_version(tls->ssl),
			 days < 0 || seconds < 0 ? "expired since" : "valid for");
		add_span(&out, days, seconds);
		return true;
	}
	out = fail(tls, REASON_CERTIFICATE);
	add_subject(&out, first, first == servers);
	text_add(&out, days < 0 || seconds < 0 ? "expired " : "expires in ");
	add_span(&out, days, seconds);
	text_add(&out, "%s, wanted at least %u day%s", days < 0 || seconds < 0 ? " ago" : "",
		 options->min_days_left, options->min_days_left == 1 ? "" : "s");
	return false;
}

/* ---- alpn ----------------------------------------------------------------------------------- */

static void add_wanted(struct text *out, const struct tls_options *options)
{
	for (size_t i = 0; i < options->alpn_count; i++)
		text_add(out, "%s%s", i ? " or " : "", options->alpn[i]);
}

bool tls_judge_alpn(struct tls *tls, const struct tls_options *options)
{
	const unsigned char *chosen;
	struct text out;
	unsigned length;

	SSL_get0_alpn_selected(tls->ssl, &chosen, &length);
	for (size_t i = 0; i < options->alpn_count; i++)
		if (length == strlen(options->alpn[i]) && !memcmp(chosen, options->alpn[i], length))
			return true;
	if (!options->alpn_count)
		return true;
	out = fail(tls, REASON_TLS);
	text_add(&out, "alpn: server chose ");
	if (length)
		text_add_clean(&out, (const char *)chosen, length);
	else
		text_add(&out, "none");
	text_add(&out, ", wanted ");
	add_wanted(&out, options);
	return false;
}

/* ---- verification --------------------------------------------------------------------------- */

static void add_wrong_owner(struct text *out, const struct tls *tls, const struct tls_options *options,
			    const X509 *certificate)
{
	char address[ADDR_TEXT];

	text_add(out, "certificate is for ");
	add_owner(out, certificate);
	text_add(out, ", wanted %s",
		 options->sni ? options->sni : addr_format(&tls->target->address, address));
}

/* Whom it names as its issuer, and we do not know. */
static void add_unknown_issuer(struct text *out, const X509 *certificate)
{
	text_add(out, "issuer not known: ");
	add_common_name(out, X509_get_issuer_name(certificate));
}

static void add_time(struct text *out, const X509 *certificate, bool is_servers, bool has_begun)
{
	int days = 0, seconds = 0;

	add_subject(out, certificate, is_servers);
	time_left(has_begun ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), &days,
		  &seconds);
	text_add(out, has_begun ? "expired " : "becomes valid in ");
	add_span(out, days, seconds);
	text_add(out, has_begun ? " ago" : "");
}

static bool is_out_of_time(const X509 *certificate)
{
	return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 ||
	       X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
}

/* OpenSSL keeps its complaint and the chain as far as it was built, the server's first, but not which of them
 * the complaint is about: that follows from what it is. */
static void blame_certificate(struct tls *tls, const struct tls_options *options)
{
	struct text out = fail(tls, REASON_CERTIFICATE);
	STACK_OF(X509) *chain = SSL_get0_verified_chain(tls->ssl);
	int last = sk_X509_num(chain) - 1;
	long error = SSL_get_verify_result(tls->ssl);

	if (last < 0) {
		text_add(&out, "no certificate");
		return;
	}
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		add_wrong_owner(&out, tls, options, sk_X509_value(chain, 0));
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		while (last > 0 && !is_out_of_time(sk_X509_value(chain, last)))
			last--;
		add_time(&out, sk_X509_value(chain, last), last == 0,
			 error == X509_V_ERR_CERT_HAS_EXPIRED);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		text_add(&out, "certificate is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		add_unknown_issuer(&out, sk_X509_value(chain, last));
		break;
	default:
		text_add(&out, "certificate: %s", X509_verify_cert_error_string(error));
		break;
	}
}

/* ---- the handshake -------------------------------------------------------------------------- */

static const struct {
	int reason;
	const char *text;
} REFUSALS[] = {
	/* of our certificate, by alert */
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "bad"},
	{SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "of a kind that it does not take"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "revoked"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "expired"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "not acceptable"},
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, "its issuer is not known"},
	{SSL_R_TLSV1_ALERT_ACCESS_DENIED, "access denied"},
	{SSL_R_TLSV1_ALERT_DECRYPT_ERROR, "its signature does not fit"},
};

static const char *refusal(int reason)
{
	for (size_t i = 0; i < COUNT_OF(REFUSALS); i++)
		if (REFUSALS[i].reason == reason)
			return REFUSALS[i].text;
	return NULL;
}

static void add_version(struct text *out, const struct tls *tls)
{
	if (tls->version == TLS1_VERSION || tls->version == TLS1_1_VERSION)
		text_add(out, "server wants TLS 1.%d only; TLS 1.2 is the least",
			 tls->version - TLS1_VERSION);
	else
		text_add(out, "server speaks no TLS 1.2 or newer");
}

static bool shows_certificate(const struct tls_options *options)
{
	return options->certificate_file;
}

static void blame_handshake(struct text *out, const struct tls *tls, const struct tls_options *options,
			    int reason)
{
	const char *text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));

	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		add_version(out, tls);
		return;
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		text_add(out, "server wants a client certificate");
		return;
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
		text_add(out, "server does not know the name %s", options->sni ? options->sni : "(none)");
		return;
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
		text_add(out, "alpn: server chose none, wanted ");
		add_wanted(out, options);
		return;
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		text_add(out, tls->asked && !shows_certificate(options)
				      ? "server wants a client certificate"
				      : "server refuses the handshake: nothing in common");
		return;
	default:
		break;
	}
	if (refusal(reason) && shows_certificate(options))
		text_add(out, "server refuses our certificate: %s", refusal(reason));
	else if (refusal(reason) && tls->asked)
		text_add(out, "server wants a client certificate");
	else
		text_add(out, "TLS handshake: %s", text ? text : "failed");
}

void tls_blame(struct tls *tls, const struct tls_options *options)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	struct text out;

	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		blame_certificate(tls, options);
		return;
	}
	if (reason == ERR_R_MALLOC_FAILURE) {
		tls->failure = outcome_of_error(STEP_REPLY, ENOMEM);
		return;
	}
	out = fail(tls, reason == SSL_R_EXCESSIVE_MESSAGE_SIZE ? REASON_TOO_LARGE : REASON_TLS);
	if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)
		text_add(&out, "certificates larger than 100KiB");
	else if (ERR_GET_LIB(error) == ERR_LIB_SSL)
		blame_handshake(&out, tls, options, reason);
	else
		text_add(&out, "TLS handshake: %s",
			 ERR_reason_error_string(error) ? ERR_reason_error_string(error) : "failed");
}

void tls_blame_plain(struct tls *tls, const void *bytes, size_t size)
{
	const uint8_t *end = memchr(bytes, '\n', size);
	char quoted[TALK_QUOTE];
	struct text out = fail(tls, REASON_TLS);

	if (end)
		size = (size_t)(end - (const uint8_t *)bytes);
	text_add(&out, "server speaks no TLS, it says \"%s\"", talk_quote(bytes, size, quoted));
}
