/* lbhactl: the operator's tool. Each command is a row of commands.c: what it asks of the daemon, with how much
 * patience, and how the answer is shown. Exit status: 0 done, 1 failed, 2 usage, 3 no daemon, 4
 * degraded (`status`). */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "ctl/complete.h"
#include "ctl/options.h"
#include "ctl/usage.h"
#include "ctl/verbatim.h"
#include "ctl/words.h"

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

static int run_command(struct run *run)
{
	const char *name = run->command->request ? run->command->request : run->command->name;
	json_t *request = json_pack("{s:s}", "request", name);
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

/* Reads the command line; EXIT_DONE with a command: it is to run. */
static int parse(int argc, char **argv, struct run *run)
{
	const char *argument[3] = {NULL};
	int used, words, status = options_read(run, argc, argv);

	if (status != EXIT_DONE)
		return status;
	if (run->version)
		return puts("lbhactl " PACKAGE_VERSION), EXIT_DONE;
	if (run->help && (optind == argc || !command_next_of(argv[optind], NULL)))
		return usage_all(), EXIT_DONE;
	if (run->help)
		return usage_of(argv[optind]), EXIT_DONE;
	if (optind == argc)
		return usage_no_command();
	run->command = command_find(argv + optind, argc - optind, &used);
	if (!run->command)
		return usage_unknown(argv[optind]);
	words = argc - optind - used;
	if (words < (int)words_least(run->command->words) ||
	    words > (int)words_most(run->command->words))
		return usage_wrong(run->command);
	for (int i = 0; i < words && i < (int)COUNT_OF(argument); i++)
		argument[i] = argv[optind + used + i];
	run->argument = argument[0];
	run->second = argument[1];
	run->third = argument[2];
	return options_check(run);
}

/* Whether JSON was asked for, also where the command line is wrong elsewhere. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* Who reads JSON learns from it what went wrong: {"result":"failed","error":TEXT}, if nothing has told yet. */
static void print_complaint(const struct run *run)
{
	json_t *shown;

	if (!complaint() || json_is_printed() || run->is_shown)
		return;
	shown = json_pack("{s:s, s:o}", "result", "failed", "error", json_of_text(complaint()));
	json_dumpf(shown, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(shown);
}

int main(int argc, char **argv)
{
	struct run run = {.socket = LBHA_RUNDIR "/control.sock", .client = {.fd = -1}};
	int status;

	if (argc > 1 && !strcmp(argv[1], "--complete"))
		return complete_print(argc - 2, argv + 2), EXIT_DONE;
	setlocale(LC_CTYPE, "C.UTF-8"); /* how wide characters are; the daemon speaks UTF-8, whatever ours is */
	status = parse(argc, argv, &run);
	if (status == EXIT_DONE && run.command) {
		run.paper = paper_of(stdout, run.colour);
		status = run.command->alone ? run.command->alone(&run) : run_command(&run);
	}
	if (wants_json(argc, argv))
		print_complaint(&run);
	if (fflush(stdout) || ferror(stdout))
		return complain(EXIT_FAILED, "cannot write: %s", strerror(errno));
	return status;
}
