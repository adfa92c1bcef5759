/* See the header. */
#include "ctl/usage.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/options.h"

#define LINE 256
#define AT 24 /* the column of explanations */

static const char exits[] =
	"exit status: 0 done, 1 failed, 2 usage, 3 no lbhad runs, 4 status: not well";

/* ---- help --------------------------------------------------------------------------- */

/* Two columns, or two lines where the first is too long. */
static void put_row(const char *left, const char *right)
{
	int width = (int)paper_columns(left);

	if (width > AT - 4)
		printf("  %s\n%*s%s\n", left, AT, "", right);
	else
		printf("  %s%*s%s\n", left, AT - 2 - width, "", right);
}

static void put_option(const struct option_row *option)
{
	char left[LINE];

	snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value ? " " : "",
		 option->value ? option->value : "");
	put_row(left, option->help);
}

static void put_options(unsigned bits)
{
	const struct option_row *option;

	for (size_t i = 0; (option = option_at(i)); i++)
		if (option->bit ? (option->bit & bits) != 0 : !bits)
			put_option(option);
}

void usage_all(void)
{
	const struct command *command;

	puts("usage: lbhactl [OPTION…] COMMAND [ARGUMENT…]\n");
	for (size_t i = 0; (command = command_at(i)); i++) {
		char left[LINE];

		snprintf(left, sizeof(left), "%s %s", command->name, command->words);
		put_row(left, command->help);
	}
	puts("\noptions of all commands:");
	put_options(0);
	puts("\noptions of some, as `lbhactl COMMAND --help` shows:");
	put_options(~0u);
	printf("\n%s\n", exits);
}

static void usage_one(const struct command *command)
{
	const struct option_row *option;

	printf("usage: lbhactl %s", command->name);
	for (size_t i = 0; (option = option_at(i)); i++)
		if (option->bit & command->options && option->bit != OPTION_ALL)
			printf(" [--%s%s%s]", option->name, option->value ? " " : "",
			       option->value ? option->value : "");
	printf("%s%s\n\n  %s\n", *command->words ? " " : "", command->words, command->help);
	if (command->more)
		printf("\n%s\n", command->more);
	if (command->options) {
		putchar('\n');
		put_options(command->options);
	}
}

void usage_of(const char *word)
{
	const struct command *command = NULL;
	bool is_first = true;

	while ((command = command_next_of(word, command))) {
		if (!is_first)
			putchar('\n');
		usage_one(command);
		is_first = false;
	}
	puts("\n--socket, --json and --color go with every command; lbhactl(8) tells more.");
}

/* ---- what is wrong ------------------------------------------------------------------ */

int usage_no_command(void)
{
	return complain(EXIT_USAGE, "no command given; `lbhactl status` is the one to begin with, "
				    "`lbhactl --help` lists them");
}

/* Of commands of several words only the first counts, so that "exprot" finds "export". */
struct firsts {
	char words[64][24];
};

static const char *first_at(const void *ctx, size_t index)
{
	const struct firsts *firsts = ctx;

	return command_at(index) && index < COUNT_OF(firsts->words) ? firsts->words[index] : NULL;
}

static struct firsts firsts_of(void)
{
	struct firsts firsts = {{{0}}};
	const struct command *command;

	for (size_t i = 0; i < COUNT_OF(firsts.words) && (command = command_at(i)); i++)
		snprintf(firsts.words[i], sizeof(firsts.words[i]), "%.*s",
			 (int)strcspn(command->name, " "), command->name);
	return firsts;
}

/* The usage lines of all whose names begin with that word. */
static int wrong_of(const char *word)
{
	char text[4 * LINE];
	struct text out = text_of(text, sizeof(text));
	const struct command *command = NULL;

	while ((command = command_next_of(word, command)))
		text_add(&out, "%slbhactl %s%s%s", out.length ? "\n                " : "",
			 command->name, *command->words ? " " : "", command->words);
	return complain(EXIT_USAGE, "usage: %s", text);
}

int usage_unknown(const char *word)
{
	struct firsts firsts = firsts_of();
	const char *near;

	if (command_next_of(word, NULL))
		return wrong_of(word);
	near = text_nearest(word, first_at, &firsts);
	if (near)
		return complain(EXIT_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", word,
				near);
	return complain(EXIT_USAGE, "unknown command \"%s\"; `lbhactl --help` lists them", word);
}

int usage_wrong(const struct command *command)
{
	char word[LINE];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(command->name, " "), command->name);
	if (command_next_of(word, command_next_of(word, NULL)))
		return wrong_of(word);
	if (!*command->words)
		return complain(EXIT_USAGE, "%s takes no argument", command->name);
	return wrong_of(word);
}
