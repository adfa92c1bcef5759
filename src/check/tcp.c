#include "check/tcp.h"

#include <string.h>

#include "base/escape.h"
#include "check/talk.h"
#include "config/model.h"

#define EXPECT_ROOM 1024          /* the most that the key takes */
#define WORK_FOR_EACH_PIECE 1000000 /* searches that cost more in all wait until an eighth more is there */

bool tcp_talks(const struct check *check)
{
	return check->send || check->expect_bytes || check->expect_regex;
}

static enum talk_next say_first(struct talk *talk)
{
	const struct check *check = talk->check;
	uint8_t bytes[TALK_OUT];

	talk->step = 1;
	talk->awaits = "match";
	if (check->send)
		put_bytes(&talk->out, bytes, escape_decode(check->send, bytes, sizeof(bytes)));
	return check->expect_bytes || check->expect_regex ? TALK_AGAIN : talk_pass(talk, "sent");
}

/* What was looked at before can only be the beginning of it. */
static enum match_found find_bytes(struct talk *talk)
{
	uint8_t wanted[EXPECT_ROOM];
	size_t count = escape_decode(talk->check->expect_bytes, wanted, sizeof(wanted));
	size_t from = talk->seen >= count ? talk->seen - count + 1 : 0;

	talk->seen = talk->size;
	return talk->size >= count && memmem(talk->bytes + from, talk->size - from, wanted, count)
		       ? MATCH_FOUND
		       : MATCH_NONE;
}

/* All of it each time, since an expression may match more or less when more is there. A server that
 * sends bytes one by one does not get a costly search for each. */
static enum match_found find_pattern(struct talk *talk)
{
	if (talk->work > WORK_FOR_EACH_PIECE && talk->size < talk->seen + talk->seen / 8 &&
	    !talk->closed && !talk->full)
		return MATCH_NONE;
	talk->seen = talk->size;
	return talk->search(talk->wanted, talk->bytes, talk->size, &talk->work);
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
	enum match_found found;

	if (!talk->step)
		return say_first(talk);
	if (!talk->size)
		return TALK_MORE;
	found = talk->check->expect_bytes ? find_bytes(talk) : find_pattern(talk);
	if (found == MATCH_FOUND)
		return talk_pass(talk, "matches");
	if (found == MATCH_LIMIT)
		return talk_fail(talk, REASON_MATCH_LIMIT,
				 "expect_regex takes too much work on what the server sends");
	return talk->closed || talk->full ? no_match(talk) : TALK_MORE;
}

const struct dialogue tcp_dialogue = {.step = tcp_step};
