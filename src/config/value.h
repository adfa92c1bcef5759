/* One value of lbha.conf: from the text of a YAML scalar to a member of the model, and back.
 * interface.md section 7 is the rule book: nothing is guessed, numbers, booleans and texts are
 * never mixed up. Defaults go the same way. */
#ifndef LBHA_CONFIG_VALUE_H
#define LBHA_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "config/schema.h"

struct arena;

/* A scalar: `plain` may be a number, a boolean or null; `quoted` may be any text. Both are set for
 * a quoted scalar in which a ${VARIABLE} was replaced: inside {} and [] YAML forces the quotes. */
struct scalar {
	const char *text;
	bool plain, quoted;
};

/* Reads one scalar as an element of the row's type into `out` (field->size bytes; texts are copied
 * to the arena) and lets the row's judge look at it. On failure false, with a sentence in `why`,
 * and `out` untouched. */
bool value_parse(const struct schema_field *field, const struct scalar *scalar, struct arena *arena,
		 void *out, struct text *why);

/* Whether a row's element is there at all: absent texts and addresses, and numbers below their
 * minimum, are not. */
bool value_is_present(const struct schema_field *field, const void *value);

/* The text of an element, as value_parse() reads it; without YAML's quotes. */
void value_format(const struct schema_field *field, const void *value, struct text *out);

/* Whether a plain scalar of this text would be taken for a number, a boolean or null: what it would
 * be, or NULL. */
const char *value_plain_trap(const char *text);

/* The words of a table, "tcp or http", "a, b or c", into a text. */
void value_words(const struct schema_word *words, struct text *out);

/* Whether two words differ in upper and lower case at most. */
bool value_same_word(const char *a, const char *b);

#endif
