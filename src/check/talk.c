/* What all dialogues share: the loop over steps, and what it means that one cannot go on. */
#include "check/talk.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

#define QUOTED 60 /* bytes of foreign text that are shown */

void talk_init(struct talk *talk, const struct check *check, uint8_t *room)
{
	*talk = (struct talk){.check = check, .out = writer_of(room, TALK_OUT)};
}

enum talk_next talk_next(struct talk *talk, const struct dialogue *dialogue)
{
	enum talk_next next;

	do {
		next = dialogue->step(talk);
	} while (next == TALK_AGAIN);
	if (talk->out.failed)
		return talk_fail(talk, REASON_PROTOCOL, "asks for more than it listens to");
	if (next == TALK_TLS && talk->size)
		return talk_fail(talk, REASON_PROTOCOL, "server says more before TLS than it was asked");
	if (next != TALK_MORE)
		return next;
	if (talk->full)
		return talk_fail(talk, REASON_TOO_LARGE, "reply larger than 16KiB");
	if (talk->closed)
		return talk_fail(talk, REASON_RESET, talk->awaits);
	return TALK_MORE;
}

struct outcome talk_outcome(const struct talk *talk, enum talk_next end, uint32_t received)
{
	return (struct outcome){
		.reason = end == TALK_PASSED ? REASON_PASSED : talk->reason,
		.step = STEP_REPLY,
		.received = received,
		.told = talk->told,
		.fault = talk->fault,
	};
}

struct outcome talk_broken(const struct talk *talk, int error, uint32_t received)
{
	struct outcome outcome = outcome_of_error(STEP_REPLY, error);

	outcome.received = received;
	if (outcome.reason == REASON_RESET)
		outcome.fault = talk->awaits;
	return outcome;
}

struct outcome talk_expired(const struct talk *talk, nstime connected, uint32_t received)
{
	struct outcome outcome = outcome_of_deadline(connected, received);

	outcome.fault = talk->awaits;
	return outcome;
}

void talk_take(struct talk *talk, size_t count)
{
	talk->bytes += count;
	talk->size -= count;
	talk->seen = 0;
	talk->full = false;
}

enum talk_next talk_pass(struct talk *talk, const char *fault)
{
	talk->fault = fault;
	return TALK_PASSED;
}

enum talk_next talk_fail(struct talk *talk, enum probe_reason reason, const char *fault)
{
	talk->reason = reason;
	talk->fault = fault;
	return TALK_FAILED;
}

static void say(struct talk *talk, const char *format, va_list list)
{
	struct text text = text_of(talk->said, sizeof(talk->said));

	text_addv(&text, format, list);
	talk->fault = talk->said;
}

enum talk_next talk_pass_saying(struct talk *talk, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(talk, format, list);
	va_end(list);
	return TALK_PASSED;
}

enum talk_next talk_fail_saying(struct talk *talk, enum probe_reason reason, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(talk, format, list);
	va_end(list);
	talk->reason = reason;
	return TALK_FAILED;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

const char *talk_quote(const void *bytes, size_t size, char out[TALK_QUOTE])
{
	const uint8_t *byte = bytes;
	struct text text = text_of(out, TALK_QUOTE);

	while (size && is_blank(byte[size - 1]))
		size--;
	text_add_clean(&text, bytes, size < QUOTED ? size : QUOTED);
	if (size > QUOTED)
		text_add(&text, "…");
	return out;
}
