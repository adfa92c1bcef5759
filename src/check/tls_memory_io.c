/* See the header. OpenSSL's memory is the process's, and so is what is kept of it here. */
#include "check/tls_memory_io.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/cleanup.h"

static tls_reallocate *allocate;
static unsigned failures;

static void *resize(void *memory, size_t size, const char *file UNUSED, int line UNUSED)
{
	void *got;

	if (!size) {
		free(memory);
		return NULL;
	}
	got = allocate(memory, size);
	failures += !got;
	return got;
}

static void *take_new(size_t size, const char *file, int line)
{
	return resize(NULL, size, file, line);
}

static void give_back(void *memory, const char *file UNUSED, int line UNUSED)
{
	free(memory);
}

bool tls_memory_watch(tls_reallocate *reallocate)
{
	allocate = reallocate;
	return CRYPTO_set_mem_functions(take_new, resize, give_back);
}

unsigned tls_memory_failures(void)
{
	return failures;
}
