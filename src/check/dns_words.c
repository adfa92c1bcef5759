#include "check/dns_words.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/text.h"
#include "check/dns.h"
#include "config/schema.h"

#define IS_RESPONSE 0x8000
#define TRUNCATED 0x0200
#define RCODE 0x000f
#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28
#define RECORDS_SHOWN 8

static void add_name(struct text *out, const struct dns_name *name)
{
	const uint8_t *at = name->bytes;

	if (name->size <= 1)
		text_add(out, ".");
	for (; at < name->bytes + name->size && *at; at += 1 + *at) {
		text_add_clean(out, (const char *)at + 1, *at);
		text_add(out, ".");
	}
}

/* By the words of lbha.conf; false: it has none for that. */
static bool add_word(struct text *out, const struct schema_record *record, const char *key, uint32_t value)
{
	for (const struct schema_word *word = schema_find(record, key)->words; word->text; word++) {
		if (word->value != value)
			continue;
		text_add(out, "%s", word->text);
		return true;
	}
	return false;
}

static void add_type(struct text *out, uint16_t type)
{
	if (!add_word(out, &schema_check, "record", type))
		text_add(out, "type %u", type);
}

static void add_rcode(struct text *out, unsigned rcode)
{
	if (!add_word(out, &schema_dns_expect, "rcode", 1u << rcode))
		text_add(out, "rcode %u", rcode);
}

static void add_data(struct text *out, const uint8_t *message, uint16_t type, struct reader data)
{
	const uint8_t family = type == TYPE_A ? AF_INET : AF_INET6;
	size_t size = reader_left(&data);
	char address[ADDR_TEXT];
	struct dns_name name;
	struct addr it;

	if ((type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16)) {
		it = addr_from_bytes(family, data.at);
		text_add(out, " %s", addr_format(&it, address));
	} else if (type == TYPE_CNAME && dns_name_get(message, &data, &name)) {
		text_add(out, " ");
		add_name(out, &name);
	} else {
		text_add(out, " (%zu bytes)", size);
	}
}

/* False: it cannot be read. */
static bool add_record(struct text *out, const uint8_t *message, struct reader *in)
{
	struct dns_name name;
	struct reader data;
	uint16_t type;

	if (!dns_name_get(message, in, &name))
		return false;
	type = get_u16(in);
	get_u16(in);
	get_u32(in);
	data = get_part(in, get_u16(in));
	if (in->failed)
		return false;
	add_name(out, &name);
	text_add(out, " ");
	add_type(out, type);
	add_data(out, message, type, data);
	return true;
}

const char *dns_words(const uint8_t *bytes, size_t size, char *out, size_t room)
{
	struct reader in = reader_of(bytes, size);
	struct text text = text_of(out, room);
	uint16_t id = get_u16(&in), flags = get_u16(&in), questions = get_u16(&in), answers = get_u16(&in);
	struct dns_name name;

	get_u32(&in);
	for (uint16_t i = 0; i < questions && !in.failed; i++) {
		if (!dns_name_get(bytes, &in, &name))
			in.failed = true;
		add_name(&text, &name);
		text_add(&text, " ");
		add_type(&text, get_u16(&in));
		get_u16(&in);
		text_add(&text, "?%s", flags & IS_RESPONSE ? " " : "");
	}
	if (flags & IS_RESPONSE) {
		add_rcode(&text, flags & RCODE);
		text_add(&text, ", id %u, %u answer%s%s", id, answers, answers == 1 ? "" : "s",
			 flags & TRUNCATED ? " (truncated)" : "");
	} else {
		text_add(&text, ", id %u", id);
	}
	for (uint16_t i = 0; i < answers && i < RECORDS_SHOWN && !in.failed; i++) {
		text_add(&text, i ? "; " : ": ");
		in.failed = !add_record(&text, bytes, &in);
	}
	if (in.failed)
		text_add(&text, " (malformed)");
	return out;
}
