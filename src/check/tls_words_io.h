/* What is wrong with a TLS connection, as a reason and words for a person. Of tls_io.c alone. */
#ifndef LBHA_CHECK_TLS_WORDS_IO_H
#define LBHA_CHECK_TLS_WORDS_IO_H

#include <stdbool.h>
#include <stddef.h>

struct tls;
struct tls_options;

/* OpenSSL has stopped with its first error in the queue: into tls->failure. */
void tls_blame(struct tls *tls, const struct tls_options *options);

/* Whether the server has chosen one of our protocols, if there are any; else tls->failure. */
bool tls_judge_alpn(struct tls *tls, const struct tls_options *options);

/* Whether its certificate is valid for as long as is wanted, and all that it rests on (when verified); else
 * tls->failure. What was agreed on goes into tls->said. */
bool tls_judge_days(struct tls *tls, const struct tls_options *options);

/* What a server says that speaks no TLS: its first bytes. */
void tls_blame_plain(struct tls *tls, const void *bytes, size_t size);

#endif
