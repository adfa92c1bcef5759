/* type tls: passed when the handshake is done, the certificate is good and lasts, before the deadline. */
#ifndef LBHA_CHECK_PROBE_TLS_H
#define LBHA_CHECK_PROBE_TLS_H

struct probe_type;

extern const struct probe_type probe_tls;

#endif
