/* check: probes of one server, or of one check, one after the other: each is a request of its own, so that its
 * dialogue is shown as soon as it has ended, and nothing goes on when nobody looks any more. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/show.h"

static json_t *members(const struct run *run, json_t *request)
{
	if (run->second) {
		add_text(request, "service", run->argument);
		add_text(request, "server", run->second);
	} else {
		add_text(request, "check", run->argument);
	}
	return request;
}

int prepare_check(const struct run *run, json_t *request)
{
	members(run, request);
	return EXIT_DONE;
}

static bool has_passed(const json_t *probe)
{
	return !strcmp(json_text(probe, "result"), "passed");
}

/* The probe at that place; NULL after a complaint. The caller's. */
static json_t *ask_for(struct run *run, long long at)
{
	char error[CLIENT_ERROR];
	json_t *answer = NULL, *result = NULL;
	json_t *request = members(run, json_pack("{s:s, s:I}", "request", "check", "at", (json_int_t)at));

	if (client_ask(&run->client, request, run->command->patience, &answer, error)) {
		complain(EXIT_FAILED, "%s", error);
		return NULL;
	}
	if (json_truth(answer, "ok"))
		result = json_incref(json_object_get(answer, "result"));
	else
		paper_clean(answer), complain(EXIT_FAILED, "%s", json_text(answer, "error"));
	json_decref(answer);
	return result;
}

static void show(struct run *run, json_t *probe)
{
	if (run->json)
		return;
	paper_clean(probe);
	show_check(&run->paper, probe);
	fflush(run->paper.out);
}

/* Those of it that have not been asked for yet are asked for now. */
int run_check(struct run *run, json_t *result)
{
	json_t *probes = json_array();
	bool passed = has_passed(result), all = true;

	show(run, result);
	json_array_append(probes, result);
	for (long long at = 1; all && at < json_number(result, "of"); at++) {
		json_t *probe = ask_for(run, at);

		all = probe != NULL;
		if (!probe)
			break;
		show(run, probe);
		passed = passed && has_passed(probe);
		json_array_append_new(probes, probe);
	}
	passed = passed && all;
	if (run->json) {
		json_t *shown = json_pack("{s:s, s:O}", "result", passed ? "passed" : "failed", "probes", probes);

		print_json(shown);
		json_decref(shown);
	}
	json_decref(probes);
	return passed ? EXIT_DONE : EXIT_FAILED;
}
