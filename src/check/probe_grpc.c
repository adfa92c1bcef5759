/* One call: libcurl speaks HTTP/2, grpc.c knows what goes to and fro in it. Trailers come as headers do,
 * behind the body. What is wrong in the headers ends the probe at once. */
#include "check/probe_grpc.h"

#include <string.h>

#include "check/flight_io.h"
#include "check/grpc.h"
#include "check/http_answer.h"
#include "check/http_client_io.h"
#include "check/http_exchange_io.h"
#include "check/http_request_io.h"
#include "check/outcome.h"
#include "config/model.h"

struct answer {
	struct grpc_reply reply;
	bool headers_done;
	bool decided; /* `outcome` says how it ended: the transfer was broken off */
	struct outcome outcome;
	uint32_t header_bytes;
	char said[OUTCOME_SAID];
};

static bool fill(struct http_request *request)
{
	uint8_t body[GRPC_REQUEST];
	size_t size = grpc_request(request->flight->check->service, body);

	return http_fill_call(request, GRPC_PATH, body, size);
}

static bool decide(struct answer *answer, struct outcome outcome)
{
	answer->outcome = outcome;
	answer->decided = true;
	return false;
}

static bool too_large(struct answer *answer, const char *fault)
{
	return decide(answer, (struct outcome){.reason = REASON_TOO_LARGE,
					       .step = STEP_REPLY,
					       .fault = fault});
}

static bool headers_end(struct http_request *request)
{
	struct answer *answer = request->answer;
	uint16_t status = http_status(request);
	struct outcome outcome;

	if (status < 200) { /* interim: the real ones follow */
		memset(&answer->reply, 0, sizeof(answer->reply));
		return true;
	}
	answer->headers_done = true;
	outcome = grpc_judge_head(&answer->reply, status, answer->said);
	return outcome.reason == REASON_PASSED || decide(answer, outcome);
}

static bool got_header(struct http_request *request, const char *line, size_t size)
{
	struct answer *answer = request->answer;
	struct http_field field;

	answer->header_bytes += (uint32_t)size;
	if (answer->header_bytes > HTTP_HEADERS_MOST)
		return too_large(answer, "headers larger than 64KiB");
	if (!answer->headers_done && (line[0] == '\r' || line[0] == '\n'))
		return headers_end(request);
	if (http_field_parse(line, size, &field))
		grpc_note_field(&answer->reply, &field);
	return true;
}

static bool got_body(struct http_request *request, const char *bytes, size_t size)
{
	struct answer *answer = request->answer;

	return grpc_note_body(&answer->reply, bytes, size) ||
	       too_large(answer, "reply larger than 1KiB");
}

static struct outcome judge(struct http_request *request, CURLcode code)
{
	struct answer *answer = request->answer;

	if (answer->decided)
		return answer->outcome;
	if (code == CURLE_OK && answer->headers_done)
		return grpc_judge(&answer->reply, answer->said);
	return http_broken(request, code, answer->headers_done);
}

static void done(struct http_request *request, CURLcode code)
{
	struct outcome outcome = judge(request, code);

	flight_end(request->flight, &outcome);
}

static void grpc_stop(struct flight *flight)
{
	struct http_request *request = flight->request;

	flight->request = NULL;
	if (request)
		http_give_back(request);
}

static void *client_new(struct loop *loop)
{
	static const struct http_user USER = {
		.fill = fill, .header = got_header, .body = got_body, .done = done};

	return http_client_new(loop, &USER, sizeof(struct answer));
}

const struct probe_type probe_grpc = {
	.client_new = client_new,
	.client_free = http_client_free,
	.start = http_begin,
	.stop = grpc_stop,
	.expired = http_expired,
};
