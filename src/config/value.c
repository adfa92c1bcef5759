/* Scalars to values and back; see the header. Each parser takes the row, the scalar and where to
 * put the value, and complains into `why` in a sentence that follows "KEY: ". */
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/duration.h"
#include "config/habits.h"
#include "config/model.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool value_same_word(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return !*a && !*b;
}

/* What other YAML readers take for a number: sign, digits with underscores, one point, an exponent,
 * or hexadecimal. */
static bool looks_numeric(const char *text)
{
	bool point = false, digits = false;

	if (*text == '+' || *text == '-')
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2])
		return text[2 + strspn(text + 2, "0123456789abcdefABCDEF_")] == '\0';
	for (; is_digit(*text) || *text == '_' || (*text == '.' && !point); text++) {
		point = point || *text == '.';
		digits = digits || is_digit(*text);
	}
	if (digits && (*text == 'e' || *text == 'E')) {
		text++;
		text += *text == '+' || *text == '-';
		return *text && text[strspn(text, "0123456789")] == '\0';
	}
	return digits && !*text;
}

const char *value_plain_trap(const char *text)
{
	static const char *const nulls[] = {"", "~", "null"};
	static const char *const booleans[] = {"true", "false", "yes", "no", "on", "off"};

	for (size_t i = 0; i < COUNT_OF(nulls); i++)
		if (value_same_word(text, nulls[i]))
			return "null";
	for (size_t i = 0; i < COUNT_OF(booleans); i++)
		if (value_same_word(text, booleans[i]))
			return "a boolean";
	return looks_numeric(text) ? "a number" : NULL;
}

