/* Commands by which operators say what is to be: of instances (release, claim, priority), of the
 * director (maintenance), of servers (drain, disable, enable, weight). */
#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "config/override.h"
#include "ctl/drain.h"
#include "ctl/load.h"
#include "ctl/show.h"

/* ---- release, claim, priority, maintenance ---------------------------------------- */

static void print_warnings(json_t *lines)
{
	const json_t *line;
	size_t at;

	fflush(stdout);
	paper_clean(lines);
	json_array_foreach (lines, at, line)
		fprintf(stderr, "lbhactl: warning: %s\n", json_string_value(line));
}

/* What came of each object; `error` NULL: everything was done. */
int show_outcome(struct run *run, json_t *answer, const char *error)
{
	json_t *objects = json_object_get(answer, "objects"),
	       *lines = json_object_get(answer, "lines");

	if (run->json) {
		json_t *shown = json_pack("{s:s, s:O, s:O, s:s*}", "result",
					  error ? "failed" : "done", "objects", objects,
					  "warnings", lines, "error", error);

		print_json(shown);
		json_decref(shown);
	} else {
		paper_clean(objects);
		show_objects(&run->paper, objects);
		print_warnings(lines);
	}
	return error ? complain(EXIT_FAILED, "%s", error) : EXIT_DONE;
}

int run_outcome(struct run *run, json_t *result)
{
	return show_outcome(run, result, NULL);
}

int prepare_order(const struct run *run, json_t *request)
{
	bool all = run->options & OPTION_ALL;

	if (all == (run->argument != NULL))
		return complain(EXIT_USAGE, "%s takes the name of an instance, or --all",
				run->command->name);
	if (all)
		json_object_set_new(request, "all", json_true());
	return add_text(request, "instance", run->argument);
}

static int add_extras(const struct run *run, json_t *request)
{
	if (run->options & OPTION_TIMEOUT)
		json_object_set_new(request, "timeout",
				    json_real((double)run->timeout / (double)NSTIME_S));
	return add_text(request, "comment", run->comment);
}

/* What control would refuse as well: here it is a matter of usage. */
static bool is_priority(const char *text)
{
	struct override override = {.kind = OVERRIDE_PRIORITY, .object = "any"};

	snprintf(override.value, sizeof(override.value), "%s", text);
	return !strcmp(text, "auto") || !override_wrong(&override);
}

int prepare_priority(const struct run *run, json_t *request)
{
	int status = add_text(request, "instance", run->argument);

	if (!is_priority(run->second))
		return complain(EXIT_USAGE, "a priority is a number from 1 to 254, or auto");

	if (status == EXIT_DONE)
		status = add_text(request, "value", run->second);
	return status == EXIT_DONE ? add_extras(run, request) : status;
}

int prepare_maintenance(const struct run *run, json_t *request)
{
	int status = add_text(request, "value", run->argument);

	if (strcmp(run->argument, "on") != 0 && strcmp(run->argument, "off") != 0)
		return complain(EXIT_USAGE, "maintenance is on or off");
	return status == EXIT_DONE ? add_extras(run, request) : status;
}

int prepare_log(const struct run *run, json_t *request)
{
	int status = add_text(request, "value", run->argument);
	struct override override = {.kind = OVERRIDE_LOG, .object = OVERRIDE_DIRECTOR};

	snprintf(override.value, sizeof(override.value), "%s", run->argument);
	if (strcmp(run->argument, "auto") != 0 && override_wrong(&override))
		return complain(EXIT_USAGE, "a level is error, warning, info, debug or auto");
	return status == EXIT_DONE ? add_extras(run, request) : status;
}

/* ---- drain, disable, enable, weight ------------------------------------------------ */

/* SERVICE SERVER, or with --all the server alone. */
int prepare_state(const struct run *run, json_t *request)
{
	bool all = run->options & OPTION_ALL;
	int status;

	if (all == (run->second != NULL))
		return complain(EXIT_USAGE, "%s takes a service and a server, or --all and a server",
				run->command->name);
	if (all)
		json_object_set_new(request, "all", json_true());
	status = all ? EXIT_DONE : add_text(request, "service", run->argument);
	if (status == EXIT_DONE)
		status = add_text(request, "server", all ? run->argument : run->second);
	return status == EXIT_DONE ? add_extras(run, request) : status;
}

/* What control would refuse as well. */
static bool is_weight(const char *text)
{
	struct override override = {.kind = OVERRIDE_WEIGHT, .object = "any/any"};

	snprintf(override.value, sizeof(override.value), "%s", text);
	return !strcmp(text, "auto") || !override_wrong(&override);
}

int prepare_weight(const struct run *run, json_t *request)
{
	int status = add_text(request, "service", run->argument);

	if (!is_weight(run->third))
		return complain(EXIT_USAGE, "a weight is a number from 0 to 65535, or auto");
	if (status == EXIT_DONE)
		status = add_text(request, "server", run->second);
	if (status == EXIT_DONE)
		status = add_text(request, "value", run->third);
	return status == EXIT_DONE ? add_extras(run, request) : status;
}

/* With --timeout it waits until they are out of the table. */
int run_drain(struct run *run, json_t *result)
{
	struct drain_watch watch = {.client = &run->client, .silent = run->json};
	char error[CLIENT_ERROR];
	int status = EXIT_DONE;

	if (!run->json)
		status = show_outcome(run, result, NULL);
	if (run->options & OPTION_TIMEOUT &&
	    !drain_wait(&watch, json_object_get(result, "objects"), error))
		return complain(EXIT_FAILED, "%s", error);
	return run->json ? show_outcome(run, result, NULL) : status;
}

/* ---- overrides ------------------------------------------------------------------- */

int run_overrides(struct run *run, json_t *result)
{
	if (run->json) {
		print_json(result);
		return EXIT_DONE;
	}
	paper_clean(result);
	if (json_array_size(result))
		show_overrides(&run->paper, result, 0);
	return EXIT_DONE;
}

/* All overrides of the file are said as if the operator had said them now, or none. */
int prepare_load(const struct run *run, json_t *request)
{
	char error[LOAD_ERROR];
	json_t *loaded = load_file(run->argument, error);

	if (!loaded)
		return complain(EXIT_FAILED, "%s", error);
	json_object_update(request, loaded);
	json_decref(loaded);
	return EXIT_DONE;
}
