/* See the header. */
#include "ctl/words.h"

#include <stdio.h>
#include <string.h>

static const char instead[] = "|--all";

static bool is_replaced(const char *word, size_t length)
{
	return length >= sizeof(instead) - 1 &&
	       !strncmp(word + length - (sizeof(instead) - 1), instead, sizeof(instead) - 1);
}

/* The next word of the text, and what is behind it; NULL: none. */
static const char *next_word(const char **text, size_t *length)
{
	const char *word = *text;

	*length = strcspn(word, " ");
	*text = word + *length + (word[*length] == ' ');
	return *length ? word : NULL;
}

unsigned words_most(const char *words)
{
	unsigned most = 0;
	size_t length;

	while (next_word(&words, &length))
		most++;
	return most;
}

unsigned words_least(const char *words)
{
	unsigned least = 0;
	const char *word;
	size_t length;

	while ((word = next_word(&words, &length)))
		least += *word != '[' && !is_replaced(word, length);
	return least;
}

/* The choice number `at` of "on|off", "[FILE]" or "SERVICE|--all". */
static bool choose(const char *word, size_t length, unsigned at, char *out)
{
	char text[WORDS_ONE], *rest = text, *choice;

	if (*word == '[' && length > 2) {
		word++;
		length -= 2;
	}
	snprintf(text, sizeof(text), "%.*s", (int)length, word);
	while ((choice = strsep(&rest, "|")))
		if (strncmp(choice, "--", 2) != 0 && !at--)
			return strcpy(out, choice), true;
	return false;
}

bool words_choice(const char *words, unsigned place, bool has_all, unsigned at, char *out)
{
	const char *word;
	size_t length;

	while ((word = next_word(&words, &length)))
		if (!(has_all && is_replaced(word, length)) && !place--)
			return choose(word, length, at, out);
	return false;
}

bool words_is_kind(const char *choice)
{
	return *choice >= 'A' && *choice <= 'Z';
}
