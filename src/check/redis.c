#include "check/redis.h"

#include <string.h>

#include "check/talk.h"

#define LINE_MOST 4096 /* -DENIED, of protected mode, has 1067 bytes */

static bool begins(const struct talk *talk, size_t length, const char *words)
{
	size_t count = strlen(words);

	return length >= count && !memcmp(talk->bytes, words, count);
}

static enum talk_next judge(struct talk *talk, size_t length)
{
	char quote[TALK_QUOTE];

	if (begins(talk, length, "+PONG"))
		return talk_pass(talk, "PONG");
	talk_quote(talk->bytes + 1, length - 1, quote);
	if (begins(talk, length, "-NOAUTH") || begins(talk, length, "-NOPERM"))
		return talk_pass_saying(talk, "answers: %s", quote);
	if (begins(talk, length, "-"))
		return talk_fail_saying(talk, REASON_SAYS_DOWN, "%s", quote);
	return talk_fail(talk, REASON_PROTOCOL, "reply is not PONG");
}

static enum talk_next redis_step(struct talk *talk)
{
	static const char ping[] = "PING\r\n";
	const uint8_t *end;

	if (!talk->step) {
		talk->step = 1;
		talk->awaits = "PONG";
		put_bytes(&talk->out, ping, sizeof(ping) - 1);
	}
	if (talk->size && talk->bytes[0] != '+' && talk->bytes[0] != '-')
		return talk_fail(talk, REASON_PROTOCOL, "reply is not Redis");
	end = memchr(talk->bytes, '\n', talk->size < LINE_MOST ? talk->size : LINE_MOST);
	if (!end && talk->size >= LINE_MOST)
		return talk_fail(talk, REASON_PROTOCOL, "reply is not Redis");
	return end ? judge(talk, (size_t)(end - talk->bytes)) : TALK_MORE;
}

const struct dialogue redis_dialogue = {.step = redis_step};
