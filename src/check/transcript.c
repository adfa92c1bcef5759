/* See the header. A step is kind (1 byte), time after the beginning in nanoseconds (8), bytes that were
 * left out (4) and text (length before it). */
#include "check/transcript.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

#define STEP_HEAD 15
#define ESCAPE_MOST 4 /* characters for one byte */

void transcript_begin(struct transcript *transcript, nstime now)
{
	transcript->began = now;
	transcript->used = 0;
	transcript->cut = transcript->hides = false;
}

static void add_step(struct transcript *transcript, nstime now, enum transcript_kind kind,
		     size_t left_out, const char *text)
{
	struct writer out = writer_of(transcript->bytes + transcript->used,
				      sizeof(transcript->bytes) - transcript->used);

	if (transcript->cut)
		return;
	put_u8(&out, (uint8_t)kind);
	put_time(&out, now - transcript->began);
	put_u32(&out, (uint32_t)left_out);
	put_text(&out, text);
	if (out.failed)
		transcript->cut = true;
	else
		transcript->used += writer_used(&out);
}

void transcript_say(struct transcript *transcript, nstime now, const char *format, va_list list)
{
	char line[512];
	struct text text = text_of(line, sizeof(line));

	text_addv(&text, format, list);
	text_clean(line);
	add_step(transcript, now, TRANSCRIPT_DID, 0, line);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void escape(struct text *out, uint8_t byte)
{
	static const char bytes[] = "\r\n\t\\", letters[] = "rnt\\";
	const char *special = byte ? strchr(bytes, byte) : NULL;

	if (special)
		text_add(out, "\\%c", letters[special - bytes]);
	else if (byte >= ' ' && byte <= '~')
		text_add(out, "%c", byte);
	else
		text_add(out, "\\x%02x", byte);
}

/* What fits of them, and room for `after` more characters. */
static size_t escape_some(struct text *out, const uint8_t *bytes, size_t size, size_t after)
{
	size_t at = 0;

	while (at < size && out->length + ESCAPE_MOST + after < out->size)
		escape(out, bytes[at++]);
	return at;
}

/* So much as may be written of one step: never more than what the transcript has room for. */
static struct text step_text(const struct transcript *transcript, char buffer[TRANSCRIPT_TEXT])
{
	size_t left = sizeof(transcript->bytes) - transcript->used;

	return text_of(buffer, left > TRANSCRIPT_TEXT + STEP_HEAD ? TRANSCRIPT_TEXT
			       : left > STEP_HEAD + 64		  ? left - STEP_HEAD
								  : 1);
}

void transcript_bytes(struct transcript *transcript, nstime now, enum transcript_kind kind,
		      const void *bytes, size_t size)
{
	char buffer[TRANSCRIPT_TEXT];
	struct text text = step_text(transcript, buffer);
	size_t shown = escape_some(&text, bytes, size, 0);

	if (!shown && size)
		transcript->cut = true;
	else
		add_step(transcript, now, kind, size - shown, buffer);
}

/* ---- secrets -------------------------------------------------------------------------------- */

static bool name_has(const char *name, size_t size, const char *part)
{
	size_t length = strlen(part);

	for (size_t at = 0; at + length <= size; at++)
		if (!strncasecmp(name + at, part, length))
			return true;
	return false;
}

static bool is_secret(const char *name, size_t size)
{
	static const char *const parts[] = {"auth",   "cookie",   "token",   "secret",
					    "passw",  "api-key",  "apikey",  "credential",
					    "session", "access-key", "signature"};

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (name_has(name, size, parts[i]))
			return true;
	return false;
}

/* How much of a line may be shown: all, or up to the colon of a field that keeps a secret. */
static size_t open_part(const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);

	if (colon && colon > line && is_secret(line, (size_t)(colon - line)))
		return (size_t)(colon - line) + 1;
	return size;
}

void transcript_head(struct transcript *transcript, nstime now, enum transcript_kind kind,
		     const char *bytes, size_t size)
{
	char buffer[TRANSCRIPT_TEXT];
	struct text text = step_text(transcript, buffer);
	size_t at = 0, shown = 0;

	while (at < size && shown == at) {
		const char *end = memchr(bytes + at, '\n', size - at);
		size_t length = end ? (size_t)(end - bytes) + 1 - at : size - at;
		/* a folded line goes on with what the field before it keeps */
		bool goes_on = bytes[at] == ' ' || bytes[at] == '\t';
		size_t part = goes_on && transcript->hides ? 0 : open_part(bytes + at, length);

		transcript->hides = part < length;
		shown += escape_some(&text, (const uint8_t *)bytes + at, part, 32);
		if (shown == at + part && part < length) {
			text_add(&text, " " TRANSCRIPT_SECRET "\\r\\n");
			shown = at + length;
		}
		at += length;
	}
	if (!shown && size)
		transcript->cut = true;
	else
		add_step(transcript, now, kind, size - shown, buffer);
}

/* ---- reading -------------------------------------------------------------------------------- */

bool transcript_next(struct reader *in, struct transcript_step *out)
{
	if (in->failed || !reader_left(in))
		return false;
	out->kind = (enum transcript_kind)get_u8(in);
	out->after = get_time(in);
	out->left_out = get_u32(in);
	get_text(in, out->text, sizeof(out->text));
	if (out->kind >= TRANSCRIPT_KINDS || out->after < 0)
		in->failed = true;
	return !in->failed;
}

const char *transcript_kind_name(enum transcript_kind kind)
{
	static const char *const names[] = {
		[TRANSCRIPT_DID] = "did",
		[TRANSCRIPT_SENT] = "sent",
		[TRANSCRIPT_RECEIVED] = "received",
	};

	return kind < TRANSCRIPT_KINDS ? names[kind] : "did";
}
