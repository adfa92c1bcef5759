/* Foreign bytes: each step is bounded by the end of the message. Fields that are not known are skipped, and the
 * last of several statuses counts, as protocol buffers have it. */
#include "check/grpc.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/http_answer.h"

#define FRAME 5 /* flag, length */
#define VARINT_MOST 10
#define FIELD_MOST ((1u << 29) - 1)
#define TYPE "application/grpc"
#define NO_NUMBER UINT32_MAX

/* protobuf.dev/programming-guides/encoding */
enum wire {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_32 = 5,
};

/* The numbers of grpc-status (grpc.io/docs/guides/status-codes). */
enum {
	STATUS_OK = 0,
	STATUS_NOT_FOUND = 5,
	STATUS_UNIMPLEMENTED = 12,
};

/* ---- messages ------------------------------------------------------------------------------- */

size_t grpc_request(const char *service, uint8_t out[GRPC_REQUEST])
{
	size_t length = service ? strnlen(service, GRPC_SERVICE_MOST) : 0, at = FRAME;

	if (length) { /* a text that is empty is not sent */
		out[at++] = 1 << 3 | WIRE_BYTES;
		if (length > 127)
			out[at++] = (uint8_t)(length & 127) | 128;
		out[at++] = (uint8_t)(length > 127 ? length >> 7 : length);
		memcpy(out + at, service, length);
		at += length;
	}
	memset(out, 0, FRAME);
	out[3] = (uint8_t)((at - FRAME) >> 8);
	out[4] = (uint8_t)(at - FRAME);
	return at;
}

struct bytes {
	const uint8_t *at, *end;
};

