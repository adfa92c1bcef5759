/* type grpc: grpc.health.v1.Health/Check over HTTP/2, on a connection of its own. Passed when the server says
 * SERVING and that the call went well, before the deadline. */
#ifndef LBHA_CHECK_PROBE_GRPC_H
#define LBHA_CHECK_PROBE_GRPC_H

struct probe_type;

extern const struct probe_type probe_grpc;

#endif
