/* lbhactl: the operator's tool. Each command is a row: what it asks of the daemon, with how much
 * patience, and how the answer is shown. Exit status: 0 done, 1 failed, 2 usage, 3 no daemon, 4
 * degraded (`status`). */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"
#include "config/override.h"
#include "ctl/command.h"
#include "ctl/load.h"
#include "ctl/verbatim.h"

/* ---- commands --------------------------------------------------------------------- */

#define QUESTION (10 * NSTIME_S)
#define COMMAND (120 * NSTIME_S)

/* An order may wait for some down intervals of the slowest instance: 40.95 s an advert. */
#define ORDER (960 * NSTIME_S)
#define SAYS (EXTRA_COMMENT | EXTRA_TIMEOUT)
/* What lbhad takes (daemon/control_request.c). */
#define TIMEOUT_MAX (10 * 366 * 86400 * NSTIME_S)

static const struct command commands[] = {
	{"status", "", "what this director does and what is wrong, if anything", 0, 0, 0, QUESTION,
	 NULL, run_status},
	{"vrrp", "[NAME]", "the VRRP instances, or one explained in words", 0, 1, 0, QUESTION, NULL,
	 run_vrrp},
	{"services", "[NAME]", "the services, or one with every probe", 0, 1, 0, QUESTION, NULL,
	 run_services},
	{"events", "", "what has changed", 0, 0, EXTRA_FOLLOW | EXTRA_SINCE, QUESTION,
	 prepare_events, run_events},
	{"config", "", "the configuration in force on this node", 0, 0, 0, QUESTION, NULL,
	 run_config},
	{"plan", "[FILE]", "what a reload would do; nothing if nothing is to do", 0, 1, 0, COMMAND,
	 prepare_plan, run_plan},
	{"reload", "", "read the configuration again and wait until it is in force", 0, 0, 0,
	 COMMAND, NULL, run_reload},
	{"release", "NAME|--all", "hand an instance over; without a successor it stays", 0, 1,
	 EXTRA_ALL, ORDER, prepare_order, run_outcome},
	{"claim", "NAME|--all", "take an instance back, preempting a lesser master", 0, 1,
	 EXTRA_ALL, ORDER, prepare_order, run_outcome},
	{"priority", "NAME N|auto", "a priority in place of the configured one", 2, 2, SAYS,
	 COMMAND, prepare_priority, run_outcome},
	{"maintenance", "on|off", "on: release all, claim nothing, repair nothing", 1, 1, SAYS,
	 ORDER, prepare_maintenance, run_outcome},
	{"drain", "SERVICE|--all SERVER", "no new connections for a server; see --timeout", 1, 2,
	 EXTRA_ALL | SAYS, COMMAND, prepare_state, run_drain},
	{"disable", "SERVICE|--all SERVER", "out of the table with it, connections or not", 1, 2,
	 EXTRA_ALL | SAYS, COMMAND, prepare_state, run_outcome},
	{"enable", "SERVICE|--all SERVER", "in use again, as its checks and weight say", 1, 2,
	 EXTRA_ALL | SAYS, COMMAND, prepare_state, run_outcome},
	{"weight", "SERVICE SERVER N|auto", "a weight in place of the configured one", 3, 3, SAYS,
	 COMMAND, prepare_weight, run_outcome},
	{"overrides", "[load FILE]", "what operators said; or say all that a file says", 0, 2, 0,
	 COMMAND, prepare_overrides, run_overrides},
	{"top", "", "the traffic of services and servers as it goes", 0, 0, EXTRA_ONCE, QUESTION,
	 NULL, run_top},
	{"connections", "[SERVICE]", "the kernel's connections, counted, or each of a service", 0,
	 1, 0, QUESTION, NULL, run_connections},
	{"export", "ipvsadm", "the IPVS table in force, for ipvsadm-restore", 1, 1, 0, QUESTION,
	 prepare_export, run_export},
	{"zero", "[SERVICE]", "show the traffic of services from now on", 0, 1, 0, QUESTION,
	 prepare_zero, run_zero},
	{"upgrade", "", "go on with the lbhad that is installed now; nobody notices", 0, 0, 0,
	 COMMAND, NULL, run_upgrade},
	{"stop", "", "release everything, stop lbhad and wait until it is gone", 0, 0, 0, COMMAND,
	 NULL, run_stop},
	{"ping", "", "whether lbhad answers", 0, 0, 0, QUESTION / 2, NULL, run_ping},
};

static const struct command load = {.name = "overrides load",
				    .patience = ORDER,
				    .show = run_outcome};

