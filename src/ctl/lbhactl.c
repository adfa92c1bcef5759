/* lbhactl: the operator's tool. Each command is a row: what it asks of the daemon, with how much
 * patience, and how the answer is shown. Exit status: 0 done, 1 failed, 2 usage, 3 no daemon, 4
 * degraded (`status`). */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/paper.h"
#include "ctl/problems.h"
#include "ctl/show.h"

enum exit_status {
	EXIT_DONE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NO_DAEMON,
	EXIT_DEGRADED,
};

/* One run of the program. */
struct run {
	const char *socket;
	bool json;
	const struct command *command;
	const char *argument; /* NULL: none */
	struct client client;
	struct paper paper;
};

struct command {
	const char *name, *argument, *help;
	nstime patience;
	/* Adds members to the request; an exit status other than EXIT_DONE ends the run. May be
	 * NULL. */
	int (*prepare)(const struct run *run, json_t *request);
	/* Shows a result. */
	int (*show)(struct run *run, json_t *result);
};

static int PRINTF_LIKE(2, 3) complain(int status, const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("lbhactl: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return status;
}

static void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putchar('\n');
}

static void print_lines(FILE *out, json_t *lines)
{
	const json_t *line;
	size_t at;

	paper_clean(lines);
	json_array_foreach (lines, at, line)
		fprintf(out, "%s\n", json_string_value(line));
}

/* ---- status, vrrp, services ------------------------------------------------------- */

static int run_status(struct run *run, json_t *result)
{
	if (run->json) {
		print_json(result);
	} else {
		paper_clean(result);
		show_status(&run->paper, result);
	}
	return problems_find(result, NULL, NULL) ? EXIT_DEGRADED : EXIT_DONE;
}

static const char *name_at(const void *array, size_t index)
{
	return json_string_value(json_object_get(json_array_get(array, index), "name"));
}

/* The member of an array with that name; NULL after a complaint that knows a better name. */
static json_t *named(json_t *array, const char *kind, const char *name)
{
	const char *near;
	json_t *member;
	size_t at;

	json_array_foreach (array, at, member)
		if (!strcmp(json_text(member, "name"), name))
			return member;
	near = text_nearest(name, name_at, array);
	if (near)
		complain(EXIT_FAILED, "no %s is called \"%s\"; did you mean \"%s\"?", kind, name,
			 near);
	else
		complain(EXIT_FAILED, "no %s is called \"%s\"%s", kind, name,
			 json_array_size(array) ? "" : ": this node has none");
	return NULL;
}

static int run_array(struct run *run, json_t *array, const char *kind,
		     void (*show_all)(const struct paper *, const json_t *, size_t),
		     void (*show_one)(const struct paper *, const json_t *))
{
	json_t *one = NULL;

	if (run->argument) {
		one = named(array, kind, run->argument);
		if (!one)
			return EXIT_FAILED;
	}
	if (run->json && one) {
		json_t *alone = json_pack("[O]", one);

		print_json(alone);
		json_decref(alone);
		return EXIT_DONE;
	}
	if (run->json) {
		print_json(array);
		return EXIT_DONE;
	}
	paper_clean(array);
	if (one)
		show_one(&run->paper, one);
	else if (json_array_size(array))
		show_all(&run->paper, array, 0);
	return EXIT_DONE;
}

static int run_vrrp(struct run *run, json_t *result)
{
	return run_array(run, result, "instance", show_instances, show_instance);
}

static int run_services(struct run *run, json_t *result)
{
	return run_array(run, result, "service", show_services, show_service);
}

/* ---- the others ------------------------------------------------------------------- */

static int run_config(struct run *run, json_t *result)
{
	if (run->json)
		print_json(result);
	else
		paper_lines(&run->paper, json_text(result, "config"));
	return EXIT_DONE;
}

static int run_ping(struct run *run, json_t *result)
{
	if (run->json) {
		print_json(result);
		return EXIT_DONE;
	}
	paper_clean(result);
	printf("lbhad %s answers", json_text(result, "version"));
	if (*json_text(result, "node"))
		printf(" for %s", json_text(result, "node"));
	printf(", generation %lld\n", json_number(result, "generation"));
	return EXIT_DONE;
}

static int prepare_plan(const struct run *run, json_t *request)
{
	char path[PATH_MAX];
	json_t *file;

	if (!run->argument)
		return EXIT_DONE;
	if (!realpath(run->argument, path))
		return complain(EXIT_FAILED, "cannot read %s: %s", run->argument, strerror(errno));
	file = json_string(path);
	if (!file || json_object_set_new(request, "file", file))
		return complain(EXIT_FAILED, "the name of the file is not UTF-8");
	return EXIT_DONE;
}

static int run_plan(struct run *run, json_t *result)
{
	json_t *lines = json_object_get(result, "lines");

	if (run->json) {
		json_t *plan = json_pack("{s:O}", "operations", lines);

		print_json(plan);
		json_decref(plan);
	} else {
		print_lines(stdout, lines);
	}
	return EXIT_DONE;
}

