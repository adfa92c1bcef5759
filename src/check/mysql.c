/* MySQL's documentation, "Client/Server Protocol", connection phase. Numbers are little-endian; a packet
 * is its length (3 bytes), a number that counts up over both sides, and that many bytes. */
#include "check/mysql.h"

#include <string.h>

#include "check/talk.h"
#include "config/model.h"

#define HEAD 4

/* Capabilities: long passwords, protocol 4.1, its authentication, and plugins for that. */
#define CAPABILITIES (0x00000001u | 0x00000200u | 0x00008000u | 0x00080000u)
#define PACKET_MOST 0x01000000u
#define CHARSET_UTF8 33
#define PLUGIN "mysql_native_password"

#define OK 0x00
#define MORE_DATA 0x01
#define SWITCH 0xfe
#define ERROR 0xff
#define COM_QUIT 0x01

enum step {
	STEP_GREETING,
	STEP_LOGIN,
	STEP_SWITCHED,
};

static void put_little(struct writer *out, uint32_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8)
		put_u8(out, (uint8_t)value);
}

static void put_head(struct writer *out, size_t length, uint8_t number)
{
	put_little(out, (uint32_t)length, 3);
	put_u8(out, number);
}

static void say_login(struct talk *talk)
{
	static const uint8_t reserved[23];
	const char *user = talk->check->account ? talk->check->account : "";
	struct writer *out = &talk->out;

	put_head(out, 4 + 4 + 1 + sizeof(reserved) + strlen(user) + 1 + 1 + sizeof(PLUGIN), 1);
	put_little(out, CAPABILITIES, 4);
	put_little(out, PACKET_MOST, 4);
	put_u8(out, CHARSET_UTF8);
	put_bytes(out, reserved, sizeof(reserved));
	put_bytes(out, user, strlen(user) + 1);
	put_u8(out, 0); /* no password */
	put_bytes(out, PLUGIN, sizeof(PLUGIN));
}

static enum talk_next not_mysql(struct talk *talk)
{
	return talk_fail(talk, REASON_PROTOCOL, "reply is not MySQL");
}

/* Error number, then from protocol 4.1 on "#" and an SQLSTATE, then words. */
static enum talk_next judge_error(struct talk *talk, struct reader in, bool may_refuse)
{
	unsigned number = get_u8(&in);
	char quote[TALK_QUOTE];
	bool refused = false;

	number |= (unsigned)get_u8(&in) << 8;
	if (reader_left(&in) >= 6 && in.at[0] == '#') {
		refused = !memcmp(in.at + 1, "28", 2); /* invalid authorization */
		get_bytes(&in, 6);
	}
	talk_quote(in.at, reader_left(&in), quote);
	talk->orderly = true;
	if (may_refuse && refused)
		return talk_pass(talk, "answers, and lets nobody in without a name");
	return talk_fail_saying(talk, REASON_SAYS_DOWN, "%s (error %u)", quote, number);
}

static enum talk_next judge_greeting(struct talk *talk, struct reader in)
{
	uint8_t kind = get_u8(&in);
	const uint8_t *end;

	if (kind == ERROR)
		return judge_error(talk, in, false);
	end = memchr(in.at, '\0', reader_left(&in));
	/* behind the version: thread, first part of the challenge, filler, capabilities */
	if (!end || in.end - end < 1 + 4 + 8 + 1 + 2)
		return not_mysql(talk);
	say_login(talk);
	talk->step = STEP_LOGIN;
	talk->awaits = "reply to the login";
	return TALK_AGAIN;
}

/* Another plugin is wanted: with an empty password all say nothing, but those of SHA-256 a zero. */
static enum talk_next judge_switch(struct talk *talk, struct reader in, uint8_t number)
{
	bool zero = reader_left(&in) >= 7 && memmem(in.at, reader_left(&in), "sha", 3);

	if (talk->step == STEP_SWITCHED)
		return not_mysql(talk);
	put_head(&talk->out, zero, (uint8_t)(number + 1));
	if (zero)
		put_u8(&talk->out, 0);
	talk->step = STEP_SWITCHED;
	return TALK_AGAIN;
}

static enum talk_next judge_login(struct talk *talk, struct reader in, uint8_t number)
{
	switch (get_u8(&in)) {
	case OK:
		put_head(&talk->out, 1, 0);
		put_u8(&talk->out, COM_QUIT);
		return talk_pass(talk, "logged in");
	case ERROR:
		return judge_error(talk, in, !talk->check->account);
	case SWITCH:
		return judge_switch(talk, in, number);
	case MORE_DATA:
		return talk_fail(talk, REASON_SAYS_DOWN, "the user has a password");
	default:
		return not_mysql(talk);
	}
}

/* Known by its first five bytes, so that no other server is waited for. */
static bool may_be_greeting(const struct talk *talk)
{
	return (talk->size < HEAD || talk->bytes[3] == 0) &&
	       (talk->size <= HEAD || talk->bytes[HEAD] == 10 || talk->bytes[HEAD] == ERROR);
}

static enum talk_next mysql_step(struct talk *talk)
{
	enum talk_next next;
	struct reader in;
	uint8_t number;
	size_t length;

	if (!talk->awaits)
		talk->awaits = "greeting";
	if (talk->step == STEP_GREETING && !may_be_greeting(talk))
		return not_mysql(talk);
	if (talk->size < HEAD)
		return TALK_MORE;
	length = talk->bytes[0] | (size_t)talk->bytes[1] << 8 | (size_t)talk->bytes[2] << 16;
	number = talk->bytes[3];
	if (!length || length > TALK_IN - HEAD)
		return not_mysql(talk);
	if (talk->size < HEAD + length)
		return TALK_MORE;
	in = reader_of(talk->bytes + HEAD, length);
	next = talk->step == STEP_GREETING ? judge_greeting(talk, in) : judge_login(talk, in, number);
	if (next == TALK_AGAIN)
		talk_take(talk, HEAD + length);
	return next;
}

const struct dialogue mysql_dialogue = {.step = mysql_step};
