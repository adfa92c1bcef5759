/* See the header. */
#include "daemon/notice.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- the record ------------------------------------------------------------------------------------------------- */

void notice_put_head(struct writer *out, const struct notice *notice, unsigned members)
{
	put_u8(out, (uint8_t)notice->script_count);
	for (unsigned i = 0; i < notice->script_count; i++)
		put_u64(out, notice->scripts[i]);
	put_bool(out, notice->present);
	put_text(out, notice->object);
	put_text(out, notice->event);
	put_text(out, notice->state);
	put_u8(out, (uint8_t)members);
}

void notice_put_member(struct writer *out, const char *name, const char *value)
{
	put_text(out, name);
	put_text(out, value);
}

void notice_put_text(struct writer *out, const char *json)
{
	put_text(out, json);
}

/* It becomes a variable's name. */
static bool is_name(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_'))
			return false;
	return *name != '\0';
}

static bool body_is_sound(struct reader in)
{
	char name[NOTICE_NAME];
	unsigned members = get_u8(&in);
	bool names = members <= NOTICE_MEMBERS;

	for (unsigned i = 0; i < members && !in.failed; i++) {
		get_text(&in, name, sizeof(name));
		names &= is_name(name);
		get_bytes(&in, get_u16(&in));
	}
	get_bytes(&in, get_u16(&in));
	return reader_done(&in) && names;
}

bool notice_get(struct reader *in, struct notice *out)
{
	out->script_count = get_u8(in);
	if (out->script_count > NOTICE_SCRIPTS)
		return false;
	for (unsigned i = 0; i < out->script_count; i++)
		out->scripts[i] = get_u64(in);
	out->present = get_bool(in);
	text_clean(get_text(in, out->object, sizeof(out->object)));
	get_text(in, out->event, sizeof(out->event));
	get_text(in, out->state, sizeof(out->state));
	if (in->failed || !is_name(out->event))
		return false;
	text_clean(out->state);
	out->size = reader_left(in);
	out->body = get_bytes(in, out->size);
	return out->body && body_is_sound(reader_of(out->body, out->size));
}

/* ---- what a script gets ------------------------------------------------------------------------------------------- */

void notice_add(struct notice_words *words, const char *name, const char *value)
{
	size_t room = sizeof(words->text) - words->used;
	char *at = words->text + words->used;
	int length;

	if (words->count + 1 >= COUNT_OF(words->environment))
		return;
	length = snprintf(at, room, "LBHA_%s=%s", name, value);
	if (length < 0 || (size_t)length >= room)
		return;
	for (char *upper = at; *upper != '='; upper++)
		if (*upper >= 'a' && *upper <= 'z')
			*upper = (char)(*upper - 'a' + 'A');
	text_clean(at);
	words->environment[words->count++] = at;
	words->environment[words->count] = NULL;
	words->used += (size_t)length + 1;
}

static void json_add(struct notice_words *words, const char *text)
{
	size_t used = strlen(words->json);

	snprintf(words->json + used, sizeof(words->json) - used, "%s", text);
}

void notice_words_of(const void *body, size_t size, struct notice_words *out)
{
	struct reader in = reader_of(body, size);
	char name[NOTICE_NAME], value[NOTICE_VALUE];
	unsigned members = get_u8(&in);

	out->count = out->used = 0;
	out->environment[0] = NULL;
	for (unsigned i = 0; i < members; i++) {
		get_text(&in, name, sizeof(name));
		get_text(&in, value, sizeof(value));
		notice_add(out, name, value);
	}
	get_text(&in, out->json, NOTICE_JSON);
}

void notice_add_json_text(struct notice_words *words, const char *name, const char *value)
{
	char text[NOTICE_NAME + NOTICE_STATE + 16];

	if (value)
		snprintf(text, sizeof(text), ",\"%s\":\"%s\"", name, value);
	else
		snprintf(text, sizeof(text), ",\"%s\":null", name);
	json_add(words, text);
}

void notice_add_json_number(struct notice_words *words, const char *name, unsigned value)
{
	char text[NOTICE_NAME + 32];

	snprintf(text, sizeof(text), ",\"%s\":%u", name, value);
	json_add(words, text);
}

void notice_end_json(struct notice_words *words)
{
	json_add(words, "}\n");
}