static int run_reload(struct run *run, json_t *result)
{
	json_t *lines = json_object_get(result, "lines");

	if (run->json) {
		json_t *reload = json_pack("{s:s, s:O}", "result", "applied", "lines", lines);

		print_json(reload);
		json_decref(reload);
	} else {
		print_lines(stdout, lines);
		puts("reloaded");
	}
	return EXIT_DONE;
}

/* Stopping has begun; done is when the process is gone. */
static int run_stop(struct run *run, UNUSED json_t *result)
{
	if (client_wait_end(&run->client, run->command->patience))
		return complain(EXIT_FAILED, "lbhad is stopping, but has not ended within %ds",
				(int)(run->command->patience / NSTIME_S));
	puts(run->json ? "{\n  \"result\": \"stopped\"\n}" : "lbhad has stopped");
	return EXIT_DONE;
}

/* ---- commands --------------------------------------------------------------------- */

#define QUESTION (10 * NSTIME_S)
#define COMMAND (120 * NSTIME_S)

static const struct command commands[] = {
	{"status", NULL, "what this director does and what is wrong, if anything", QUESTION, NULL,
	 run_status},
	{"vrrp", "NAME", "the VRRP instances, or one explained in words", QUESTION, NULL, run_vrrp},
	{"services", "NAME", "the services, or one with every probe", QUESTION, NULL, run_services},
	{"config", NULL, "the configuration in force on this node", QUESTION, NULL, run_config},
	{"plan", "FILE", "what a reload would do; nothing if nothing is to do", COMMAND,
	 prepare_plan, run_plan},
	{"reload", NULL, "read the configuration again and wait until it is in force", COMMAND,
	 NULL, run_reload},
	{"stop", NULL, "release everything, stop lbhad and wait until it is gone", COMMAND, NULL,
	 run_stop},
	{"ping", NULL, "whether lbhad answers", QUESTION / 2, NULL, run_ping},
};

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
	puts("usage: lbhactl [--socket PATH] [--json] COMMAND [ARGUMENT]\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		char words[64];

		snprintf(words, sizeof(words), commands[i].argument ? "%s [%s]" : "%s",
			 commands[i].name, commands[i].argument);
		printf("  %-16s %s\n", words, commands[i].help);
	}
	puts("\n"
	     "  --socket PATH    the control socket (" LBHA_RUNDIR "/control.sock)\n"
	     "  --json           JSON instead of text\n"
	     "  --help, --version\n\n"
	     "exit status: 0 done, 1 failed, 2 usage, 3 no lbhad runs, 4 status: not well");
}

/* The daemon's refusal: its reasons, then the sentence. */
static int refused(const struct run *run, json_t *answer)
{
	json_t *lines = json_object_get(answer, "lines");

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

static int run_command(struct run *run)
{
	char error[CLIENT_ERROR];
	json_t *request = json_pack("{s:s}", "request", run->command->name), *answer;
	int status = EXIT_DONE, err;

	if (run->command->prepare)
		status = run->command->prepare(run, request);
	if (status != EXIT_DONE) {
		json_decref(request);
		return status;
	}
	err = client_open(&run->client, run->socket, error);
	if (err) {
		json_decref(request);
		return complain(err == -ENOENT ? EXIT_NO_DAEMON : EXIT_FAILED, "%s", error);
	}
	err = client_ask(&run->client, request, run->command->patience, &answer, error);
	if (err == -EPIPE && run->command->show == run_stop)
		status = run_stop(run, NULL);
	else if (err)
		status = complain(EXIT_FAILED, "%s", error);
	else if (json_truth(answer, "ok"))
		status = run->command->show(run, json_object_get(answer, "result"));
	else
		status = refused(run, answer);
	if (!err)
		json_decref(answer);
	client_close(&run->client);
	return status;
}

/* Reads options (before or after the command); EXIT_DONE with *go: the command is to run. */
static int parse(int argc, char **argv, struct run *run, bool *go)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	const char *near;

	*go = false;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'h')
			return help(), EXIT_DONE;
		if (option == 'v')
			return puts("lbhactl " PACKAGE_VERSION), EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		if (option == 's')
			run->socket = optarg;
		else
			run->json = true;
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
	if (argc - optind > (run->command->argument ? 2 : 1))
		return complain(EXIT_USAGE, "%s takes %s", run->command->name,
				run->command->argument ? "one argument at most" : "no argument");
	run->argument = argv[optind + 1];
	*go = true;
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct run run = {.socket = LBHA_RUNDIR "/control.sock", .client = {.fd = -1}};
	bool go;
	int status = parse(argc, argv, &run, &go);

	if (go) {
		run.paper = paper_of(stdout);
		status = run_command(&run);
	}
	if (fflush(stdout) || ferror(stdout))
		return complain(EXIT_FAILED, "cannot write: %s", strerror(errno));
	return status;
}
