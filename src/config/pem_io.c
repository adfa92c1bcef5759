/* See the header. The prototypes are those of OpenSSL's own headers. */
#include "config/pem_io.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define TEXT_OF(number) #number
#define LIBCRYPTO(version) "libcrypto.so." TEXT_OF(version)

#define FUNCTIONS(one)                                                                             \
	one(BIO_new_mem_buf) one(BIO_free) one(PEM_read_bio_X509) one(PEM_read_bio_PrivateKey)     \
	one(X509_free) one(EVP_PKEY_free) one(X509_check_private_key) one(X509_get0_notAfter)      \
	one(ASN1_TIME_to_tm) one(ASN1_TIME_cmp_time_t) one(ERR_clear_error)                        \
	one(ERR_peek_last_error)

#define MEMBER(name) __typeof__(&name) name;
static struct {
	FUNCTIONS(MEMBER)
} crypto;

/* dlsym gives an object pointer; POSIX lets it be taken as one to a function, by copying. */
static int find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	if (!found)
		return -ENOTSUP;
	memcpy(function, &found, sizeof(found));
	return 0;
}

static int load(char *why)
{
	void *library;
	int err = 0;

	if (crypto.BIO_new_mem_buf)
		return 0;
	library = dlopen(LIBCRYPTO(OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);
#define FIND(name) err = err ? err : find(library, #name, &crypto.name);
	if (library) {
		FUNCTIONS(FIND)
	}
	if (library && !err)
		return 0;
	snprintf(why, CONFIG_WHY, "cannot be looked into without OpenSSL: %s", dlerror());
	crypto.BIO_new_mem_buf = NULL;
	return -ENOTSUP;
}

/* ---- certificates --------------------------------------------------------------------------- */

/* Whether the last reading stopped because nothing in PEM form was left. */
static bool is_end(void)
{
	unsigned long error = crypto.ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int look_expired(const X509 *certificate, char *why)
{
	const ASN1_TIME *end = crypto.X509_get0_notAfter(certificate);
	struct tm day;

	if (crypto.ASN1_TIME_cmp_time_t(end, time(NULL)) > 0 || !crypto.ASN1_TIME_to_tm(end, &day))
		return 0;
	snprintf(why, CONFIG_WHY, "this certificate expired on %04d-%02d-%02d",
		 day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
	return 1;
}

static int look_certificates(BIO *from, enum config_file kind, char *why)
{
	unsigned number = 0;
	int result = 0;
	X509 *one;

	while ((one = crypto.PEM_read_bio_X509(from, NULL, NULL, NULL))) {
		if (!number++ && kind == CONFIG_FILE_CERTIFICATE)
			result = look_expired(one, why);
		crypto.X509_free(one);
	}
	if (is_end() && number)
		return result;
	if (is_end())
		snprintf(why, CONFIG_WHY, "this file has no certificate in PEM form");
	else
		snprintf(why, CONFIG_WHY, "certificate %u of this file is broken", number + 1);
	return -EINVAL;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* A key that is encrypted asks here. */
static int no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static int look_fit(EVP_PKEY *key, const char *certificate, char *why)
{
	BIO *from = crypto.BIO_new_mem_buf(certificate, -1);
	X509 *first = from ? crypto.PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;
	bool fits = first && crypto.X509_check_private_key(first, key);

	crypto.X509_free(first);
	crypto.BIO_free(from);
	if (fits)
		return 0;
	snprintf(why, CONFIG_WHY, "this key does not belong to the certificate");
	return -EINVAL;
}

static int look_key(BIO *from, const char *certificate, char *why)
{
	bool asked = false;
	EVP_PKEY *key = crypto.PEM_read_bio_PrivateKey(from, NULL, no_passphrase, &asked);
	int err = key && certificate ? look_fit(key, certificate, why) : 0;

	crypto.EVP_PKEY_free(key);
	if (key)
		return err;
	if (asked)
		snprintf(why, CONFIG_WHY, "this key wants a passphrase: write it without one");
	else
		snprintf(why, CONFIG_WHY, "this file has no private key in PEM form");
	return -EINVAL;
}

int pem_look(void *ctx UNUSED, enum config_file kind, const char *text, const char *certificate,
	     char *why)
{
	int err = load(why);
	BIO *from;

	if (err)
		return err;
	from = crypto.BIO_new_mem_buf(text, -1);
	if (!from)
		return -ENOMEM;
	crypto.ERR_clear_error();
	err = kind == CONFIG_FILE_KEY ? look_key(from, certificate, why)
				      : look_certificates(from, kind, why);
	crypto.BIO_free(from);
	crypto.ERR_clear_error();
	return err;
}

int pem_days_left(enum config_file kind, const char *text, int64_t *days)
{
	char why[CONFIG_WHY];
	int err = load(why);
	BIO *from = err ? NULL : crypto.BIO_new_mem_buf(text, -1);
	bool found = false;
	X509 *one;

	if (err || !from)
		return err ? err : -ENOMEM;
	while (!(found && kind == CONFIG_FILE_CERTIFICATE) &&
	       (one = crypto.PEM_read_bio_X509(from, NULL, NULL, NULL))) {
		struct tm day;

		if (crypto.ASN1_TIME_to_tm(crypto.X509_get0_notAfter(one), &day)) {
			int64_t left = (timegm(&day) - time(NULL)) / 86400;

			*days = found && *days > left ? *days : left;
			found = true;
		}
		crypto.X509_free(one);
	}
	crypto.ERR_clear_error();
	crypto.BIO_free(from);
	return found ? 0 : -ENOENT;
}
