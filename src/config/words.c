/* See the header: the tables of the reader have the words. */
#include "config/words.h"

#include "config/schema.h"

static const struct schema_word *words_of(const char *key)
{
	return schema_find(&schema_service, key)->words;
}

const char *forwarding_word(enum forwarding forwarding)
{
	const struct schema_word *word = words_of("forwarding");

	while (word->text && word->value != (uint32_t)forwarding)
		word++;
	return word->text ? word->text : "";
}

const char *protocol_word(uint32_t protocols)
{
	const struct schema_word *word = words_of("protocol");

	while (word->text && !(word->value & protocols))
		word++;
	return word->text ? word->text : "";
}
