/* Replies come line by line, all of one code; what is wanted is of the second hundred. Lines of a reply are
 * taken as they come, so their number is limited and not their size in all. */
#include "check/smtp.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "check/talk.h"
#include "config/model.h"

#define LINE_MOST 2048 /* RFC 5321 has 512; some servers know no limit */
#define LINES_MOST 100

/* What the next reply answers. */
enum smtp_step {
	SMTP_NOTHING, /* nothing was said or heard */
	SMTP_GREETING,
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_STARTTLS,
};

/* talk->step: the step in the lower bits, then what is known. */
#define STEP_BITS 0xfu
#define OFFERS_TLS 0x10u
#define LINES_SHIFT 8
#define CODE_SHIFT 16

static unsigned step_of(const struct talk *talk)
{
	return talk->step & STEP_BITS;
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

int smtp_line_read(const uint8_t *bytes, size_t size, struct smtp_line *line, size_t *taken)
{
	const uint8_t *end = memchr(bytes, '\n', size < LINE_MOST ? size : LINE_MOST);
	size_t length = end ? (size_t)(end - bytes) : 0;

	if (!end)
		return size < LINE_MOST ? 0 : -EBADMSG;
	*taken = length + 1;
	if (length && bytes[length - 1] == '\r')
		length--;
	if (length < 3 || bytes[0] < '2' || bytes[0] > '5' || !is_digit(bytes[1]) || !is_digit(bytes[2]) ||
	    (length > 3 && bytes[3] != ' ' && bytes[3] != '-'))
		return -EBADMSG;
	*line = (struct smtp_line){
		.code = (unsigned)(bytes[0] - '0') * 100 + (unsigned)(bytes[1] - '0') * 10 +
			(unsigned)(bytes[2] - '0'),
		.is_last = length == 3 || bytes[3] == ' ',
		.text = (const char *)bytes + (length > 3 ? 4 : 3),
		.length = length > 3 ? length - 4 : 0,
	};
	return 1;
}

/* ---- what we say ------------------------------------------------------------------------------ */

static enum talk_next say(struct talk *talk, enum smtp_step step, const char *verb,
			  const char *argument, const char *awaits)
{
	put_bytes(&talk->out, verb, strlen(verb));
	put_bytes(&talk->out, argument, strlen(argument));
	put_bytes(&talk->out, "\r\n", 2);
	talk->step = step;
	talk->awaits = awaits;
	return TALK_AGAIN;
}

static enum talk_next say_ehlo(struct talk *talk)
{
	return say(talk, SMTP_EHLO, "EHLO ", talk->check->helo, "reply to EHLO");
}

static enum talk_next say_goodbye(struct talk *talk, const struct smtp_line *line)
{
	char quote[TALK_QUOTE];

	say(talk, SMTP_NOTHING, "QUIT", "", NULL);
	talk->goodbye = true;
	return talk_pass_saying(talk, "%u %s%s", line->code,
				talk_quote(line->text, line->length, quote),
				talk->secure ? ", over TLS" : "");
}

/* ---- what it says ------------------------------------------------------------------------------- */

static const char *asked(const struct talk *talk)
{
	static const char *const words[] = {
		[SMTP_NOTHING] = "",	    [SMTP_GREETING] = "greeting",
		[SMTP_EHLO] = "EHLO",	    [SMTP_HELO] = "HELO",
		[SMTP_STARTTLS] = "STARTTLS",
	};

	return words[step_of(talk)];
}

/* The words are those of the last line, as servers put what is wrong. */
static enum talk_next refused(struct talk *talk, const struct smtp_line *line)
{
	char quote[TALK_QUOTE];

	return talk_fail_saying(talk, REASON_MISMATCH, "%s: %u %s", asked(talk), line->code,
				talk_quote(line->text, line->length, quote));
}

/* RFC 5321 section 4.1.4: EHLO may be unknown; STARTTLS is, then. */
static enum talk_next ehlo_refused(struct talk *talk, const struct smtp_line *line)
{
	if (talk->check->starttls || (line->code != 500 && line->code != 502))
		return refused(talk, line);
	return say(talk, SMTP_HELO, "HELO ", talk->check->helo, "reply to HELO");
}

static enum talk_next hello(struct talk *talk, const struct smtp_line *line)
{
	if (!talk->check->starttls || talk->secure)
		return say_goodbye(talk, line);
	if (!(talk->step & OFFERS_TLS))
		return talk_fail(talk, REASON_MISMATCH, "server offers no STARTTLS");
	return say(talk, SMTP_STARTTLS, "STARTTLS", "", "reply to STARTTLS");
}

static enum talk_next answered(struct talk *talk, const struct smtp_line *line)
{
	switch (step_of(talk)) {
	case SMTP_GREETING:
		return line->code == 220 ? say_ehlo(talk) : refused(talk, line);
	case SMTP_EHLO:
		return line->code == 250 ? hello(talk, line) : ehlo_refused(talk, line);
	case SMTP_HELO:
		return line->code == 250 ? say_goodbye(talk, line) : refused(talk, line);
	default:
		break;
	}
	if (line->code != 220)
		return refused(talk, line);
	talk->step = SMTP_STARTTLS;
	return TALK_TLS;
}

static bool is_starttls(const struct smtp_line *line)
{
	return line->length >= 8 && !strncasecmp(line->text, "STARTTLS", 8) &&
	       (line->length == 8 || line->text[8] == ' ');
}

/* An alert or a handshake of TLS has no line's end. */
static bool is_tls(const struct talk *talk)
{
	return talk->size >= 2 && (talk->bytes[0] == 21 || talk->bytes[0] == 22) && talk->bytes[1] == 3;
}

static enum talk_next no_reply(struct talk *talk)
{
	char quote[TALK_QUOTE];
	const uint8_t *end = memchr(talk->bytes, '\n', talk->size);
	size_t size = end ? (size_t)(end - talk->bytes) : talk->size;

	if (size >= LINE_MOST)
		return talk_fail(talk, REASON_TOO_LARGE, "line longer than 2KiB");
	return talk_fail_saying(talk, REASON_PROTOCOL, "not SMTP: \"%s\"",
				talk_quote(talk->bytes, size, quote));
}

/* Notes a line of a reply. All lines of one have its code, and there is an end to them. */
static enum talk_next note_line(struct talk *talk, const struct smtp_line *line)
{
	unsigned code = talk->step >> CODE_SHIFT;
	unsigned lines = talk->step >> LINES_SHIFT & 0xff;

	if (lines >= LINES_MOST)
		return talk_fail(talk, REASON_TOO_LARGE, "reply of more than 100 lines");
	if (lines && code != line->code)
		return talk_fail(talk, REASON_PROTOCOL, "lines of one reply have different codes");
	if (step_of(talk) == SMTP_EHLO && lines && is_starttls(line))
		talk->step |= OFFERS_TLS;
	talk->step = (talk->step & 0xff) | (lines + 1) << LINES_SHIFT | line->code << CODE_SHIFT;
	return TALK_AGAIN;
}

static enum talk_next smtp_step(struct talk *talk)
{
	struct smtp_line line;
	enum talk_next next;
	size_t taken = 0;
	int found;

	if (step_of(talk) == SMTP_NOTHING) {
		talk->step = SMTP_GREETING;
		talk->awaits = "greeting";
	}
	if (talk->secure && step_of(talk) == SMTP_STARTTLS)
		return say_ehlo(talk);
	if (is_tls(talk))
		return talk_fail(talk, REASON_PROTOCOL, "server speaks TLS from the beginning");
	found = smtp_line_read(talk->bytes, talk->size, &line, &taken);
	if (found <= 0)
		return found ? no_reply(talk) : TALK_MORE;
	next = note_line(talk, &line);
	talk_take(talk, taken);
	return next == TALK_AGAIN && line.is_last ? answered(talk, &line) : next;
}

const struct dialogue smtp_dialogue = {.step = smtp_step};
