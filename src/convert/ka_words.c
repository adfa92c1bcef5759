/* Words of keepalived.conf as values; see ka_run.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "convert/ka_run.h"

bool ka_number(struct ka_run *run, const struct ka_node *node, size_t index, long min, long max,
	       long *out, struct draft *into)
{
	const char *word = ka_word(node, index);
	char *end = NULL;
	long number;

	errno = 0;
	number = word ? strtol(word, &end, 10) : 0;
	if (word && *word && !*end && !errno && number >= min && number <= max) {
		*out = number;
		return true;
	}
	ka_say(run, node, into, IMPORT_WARNING, "a number from %ld to %ld is expected, not \"%s\"",
	       min, max, word ? word : "");
	return false;
}

bool ka_time(struct ka_run *run, const struct ka_node *node, size_t index, nstime *out,
	     struct draft *into)
{
	const char *word = ka_word(node, index), *at = word;
	nstime seconds = 0, unit = NSTIME_S / 10;

	for (; at && *at >= '0' && *at <= '9' && seconds < 1000000000; at++)
		seconds = seconds * 10 + (*at - '0');
	seconds *= NSTIME_S;
	if (at && at != word && *at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
			seconds += unit * (*at - '0');
	if (at && at != word && !*at) {
		*out = seconds - seconds % NSTIME_US;
		return true;
	}
	ka_say(run, node, into, IMPORT_WARNING, "a time in seconds is expected, not \"%s\"",
	       word ? word : "");
	return false;
}

bool ka_bool(const struct ka_node *node, size_t index)
{
	const char *word = ka_word(node, index);

	return !word || (strcmp(word, "off") != 0 && strcmp(word, "false") != 0 && strcmp(word, "no") != 0);
}

void ka_plain(struct ka_run *run, struct draft *map, const char *key, const char *word)
{
	char *end;
	long long number = strtoll(word, &end, 10);

	if (*word >= '0' && *word <= '9' && !*end)
		draft_value(run->arena, map, key, "%lld", number);
	else
		draft_text(run->arena, map, key, word);
}

void ka_duration(struct ka_run *run, struct draft *map, const char *key, nstime duration)
{
	char text[DURATION_TEXT];

	draft_text(run->arena, map, key, duration_format(duration, text));
}

bool ka_address(const char *word, struct addr *out)
{
	return word && !addr_parse(word, out);
}
