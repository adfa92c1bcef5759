/* What a command takes behind its name, as its usage line says it: "SERVICE|--all SERVER", "[FILE]", "on|off". Usage,
 * the check of what was typed and the completion all read this one text: a word in capitals is a kind of thing, one
 * in small letters itself, an option in place of a word stands beside it, and what may be left out is in brackets. */
#ifndef LBHA_CTL_WORDS_H
#define LBHA_CTL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORDS_ONE 64

/* How many words there may be, and must be (where an option takes the place of one, it is one less). */
unsigned words_most(const char *words);
unsigned words_least(const char *words);

/* One of what may stand at a place, `at` counted from 0; `has_all`: --all was given and takes the place of a word.
 * False: no word belongs there, or it has not that many. `out` has WORDS_ONE bytes. */
bool words_choice(const char *words, unsigned place, bool has_all, unsigned at, char *out);

/* Whether it is a kind of thing and not the word itself. */
bool words_is_kind(const char *choice);

#endif
