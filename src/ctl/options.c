/* See the header. */
#include "ctl/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "config/override.h"

/* What lbhad takes (daemon/control_request.c). */
#define TIMEOUT_MAX (10 * 366 * 86400 * NSTIME_S)

#define VAL 256 /* getopt's values: behind all characters */

/* ---- their values ------------------------------------------------------------------- */

static int take_socket(struct run *run, const char *text)
{
	run->socket = text;
	return EXIT_DONE;
}

static int take_json(struct run *run, UNUSED const char *text)
{
	run->json = true;
	return EXIT_DONE;
}

static int take_color(struct run *run, const char *text)
{
	static const char *const words[] = {[PAPER_AUTO] = "auto",
					    [PAPER_ALWAYS] = "always",
					    [PAPER_NEVER] = "never"};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strcmp(words[i], text)) {
			run->colour = (enum paper_colour)i;
			return EXIT_DONE;
		}
	return complain(EXIT_USAGE, "--color is auto, always or never, not \"%s\"", text);
}

static int take_help(struct run *run, UNUSED const char *text)
{
	run->help = true;
	return EXIT_DONE;
}

static int take_version(struct run *run, UNUSED const char *text)
{
	run->version = true;
	return EXIT_DONE;
}

static int take_since(struct run *run, const char *text)
{
	char *end;

	errno = 0;
	run->since = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || run->since > INT64_MAX)
		return complain(EXIT_USAGE, "\"%s\" is no number of an event", text);
	return EXIT_DONE;
}

static int take_timeout(struct run *run, const char *text)
{
	if (duration_parse(text, &run->timeout) || run->timeout < NSTIME_MS)
		return complain(EXIT_USAGE, "\"%s\" is no time such as 90s, 30m or 2h", text);
	if (run->timeout > TIMEOUT_MAX)
		return complain(EXIT_USAGE, "--timeout %s is more than ten years: leave it out", text);
	return EXIT_DONE;
}

static int take_comment(struct run *run, const char *text)
{
	run->comment = text;
	if (strlen(text) >= OVERRIDE_COMMENT)
		return complain(EXIT_USAGE, "a comment has at most %d bytes, not %zu",
				OVERRIDE_COMMENT - 1, strlen(text));
	return EXIT_DONE;
}

static int take_file(struct run *run, const char *text)
{
	run->file = text;
	return EXIT_DONE;
}

static int take_node(struct run *run, const char *text)
{
	run->node = text;
	return EXIT_DONE;
}

static const struct option_row options[] = {
	{"all", NULL, "in place of a name: all of them", OPTION_ALL, NULL},
	{"comment", "TEXT", "why, for whoever looks later", OPTION_COMMENT, take_comment},
	{"timeout", "TIME", "until when, as 30m or 2h; else until taken back", OPTION_TIMEOUT,
	 take_timeout},
	{"follow", NULL, "print those to come, too", OPTION_FOLLOW, NULL},
	{"since", "NUMBER", "those after the event of that number", OPTION_SINCE, take_since},
	{"once", NULL, "one table, also on a terminal", OPTION_ONCE, NULL},
	{"file", "FILE", "the configuration, if no lbhad runs; -f, too", OPTION_FILE, take_file},
	{"node", "DIRECTOR", "which of its directors this is", OPTION_NODE, take_node},
	{"socket", "FILE", "the control socket (" LBHA_RUNDIR "/control.sock)", 0, take_socket},
	{"json", NULL, "JSON instead of text", 0, take_json},
	{"color", "auto|always|never", "colours; auto: on a terminal, without NO_COLOR", 0,
	 take_color},
	{"help", NULL, "this; behind a command, what it takes", 0, take_help},
	{"version", NULL, "the version", 0, take_version},
};

const struct option_row *option_at(size_t index)
{
	return index < COUNT_OF(options) ? &options[index] : NULL;
}

/* ---- reading them ------------------------------------------------------------------- */

static const char *option_name(UNUSED const void *ctx, size_t index)
{
	return index < COUNT_OF(options) ? options[index].name : NULL;
}

static int unknown(const char *word)
{
	char name[64];
	const char *near;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	near = text_nearest(name, option_name, NULL);
	if (near)
		return complain(EXIT_USAGE, "there is no option %s; did you mean --%s?", word, near);
	return complain(EXIT_USAGE, "there is no option %s; `lbhactl --help` lists them", word);
}

/* What getopt could make nothing of, `:` a value that is missing. A negative number looks like an
 * option. */
static int wrong(int option, int argc, char **argv)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		return complain(EXIT_USAGE, "%s needs a value", word);
	for (int i = 1; i < argc && optopt >= '0' && optopt <= '9'; i++)
		if (argv[i][0] == '-' && argv[i][1] == optopt)
			return complain(EXIT_USAGE, "%s: no command takes a negative number", argv[i]);
	if (optopt && optopt < CHAR_MAX && strncmp(word, "--", 2) != 0)
		return complain(EXIT_USAGE, "there is no option -%c; `lbhactl --help` lists them",
				optopt);
	if (optopt)
		return complain(EXIT_USAGE, "%s: this option takes no value", word);
	return unknown(word);
}

static int apply(struct run *run, const struct option_row *row, const char *value)
{
	run->options |= row->bit;
	return row->set ? row->set(run, value) : EXIT_DONE;
}

/* The one that has that bit. */
static int row_of(unsigned bit)
{
	int row = 0;

	while (options[row].bit != bit)
		row++;
	return row;
}

int options_read(struct run *run, int argc, char **argv)
{
	struct option longs[COUNT_OF(options) + 1] = {{NULL, 0, NULL, 0}};

	for (size_t i = 0; i < COUNT_OF(options); i++)
		longs[i] = (struct option){options[i].name,
					   options[i].value ? required_argument : no_argument, NULL,
					   VAL + (int)i};
	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, ":f:", longs, NULL)) != -1;) {
		if (option == 'f')
			option = VAL + row_of(OPTION_FILE);
		if (option < VAL)
			return wrong(option, argc, argv);
		if (apply(run, &options[option - VAL], optarg))
			return EXIT_USAGE;
	}
	return EXIT_DONE;
}

int options_check(const struct run *run)
{
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (options[i].bit & run->options & ~run->command->options)
			return complain(EXIT_USAGE, "%s has no --%s", run->command->name,
					options[i].name);
	return EXIT_DONE;
}
