/* Any bytes as what a mail server says, in two parts at any place: the talk ends or waits, in its bounds, and its words
 * are fit for people. The first byte says whether STARTTLS is wanted, the second where the parts meet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/smtp.h"
#include "check/talk.h"
#include "config/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(int fine)
{
	if (!fine)
		abort();
}

/* Steps until it waits for bytes or ends; TLS is as good as plain text here. */
static enum talk_next go_on(struct talk *talk)
{
	enum talk_next next = talk_next(talk, &smtp_dialogue);

	if (next == TALK_TLS) {
		demand(!talk->size && talk->check->starttls && !talk->secure);
		talk->secure = true;
		next = talk_next(talk, &smtp_dialogue);
	}
	return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct check check = {.type = CHECK_SMTP, .helo = "a.example"};
	uint8_t room[TALK_OUT], in[TALK_IN];
	struct talk talk;
	enum talk_next next;
	size_t first;

	if (size < 2 || size > sizeof(in) + 2)
		return 0;
	check.starttls = bytes[0] & 1;
	first = bytes[1] < size - 2 ? bytes[1] : size - 2;
	memcpy(in, bytes + 2, size - 2);
	talk_init(&talk, &check, room);
	talk.bytes = in;
	talk.size = first;
	next = go_on(&talk);
	if (next == TALK_MORE) {
		demand(talk.bytes >= in && talk.bytes + talk.size == in + first);
		talk.size += size - 2 - first;
		talk.closed = true;
		next = go_on(&talk);
	}
	demand(next == TALK_PASSED || next == TALK_FAILED);
	demand(next != TALK_PASSED || talk.secure == check.starttls);
	for (const char *at = talk.fault ? talk.fault : ""; *at; at++)
		demand((unsigned char)*at >= ' ' && *at != 0x7f);
	return 0;
}
