/* HMAC-MD5 for AH, by OpenSSL. libcrypto is opened when the first router with AH is configured and
 * not before: it costs every process that maps it 400 kB of private memory and a millisecond, and
 * hardly anybody uses AH. OpenSSL allocates for each HMAC, the one exception to "no allocation in
 * the steady state". */
#ifndef LBHA_VRRP_AUTH_IO_H
#define LBHA_VRRP_AUTH_IO_H

#include <stddef.h>
#include <stdint.h>

#include "vrrp/packet.h"

/* Opens libcrypto, if it is not open, and tries it out. 0, or -ENOTSUP with a sentence that says
 * why not (it may be in FIPS mode, which knows no MD5) in `out`. */
int ah_open(char *out, size_t room);

/* The integrity check value over the covered bytes (auth.h). -ENOTSUP when OpenSSL refuses. */
int ah_icv(const char *key, const void *covered, size_t size, uint8_t icv[VRRP_ICV]);

#endif