static const char *command_name(UNUSED const void *ctx, size_t index)
{
	return index < COUNT_OF(commands) ? commands[index].name : NULL;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void help(void)
{
	puts("usage: lbhactl [--socket PATH] [--json] COMMAND [ARGUMENT…]\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		char words[64];

		snprintf(words, sizeof(words), "%s %s", commands[i].name, commands[i].words);
		printf(strlen(words) > 21 ? "  %s\n%24s%s\n" : "  %-21s%s %s\n", words, "",
		       commands[i].help);
	}
	puts("\n"
	     "  --socket PATH         the control socket (" LBHA_RUNDIR "/control.sock)\n"
	     "  --json                JSON instead of text\n"
	     "  --comment TEXT        with priority, maintenance, drain, disable, enable, weight:\n"
	     "                        why, for whoever looks later\n"
	     "  --timeout TIME        with these: until when, as 30m or 2h; else until taken back;\n"
	     "                        but with drain: out of the table when no connection is left,\n"
	     "                        or after this time; the command waits, and Ctrl-C leaves it\n"
	     "  --follow              with events: print those to come, too\n"
	     "  --since N             with events: those after event number N\n"
	     "  --once                with top: one table, also on a terminal\n"
	     "  --help, --version\n\n"
	     "exit status: 0 done, 1 failed, 2 usage, 3 no lbhad runs, 4 status: not well");
}

/* The daemon's refusal: its reasons, then the sentence. */
static int refused(struct run *run, json_t *answer)
{
	json_t *lines = json_object_get(answer, "lines");

	if (json_array_size(json_object_get(answer, "objects")))
		return show_outcome(run, answer, json_text(answer, "error"));
	if (run->json) {
		json_t *shown = json_pack("{s:s, s:O, s:O*}", "result", "refused", "error",
					  json_object_get(answer, "error"), "errors", lines);

		print_json(shown);
		json_decref(shown);
		fflush(stdout);
	}
	paper_clean(answer);
	print_lines(stderr, lines);
	return complain(EXIT_FAILED, "%s", json_text(answer, "error"));
}

/* Shows the result of an answer as it came, when it is one; of what is still to be judged the servers are left out,
 * which no problem is told of. Returns that, in the place of the text. */
static char *show_verbatim(struct run *run, char *text, size_t *length)
{
	static const char before[] = "{\"ok\":true,\"result\":";
	const size_t head = sizeof(before) - 1;
	char *rest;

	if (*length <= head || memcmp(text, before, head) != 0 || text[*length - 1] != '}')
		return text;
	rest = verbatim_without(text, *length, "real_servers");
	if (!rest)
		return text;
	run->is_shown = verbatim_print(text + head, *length - head - 1, stdout);
	putchar('\n');
	free(text);
	*length = strlen(rest);
	return rest;
}

static int get_answer(struct run *run, json_t *request, json_t **answer, char *error)
{
	size_t length = 0;
	char *text = NULL;
	int err = client_ask_text(&run->client, request, run->command->patience, &text, &length, error);

	if (err)
		return err;
	if (run->json && run->command->show == run_status)
		text = show_verbatim(run, text, &length);
	return client_take(text, length, answer, error);
}

/* Sends one request (taken over) and shows what comes back. */
static int ask(struct run *run, json_t *request)
{
	char error[CLIENT_ERROR];
	json_t *answer;
	int status, err = get_answer(run, request, &answer, error);

	if (err == -EPIPE && run->command->show == run_stop)
		return run_stop(run, NULL);
	if (err)
		return complain(EXIT_FAILED, "%s", error);
	if (json_truth(answer, "ok"))
		status = run->command->show(run, json_object_get(answer, "result"));
	else
		status = refused(run, answer);
	json_decref(answer);
	return status;
}

static int open_client(struct run *run)
{
	char error[CLIENT_ERROR];
	int err = client_open(&run->client, run->socket, error);

	if (!err)
		return EXIT_DONE;
	return complain(err == -ENOENT ? EXIT_NO_DAEMON : EXIT_FAILED, "%s", error);
}

/* What some commands ask has another name than they have. */
static const char *request_name(const struct command *command)
{
	if (command->show == run_top)
		return "traffic";
	return command->show == run_connections ? "services" : command->name;
}

static int run_command(struct run *run)
{
	json_t *request = json_pack("{s:s}", "request",
				    request_name(run->command));
	int status = EXIT_DONE;

	if (run->command->prepare)
		status = run->command->prepare(run, request);
	if (status == EXIT_DONE)
		status = open_client(run);
	if (status != EXIT_DONE) {
		json_decref(request);
		return status;
	}
	status = ask(run, request);
	client_close(&run->client);
	return status;
}

/* `overrides load FILE`: all overrides of the file are said as if the operator had said them now, or
 * none. */
static int run_load(struct run *run)
{
	char error[LOAD_ERROR];
	json_t *request = load_file(run->second, error);
	int status = request ? open_client(run) : complain(EXIT_FAILED, "%s", error);

	if (status != EXIT_DONE) {
		json_decref(request);
		return status;
	}
	run->command = &load;
	status = ask(run, request);
	client_close(&run->client);
	return status;
}

static int words_wrong(const struct command *command)
{
	if (!command->most)
		return complain(EXIT_USAGE, "%s takes no argument", command->name);
	return complain(EXIT_USAGE, "usage: lbhactl %s %s", command->name, command->words);
}

/* The first option that the command has not. */
static int extras_wrong(const struct command *command, unsigned extras)
{
	static const char *const names[] = {"all", "comment", "timeout", "follow", "since",
					    "once"};
	unsigned first = 0;

	while (!(extras & 1u << first))
		first++;
	return complain(EXIT_USAGE, "%s has no --%s", command->name, names[first]);
}

static int since_take(struct run *run, const char *text)
{
	char *end;

	run->extras |= EXTRA_SINCE;
	errno = 0;
	run->since = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || run->since > INT64_MAX)
		return complain(EXIT_USAGE, "\"%s\" is no number of an event", text);
	return EXIT_DONE;
}

