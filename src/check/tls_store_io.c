/* See the header. The default CAs are those that OpenSSL was built for (/etc/ssl/certs on Debian), found by the
 * hash of their names when one is asked for: nothing is loaded before.
 *
 * There is no session cache and no ticket is used: every probe shows that the server can do all of a handshake. */
#include "check/tls_store_io.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/model.h"
#include "core/log.h"

#define DEPTH_MOST 10 /* certificates between a server's and its CA */

/* What makes one context another. */
struct tls_set {
	uint64_t contents;
	bool verify, has_ca, has_certificate;
	SSL_CTX *context; /* NULL: it could not be made */
};

struct tls_store {
	struct tls_set *sets;
	size_t set_count;
	uint32_t *numbers; /* by check: its set + 1; 0: none */
	size_t check_count;
};

static struct tls_set set_of(const struct tls_options *tls)
{
	return (struct tls_set){.contents = tls->contents,
				.verify = tls->verify,
				.has_ca = tls->ca_file,
				.has_certificate = tls->certificate_file};
}

static const struct tls_set *set_find(const struct tls_store *store, const struct tls_set *like)
{
	for (size_t i = 0; store && i < store->set_count; i++) {
		const struct tls_set *set = &store->sets[i];

		if (set->contents == like->contents && set->verify == like->verify &&
		    set->has_ca == like->has_ca && set->has_certificate == like->has_certificate)
			return set;
	}
	return NULL;
}

/* ---- one context ---------------------------------------------------------------------------- */

static BIO *text_of_file(const struct model *model, uint32_t number)
{
	return BIO_new_mem_buf(model_tls_text(model, number), -1);
}

static bool load_ca(SSL_CTX *context, const struct model *model, uint32_t number)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	BIO *from;
	X509 *one;
	bool good = true;

	if (!number)
		return SSL_CTX_set_default_verify_paths(context);
	from = text_of_file(model, number);
	while (good && from && (one = PEM_read_bio_X509(from, NULL, NULL, NULL))) {
		good = X509_STORE_add_cert(store, one);
		X509_free(one);
	}
	BIO_free(from);
	return from && good;
}

/* Ours, and those that lead from it to its CA. */
static bool load_certificate(SSL_CTX *context, const struct model *model, uint32_t number)
{
	BIO *from = text_of_file(model, number);
	X509 *one = from ? PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;
	bool good = one && SSL_CTX_use_certificate(context, one);

	X509_free(one);
	while (good && (one = PEM_read_bio_X509(from, NULL, NULL, NULL)))
		if (!SSL_CTX_add0_chain_cert(context, one)) {
			X509_free(one);
			good = false;
		}
	BIO_free(from);
	return good;
}

/* Instead of asking a terminal. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static bool load_key(SSL_CTX *context, const struct model *model, uint32_t number)
{
	BIO *from = text_of_file(model, number);
	EVP_PKEY *key = from ? PEM_read_bio_PrivateKey(from, NULL, no_passphrase, NULL) : NULL;
	bool good = key && SSL_CTX_use_PrivateKey(context, key);

	EVP_PKEY_free(key);
	BIO_free(from);
	return good;
}

static bool load_files(SSL_CTX *context, const struct model *model, const struct tls_options *tls)
{
	if (tls->verify && !load_ca(context, model, tls->ca_file))
		return false;
	return !tls->certificate_file ||
	       (load_certificate(context, model, tls->certificate_file) &&
		load_key(context, model, tls->key_file));
}

static SSL_CTX *context_new(const struct model *model, const struct tls_options *tls)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, tls->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_verify_depth(context, DEPTH_MOST);
	if (!load_files(context, model, tls)) {
		log_warning("OpenSSL refuses %s: %s", tls->certificate ? tls->certificate : "CAs",
			    ERR_reason_error_string(ERR_peek_last_error()));
		SSL_CTX_free(context);
		context = NULL;
	}
	ERR_clear_error();
	return context;
}

/* ---- all of a generation -------------------------------------------------------------------- */

static void set_add(struct tls_store *store, size_t check, const struct model *model,
		    const struct tls_store *old)
{
	const struct tls_options *tls = &model->checks[check].tls;
	struct tls_set set = set_of(tls);
	const struct tls_set *found = set_find(store, &set);
	const struct tls_set *before = found ? NULL : set_find(old, &set);

	if (!found) {
		set.context = before ? before->context : context_new(model, tls);
		if (before && set.context)
			SSL_CTX_up_ref(set.context);
		store->sets[store->set_count] = set;
		found = &store->sets[store->set_count++];
	}
	store->numbers[check] = (uint32_t)(found - store->sets) + 1;
}

struct tls_store *tls_store_new(const struct model *model, const struct tls_store *old)
{
	struct tls_store *store = calloc(1, sizeof(*store));
	size_t speakers = 0;

	for (size_t i = 0; i < model->check_count; i++)
		speakers += check_speaks_tls(&model->checks[i]);
	if (store) {
		store->sets = calloc(speakers + 1, sizeof(*store->sets));
		store->numbers = calloc(model->check_count + 1, sizeof(*store->numbers));
	}
	if (!store || !store->sets || !store->numbers) {
		tls_store_free(store);
		return NULL;
	}
	store->check_count = model->check_count;
	for (size_t i = 0; i < model->check_count; i++)
		if (check_speaks_tls(&model->checks[i]))
			set_add(store, i, model, old);
	return store;
}

void tls_store_free(struct tls_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->set_count; i++)
		SSL_CTX_free(store->sets[i].context);
	free(store->sets);
	free(store->numbers);
	free(store);
}

SSL_CTX *tls_store_context(const struct tls_store *store, size_t check)
{
	uint32_t number = check < store->check_count ? store->numbers[check] : 0;

	return number ? store->sets[number - 1].context : NULL;
}