/* A judge's complaint about the text as it was written. */
static bool complain(struct text *why, const char *text, const char *complaint)
{
	bool follows = !strncmp(complaint, "is ", 3) || !strncmp(complaint, "has ", 4);

	text_add(why, "\"%s\"%s %s", text, follows ? "" : ":", complaint);
	return false;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Decimal or 0x hexadecimal digits; -EINVAL for anything else, -ERANGE above 63 bits. */
static int number_parse(const char *text, int64_t *out)
{
	bool hex = text[0] == '0' && text[1] == 'x';
	const char *digits = hex ? text + 2 : text;
	char *end;
	long long number;

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return -EINVAL;
	if (!hex && digits[0] == '0' && digits[1])
		return -EINVAL;
	errno = 0;
	number = strtoll(digits, &end, hex ? 16 : 10);
	if (errno || *end)
		return -ERANGE;
	*out = number;
	return 0;
}

static void number_range(const struct schema_field *field, struct text *why)
{
	if (field->min == field->max)
		text_add(why, "must be %lld", (long long)field->min);
	else if (field->max)
		text_add(why, "must be from %lld to %lld", (long long)field->min,
			 (long long)field->max);
	else
		text_add(why, "must be %lld or more", (long long)field->min);
}

static bool bad_number(const struct scalar *scalar, int err, struct text *why)
{
	const char *text = scalar->text;

	if (!scalar->plain && looks_numeric(text))
		text_add(why, "a number is expected, not the text \"%s\": remove the quotes", text);
	else if (err == -ERANGE)
		text_add(why, "%s is too large", text);
	else if (text[0] == '0' && is_digit(text[1]) && looks_numeric(text))
		text_add(
			why,
			"%s has a leading zero: write the number in decimal, or in hexadecimal with 0x",
			text);
	else
		text_add(why, "a whole number is expected, not \"%s\"", text);
	return false;
}

static bool parse_number(const struct schema_field *field, const struct scalar *scalar, void *out,
			 struct text *why)
{
	int64_t number;
	int err = number_parse(scalar->text, &number);

	if (!scalar->plain && !err)
		err = -EINVAL;
	if (err == -EINVAL && scalar->plain && scalar->text[0] == '-' &&
	    !number_parse(scalar->text + 1, &number)) {
		number = -number;
		err = 0;
	}
	if (err)
		return bad_number(scalar, err, why);
	if (number < field->min || (field->max && number > field->max)) {
		number_range(field, why);
		text_add(why, ", not %s", scalar->text);
		return false;
	}
	if (field->type == TYPE_SIGNED && !number) {
		text_add(why, "must not be 0, which changes nothing");
		return false;
	}
	schema_number_set(out, field->size, (uint64_t)number);
	return true;
}

static bool parse_percent(const struct schema_field *field, const struct scalar *scalar, void *out,
			  struct text *why)
{
	size_t length = strlen(scalar->text);
	char digits[24] = "";
	struct scalar number = *scalar;

	number.text = digits;
	if (length && length < sizeof(digits) && scalar->text[length - 1] == '%') {
		memcpy(digits, scalar->text, length - 1);
		digits[length - 1] = '\0';
		return parse_number(field, &number, out, why);
	}
	text_add(why, "a share is expected, written with %% (50%%), not \"%s\"", scalar->text);
	return false;
}

static bool parse_bool(const struct scalar *scalar, void *out, struct text *why)
{
	bool value = !strcmp(scalar->text, "true");

	if (!value && strcmp(scalar->text, "false")) {
		text_add(why, "true or false is expected, not \"%s\"", scalar->text);
		return false;
	}
	if (!scalar->plain) {
		text_add(why, "true or false is expected, not the text \"%s\": remove the quotes",
			 scalar->text);
		return false;
	}
	memcpy(out, &value, sizeof(value));
	return true;
}

/* ---- durations ------------------------------------------------------------------------------ */

static bool duration_fits(const struct schema_field *field, nstime value, struct text *why)
{
	char given[DURATION_TEXT], low[DURATION_TEXT], high[DURATION_TEXT];

	duration_format(value, given);
	duration_format(field->min, low);
	duration_format(field->max, high);
	if (value % NSTIME_US)
		text_add(why, "is finer than a microsecond");
	else if (value < field->min && field->max)
		text_add(why, "must be from %s to %s, not %s", low, high, given);
	else if (value < field->min)
		text_add(why, "must be %s or more, not %s", low, given);
	else if (field->max && value > field->max && field->min)
		text_add(why, "must be from %s to %s, not %s", low, high, given);
	else if (field->max && value > field->max)
		text_add(why, "must be at most %s, not %s", high, given);
	else if (field->step && value % field->step)
		text_add(why, "must be a multiple of %s, not %s", duration_format(field->step, low),
			 given);
	else
		return true;
	return false;
}

static bool parse_duration(const struct schema_field *field, const struct scalar *scalar, void *out,
			   struct text *why)
{
	const char *text = scalar->text;
	bool forever = field->flags & FIELD_FOREVER && !strcmp(text, "forever");
	nstime value = NSTIME_NEVER;
	int err = forever ? 0 : duration_parse(text, &value);

	if (err == -EDOM)
		text_add(why, "%s has no unit: write %ss, or one of us, ms, m, h, d", text, text);
	else if (err == -ERANGE)
		text_add(why, "%s is too long", text);
	else if (err)
		text_add(
			why,
			"\"%s\" is no duration (a number and its unit: us, ms, s, m, h or d; e.g. 500ms)",
			text);
	if (err || (!forever && !duration_fits(field, value, why)))
		return false;
	memcpy(out, &value, sizeof(value));
	return true;
}

/* ---- texts and words ------------------------------------------------------------------------ */

static bool parse_text(const struct schema_field *field, const struct scalar *scalar,
		       struct arena *arena, void *out, struct text *why)
{
	const char *trap = scalar->quoted ? NULL : value_plain_trap(scalar->text);
	const char *complaint = field->judge ? field->judge(scalar->text) : NULL;
	char *copy;

	if (trap) {
		text_add(why, "a text is expected, and %s is %s; if it is meant, write \"%s\"",
			 scalar->text, trap, scalar->text);
		return false;
	}
	if (strlen(scalar->text) > (field->max ? (size_t)field->max : 4096)) {
		text_add(why, "is longer than %lld bytes",
			 field->max ? (long long)field->max : 4096);
		return false;
	}
	if (complaint)
		return complain(why, scalar->text, complaint);
	copy = arena_strdup(arena, scalar->text);
	memcpy(out, &copy, sizeof(copy));
	return true;
}

void value_words(const struct schema_word *words, struct text *out)
{
	for (const struct schema_word *word = words; word->text; word++)
		text_add(out, "%s%s",
			 word == words  ? ""
			 : word[1].text ? ", "
					: " or ",
			 word->text);
}

static const char *next_word(const void *ctx, size_t index)
{
	return ((const struct schema_word *)ctx)[index].text;
}

static bool parse_word(const struct schema_field *field, const struct scalar *scalar, void *out,
		       struct text *why)
{
	const struct schema_word *word = field->words;
	const char *nearest;

	while (word->text && !value_same_word(word->text, scalar->text))
		word++;
	if (!word->text) {
		value_words(field->words, why);
		text_add(why, " is expected, not \"%s\"", scalar->text);
		nearest = habit_word(field->words, scalar->text);
		if (!nearest)
			nearest = text_nearest(scalar->text, next_word, field->words);
		if (nearest)
			text_add(why, "; did you mean \"%s\"?", nearest);
		return false;
	}
	if (!(field->flags & FIELD_ANY_CASE) && strcmp(word->text, scalar->text)) {
		text_add(why, "words are lower case: write %s, not %s", word->text, scalar->text);
		return false;
	}
	schema_number_set(out, field->size, word->value);
	return true;
}

/* ---- addresses ------------------------------------------------------------------------------ */

static bool parse_address(const struct scalar *scalar, void *out, struct text *why)
{
	const char *text = scalar->text;
	struct endpoint endpoint;

	if (!addr_parse(text, out))
		return true;
	if (strchr(text, '/'))
		text_add(why, "\"%s\" has a prefix length; only the address is expected here",
			 text);
	else if (!endpoint_parse(text, &endpoint) && endpoint.port)
		text_add(why, "\"%s\" has a port; only the address is expected here", text);
	else
		text_add(why, "\"%s\" is no IPv4 or IPv6 address%s", text,
			 strpbrk(text, LETTERS) && !strchr(text, ':') ? " (names are not looked up)"
								      : "");
	return false;
}

/* The length that a netmask after the slash means (192.168.8.200/255.255.255.0), or -1. */
static int netmask_length(const char *text)
{
	const char *slash = strchr(text, '/');
	struct addr mask;
	uint32_t bits;
	int length = 0;

	if (!slash || addr_parse(slash + 1, &mask) || mask.family != AF_INET)
		return -1;
	for (bits = addr_ipv4(&mask); bits & 0x80000000; bits <<= 1)
		length++;
	return bits ? -1 : length;
}

static bool parse_prefix(const struct schema_field *field, const struct scalar *scalar,
			 struct prefix *out, struct text *why)
{
	bool is_route = field->flags & FIELD_ROUTE;
	int err;

	if (is_route && !strcmp(scalar->text, "default")) {
		*out = (struct prefix){0};
		return true;
	}
	err = prefix_parse(scalar->text, out);
	if (err && netmask_length(scalar->text) >= 0)
		text_add(why, "\"%s\" has a netmask; write its length: %.*s/%d", scalar->text,
			 (int)strcspn(scalar->text, "/"), scalar->text, netmask_length(scalar->text));
	else if (err == -ERANGE)
		text_add(why, "\"%s\" has no valid prefix length (0 to %s)", scalar->text,
			 strchr(scalar->text, ':') ? "128" : "32");
	else if (err)
		text_add(why, "\"%s\" is %s", scalar->text,
			 is_route ? "no network (203.0.113.0/24) and not default"
				  : "no address with prefix length (192.0.2.1/24)");
	return !err;
}

static bool parse_endpoint(const struct scalar *scalar, void *out, struct text *why)
{
	const char *text = scalar->text;
	int err = endpoint_parse(text, out);

	if (err == -ERANGE)
		text_add(why, "\"%s\" has no valid port (1 to 65535)", text);
	else if (err)
		text_add(why,
			 "\"%s\" is no address and port (192.0.2.1:80 or \"[2001:db8::1]:80\")%s",
			 text,
			 strpbrk(text, LETTERS) && strchr(text, ':') == strrchr(text, ':')
				 ? "; names are not looked up"
				 : "");
	return !err;
}

/* "200" or "200-299". */
static bool parse_range(const struct schema_field *field, const struct scalar *scalar, void *out,
			struct text *why)
{
	const char *text = scalar->text, *dash = strchr(text, '-');
	struct status_range range;
	char first[8] = "";
	int64_t low = -1, high = -1;

	if (dash && (size_t)(dash - text) < sizeof(first) && strlen(dash + 1) < sizeof(first)) {
		memcpy(first, text, (size_t)(dash - text));
		if (number_parse(first, &low) || number_parse(dash + 1, &high))
			low = -1;
	} else if (!dash && scalar->plain && !number_parse(text, &low)) {
		high = low;
	}
	if (!dash && !scalar->plain && looks_numeric(text))
		return bad_number(scalar, -EINVAL, why);
	if (low < field->min || high > field->max || low > high) {
		text_add(why,
			 "\"%s\" is no number from %lld to %lld and no range of them (200-299)",
			 text, (long long)field->min, (long long)field->max);
		return false;
	}
	range = (struct status_range){(uint16_t)low, (uint16_t)high};
	memcpy(out, &range, sizeof(range));
	return true;
}

/* ---- any ------------------------------------------------------------------------------------ */

static bool judge_value(const struct schema_field *field, const struct scalar *scalar,
			const void *value, struct text *why)
{
	const char *complaint = field->judge ? field->judge(value) : NULL;

	return !complaint || complain(why, scalar->text, complaint);
}

union any_value {
	struct addr address;
	struct prefix prefix;
	struct endpoint endpoint;
};

static bool parse_any_address(const struct schema_field *field, const struct scalar *scalar,
			      void *out, struct text *why)
{
	union any_value value;
	bool good;

	memset(&value, 0, sizeof(value));
	if (field->type == TYPE_ADDRESS)
		good = parse_address(scalar, &value.address, why);
	else if (field->type == TYPE_PREFIX)
		good = parse_prefix(field, scalar, &value.prefix, why);
	else
		good = parse_endpoint(scalar, &value.endpoint, why);
	if (!good || !judge_value(field, scalar, &value, why))
		return false;
	memcpy(out, &value, field->size);
	return true;
}

bool value_parse(const struct schema_field *field, const struct scalar *scalar, struct arena *arena,
		 void *out, struct text *why)
{
	switch (field->type) {
	case TYPE_BOOL:
		return parse_bool(scalar, out, why);
	case TYPE_NUMBER:
	case TYPE_SIGNED:
		return field->flags & FIELD_PERCENT ? parse_percent(field, scalar, out, why)
						    : parse_number(field, scalar, out, why);
	case TYPE_DURATION:
		return parse_duration(field, scalar, out, why);
	case TYPE_TEXT:
		return parse_text(field, scalar, arena, out, why);
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		return parse_any_address(field, scalar, out, why);
	case TYPE_RANGE:
		return parse_range(field, scalar, out, why);
	case TYPE_WORD:
	case TYPE_WORDS:
		return parse_word(field, scalar, out, why);
	case TYPE_SOURCE:
	case TYPE_RECORD:
		break;
	}
	text_add(why, "a mapping or list is expected, not \"%s\"", scalar->text);
	return false;
}

bool value_is_present(const struct schema_field *field, const void *value)
{
	const char *text;

	switch (field->type) {
	case TYPE_TEXT:
		memcpy(&text, value, sizeof(text));
		return text != NULL;
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		return *(const uint8_t *)value != 0; /* the family stands first in all three */
	case TYPE_NUMBER:
		return schema_number(value, field->size) >= (uint64_t)field->min;
	case TYPE_SIGNED:
	case TYPE_WORD:
		return schema_number(value, field->size) != 0;
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_DURATION:
	case TYPE_RANGE:
	case TYPE_WORDS:
	case TYPE_RECORD:
		break;
	}
	return true;
}

_Static_assert(offsetof(struct prefix, address) == 0 && offsetof(struct endpoint, address) == 0 &&
		       offsetof(struct addr, family) == 0,
	       "value_is_present() looks at the family");

static void format_word(const struct schema_field *field, const void *value, struct text *out)
{
	uint64_t number = schema_number(value, field->size);

	for (const struct schema_word *word = field->words; word->text; word++)
		if (word->value == number)
			text_add(out, "%s", word->text);
}

static void format_range(const struct status_range *range, struct text *out)
{
	text_add(out, "%u", range->first);
	if (range->last != range->first)
		text_add(out, "-%u", range->last);
}

void value_format(const struct schema_field *field, const void *value, struct text *out)
{
	char buffer[ENDPOINT_TEXT > DURATION_TEXT ? ENDPOINT_TEXT : DURATION_TEXT];
	const char *text;
	nstime duration;

	switch (field->type) {
	case TYPE_BOOL:
		text_add(out, "%s", *(const bool *)value ? "true" : "false");
		return;
	case TYPE_NUMBER:
		text_add(out, "%llu%s", (unsigned long long)schema_number(value, field->size),
			 field->flags & FIELD_PERCENT ? "%" : "");
		return;
	case TYPE_SIGNED:
		text_add(out, "%ld", (long)(int32_t)schema_number(value, field->size));
		return;
	case TYPE_DURATION:
		memcpy(&duration, value, sizeof(duration));
		text_add(out, "%s", duration_format(duration, buffer));
		return;
	case TYPE_TEXT:
		memcpy(&text, value, sizeof(text));
		text_add(out, "%s", text ? text : "");
		return;
	case TYPE_ADDRESS:
		text_add(out, "%s", addr_format(value, buffer));
		return;
	case TYPE_PREFIX:
		text_add(out, "%s", prefix_format(value, buffer));
		return;
	case TYPE_ENDPOINT:
		text_add(out, "%s", endpoint_format(value, buffer));
		return;
	case TYPE_RANGE:
		format_range(value, out);
		return;
	case TYPE_WORD:
	case TYPE_WORDS:
		format_word(field, value, out);
		return;
	case TYPE_SOURCE:
	case TYPE_RECORD:
		return;
	}
}
