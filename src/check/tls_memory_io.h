/* Whether OpenSSL got all the memory that it asked for. Of a failed allocation it says anything: an error of its own, one
 * of a library below, a certificate that cannot be verified, or nothing. So its allocations are counted that fail, and
 * who made one in the life of a connection is not believed when that fails. */
#ifndef LBHA_CHECK_TLS_MEMORY_IO_H
#define LBHA_CHECK_TLS_MEMORY_IO_H

#include <stdbool.h>
#include <stddef.h>

/* As realloc(3). */
typedef void *tls_reallocate(void *memory, size_t size);

/* Before anything else is asked of OpenSSL in this process: from now on it allocates so. False: too late. */
bool tls_memory_watch(tls_reallocate *reallocate);

/* Allocations that have failed since. */
unsigned tls_memory_failures(void);

#endif
