/* What TLS has come to, for an operator who looks on: version, cipher, the certificates that the server
 * has shown and whether they are believed. Does nothing for all other flights. */
#ifndef LBHA_CHECK_TLS_TELL_IO_H
#define LBHA_CHECK_TLS_TELL_IO_H

struct flight;
struct tls;

void tls_tell_start(const struct flight *flight);
/* The handshake is done, or has failed. */
void tls_tell(const struct flight *flight, const struct tls *tls);

#endif
