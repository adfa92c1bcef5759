#include "base/escape.h"

#include <string.h>

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* How many characters the escape at `text` (a backslash) has and what it says; 0: it is none. */
static size_t escape_at(const char *text, uint8_t *byte)
{
	static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
	const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
	int high, low;

	if (letter) {
		*byte = (uint8_t)bytes[letter - letters];
		return 2;
	}
	if (text[1] != 'x')
		return 0;
	high = hex_digit(text[2]);
	low = high < 0 ? -1 : hex_digit(text[3]);
	if (low < 0)
		return 0;
	*byte = (uint8_t)(high << 4 | low);
	return 4;
}

size_t escape_decode(const char *text, uint8_t *out, size_t room)
{
	size_t count = 0;

	while (*text && count < room) {
		size_t length = *text == '\\' ? escape_at(text, &out[count]) : 0;

		if (!length) {
			out[count] = (uint8_t)*text;
			length = 1;
		}
		text += length;
		count++;
	}
	return count;
}

const char *escape_fault(const char *text)
{
	uint8_t byte;

	while (*text) {
		size_t length = *text == '\\' ? escape_at(text, &byte) : 1;

		if (!length)
			return text;
		text += length;
	}
	return NULL;
}
