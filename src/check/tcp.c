#include "check/tcp.h"

#include <string.h>

#include "base/escape.h"
#include "check/talk.h"
#include "config/model.h"

#define EXPECT_ROOM 1024 /* the most that the key takes */

bool tcp_talks(const struct check *check)
{
	return check->send || check->expect_bytes;
}

static enum talk_next say_first(struct talk *talk)
{
	const char *send = talk->check->send;
	uint8_t bytes[TALK_OUT];

	talk->step = 1;
	talk->awaits = "match";
	if (send)
		put_bytes(&talk->out, bytes, escape_decode(send, bytes, sizeof(bytes)));
	return talk->check->expect_bytes ? TALK_AGAIN : talk_pass(talk, "sent");
}

/* What was looked at before can only be the beginning of it. */
static bool holds(struct talk *talk, const uint8_t *wanted, size_t count)
{
	size_t from = talk->seen >= count ? talk->seen - count + 1 : 0;

	talk->seen = talk->size;
	return talk->size >= count && memmem(talk->bytes + from, talk->size - from, wanted, count);
}

static enum talk_next no_match(struct talk *talk)
{
	char quote[TALK_QUOTE];

	return talk_fail_saying(talk, REASON_MISMATCH, "no match in \"%s\"%s",
				talk_quote(talk->bytes, talk->size, quote),
				talk->full ? ", 16KiB in all" : "");
}

static enum talk_next tcp_step(struct talk *talk)
{
	uint8_t wanted[EXPECT_ROOM];

	if (!talk->step)
		return say_first(talk);
	if (holds(talk, wanted, escape_decode(talk->check->expect_bytes, wanted, sizeof(wanted))))
		return talk_pass(talk, "matches");
	return talk->size && (talk->closed || talk->full) ? no_match(talk) : TALK_MORE;
}

const struct dialogue tcp_dialogue = {.step = tcp_step};
