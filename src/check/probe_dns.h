/* type dns with transport udp: asks once, and once more when half of the timeout has gone by without an
 * answer, as resolvers do: one lost packet is no failure. Over TCP it is a talk (check/dns.h). */
#ifndef LBHA_CHECK_PROBE_DNS_H
#define LBHA_CHECK_PROBE_DNS_H

struct probe_type;

extern const struct probe_type probe_dns;

#endif
