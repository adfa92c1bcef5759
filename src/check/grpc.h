/* grpc.health.v1.Health/Check as bytes: one message each way, in gRPC's frame (a flag and a length) and in the
 * encoding of protocol buffers; and what the fields around an answer say. HTTP/2 itself is libcurl's. */
#ifndef LBHA_CHECK_GRPC_H
#define LBHA_CHECK_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/outcome.h"

struct http_field;

#define GRPC_PATH "/grpc.health.v1.Health/Check"
#define GRPC_SERVICE_MOST 255
#define GRPC_REQUEST (GRPC_SERVICE_MOST + 8) /* room for any */
#define GRPC_BODY_MOST 1024                  /* bytes of an answer; a usual one has 7 */

/* HealthCheckResponse.ServingStatus */
enum grpc_serving {
	GRPC_UNKNOWN,
	GRPC_SERVING,
	GRPC_NOT_SERVING,
	GRPC_SERVICE_UNKNOWN,
};

/* What has come of an answer; zero at first. */
struct grpc_reply {
	bool is_grpc;               /* its content type is */
	bool has_status;
	uint32_t status;            /* grpc-status; UINT32_MAX: no number */
	char message[OUTCOME_SAID]; /* grpc-message, decoded, as far as there is room; may hold anything but a zero */
	uint8_t body[GRPC_BODY_MOST];
	size_t size;
};

/* The request for a service (NULL or empty: the server as a whole) of at most GRPC_SERVICE_MOST bytes;
 * its size. */
size_t grpc_request(const char *service, uint8_t out[GRPC_REQUEST]);

/* A field of the headers or trailers; of several with one name the last one counts. */
void grpc_note_field(struct grpc_reply *reply, const struct http_field *field);
/* A piece of the body; false: it is too large. */
bool grpc_note_body(struct grpc_reply *reply, const void *bytes, size_t size);

/* The verdict by what came before the body: PASSED when the rest is worth reading. */
struct outcome grpc_judge_head(const struct grpc_reply *reply, uint16_t http_status,
			       char said[OUTCOME_SAID]);
/* The verdict, when all has come. Words may lie in `said`. */
struct outcome grpc_judge(const struct grpc_reply *reply, char said[OUTCOME_SAID]);

/* What a whole body says: NULL, with *serving (any number), or what is wrong with it. */
const char *grpc_read(const uint8_t *bytes, size_t size, uint64_t *serving);

#endif
