/* Any answer of gRPC: lines of fields up to an empty one, then the body, in two parts. What passes says SERVING in a
 * message of its length, and all words are fit for people. The first byte says where the parts meet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/grpc.h"
#include "check/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(int fine)
{
	if (!fine)
		abort();
}

/* Notes the fields; where the body begins. */
static const char *note_fields(struct grpc_reply *reply, const char *at, const char *end)
{
	struct http_field field;

	while (at < end && *at != '\n') {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		line_end = line_end ? line_end : end;
		if (http_field_parse(at, (size_t)(line_end - at), &field))
			grpc_note_field(reply, &field);
		at = line_end < end ? line_end + 1 : end;
	}
	return at < end ? at + 1 : end;
}

static void look_at(const struct outcome *outcome)
{
	const char *words = outcome->fault;

	demand(!words || strlen(words) < OUTCOME_SAID);
	for (; words && *words; words++)
		demand((unsigned char)*words >= ' ' && *words != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct grpc_reply reply = {0};
	char said[OUTCOME_SAID];
	struct outcome outcome;
	const char *body;
	size_t length, first;
	uint64_t serving;

	if (!size)
		return 0;
	body = note_fields(&reply, (const char *)bytes + 1, (const char *)bytes + size);
	length = (size_t)((const char *)bytes + size - body);
	first = bytes[0] < length ? bytes[0] : length;
	if (!grpc_note_body(&reply, body, first) ||
	    !grpc_note_body(&reply, body + first, length - first))
		return 0;
	demand(reply.size == length && !memcmp(reply.body, body, length));
	outcome = grpc_judge_head(&reply, 200, said);
	look_at(&outcome);
	demand((outcome.reason == REASON_PASSED) == reply.is_grpc);
	outcome = grpc_judge(&reply, said);
	look_at(&outcome);
	if (outcome.reason != REASON_PASSED)
		return 0;
	demand(reply.has_status && !reply.status && length >= 7 && !body[0]);
	demand(!grpc_read(reply.body, length, &serving) && serving == GRPC_SERVING);
	return 0;
}
