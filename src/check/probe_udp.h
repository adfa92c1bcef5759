/* type udp: one datagram; judged by what comes back, or that nothing does (check/udp.h). */
#ifndef LBHA_CHECK_PROBE_UDP_H
#define LBHA_CHECK_PROBE_UDP_H

struct probe_type;

extern const struct probe_type probe_udp;

#endif
