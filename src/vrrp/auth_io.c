/* See the header. The prototypes are those of OpenSSL's own headers. */
#include "vrrp/auth_io.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/opensslv.h>
#include <stdio.h>
#include <string.h>

#define TEXT_OF(number) #number
#define LIBCRYPTO(version) "libcrypto.so." TEXT_OF(version)

static struct {
	__typeof__(&EVP_md5) md5;
	__typeof__(&HMAC) hmac;
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

static int load(char *out, size_t room)
{
	void *library = dlopen(LIBCRYPTO(OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);

	if (library && !find(library, "EVP_md5", &crypto.md5) &&
	    !find(library, "HMAC", &crypto.hmac))
		return 0;
	snprintf(out, room, "AH needs OpenSSL: %s", dlerror());
	crypto.hmac = NULL;
	return -ENOTSUP;
}

/* RFC 2202 section 2, test case 2. */
static bool works(void)
{
	static const uint8_t expected[VRRP_ICV] = {0x75, 0x0c, 0x78, 0x3e, 0x6a, 0xb0,
						   0xb5, 0x03, 0xea, 0xa8, 0x6e, 0x31};
	uint8_t icv[VRRP_ICV];

	return !ah_icv("Jefe", "what do ya want for nothing?", 28, icv) &&
	       !memcmp(icv, expected, sizeof(icv));
}

int ah_open(char *out, size_t room)
{
	int err = crypto.hmac ? 0 : load(out, room);

	if (!err && !works()) {
		snprintf(out, room, "AH needs HMAC-MD5, which this OpenSSL refuses (FIPS mode?)");
		err = -ENOTSUP;
	}
	return err;
}

int ah_icv(const char *key, const void *covered, size_t size, uint8_t icv[VRRP_ICV])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!crypto.hmac || !crypto.hmac(crypto.md5(), key, (int)strlen(key), covered, size, digest,
					 &length) ||
	    length < VRRP_ICV)
		return -ENOTSUP;
	memcpy(icv, digest, VRRP_ICV);
	return 0;
}
