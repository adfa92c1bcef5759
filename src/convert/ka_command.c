/* Commands of scripts. keepalived takes their lines apart twice: the line into words, of which the second is the
 * command and what follows in a notify_… its user and group; then the command into its own words. Quotes of both kinds
 * hold words together at any place, and a backslash has a meaning both times; since 2.3.2 it is only kept the first
 * time. Both ways are gone, and where they part it is told. */
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "convert/ka_run.h"

#define BLANKS " \t"

/* ---- words ---------------------------------------------------------------------------------- */

static unsigned digit_of(char digit)
{
	return isdigit((unsigned char)digit) ? (unsigned)(digit - '0') : (unsigned)((digit | 0x20) - 'a' + 10);
}

/* Up to `most` digits from *at on. */
static char take_digits(const char **at, unsigned base, int most)
{
	unsigned value = 0;

	for (; most && isxdigit((unsigned char)**at) && digit_of(**at) < base; most--)
		value = value * base + digit_of(*(*at)++);
	return (char)value;
}

/* What stands for a sign behind a backslash; `at` is at the sign, and behind all of it then. */
static char take_escape(const char **at)
{
	static const char letters[] = "abEfnrtv", signs[] = "\a\b\033\f\n\r\t\v";
	const char *letter;

	if (**at >= '0' && **at <= '7')
		return take_digits(at, 8, 3);
	if (**at == 'x' && isxdigit((unsigned char)(*at)[1])) {
		++*at;
		return take_digits(at, 16, 2);
	}
	if (**at == 'c' && (*at)[1]) {
		*at += 2;
		return (char)((*at)[-1] & 0x1f);
	}
	letter = strchr(letters, *(*at)++);
	return letter ? signs[letter - letters] : (*at)[-1];
}

/* The word at *at into `to`, and *at behind it; false: a quote does not end, or a backslash is the last sign. */
static bool take_word(const char **at, bool decodes, char *to)
{
	char quote = 0;

	while (**at && (quote || !strchr(BLANKS, **at))) {
		char sign = *(*at)++;

		if (sign == '\\' && !**at)
			return false;
		if (sign == '\\' && !decodes)
			*to++ = sign, *to++ = *(*at)++;
		else if (sign == '\\')
			*to++ = take_escape(at);
		else if (quote ? sign == quote : sign == '"' || sign == '\'')
			quote = quote ? 0 : sign;
		else
			*to++ = sign;
	}
	*to = '\0';
	return !quote;
}

char **ka_quoted_words(struct arena *arena, const char *text, bool decodes, size_t *count)
{
	/* each word but the last ends with a blank, and none is longer than its text */
	size_t room = strlen(text) / 2 + 2;
	char **words = arena_array(arena, room, sizeof(*words)), *word = arena_alloc(arena, strlen(text) + 1);

	*count = 0;
	for (const char *at = text; words && word && *(at += strspn(at, BLANKS));) {
		if (!take_word(&at, decodes, word))
			return NULL;
		words[*count] = arena_strdup(arena, word);
		if (!words[(*count)++])
			return NULL;
	}
	return word ? words : NULL;
}

/* ---- commands ------------------------------------------------------------------------------- */

static bool same_words(char **a, size_t a_count, char **b, size_t b_count)
{
	size_t i = 0;

	while (a && b && a_count == b_count && i < a_count && !strcmp(a[i], b[i]))
		i++;
	return a && b && a_count == b_count && i == a_count;
}

/* What a backslash is the first time is a matter of keepalived's version. */
static void tell_versions(struct ka_run *run, const struct ka_node *node, const struct ka_command *command,
			  struct draft *into)
{
	size_t line_count, count = 0;
	char **line = ka_quoted_words(run->arena, node->raw, false, &line_count), **words = NULL;

	if (line && line_count > 1)
		words = ka_quoted_words(run->arena, line[1], true, &count);
	if (!same_words(words, count, command->words, command->count))
		ka_say(run, node, into, IMPORT_WARNING,
		       "keepalived takes these backslashes in another way since 2.3.2; here they are taken as before: look at the command");
}

static bool read_words(struct ka_run *run, const struct ka_node *node, struct ka_command *out, char ***line,
		       size_t *count)
{
	*out = (struct ka_command){0};
	*line = ka_quoted_words(run->arena, node->raw, true, count);
	if (!*line || *count < 2)
		return false;
	out->text = (*line)[1];
	out->words = ka_quoted_words(run->arena, out->text, true, &out->count);
	return out->words && out->count && *out->words[0];
}

bool ka_has_command(struct ka_run *run, const struct ka_node *node)
{
	struct ka_command command;
	size_t count;
	char **line;

	return node && read_words(run, node, &command, &line, &count);
}

bool ka_command_read(struct ka_run *run, const struct ka_node *node, bool has_user, struct draft *into,
		     struct ka_command *out)
{
	size_t count;
	char **line;

	if (!read_words(run, node, out, &line, &count)) {
		ka_say(run, node, into, IMPORT_WARNING, "it has no command, or its quotes do not end");
		return false;
	}
	if (has_user && count > 2)
		out->user = line[2];
	if (has_user && count > 3)
		ka_say(run, node, into, IMPORT_NOTE, "scripts have the groups of their user");
	if (!has_user && count > 2)
		ka_say(run, node, into, IMPORT_WARNING,
		       "\"%s\" is the command, as with keepalived; what stands behind it is passed over (quotes around all of it make arguments)",
		       line[1]);
	tell_versions(run, node, out, into);
	return true;
}

/* ---- as a check ------------------------------------------------------------------------------ */

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

	if (count < 2 || *name == '-' || !*base_name(name) || strlen(base_name(name)) > 15 || strchr(name, '$'))
		return NULL;
	if ((!strcmp(program, "killall") && count == 3 && !strcmp(words[1], "-0")) ||
	    (!strcmp(program, "pidof") && count == 2) ||
	    (!strcmp(program, "pgrep") && count == 3 && !strcmp(words[1], "-x")))
		return base_name(name);
	return NULL;
}

/* keepalived has a shell for redirections alone; what else only a shell understands can only be meant so. */
static bool wants_shell(const struct ka_command *command)
{
	return *command->words[0] != '/' && strpbrk(command->text, "|&;<>()`$*?");
}

void ka_command_put(struct ka_run *run, const struct ka_node *node, const struct ka_command *command,
		    struct draft *check)
{
	const char *process = process_of(command->words, command->count);
	struct draft *list;

	if (process) {
		draft_text(run->arena, check, "type", "process");
		draft_text(run->arena, check, "name", process);
		draft_beside(run->arena, draft_find(check, "name"), "%s", command->text);
		return;
	}
	draft_text(run->arena, check, "type", "script");
	list = draft_list(run->arena, check, "command");
	if (!list)
		return;
	list->is_short = true;
	if (wants_shell(command)) {
		draft_text(run->arena, list, NULL, "/bin/sh");
		draft_text(run->arena, list, NULL, "-c");
		draft_text(run->arena, list, NULL, command->text);
		if (*command->words[0] != '<')
			ka_say(run, node, check, IMPORT_WARNING,
			       "run by a shell here; keepalived hands | and its like to the program as arguments");
		return;
	}
	if (*command->words[0] != '/')
		draft_text(run->arena, list, NULL, "/usr/bin/env");
	for (size_t i = 0; i < command->count; i++)
		draft_text(run->arena, list, NULL, command->words[i]);
}
