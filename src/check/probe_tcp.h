/* type tcp: passed when the connection stands before the deadline. */
#ifndef LBHA_CHECK_PROBE_TCP_H
#define LBHA_CHECK_PROBE_TCP_H

struct probe_type;

extern const struct probe_type probe_tcp;

#endif
