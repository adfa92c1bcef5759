/* What TLS of the checks needs before a connection: one SSL_CTX for each distinct set of (CA, certificate, whether
 * to verify), made when a generation is prepared and shared by all its probes. Loading CAs costs milliseconds
 * (the system's 18), so a generation takes over what the one before has. */
#ifndef LBHA_CHECK_TLS_STORE_IO_H
#define LBHA_CHECK_TLS_STORE_IO_H

#include <stddef.h>

struct model;
struct ssl_ctx_st;
struct tls_store;

/* The contexts for the model's checks that speak TLS; `old` (of the generation before) may be NULL. NULL: out of
 * memory. */
struct tls_store *tls_store_new(const struct model *model, const struct tls_store *old);
void tls_store_free(struct tls_store *store);

/* The context of a check by its number in the model, an SSL_CTX: NULL when it speaks no TLS, or OpenSSL
 * refuses its files. Connections hold it by themselves. */
struct ssl_ctx_st *tls_store_context(const struct tls_store *store, size_t check);

#endif
