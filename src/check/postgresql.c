/* PostgreSQL's documentation, "Frontend/Backend Protocol". Whoever closes when asked for a password is not
 * logged, if the end is orderly. */
#include "check/postgresql.h"

#include <string.h>

#include "check/talk.h"
#include "config/model.h"

#define PROTOCOL_3_0 0x00030000u
#define NOBODY "lbha" /* the name without `user` */
#define HEAD 5        /* kind and length, which counts itself but not the kind */

static void put_words(struct writer *out, const char *words)
{
	put_bytes(out, words, strlen(words) + 1);
}

static void say_first(struct talk *talk)
{
	const struct check *check = talk->check;
	uint8_t *length = put_space(&talk->out, 4);
	struct writer begin = writer_of(length, length ? 4 : 0);

	put_u32(&talk->out, PROTOCOL_3_0);
	put_words(&talk->out, "user");
	put_words(&talk->out, check->account ? check->account : NOBODY);
	if (check->database) {
		put_words(&talk->out, "database");
		put_words(&talk->out, check->database);
	}
	put_u8(&talk->out, 0);
	put_u32(&begin, (uint32_t)(talk->out.at - length));
	talk->step = 1;
	talk->awaits = "reply to the startup message";
}

/* The text of a field of an ErrorResponse ("M": message, "C": SQLSTATE), and its length; "" when it has none. */
static const char *error_field(struct reader in, char wanted, size_t *length)
{
	while (reader_left(&in)) {
		char kind = (char)get_u8(&in);
		const uint8_t *end = memchr(in.at, '\0', reader_left(&in));
		const char *words = (const char *)in.at;

		if (!kind || !end)
			break;
		*length = (size_t)(end - in.at);
		get_bytes(&in, *length + 1);
		if (kind == wanted)
			return words;
	}
	*length = 0;
	return "";
}

/* Class 28: invalid authorization; 3D000: no such database (of the same name, by default). */
static bool is_about_us(const char *state, size_t length)
{
	return length == 5 && (!memcmp(state, "28", 2) || !memcmp(state, "3D", 2));
}

static enum talk_next judge_error(struct talk *talk, struct reader body)
{
	size_t length, state_length;
	const char *words = error_field(body, 'M', &length);
	const char *state = error_field(body, 'C', &state_length);
	char quote[TALK_QUOTE];

	talk_quote(words, length, quote);
	talk->goodbye = true; /* the server's: it closes */
	if (!talk->check->account && is_about_us(state, state_length))
		return talk_pass_saying(talk, "answers: %s", quote);
	return talk_fail_saying(talk, REASON_SAYS_DOWN, "%s",
				*quote ? quote : "an error without a message");
}

/* A postmaster that cannot start a process for us says so as protocol 2.0 had it: "E", text, zero. */
static enum talk_next judge_old_error(struct talk *talk)
{
	const uint8_t *end = memchr(talk->bytes, '\0', talk->size);
	char quote[TALK_QUOTE];

	if (!end)
		return TALK_MORE;
	return talk_fail_saying(talk, REASON_SAYS_DOWN, "%s",
				talk_quote(talk->bytes + 1, (size_t)(end - talk->bytes) - 1, quote));
}

static enum talk_next leave(struct talk *talk, const char *words)
{
	talk->orderly = true;
	return talk_pass(talk, words);
}

static enum talk_next judge(struct talk *talk, struct reader body)
{
	switch (talk->bytes[0]) {
	case 'E':
		return judge_error(talk, body);
	case 'R':
		if (get_u32(&body))
			return leave(talk, "asks for a password");
		if (body.failed)
			return talk_fail(talk, REASON_PROTOCOL, "reply is not PostgreSQL");
		talk->step = 2; /* let in */
		talk->awaits = "word that it is ready for a query";
		break;
	case 'Z':
		put_u8(&talk->out, 'X'); /* Terminate */
		put_u32(&talk->out, 4);
		talk->goodbye = true;
		return talk_pass(talk, "ready");
	}
	return TALK_AGAIN;
}

static bool is_kind(const struct talk *talk)
{
	return talk->bytes[0] && strchr(talk->step > 1 ? "ENSKZ" : "RENv", talk->bytes[0]);
}

static enum talk_next postgresql_step(struct talk *talk)
{
	struct reader head;
	enum talk_next next;
	uint32_t length;

	if (!talk->step)
		say_first(talk);
	if (talk->size && !is_kind(talk))
		return talk_fail(talk, REASON_PROTOCOL, "reply is not PostgreSQL");
	if (talk->size < HEAD)
		return TALK_MORE;
	head = reader_of(talk->bytes + 1, 4);
	length = get_u32(&head);
	if (talk->bytes[0] == 'E' && length >= TALK_IN)
		return judge_old_error(talk);
	if (length < 4 || length >= TALK_IN)
		return talk_fail(talk, REASON_PROTOCOL, "reply is not PostgreSQL");
	if (talk->size < 1 + length)
		return TALK_MORE;
	next = judge(talk, reader_of(talk->bytes + HEAD, length - 4));
	if (next == TALK_AGAIN)
		talk_take(talk, 1 + length);
	return next;
}

const struct dialogue postgresql_dialogue = {.step = postgresql_step};
