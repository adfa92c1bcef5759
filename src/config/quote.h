/* Texts as scalars of YAML: which can stand as they are, and the quotes for all others. */
#ifndef LBHA_CONFIG_QUOTE_H
#define LBHA_CONFIG_QUOTE_H

#include <stdbool.h>

struct text;

/* Whether a text can stand without quotes in a block: as far as YAML goes; what it would be taken
 * for is value_plain_trap()'s matter. */
bool quote_is_needless(const char *text);

/* The text in double quotes, so that lbha.conf's reader has it again: escapes, and $${ for ${. Bytes
 * that are no UTF-8 become '?'. */
void quote_add(struct text *out, const char *text);

#endif
