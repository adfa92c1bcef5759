/* See the header. Everything comes from the tables of commands and options, and names from the daemon. */
#include "ctl/complete.h"

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/options.h"
#include "ctl/words.h"

#define PATIENCE (700 * NSTIME_MS)
#define WORDS_MAX 8

struct line {
	const char *socket;
	char *words[WORDS_MAX]; /* without options, those before the last */
	int count;
	bool has_all;
	const char *last;
	const struct option_row *value_of; /* the last is its value; NULL: it is none */
};

/* ---- what stands there -------------------------------------------------------------- */

/* The option that a word names, "--socket=x" too. */
static const struct option_row *option_of(const char *word)
{
	const struct option_row *option;
	size_t length;

	if (strncmp(word, "--", 2) != 0)
		return NULL;
	length = strcspn(word + 2, "=");
	for (size_t i = 0; (option = option_at(i)); i++)
		if (strlen(option->name) == length && !strncmp(option->name, word + 2, length))
			return option;
	return NULL;
}

static void take_value(struct line *line, const struct option_row *option, const char *value)
{
	if (!strcmp(option->name, "socket"))
		line->socket = value;
}

static struct line line_of(int count, char *const *words)
{
	struct line line = {.socket = LBHA_RUNDIR "/control.sock",
			    .last = count ? words[count - 1] : ""};

	for (int i = 0; i + 1 < count; i++) {
		const struct option_row *option = option_of(words[i]);
		const char *equals = option ? strchr(words[i], '=') : NULL;

		line.has_all |= option && option->bit == OPTION_ALL;
		if (equals)
			take_value(&line, option, equals + 1);
		else if (option && option->value && i + 2 == count)
			line.value_of = option;
		else if (option && option->value)
			take_value(&line, option, words[++i]);
		else if (!option && words[i][0] != '-' && line.count < WORDS_MAX)
			line.words[line.count++] = words[i];
	}
	return line;
}

/* ---- candidates --------------------------------------------------------------------- */

/* One of them, if it begins as the last word does. Whatever would break a line is left out. */
static void offer(const struct line *line, const char *prefix, const char *word, const char *help)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", prefix, word);
	if (*whole && !strncmp(whole, line->last, strlen(line->last)) && !strpbrk(whole, "\t\n"))
		printf("%s\t%s\n", whole, help);
}

static void offer_options(const struct line *line, const struct command *command)
{
	const struct option_row *option;

	for (size_t i = 0; (option = option_at(i)); i++)
		if (!option->bit || !command || option->bit & command->options)
			offer(line, "--", option->name, option->help);
}

static void offer_names(const struct line *line, const json_t *names, const char *help)
{
	const json_t *name;
	size_t at;

	json_array_foreach (names, at, name)
		if (json_is_string(name))
			offer(line, "", json_string_value(name), help);
}

/* Servers of the service that stands before, or of all. */
static void offer_servers(const struct line *line, const json_t *services)
{
	const char *name = line->count ? line->words[line->count - 1] : "";
	const json_t *service;
	size_t at;

	json_array_foreach (services, at, service)
		if (line->has_all || !strcmp(json_text(service, "name"), name))
			offer_names(line, json_object_get(service, "servers"), "server");
}

static void offer_services(const struct line *line, const json_t *services)
{
	const json_t *service;
	size_t at;

	json_array_foreach (services, at, service)
		offer(line, "", json_text(service, "name"), "service");
}

/* The daemon's names; NULL: nobody answers. */
static json_t *ask_names(const struct line *line)
{
	struct client client = {.fd = -1};
	json_t *answer = NULL, *names = NULL;
	char error[CLIENT_ERROR];

	if (client_open(&client, line->socket, error))
		return NULL;
	if (!client_ask(&client, json_pack("{s:s}", "request", "names"), PATIENCE, &answer, error))
		names = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	client_close(&client);
	return names;
}

static void offer_kind(const struct line *line, const char *kind)
{
	json_t *names;

	if (!strcmp(kind, "FILE")) {
		puts(":files");
		return;
	}
	if (strcmp(kind, "SERVICE") != 0 && strcmp(kind, "SERVER") != 0 &&
	    strcmp(kind, "INSTANCE") != 0 && strcmp(kind, "CHECK") != 0)
		return;
	names = ask_names(line);
	if (!strcmp(kind, "SERVICE"))
		offer_services(line, json_object_get(names, "services"));
	else if (!strcmp(kind, "SERVER"))
		offer_servers(line, json_object_get(names, "services"));
	else if (!strcmp(kind, "INSTANCE"))
		offer_names(line, json_object_get(names, "instances"), "instance");
	else
		offer_names(line, json_object_get(names, "checks"), "check");
	json_decref(names);
}

/* "--color=al" */
static void offer_value(const struct line *line)
{
	const struct option_row *option = option_of(line->last);
	char prefix[WORDS_ONE], choice[WORDS_ONE];

	if (!option || !option->value)
		return;
	snprintf(prefix, sizeof(prefix), "--%s=", option->name);
	for (unsigned at = 0; words_choice(option->value, 0, false, at, choice); at++)
		if (!words_is_kind(choice))
			offer(line, prefix, choice, "");
}

/* What may stand at a place of a usage line. */
static void offer_words(const struct line *line, const char *words, unsigned place)
{
	char choice[WORDS_ONE];

	for (unsigned at = 0; words_choice(words, place, line->has_all, at, choice); at++) {
		if (words_is_kind(choice))
			offer_kind(line, choice);
		else
			offer(line, "", choice, "");
	}
}

/* Word number `at` of a name of several; false: it has not so many. */
static bool word_of(const char *name, int at, char *out)
{
	for (; at && *name; at--) {
		name += strcspn(name, " ");
		name += *name == ' ';
	}
	snprintf(out, WORDS_ONE, "%.*s", (int)strcspn(name, " "), name);
	return *out;
}

static bool begins_with(const char *name, const struct line *line)
{
	char word[WORDS_ONE];

	for (int i = 0; i < line->count; i++)
		if (!word_of(name, i, word) || strcmp(word, line->words[i]) != 0)
			return false;
	return true;
}

/* Commands that begin with what stands there; of those of several words each next one once. */
static void offer_commands(const struct line *line)
{
	char word[WORDS_ONE], before[WORDS_ONE] = "";
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++) {
		if (!begins_with(command->name, line) ||
		    !word_of(command->name, line->count, word) || !strcmp(word, before))
			continue;
		strcpy(before, word);
		offer(line, "", word, command->help);
	}
}

void complete_print(int count, char *const *words)
{
	struct line line = line_of(count, words);
	int used;
	const struct command *command = command_find(line.words, line.count, &used);

	if (line.value_of) {
		offer_words(&line, line.value_of->value, 0);
	} else if (strchr(line.last, '=') && option_of(line.last)) {
		offer_value(&line);
	} else if (line.last[0] == '-') {
		offer_options(&line, command);
	} else {
		offer_commands(&line);
		if (command)
			offer_words(&line, command->words, (unsigned)(line.count - used));
	}
}