/* False when it does not end, or is larger than 64 bits. */
static bool take_varint(struct bytes *in, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MOST && in->at < in->end; i++) {
		uint8_t byte = *in->at++;

		if (i == VARINT_MOST - 1 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 127) << (7 * i);
		if (!(byte & 128)) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool skip(struct bytes *in, uint64_t count)
{
	if (count > (uint64_t)(in->end - in->at))
		return false;
	in->at += count;
	return true;
}

/* One field; the status into *serving. */
static bool take_field(struct bytes *in, uint64_t *serving)
{
	uint64_t tag, value;

	if (!take_varint(in, &tag) || !(tag >> 3) || tag >> 3 > FIELD_MOST)
		return false;
	switch (tag & 7) {
	case WIRE_VARINT:
		if (!take_varint(in, &value))
			return false;
		if (tag >> 3 == 1)
			*serving = value;
		return true;
	case WIRE_64:
		return skip(in, 8);
	case WIRE_BYTES:
		return take_varint(in, &value) && skip(in, value);
	case WIRE_32:
		return skip(in, 4);
	default:
		return false;
	}
}

const char *grpc_read(const uint8_t *bytes, size_t size, uint64_t *serving)
{
	uint64_t length, found = GRPC_UNKNOWN;
	struct bytes in;

	if (!size)
		return "reply has no message";
	if (size < FRAME)
		return "reply has half a message";
	if (bytes[0])
		return "reply is compressed, unasked";
	length = (uint64_t)bytes[1] << 24 | (uint64_t)bytes[2] << 16 | (uint64_t)bytes[3] << 8 |
		 bytes[4];
	if (length != size - FRAME)
		return length < size - FRAME ? "reply has more than one message"
					     : "reply has half a message";
	in = (struct bytes){bytes + FRAME, bytes + size};
	while (in.at < in.end)
		if (!take_field(&in, &found))
			return "message is no HealthCheckResponse";
	*serving = found;
	return NULL;
}

/* ---- what comes ----------------------------------------------------------------------------- */

/* "application/grpc", with what it is encoded as or parameters behind it; grpc-web is another protocol. */
static bool is_grpc_type(const struct http_field *field)
{
	const size_t length = strlen(TYPE);
	const struct http_field start = {.name = field->value, .name_size = length};

	if (field->value_size < length || !http_field_is(&start, TYPE))
		return false;
	return field->value_size == length || memchr("+; ", field->value[length], 3);
}

static uint32_t number_of(const struct http_field *field)
{
	uint32_t number = 0;

	if (!field->value_size || field->value_size > 9)
		return NO_NUMBER;
	for (size_t i = 0; i < field->value_size; i++) {
		if (field->value[i] < '0' || field->value[i] > '9')
			return NO_NUMBER;
		number = 10 * number + (uint32_t)(field->value[i] - '0');
	}
	return number;
}

static int digit_of(char character)
{
	static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = character ? strchr(DIGITS, character) : NULL;

	return at ? (int)((at - DIGITS) & 15) : -1;
}

/* What is not well encoded stands for itself. */
static void note_message(struct grpc_reply *reply, const struct http_field *field)
{
	const char *at = field->value, *end = at + field->value_size;
	size_t size = 0;

	while (at < end && size < sizeof(reply->message) - 1) {
		int high = *at == '%' && end - at > 2 ? digit_of(at[1]) : -1;
		int low = high >= 0 ? digit_of(at[2]) : -1;
		char byte = low >= 0 ? (char)(high << 4 | low) : *at;

		reply->message[size++] = byte ? byte : '?';
		at += low >= 0 ? 3 : 1;
	}
	reply->message[size] = '\0';
}

void grpc_note_field(struct grpc_reply *reply, const struct http_field *field)
{
	if (http_field_is(field, "content-type"))
		reply->is_grpc = is_grpc_type(field);
	if (http_field_is(field, "grpc-message"))
		note_message(reply, field);
	if (!http_field_is(field, "grpc-status"))
		return;
	reply->has_status = true;
	reply->status = number_of(field);
}

bool grpc_note_body(struct grpc_reply *reply, const void *bytes, size_t size)
{
	if (size > sizeof(reply->body) - reply->size)
		return false;
	memcpy(reply->body + reply->size, bytes, size);
	reply->size += size;
	return true;
}

/* ---- what it means -------------------------------------------------------------------------- */

static struct outcome ended(enum probe_reason reason, const char *words)
{
	return (struct outcome){.reason = reason, .step = STEP_REPLY, .fault = words};
}

struct outcome grpc_judge_head(const struct grpc_reply *reply, uint16_t http_status,
			       char said[OUTCOME_SAID])
{
	struct text words = text_of(said, OUTCOME_SAID);

	if (http_status != 200) {
		text_add(&words, "status %u, wanted 200", http_status);
		return ended(REASON_STATUS, said);
	}
	if (!reply->is_grpc)
		return ended(REASON_PROTOCOL, "reply is not gRPC: its content-type is another");
	return ended(REASON_PASSED, NULL);
}

static const char *status_name(uint32_t status)
{
	static const char *const NAMES[] = {
		"ok",
		"cancelled",
		"unknown",
		"invalid_argument",
		"deadline_exceeded",
		"not_found",
		"already_exists",
		"permission_denied",
		"resource_exhausted",
		"failed_precondition",
		"aborted",
		"out_of_range",
		"unimplemented",
		"internal",
		"unavailable",
		"data_loss",
		"unauthenticated",
	};

	return status < COUNT_OF(NAMES) ? NAMES[status] : "of no known meaning";
}

/* What to look after. */
static const char *hint_of(uint32_t status)
{
	switch (status) {
	case STATUS_NOT_FOUND:
		return ": has it a service of this name?";
	case STATUS_UNIMPLEMENTED:
		return ": has the server the health service?";
	default:
		return "";
	}
}

/* The server's own words are cut before ours. */
static struct outcome judge_status(const struct grpc_reply *reply, char said[OUTCOME_SAID])
{
	struct text words = text_of(said, OUTCOME_SAID);
	const char *hint = hint_of(reply->status);
	size_t length = strlen(reply->message), room;

	text_add(&words, "grpc-status %u %s", reply->status, status_name(reply->status));
	room = words.size - words.length - sizeof(": ") - strlen(hint);
	if (length > room)
		for (length = room; length && (reply->message[length] & 0xc0) == 0x80; length--)
			;
	if (length) {
		text_add(&words, ": ");
		text_add_clean(&words, reply->message, length);
	}
	text_add(&words, "%s", hint);
	return ended(REASON_STATUS, said);
}

static struct outcome judge_serving(uint64_t serving, char said[OUTCOME_SAID])
{
	static const char *const WORDS[] = {
		[GRPC_UNKNOWN] = "grpc: UNKNOWN",
		[GRPC_SERVING] = "grpc: SERVING",
		[GRPC_NOT_SERVING] = "grpc: NOT_SERVING",
		[GRPC_SERVICE_UNKNOWN] = "grpc: SERVICE_UNKNOWN",
	};
	struct text words = text_of(said, OUTCOME_SAID);

	if (serving < COUNT_OF(WORDS))
		return ended(serving == GRPC_SERVING ? REASON_PASSED : REASON_SAYS_DOWN,
			     WORDS[serving]);
	text_add(&words, "grpc: a serving status of no known meaning, %llu",
		 (unsigned long long)serving);
	return ended(REASON_PROTOCOL, said);
}

struct outcome grpc_judge(const struct grpc_reply *reply, char said[OUTCOME_SAID])
{
	uint64_t serving;
	const char *wrong;

	if (!reply->has_status)
		return ended(REASON_PROTOCOL, "reply has no grpc-status");
	if (reply->status == NO_NUMBER)
		return ended(REASON_PROTOCOL, "grpc-status is no number");
	if (reply->status != STATUS_OK)
		return judge_status(reply, said);
	wrong = grpc_read(reply->body, reply->size, &serving);
	return wrong ? ended(REASON_PROTOCOL, wrong) : judge_serving(serving, said);
}
