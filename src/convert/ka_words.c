/* Words of keepalived.conf as values; see ka_run.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "convert/ka_run.h"

#define WORDS_MAX 64 /* of a command */

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

/* ---- commands ------------------------------------------------------------------------------- */

/* The next word of a command: quotes and backslashes as keepalived takes them. `at` is behind it
 * then; NULL: there is none. */
static char *command_word(struct arena *arena, const char **at)
{
	const char *from = *at + strspn(*at, " \t");
	char *word = arena_alloc(arena, strlen(from) + 1), *to = word, quote = 0;

	if (!*from || !word)
		return NULL;
	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (*from == '\\' && from[1])
			*to++ = *++from;
		else if (quote ? *from == quote : *from == '"' || *from == '\'')
			quote = quote ? 0 : *from;
		else
			*to++ = *from;
	}
	*at = from;
	return word;
}

/* The text of a command: one quoted word (what follows it is a user), else all that is left. */
static const char *command_text(const struct ka_node *node, size_t index)
{
	const char *at = node->raw;

	if (!ka_word(node, index))
		return NULL;
	if (node->quoted[index])
		return node->words[index];
	at = strstr(at, node->words[0]);
	at = at ? at + strlen(node->words[0]) : node->raw;
	return at + strspn(at, " \t\"");
}

char **ka_command_words(struct ka_run *run, const struct ka_node *node, size_t index, size_t *count)
{
	const char *text = command_text(node, index);
	char **words = arena_array(run->arena, WORDS_MAX + 1, sizeof(*words));
	char *word;

	*count = 0;
	while (text && words && *count < WORDS_MAX && (word = command_word(run->arena, &text)))
		words[(*count)++] = word;
	return *count ? words : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The process that a command looks for and nothing else, or NULL: killall -0 NAME, pidof NAME, pgrep -x
 * NAME. As another user than the process's own, killall may not even look. */
static const char *process_of(char **words, size_t count)
{
	const char *program = base_name(words[0]), *name = words[count - 1];

	if (count < 2 || *name == '-' || strlen(base_name(name)) > 15 || strchr(name, '$'))
		return NULL;
	if ((!strcmp(program, "killall") && count == 3 && !strcmp(words[1], "-0")) ||
	    (!strcmp(program, "pidof") && count == 2) ||
	    (!strcmp(program, "pgrep") && count == 3 && !strcmp(words[1], "-x")))
		return base_name(name);
	return NULL;
}

void ka_command(struct ka_run *run, const struct ka_node *node, size_t index, struct draft *check)
{
	size_t count;
	char **words = ka_command_words(run, node, index, &count);
	const char *process = words ? process_of(words, count) : NULL;
	struct draft *list;

	if (process) {
		draft_text(run->arena, check, "type", "process");
		draft_text(run->arena, check, "name", process);
		draft_beside(run->arena, draft_find(check, "name"), "%s", command_text(node, index));
		return;
	}
	draft_text(run->arena, check, "type", "script");
	list = draft_list(run->arena, check, "command");
	if (!words || !list)
		return;
	list->is_short = true;
	if (*words[0] != '/' && strpbrk(command_text(node, index), "|&;<>()`$*?")) {
		draft_text(run->arena, list, NULL, "/bin/sh");
		draft_text(run->arena, list, NULL, "-c");
		draft_text(run->arena, list, NULL, command_text(node, index));
		return;
	}
	if (*words[0] != '/')
		draft_text(run->arena, list, NULL, "/usr/bin/env");
	for (size_t i = 0; i < count; i++)
		draft_text(run->arena, list, NULL, words[i]);
}
