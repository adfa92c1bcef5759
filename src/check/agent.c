/* See the header. Nothing is allocated, nothing is kept: a line is walked once. */
#include "check/agent.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/talk.h"

#define WEIGHT_MAX 65535

static const struct {
	const char *word;
	enum advice_wish wish;
	enum advice_status status;
} words[] = {
	{"up", ADVICE_NO_WISH, ADVICE_UP},         {"down", ADVICE_NO_WISH, ADVICE_DOWN},
	{"fail", ADVICE_NO_WISH, ADVICE_DOWN},     {"failed", ADVICE_NO_WISH, ADVICE_DOWN},
	{"stopped", ADVICE_NO_WISH, ADVICE_DOWN},  {"ready", ADVICE_READY, ADVICE_NO_STATUS},
	{"drain", ADVICE_DRAIN, ADVICE_NO_STATUS}, {"maint", ADVICE_MAINT, ADVICE_NO_STATUS},
};

#define MAXCONN "maxconn:"

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\v' || byte == '\f';
}

static bool is_between(char byte)
{
	return is_blank(byte) || byte == ',';
}

static bool is_end(char byte)
{
	return byte == '\n' || byte == '\r' || byte == '\0';
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Whether the bytes begin with a word, in any case. */
static bool begins(const char *bytes, size_t length, const char *word)
{
	size_t size = strlen(word);

	if (length < size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (lower(bytes[i]) != word[i])
			return false;
	return true;
}

/* Digits alone; a number beyond the most is the most. */
static bool number_of(const char *bytes, size_t length, uint32_t most, uint32_t *out)
{
	uint64_t number = 0;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] < '0' || bytes[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(bytes[i] - '0');
		number = number > most ? most : number;
	}
	*out = (uint32_t)number;
	return length > 0;
}

static bool take_weight(struct advice *told, const char *word, size_t length, bool numbers)
{
	bool is_percent = word[length - 1] == '%';
	uint32_t most = is_percent ? ADVICE_PERCENT_MAX : WEIGHT_MAX;

	if ((!is_percent && !numbers) || !number_of(word, length - is_percent, most, &told->weight))
		return false;
	told->parts &= ADVICE_MAXCONN;
	told->parts |= is_percent ? ADVICE_PERCENT : ADVICE_WEIGHT;
	return true;
}

/* False: it is no word of an agent. */
static bool take_word(struct advice *told, const char *word, size_t length, bool numbers)
{
	const size_t prefix = strlen(MAXCONN);

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (length != strlen(words[i].word) || !begins(word, length, words[i].word))
			continue;
		if (words[i].wish)
			told->wish = (uint8_t)words[i].wish;
		if (words[i].status)
			told->status = (uint8_t)words[i].status;
		return true;
	}
	if (begins(word, length, MAXCONN) &&
	    number_of(word + prefix, length - prefix, UINT32_MAX, &told->maxconn)) {
		told->parts |= ADVICE_MAXCONN;
		return true;
	}
	return take_weight(told, word, length, numbers);
}

bool agent_find(const char *bytes, size_t size, bool ended, const char **line, size_t *length)
{
	size_t at = 0, begin;

	while (at < size && (is_end(bytes[at]) || is_between(bytes[at])))
		at++;
	begin = at;
	while (at < size && !is_end(bytes[at]))
		at++;
	if (at == begin || (at == size && !ended))
		return false;
	*line = bytes + begin;
	*length = at - begin;
	return true;
}

static size_t without_blanks(const char *bytes, size_t length)
{
	while (length && is_between(bytes[length - 1]))
		length--;
	return length;
}

static void take_comment(struct agent_reply *reply, const char *bytes, size_t length)
{
	while (length && is_blank(*bytes)) {
		bytes++;
		length--;
	}
	reply->comment = bytes;
	reply->comment_length = without_blanks(bytes, length);
}

struct agent_reply agent_read(const char *line, size_t length, bool numbers)
{
	struct agent_reply reply = {.words = line};
	const char *sharp = memchr(line, '#', length);
	size_t at = 0, end = sharp ? (size_t)(sharp - line) : length;

	if (sharp)
		take_comment(&reply, sharp + 1, length - end - 1);
	reply.words_length = without_blanks(line, end);
	while (at < end) {
		size_t begin = at;

		while (at < end && !is_between(line[at]))
			at++;
		if (at > begin && !take_word(&reply.told, line + begin, at - begin, numbers) &&
		    !reply.unknown) {
			reply.unknown = line + begin;
			reply.unknown_length = at - begin;
		}
		at++;
	}
	return reply;
}

/* The line as it is but for what would disturb a terminal: "75% drain: backup runs". */
static void describe(const struct agent_reply *reply, struct text *out)
{
	text_add_clean(out, reply->words, reply->words_length);
	if (reply->comment_length)
		text_add(out, "%s", reply->words_length ? ": " : "");
	text_add_clean(out, reply->comment, reply->comment_length);
	if (!reply->unknown)
		return;
	text_add(out, " (\"");
	text_add_clean(out, reply->unknown, reply->unknown_length < 24 ? reply->unknown_length : 24);
	text_add(out, "\" is no word of an agent)");
}

struct outcome agent_outcome(const struct agent_reply *reply, char *said)
{
	struct outcome outcome = {.reason = REASON_PASSED, .step = STEP_REPLY, .fault = said};
	struct text text = text_of(said, OUTCOME_SAID);

	outcome.told = reply->told;
	if (!advice_spoken(&reply->told))
		outcome.reason = REASON_PROTOCOL;
	else if (reply->told.status == ADVICE_DOWN)
		outcome.reason = REASON_SAYS_DOWN;
	describe(reply, &text);
	if (!text.length)
		text_add(&text, "says nothing");
	return outcome;
}

struct outcome agent_outcome_of_file(const struct agent_reply *reply, char *said)
{
	struct outcome outcome = agent_outcome(reply, said);

	if (outcome.reason == REASON_PROTOCOL)
		outcome.reason = REASON_PASSED;
	if (!outcome.told.status) /* each look at a file is a new one: it cannot have forgotten to say up */
		outcome.told.status = ADVICE_UP;
	return outcome;
}

/* ---- the dialogue --------------------------------------------------------------------------- */

static enum talk_next agent_step(struct talk *talk)
{
	bool is_long = talk->size >= AGENT_LINE_MAX;
	size_t size = is_long ? AGENT_LINE_MAX : talk->size, length;
	struct agent_reply reply;
	struct outcome outcome;
	const char *line;

	if (!agent_find((const char *)talk->bytes, size, talk->closed && !is_long, &line, &length))
		return is_long ? talk_fail(talk, REASON_PROTOCOL, "no line within 512 bytes") : TALK_MORE;
	reply = agent_read(line, length, false);
	outcome = agent_outcome(&reply, talk->said);
	talk->told = outcome.told;
	if (outcome.reason == REASON_PASSED)
		return talk_pass(talk, talk->said);
	return talk_fail(talk, outcome.reason, talk->said);
}

const struct dialogue agent_dialogue = {.step = agent_step};