static int timeout_take(struct run *run, const char *text)
{
	run->extras |= EXTRA_TIMEOUT;
	if (duration_parse(text, &run->timeout) || run->timeout < NSTIME_MS)
		return complain(EXIT_USAGE, "\"%s\" is no time such as 90s, 30m or 2h", text);
	if (run->timeout > TIMEOUT_MAX)
		return complain(EXIT_USAGE, "--timeout %s is more than ten years: leave it out", text);
	return EXIT_DONE;
}

static int comment_take(struct run *run, const char *text)
{
	run->extras |= EXTRA_COMMENT;
	run->comment = text;
	if (strlen(text) >= OVERRIDE_COMMENT)
		return complain(EXIT_USAGE, "a comment has at most %d bytes, not %zu",
				OVERRIDE_COMMENT - 1, strlen(text));
	return EXIT_DONE;
}

/* What getopt could make nothing of, `:` a value that is missing. A negative number looks like an
 * option. */
static int option_wrong(int option, int argc, char **argv)
{
	if (option == ':')
		return complain(EXIT_USAGE, "%s needs a value", argv[optind - 1]);
	for (int i = 1; i < argc && optopt >= '0' && optopt <= '9'; i++)
		if (argv[i][0] == '-' && argv[i][1] == optopt)
			return complain(EXIT_USAGE, "%s: no command takes a negative number", argv[i]);
	if (optopt && optopt < CHAR_MAX && strncmp(argv[optind - 1], "--", 2) != 0)
		return complain(EXIT_USAGE, "there is no option -%c; `lbhactl --help` lists them",
				optopt);
	return complain(EXIT_USAGE, optopt ? "%s: this option takes no value"
					   : "there is no option %s; `lbhactl --help` lists them",
			argv[optind - 1]);
}

/* Reads options (before or after the command); EXIT_DONE with *go: the command is to run. */
static int parse(int argc, char **argv, struct run *run, bool *go)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
		{"comment", required_argument, NULL, 'c'},
		{"timeout", required_argument, NULL, 't'},
		{"follow", no_argument, NULL, 'f'},
		{"since", required_argument, NULL, 'n'},
		{"once", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	const char *near;
	int words;

	*go = false;
	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
		if (option == 'h')
			return help(), EXIT_DONE;
		if (option == 'v')
			return puts("lbhactl " PACKAGE_VERSION), EXIT_DONE;
		if (option == '?' || option == ':')
			return option_wrong(option, argc, argv);
		if (option == 't' && timeout_take(run, optarg))
			return EXIT_USAGE;
		if (option == 'n' && since_take(run, optarg))
			return EXIT_USAGE;
		if (option == 'c' && comment_take(run, optarg))
			return EXIT_USAGE;
		if (option == 's')
			run->socket = optarg;
		run->json |= option == 'j';
		run->extras |= option == 'a' ? EXTRA_ALL : 0u;
		run->extras |= option == 'f' ? EXTRA_FOLLOW : 0u;
		run->extras |= option == 'o' ? EXTRA_ONCE : 0u;
	}
	if (optind == argc)
		return complain(EXIT_USAGE, "no command given; `lbhactl --help` lists them");
	run->command = command_find(argv[optind]);
	if (!run->command) {
		near = text_nearest(argv[optind], command_name, NULL);
		return complain(EXIT_USAGE, "unknown command \"%s\"%s%s%s", argv[optind],
				near ? "; did you mean \"" : "; `lbhactl --help` lists them",
				near ? near : "", near ? "\"?" : "");
	}
	if (run->extras & ~run->command->extras)
		return extras_wrong(run->command, run->extras & ~run->command->extras);
	words = argc - optind - 1;
	if (words < run->command->least || words > run->command->most)
		return words_wrong(run->command);
	run->argument = words > 0 ? argv[optind + 1] : NULL;
	run->second = words > 1 ? argv[optind + 2] : NULL;
	run->third = words > 2 ? argv[optind + 3] : NULL;
	*go = true;
	return EXIT_DONE;
}

static bool is_load(const struct run *run)
{
	return !strcmp(run->command->name, "overrides") && run->second &&
	       !strcmp(run->argument, "load");
}

int main(int argc, char **argv)
{
	struct run run = {.socket = LBHA_RUNDIR "/control.sock", .client = {.fd = -1}};
	bool go;
	int status = parse(argc, argv, &run, &go);

	if (go) {
		run.paper = paper_of(stdout);
		status = is_load(&run) ? run_load(&run) : run_command(&run);
	}
	if (fflush(stdout) || ferror(stdout))
		return complain(EXIT_FAILED, "cannot write: %s", strerror(errno));
	return status;
}
