/* See the header. */
#include "config/quote.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

bool quote_is_needless(const char *text)
{
	static const char first[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._";
	size_t length = strlen(text);

	if (!length || !strchr(first, text[0]) || text[length - 1] == ':')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!strchr(first, text[i]) && !strchr("-:+@%", text[i]))
			return false;
	return true;
}

/* The code point that begins at `at` and its length in bytes; 0: none does (RFC 3629: neither
 * surrogates nor longer forms than needed). */
static size_t utf8_decode(const unsigned char *at, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	*point = at[0] & (0xff >> (length + 1));
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (at[i] & 0x3f);
	}
	if (*point < least[length] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return length;
}

/* One character beyond ASCII; YAML takes most as they are. Returns how many bytes it has. */
static size_t add_wide(struct text *out, const char *at)
{
	uint32_t point;
	size_t length = utf8_decode((const unsigned char *)at, &point);

	if (!length)
		text_add(out, "?");
	else if (point < 0xa0)
		text_add(out, "\\x%02x", point);
	else if (point == 0xfeff || point == 0x2028 || point == 0x2029 || (point & 0xfffe) == 0xfffe)
		text_add(out, "\\U%08x", point);
	else
		text_add(out, "%.*s", (int)length, at);
	return length ? length : 1;
}

static void add_byte(struct text *out, const char *at)
{
	if (*at == '\n')
		text_add(out, "\\n");
	else if (*at == '\t')
		text_add(out, "\\t");
	else if ((unsigned char)*at < ' ' || *at == 0x7f)
		text_add(out, "\\x%02x", (unsigned char)*at);
	else if (at[0] == '$' && at[1] == '{')
		text_add(out, "$$");
	else
		text_add(out, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
}

void quote_add(struct text *out, const char *text)
{
	text_add(out, "\"");
	while (*text) {
		if ((unsigned char)*text >= 0x80) {
			text += add_wide(out, text);
			continue;
		}
		add_byte(out, text++);
	}
	text_add(out, "\"");
}
